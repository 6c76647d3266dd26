//! Asks Git hosts which pull request brought a commit and who approved it, and keeps the answer beside the commit.
//!
//! In a task of its own, behind everything else: a page or a reconciler that wants to know reads what is kept, and no answer
//! is "no approval known". A commit is asked about when it is seen, and again at growing distances for a week, because
//! reviews may follow; what was older when it was first seen is asked about once. The newest come first, and no repository
//! is asked more than about [`EACH`] allows, so that the host's limits are left to people.

use super::Notifier;
use super::channel::Request;
use super::comments::followed_as;
use super::deliver::{SendError, asked, asked_maybe, json, token_of};
use super::host::{MergedPull, PAGE, Place, Reviewing, of_all, place, reviewing, standing};
use crate::runtime::now;
use crate::store::commit::{self, Due};
use crate::store::receiver::{self, StatusHost};
use crate::store::{Store, StoreError};
use lockstep_types::pull::CommitPull;
use lockstep_types::revision::{Revision, TargetRevision};
use lockstep_types::time::Micros;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Between two passes, at least.
const APART: Duration = Duration::from_secs(1);
/// Between two passes when nothing happens.
const LOOK: Duration = Duration::from_secs(30);
/// Commits of one repository that a pass asks about.
const AT_ONCE: u64 = 10;
/// What each of them costs the repository until it is asked again.
const EACH: Duration = Duration::from_secs(2);
/// After a host that could not be asked.
const AFTER_FAILURE: Duration = Duration::from_secs(60);
/// Reviews that follow sooner than this are seen a little later.
const SOONEST_SECONDS: i64 = 30;
/// Reviews that follow later than this are not seen.
const LATEST_SECONDS: i64 = 7 * 24 * 3600;
/// Pages of reviews, and of commits, of one pull request.
const PAGES: u32 = 10;
/// An answer of a host, at most.
const LONGEST_ANSWER: usize = 8 * 1024 * 1024;

/// A repository whose host is asked.
struct Repository {
    key: String,
    host: StatusHost,
    followed: BTreeSet<TargetRevision>,
}

/// Where the questions of one pass go, with what was answered of whole pull requests.
struct Inquiry<'a> {
    notifier: &'a Notifier,
    host: &'static dyn Reviewing,
    place: Place,
    token: String,
    key: &'a str,
    followed: &'a BTreeSet<TargetRevision>,
    answered: BTreeMap<u64, CommitPull>,
    /// What was answered of merges.
    merges: BTreeMap<Revision, Vec<MergedPull>>,
}

/// Asks until the runtime ends.
pub(super) async fn run(notifier: Notifier) {
    let cancel = notifier.runtime.cancelled().clone();
    let mut committed = notifier.runtime.store().committed();
    let mut rests: BTreeMap<String, Instant> = BTreeMap::new();
    loop {
        let passed = tokio::select! {
            () = cancel.cancelled() => return,
            passed = pass(&notifier, &mut rests) => passed,
        };
        if let Err(error) = passed {
            tracing::warn!(
                event.name = "approvals.pass",
                error = &error as &dyn std::error::Error,
                "approvals of commits could not be kept; trying again"
            );
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
            _ = committed.changed() => {}
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(APART) => {}
        }
        committed.mark_unchanged();
    }
}

async fn pass(
    notifier: &Notifier,
    rests: &mut BTreeMap<String, Instant>,
) -> Result<(), StoreError> {
    rests.retain(|_, until| *until > Instant::now());
    let hosts = receiver::hosts(notifier.runtime.store()).await?;
    let tracked = notifier.runtime.memory().tracked();
    for (key, followed) in tracked {
        // The longest prefix decides.
        let host = hosts.iter().find(|host| key.starts_with(&host.prefix));
        let Some(host) = host.cloned().filter(|_| !rests.contains_key(&key)) else {
            continue;
        };
        let repository = Repository {
            key,
            host,
            followed,
        };
        let rest = look(notifier, &repository).await?;
        if !rest.is_zero() {
            rests.insert(repository.key, Instant::now() + rest);
        }
    }
    Ok(())
}

