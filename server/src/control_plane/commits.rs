//! Finding commits, and where they are: live, waiting or failed on each target that reads what they touch.

use super::definitions::{Defined, Placement};
use super::{Plane, names, paths, refuse};
use crate::store;
use engine::source::Mirrors;
use lockstep_types::PortError;
use lockstep_types::fleet::{CommitOnTarget, RolloutState};
use lockstep_types::id::ApplicationId;
use lockstep_types::revision::{CommitInfo, Revision};
use lockstep_types::sync::{RunSummary, SyncPhase};
use lockstep_types::time::Micros;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Commits of a history that are known at once; older ones are asked for one by one.
const KNOWN: u32 = 2_000;
/// Runs of a target that are looked at.
const RUNS: u64 = 100;

/// All repositories that are read: normal form to the URL as it was written first.
#[derive(Debug, Clone, Default)]
pub(super) struct Repositories(BTreeMap<String, String>);

impl Repositories {
    /// The URL to ask by; the normal form will do when it is not written anywhere.
    pub(super) fn url<'a>(&'a self, key: &'a str) -> &'a str {
        self.0.get(key).map_or(key, String::as_str)
    }

    pub(super) fn keys(&self) -> BTreeSet<String> {
        self.0.keys().cloned().collect()
    }

    /// The name in addresses.
    pub(super) fn slug(&self, key: &str) -> String {
        names::slug(key, &self.keys())
    }

    /// The repository that an address means.
    pub(super) fn by_slug(&self, slug: &str) -> Option<String> {
        names::by_slug(slug, &self.keys()).cloned()
    }
}

/// A commit of a known repository.
#[derive(Debug, Clone)]
pub(super) struct Located {
    /// Normal form of the repository's URL.
    pub key: String,
    pub url: String,
    pub info: CommitInfo,
    /// Applications that read what it touches.
    pub applications: BTreeSet<ApplicationId>,
}

impl Plane {
    /// Every repository that a source or an application reads.
    pub(super) async fn repositories(
        &self,
        defined: &BTreeMap<ApplicationId, Defined>,
    ) -> Result<Repositories, PortError> {
        let sources = store::source::list(self.runtime.store())
            .await
            .map_err(refuse::store)?;
        let urls = sources
            .iter()
            .map(|source| source.repo_url.as_str())
            .chain(defined.values().map(Defined::repo_url));
        let mut all = BTreeMap::new();
        for url in urls {
            all.entry(self.runtime.repository_key(url))
                .or_insert_with(|| url.to_owned());
        }
        Ok(Repositories(all))
    }

    /// The commit whose id begins so; `None` when no repository has one.
    ///
    /// # Errors
    /// When several begin so.
    pub(super) async fn locate(
        &self,
        beginning: &str,
        defined: &BTreeMap<ApplicationId, Defined>,
    ) -> Result<Option<Located>, PortError> {
        if !(4..=40).contains(&beginning.len())
            || !beginning.bytes().all(|byte| byte.is_ascii_hexdigit())
        {
            return Err(PortError::invalid(
                "commit",
                "write four to forty hexadecimal digits",
            ));
        }
        let repositories = self.repositories(defined).await?;
        let seen = store::commit::by_prefix(self.runtime.store(), beginning)
            .await
            .map_err(refuse::store)?;
        let mut found: Vec<Located> = seen
            .into_iter()
            .map(|seen| Located {
                url: repositories.url(&seen.repo_url).to_owned(),
                key: seen.repo_url,
                info: seen.info,
                applications: seen.applications,
            })
            .collect();
        if found.is_empty() {
            for key in repositories.keys() {
                let url = repositories.url(&key).to_owned();
                // A repository that was never fetched has no commits.
                let Ok(Some(revision)) = self.runtime.mirrors().expand(&url, beginning).await
                else {
                    continue;
                };
                if let Ok(info) = self.runtime.mirrors().commit(&url, &revision).await {
                    found.push(Located {
                        key,
                        url,
                        info,
                        applications: BTreeSet::new(),
                    });
                }
            }
        }
        let shas: BTreeSet<Revision> = found
            .iter()
            .map(|located| located.info.revision.clone())
            .collect();
        if shas.len() > 1 {
            return Err(PortError::invalid(
                "commit",
                format!("several commits begin with {beginning}; write more digits"),
            ));
        }
        for located in &mut found {
            self.complete(located, defined).await?;
        }
        // The same commit in a fork: the one that somebody reads.
        found.sort_by_key(|located| located.applications.is_empty());
        Ok(found.into_iter().next())
    }

