//! The states one may go back to: commits of the input paths, with what is known of each on this target.

use super::super::commits::Ancestry;
use super::super::definitions::Placement;
use super::super::{Plane, refuse};
use crate::store;
use lockstep_types::PortError;
use lockstep_types::revision::{CommitInfo, Revision};
use lockstep_types::rollback::{Judgement, RevisionMark, RollbackCandidate};
use lockstep_types::sync::SyncPhase;
use lockstep_types::time::Micros;
use std::collections::{BTreeMap, BTreeSet};

/// Commits that are offered.
const COMMITS: u32 = 100;
/// Runs that are looked at.
const RUNS: u64 = 200;
/// Revisions that were never the newest commit of the paths and are looked up one by one.
const LOOKUPS: usize = 60;

/// What is known of states on a target, by the commit that made each.
#[derive(Debug, Clone, Default)]
struct Known {
    ran_at: BTreeMap<Revision, Micros>,
    healthy: BTreeSet<Revision>,
    /// Commits of good states, the latest first.
    good: Vec<Revision>,
    /// What people say, by the commit that made the state; the latest word counts.
    marks: BTreeMap<Revision, RevisionMark>,
}

impl Plane {
    pub(super) async fn candidates_of(
        &self,
        placement: &Placement,
    ) -> Result<Vec<RollbackCandidate>, PortError> {
        let db = self.runtime.store();
        let target = placement.target.id;
        let mut commits = self.commits_of(placement, COMMITS).await;
        let good = self.good_revisions(target).await?;
        let mut runs = store::run::of_target(db, target, None, RUNS)
            .await
            .map_err(refuse::store)?;
        // Some objects of a revision, or none, are not the revision.
        runs.retain(|run| !run.once.is_partial());

        let marks = store::mark::of_target(db, target)
            .await
            .map_err(refuse::store)?;

        // Many revisions of a shared repository are one state here: that of the newest commit of the input paths.
        let mut made_by: BTreeMap<Revision, Revision> = commits
            .iter()
            .map(|commit| (commit.revision.clone(), commit.revision.clone()))
            .collect();
        let asked = marks
            .iter()
            .map(|mark| &mark.revision)
            .chain(&good)
            .chain(runs.iter().map(|run| &run.revision));
        let mut met = BTreeSet::new();
        let unknown: Vec<&Revision> = asked
            .filter(|revision| !made_by.contains_key(*revision) && met.insert(*revision))
            .take(LOOKUPS)
            .collect();
        let reads = self.reads(&placement.defined);
        for revision in unknown {
            let log = self
                .runtime
                .mirrors()
                .log(placement.defined.repo_url(), revision, &reads, 1)
                .await;
            let Some(commit) = log.ok().and_then(|log| log.into_iter().next()) else {
                continue;
            };
            made_by.insert(revision.clone(), commit.revision.clone());
            if commits
                .iter()
                .all(|known| known.revision != commit.revision)
            {
                commits.push(commit);
            }
        }

        let mut known = Known::default();
        for run in runs.iter().filter(|run| run.phase == SyncPhase::Succeeded) {
            if let (Some(commit), Some(at)) = (made_by.get(&run.revision), run.ended_at) {
                let newest = known.ran_at.entry(commit.clone()).or_insert(at);
                *newest = at.max(*newest);
            }
        }
        for revision in &good {
            if let Some(commit) = made_by.get(revision) {
                known.healthy.insert(commit.clone());
                known.good.push(commit.clone());
            }
        }
        for mark in marks {
            if let Some(commit) = made_by.get(&mark.revision) {
                known.marks.entry(commit.clone()).or_insert(mark);
            }
        }
        let present = self.present_state(placement, &commits).await;
        Ok(offered(commits, &known, present.as_ref()))
    }

    /// The commit that made the present state: the newest one that what runs contains.
    async fn present_state(
        &self,
        placement: &Placement,
        commits: &[CommitInfo],
    ) -> Option<Revision> {
        let runs_at = placement
            .runs_at()
            .or(placement.target.state.revision.as_ref())?;
        let url = placement.defined.repo_url();
        let mut ancestry = Ancestry::new(self.runtime.mirrors());
        for commit in commits {
            if ancestry.contains(url, runs_at, &commit.revision).await {
                return Some(commit.revision.clone());
            }
        }
        None
    }
}

/// All but the present state, newest first.
fn offered(
    mut commits: Vec<CommitInfo>,
    known: &Known,
    present: Option<&Revision>,
) -> Vec<RollbackCandidate> {
    commits.retain(|commit| Some(&commit.revision) != present);
    commits.sort_by_key(|commit| std::cmp::Reverse(commit.committed_at));
    let judged = |revision: &Revision| known.marks.get(revision).map(|mark| mark.judgement);
    let last_healthy = known
        .good
        .iter()
        .find(|revision| Some(*revision) != present && judged(revision) != Some(Judgement::Bad));
    commits
        .into_iter()
        .map(|commit| RollbackCandidate {
            ran_at: known.ran_at.get(&commit.revision).copied(),
            healthy: match judged(&commit.revision) {
                Some(judgement) => judgement == Judgement::Good,
                None => known.healthy.contains(&commit.revision),
            },
            mark: known.marks.get(&commit.revision).cloned(),
            last_healthy: last_healthy == Some(&commit.revision),
            commit,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::example;

    #[test]
    fn the_present_state_is_not_offered_and_the_last_good_one_is_marked() {
        let commits = vec![
            example::commit('a', "oldest", 10),
            example::commit('c', "present", 30),
            example::commit('b', "good", 20),
        ];
        let known = Known {
            ran_at: BTreeMap::from([
                (example::revision('b'), Micros(21)),
                (example::revision('c'), Micros(31)),
            ]),
            healthy: BTreeSet::from([
                example::revision('a'),
                example::revision('b'),
                example::revision('c'),
            ]),
            good: vec![
                example::revision('c'),
                example::revision('b'),
                example::revision('a'),
            ],
            marks: BTreeMap::new(),
        };
        let offered = offered(commits, &known, Some(&example::revision('c')));
        let text: Vec<_> = offered
            .iter()
            .map(|candidate| {
                (
                    candidate.commit.subject.as_str(),
                    candidate.ran_at.is_some(),
                    candidate.healthy,
                    candidate.last_healthy,
                )
            })
            .collect();
        assert_eq!(
            text,
            [("good", true, true, true), ("oldest", false, true, false)]
        );
    }
}
