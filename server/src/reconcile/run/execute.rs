//! Carries out a stored plan: inventory first, then batch by batch in the order of the plan, deletes last and only if
//! everything else succeeded.
//!
//! It makes no choices. Outcomes are written together with the inventory they change; if that fails, nothing further is
//! sent, and the next pass finds the run where it stopped.

use super::step::{Done, Result as StepResult, Work};
use super::{outcome, ownership, tell};
use crate::reconcile::target::{Compared, Expected, Loaded, TargetMemory};
use crate::runtime::{Runtime, now};
use crate::store::run::RunRow;
use crate::store::{self, StoreError};
use engine::live::Resolve;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use lockstep_types::plan::{Action, Plan, Step};
use lockstep_types::resource::ResourceKey;
use lockstep_types::sync::{OperationKind, StartedBy, StepStatus, SyncPhase};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Steps of a batch in flight; the cluster's own window narrows it further.
const AT_ONCE: usize = 64;
/// Outcomes written in one transaction.
const TOGETHER: usize = 256;
/// How long a kind that was just defined may take until it is served.
const SERVED_WITHIN: Duration = Duration::from_secs(60);

/// Carries out `plan`, or what `fresh` says is left of it, and moves the run to Verifying or to its end.
#[expect(
    clippy::too_many_arguments,
    reason = "each is a different thing the execution rests on, and one caller names them all"
)]
pub(super) async fn execute(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    compared: &Compared,
    run: &RunRow,
    from: SyncPhase,
    plan: &Plan,
    fresh: Option<&Plan>,
) -> Result<(), StoreError> {
    if !compared.managed {
        return outcome::finish(
            runtime,
            loaded,
            memory,
            run,
            SyncPhase::Failed,
            "the target is only observed: nothing was written",
        )
        .await;
    }
    if let Err(why) = ownership::claim(runtime, &compared.handle).await? {
        return outcome::finish(runtime, loaded, memory, run, SyncPhase::Failed, &why).await;
    }
    let left: Vec<&Step> = plan
        .steps
        .iter()
        .filter(|step| step.action.writes() && is_left(step, fresh))
        .collect();
    let declared: BTreeSet<&ResourceKey> = compared
        .desired
        .objects
        .iter()
        .map(|manifest| &manifest.key)
        .collect();
    let mut tx = runtime.store().begin().await?;
    store::target::require_generation(&mut tx, loaded.row.id, loaded.generation).await?;
    let ahead: Vec<(ResourceKey, String)> = plan
        .steps
        .iter()
        .filter(|step| {
            matches!(
                step.action,
                Action::Create | Action::Configure | Action::Unchanged
            ) && declared.contains(&step.key)
        })
        .map(|step| (step.key.clone(), step.api_version.clone()))
        .collect();
    store::inventory::write_ahead(&mut tx, loaded.row.id, &ahead).await?;
    confirm_unchanged(&mut tx, loaded, compared, fresh.unwrap_or(plan)).await?;
    if from == SyncPhase::AwaitingApproval
        && !store::approval::use_up(&mut tx, loaded.row.id, &plan.digest, run.id).await?
    {
        // Somebody else used it, or it was withdrawn in between.
        return Ok(());
    }
    if from != SyncPhase::Applying
        && !store::run::set_phase(&mut tx, run.id, run.fence, from, SyncPhase::Applying, "").await?
    {
        return Ok(());
    }
    let resumed: Vec<_> = plan
        .steps
        .iter()
        .filter(|step| fresh.is_some() && step.action.writes() && !is_left(step, fresh))
        .map(|step| {
            outcome::of(
                step,
                StepStatus::Done,
                "applied before the restart",
                None,
                None,
            )
        })
        .collect();
    if !resumed.is_empty() {
        store::run::put_steps(&mut tx, run.id, run.fence, &resumed).await?;
    }
    tx.commit().await?;
    memory.wrote.clear();

    let writing = runtime.memory().writing();
    let halt = CancellationToken::new();
    let subject = compared.subject(runtime, loaded);
    let heals = run.started_by == StartedBy::SelfHeal;
    let work = Work {
        runtime,
        handle: &compared.handle,
        subject: &subject,
        hpa_targets: &compared.judged.hpa_targets,
        force: heals
            || loaded.definition.policy.self_heal
            || memory.last.as_ref().is_none_or(Option::is_none),
        halt: &halt,
    };
    let mut ending = Ending::default();
    for batch in engine::plan::batches(plan) {
        let batch: Vec<&Step> = batch
            .into_iter()
            .filter(|step| left.iter().any(|left| left.index == step.index))
            .collect();
        if batch.is_empty() {
            continue;
        }
        if ending.stops() || runtime.draining().is_cancelled() {
            ending.rest.extend(batch);
            continue;
        }
        served(compared, &batch, &halt).await;
        one_batch(runtime, loaded, memory, run, &work, batch, &mut ending).await?;
    }
    if heals {
        tell::healed(runtime, loaded, compared, &ending.healed).await;
    }
    drop(writing);
    if ending.failed.is_none()
        && ending.terminated.is_none()
        && (runtime.draining().is_cancelled() || ending.unfinished)
    {
        tracing::info!(event.name = "run.paused", run.id = %run.id, "the server is stopping; the run goes on after the start");
        return Ok(());
    }
    conclude(runtime, loaded, memory, run, plan, ending).await
}

