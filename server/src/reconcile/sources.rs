//! Repositories: one loop each, one fetch for everything that is wanted of it, then what follows from new commits.
//!
//! A failed fetch changes nothing but the note that it failed: the last good revision stays. Definitions are read whole
//! or not at all; a broken document is a problem beside the good ones.

mod commits;
mod moved;
pub(crate) mod policy;
mod read;
pub(crate) mod sets;

use moved::Moved;
pub(crate) use read::{Found, as_seen, defined_at};

use super::driver::{self, Pace, Passed};
use crate::runtime::memory::Failing;
use crate::runtime::metrics::Stage;
use crate::runtime::{Runtime, now};
use engine::source::SourceError;
use lockstep_types::id::{ApplicationId, SourceId, TargetId};
use lockstep_types::reason::ReasonCode;
use lockstep_types::revision::{Revision, TargetRevision};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Everything that is wanted of one repository. The supervisor makes it anew whenever definitions change.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Wanted {
    /// The URL as a definition writes it; all spellings lead to the same mirror.
    pub(crate) url: String,
    pub(crate) revisions: BTreeSet<TargetRevision>,
    /// Root sources that read it.
    pub(crate) sources: Vec<SourceId>,
    /// Sets of applications whose generators list it, by revision.
    pub(crate) feeds: BTreeMap<TargetRevision, BTreeSet<sets::Owner>>,
    /// Who follows which revision.
    pub(crate) targets: BTreeMap<TargetRevision, BTreeSet<TargetId>>,
    /// Whose files lie where, to tell which commit touches what. No path: only what its render read counts.
    pub(crate) paths: BTreeMap<ApplicationId, Vec<String>>,
}

/// The loop of one repository, until it is cancelled or nothing is wanted of it.
pub(crate) async fn run(runtime: Runtime, key: String, cancel: CancellationToken) {
    let wake = runtime.activator().repository(&key);
    let poll = match runtime.memory().wanted(&key) {
        Some(wanted) => runtime
            .access()
            .git(&wanted.url)
            .await
            .ok()
            .and_then(|access| access.poll),
        None => None,
    };
    let pace = Pace {
        interval: poll.unwrap_or(runtime.settings().poll),
        fastest_retry: Duration::from_secs(5),
        slowest: Duration::from_secs(300),
        breath: Duration::from_millis(200),
    };
    let own = Arc::new(Semaphore::new(1));
    driver::drive(wake, pace, own, cancel, || {
        pass(runtime.clone(), key.clone())
    })
    .await;
    runtime.activator().forget_repository(&key);
}

async fn pass(runtime: Runtime, key: String) -> Passed {
    let Some(wanted) = runtime.memory().wanted(&key) else {
        return Passed::Done;
    };
    let began = Instant::now();
    let fetched = fetch(&runtime, &wanted).await;
    let reason = fetched.is_err().then(|| ReasonCode::FetchFailed.word());
    runtime.metrics().ran_since(Stage::Fetch, began, reason);
    let passed = match fetched {
        Ok(answers) => {
            // Known before the answers are: a pass that comes first must not be missed.
            let steps = moved::look(&runtime, &key, &wanted, &answers).await;
            let moved = learn(&runtime, &key, answers);
            let mut changed = BTreeSet::new();
            for source in &wanted.sources {
                match read::definitions(&runtime, &key, *source).await {
                    Ok(applications) => changed.extend(applications),
                    Err(error) => {
                        tracing::warn!(event.name = "source.read_failed", source.id = %source, error = %error, "definitions could not be recorded; it is tried again");
                    }
                }
                if let Err(error) = policy::look(&runtime, &key, *source).await {
                    tracing::warn!(event.name = "policy.read_failed", source.id = %source, error = %error, "the policy could not be recorded; the one before it stays in force, and it is tried again");
                }
            }
            wake(&runtime, &wanted, &moved, &steps);
            if let Err(error) = commits::note(&runtime, &key, &wanted).await {
                tracing::warn!(event.name = "source.commits_failed", repository = %key, error = %error, "commits could not be recorded; it is tried again");
            }
            carry_over(&runtime, &wanted, &steps, &changed).await;
            Passed::Settled
        }
        Err(failing) => {
            tracing::warn!(event.name = "source.fetch_failed", repository = %key, error = %failing.error, "a repository cannot be fetched");
            let moved = fail(&runtime, &key, &wanted, &failing).await;
            for source in &wanted.sources {
                if let Err(error) = read::failed(&runtime, *source, &failing).await {
                    tracing::warn!(event.name = "source.record_failed", source.id = %source, error = %error, "the state of a source could not be recorded");
                }
            }
            wake(&runtime, &wanted, &moved, &BTreeMap::new());
            Passed::Failed
        }
    };
    runtime.memory().looked_at(&key, now());
    passed
}

