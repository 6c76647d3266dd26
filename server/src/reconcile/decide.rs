//! What to do next with one target, decided from facts alone.
//!
//! Pure: no store, no cluster, no clock. The target reconciler gathers a [`Situation`], this module says whether a
//! run begins now, later or not at all, and why the target is not Synced and Healthy. Automation makes one attempt
//! per rendered state, then retries with growing pauses up to a limit; it never deletes on one render alone.

use super::cause::{Cause, count};
use super::explain;
use super::target::Waiting;
use super::windows;
use engine::definition::Retry;
use lockstep_types::application::{Hold, Pin, SyncPolicy};
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::Health;
use lockstep_types::reason::ReasonCode;
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::Revision;
use lockstep_types::source::Mode;
use lockstep_types::sync::SyncPhase;
use lockstep_types::time::Micros;
use lockstep_types::window::WindowView;
use std::collections::BTreeMap;

/// Automatic attempts for one rendered state before a person must act.
pub const ATTEMPTS: u32 = 5;
/// Heals of one object within [`FIGHT_SECONDS`] after which healing it stops.
pub const FIGHT_HEALS: usize = 5;
/// The window in which heals are counted.
pub const FIGHT_SECONDS: i64 = 300;
/// How long healing rests after a fight.
pub const FIGHT_REST_SECONDS: i64 = 1800;
/// How often a target that waits for another looks, besides being woken by it.
pub const WAITING_SECONDS: i64 = 5;
/// How long a request waits for a cluster before it is refused.
pub const REQUEST_PATIENCE_SECONDS: i64 = 300;

/// Everything the decision depends on.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    pub now: Micros,
    pub mode: Mode,
    pub policy: &'a SyncPolicy,
    /// How the definition wants failed syncs to be retried; `None`: as this module does.
    pub retry: Option<&'a Retry>,
    pub hold: Option<&'a Hold>,
    pub pin: Option<&'a Pin>,
    /// The sync windows; `None`: none is for the target.
    pub window: Option<&'a WindowView>,
    pub state: State<'a>,
    pub running: Option<&'a Running>,
    pub requested: Option<&'a Requested>,
    pub last: Option<&'a LastAttempt>,
    /// When objects were healed, newest last.
    pub heals: &'a BTreeMap<ResourceKey, Vec<Micros>>,
    pub prune: PruneCheck,
    /// Pruning is stopped for this cluster or everywhere, with the reason.
    pub brake: Option<&'a str>,
    /// What must be ready first, in words; only automation waits for it.
    pub waits: Option<&'a Cause>,
}

/// Can the target be judged?
#[derive(Debug, Clone, Copy)]
pub enum State<'a> {
    Unknown(&'a Cause),
    Known(&'a Facts),
}

/// What comparing found.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    pub revision: Revision,
    /// Names the rendered state; equal states need no second attempt.
    pub attempt: String,
    pub sync: SyncStatus,
    /// Objects to create or configure.
    pub writes: usize,
    /// Objects of the inventory that Git no longer declares and that pruning would delete.
    pub prunes: usize,
    /// Objects whose declared fields somebody changed.
    pub drifted: Vec<ResourceKey>,
    /// The first drifted field in words; empty when none is known.
    pub drift_words: String,
    /// Rules of the plan check that the plan breaks.
    pub violations: Vec<String>,
    /// The render is empty while the inventory is not.
    pub empty: bool,
    pub health: Health,
    /// The object behind the health.
    pub culprit: Option<ResourceKey>,
    /// The newest warning about it, in words; empty when there is none.
    pub event: String,
    /// The first object that differs and is left alone, with the reason.
    pub skipped: Option<(ResourceKey, String)>,
    /// The first object that could not be compared, with the reason.
    pub unsure: Option<(ResourceKey, String)>,
    /// Why the tracked revision may be out of date: its repository does not answer.
    pub stale: Option<String>,
    /// Why the tracked revision is not taken: it does not carry the signatures that are asked for.
    pub refused: Option<Cause>,
}

/// A run that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    pub phase: SyncPhase,
    pub by: String,
    pub revision: Revision,
    /// What it waits for, in words.
    pub waiting_for: String,
    /// The hook or the wave it waits for.
    pub waiting: Option<Waiting>,
    pub object: Option<ResourceKey>,
    /// What it waits for is in a bad state already.
    pub degraded: bool,
}

/// A sync that a person or token asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requested {
    pub by: String,
    pub prune: bool,
    pub since: Micros,
}

/// The newest finished run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastAttempt {
    pub attempt: String,
    pub prune: bool,
    /// It ran hooks.
    pub hooks: bool,
    /// A hook of it failed, so that it is not over although everything may be as declared.
    pub hook_failed: bool,
    pub phase: SyncPhase,
    pub by: String,
    /// Runs in a row that failed at this state.
    pub failures: u32,
    pub ended_at: Micros,
    pub message: String,
    pub object: Option<ResourceKey>,
}