/// Asks about what is due of one repository; answers how long it then rests.
async fn look(notifier: &Notifier, repository: &Repository) -> Result<Duration, StoreError> {
    let db = notifier.runtime.store();
    let due = commit::approvals_due(db, &repository.key, now(), AT_ONCE).await?;
    let cost = EACH.saturating_mul(u32::try_from(due.len()).unwrap_or(u32::MAX));
    if due.is_empty() {
        return Ok(cost);
    }
    match ask(notifier, repository, &due).await {
        Ok(()) => Ok(cost),
        Err(Failure::Store(error)) => Err(error),
        Err(Failure::Host(error)) => {
            tracing::warn!(
                event.name = "approvals.host",
                repository = repository.key,
                error = &error as &dyn std::error::Error,
                "the host does not say who approved commits; trying again"
            );
            Ok(AFTER_FAILURE)
        }
    }
}

enum Failure {
    Host(SendError),
    Store(StoreError),
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        Self::Host(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn ask(notifier: &Notifier, repository: &Repository, due: &[Due]) -> Result<(), Failure> {
    let key = &repository.key;
    let no_place = || SendError::refused("its address names no repository of such a host");
    let mut inquiry = Inquiry {
        notifier,
        host: reviewing(repository.host.provider),
        place: place(key).ok_or_else(no_place)?,
        token: token_of(notifier, repository.host.id.0, key).await?,
        key,
        followed: &repository.followed,
        answered: BTreeMap::new(),
        merges: BTreeMap::new(),
    };
    for due in due {
        let (pull, with) = inquiry.about(due).await?;
        let again = again(due, now());
        note(
            notifier.runtime.store(),
            key,
            due,
            pull.as_ref(),
            (again, &with),
        )
        .await?;
    }
    Ok(())
}

async fn note(
    store: &Store,
    key: &str,
    due: &Due,
    pull: Option<&CommitPull>,
    then: (Option<Micros>, &[Revision]),
) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    commit::note_pull(&mut tx, key, due, pull, then).await?;
    tx.commit().await.map(drop)
}

impl Inquiry<'_> {
    /// What the host knows of a commit, and which other commits the same holds for.
    async fn about(&mut self, due: &Due) -> Result<(Option<CommitPull>, Vec<Revision>), SendError> {
        let known = due.pull.as_ref().map(|pull| pull.number);
        if let Some(answered) = known.and_then(|number| self.answered.get(&number)) {
            return Ok((Some(answered.clone()), Vec::new()));
        }
        let mut merged = match known {
            Some(number) => {
                let request = self.host.pull(&self.place, number, &self.token);
                self.merged(request).await?
            }
            None => self.of_commit(&due.sha).await?,
        };
        if merged.is_empty() && known.is_none() && self.host.knows_merges_alone() {
            merged = self.of_merge(&due.sha).await?;
        }
        let Some(merged) = chosen(merged, self.followed) else {
            return Ok((None, Vec::new()));
        };
        let mirrors = self.notifier.runtime.mirrors();
        if let Some(known) = self.answered.get(&merged.number) {
            return Ok((Some(known.clone()), Vec::new()));
        }
        let mut said = Vec::new();
        for page in 1..=PAGES {
            let request = self
                .host
                .reviews(&self.place, merged.number, page, &self.token);
            let Some(request) = request else { break };
            let answer = json(asked(mirrors, &request).await?, LONGEST_ANSWER).await?;
            said.extend(self.host.said(&answer, &merged));
            if answer.as_array().is_none_or(|list| list.len() < PAGE) {
                break;
            }
        }
        let mut with = Vec::new();
        for page in 1..=PAGES {
            let request = self
                .host
                .commits(&self.place, merged.number, page, &self.token);
            let Some(request) = request else { break };
            // Its branch may be gone together with its commits.
            let Some(answer) = asked_maybe(mirrors, &request).await? else {
                break;
            };
            let found = of_all(&json(answer, LONGEST_ANSWER).await?);
            let last = found.len() < PAGE;
            with.extend(found);
            if last {
                break;
            }
        }
        let pull = merged.reviewed(standing(said, &merged.asked));
        self.answered.insert(merged.number, pull.clone());
        Ok((Some(pull), with))
    }
}

