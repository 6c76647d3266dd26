//! Where a commit is: live, waiting or failed on each target that reads what it touches.

use super::super::definitions::Placement;
use super::super::{Plane, refuse};
use super::{Ancestry, Located};
use crate::store;
use crate::store::commit::CommitRender;
use lockstep_types::PortError;
use lockstep_types::activity::RenderOutcome;
use lockstep_types::diff::SyncStatus;
use lockstep_types::fleet::{CommitOnTarget, RolloutState};
use lockstep_types::id::TargetId;
use lockstep_types::reason::{Reason, ReasonCode};
use lockstep_types::revision::{CommitInfo, Revision, SourceRevision};
use lockstep_types::sync::{RunSummary, SyncPhase};
use lockstep_types::time::Micros;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Runs of a target that are looked at.
const RUNS: u64 = 100;
/// How the words of a commit begin that comes to no manifests.
pub(crate) const BROKEN: &str = "render broken: ";
/// What a commit made render; read when somebody wants to know.
type Renders = OnceCell<Vec<CommitRender>>;

/// Runs of targets, read once each.
#[derive(Debug, Default)]
pub(in super::super) struct Runs(HashMap<TargetId, Arc<Vec<RunSummary>>>);

impl Runs {
    async fn of(
        &mut self,
        plane: &Plane,
        target: TargetId,
    ) -> Result<Arc<Vec<RunSummary>>, PortError> {
        if let Some(runs) = self.0.get(&target) {
            return Ok(Arc::clone(runs));
        }
        let mut runs = store::run::of_target(plane.runtime.store(), target, None, RUNS)
            .await
            .map_err(refuse::store)?;
        // A sync of some objects, or of none, brings no commit.
        runs.retain(|run| !run.once.is_partial());
        let runs = Arc::new(runs);
        self.0.insert(target, Arc::clone(&runs));
        Ok(runs)
    }
}

/// A target as seen from one repository.
struct Standing {
    deployed: Option<Revision>,
    compared: Option<Revision>,
    /// Newest first.
    runs: Arc<Vec<RunSummary>>,
    /// The revision that is followed, as written.
    tracked: String,
}

impl Plane {
    /// Where a commit is on every target of the applications it touches, by application and cluster.
    pub(in super::super) async fn on_targets(
        &self,
        located: &Located,
        placements: &[Placement],
        ancestry: &mut Ancestry,
        runs: &mut Runs,
    ) -> Result<Vec<CommitOnTarget>, PortError> {
        let mut found = Vec::new();
        let renders = Renders::new();
        for placement in placements
            .iter()
            .filter(|placement| located.applications.contains(&placement.target.application))
        {
            let on = self.on_target(located, placement, ancestry, runs, &renders);
            found.push(on.await?);
        }
        found.sort_by(|one, other| {
            (&one.target.application.name, &one.target.cluster)
                .cmp(&(&other.target.application.name, &other.target.cluster))
        });
        Ok(found)
    }

    /// Where a target stands in the commit's repository. Runs and states name revisions of the first source; those of
    /// a further one stand beside them.
    async fn standing(
        &self,
        located: &Located,
        placement: &Placement,
        runs: Arc<Vec<RunSummary>>,
    ) -> Result<Standing, PortError> {
        let definition = &placement.defined.definition;
        let is_here = |url: &str| self.runtime.repository_key(url) == located.key;
        let state = &placement.target.state;
        let further = definition
            .more_sources
            .iter()
            .find(|source| is_here(&source.repo_url));
        let Some(further) = further.filter(|_| !is_here(&definition.source.repo_url)) else {
            return Ok(Standing {
                deployed: placement.runs_at().cloned(),
                compared: state.revision.clone(),
                runs,
                tracked: definition.source.target_revision.name().to_owned(),
            });
        };
        let here = |beside: &[SourceRevision]| {
            let found = beside.iter().find(|source| is_here(&source.repo_url));
            found.map(|source| source.revision.clone())
        };
        let (db, id) = (self.runtime.store(), placement.target.id);
        let compared = match &state.revision {
            Some(revision) => store::beside::of_revision(db, id, revision).await,
            None => Ok(Vec::new()),
        };
        let compared = here(&compared.map_err(refuse::store)?);
        let ids: Vec<_> = runs.iter().map(|run| run.id).collect();
        let beside = store::beside::of_runs(db, id, &ids).await;
        let beside = beside.map_err(refuse::store)?;
        let runs: Vec<RunSummary> = runs
            .iter()
            .filter_map(|run| {
                Some(RunSummary {
                    revision: here(beside.get(&run.id)?)?,
                    ..run.clone()
                })
            })
            .collect();
        let applied = runs.iter().find(|run| run.phase == SyncPhase::Succeeded);
        let deployed = match state.sync {
            SyncStatus::Synced => compared.clone(),
            _ => applied.map(|run| run.revision.clone()),
        };
        Ok(Standing {
            deployed,
            compared,
            runs: Arc::new(runs),
            tracked: further.target_revision.name().to_owned(),
        })
    }

