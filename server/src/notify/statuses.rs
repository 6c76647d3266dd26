//! How commits fare, cluster by cluster, for their Git host: a status is queued when it is another than the one that was
//! told last. Targets that are only observed have none: observing writes nothing anywhere.

use super::host::{CommitState, StatusPost, place};
use super::{Notifier, QUEUE};
use crate::control_plane::{BROKEN, slug};
use crate::runtime::now;
use crate::store::commit::SeenCommit;
use crate::store::message::{NewMessage, ToldStatus};
use crate::store::receiver::StatusHost;
use crate::store::target::Which;
use crate::store::{self, StoreError, Tx, message, receiver};
use lockstep_types::Micros;
use lockstep_types::account::{Actor, Role};
use lockstep_types::application::TargetSummary;
use lockstep_types::fleet::{CommitOnTarget, RolloutState};
use lockstep_types::health::HealthStatus;
use lockstep_types::id::{StatusHostId, TargetId, UserId};
use lockstep_types::policy::Rights;
use lockstep_types::reason::ReasonCode;
use lockstep_types::revision::Revision;
use lockstep_types::source::Mode;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// The kind of its messages.
pub(super) const KIND: &str = "status";
/// Commits that are looked at in one pass.
const COMMITS: u64 = 60;
/// Older commits have the status they have.
const RECENT_SECONDS: i64 = 24 * 3600;
/// A host that said no, or nothing, is asked again after this, when nothing else shows that it answers.
const ASK_AGAIN_SECONDS: i64 = 3600;
/// So long a target that does not contain a commit may still be about to.
const NOT_YET_SECONDS: i64 = 600;

/// A status as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    state: CommitState,
    description: String,
}

/// Queues what Git hosts do not know yet.
pub(super) async fn look(notifier: &Notifier) -> Result<(), StoreError> {
    let db = notifier.runtime.store();
    let hosts = receiver::hosts(db).await?;
    if hosts.is_empty() {
        return Ok(());
    }
    let recent = now().plus_seconds(-RECENT_SECONDS);
    let commits = store::commit::page(db, "", None, COMMITS).await?;
    let mut answered: BTreeMap<StatusHostId, Option<Micros>> = BTreeMap::new();
    let mut summaries: Option<HashMap<TargetId, TargetSummary>> = None;
    for commit in commits {
        let old = commit.seen_at < recent || commit.info.committed_at < recent;
        let host = hosts
            .iter()
            .find(|host| commit.repo_url.starts_with(&host.prefix));
        let Some(host) = host.filter(|_| !old && !commit.applications.is_empty()) else {
            continue;
        };
        let sha = &commit.info.revision;
        let told = message::statuses(db, &commit.repo_url, sha).await?;
        let done = CommitState::Success.word();
        if !told.is_empty()
            && told
                .values()
                .all(|told| told.state == done && told.given_up_at.is_none())
        {
            continue;
        }
        let answered = match answered.get(&host.id) {
            Some(at) => *at,
            None if told.values().all(|told| told.given_up_at.is_none()) => None,
            None => {
                let at = message::answered(db, host.id.0).await?;
                answered.insert(host.id, at);
                at
            }
        };
        // A commit that cannot be placed now is placed with the next pass.
        let reader = reader("commit statuses");
        let Ok(rollout) = notifier.fleet.rollout(&reader, &sha.0).await else {
            continue;
        };
        if summaries.is_none() {
            let all = store::target::summaries(db, &Which::All).await?;
            let by_id = all.into_iter().map(|summary| (summary.target.id, summary));
            summaries = Some(by_id.collect());
        }
        let wanted = wanted(
            &commit,
            &rollout.targets,
            summaries.as_ref().unwrap_or(&HashMap::new()),
            &told,
            now().seconds_since(commit.seen_at) < NOT_YET_SECONDS,
        );
        for (context, wanted) in wanted {
            let same = told.get(&context).is_some_and(|told| {
                told.says(wanted.state.word(), &wanted.description)
                    && !worth_repeating(told, answered, now())
            });
            if !same {
                queue(notifier, host, &commit, context, wanted).await?;
            }
        }
    }
    Ok(())
}

/// Whether a status that was given up is worth another try: the host has answered since, or it was long ago.
fn worth_repeating(told: &ToldStatus, answered: Option<Micros>, now: Micros) -> bool {
    told.given_up_at.is_some_and(|at| {
        answered.is_some_and(|answered| answered > at) || now.seconds_since(at) >= ASK_AGAIN_SECONDS
    })
}