    /// Adds applications that did not exist when the commit was recorded, or read more than was known then.
    pub(super) async fn complete(
        &self,
        located: &mut Located,
        defined: &BTreeMap<ApplicationId, Defined>,
    ) -> Result<(), PortError> {
        let here: Vec<&Defined> = defined
            .values()
            .filter(|application| {
                self.runtime.repository_key(application.repo_url()) == located.key
            })
            .filter(|application| !located.applications.contains(&application.row.id))
            .collect();
        if here.is_empty() {
            return Ok(());
        }
        let parent = located.info.parents.first();
        let changed = self
            .runtime
            .mirrors()
            .changed(&located.url, parent, &located.info.revision, &[])
            .await;
        let Ok(changed) = changed else { return Ok(()) };
        for application in here {
            if paths::touches(&changed, &self.reads(application)) {
                located.applications.insert(application.row.id);
            }
        }
        Ok(())
    }

    /// What the newest render of an application read; its own path before there was one.
    pub(super) fn reads(&self, application: &Defined) -> Vec<String> {
        self.runtime
            .memory()
            .inputs(application.row.id)
            .filter(|inputs| !inputs.is_empty())
            .unwrap_or_else(|| vec![application.definition.source.path.clone()])
    }
}

/// Which commits a revision contains, asked once per revision.
#[derive(Debug)]
pub(super) struct Ancestry {
    mirrors: Mirrors,
    known: HashMap<(String, Revision), Arc<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    commits: BTreeSet<Revision>,
    /// Nothing older is missing.
    complete: bool,
}

impl Ancestry {
    pub(super) fn new(mirrors: &Mirrors) -> Self {
        Self {
            mirrors: mirrors.clone(),
            known: HashMap::new(),
        }
    }

    /// Whether `newer` contains `older`. What cannot be told is not claimed.
    pub(super) async fn contains(&mut self, url: &str, newer: &Revision, older: &Revision) -> bool {
        if newer == older {
            return true;
        }
        let place = (url.to_owned(), newer.clone());
        let known = match self.known.get(&place) {
            Some(known) => Arc::clone(known),
            None => {
                let known = match self.mirrors.log(url, newer, &[], KNOWN).await {
                    Ok(log) => Known {
                        complete: u32::try_from(log.len()).is_ok_and(|length| length < KNOWN),
                        commits: log.into_iter().map(|commit| commit.revision).collect(),
                    },
                    Err(_) => Known::default(),
                };
                let known = Arc::new(known);
                self.known.insert(place, Arc::clone(&known));
                known
            }
        };
        if known.commits.contains(older) {
            return true;
        }
        !known.complete
            && self
                .mirrors
                .is_ancestor(url, older, newer)
                .await
                .unwrap_or(false)
    }
}

/// Runs of targets, read once each.
#[derive(Debug, Default)]
pub(super) struct Runs(HashMap<lockstep_types::id::TargetId, Arc<Vec<RunSummary>>>);

impl Runs {
    async fn of(
        &mut self,
        plane: &Plane,
        target: lockstep_types::id::TargetId,
    ) -> Result<Arc<Vec<RunSummary>>, PortError> {
        if let Some(runs) = self.0.get(&target) {
            return Ok(Arc::clone(runs));
        }
        let runs = store::run::of_target(plane.runtime.store(), target, None, RUNS)
            .await
            .map_err(refuse::store)?;
        let runs = Arc::new(runs);
        self.0.insert(target, Arc::clone(&runs));
        Ok(runs)
    }
}