    async fn on_target(
        &self,
        located: &Located,
        placement: &Placement,
        ancestry: &mut Ancestry,
        runs: &mut Runs,
        renders: &Renders,
    ) -> Result<CommitOnTarget, PortError> {
        let target = placement.reference();
        let (url, sha) = (&located.url, &located.info.revision);
        let runs = runs.of(self, placement.target.id).await?;
        let Standing {
            deployed,
            compared,
            runs,
            tracked,
        } = self.standing(located, placement, runs).await?;
        if let Some(deployed) = &deployed
            && ancestry.contains(url, deployed, sha).await
        {
            let main = placement.runs_at().unwrap_or(deployed);
            let mut at = self.compared_since(placement, main).await?;
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
        let renders = renders
            .get_or_try_init(|| store::commit::renders(self.runtime.store(), &located.key, sha))
            .await
            .map_err(refuse::store)?;
        let render = renders
            .iter()
            .find(|render| render.target == placement.target.id);
        let reason = placement.target.state.reason.as_ref();
        if let Some((why, at)) = broken(render, reason, compared.as_ref() == Some(sha)) {
            return Ok(CommitOnTarget {
                target,
                state: RolloutState::Failed,
                why,
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
        let follows = match &compared {
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

/// Why a commit comes to no manifests on a target, and since when, as far as another attempt would change nothing.
/// `compared`: the target's reason is about this commit.
fn broken(
    render: Option<&CommitRender>,
    reason: Option<&Reason>,
    compared: bool,
) -> Option<(String, Option<Micros>)> {
    let again = reason.is_some_and(|is| is.code == ReasonCode::RenderFailed && !is.stalled);
    if again {
        return None;
    }
    if let Some(render) = render.filter(|render| render.outcome == RenderOutcome::Failed) {
        return Some((format!("{BROKEN}{}", render.message), Some(render.at)));
    }
    let reason = reason.filter(|_| compared)?;
    matches!(
        reason.code,
        ReasonCode::RenderFailed | ReasonCode::DefinitionInvalid | ReasonCode::EmptyRender
    )
    .then(|| (format!("{BROKEN}{}", reason.cause), Some(reason.since)))
}

/// From the commit until it was live everywhere; `None` while it is not.
pub(in super::super) fn lead_time(info: &CommitInfo, targets: &[CommitOnTarget]) -> Option<i64> {
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
    fn a_commit_is_broken_while_no_further_attempt_could_mend_it() {
        let render = |outcome| CommitRender {
            target: TargetId(uuid::Uuid::nil()),
            outcome,
            millis: 0,
            message: "no such file".to_owned(),
            at: Micros(7),
        };
        let reason = |code, stalled| Reason {
            code,
            object: None,
            cause: "no such field".to_owned(),
            since: Micros(9),
            next: String::new(),
            stalled,
        };
        let noted = Some(("render broken: no such file".to_owned(), Some(Micros(7))));
        let known = Some(("render broken: no such field".to_owned(), Some(Micros(9))));
        let failed = render(RenderOutcome::Failed);
        let stalled = reason(ReasonCode::RenderFailed, true);
        let passing = reason(ReasonCode::RenderFailed, false);
        let empty = reason(ReasonCode::EmptyRender, true);
        let behind = reason(ReasonCode::Behind, false);
        let good = render(RenderOutcome::Rendered);
        for (render, reason, compared, expected) in [
            (Some(&failed), Some(&stalled), false, &noted),
            (Some(&failed), None, false, &noted),
            (Some(&failed), Some(&passing), false, &None),
            (None, Some(&empty), true, &known),
            (None, Some(&empty), false, &None),
            (Some(&good), Some(&stalled), false, &None),
            (Some(&good), Some(&behind), true, &None),
        ] {
            assert_eq!(broken(render, reason, compared), *expected);
        }
    }

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
