//! The target's part in a rollout: what others see of it, and whether its turn has come.
//!
//! Only automation waits for a turn. What a person asks for is done at once, and drift is put back without one.

use super::{Compared, Comparison, Loaded, TargetMemory};
use crate::reconcile::cause::Cause;
use crate::reconcile::decide::{Facts, Running};
use crate::reconcile::{revisions, rollouts};
use crate::runtime::Runtime;
use crate::runtime::memory::{RolloutNow, RolloutSeen};
use engine::definition::Definition;
use engine::rollout::{Seen, Work};
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;
use lockstep_types::reason::ReasonCode;
use lockstep_types::source::Mode;
use lockstep_types::sync::SyncPhase;
use std::time::Duration;

/// How soon a target whose turn was refused for being out of date looks again.
const ANEW: Duration = Duration::from_millis(500);

/// Why a target does not begin by itself, and when it looks again without being woken.
pub(super) struct NotYet {
    pub(super) cause: Cause,
    pub(super) again: Option<Duration>,
}

/// Tells the other members how the target is, and wakes those that wait for it when that is news.
pub(super) fn show(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &TargetMemory,
    comparison: &Comparison,
    facts: Option<&Facts>,
    running: Option<&Running>,
) {
    let id = loaded.row.id;
    if runtime.memory().rollout_definition(id).is_none() {
        return;
    }
    let definition = rollouts::digest(runtime, &loaded.application.definition);
    let seen = match (comparison, facts) {
        (Comparison::Known(compared), Some(facts)) => RolloutSeen {
            definition,
            at: Some(compared_with(runtime, loaded, compared)),
            stays: stays(loaded, compared),
            ..known(loaded, memory, facts, running)
        },
        (Comparison::Unknown(cause), _) => RolloutSeen {
            definition,
            at: None,
            stays: None,
            seen: Seen {
                current: false,
                running: running.is_some(),
                failed: running.is_none() && is_for_people(cause),
                begun: false,
                blocked: cause.code == ReasonCode::ClusterUnreachable,
                work: Work::Nothing,
                sync: SyncStatus::Unknown,
                health: HealthStatus::Unknown,
            },
            words: format!("cannot be compared: {}", cause.cause),
        },
        _ => return,
    };
    if runtime.memory().saw_member(id, seen) {
        for waiting in runtime.memory().take_waiters(id) {
            runtime.activator().activate_target(waiting);
        }
    }
}

/// Whether a target that cannot be compared needs a person or a commit.
fn is_for_people(cause: &Cause) -> bool {
    // Those beside one whose cluster is away go on.
    cause.code != ReasonCode::ClusterUnreachable
        && (cause.stalled || cause.code == ReasonCode::RenderFailed)
}

/// Why it is where it is whatever is tracked.
fn stays(loaded: &Loaded, compared: &Compared) -> Option<String> {
    let at = compared.revision.short();
    if let Some(pin) = &loaded.pin {
        return Some(format!("is pinned at {at} by {}", pin.owner));
    }
    let refused = compared.refused.as_ref()?;
    let why = &refused.cause;
    Some(format!(
        "stays at {at}, its newest commit is not vouched for: {why}"
    ))
}

/// Why nothing is written there, to follow its name.
fn blocked(loaded: &Loaded) -> Option<&'static str> {
    let policy = &loaded.definition.policy;
    match loaded.row.mode {
        Mode::Observe => Some("is only observed"),
        Mode::Managed if policy.suspend => Some("is suspended by its definition"),
        Mode::Managed => None,
    }
}

/// What is left to do, and who does it.
fn work(loaded: &Loaded, facts: &Facts, begun: bool) -> Work {
    let policy = &loaded.definition.policy;
    let automated = policy.automated;
    if facts.writes > 0 {
        let by_itself = automated && (!begun || policy.self_heal);
        return if by_itself {
            Work::Itself
        } else {
            Work::People
        };
    }
    match facts.prunes {
        0 if facts.sync == SyncStatus::Synced => Work::Nothing,
        0 => Work::People,
        _ if automated && policy.prune => Work::Itself,
        _ => Work::Leftovers,
    }
}

