//! The history of a target: its runs, and between them the commits of its input paths that no run deployed by itself.

use super::super::definitions::Placement;
use super::super::{Plane, refuse};
use crate::store;
use crate::store::status::TargetRevisionRow;
use lockstep_types::PortError;
use lockstep_types::application::{HistoryEntry, HistoryView};
use lockstep_types::id::{RunId, TargetId};
use lockstep_types::revision::{CommitInfo, Revision};
use lockstep_types::rollback::{Judgement, RevisionMark};
use lockstep_types::sync::RunSummary;
use lockstep_types::time::Micros;
use std::collections::BTreeSet;

/// Runs on a page.
const RUNS: u64 = 50;
/// Runs whose commits are not listed once more.
const KNOWN_RUNS: u64 = 500;
/// Commits of the input paths that are looked at.
const COMMITS: u32 = 500;
/// Revisions of a target that are looked at for good ones.
const REVISIONS: u64 = 200;

impl Plane {
    pub(super) async fn history_of(
        &self,
        placement: &Placement,
        before: Option<Micros>,
    ) -> Result<HistoryView, PortError> {
        let db = self.runtime.store();
        let target = placement.target.id;
        let runs = store::run::of_target(db, target, before, RUNS)
            .await
            .map_err(refuse::store)?;
        let all = store::run::of_target(db, target, None, KNOWN_RUNS)
            .await
            .map_err(refuse::store)?;
        let deployed: BTreeSet<Revision> = all.into_iter().map(|run| run.revision).collect();
        let commits = self.commits_of(placement, COMMITS).await;
        let full = u64::try_from(runs.len()).unwrap_or(u64::MAX) >= RUNS;
        let ids: Vec<RunId> = runs.iter().map(|run| run.id).collect();
        let beside = store::beside::of_runs(db, target, &ids)
            .await
            .map_err(refuse::store)?;
        let (entries, next) = interleave(runs, full, commits, &deployed, before);
        Ok(HistoryView {
            target: placement.reference(),
            entries,
            beside: beside.into_iter().collect(),
            marks: store::mark::of_target(db, target)
                .await
                .map_err(refuse::store)?,
            next,
        })
    }

    /// Commits of the input paths up to what is tracked, newest first; none while the repository was never fetched.
    pub(in super::super) async fn commits_of(
        &self,
        placement: &Placement,
        limit: u32,
    ) -> Vec<CommitInfo> {
        let source = &placement.defined.definition.source;
        let head = match self
            .runtime
            .resolve(&source.repo_url, &source.target_revision)
            .await
        {
            Ok(head) => head,
            Err(_) => match &placement.target.state.revision {
                Some(revision) => revision.clone(),
                None => return Vec::new(),
            },
        };
        let reads = self.reads(&placement.defined);
        self.runtime
            .mirrors()
            .log(&source.repo_url, &head, &reads, limit)
            .await
            .unwrap_or_default()
    }

    /// Revisions at which a target was Synced and Healthy and rendered otherwise than now, the latest first: also those
    /// that people marked as good, and none that they marked as bad.
    pub(in super::super) async fn good_revisions(
        &self,
        target: TargetId,
    ) -> Result<Vec<Revision>, PortError> {
        let db = self.runtime.store();
        let row = store::target::get(db, target)
            .await
            .map_err(refuse::store)?;
        let rows = store::status::revisions(db, target, REVISIONS)
            .await
            .map_err(refuse::store)?;
        let marks = store::mark::of_target(db, target)
            .await
            .map_err(refuse::store)?;
        Ok(good(
            rows,
            &marks,
            row.state.revision.as_ref(),
            row.state.render_key.as_deref(),
        ))
    }
}

fn good(
    mut rows: Vec<TargetRevisionRow>,
    marks: &[RevisionMark],
    revision: Option<&Revision>,
    render: Option<&str>,
) -> Vec<Revision> {
    let judged = |row: &TargetRevisionRow| {
        let mark = marks.iter().find(|mark| mark.revision == row.revision);
        mark.map(|mark| mark.judgement)
    };
    // Many revisions of a shared repository render the same: what is said of one is said of the state.
    let bad: BTreeSet<String> = rows
        .iter()
        .filter(|row| judged(row) == Some(Judgement::Bad))
        .filter_map(|row| row.render_key.clone())
        .collect();
    rows.retain(|row| row.render_key.as_ref().is_none_or(|key| !bad.contains(key)));
    for row in &mut rows {
        match judged(row) {
            // Its health was something else then; it was seen until its last comparison.
            Some(Judgement::Good) => row.good_at = row.good_at.or(Some(row.last_at)),
            Some(Judgement::Bad) => row.good_at = None,
            None => {}
        }
    }
    rows.retain(|row| {
        row.good_at.is_some()
            && Some(&row.revision) != revision
            && (row.render_key.is_none() || row.render_key.as_deref() != render)
    });
    rows.sort_by_key(|row| std::cmp::Reverse(row.good_at));
    rows.into_iter().map(|row| row.revision).collect()
}