impl Inquiry<'_> {
    /// Pull requests in the answer to a request; none where the host knows nothing of it.
    async fn merged(&self, request: Option<Request>) -> Result<Vec<MergedPull>, SendError> {
        let Some(request) = request else {
            return Ok(Vec::new());
        };
        match asked_maybe(self.notifier.runtime.mirrors(), &request).await? {
            Some(answer) => Ok(self.host.merged(&json(answer, LONGEST_ANSWER).await?)),
            None => Ok(Vec::new()),
        }
    }

    async fn of_commit(&self, sha: &Revision) -> Result<Vec<MergedPull>, SendError> {
        let request = self.host.of_commit(&self.place, &sha.0, &self.token);
        self.merged(request).await
    }

    /// Pull requests of the merges that brought a commit to the followed branches.
    async fn of_merge(&mut self, sha: &Revision) -> Result<Vec<MergedPull>, SendError> {
        let runtime = &self.notifier.runtime;
        let mut found = Vec::new();
        for followed in self.followed {
            // A branch that cannot be told, or a mirror that lost the commit, explains nothing.
            let Ok(head) = runtime.resolve(self.key, followed).await else {
                continue;
            };
            let merge = runtime.mirrors().brought_by(self.key, sha, &head).await;
            let Ok(Some(merge)) = merge else { continue };
            let pulls = match self.merges.get(&merge) {
                Some(known) => known.clone(),
                None => self.of_commit(&merge).await?,
            };
            found.extend(pulls.clone());
            self.merges.insert(merge, pulls);
        }
        Ok(found)
    }
}

/// The pull request that brought a commit to a followed branch; without one, the first that was merged.
fn chosen(mut merged: Vec<MergedPull>, followed: &BTreeSet<TargetRevision>) -> Option<MergedPull> {
    merged.sort_by(|one, other| {
        let elsewhere = |pull: &MergedPull| followed_as(followed, &pull.onto).is_none();
        (elsewhere(one), &one.merged_at).cmp(&(elsewhere(other), &other.merged_at))
    });
    merged.into_iter().next()
}

/// When a commit is asked about again: twice as late each time, and never once it is a week old.
fn again(due: &Due, now: Micros) -> Option<Micros> {
    let since = due.committed_at.min(due.seen_at);
    let age = now.seconds_since(since);
    (age < LATEST_SECONDS).then(|| now.plus_seconds(age.max(SOONEST_SECONDS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_is_asked_again_at_growing_distances() {
        let due = |committed: i64, seen: i64| Due {
            sha: Revision("aa".to_owned()),
            committed_at: Micros::from_seconds(committed),
            seen_at: Micros::from_seconds(seen),
            pull: None,
        };
        let week = LATEST_SECONDS;
        for (due, now, expected) in [
            (due(100, 100), 101, Some(131)),
            (due(100, 100), 700, Some(1300)),
            (due(100, 100), 100 + week, None),
            (due(0, week), week + 1, None),
            // A time that is to come gains nothing.
            (due(9 * week, 100), 100 + week, None),
        ] {
            let then = again(&due, Micros::from_seconds(now));
            assert_eq!(then, expected.map(Micros::from_seconds), "{due:?} {now}");
        }
        let (mut now, mut asked, first) = (100, 0, due(100, 100));
        while let Some(then) = again(&first, Micros::from_seconds(now)) {
            (now, asked) = (then.0 / 1_000_000, asked + 1);
        }
        assert!((10..25).contains(&asked), "{asked}");
    }

    #[test]
    fn of_several_the_one_for_a_followed_branch_counts() {
        let pull = |number, onto: &str, merged_at: &str| MergedPull {
            number,
            title: String::new(),
            address: String::new(),
            author: String::new(),
            onto: onto.to_owned(),
            head: String::new(),
            merged_at: merged_at.to_owned(),
            asked: Vec::new(),
        };
        let followed = BTreeSet::from([TargetRevision("main".to_owned())]);
        let all = vec![
            pull(1, "next", "2026-01-01T00:00:00Z"),
            pull(3, "main", "2026-03-01T00:00:00Z"),
            pull(2, "main", "2026-02-01T00:00:00Z"),
        ];
        assert_eq!(
            chosen(all.clone(), &followed).map(|pull| pull.number),
            Some(2)
        );
        let elsewhere = chosen(all, &BTreeSet::from([TargetRevision("v1".to_owned())]));
        assert_eq!(elsewhere.map(|pull| pull.number), Some(1));
        assert_eq!(chosen(Vec::new(), &followed), None);
    }
}
