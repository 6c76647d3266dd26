//! The rows that tell what became of a run and its steps.

use crate::reconcile::target::{Loaded, TargetMemory, last_attempt};
use crate::runtime::Runtime;
use crate::runtime::metrics::Stage;
use crate::store::operation::OperationRow;
use crate::store::run::RunRow;
use crate::store::{self, StoreError};
use lockstep_types::plan::{Action, Plan, Step};
use lockstep_types::sync::{StepOutcome, StepStatus, SyncPhase};
use lockstep_types::time::Micros;
use std::time::Duration;

/// Steps before anything is done: what needs nothing is done, what is left alone says why.
pub(super) fn at_first(plan: &Plan) -> Vec<StepOutcome> {
    plan.steps
        .iter()
        .map(|step| match &step.action {
            Action::Skip(why) => of(step, StepStatus::Skipped, why, None, None),
            Action::Unchanged => of(step, StepStatus::Done, "", None, None),
            Action::Create
            | Action::Configure
            | Action::Prune
            | Action::Hook
            | Action::HookCleanup(_) => of(step, StepStatus::Waiting, "", None, None),
        })
        .collect()
}

/// One outcome.
pub(super) fn of(
    step: &Step,
    status: StepStatus,
    message: &str,
    started_at: Option<Micros>,
    ended_at: Option<Micros>,
) -> StepOutcome {
    StepOutcome {
        index: step.index,
        key: step.key.clone(),
        action: step.action.clone(),
        status,
        message: message.to_owned(),
        started_at,
        ended_at,
        phase: step.phase,
        wave: step.wave,
        uid: None,
    }
}

/// Ends a run and its operation, and remembers it as the last attempt.
pub(super) async fn finish(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    run: &RunRow,
    phase: SyncPhase,
    message: &str,
) -> Result<(), StoreError> {
    let mut tx = runtime.store().begin().await?;
    if phase != SyncPhase::Succeeded {
        store::approval::withdraw(&mut tx, loaded.row.id).await?;
    }
    store::run::finish(&mut tx, run.id, run.fence, phase, message).await?;
    store::operation::end(&mut tx, run.operation, message).await?;
    tx.commit().await?;
    let took = crate::runtime::now().seconds_since(run.started_at).max(0);
    let took = Duration::from_secs(u64::try_from(took).unwrap_or(0));
    let reason = (phase != SyncPhase::Succeeded).then(|| phase.word());
    // What a cluster would say is no failure of syncing.
    if !run.once.dry_run {
        runtime.metrics().ran(Stage::Sync, took, reason);
    }
    match phase {
        SyncPhase::Failed => {
            tracing::warn!(event.name = "run.failed", run.id = %run.id, reason = %message, "a run failed")
        }
        _ => {
            tracing::info!(event.name = "run.ended", run.id = %run.id, phase = phase.word(), reason = %message, "a run ended")
        }
    }
    memory.verifying = None;
    memory.last = Some(last_attempt(runtime, loaded.row.id).await?);
    Ok(())
}

/// Takes and ends requests that need no run.
pub(super) async fn end_requests(
    runtime: &Runtime,
    requests: &[&OperationRow],
    message: &str,
) -> Result<(), StoreError> {
    let mut tx = runtime.store().begin().await?;
    for request in requests {
        store::operation::take(&mut tx, request.id).await?;
        store::operation::end(&mut tx, request.id, message).await?;
    }
    tx.commit().await?;
    Ok(())
}
