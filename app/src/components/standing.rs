//! How one target stands, in the fewest true words: what a cell of the matrix, a chip on the phone and a
//! row of the table say. Pure.

use super::icon::Icon;
use super::status::{Mark, health_mark, phase_word, sync_mark};
use super::tone::Tone;
use crate::format;
use lockstep_types::Micros;
use lockstep_types::application::TargetSummary;
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;
use lockstep_types::source::Mode;
use lockstep_types::sync::SyncPhase;

/// A target in two shapes, a few words and at most one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub sync: Mark,
    pub health: Mark,
    /// Empty when all is well.
    pub words: String,
    /// Empty when there is nothing to explain.
    pub cause: String,
    /// `None`: nothing needs attention; drawn quietly.
    pub tone: Option<Tone>,
}

/// Reads a target. `now` tells how long it lasts.
pub fn standing(target: &TargetSummary, now: Micros) -> Standing {
    let health = health_mark(target.health.status);
    let sync = special_mark(target).unwrap_or_else(|| sync_mark(target.sync));
    let bad_health = !matches!(
        target.health.status,
        HealthStatus::Healthy | HealthStatus::Suspended
    );
    let words = words(target);
    let attention = bad_health
        || !words.is_empty()
        || target.sync != SyncStatus::Synced
        || target.reason.as_ref().is_some_and(|reason| reason.stalled);
    let cause = target
        .reason
        .as_ref()
        .filter(|_| attention)
        .map(|reason| format!("{}, {}", reason.cause, format::relative(reason.since, now)))
        .unwrap_or_default();
    Standing {
        sync,
        health,
        words,
        cause,
        tone: attention.then(|| tone(target, sync, health)),
    }
}

fn special_mark(target: &TargetSummary) -> Option<Mark> {
    if target.pin.is_some() {
        Some(Mark {
            icon: Icon::Pin,
            tone: Tone::Idle,
            word: "Pinned",
        })
    } else if target.hold.is_some() {
        Some(Mark {
            icon: Icon::Hold,
            tone: Tone::Idle,
            word: "Held",
        })
    } else if target.drifted > 0 {
        Some(Mark {
            icon: Icon::Drift,
            tone: Tone::Warn,
            word: "Drifted",
        })
    } else {
        None
    }
}

fn words(target: &TargetSummary) -> String {
    if let Some(pin) = &target.pin {
        return if pin.ended_waiting {
            "pin ended, awaits a yes".into()
        } else {
            format!("{} behind", pin.behind)
        };
    }
    if let Some(hold) = &target.hold {
        return if hold.ended_waiting {
            "hold ended, awaits a yes".into()
        } else {
            "held".into()
        };
    }
    if target.running.is_some()
        && let Some(phase) = target.phase.filter(|phase| !phase.is_final())
    {
        return phase_word(phase).into();
    }
    match target.health.status {
        HealthStatus::Healthy | HealthStatus::Suspended => {}
        status if target.health.message.is_empty() => return status.word().to_lowercase(),
        _ => return target.health.message.clone(),
    }
    if target.drifted > 0 {
        return format!(
            "{} drifted",
            format::plural(target.drifted.into(), "object", "objects")
        );
    }
    match target.sync {
        // How many is not recorded over time.
        SyncStatus::OutOfSync if target.out_of_sync == 0 => "differs".into(),
        SyncStatus::OutOfSync => format!("{} differ", format::count(target.out_of_sync.into())),
        SyncStatus::Unknown => "not comparable".into(),
        SyncStatus::Synced => String::new(),
    }
}

fn tone(target: &TargetSummary, sync: Mark, health: Mark) -> Tone {
    match target.health.status {
        HealthStatus::Degraded | HealthStatus::Missing => health.tone,
        _ if target.phase == Some(SyncPhase::AwaitingApproval) => Tone::Warn,
        _ if target.reason.as_ref().is_some_and(|reason| reason.stalled)
            && target.drifted == 0
            && target.pin.is_none()
            && target.hold.is_none() =>
        {
            Tone::Bad
        }
        HealthStatus::Progressing | HealthStatus::Unknown if sync.tone == Tone::Ok => health.tone,
        _ if target.mode == Mode::Observe && sync.tone == Tone::Run => Tone::Run,
        _ => sync.tone,
    }
}

/// Worst first, for choosing a target: bad health, then drift and difference, then the name.
pub fn severity(target: &TargetSummary) -> (u8, u8, u32) {
    let health = match target.health.status {
        HealthStatus::Degraded => 4,
        HealthStatus::Missing => 3,
        HealthStatus::Unknown => 2,
        HealthStatus::Progressing => 1,
        HealthStatus::Healthy | HealthStatus::Suspended => 0,
    };
    let sync = match target.sync {
        SyncStatus::OutOfSync => 2,
        SyncStatus::Unknown => 1,
        SyncStatus::Synced => 0,
    };
    (health, sync, target.drifted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::application::{ApplicationRef, Hold, TargetRef};
    use lockstep_types::health::Health;
    use lockstep_types::id::{ApplicationId, HoldId, TargetId};
    use lockstep_types::reason::{Reason, ReasonCode};
    use uuid::Uuid;

    const NOW: Micros = Micros(1_700_000_000_000_000);

    fn well() -> TargetSummary {
        TargetSummary {
            target: TargetRef {
                id: TargetId(Uuid::nil()),
                application: ApplicationRef {
                    id: ApplicationId(Uuid::nil()),
                    name: "web".into(),
                    project: "shop".into(),
                },
                cluster: "prod-eu".into(),
            },
            mode: Mode::Managed,
            sync: SyncStatus::Synced,
            health: Health::healthy(),
            reason: None,
            drifted: 0,
            out_of_sync: 0,
            objects: 4,
            revision: None,
            deployed: None,
            images: Vec::new(),
            last_compared: None,
            running: None,
            phase: None,
            hold: None,
            pin: None,
        }
    }

    #[test]
    fn what_is_well_says_nothing() {
        let standing = standing(&well(), NOW);
        assert_eq!((standing.words.as_str(), standing.cause.as_str()), ("", ""));
        assert_eq!(standing.tone, None);
    }

    #[test]
    fn drift_has_its_own_shape_and_names_its_cause() {
        let mut target = well();
        target.sync = SyncStatus::OutOfSync;
        target.drifted = 2;
        target.reason = Some(Reason {
            code: ReasonCode::Drifted,
            object: None,
            cause: "replicas 3 → 5 by kubectl-scale".into(),
            since: NOW.plus_seconds(-1_560),
            next: String::new(),
            stalled: false,
        });
        let standing = standing(&target, NOW);
        assert_eq!(standing.sync.icon, Icon::Drift);
        assert_eq!(standing.words, "2 objects drifted");
        assert_eq!(standing.cause, "replicas 3 → 5 by kubectl-scale, 26 min");
        assert_eq!(standing.tone, Some(Tone::Warn));
    }

    #[test]
    fn bad_health_wins_over_a_hold_in_colour_but_not_in_words() {
        let mut target = well();
        target.health = Health::new(HealthStatus::Degraded, "1 of 3 ready");
        target.hold = Some(Hold {
            kind: Default::default(),
            id: HoldId(Uuid::nil()),
            owner: "jon".into(),
            reason: "load test".into(),
            from: NOW,
            until: NOW.plus_seconds(60),
            ended_waiting: false,
        });
        let standing = standing(&target, NOW);
        assert_eq!(standing.words, "held");
        assert_eq!(standing.tone, Some(Tone::Bad));
        assert!(severity(&target) > severity(&well()));
    }
}
