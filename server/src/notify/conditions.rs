//! Which conditions hold for a target. Pure.

use lockstep_types::alert::{AlertRules, Condition};
use lockstep_types::application::TargetSummary;
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;
use lockstep_types::reason::ReasonCode;
use lockstep_types::time::Micros;

/// A target with what the database knows of its past.
pub(super) struct Seen<'a> {
    pub summary: &'a TargetSummary,
    /// Since when fields differ that did not at the first comparison, and how many.
    pub drift: Option<(Micros, u32)>,
    pub out_of_sync_since: Option<Micros>,
    /// It was in line at some time: otherwise what differs is the baseline.
    pub was_synced: bool,
    pub degraded_since: Option<Micros>,
    /// Since this process has started. What an earlier one saw may long be over.
    pub compared: bool,
    pub started: Micros,
    pub now: Micros,
}

/// Whether a condition holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Holds {
        since: Micros,
        cause: String,
    },
    Over,
    /// It cannot be told now: what is open stays, and nothing new opens.
    Unsure,
}

/// Conditions that are judged target by target.
pub(super) const OF_TARGETS: [Condition; 9] = [
    Condition::Drift,
    Condition::Fight,
    Condition::OutOfSync,
    Condition::Degraded,
    Condition::SyncFailed,
    Condition::HoldEnding,
    Condition::Stale,
    Condition::PruneHeld,
    Condition::RenderBroken,
];