/// Notes that a message with a status did not get through. Other messages are none of its business.
pub(super) async fn give_up(tx: &mut Tx, kind: &str, body: &str) -> Result<(), StoreError> {
    if kind != KIND {
        return Ok(());
    }
    let Ok(post) = serde_json::from_str::<StatusPost>(body) else {
        return Ok(());
    };
    message::give_up_status(
        tx,
        &post.repo_url,
        &Revision(post.sha.clone()),
        &post.context,
        (post.state.word(), &post.description),
    )
    .await
}

/// Who asks where a commit is: somebody who may see everything and do nothing.
pub(super) fn reader(name: &str) -> Actor {
    Actor {
        user: UserId(Uuid::nil()),
        name: name.to_owned(),
        role: Role::Viewer,
        token: None,
        rights: Rights::default(),
    }
}

async fn queue(
    notifier: &Notifier,
    host: &StatusHost,
    commit: &SeenCommit,
    context: String,
    wanted: Wanted,
) -> Result<(), StoreError> {
    let db = notifier.runtime.store();
    if place(&commit.repo_url).is_none() {
        return Ok(());
    }
    let known: BTreeSet<String> = notifier
        .runtime
        .memory()
        .tracked()
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    let sha = &commit.info.revision;
    let post = StatusPost {
        repo_url: commit.repo_url.clone(),
        sha: sha.0.clone(),
        context,
        state: wanted.state,
        description: wanted.description,
        link: format!(
            "{}/commits/{}/{sha}",
            notifier.runtime.settings().public_url,
            slug(&commit.repo_url, &known)
        ),
        provider: host.provider,
    };
    let body = serde_json::to_string(&post).map_err(|source| StoreError::Unwritable {
        what: "a commit status",
        source,
    })?;
    let new = NewMessage {
        kind: KIND,
        owner: host.id.0,
        to: commit.repo_url.clone(),
        what: format!("{} {}: {}", sha.short(), post.context, post.state.word()),
        body,
        note: String::new(),
        // A status that comes twice says the same twice.
        tries_twice: true,
    };
    let mut tx = db.begin().await?;
    message::set_status(
        &mut tx,
        &commit.repo_url,
        sha,
        &post.context,
        post.state.word(),
        &post.description,
    )
    .await?;
    for body in message::queue(&mut tx, &new, QUEUE).await?.dropped {
        give_up(&mut tx, KIND, &body).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Status by context: the worst of the targets of each cluster.
fn wanted(
    commit: &SeenCommit,
    targets: &[CommitOnTarget],
    summaries: &HashMap<TargetId, TargetSummary>,
    told: &BTreeMap<String, ToldStatus>,
    fresh: bool,
) -> BTreeMap<String, Wanted> {
    let mut clusters: BTreeMap<&str, Vec<(CommitState, String)>> = BTreeMap::new();
    for target in targets {
        let Some(summary) = summaries.get(&target.target.id) else {
            continue;
        };
        if summary.mode != Mode::Managed {
            continue;
        }
        if let Some((state, why)) = of_target(commit, target, summary, fresh) {
            let name = &target.target.application.name;
            let words = if why.is_empty() {
                String::new()
            } else {
                format!("{name}: {why}")
            };
            clusters
                .entry(&target.target.cluster)
                .or_default()
                .push((state, words));
        }
    }
    clusters
        .into_iter()
        .map(|(cluster, states)| {
            let context = format!("lockstep/{cluster}");
            let mut wanted = sum(&states);
            if let Some(told) = told.get(&context)
                && told.state == CommitState::Failure.word()
                && wanted.state == CommitState::Success
                && !targets.iter().any(|target| {
                    let summary = summaries.get(&target.target.id);
                    target.target.cluster == cluster
                        && summary.is_some_and(|summary| {
                            summary.deployed.as_ref() == Some(&commit.info.revision)
                        })
                })
            {
                // It came to be live only by the commit that mended it.
                wanted = Wanted {
                    state: CommitState::Failure,
                    description: told.description.clone(),
                };
            }
            (context, wanted)
        })
        .collect()
}

/// How a commit fares on one target; `None` where it does not go.
fn of_target(
    commit: &SeenCommit,
    target: &CommitOnTarget,
    summary: &TargetSummary,
    fresh: bool,
) -> Option<(CommitState, String)> {
    let sha = &commit.info.revision;
    // Before its first run has ended a target can be in line with a commit that it does not yet run.
    let here = summary.deployed.as_ref() == Some(sha) || summary.revision.as_ref() == Some(sha);
    let reason = summary.reason.as_ref();
    Some(match target.state {
        RolloutState::Failed if target.why.starts_with(BROKEN) => {
            (CommitState::Failure, target.why.clone())
        }
        RolloutState::Failed => (CommitState::Failure, format!("sync failed: {}", target.why)),
        RolloutState::Live => match summary.health.status {
            HealthStatus::Degraded if here => (
                CommitState::Failure,
                format!("degraded: {}", summary.health.message),
            ),
            HealthStatus::Progressing | HealthStatus::Missing if here => {
                (CommitState::Pending, "getting ready".to_owned())
            }
            _ if here && summary.running.is_some() => {
                (CommitState::Pending, "its sync is under way".to_owned())
            }
            _ => (CommitState::Success, String::new()),
        },
        RolloutState::Waiting if target.why.ends_with("does not contain it") => {
            if !fresh {
                return None;
            }
            (CommitState::Pending, "not yet compared".to_owned())
        }
        RolloutState::Waiting => {
            let degraded = reason.filter(|reason| {
                reason.code == ReasonCode::Degraded && summary.revision.as_ref() == Some(sha)
            });
            match degraded {
                Some(reason) => (CommitState::Failure, format!("degraded: {}", reason.cause)),
                None => (CommitState::Pending, target.why.clone()),
            }
        }
    })
}

/// One status of many: the worst, with its reason.
fn sum(states: &[(CommitState, String)]) -> Wanted {
    let state = states
        .iter()
        .map(|(state, _)| *state)
        .max()
        .unwrap_or(CommitState::Success);
    let all = states.len();
    let of_it = states.iter().filter(|(one, _)| *one == state).count();
    let why = states
        .iter()
        .find(|(one, why)| *one == state && !why.is_empty())
        .map(|(_, why)| why.as_str())
        .unwrap_or_default();
    let description = match (state, all) {
        (CommitState::Success, 1) => "live".to_owned(),
        (CommitState::Success, all) => format!("live: {all} applications"),
        (_, 1) => why.to_owned(),
        (CommitState::Pending, all) => format!("{} of {all} live; {why}", all - of_it),
        (CommitState::Failure, all) => format!("{of_it} of {all} failed; {why}"),
    };
    Wanted { state, description }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_was_given_up_is_repeated_when_its_host_answers() {
        let given_up = |seconds: Option<i64>| ToldStatus {
            state: "success".to_owned(),
            description: "live".to_owned(),
            given_up_at: seconds.map(|seconds| Micros(0).plus_seconds(seconds)),
        };
        let at = |seconds| Micros(0).plus_seconds(seconds);
        assert!(!worth_repeating(&given_up(None), Some(at(90)), at(99)));
        assert!(!worth_repeating(&given_up(Some(50)), None, at(99)));
        assert!(!worth_repeating(&given_up(Some(50)), Some(at(40)), at(99)));
        assert!(worth_repeating(&given_up(Some(50)), Some(at(51)), at(99)));
        assert!(worth_repeating(&given_up(Some(50)), None, at(3650)));
    }

    #[test]
    fn the_worst_of_many_speaks_for_the_cluster() {
        let of = |state, why: &str| (state, why.to_owned());
        let live = of(CommitState::Success, "");
        let bad = of(CommitState::Failure, "cart: render broken: no such file");
        let waits = of(CommitState::Pending, "web: It waits for its sync");
        for (states, expected) in [
            (vec![live.clone()], (CommitState::Success, "live")),
            (
                vec![bad.clone()],
                (CommitState::Failure, "cart: render broken: no such file"),
            ),
            (
                vec![live.clone(), waits.clone()],
                (
                    CommitState::Pending,
                    "1 of 2 live; web: It waits for its sync",
                ),
            ),
            (
                vec![live, bad, waits],
                (
                    CommitState::Failure,
                    "1 of 3 failed; cart: render broken: no such file",
                ),
            ),
        ] {
            let sum = sum(&states);
            assert_eq!((sum.state, sum.description.as_str()), expected);
        }
    }
}
