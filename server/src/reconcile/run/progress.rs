//! How far a run is and what comes next, from its plan and the rows of its steps alone.
//!
//! Pure: no store, no clock, no cluster but through [`Look`]. Nothing of this is remembered between two passes, so a run
//! that was cut off goes on exactly like one that was not. The order of stages, and what each waits for:
//!
//! - an earlier cleanup must be gone and every earlier hook must have ended before anything else begins;
//! - a later wave, and PostSync, also wait until everything of the waves before is healthy, written or not;
//! - what is deleted must be gone before anything later begins, and before the run is over;
//! - deletes of what left Git wait for health only with `PruneLast`, else for the requests alone;
//! - what follows the last wave is the business of `verify`.
//!
//! As in Argo CD, with two differences: an object that is Degraded fails the sync only once it has been so for a while
//! (status lags behind), and one that is Suspended is not waited for (it would be for ever).

use super::outcome;
use engine::plan::order::{Part, Stage};
use lockstep_types::plan::{Action, HookDeletion, Plan, PlanPhase, Step};
use lockstep_types::sync::{StepOutcome, StepStatus};
use lockstep_types::time::Micros;

/// What the cluster says of the object of a step that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// Healthy; for a hook: it has succeeded.
    Ready,
    /// Not yet, with the reason.
    Waits(String),
    /// In a bad state, for long enough to be believed; for a hook: it has failed.
    Failed(String),
    /// Not there, or another object has its name.
    Gone,
}

/// Everything the answer depends on.
pub struct Progress<'p> {
    pub plan: &'p Plan,
    /// One row for each step, by index.
    pub rows: &'p [StepOutcome],
    /// The same target planned anew, hooks left out; `None`: nothing has happened since the plan was made.
    pub fresh: Option<&'p Plan>,
    /// Health of what the run does not write does not matter: it puts drift back.
    pub heals: bool,
    /// Something was written since the cluster was looked at.
    pub stale: bool,
    pub now: Micros,
    /// The run is given up then.
    pub deadline: Micros,
}

/// What a run waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting<'p> {
    pub step: &'p Step,
    pub why: String,
    /// Other steps that are waited for as well.
    pub more: usize,
}

