//! What the cluster says of the object behind a step, from the watch alone. Sends nothing and decides nothing.

use super::progress::Look;
use crate::reconcile::target::{Compared, judge};
use crate::runtime::Runtime;
use engine::health::{self, Observed};
use engine::live::Lookup;
use engine::schema::is_custom;
use lockstep_types::health::HealthStatus;
use lockstep_types::plan::{Action, Step};
use lockstep_types::resource::ResourceKey;
use lockstep_types::sync::StepOutcome;
use lockstep_types::time::Micros;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// A custom resource is judged by what its controller wrote, so the controller gets a moment to see it.
const SETTLE_SECONDS: i64 = 2;

/// Looks for one pass of one run.
pub(super) struct Looks<'a> {
    compared: &'a Compared,
    rows: &'a [StepOutcome],
    now: Micros,
    patience: i64,
    /// Since when what is waited for is in a bad state.
    degraded: RefCell<BTreeMap<ResourceKey, Micros>>,
    again: Cell<Option<Micros>>,
}

impl<'a> Looks<'a> {
    pub(super) fn new(
        runtime: &Runtime,
        compared: &'a Compared,
        rows: &'a [StepOutcome],
        degraded: BTreeMap<ResourceKey, Micros>,
        now: Micros,
    ) -> Self {
        let patience = runtime.settings().degraded_within.as_secs();
        Self {
            compared,
            rows,
            now,
            patience: i64::try_from(patience).unwrap_or(i64::MAX),
            degraded: RefCell::new(degraded),
            again: Cell::new(None),
        }
    }

    /// The bad states that are remembered, and when to look again without a change.
    pub(super) fn into_memory(self) -> (BTreeMap<ResourceKey, Micros>, Option<Micros>) {
        (self.degraded.into_inner(), self.again.get())
    }

    /// `made`: the UID of what the step made or deletes, where its row knows it.
    pub(super) fn at(&self, step: &Step, made: Option<&str>) -> Look {
        let object = match self.compared.handle.live.get(&step.key) {
            Lookup::Present(object) => object,
            Lookup::Absent => return Look::Gone,
            Lookup::Unknown(why) => return Look::Waits(why),
        };
        let deletes = matches!(step.action, Action::Prune | Action::HookCleanup(_));
        let expected = made.or(step.uid.as_deref());
        if (deletes || step.action == Action::Hook) && expected.is_some_and(|uid| uid != object.uid)
        {
            return Look::Gone;
        }
        let body = object.body();
        if deletes {
            return Look::Waits(health::health(&body).message);
        }
        let checked = &self.compared.checked;
        if checked.is_behind(&step.key, &object) {
            // The pass that has it looked at is on its way.
            self.look_at(self.now.plus_seconds(1));
            let name = step.key.short();
            return Look::Waits(format!("{name} waits for its health check"));
        }
        let live = &self.compared.handle.live;
        let observed = judge::observed(live, &step.key, body, &object.uid, checked);
        let own = observed.health.clone();
        let words = words(&observed);
        match own.status {
            HealthStatus::Healthy if self.fresh(step) => {
                Look::Waits(format!("{} was applied just now", step.key.short()))
            }
            HealthStatus::Healthy => {
                self.degraded.borrow_mut().remove(&step.key);
                Look::Ready
            }
            HealthStatus::Suspended if step.action != Action::Hook => Look::Ready,
            // The end of a hook is its end.
            HealthStatus::Degraded if step.action == Action::Hook => Look::Failed(words),
            HealthStatus::Degraded => self.bad(step, words),
            HealthStatus::Suspended
            | HealthStatus::Progressing
            | HealthStatus::Missing
            | HealthStatus::Unknown => {
                self.degraded.borrow_mut().remove(&step.key);
                Look::Waits(words)
            }
        }
    }

    fn bad(&self, step: &Step, words: String) -> Look {
        let since = *self
            .degraded
            .borrow_mut()
            .entry(step.key.clone())
            .or_insert(self.now);
        let until = since.plus_seconds(self.patience);
        if self.now >= until {
            return Look::Failed(words);
        }
        self.look_at(until);
        Look::Waits(words)
    }

    fn fresh(&self, step: &Step) -> bool {
        if step.action == Action::Hook || !is_custom(&step.key) {
            return false;
        }
        let applied = self
            .rows
            .iter()
            .find(|row| row.index == step.index)
            .filter(|row| row.started_at.is_some())
            .and_then(|row| row.ended_at);
        let Some(settled) = applied.map(|at| at.plus_seconds(SETTLE_SECONDS)) else {
            return false;
        };
        if self.now < settled {
            self.look_at(settled);
        }
        self.now < settled
    }

    fn look_at(&self, at: Micros) {
        let sooner = self.again.get().map_or(at, |before| before.min(at));
        self.again.set(Some(sooner));
    }
}

/// The object, and below it what holds it up: `Deployment cart: 1 of 3 ready; 2 of 3 pods cannot pull x`.
fn words(observed: &Observed) -> String {
    let own = &observed.health;
    let said = if own.message.is_empty() {
        format!("{} is {}", observed.key.short(), own.status.word())
    } else {
        format!("{}: {}", observed.key.short(), own.message)
    };
    match health::cause(std::slice::from_ref(observed)) {
        Some(cause) if cause.key != observed.key && !said.contains(&cause.message) => {
            format!("{said}; {}", cause.message)
        }
        _ => said,
    }
}
