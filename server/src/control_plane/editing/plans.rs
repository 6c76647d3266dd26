//! What a sync would do with the edited definitions, target by target, by the very functions of a target's own pass.

use super::super::definitions::Placement;
use super::super::{Plane, refuse};
use super::compare::Difference;
use super::placed::clusters_of;
use super::preview::Ground;
use crate::reconcile::revisions;
use engine::definition::Definition;
use engine::source::{Credential, SourceError};
use futures::StreamExt;
use lockstep_types::PortError;
use lockstep_types::application::TargetRef;
use lockstep_types::edit::{EditEffect, EditedApplication};
use lockstep_types::plan::Plan;
use lockstep_types::revision::{PathChange, Revision, TargetRevision};
use lockstep_types::rollback::TargetPlan;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Plans made at once.
const AT_ONCE: usize = 4;
/// Targets that are planned; an edit of a set may concern thousands.
const MOST: usize = 60;

/// One target to plan.
struct Wanted {
    difference: Difference,
    cluster: String,
    /// Among the first ones.
    planned: bool,
}

impl Plane {
    /// Every application of the edit with its plans. One that cannot be told says why.
    pub(super) async fn edited(
        &self,
        ground: &Arc<Ground>,
        made: &Revision,
        differences: &[Difference],
    ) -> Vec<EditedApplication> {
        let mut wanted: Vec<Wanted> = Vec::new();
        for difference in differences {
            let Some((_, definition)) = &difference.after else {
                continue;
            };
            for cluster in clusters_of(definition, &ground.source, &ground.clusters) {
                wanted.push(Wanted {
                    difference: difference.clone(),
                    cluster,
                    planned: wanted.len() < MOST,
                });
            }
        }
        let plans: Vec<TargetPlan> = futures::stream::iter(wanted)
            .map(|wanted| {
                let (plane, ground, made) = (self.clone(), Arc::clone(ground), made.clone());
                async move { plane.edited_plan(&ground, &made, wanted).await }
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut by_application: BTreeMap<_, Vec<TargetPlan>> = BTreeMap::new();
        for plan in plans {
            by_application
                .entry(plan.target.application.id)
                .or_default()
                .push(plan);
        }
        differences
            .iter()
            .map(|difference| EditedApplication {
                application: difference.application.clone(),
                effect: difference.effect,
                targets: by_application
                    .remove(&difference.application.id)
                    .unwrap_or_default(),
            })
            .collect()
    }

    async fn edited_plan(&self, ground: &Ground, made: &Revision, wanted: Wanted) -> TargetPlan {
        let difference = &wanted.difference;
        let application = difference.application.clone();
        let mut view = TargetPlan {
            target: TargetRef {
                id: crate::store::target::id_of(application.id, &wanted.cluster),
                application,
                cluster: wanted.cluster.clone(),
            },
            plan: None,
            error: String::new(),
            automated: false,
        };
        let Some((seen, definition)) = &difference.after else {
            return view;
        };
        view.automated = definition.policy.automated && !definition.policy.suspend;
        if !wanted.planned {
            view.error = format!("only the first {MOST} targets are planned here");
            return view;
        }
        let planned = async {
            let at = self.edited_revision(ground, made, definition).await?;
            let loaded = self
                .edited_target(
                    &ground.source,
                    &difference.application,
                    (seen, definition),
                    &wanted.cluster,
                    &at,
                )
                .await
                .map_err(|error| error.to_string())?;
            self.plan_of(loaded, &at, false).await
        };
        match planned.await {
            Ok(plan) => {
                view.plan = Some(Plan {
                    target: view.target.id,
                    ..plan
                })
            }
            Err(why) => view.error = why,
        }
        view
    }

    /// The commit that a definition would be compared with: the edited one when it follows the branch of the edit, else
    /// what its revision resolves to, fetched when nobody has asked for it so far.
    async fn edited_revision(
        &self,
        ground: &Ground,
        made: &Revision,
        definition: &Definition,
    ) -> Result<Revision, String> {
        let (url, tracked) = (
            definition.source.repo_url.as_str(),
            &definition.source.target_revision,
        );
        if self.follows(ground, url, tracked).await {
            return Ok(made.clone());
        }
        if let Ok(known) = self.runtime.resolve(url, tracked).await {
            return Ok(known);
        }
        self.fetched(url, tracked).await
    }

    /// Whether a revision is the branch that the edit commits to.
    async fn follows(&self, ground: &Ground, url: &str, tracked: &TargetRevision) -> bool {
        if self.runtime.repository_key(url) != ground.repository {
            return false;
        }
        let mut follows = ground.follows.lock().await;
        if let Some(known) = follows.get(tracked) {
            return *known;
        }
        let branch = self
            .runtime
            .mirrors()
            .branch_of(url, &ground.credential, tracked)
            .await;
        let found = matches!(branch, Ok(Some(branch)) if branch == ground.branch);
        follows.insert(tracked.clone(), found);
        found
    }

    async fn fetched(&self, url: &str, tracked: &TargetRevision) -> Result<Revision, String> {
        let said = |error: SourceError| refuse::with_next(&error.to_string(), error.next());
        let credential: Credential = self
            .credential(url)
            .await
            .map_err(|error| error.to_string())?;
        let _permit = self
            .runtime
            .limits()
            .fetches
            .acquire()
            .await
            .map_err(|_| "the server is stopping".to_owned())?;
        let within = self.runtime.settings().fetch_within;
        let fetch = self
            .runtime
            .mirrors()
            .fetch(url, &credential, std::slice::from_ref(tracked));
        let mut answers = tokio::time::timeout(within, fetch)
            .await
            .map_err(|_| format!("{url} did not finish a fetch within {} s", within.as_secs()))?
            .map_err(said)?;
        answers
            .remove(tracked)
            .unwrap_or_else(|| {
                Err(SourceError::NoSuchRevision {
                    url: url.to_owned(),
                    revision: tracked.0.clone(),
                })
            })
            .map_err(said)
    }

    /// Applications whose definitions stay and that render the edited file, with their plans at the commit.
    pub(super) async fn rendering(
        &self,
        ground: &Ground,
        made: &Revision,
        changed: &[PathChange],
        but: &[Difference],
    ) -> Result<Vec<EditedApplication>, PortError> {
        let known: BTreeSet<_> = but
            .iter()
            .map(|difference| difference.application.id)
            .collect();
        let mut found: Vec<Placement> = Vec::new();
        for placement in self.all_placements().await? {
            if known.contains(&placement.defined.row.id)
                || !self.touched(&placement, &ground.repository, changed)
            {
                continue;
            }
            // Any of its sources may be the one that reads here.
            for source in revisions::sources(&placement.defined.definition) {
                if self
                    .follows(ground, &source.repo_url, &source.target_revision)
                    .await
                {
                    found.push(placement.clone());
                    break;
                }
            }
        }
        let plans = self
            .plans(&found, &ground.source.repo_url, made, false)
            .await;
        let mut applications: BTreeMap<_, EditedApplication> = BTreeMap::new();
        for plan in plans {
            applications
                .entry(
                    plan.target.application.name.clone() + &plan.target.application.id.to_string(),
                )
                .or_insert_with(|| EditedApplication {
                    application: plan.target.application.clone(),
                    effect: EditEffect::Rendered,
                    targets: Vec::new(),
                })
                .targets
                .push(plan);
        }
        Ok(applications.into_values().collect())
    }
}
