//! Ends a run before it is through: a person asked, a newer commit came, or nothing may be written. What was applied
//! stays; hooks that are at work are deleted, as Argo CD does, because nobody would wait for them any more.

use super::outcome;
use super::progress::is_open;
use crate::reconcile::account;
use crate::reconcile::target::{Loaded, TargetMemory};
use crate::runtime::{Runtime, now};
use crate::store::run::RunRow;
use crate::store::{self, StoreError};
use engine::apply::{Deletion, Propagation};
use engine::tracking::TrackingId;
use lockstep_types::plan::{Action, Step};
use lockstep_types::sync::{OperationKind, StepOutcome, StepStatus, SyncPhase};
use std::time::Duration;

/// How long the cluster may take to note that hooks are to go.
const WITHIN: Duration = Duration::from_secs(2);

/// Ends the run in `phase`, with its steps.
pub(super) async fn end(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    run: &RunRow,
    phase: SyncPhase,
    message: &str,
) -> Result<(), StoreError> {
    let rows = store::run::steps(runtime.store(), run.id).await?;
    if let Some(plan) = store::run::plan(runtime.store(), run.id).await? {
        let at_work: Vec<(&Step, &StepOutcome)> = plan
            .steps
            .iter()
            .zip(&rows)
            .filter(|(step, row)| step.action == Action::Hook && is_open(step, row))
            .collect();
        let mut outcomes = Vec::new();
        for (step, row) in &at_work {
            let said = stop(runtime, loaded, step, row).await;
            outcomes.push(StepOutcome {
                status: StepStatus::Failed,
                message: format!("it was at work when the run ended; {said}"),
                ended_at: Some(now()),
                ..(*row).clone()
            });
        }
        let going = |row: &StepOutcome| {
            let step = plan.steps.iter().find(|step| step.index == row.index);
            step.is_some_and(|step| step.action == Action::Prune && is_open(step, row))
        };
        outcomes.extend(rows.iter().filter(|row| going(row)).map(|row| StepOutcome {
            status: StepStatus::Done,
            ended_at: Some(now()),
            ..row.clone()
        }));
        let waited = rows.iter().filter(|row| {
            matches!(row.status, StepStatus::Waiting | StepStatus::Running)
                && !going(row)
                && !at_work.iter().any(|(_, open)| open.index == row.index)
        });
        outcomes.extend(waited.map(|row| {
            StepOutcome {
                status: StepStatus::Skipped,
                message: match row.status {
                    StepStatus::Running => "the run was ended before the cluster answered",
                    _ => "not started: the run was ended",
                }
                .to_owned(),
                ended_at: row.started_at.map(|_| now()),
                ..row.clone()
            }
        }));
        if !outcomes.is_empty() {
            let mut tx = runtime.store().begin().await?;
            store::run::put_steps(&mut tx, run.id, run.fence, &outcomes).await?;
            tx.commit().await?;
        }
    }
    outcome::finish(runtime, loaded, memory, run, phase, message).await
}

/// Deletes the object of a hook that this run made, if it is still that one.
async fn stop(runtime: &Runtime, loaded: &Loaded, step: &Step, row: &StepOutcome) -> String {
    let applier = runtime
        .cluster(&loaded.row.cluster)
        .and_then(|handle| handle.applier());
    let (Some(applier), Some(uid)) = (applier, row.uid.clone()) else {
        return "it may go on, because the cluster does not answer".to_owned();
    };
    let account = match account::of(runtime, loaded).await {
        Ok(account) => account,
        Err(cause) => return format!("it may go on: {}", cause.cause),
    };
    let applier = applier.acting_as(account.as_ref());
    let tracking = TrackingId {
        installation: runtime.installation(),
        target_key: loaded.target_key.clone(),
        key: step.key.clone(),
    };
    let deletion = Deletion {
        key: step.key.clone(),
        api_version: step.api_version.clone(),
        uid,
        tracking_id: Some(tracking.text()),
        propagation: Propagation::Background,
    };
    match tokio::time::timeout(WITHIN, applier.delete(&deletion)).await {
        Ok(Ok(_)) => "its object was deleted".to_owned(),
        Ok(Err(error)) => format!("its object could not be deleted: {error}"),
        Err(_) => "it may go on, because the cluster did not answer in time".to_owned(),
    }
}

/// Who asked to end the run, if somebody did. The request is answered by that.
pub(super) async fn asked(
    runtime: &Runtime,
    loaded: &Loaded,
) -> Result<Option<String>, StoreError> {
    let pending = store::operation::pending(runtime.store(), loaded.row.id).await?;
    let asked: Vec<_> = pending
        .iter()
        .filter(|request| request.kind == OperationKind::Terminate)
        .collect();
    let who = asked.first().map(|request| request.started_by.words());
    if !asked.is_empty() {
        outcome::end_requests(runtime, &asked, "done").await?;
    }
    Ok(who)
}