type Answers = BTreeMap<TargetRevision, Result<Revision, SourceError>>;

async fn fetch(runtime: &Runtime, wanted: &Wanted) -> Result<Answers, Failing> {
    let failing = |error: String, next: &str| Failing {
        since: now(),
        error,
        next: next.to_owned(),
    };
    let access =
        runtime.access().git(&wanted.url).await.map_err(|refused| {
            failing(refused.to_string(), "Correct the credential of the source.")
        })?;
    let waiting = runtime.metrics().wait(Stage::Fetch);
    let _permit = runtime
        .limits()
        .fetches
        .acquire()
        .await
        .map_err(|_| failing("the server is stopping".to_owned(), ""))?;
    let revisions: Vec<TargetRevision> = wanted.revisions.iter().cloned().collect();
    drop(waiting);
    let within = runtime.settings().fetch_within;
    match tokio::time::timeout(
        within,
        runtime
            .mirrors()
            .fetch(&wanted.url, &access.credential, &revisions),
    )
    .await
    {
        Ok(Ok(answers)) => Ok(answers),
        Ok(Err(error)) => Err(failing(error.to_string(), error.next())),
        Err(_) => Err(failing(
            format!(
                "{} did not finish a fetch within {} s",
                wanted.url,
                within.as_secs()
            ),
            "Check that the Git host answers from here; Lockstep tries again by itself.",
        )),
    }
}

/// Takes the answers over; says which revisions are news.
fn learn(runtime: &Runtime, key: &str, answers: Answers) -> Vec<TargetRevision> {
    let at = now();
    let mut moved = Vec::new();
    for (wanted, answer) in answers {
        let changed = runtime
            .memory()
            .resolve(key, &wanted, |entry| match answer {
                Ok(revision) => {
                    entry.revision = Some(revision);
                    entry.at = Some(at);
                    entry.failing = None;
                }
                Err(error) => {
                    let since = entry.failing.as_ref().map_or(at, |failing| failing.since);
                    entry.failing = Some(Failing {
                        since,
                        error: error.to_string(),
                        next: error.next().to_owned(),
                    });
                }
            });
        if changed {
            moved.push(wanted);
        }
    }
    moved
}

/// Notes the failure; what the mirror held before stays good.
async fn fail(
    runtime: &Runtime,
    key: &str,
    wanted: &Wanted,
    failing: &Failing,
) -> Vec<TargetRevision> {
    let mut moved = Vec::new();
    for revision in &wanted.revisions {
        let known = runtime
            .memory()
            .resolution(key, revision)
            .and_then(|known| known.revision);
        let last = match known {
            Some(known) => Some(known),
            None => runtime.mirrors().resolved(&wanted.url, revision).await.ok(),
        };
        let changed = runtime.memory().resolve(key, revision, |entry| {
            entry.revision = last;
            let since = entry
                .failing
                .as_ref()
                .map_or(failing.since, |before| before.since);
            entry.failing = Some(Failing {
                since,
                ..failing.clone()
            });
        });
        if changed {
            moved.push(revision.clone());
        }
    }
    moved
}

/// Wakes whom a moved revision can concern: everybody who follows it, but for those of whom a step says that it leaves
/// them untouched.
fn wake(
    runtime: &Runtime,
    wanted: &Wanted,
    moved: &[TargetRevision],
    steps: &BTreeMap<TargetRevision, Moved>,
) {
    let nobody = BTreeSet::new();
    for revision in moved {
        for owner in wanted.feeds.get(revision).into_iter().flatten() {
            sets::wake(runtime, *owner);
        }
        let untouched = steps.get(revision).map_or(&nobody, |step| &step.untouched);
        for target in wanted.targets.get(revision).into_iter().flatten() {
            if !untouched.contains(target) {
                runtime.activator().activate_target(*target);
            }
        }
    }
}

/// Lets the others keep their verdict at the new revision. By now the commit itself is recorded.
async fn carry_over(
    runtime: &Runtime,
    wanted: &Wanted,
    steps: &BTreeMap<TargetRevision, Moved>,
    changed: &BTreeSet<ApplicationId>,
) {
    for step in steps.values() {
        let left = match moved::carry(runtime, &wanted.url, step, changed).await {
            Ok(left) => left,
            Err(error) => {
                tracing::warn!(event.name = "source.carry_failed", error = %error, "untouched targets could not be moved to a new commit; each looks for itself");
                step.untouched.clone()
            }
        };
        for target in left {
            runtime.activator().activate_target(target);
        }
    }
}