/// What has happened so far.
#[derive(Default)]
struct Ending<'a> {
    failed: Option<String>,
    failures: usize,
    terminated: Option<String>,
    /// A step was halted before it began.
    unfinished: bool,
    rest: Vec<&'a Step>,
    healed: Vec<(&'a Step, String)>,
}

impl Ending<'_> {
    fn stops(&self) -> bool {
        self.failed.is_some() || self.terminated.is_some() || self.unfinished
    }
}

fn is_left(step: &Step, fresh: Option<&Plan>) -> bool {
    fresh.is_none_or(|fresh| {
        fresh
            .steps
            .iter()
            .any(|now| now.key == step.key && now.action.writes())
    })
}

/// Objects that are as declared already belong to the inventory just like those that are written now.
async fn confirm_unchanged(
    tx: &mut store::Tx,
    loaded: &Loaded,
    compared: &Compared,
    plan: &Plan,
) -> Result<(), StoreError> {
    for step in plan
        .steps
        .iter()
        .filter(|step| step.action == Action::Unchanged)
    {
        let (Some(uid), Some(manifest)) = (
            &step.uid,
            compared
                .desired
                .objects
                .iter()
                .find(|manifest| manifest.key == step.key),
        ) else {
            continue;
        };
        let known = loaded.inventory.iter().any(|row| {
            row.key == step.key
                && row.uid.as_ref() == Some(uid)
                && row.applied_hash.as_deref() == Some(manifest.hash.as_str())
        });
        if !known {
            store::inventory::confirm(
                tx,
                loaded.row.id,
                &step.key,
                uid,
                &step.api_version,
                &manifest.hash,
            )
            .await?;
        }
    }
    Ok(())
}

async fn one_batch<'a>(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    run: &RunRow,
    work: &Work<'a>,
    batch: Vec<&'a Step>,
    ending: &mut Ending<'a>,
) -> Result<(), StoreError> {
    let began = now();
    let running: Vec<_> = batch
        .iter()
        .map(|step| outcome::of(step, StepStatus::Running, "", Some(began), None))
        .collect();
    let mut tx = runtime.store().begin().await?;
    store::run::put_steps(&mut tx, run.id, run.fence, &running).await?;
    tx.commit().await?;
    let wake = runtime.activator().target(loaded.row.id);
    let steps: Vec<BoxFuture<'_, StepResult<'a>>> = batch
        .into_iter()
        .map(|step| work.carry_out(step).boxed())
        .collect();
    let mut results = futures::stream::iter(steps)
        .buffer_unordered(AT_ONCE)
        .ready_chunks(TOGETHER);
    let mut recorded = Ok(());
    loop {
        tokio::select! {
            chunk = results.next() => match chunk {
                None => return recorded,
                // After a failed write of the outcomes nothing new is sent; what is in flight is waited for.
                Some(_) if recorded.is_err() => {}
                Some(chunk) => {
                    recorded = record(runtime, loaded, memory, run, chunk, ending).await;
                    if recorded.is_err() {
                        work.halt.cancel();
                    }
                }
            },
            () = runtime.draining().cancelled(), if !work.halt.is_cancelled() => {
                work.halt.cancel();
                ending.unfinished = true;
            }
            () = wake.activated(), if !work.halt.is_cancelled() => {
                if let Some(who) = terminate_asked(runtime, loaded).await? {
                    ending.terminated = Some(who);
                    work.halt.cancel();
                }
            }
        }
    }
}

