//! The head of the application page: the application, its whole group, and what was the last good state.

use super::super::definitions::Defined;
use super::super::fleet::{badness, scope};
use super::super::sources::sets;
use super::super::{Plane, refuse};
use super::links;
use crate::reconcile::windows;
use crate::runtime::now;
use crate::store;
use crate::store::target::Which;
use engine::definition::DefinedSource;
use lockstep_types::PortError;
use lockstep_types::application::{ApplicationView, MoreSourceView, TargetSummary};
use lockstep_types::id::ApplicationId;
use lockstep_types::revision::{CommitInfo, Revision};
use lockstep_types::rollback::Judgement;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Good revisions that are looked at for one that nobody marked as bad.
const LOOKED_AT: usize = 20;

impl Plane {
    pub(super) async fn head_of(
        &self,
        id: ApplicationId,
        cluster: &str,
    ) -> Result<ApplicationView, PortError> {
        let db = self.runtime.store();
        let head = store::event::head(db).await.map_err(refuse::store)?;
        let defined = self.defined(id).await?;
        let mut targets = self.group_of(&defined).await?;
        order(&mut targets, id, cluster);
        if let Some(first) = targets.first()
            && !cluster.is_empty()
            && first.target.cluster != cluster
        {
            return Err(PortError::NotFound(format!(
                "{} on the cluster {cluster}",
                defined.row.name
            )));
        }
        let selected = targets.first();
        let source = match defined.row.source {
            Some(source) => Some(
                store::source::get(db, source)
                    .await
                    .map_err(refuse::store)?,
            ),
            None => None,
        };
        let commit = match selected.and_then(|selected| selected.revision.as_ref()) {
            Some(revision) => self
                .runtime
                .mirrors()
                .commit(defined.repo_url(), revision)
                .await
                .ok(),
            None => None,
        };
        let last_healthy = match selected {
            Some(selected) => self.last_healthy(&defined, selected).await?,
            None => None,
        };
        let definition = &defined.definition;
        let window = match (selected, &source) {
            (Some(selected), Some(source)) => {
                let (cluster, home) = (&selected.target.cluster, &source.home_cluster);
                windows::of(db, definition, cluster, home, now())
                    .await
                    .map_err(refuse::store)?
            }
            _ => None,
        };
        Ok(ApplicationView {
            application: defined.reference(),
            group: defined.row.group.clone(),
            dialect: defined.row.dialect,
            source: source
                .as_ref()
                .map_or(lockstep_types::id::SourceId(uuid::Uuid::nil()), |source| {
                    source.id
                }),
            source_name: source.map(|source| source.name).unwrap_or_default(),
            spec: definition.source.spec(),
            more_sources: self.more_sources(&defined, selected).await?,
            destination_namespace: definition.destination.namespace.clone(),
            policy: definition.policy.clone(),
            window,
            labels: definition.labels.clone(),
            orphans: selected
                .and_then(|selected| self.orphan_watch(definition, selected.target.id)),
            set: definition.set.as_ref().map(sets::reference),
            // Depends on who asks.
            rollout: None,
            links: links::links(&definition.annotations),
            commit,
            targets,
            last_healthy,
            head,
        })
    }

    /// The further sources, with what the selected target was last compared with.
    async fn more_sources(
        &self,
        defined: &Defined,
        selected: Option<&TargetSummary>,
    ) -> Result<Vec<MoreSourceView>, PortError> {
        let sources = &defined.definition.more_sources;
        let known = match selected.and_then(|selected| {
            let revision = selected.revision.as_ref()?;
            Some((selected.target.id, revision))
        }) {
            Some((target, revision)) if !sources.is_empty() => {
                store::beside::of_revision(self.runtime.store(), target, revision)
                    .await
                    .map_err(refuse::store)?
            }
            _ => Vec::new(),
        };
        let view = |(place, source): (usize, &DefinedSource)| MoreSourceView {
            spec: source.spec(),
            reference: source.reference.clone(),
            only_lends: source.only_lends,
            revision: known
                .get(place)
                .filter(|known| known.repo_url == source.repo_url)
                .map(|known| known.revision.clone()),
        };
        Ok(sources.iter().enumerate().map(view).collect())
    }

