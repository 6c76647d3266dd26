//! What to do next with one target, decided from facts alone.
//!
//! Pure: no store, no cluster, no clock. The target reconciler gathers a [`Situation`], this module says whether a
//! run begins now, later or not at all, and why the target is not Synced and Healthy. Automation makes one attempt
//! per rendered state, then retries with growing pauses up to a limit; it never deletes on one render alone.

mod automatic;

use super::cause::Cause;
use super::explain;
use super::target::Waiting;
use super::windows;
pub use automatic::retry_seconds;

use engine::definition::Retry;
use lockstep_types::application::{Hold, HoldKind, Pin, SyncPolicy};
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
    /// Its turn in its rollout has not come, and why; only automation waits for it.
    pub rollout: Option<&'a Cause>,
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
    /// This very render counts as deployed, by a run or because it was in line without one, and all that would be
    /// written is what was changed since.
    pub only_drift: bool,
    /// Objects to create or configure.
    pub writes: usize,
    /// Objects of the inventory that Git no longer declares and that pruning would delete.
    pub prunes: usize,
    /// Objects whose declared fields somebody changed.
    pub drifted: Vec<ResourceKey>,
    /// The first drifted field in words; empty when none is known.
    pub drift_words: String,
    /// Who changed what on each drifted object: its first deviation.
    pub rivals: BTreeMap<ResourceKey, Rival>,
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

/// A deviation as far as a fight is told by it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rival {
    /// `spec.replicas`; empty: the object was deleted.
    pub path: String,
    /// The manager of the field; empty where the cluster does not say.
    pub manager: String,
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
    /// Names of windows and holds that it does not wait for.
    pub overrides: Vec<String>,
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
        (Some(request), Some(window)) if !window.lets(&request.overrides) => Decision {
            act: Act::Refuse(words(&windows::closed(window))),
            ..at_opening(window)
        },
        (Some(request), _) => Decision::start(Trigger::Person(request.by.clone()), request.prune),
        (None, None) => automatic::automatic(situation, facts),
        (None, Some(window)) => match automatic::automatic(situation, facts) {
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
    let decision = within_hold(situation, decision);
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
    if let Some((hold, held)) = held(situation)
        && hold.kind == HoldKind::Both
    {
        return Some(held);
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

/// The hold that is in force, as the reason why something is not written.
fn held<'a>(situation: &Situation<'a>) -> Option<(&'a Hold, Cause)> {
    let requested = situation.requested;
    let hold = situation
        .hold
        .filter(|hold| requested.is_none_or(|by| !by.overrides.contains(&hold.name())))?;
    let next = if hold.until > situation.now {
        format!(
            "The hold ends at {}; release it to go on",
            hold.until.rfc3339()
        )
    } else {
        let window = over_while_closed(situation)?;
        match window.changes {
            Some(at) => format!(
                "Its time is over; it ends inside windows only, the next opens at {}",
                at.rfc3339()
            ),
            None => {
                "Its time is over; it ends inside windows only, and none is in sight".to_owned()
            }
        }
    };
    let what = hold.kind.what();
    let cause = format!("{} holds {what}: {}", hold.owner, hold.reason);
    Some((hold, Cause::passing(ReasonCode::Held, cause, next)))
}

/// What a hold of one kind of write leaves of a decision.
fn within_hold(situation: &Situation<'_>, decision: Decision) -> Decision {
    let Act::Start { trigger, .. } = &decision.act else {
        return decision;
    };
    match held(situation) {
        Some((hold, held)) if hold.kind.stops(*trigger == Trigger::SelfHeal) => {
            let act = match trigger {
                Trigger::Person(_) => Act::Refuse(words(&held)),
                Trigger::AutoSync | Trigger::SelfHeal | Trigger::Pin(_) => Act::Rest,
            };
            Decision {
                act,
                cause: Some(held),
                again: None,
            }
        }
        _ => decision,
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

#[cfg(test)]
mod tests;