async fn terminate_asked(runtime: &Runtime, loaded: &Loaded) -> Result<Option<String>, StoreError> {
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

/// Writes outcomes and the inventory they change.
async fn record<'a>(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    run: &RunRow,
    chunk: Vec<StepResult<'a>>,
    ending: &mut Ending<'a>,
) -> Result<(), StoreError> {
    let at = now();
    let mut outcomes = Vec::with_capacity(chunk.len());
    let mut tx = runtime.store().begin().await?;
    for StepResult {
        step,
        started_at,
        done,
    } in chunk
    {
        let (status, message) = match done {
            Done::NotStarted => {
                ending.rest.push(step);
                ending.unfinished = true;
                continue;
            }
            Done::Failed(message) => {
                ending.failures += 1;
                ending.failed.get_or_insert_with(|| message.clone());
                (StepStatus::Failed, message)
            }
            Done::Applied {
                uid,
                version,
                hash,
                api_version,
                tracked,
            } => {
                if tracked {
                    store::inventory::confirm(
                        &mut tx,
                        loaded.row.id,
                        &step.key,
                        &uid,
                        &api_version,
                        &hash,
                    )
                    .await?;
                }
                memory.versions.insert(step.key.clone(), version.clone());
                memory.expected.insert(
                    step.key.clone(),
                    Expected {
                        version: Some(version),
                        at,
                    },
                );
                memory.wrote.insert(step.key.clone());
                if run.started_by == StartedBy::SelfHeal {
                    memory.healed(&step.key, at);
                    ending.healed.push((step, uid));
                }
                (StepStatus::Done, String::new())
            }
            Done::Deleted { going: None } => {
                store::inventory::drop_entry(&mut tx, loaded.row.id, &step.key).await?;
                memory.versions.remove(&step.key);
                memory
                    .expected
                    .insert(step.key.clone(), Expected { version: None, at });
                memory.wrote.insert(step.key.clone());
                (StepStatus::Done, String::new())
            }
            Done::Deleted {
                going: Some(finalizers),
            } if finalizers.is_empty() => (StepStatus::Done, "it is being deleted".to_owned()),
            Done::Deleted {
                going: Some(finalizers),
            } => (
                StepStatus::Done,
                format!("it is being deleted, blocked by {}", finalizers.join(", ")),
            ),
        };
        outcomes.push(outcome::of(
            step,
            status,
            &message,
            Some(started_at),
            Some(at),
        ));
    }
    store::run::put_steps(&mut tx, run.id, run.fence, &outcomes).await?;
    tx.commit().await?;
    Ok(())
}

async fn conclude(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    run: &RunRow,
    plan: &Plan,
    ending: Ending<'_>,
) -> Result<(), StoreError> {
    let why = if ending.terminated.is_some() {
        "not started: the run was ended"
    } else {
        "not started: an earlier step failed"
    };
    let skipped: Vec<_> = ending
        .rest
        .iter()
        .map(|step| outcome::of(step, StepStatus::Skipped, why, None, None))
        .collect();
    let mut tx = runtime.store().begin().await?;
    if !skipped.is_empty() {
        store::run::put_steps(&mut tx, run.id, run.fence, &skipped).await?;
    }
    if ending.failed.is_none() && ending.terminated.is_none() {
        store::run::set_phase(
            &mut tx,
            run.id,
            run.fence,
            SyncPhase::Applying,
            SyncPhase::Verifying,
            "",
        )
        .await?;
        memory.verifying = Some((run.id, now()));
    }
    tx.commit().await?;
    let writes = plan
        .steps
        .iter()
        .filter(|step| step.action.writes())
        .count();
    match (ending.terminated, ending.failed) {
        (Some(who), _) => {
            let message = format!("ended by {who}; what was applied stays");
            outcome::finish(
                runtime,
                loaded,
                memory,
                run,
                SyncPhase::Terminated,
                &message,
            )
            .await
        }
        (None, Some(first)) => {
            let message = match ending.failures {
                1 => first,
                many => format!("{many} of {writes} objects failed; the first: {first}"),
            };
            outcome::finish(runtime, loaded, memory, run, SyncPhase::Failed, &message).await
        }
        (None, None) => Ok(()),
    }
}

/// Waits until the kinds of a batch are served: definitions of custom resources take a moment.
async fn served(compared: &Compared, batch: &[&Step], halt: &CancellationToken) {
    let missing = || {
        batch.iter().any(|step| {
            step.action != Action::Prune
                && compared
                    .handle
                    .live
                    .resolve(&step.api_version, &step.key.kind)
                    .is_none()
        })
    };
    let deadline = tokio::time::Instant::now() + SERVED_WITHIN;
    while missing() && tokio::time::Instant::now() < deadline && !halt.is_cancelled() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