/// What comes next.
#[derive(Debug, PartialEq)]
pub enum Next<'p> {
    /// Carry these out side by side.
    Do(Vec<&'p Step>),
    /// These are over; write it down.
    Settle(Vec<StepOutcome>),
    Wait(Waiting<'p>),
    /// Look at the cluster anew, then ask again.
    Look,
    /// What is left to do is not what was planned any more.
    Changed(String),
    /// Everything is written and every hook has succeeded.
    Applied,
    /// It failed, and everything that belongs to a failed sync is done.
    Failed(String),
}

impl<'p> Progress<'p> {
    /// Says what comes next.
    pub fn next(&self, look: &dyn Fn(&Step, Option<&str>) -> Look) -> Next<'p> {
        let stages = engine::plan::stages(self.plan);
        let failing = self.failure();
        let main = stages
            .iter()
            .filter(|stage| stage.phase != PlanPhase::SyncFail);
        if failing.is_none() {
            if let Some(next) = self.walk(main.collect(), look) {
                return next;
            }
            return self
                .rest("not needed: nothing failed")
                .unwrap_or(Next::Applied);
        }
        // What runs beside the failed one comes to its end first.
        let begun: Vec<&Step> =
            self.steps(|step, row| step.phase != PlanPhase::SyncFail && is_open(step, row));
        if let Some(next) = self.wait_for(&begun, look) {
            return next;
        }
        let left: Vec<StepOutcome> = self
            .steps(|step, row| step.phase != PlanPhase::SyncFail && !is_over(row))
            .into_iter()
            .map(|step| {
                self.ended(
                    step,
                    StepStatus::Skipped,
                    "not started: an earlier step failed",
                )
            })
            .collect();
        if !left.is_empty() {
            return Next::Settle(left);
        }
        let needless: Vec<StepOutcome> = self
            .steps(|step, row| {
                step.action == Action::HookCleanup(HookDeletion::HookFailed)
                    && row.status == StepStatus::Waiting
                    && !self.hook_may_fail(step)
            })
            .into_iter()
            .map(|step| {
                self.ended(
                    step,
                    StepStatus::Skipped,
                    "not needed: the hook did not fail",
                )
            })
            .collect();
        if !needless.is_empty() {
            return Next::Settle(needless);
        }
        let after = stages
            .iter()
            .filter(|stage| stage.phase == PlanPhase::SyncFail)
            .collect();
        self.walk(after, look)
            .unwrap_or_else(|| Next::Failed(failing.unwrap_or_default()))
    }

    /// Goes through stages in order until one has something to do or to wait for.
    fn walk(
        &self,
        stages: Vec<&Stage<'p>>,
        look: &dyn Fn(&Step, Option<&str>) -> Look,
    ) -> Option<Next<'p>> {
        for (position, stage) in stages.iter().enumerate() {
            let begins = |step: &&&Step| self.row(step).is_some_and(|row| to_do(step, row));
            let Some(batch) = stage
                .batches
                .iter()
                .find(|batch| batch.iter().any(|step| begins(&step)))
            else {
                continue;
            };
            // A stage that has begun was let begin.
            let begun = stage.steps.iter().any(|step| {
                step.action.writes() && self.row(step).is_some_and(|row| row.started_at.is_some())
            });
            let earlier = stages.get(..position).unwrap_or_default();
            let awaited = self.awaited(earlier, stage, begun);
            if let Some(next) = self.wait_for(&awaited, look) {
                return Some(next);
            }
            let batch: Vec<&'p Step> = batch.iter().copied().filter(|step| begins(&step)).collect();
            return Some(self.begin(batch));
        }
        let open = self.steps(|step, row| {
            is_open(step, row) && stages.iter().any(|stage| stage.phase == step.phase)
        });
        self.wait_for(&open, look)
    }

    /// Steps of earlier stages that `stage` waits for.
    fn awaited(&self, earlier: &[&Stage<'p>], stage: &Stage<'p>, begun: bool) -> Vec<&'p Step> {
        let health = match stage.part {
            Part::Apply | Part::Before => !begun,
            Part::Prune => !begun && stage.steps.iter().any(|step| step.prune_last),
            Part::After => false,
        };
        let mut awaited = Vec::new();
        for before in earlier {
            let other_wave = (before.phase, before.wave) != (stage.phase, stage.wave);
            for step in &before.steps {
                let Some(row) = self.row(step) else { continue };
                let waits = if is_open(step, row) {
                    true
                } else if row.status != StepStatus::Done {
                    false
                } else {
                    match step.action {
                        Action::Create | Action::Configure => health && other_wave,
                        Action::Unchanged => health && other_wave && !self.heals,
                        Action::Prune => other_wave && !begun,
                        Action::Skip(_) | Action::Hook | Action::HookCleanup(_) => false,
                    }
                };
                if waits {
                    awaited.push(*step);
                }
            }
        }
        awaited
    }

    /// `None` when all of them are ready.
    fn wait_for(
        &self,
        steps: &[&'p Step],
        look: &dyn Fn(&Step, Option<&str>) -> Look,
    ) -> Option<Next<'p>> {
        if steps.is_empty() {
            return None;
        }
        if self.stale {
            return Some(Next::Look);
        }
        let mut settled = Vec::new();
        let mut waits: Vec<(&'p Step, String)> = Vec::new();
        for &step in steps {
            let row = self.row(step);
            let uid = row.and_then(|row| row.uid.as_deref());
            let deletes = matches!(step.action, Action::Prune | Action::HookCleanup(_));
            let is_hook = step.action == Action::Hook;
            match look(step, uid) {
                Look::Gone if deletes => {
                    if row.is_some_and(|row| !is_over(row)) {
                        settled.push(self.ended(step, StepStatus::Done, ""));
                    }
                }
                Look::Gone if is_hook => settled.push(self.ended(
                    step,
                    StepStatus::Failed,
                    &format!(
                        "the hook {} was deleted before its end was seen",
                        step.key.short()
                    ),
                )),
                Look::Gone => waits.push((step, "it is not in the cluster".to_owned())),
                Look::Waits(why) => waits.push((step, why)),
                Look::Ready | Look::Failed(_) if deletes => {
                    waits.push((step, "it is being deleted".to_owned()));
                }
                Look::Ready if is_hook => settled.push(self.ended(step, StepStatus::Done, "")),
                Look::Ready => {}
                Look::Failed(why) => {
                    let message = if is_hook {
                        format!(
                            "the hook {} ({}) failed: {why}",
                            step.key.short(),
                            step.phase.word()
                        )
                    } else {
                        format!("{} is applied and not healthy: {why}", step.key.short())
                    };
                    settled.push(self.ended(step, StepStatus::Failed, &message));
                }
            }
        }
        if !settled.is_empty() {
            return Some(Next::Settle(settled));
        }
        let more = waits.len().saturating_sub(1);
        let (step, why) = waits.into_iter().next()?;
        if self.now >= self.deadline {
            let message = format!("{} was waited for long enough: {why}", step.key.short());
            return Some(Next::Settle(vec![self.ended(
                step,
                StepStatus::Failed,
                &message,
            )]));
        }
        Some(Next::Wait(Waiting { step, why, more }))
    }

    /// Carries a batch out, as far as it is still what was planned.
    fn begin(&self, batch: Vec<&'p Step>) -> Next<'p> {
        let Some(fresh) = self.fresh else {
            return Next::Do(batch);
        };
        if self.stale {
            // Of this pass: what was looked at before the last batch still holds for other objects.
            return Next::Do(batch);
        }
        let mut done = Vec::new();
        let mut left = Vec::new();
        for step in batch {
            match standing(step, fresh) {
                Standing::Left => left.push(step),
                Standing::Done => {
                    let message = match self.row(step).map(|row| row.status) {
                        Some(StepStatus::Running) => "applied before the restart",
                        _ => "it was so already",
                    };
                    done.push(self.ended(step, StepStatus::Done, message));
                }
                Standing::Other(why) => {
                    return Next::Changed(format!("{}: {why}", step.key.short()));
                }
            }
        }
        if done.is_empty() {
            Next::Do(left)
        } else {
            Next::Settle(done)
        }
    }

    /// Steps that were never begun and need not be.
    fn rest(&self, why: &str) -> Option<Next<'p>> {
        let rest: Vec<StepOutcome> = self
            .steps(|_, row| row.status == StepStatus::Waiting)
            .into_iter()
            .map(|step| self.ended(step, StepStatus::Skipped, why))
            .collect();
        (!rest.is_empty()).then_some(Next::Settle(rest))
    }

    /// The first failure of the sync itself, in words.
    fn failure(&self) -> Option<String> {
        let failed: Vec<&StepOutcome> = self
            .rows
            .iter()
            .filter(|row| row.status == StepStatus::Failed && row.phase != PlanPhase::SyncFail)
            .collect();
        let first = failed.first()?;
        let mut message = match failed.len() {
            1 => first.message.clone(),
            many => {
                let writes = self.steps(|step, _| step.action.writes()).len();
                format!(
                    "{many} of {writes} objects failed; the first: {}",
                    first.message
                )
            }
        };
        let after = self
            .rows
            .iter()
            .find(|row| row.status == StepStatus::Failed && row.phase == PlanPhase::SyncFail);
        if let Some(after) = after {
            message.push_str(&format!("; and then {}", after.message));
        }
        Some(message)
    }

    /// Whether the hook behind a cleanup has failed, or may still do so.
    fn hook_may_fail(&self, cleanup: &Step) -> bool {
        !self
            .steps(|step, row| {
                step.key == cleanup.key
                    && step.action == Action::Hook
                    && matches!(
                        row.status,
                        StepStatus::Failed | StepStatus::Waiting | StepStatus::Running
                    )
            })
            .is_empty()
    }

    fn steps(&self, which: impl Fn(&Step, &StepOutcome) -> bool) -> Vec<&'p Step> {
        self.plan
            .steps
            .iter()
            .filter(|step| self.row(step).is_some_and(|row| which(step, row)))
            .collect()
    }

    fn row(&self, step: &Step) -> Option<&'p StepOutcome> {
        let position = usize::try_from(step.index).ok()?;
        self.rows
            .get(position)
            .filter(|row| row.index == step.index)
    }

    fn ended(&self, step: &Step, status: StepStatus, message: &str) -> StepOutcome {
        let row = self.row(step);
        let started_at = row.and_then(|row| row.started_at);
        StepOutcome {
            uid: row.and_then(|row| row.uid.clone()),
            ..outcome::of(
                step,
                status,
                message,
                started_at,
                started_at.map(|_| self.now),
            )
        }
    }
}