    /// All targets of the group; also those of an application that is gone, which stands alone.
    async fn group_of(&self, defined: &Defined) -> Result<Vec<TargetSummary>, PortError> {
        let db = self.runtime.store();
        let rows = store::application::by_group(db, &defined.row.project, &defined.row.group)
            .await
            .map_err(refuse::store)?;
        let own = scope(defined);
        let mut ids: Vec<ApplicationId> = rows
            .into_iter()
            .filter_map(|row| Defined::of(row).ok())
            .filter(|other| scope(other) == own)
            .map(|other| other.row.id)
            .collect();
        if !ids.contains(&defined.row.id) {
            ids = vec![defined.row.id];
        }
        store::target::summaries(db, &Which::Applications(ids))
            .await
            .map_err(refuse::store)
    }

    /// The newest commit of the input paths at the last revision that was Synced and Healthy and rendered otherwise than
    /// the present one.
    async fn last_healthy(
        &self,
        defined: &Defined,
        selected: &TargetSummary,
    ) -> Result<Option<CommitInfo>, PortError> {
        let target = selected.target.id;
        let good = self.good_revisions(target).await?;
        let bad: BTreeSet<Revision> = store::mark::of_target(self.runtime.store(), target)
            .await
            .map_err(refuse::store)?
            .into_iter()
            .filter(|mark| mark.judgement == Judgement::Bad)
            .map(|mark| mark.revision)
            .collect();
        let reads = self.reads(defined);
        let mirrors = self.runtime.mirrors();
        for revision in good.iter().take(LOOKED_AT) {
            let log = mirrors.log(defined.repo_url(), revision, &reads, 1).await;
            let commit = match log.ok().and_then(|log| log.into_iter().next()) {
                Some(commit) => Some(commit),
                None => mirrors.commit(defined.repo_url(), revision).await.ok(),
            };
            // People mark the commit that made the state; others may have deployed it again.
            if commit
                .as_ref()
                .is_none_or(|commit| !bad.contains(&commit.revision))
            {
                return Ok(commit);
            }
        }
        Ok(None)
    }
}

/// The selected target first, then the application's own, worst first, then the rest of the group by cluster.
fn order(targets: &mut [TargetSummary], own: ApplicationId, cluster: &str) {
    targets.sort_by_key(|summary| {
        let target = &summary.target;
        let selected = !cluster.is_empty() && target.cluster == cluster;
        let mine = target.application.id == own;
        let worse = if mine {
            Reverse(badness(summary))
        } else {
            Reverse(0)
        };
        (
            !(selected && mine),
            !selected,
            !mine,
            worse,
            target.cluster.clone(),
            target.application.name.clone(),
        )
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::example;
    use lockstep_types::health::{Health, HealthStatus};

    #[test]
    fn the_selected_target_leads() {
        let mut bad = example::target("cart", "shop", "b");
        bad.health = Health::new(HealthStatus::Degraded, "");
        let own = bad.target.application.id;
        let all = || {
            vec![
                example::target("cart-x", "shop", "a"),
                example::target("cart", "shop", "c"),
                bad.clone(),
            ]
        };
        let text = |targets: &[TargetSummary]| {
            targets
                .iter()
                .map(|summary| {
                    format!(
                        "{}@{}",
                        summary.target.application.name, summary.target.cluster
                    )
                })
                .collect::<Vec<_>>()
        };
        let mut worst = all();
        order(&mut worst, own, "");
        assert_eq!(text(&worst), ["cart@b", "cart@c", "cart-x@a"]);
        let mut chosen = all();
        order(&mut chosen, own, "c");
        assert_eq!(text(&chosen), ["cart@c", "cart@b", "cart-x@a"]);
        let mut sibling = all();
        order(&mut sibling, own, "a");
        assert_eq!(text(&sibling), ["cart-x@a", "cart@b", "cart@c"]);
    }
}