impl Plane {
    /// Where a commit is on every target of the applications it touches, by application and cluster.
    pub(super) async fn on_targets(
        &self,
        located: &Located,
        placements: &[Placement],
        ancestry: &mut Ancestry,
        runs: &mut Runs,
    ) -> Result<Vec<CommitOnTarget>, PortError> {
        let mut found = Vec::new();
        for placement in placements
            .iter()
            .filter(|placement| located.applications.contains(&placement.target.application))
        {
            found.push(self.on_target(located, placement, ancestry, runs).await?);
        }
        found.sort_by(|one, other| {
            (&one.target.application.name, &one.target.cluster)
                .cmp(&(&other.target.application.name, &other.target.cluster))
        });
        Ok(found)
    }

    async fn on_target(
        &self,
        located: &Located,
        placement: &Placement,
        ancestry: &mut Ancestry,
        runs: &mut Runs,
    ) -> Result<CommitOnTarget, PortError> {
        let target = placement.reference();
        let (url, sha) = (&located.url, &located.info.revision);
        let runs = runs.of(self, placement.target.id).await?;
        if let Some(deployed) = placement.runs_at()
            && ancestry.contains(url, deployed, sha).await
        {
            let mut at = self.compared_since(placement, deployed).await?;
            for run in runs.iter().filter(|run| run.phase == SyncPhase::Succeeded) {
                if !ancestry.contains(url, &run.revision, sha).await {
                    break;
                }
                at = run.ended_at.or(at);
            }
            return Ok(CommitOnTarget {
                target,
                state: RolloutState::Live,
                why: String::new(),
                at,
            });
        }
        let newest = runs.iter().find(|run| run.phase.is_final());
        if let Some(run) = newest.filter(|run| run.phase == SyncPhase::Failed)
            && ancestry.contains(url, &run.revision, sha).await
        {
            let why = if run.message.is_empty() {
                "The sync failed".to_owned()
            } else {
                run.message.clone()
            };
            return Ok(CommitOnTarget {
                target,
                state: RolloutState::Failed,
                why,
                at: run.ended_at,
            });
        }
        let tracked = placement
            .defined
            .definition
            .source
            .target_revision
            .name()
            .to_owned();
        let follows = match &placement.target.state.revision {
            Some(revision) => ancestry.contains(url, revision, sha).await,
            None => false,
        };
        let why = match (&placement.target.state.reason, follows) {
            (_, false) => format!("{tracked} does not contain it"),
            (Some(reason), true) => reason.sentence(),
            (None, true) => "It waits for its sync".to_owned(),
        };
        Ok(CommitOnTarget {
            target,
            state: RolloutState::Waiting,
            why,
            at: None,
        })
    }

    /// Since when the target was compared with the revision it is at: the best there is without a run of ours.
    async fn compared_since(
        &self,
        placement: &Placement,
        at: &Revision,
    ) -> Result<Option<Micros>, PortError> {
        let row = store::status::revision(self.runtime.store(), placement.target.id, at)
            .await
            .map_err(refuse::store)?;
        Ok(row.map(|row| row.first_at))
    }
}

/// From the commit until it was live everywhere; `None` while it is not.
pub(super) fn lead_time(info: &CommitInfo, targets: &[CommitOnTarget]) -> Option<i64> {
    if targets.is_empty()
        || targets
            .iter()
            .any(|target| target.state != RolloutState::Live)
    {
        return None;
    }
    let last = targets
        .iter()
        .map(|target| target.at)
        .collect::<Option<Vec<Micros>>>()?
        .into_iter()
        .max()?;
    Some(last.seconds_since(info.committed_at).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::example;

    #[test]
    fn lead_time_ends_where_it_is_live_last() {
        let commit = example::commit('a', "x", 100);
        let on = |cluster: &str, state: RolloutState, at: Option<i64>| CommitOnTarget {
            target: example::reference("cart", "shop", cluster),
            state,
            why: String::new(),
            at: at.map(Micros::from_seconds),
        };
        let live = |at| on("a", RolloutState::Live, at);
        assert_eq!(
            lead_time(&commit, &[live(Some(160)), live(Some(220))]),
            Some(120)
        );
        assert_eq!(
            lead_time(
                &commit,
                &[live(Some(160)), on("b", RolloutState::Waiting, None)]
            ),
            None
        );
        assert_eq!(lead_time(&commit, &[live(None)]), None);
        assert_eq!(lead_time(&commit, &[]), None);
    }
}