/// Nothing more happens to it.
fn is_over(row: &StepOutcome) -> bool {
    matches!(
        row.status,
        StepStatus::Done | StepStatus::Failed | StepStatus::Skipped
    )
}

/// Its request was answered, and its end is waited for.
pub(super) fn is_open(step: &Step, row: &StepOutcome) -> bool {
    (step.action.is_of_hook() || step.action == Action::Prune)
        && row.status == StepStatus::Running
        && row.uid.is_some()
}

/// Its request was not sent, or nobody knows whether it was.
fn to_do(step: &Step, row: &StepOutcome) -> bool {
    step.action.writes()
        && matches!(row.status, StepStatus::Waiting | StepStatus::Running)
        && !is_open(step, row)
}

enum Standing {
    Left,
    Done,
    Other(String),
}

/// Whether a step that was not carried out is still what is to be done. Hooks are not compared: what stands for them is
/// their row.
fn standing(step: &Step, fresh: &Plan) -> Standing {
    if step.action.is_of_hook() {
        return Standing::Left;
    }
    let now = fresh.steps.iter().find(|now| now.key == step.key);
    match now.map(|now| (&now.action, now)) {
        Some((Action::Unchanged, _)) => Standing::Done,
        // Gone already, or the namespace that nobody declares is there.
        None if step.action == Action::Prune || step.key.kind == "Namespace" => Standing::Done,
        None => Standing::Other("it is not declared any more".to_owned()),
        Some((action, now))
            if *action == step.action
                && now.uid == step.uid
                && now.desired_hash == step.desired_hash =>
        {
            Standing::Left
        }
        // It was deleted in order to be made anew.
        Some((Action::Create, now))
            if step.method.may_delete() && now.desired_hash == step.desired_hash =>
        {
            Standing::Left
        }
        Some((Action::Skip(why), _)) => Standing::Other(why.clone()),
        Some((action, now)) if *action == step.action && now.uid != step.uid => Standing::Other(
            "another object has its name now, which this run did not make".to_owned(),
        ),
        Some((action, _)) if *action == step.action => {
            Standing::Other("what is declared of it is not what was planned any more".to_owned())
        }
        Some((action, _)) => Standing::Other(format!(
            "the plan says to {} it, and now it would be to {}",
            step.action.word(),
            action.word()
        )),
    }
}

#[cfg(test)]
mod tests;