/// Whether a second, independent render confirmed what automation would delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PruneCheck {
    NotNeeded,
    /// The second render is due then.
    ConfirmAt(Micros),
    Confirmed,
    /// The tracked revision does not descend from what was deployed.
    Rewritten,
}

/// Who starts a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    Person(String),
    AutoSync,
    SelfHeal,
    /// A pin moved the target to its revision.
    Pin(String),
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Rest,
    Start {
        trigger: Trigger,
        prune: bool,
    },
    /// The request cannot be carried out.
    Refuse(String),
}

/// The decision, the reason to show, and when to look again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub act: Act,
    pub cause: Option<Cause>,
    pub again: Option<Micros>,
}

impl Decision {
    fn rest(cause: Option<Cause>) -> Self {
        Self {
            act: Act::Rest,
            cause,
            again: None,
        }
    }

    fn start(trigger: Trigger, prune: bool) -> Self {
        Self {
            act: Act::Start { trigger, prune },
            cause: None,
            again: None,
        }
    }

    fn later(at: Micros, cause: Cause) -> Self {
        Self {
            act: Act::Rest,
            cause: Some(cause),
            again: Some(at),
        }
    }
}

/// Decides. The same facts always give the same answer.
pub fn decide(situation: &Situation<'_>) -> Decision {
    if let Some(running) = situation.running {
        return Decision::rest(Some(explain::running(running)));
    }
    let facts = match situation.state {
        State::Unknown(cause) => return unknown(situation, cause),
        State::Known(facts) => facts,
    };
    if let Some(blocked) = blocked(situation, facts) {
        return match situation.requested {
            Some(_) => Decision {
                act: Act::Refuse(words(&blocked)),
                cause: explain::weigh(Some(blocked), situation, facts),
                again: ending(situation),
            },
            None => {
                let idle =
                    facts.sync == SyncStatus::Synced && facts.writes == 0 && facts.prunes == 0;
                let shown = (!idle || blocked.code != ReasonCode::Observing).then_some(blocked);
                Decision {
                    act: Act::Rest,
                    cause: explain::weigh(shown, situation, facts),
                    again: ending(situation),
                }
            }
        };
    }
    let closed = situation.window.filter(|window| !window.open);
    let decision = match (situation.requested, closed) {
        (Some(_), Some(window)) if !window.people => Decision {
            act: Act::Refuse(words(&windows::closed(window))),
            ..at_opening(window)
        },
        (Some(request), _) => Decision::start(Trigger::Person(request.by.clone()), request.prune),
        (None, None) => automatic(situation, facts),
        (None, Some(window)) => match automatic(situation, facts) {
            // The pin was a person's act.
            start @ Decision {
                act:
                    Act::Start {
                        trigger: Trigger::Pin(_),
                        ..
                    },
                ..
            } if window.people => start,
            Decision {
                act: Act::Start { .. },
                ..
            } => at_opening(window),
            rest => rest,
        },
    };
    Decision {
        cause: explain::weigh(decision.cause, situation, facts),
        again: earlier(decision.again, ending(situation)),
        act: decision.act,
    }
}

fn unknown(situation: &Situation<'_>, cause: &Cause) -> Decision {
    let act = match situation.requested {
        None => Act::Rest,
        Some(request) => {
            let waits = matches!(
                cause.code,
                ReasonCode::ClusterUnreachable | ReasonCode::LiveUnknown
            ) && situation.now.seconds_since(request.since) < REQUEST_PATIENCE_SECONDS;
            if waits {
                Act::Rest
            } else {
                Act::Refuse(words(cause))
            }
        }
    };
    Decision {
        act,
        cause: Some(cause.clone()),
        again: None,
    }
}

/// Nothing begins before the window opens.
fn at_opening(window: &WindowView) -> Decision {
    Decision {
        act: Act::Rest,
        cause: Some(windows::closed(window)),
        again: window.changes,
    }
}