/// Runs and commits as one list, newest first; the page ends where the runs on it end.
fn interleave(
    runs: Vec<RunSummary>,
    full: bool,
    commits: Vec<CommitInfo>,
    deployed: &BTreeSet<Revision>,
    before: Option<Micros>,
) -> (Vec<HistoryEntry>, Option<Micros>) {
    let end = runs.last().map(|run| run.started_at).filter(|_| full);
    let mut entries: Vec<(Micros, HistoryEntry)> = runs
        .into_iter()
        .map(|run| (run.started_at, HistoryEntry::Run(run)))
        .collect();
    entries.extend(
        commits
            .into_iter()
            .filter(|commit| !deployed.contains(&commit.revision))
            .filter(|commit| before.is_none_or(|before| commit.committed_at < before))
            .filter(|commit| end.is_none_or(|end| commit.committed_at >= end))
            .map(|commit| (commit.committed_at, HistoryEntry::Commit(commit))),
    );
    // Equal times: the commit came first, so it stands below.
    entries.sort_by_key(|(at, entry)| {
        (
            std::cmp::Reverse(*at),
            matches!(entry, HistoryEntry::Commit(_)),
        )
    });
    (entries.into_iter().map(|(_, entry)| entry).collect(), end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::example;
    use lockstep_types::id::OperationId;
    use lockstep_types::plan::PlanCounts;
    use lockstep_types::sync::{StartedBy, SyncPhase};

    fn run(digit: char, at: i64) -> RunSummary {
        RunSummary {
            id: RunId(example::id(&format!("{digit}{at}"))),
            operation: OperationId(example::id("operation")),
            target: example::reference("cart", "shop", "prod-eu"),
            revision: example::revision(digit),
            commit: None,
            started_by: StartedBy::AutoSync,
            phase: SyncPhase::Succeeded,
            message: String::new(),
            started_at: Micros::from_seconds(at),
            ended_at: None,
            counts: PlanCounts::default(),
            once: lockstep_types::sync_once::SyncOnce::default(),
        }
    }

    fn text(entries: &[HistoryEntry]) -> Vec<String> {
        entries
            .iter()
            .map(|entry| match entry {
                HistoryEntry::Run(run) => format!("run {}", run.revision.short()),
                HistoryEntry::Commit(commit) => commit.subject.clone(),
            })
            .collect()
    }

    #[test]
    fn commits_stand_between_the_runs() {
        let commits = vec![
            example::commit('c', "third", 30),
            example::commit('b', "second", 20),
            example::commit('a', "first", 10),
        ];
        let deployed = BTreeSet::from([example::revision('b')]);
        let (entries, next) =
            interleave(vec![run('b', 25)], false, commits.clone(), &deployed, None);
        assert_eq!(
            (text(&entries), next),
            (
                vec![
                    "third".to_owned(),
                    "run bbbbbbb".to_owned(),
                    "first".to_owned()
                ],
                None
            )
        );
        let (entries, next) =
            interleave(vec![run('b', 25)], true, commits.clone(), &deployed, None);
        assert_eq!(
            (text(&entries), next),
            (
                vec!["third".to_owned(), "run bbbbbbb".to_owned()],
                Some(Micros::from_seconds(25))
            )
        );
        let (entries, next) = interleave(
            Vec::new(),
            false,
            commits,
            &deployed,
            Some(Micros::from_seconds(25)),
        );
        assert_eq!((text(&entries), next), (vec!["first".to_owned()], None));
    }

    #[test]
    fn a_good_state_renders_otherwise_than_the_present() {
        let row = |digit: char, key: &str, good: Option<i64>| TargetRevisionRow {
            revision: example::revision(digit),
            render_key: Some(key.to_owned()),
            first_at: Micros(0),
            last_at: Micros(0),
            good_at: good.map(Micros),
        };
        let rows = vec![
            row('d', "now", None),
            row('c', "now", Some(9)),
            row('a', "old", Some(3)),
            row('b', "older", Some(5)),
        ];
        let now = example::revision('d');
        let found = good(rows.clone(), &[], Some(&now), Some("now"));
        assert_eq!(found, [example::revision('b'), example::revision('a')]);
        let mark = |digit, judgement| RevisionMark {
            revision: example::revision(digit),
            judgement,
            by: "maria".to_owned(),
            reason: String::new(),
            at: Micros(20),
        };
        let mut rows = rows;
        rows.push(row('e', "never healthy", None));
        // The same state at a later commit of somebody else.
        rows.push(row('f', "older", Some(7)));
        let marks = [mark('b', Judgement::Bad), mark('e', Judgement::Good)];
        let found = good(rows, &marks, Some(&now), Some("now"));
        assert_eq!(found, [example::revision('a'), example::revision('e')]);
    }
}
