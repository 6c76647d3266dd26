//! An ordinary situation, and the ways to change it.

use super::super::*;
use lockstep_types::application::HoldKind;
use lockstep_types::id::{HoldId, PinId};
use uuid::Uuid;

pub(super) const NOW: Micros = Micros(1_000_000_000_000);

#[derive(Clone)]
pub(super) struct Given {
    pub(super) mode: Mode,
    pub(super) policy: SyncPolicy,
    pub(super) retry: Option<Retry>,
    pub(super) hold: Option<Hold>,
    pub(super) pin: Option<Pin>,
    pub(super) window: Option<WindowView>,
    pub(super) unknown: Option<Cause>,
    pub(super) facts: Facts,
    pub(super) running: Option<Running>,
    pub(super) requested: Option<Requested>,
    pub(super) last: Option<LastAttempt>,
    pub(super) heals: BTreeMap<ResourceKey, Vec<Micros>>,
    pub(super) prune: PruneCheck,
    pub(super) brake: Option<String>,
    pub(super) waits: Option<Cause>,
    pub(super) rollout: Option<Cause>,
}

pub(super) fn given() -> Given {
    Given {
        mode: Mode::Managed,
        policy: SyncPolicy {
            automated: true,
            prune: true,
            self_heal: true,
            ..SyncPolicy::default()
        },
        retry: None,
        hold: None,
        pin: None,
        window: None,
        unknown: None,
        facts: Facts {
            revision: Revision("a".repeat(40)),
            attempt: "new".to_owned(),
            sync: SyncStatus::Synced,
            only_drift: false,
            writes: 0,
            prunes: 0,
            drift_words: String::new(),
            rivals: BTreeMap::new(),
            drifted: Vec::new(),
            violations: Vec::new(),
            empty: false,
            health: Health::healthy(),
            culprit: None,
            event: String::new(),
            skipped: None,
            unsure: None,
            stale: None,
            refused: None,
        },
        running: None,
        requested: None,
        last: None,
        heals: BTreeMap::new(),
        prune: PruneCheck::NotNeeded,
        brake: None,
        waits: None,
        rollout: None,
    }
}

impl Given {
    pub(super) fn decide(&self) -> Decision {
        decide(&Situation {
            now: NOW,
            mode: self.mode,
            policy: &self.policy,
            retry: self.retry.as_ref(),
            hold: self.hold.as_ref(),
            pin: self.pin.as_ref(),
            window: self.window.as_ref(),
            state: match &self.unknown {
                Some(cause) => State::Unknown(cause),
                None => State::Known(&self.facts),
            },
            running: self.running.as_ref(),
            requested: self.requested.as_ref(),
            last: self.last.as_ref(),
            heals: &self.heals,
            prune: self.prune,
            brake: self.brake.as_deref(),
            waits: self.waits.as_ref(),
            rollout: self.rollout.as_ref(),
        })
    }

    pub(super) fn differs(mut self) -> Self {
        self.facts.sync = SyncStatus::OutOfSync;
        self.facts.writes = 2;
        self
    }

    pub(super) fn drifted(mut self) -> Self {
        self = self.differs().after(SyncPhase::Succeeded, 0);
        self.facts.drifted = vec![web()];
        self
    }

    pub(super) fn waiting(mut self) -> Self {
        self.waits = Some(Cause::passing(
            ReasonCode::WaitingForDependency,
            "Waits for infra: it is not ready",
            "It goes on by itself",
        ));
        self
    }

    pub(super) fn leaving(mut self) -> Self {
        self.facts.sync = SyncStatus::OutOfSync;
        self.facts.prunes = 1;
        self
    }

    pub(super) fn after(mut self, phase: SyncPhase, failures: u32) -> Self {
        self.last = Some(LastAttempt {
            attempt: "new".to_owned(),
            prune: false,
            hooks: false,
            hook_failed: false,
            phase,
            by: "auto-sync".to_owned(),
            failures,
            ended_at: NOW.plus_seconds(-3),
            message: "quota exceeded".to_owned(),
            object: Some(web()),
        });
        self
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(super) fn held(self, until: i64) -> Self {
        self.with(|given| given.hold = Some(hold(until)))
    }

    pub(super) fn closed(self, people: bool) -> Self {
        self.with(|given| given.window = Some(window(people)))
    }

    pub(super) fn asked(self) -> Self {
        self.with(|given| {
            given.requested = Some(Requested {
                by: "maria".to_owned(),
                prune: true,
                since: NOW.plus_seconds(-1),
                overrides: Vec::new(),
            });
        })
    }
}

pub(super) fn web() -> ResourceKey {
    ResourceKey::new("apps", "Deployment", "shop", "web")
}

pub(super) fn hold(until: i64) -> Hold {
    Hold {
        id: HoldId(Uuid::nil()),
        kind: HoldKind::Both,
        owner: "maria".to_owned(),
        reason: "release freeze".to_owned(),
        from: NOW.plus_seconds(-60),
        until: NOW.plus_seconds(until),
        ended_waiting: false,
    }
}

pub(super) fn window(people: bool) -> WindowView {
    WindowView {
        project: "shops".to_owned(),
        open: false,
        people,
        closed_by: "allow 0 22 * * 1-5 for 1h Europe/Berlin".to_owned(),
        changes: Some(NOW.plus_seconds(3600)),
        windows: Vec::new(),
        keeps_out: match people {
            true => Vec::new(),
            false => vec!["allow 0 22 * * 1-5 for 1h Europe/Berlin".to_owned()],
        },
    }
}

pub(super) fn pin(until: i64) -> Pin {
    Pin {
        id: PinId(Uuid::nil()),
        revision: Revision("b".repeat(40)),
        owner: "maria".to_owned(),
        reason: "bad release".to_owned(),
        from: NOW.plus_seconds(-60),
        until: NOW.plus_seconds(until),
        behind: 3,
        ended_waiting: false,
    }
}

pub(super) fn auto(prune: bool) -> Act {
    Act::Start {
        trigger: Trigger::AutoSync,
        prune,
    }
}