/// What forbids every write, a person's too.
fn blocked(situation: &Situation<'_>, facts: &Facts) -> Option<Cause> {
    if situation.mode == Mode::Observe {
        return Some(explain::observing(facts));
    }
    if situation.policy.suspend {
        return Some(Cause::passing(
            ReasonCode::Suspended,
            "The definition suspends this application",
            "Remove the suspension in Git to let it sync",
        ));
    }
    if let Some(hold) = situation.hold.filter(|hold| hold.until > situation.now) {
        return Some(Cause::passing(
            ReasonCode::Held,
            format!("{} holds all writes: {}", hold.owner, hold.reason),
            format!(
                "The hold ends at {}; release it to go on",
                hold.until.rfc3339()
            ),
        ));
    }
    if let (Some(hold), Some(window)) = (situation.hold, over_while_closed(situation)) {
        return Some(Cause::passing(
            ReasonCode::Held,
            format!("{} holds all writes: {}", hold.owner, hold.reason),
            match window.changes {
                Some(at) => format!(
                    "Its time is over; it ends inside windows only, the next opens at {}",
                    at.rfc3339()
                ),
                None => {
                    "Its time is over; it ends inside windows only, and none is in sight".to_owned()
                }
            },
        ));
    }
    (!facts.violations.is_empty()).then(|| {
        Cause::stalled(
            ReasonCode::CompareFailed,
            format!(
                "The plan breaks a rule of its own check: {}",
                facts.violations.join("; ")
            ),
            "Nothing was written; report this with the plan of the application page",
        )
    })
}

/// What happens without a person.
fn automatic(situation: &Situation<'_>, facts: &Facts) -> Decision {
    let differs = facts.writes > 0 || facts.prunes > 0;
    if let Some(ended) = explain::ended_waiting(situation, differs) {
        return Decision::rest(Some(ended));
    }
    let hook_failed = situation
        .last
        .is_some_and(|last| last.attempt == facts.attempt && last.hook_failed);
    if !differs && !hook_failed {
        return Decision::rest(None);
    }
    if facts.empty && !situation.policy.allow_empty {
        return Decision::rest(Some(explain::empty(facts)));
    }
    let last = situation.last.filter(|last| last.attempt == facts.attempt);
    let pinned = situation.pin.filter(|pin| pin.until > situation.now);
    if let (Some(pin), None) = (pinned, last) {
        return Decision::start(Trigger::Pin(pin.owner.clone()), false);
    }
    if let Some(waits) = situation.waits {
        let again = situation.now.plus_seconds(WAITING_SECONDS);
        return Decision::later(again, waits.clone());
    }
    match last {
        Some(last) if last.phase == SyncPhase::Terminated => Decision::rest(Some(
            Cause::stalled(
                ReasonCode::ApplyFailed,
                format!(
                    "The last sync was ended before it was done: {}",
                    or(&last.message, "terminated")
                ),
                "Press Sync to begin again",
            )
            .about(last.object.clone()),
        )),
        Some(last) if last.phase != SyncPhase::Succeeded => retry(situation, facts, last),
        _ if !situation.policy.automated => {
            Decision::rest(Some(explain::waiting_for_person(facts)))
        }
        None if facts.writes > 0 => Decision::start(Trigger::AutoSync, false),
        _ if facts.writes > 0 => heal(situation, facts),
        _ => prune(situation, facts, last),
    }
}

fn retry(situation: &Situation<'_>, facts: &Facts, last: &LastAttempt) -> Decision {
    let failed = explain::failed(last);
    if !situation.policy.automated {
        return Decision::rest(Some(Cause {
            stalled: true,
            next: "Press Sync to try again".to_owned(),
            ..failed
        }));
    }
    let attempts = attempts(situation.retry);
    if attempts.is_some_and(|attempts| last.failures >= attempts) {
        return Decision::rest(Some(Cause {
            stalled: true,
            next: format!(
                "{} failed; mend it in Git or in the cluster, or press Sync to try again",
                count(
                    usize::try_from(last.failures).unwrap_or(usize::MAX),
                    "attempt",
                    "attempts"
                )
            ),
            ..failed
        }));
    }
    let pause = pause_seconds(situation.retry, last.failures);
    let at = last.ended_at.plus_seconds(pause);
    if last.phase == SyncPhase::Failed && at > situation.now {
        let of = attempts.map_or_else(String::new, |attempts| format!(" of {attempts}"));
        let next = format!("Attempt {}{of} at {}", last.failures + 1, at.rfc3339());
        return Decision::later(at, Cause { next, ..failed });
    }
    if facts.writes > 0 || last.hook_failed {
        Decision::start(Trigger::AutoSync, false)
    } else {
        prune(situation, facts, None)
    }
}

/// How often a state is tried before a person must act; `None`: for ever. A definition counts the tries after the first.
fn attempts(retry: Option<&Retry>) -> Option<u32> {
    match retry {
        None => Some(ATTEMPTS),
        Some(retry) if retry.limit < 0 => None,
        Some(retry) => Some(
            u32::try_from(retry.limit)
                .unwrap_or(u32::MAX)
                .saturating_add(1),
        ),
    }
}

