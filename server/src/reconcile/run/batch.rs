//! One batch of steps, side by side: begun as rows, sent, and recorded as the answers come, together with the inventory
//! they change. A person who ends the run is heard at any time.

use super::step::{Done, Result as StepResult, Work};
use super::{ending, outcome};
use crate::reconcile::target::{Expected, Loaded, TargetMemory};
use crate::runtime::{Runtime, now};
use crate::store::run::RunRow;
use crate::store::{self, StoreError};
use engine::live::Resolve;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use lockstep_types::plan::{Action, Step};
use lockstep_types::sync::{StartedBy, StepOutcome, StepStatus};
use std::future::Future;
use std::time::Duration;

/// Steps of a batch in flight; the cluster's own window narrows it further.
const AT_ONCE: usize = 64;
/// Outcomes written in one transaction.
const TOGETHER: usize = 256;
/// How long a kind that was just defined may take until it is served.
const SERVED_WITHIN: Duration = Duration::from_secs(60);
/// How long answers are waited for once somebody has ended the run.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// What became of a batch, apart from its rows.
#[derive(Default)]
pub(super) struct Batched<'a> {
    /// Objects that were put back, with their UIDs.
    pub(super) healed: Vec<(&'a Step, String)>,
    /// Who ended the run meanwhile.
    pub(super) ended: Option<String>,
}

/// Carries out a batch.
pub(super) async fn carry_out<'a>(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    run: &RunRow,
    work: &Work<'a>,
    batch: Vec<&'a Step>,
) -> Result<Batched<'a>, StoreError> {
    let mut batched = Batched::default();
    if let Err(who) = unless_terminated(runtime, loaded, served(work, &batch)).await? {
        batched.ended = Some(who);
        return Ok(batched);
    }
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
    let mut last_answers = None;
    loop {
        let given_up = async {
            match last_answers {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            chunk = results.next() => match chunk {
                None => break,
                // After a failed write of the outcomes nothing new is sent; what is in flight is waited for.
                Some(_) if recorded.is_err() => {}
                Some(chunk) => {
                    recorded = record(runtime, loaded, memory, run, chunk, &mut batched).await;
                    if recorded.is_err() {
                        work.halt.cancel();
                    }
                }
            },
            () = given_up => break,
            () = runtime.draining().cancelled(), if !work.halt.is_cancelled() => work.halt.cancel(),
            () = wake.activated(), if !work.halt.is_cancelled() => {
                if let Some(who) = ending::asked(runtime, loaded).await? {
                    batched.ended = Some(who);
                    work.halt.cancel();
                    last_answers = Some(tokio::time::Instant::now() + LAST_ANSWERS);
                }
            }
        }
    }
    recorded.map(|()| batched)
}

/// Waits for something unless a person ends the run first; then says who.
pub(super) async fn unless_terminated<T>(
    runtime: &Runtime,
    loaded: &Loaded,
    work: impl Future<Output = T>,
) -> Result<Result<T, String>, StoreError> {
    let wake = runtime.activator().target(loaded.row.id);
    tokio::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(Ok(done)),
            () = wake.activated() => {
                if let Some(who) = ending::asked(runtime, loaded).await? {
                    return Ok(Err(who));
                }
            }
        }
    }
}

/// Writes outcomes and the inventory they change.
async fn record<'a>(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    run: &RunRow,
    chunk: Vec<StepResult<'a>>,
    batched: &mut Batched<'a>,
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
            // Its row goes back to where it was.
            Done::NotStarted => {
                outcomes.push(outcome::of(step, StepStatus::Waiting, "", None, None));
                continue;
            }
            Done::Failed(message) => (StepStatus::Failed, message),
            Done::Begun { uid, version } => {
                memory.expected.insert(
                    step.key.clone(),
                    Expected {
                        version: Some(version),
                        at,
                    },
                );
                outcomes.push(StepOutcome {
                    uid: Some(uid),
                    ..outcome::of(step, StepStatus::Running, "", Some(started_at), None)
                });
                continue;
            }
            Done::Deleted { uid, going } if step.action != Action::Prune => {
                if going.is_some() {
                    outcomes.push(StepOutcome {
                        uid: Some(uid),
                        ..outcome::of(step, StepStatus::Running, "", Some(started_at), None)
                    });
                    continue;
                }
                memory
                    .expected
                    .insert(step.key.clone(), Expected { version: None, at });
                (StepStatus::Done, String::new())
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
                    batched.healed.push((step, uid));
                }
                (StepStatus::Done, String::new())
            }
            Done::Deleted { going: None, .. } => {
                store::inventory::drop_entry(&mut tx, loaded.row.id, &step.key).await?;
                memory.versions.remove(&step.key);
                memory
                    .expected
                    .insert(step.key.clone(), Expected { version: None, at });
                memory.wrote.insert(step.key.clone());
                (StepStatus::Done, String::new())
            }
            // Its end is waited for; the inventory keeps it until it is seen to be gone.
            Done::Deleted {
                uid,
                going: Some(finalizers),
            } => {
                memory.wrote.insert(step.key.clone());
                let message = match finalizers.as_slice() {
                    [] => "it is being deleted".to_owned(),
                    all => format!("it is being deleted, blocked by {}", all.join(", ")),
                };
                outcomes.push(StepOutcome {
                    uid: Some(uid),
                    ..outcome::of(step, StepStatus::Running, &message, Some(started_at), None)
                });
                continue;
            }
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

/// Waits until the kinds of a batch are served: definitions of custom resources take a moment.
async fn served(work: &Work<'_>, batch: &[&Step]) {
    let missing = || {
        batch.iter().any(|step| {
            !matches!(step.action, Action::Prune | Action::HookCleanup(_))
                && work
                    .handle
                    .live
                    .resolve(&step.api_version, &step.key.kind)
                    .is_none()
        })
    };
    let deadline = tokio::time::Instant::now() + SERVED_WITHIN;
    while missing()
        && tokio::time::Instant::now() < deadline
        && !work.runtime.draining().is_cancelled()
    {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