fn known(
    loaded: &Loaded,
    memory: &TargetMemory,
    facts: &Facts,
    running: Option<&Running>,
) -> RolloutSeen {
    let health = &facts.health;
    let is_good = facts.sync == SyncStatus::Synced
        && matches!(
            health.status,
            HealthStatus::Healthy | HealthStatus::Suspended
        );
    let last = memory
        .last
        .as_ref()
        .and_then(Option::as_ref)
        .filter(|last| last.attempt == facts.attempt);
    let ended_badly = last.filter(|last| {
        let bad = matches!(last.phase, SyncPhase::Failed | SyncPhase::Terminated);
        // What came right after all is no reason to wait, unless a hook is missing.
        bad && (last.hook_failed || !is_good)
    });
    let failed = match running {
        Some(running) => running.phase == SyncPhase::Verifying && running.degraded,
        None => ended_badly.is_some(),
    };
    let message = if health.message.is_empty() {
        String::new()
    } else {
        format!(": {}", health.message)
    };
    let at = facts.revision.short();
    let begun =
        last.is_some() || loaded.row.deployed_render.as_deref() == Some(facts.attempt.as_str());
    let work = work(loaded, facts, begun);
    let blocked = blocked(loaded);
    let words = match (running, ended_badly) {
        (Some(_), _) if failed => format!("is {}{message}", health.status.word()),
        (Some(running), _) if running.waiting_for.is_empty() => format!("is syncing {at}"),
        (Some(running), _) => format!("is syncing {at}: {}", running.waiting_for),
        (None, Some(last)) if last.phase == SyncPhase::Terminated => {
            format!("was ended while it synced {at}")
        }
        (None, Some(last)) => match last.message.as_str() {
            "" => format!("could not sync {at}"),
            why => format!("could not sync {at}: {why}"),
        },
        (None, None) if facts.sync != SyncStatus::Synced => match &loaded.hold {
            Some(hold) => format!("is not at {at}, held by {}: {}", hold.owner, hold.reason),
            None => match (blocked, work) {
                (Some(why), _) => format!("is {} and {why}", facts.sync.word()),
                (None, Work::People) => {
                    format!(
                        "is {} and needs a person to put that right",
                        facts.sync.word()
                    )
                }
                (None, _) => format!("is {}", facts.sync.word()),
            },
        },
        (None, None) if is_good => String::new(),
        (None, None) => format!("is {}{message}", health.status.word()),
    };
    RolloutSeen {
        definition: 0,
        at: None,
        stays: None,
        seen: Seen {
            current: true,
            running: running.is_some(),
            failed,
            begun,
            blocked: blocked.is_some(),
            work,
            sync: facts.sync,
            health: health.status,
        },
        words,
    }
}

fn compared_with(
    runtime: &Runtime,
    loaded: &Loaded,
    compared: &Compared,
) -> Vec<(
    String,
    lockstep_types::revision::TargetRevision,
    lockstep_types::revision::Revision,
)> {
    let at = std::iter::once(&compared.revision)
        .chain(compared.beside.iter().map(|beside| &beside.revision));
    revisions::sources(&loaded.definition)
        .zip(at)
        .map(|(source, revision)| {
            let repository = runtime.repository_key(&source.repo_url);
            (repository, source.target_revision.clone(), revision.clone())
        })
        .collect()
}

/// Why the target does not sync by itself yet; `None`: nothing stands before it.
pub(super) fn turn(runtime: &Runtime, loaded: &Loaded) -> Option<Cause> {
    if let Some(newer) = newer(runtime, loaded) {
        return Some(newer);
    }
    let memory = runtime.memory();
    let now = memory.rollout_of(loaded.row.id, runtime.activator())?;
    said(loaded, &now)
}

/// The definition is newer than the list of members, which is made anew in a moment and wakes the target then.
fn newer(runtime: &Runtime, loaded: &Loaded) -> Option<Cause> {
    let placed = runtime.memory().rollout_definition(loaded.row.id);
    if placed == Some(rollouts::digest(runtime, &loaded.application.definition)) {
        return None;
    }
    let defined = serde_json::from_str::<Definition>(&loaded.application.definition);
    let in_one = defined.is_ok_and(|definition| rollouts::is_in_one(&definition));
    (placed.is_some() || in_one).then(|| {
        runtime.activator().activate_all();
        Cause::passing(
            ReasonCode::WaitingForRollout,
            "The members of its rollout are read anew",
            "It goes on in a moment",
        )
    })
}

/// Takes the target's turn; from now on others see it under way.
///
/// # Errors
/// Why its turn has not come.
pub(super) fn take(runtime: &Runtime, loaded: &Loaded) -> Result<(), NotYet> {
    if let Some(cause) = newer(runtime, loaded) {
        let again = Some(ANEW);
        return Err(NotYet { cause, again });
    }
    let taken = runtime
        .memory()
        .take_turn(loaded.row.id, runtime.activator());
    let (said, again) = match taken {
        Ok(()) => return Ok(()),
        Err(Some(now)) => (said(loaded, &now), None),
        Err(None) => {
            let cause = Cause::passing(
                ReasonCode::WaitingForRollout,
                "Git has moved meanwhile, so it is compared anew before its turn",
                "It goes on in a moment",
            );
            (Some(cause), Some(ANEW))
        }
    };
    let cause = said.unwrap_or_else(|| {
        Cause::passing(
            ReasonCode::WaitingForRollout,
            "Others of its rollout come first",
            "It goes on by itself",
        )
    });
    Err(NotYet { cause, again })
}

/// Everybody who sees the target reads this: members of other projects are not named.
fn said(loaded: &Loaded, now: &RolloutNow) -> Option<Cause> {
    let waits = now.waits(loaded.row.id)?;
    let is_told = waits
        .member
        .and_then(|other| now.projects.get(other))
        .is_none_or(|project| *project == loaded.application.project);
    let words = if is_told {
        waits.words(&now.rollout, &now.members)
    } else {
        waits.words_unnamed(&now.rollout)
    };
    Some(if waits.is_stalled() {
        Cause::stalled(ReasonCode::RolloutPaused, words, waits.next())
    } else {
        Cause::passing(ReasonCode::WaitingForRollout, words, waits.next())
    })
}