/// The pause before the next try: the definition's, growing by its factor up to its longest one.
fn pause_seconds(retry: Option<&Retry>, failures: u32) -> i64 {
    let Some(retry) = retry else {
        return retry_seconds(failures);
    };
    let grown = u64::from(retry.factor).saturating_pow(failures.saturating_sub(1));
    let pause = retry
        .pause_ms
        .saturating_mul(grown)
        .min(retry.longest_pause_ms);
    i64::try_from(pause.div_ceil(1000)).unwrap_or(i64::MAX)
}

/// 5 s, 10 s, 20 s … up to three minutes.
pub fn retry_seconds(failures: u32) -> i64 {
    (5i64 << failures.saturating_sub(1).min(10)).min(180)
}

fn heal(situation: &Situation<'_>, facts: &Facts) -> Decision {
    if !situation.policy.self_heal {
        return Decision::rest(Some(explain::waiting_for_person(facts)));
    }
    let mut due = situation.now;
    for key in &facts.drifted {
        let Some(times) = situation.heals.get(key) else {
            continue;
        };
        let Some(newest) = times.last().copied() else {
            continue;
        };
        let within = times
            .iter()
            .filter(|at| newest.seconds_since(**at) < FIGHT_SECONDS)
            .count();
        if within >= FIGHT_HEALS {
            let rest_until = newest.plus_seconds(FIGHT_REST_SECONDS);
            if rest_until > situation.now {
                return Decision::later(
                    rest_until,
                    Cause::stalled(
                        ReasonCode::Drifted,
                        format!("{} was put back {within} times within 5 minutes and is changed again every time", key.short()),
                        "Healing rests; stop the other writer (its name is in the drift ledger), or change Git to what it wants",
                    )
                    .about(Some(key.clone())),
                );
            }
        }
        // The first heal is at once; the next ones wait, so that two writers do not spin.
        let pause = if within == 0 {
            0
        } else {
            5i64 << (within - 1).min(6)
        };
        due = due.max(newest.plus_seconds(pause));
    }
    if due > situation.now {
        let drift = explain::waiting_for_person(facts);
        return Decision::later(
            due,
            Cause {
                next: format!("It is put back at {}", due.rfc3339()),
                ..drift
            },
        );
    }
    Decision::start(Trigger::SelfHeal, false)
}

fn prune(situation: &Situation<'_>, facts: &Facts, last: Option<&LastAttempt>) -> Decision {
    let leaving = count(
        facts.prunes,
        "object is no longer in Git",
        "objects are no longer in Git",
    );
    let waiting = |next: &str| Cause::passing(ReasonCode::Behind, leaving.clone(), next);
    if !situation.policy.automated || !situation.policy.prune {
        return Decision::rest(Some(waiting(
            "Sync with prune to delete; the definition does not prune by itself",
        )));
    }
    if last.is_some_and(|last| last.prune) {
        return Decision::rest(Some(Cause::stalled(
            ReasonCode::PruneFailed,
            format!("{leaving} and the last sync could not delete"),
            "The run says why; sync with prune to try again",
        )));
    }
    if let Some(brake) = situation.brake {
        return Decision::rest(Some(Cause::stalled(
            ReasonCode::PruneFailed,
            format!("{leaving}, and pruning is stopped: {brake}"),
            "Sync with prune deletes them after a look at the plan",
        )));
    }
    match situation.prune {
        PruneCheck::Confirmed | PruneCheck::NotNeeded => Decision::start(Trigger::AutoSync, true),
        PruneCheck::ConfirmAt(at) => Decision::later(
            at,
            waiting("A second render confirms this before anything is deleted"),
        ),
        PruneCheck::Rewritten => Decision::rest(Some(Cause::stalled(
            ReasonCode::AwaitingApproval,
            format!("{leaving}, and the history of the branch was rewritten since the last sync"),
            "Look at the plan, then sync with prune",
        ))),
    }
}

/// The closed window that a hold whose time is over waits for.
fn over_while_closed<'a>(situation: &Situation<'a>) -> Option<&'a WindowView> {
    let over = |hold: &&Hold| hold.until <= situation.now && !hold.ended_waiting;
    situation.hold.filter(over)?;
    situation.window.filter(|window| !window.open)
}

/// When a hold or pin runs out.
fn ending(situation: &Situation<'_>) -> Option<Micros> {
    let hold = situation
        .hold
        .map(|hold| hold.until)
        .filter(|until| *until > situation.now);
    let pin = situation
        .pin
        .map(|pin| pin.until)
        .filter(|until| *until > situation.now);
    let opening = over_while_closed(situation).and_then(|window| window.changes);
    earlier(earlier(hold, pin), opening)
}

/// The earlier of two times.
pub(super) fn earlier(one: Option<Micros>, other: Option<Micros>) -> Option<Micros> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Cause and next step in one line.
fn words(cause: &Cause) -> String {
    format!("{}. {}", cause.cause, cause.next)
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

#[cfg(test)]
mod tests;