impl Seen<'_> {
    /// Judges one condition.
    pub(super) fn judge(&self, condition: Condition, rules: &AlertRules) -> Verdict {
        match condition {
            Condition::Drift => self.drift(),
            Condition::OutOfSync => self.out_of_sync(),
            Condition::Degraded => self.degraded(),
            Condition::SyncFailed => self.sync_failed(),
            Condition::HoldEnding => self.ending(i64::from(rules.dwell(condition))),
            Condition::Stale => self.stale(i64::from(rules.dwell(condition))),
            Condition::Fight => self.by_code(&[ReasonCode::Fighting]),
            Condition::PruneHeld => self.by_code(&[ReasonCode::AwaitingApproval]),
            Condition::RenderBroken => self.by_code(&[
                ReasonCode::RenderFailed,
                ReasonCode::DefinitionInvalid,
                ReasonCode::EmptyRender,
            ]),
            // A host or cluster that is down is one incident, not one per target.
            Condition::ClusterUnreachable => Verdict::Over,
        }
    }

    fn code(&self) -> Option<ReasonCode> {
        self.summary.reason.as_ref().map(|reason| reason.code)
    }

    /// Nothing is known of the cluster now.
    fn blind(&self) -> bool {
        !self.compared
            || matches!(
                self.code(),
                Some(ReasonCode::ClusterUnreachable | ReasonCode::LiveUnknown)
            )
    }

    /// The reason's words when it is of this kind, else these.
    fn cause(&self, codes: &[ReasonCode], otherwise: String) -> String {
        match &self.summary.reason {
            Some(reason) if codes.contains(&reason.code) => reason.sentence(),
            _ => otherwise,
        }
    }

    fn drift(&self) -> Verdict {
        if self.blind() || self.summary.running.is_some() {
            return Verdict::Unsure;
        }
        match self.drift {
            None => Verdict::Over,
            Some((since, fields)) => {
                let words = match fields {
                    1 => "1 field differs from what Git says.".to_owned(),
                    many => format!("{many} fields differ from what Git says."),
                };
                Verdict::Holds {
                    since,
                    cause: self.cause(&[ReasonCode::Drifted, ReasonCode::Fighting], words),
                }
            }
        }
    }

    fn out_of_sync(&self) -> Verdict {
        let summary = self.summary;
        let told_otherwise = matches!(
            self.code(),
            Some(ReasonCode::AwaitingApproval | ReasonCode::ApplyFailed | ReasonCode::PruneFailed)
        );
        match (summary.sync, self.out_of_sync_since) {
            _ if self.blind() || summary.running.is_some() => Verdict::Unsure,
            (SyncStatus::Unknown, _) => Verdict::Unsure,
            (SyncStatus::OutOfSync, Some(since))
                if self.was_synced && summary.out_of_sync > summary.drifted && !told_otherwise =>
            {
                Verdict::Holds {
                    since,
                    cause: summary.reason.as_ref().map_or_else(
                        || "It is out of sync.".to_owned(),
                        |reason| reason.sentence(),
                    ),
                }
            }
            _ => Verdict::Over,
        }
    }

    fn degraded(&self) -> Verdict {
        let health = &self.summary.health;
        match (health.status, self.degraded_since) {
            _ if self.blind() => Verdict::Unsure,
            (HealthStatus::Unknown, _) => Verdict::Unsure,
            (HealthStatus::Degraded, Some(since)) => {
                let words = if health.message.is_empty() {
                    "At least one object is in a bad state.".to_owned()
                } else {
                    format!("{}.", health.message.trim_end_matches('.'))
                };
                Verdict::Holds {
                    since,
                    cause: self.cause(&[ReasonCode::Degraded], words),
                }
            }
            _ => Verdict::Over,
        }
    }

    fn sync_failed(&self) -> Verdict {
        let failed = self.by_code(&[ReasonCode::ApplyFailed, ReasonCode::PruneFailed]);
        match (failed, self.code()) {
            (holds @ Verdict::Holds { .. }, _) => holds,
            // The next attempt is on its way, or nobody can tell.
            _ if self.blind() || self.summary.running.is_some() => Verdict::Unsure,
            (
                _,
                Some(
                    ReasonCode::FetchFailed
                    | ReasonCode::RenderFailed
                    | ReasonCode::CompareFailed
                    | ReasonCode::DefinitionInvalid,
                ),
            ) => Verdict::Unsure,
            (other, _) => other,
        }
    }

    fn by_code(&self, codes: &[ReasonCode]) -> Verdict {
        match &self.summary.reason {
            Some(reason) if codes.contains(&reason.code) => Verdict::Holds {
                since: reason.since,
                cause: reason.sentence(),
            },
            // Seen before the start, and not looked at since.
            _ if !self.compared => Verdict::Unsure,
            _ => Verdict::Over,
        }
    }

    fn ending(&self, window: i64) -> Verdict {
        let hold = self.summary.hold.as_ref();
        let pin = self.summary.pin.as_ref();
        let hold = hold
            .filter(|hold| !hold.ended_waiting)
            .map(|hold| ("hold", hold.until, &hold.owner, &hold.reason));
        let pin = pin
            .filter(|pin| !pin.ended_waiting)
            .map(|pin| ("pin", pin.until, &pin.owner, &pin.reason));
        let nearest = hold
            .into_iter()
            .chain(pin)
            .min_by_key(|(_, until, _, _)| *until);
        match nearest {
            Some((what, until, owner, reason))
                if until.plus_seconds(-window) <= self.now && until > self.now =>
            {
                Verdict::Holds {
                    since: until.plus_seconds(-window),
                    cause: format!(
                        "The {what} of {owner} ends at {} ({reason}).",
                        until.rfc3339()
                    ),
                }
            }
            _ => Verdict::Over,
        }
    }

    fn stale(&self, dwell: i64) -> Verdict {
        if self.code() == Some(ReasonCode::ClusterUnreachable) {
            return Verdict::Unsure;
        }
        let last = self.summary.last_compared.unwrap_or(self.started);
        let since = last.max(self.started);
        if self.now.seconds_since(since) < dwell {
            // Only a comparison ends what an earlier process has opened: a start proves nothing.
            return if self.compared {
                Verdict::Over
            } else {
                Verdict::Unsure
            };
        }
        Verdict::Holds {
            since,
            cause: format!("It was last compared at {}.", last.rfc3339()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::application::{ApplicationRef, Hold, TargetRef};
    use lockstep_types::health::Health;
    use lockstep_types::id::{ApplicationId, HoldId, RunId, TargetId};
    use lockstep_types::reason::Reason;
    use lockstep_types::source::Mode;
    use uuid::Uuid;

    const NOW: Micros = Micros(10_000_000_000);

    fn target() -> TargetSummary {
        TargetSummary {
            target: TargetRef {
                id: TargetId(Uuid::nil()),
                application: ApplicationRef {
                    id: ApplicationId(Uuid::nil()),
                    name: "cart".to_owned(),
                    project: "shop".to_owned(),
                },
                cluster: "prod-eu".to_owned(),
            },
            mode: Mode::Managed,
            sync: SyncStatus::Synced,
            health: Health::healthy(),
            reason: None,
            drifted: 0,
            out_of_sync: 0,
            objects: 3,
            revision: None,
            deployed: None,
            images: Vec::new(),
            last_compared: Some(NOW.plus_seconds(-10)),
            running: None,
            phase: None,
            hold: None,
            pin: None,
        }
    }

    fn because(code: ReasonCode) -> Option<Reason> {
        Some(Reason {
            code,
            object: None,
            cause: "it is so".to_owned(),
            since: NOW.plus_seconds(-100),
            next: String::new(),
            stalled: false,
        })
    }

    fn seen(summary: &TargetSummary) -> Seen<'_> {
        Seen {
            summary,
            drift: None,
            out_of_sync_since: Some(NOW.plus_seconds(-4000)),
            was_synced: true,
            degraded_since: Some(NOW.plus_seconds(-70)),
            compared: true,
            started: NOW.plus_seconds(-5000),
            now: NOW,
        }
    }

    fn words(seen: &Seen<'_>) -> Vec<&'static str> {
        let rules = AlertRules::default();
        OF_TARGETS
            .into_iter()
            .filter(|condition| matches!(seen.judge(*condition, &rules), Verdict::Holds { .. }))
            .map(Condition::word)
            .collect()
    }

    #[test]
    fn what_is_in_line_and_healthy_alerts_nobody() {
        assert!(words(&seen(&target())).is_empty());
    }

    #[test]
    fn each_state_has_its_condition() {
        let mut one = target();
        one.sync = SyncStatus::OutOfSync;
        (one.drifted, one.out_of_sync) = (1, 1);
        one.reason = because(ReasonCode::Drifted);
        let mut drifting = seen(&one);
        drifting.drift = Some((NOW.plus_seconds(-9), 2));
        assert_eq!(
            words(&drifting),
            ["drift"],
            "drift alone is not out of sync"
        );
        // The first comparison's differences are in no row that is not a baseline.
        drifting.drift = None;
        assert!(words(&drifting).is_empty());

        let mut behind = target();
        behind.sync = SyncStatus::OutOfSync;
        behind.out_of_sync = 2;
        behind.reason = because(ReasonCode::Behind);
        assert_eq!(words(&seen(&behind)), ["out-of-sync"]);
        let mut baseline = seen(&behind);
        baseline.was_synced = false;
        assert!(words(&baseline).is_empty());

        for (code, expected) in [
            (ReasonCode::ApplyFailed, "sync-failed"),
            (ReasonCode::AwaitingApproval, "prune-held"),
            (ReasonCode::RenderFailed, "render-broken"),
        ] {
            let mut one = target();
            one.reason = because(code);
            assert_eq!(words(&seen(&one)), [expected]);
        }

        let mut sick = target();
        sick.health = Health::new(HealthStatus::Degraded, "2 of 3 pods crash");
        assert_eq!(words(&seen(&sick)), ["degraded"]);

        let mut old = target();
        old.last_compared = Some(NOW.plus_seconds(-1900));
        assert_eq!(words(&seen(&old)), ["stale"]);
        let mut fresh = seen(&old);
        fresh.started = NOW.plus_seconds(-60);
        assert!(words(&fresh).is_empty(), "the server was away itself");
    }

    #[test]
    fn an_end_alerts_in_its_window_only() {
        let mut held = target();
        let mut hold = Hold {
            kind: Default::default(),
            id: HoldId(Uuid::nil()),
            owner: "jon".to_owned(),
            reason: "load test".to_owned(),
            from: Micros(0),
            until: NOW.plus_seconds(1000),
            ended_waiting: false,
        };
        held.hold = Some(hold.clone());
        assert_eq!(words(&seen(&held)), ["hold-ending"]);
        hold.until = NOW.plus_seconds(2000);
        held.hold = Some(hold.clone());
        assert!(words(&seen(&held)).is_empty());
        hold.until = NOW.plus_seconds(-1);
        held.hold = Some(hold);
        assert!(words(&seen(&held)).is_empty());
    }

    #[test]
    fn what_cannot_be_told_changes_nothing() {
        let rules = AlertRules::default();
        let mut away = target();
        away.sync = SyncStatus::Unknown;
        away.reason = because(ReasonCode::ClusterUnreachable);
        for condition in [
            Condition::Drift,
            Condition::OutOfSync,
            Condition::Degraded,
            Condition::SyncFailed,
            Condition::Stale,
        ] {
            assert_eq!(seen(&away).judge(condition, &rules), Verdict::Unsure);
        }
        let mut syncing = target();
        syncing.running = Some(RunId(Uuid::nil()));
        syncing.reason = because(ReasonCode::Syncing);
        assert_eq!(
            seen(&syncing).judge(Condition::SyncFailed, &rules),
            Verdict::Unsure,
            "a retry does not end the incident"
        );
        let mut away_itself = target();
        away_itself.last_compared = Some(NOW.plus_seconds(-90_000));
        let mut restarted = seen(&away_itself);
        (restarted.compared, restarted.started) = (false, NOW.plus_seconds(-60));
        assert_eq!(
            restarted.judge(Condition::Stale, &rules),
            Verdict::Unsure,
            "a start does not end the incident"
        );
        restarted.started = NOW.plus_seconds(-1900);
        assert!(matches!(
            restarted.judge(Condition::Stale, &rules),
            Verdict::Holds { .. }
        ));
        let one = target();
        let mut new = seen(&one);
        new.compared = false;
        new.drift = Some((NOW.plus_seconds(-900), 1));
        assert_eq!(new.judge(Condition::Drift, &rules), Verdict::Unsure);
    }
}
