//! What an application left in a cluster: watched, so that it is known what is still there; removed or forgotten when a
//! person says so, and never else.
//!
//! One loop per target that has an inventory and no place, with the same machinery of runs as a sync: what differs is
//! what is desired (nothing but hooks of a removal) and that automation decides nothing here.

mod look;

pub use look::preview;
pub(crate) use look::still_there;

use super::driver::{self, Pace, Passed};
use super::run;
use super::target::{Comparison, Loaded, TargetMemory, claim, load_left};
use crate::runtime::Runtime;
use crate::store::{self, StoreError};
use lockstep_types::id::TargetId;
use lockstep_types::leftover::LeftBehind;
use lockstep_types::sync::{OperationKind, SyncPhase};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// How often an open run is looked at when nothing wakes it.
const LOOK: Duration = Duration::from_secs(5);
/// How soon our own writes are looked for again.
const SHOWS: Duration = Duration::from_millis(500);
/// How soon a request is looked at again while the cluster cannot be asked.
const ASK_AGAIN: Duration = Duration::from_secs(2);

/// The loop of one such target, until it is cancelled.
pub(crate) async fn run(
    runtime: Runtime,
    target: TargetId,
    cluster: String,
    cancel: CancellationToken,
) {
    let wake = runtime.activator().target(target);
    let permits = runtime
        .registry()
        .permits(&cluster, runtime.settings().targets_per_cluster);
    let memory = Arc::new(Mutex::new(TargetMemory::default()));
    let pace = Pace {
        interval: Duration::from_secs(300),
        fastest_retry: Duration::from_secs(2),
        slowest: Duration::from_secs(120),
        breath: Duration::from_millis(50),
    };
    driver::drive(wake, pace, permits, cancel, || {
        let (runtime, memory) = (runtime.clone(), Arc::clone(&memory));
        let span = tracing::info_span!("leftovers", target.id = %target, cluster.name = %cluster);
        async move {
            let mut memory = memory.lock().await;
            match pass(&runtime, target, &mut memory).await {
                Ok(passed) => passed,
                Err(StoreError::Stale { .. }) => {
                    *memory = TargetMemory::default();
                    Passed::Failed
                }
                Err(error) => {
                    tracing::warn!(event.name = "leftovers.pass_failed", error = %error, "what an application left could not be looked at; it is tried again");
                    Passed::Failed
                }
            }
        }
        .instrument(span)
    })
    .await;
}

async fn pass(
    runtime: &Runtime,
    id: TargetId,
    memory: &mut TargetMemory,
) -> Result<Passed, StoreError> {
    if runtime.draining().is_cancelled() {
        return Ok(Passed::Settled);
    }
    // Placed again, or that cannot be told at present.
    let Some((mut loaded, _)) = load_left(runtime, id).await? else {
        return Ok(Passed::Settled);
    };
    if loaded.inventory.is_empty() && loaded.run.is_none() {
        end_others(runtime, &loaded, "nothing is left of it").await?;
        return Ok(Passed::Settled);
    }
    let decides = |kind| matches!(kind, OperationKind::Remove | OperationKind::Leave);
    let asked = loaded
        .requests
        .iter()
        .any(|request| decides(request.kind) || request.kind == OperationKind::Terminate);
    if loaded.run.is_some() || asked {
        claim(runtime, &mut loaded, memory).await?;
    }
    if loaded.run.is_none() {
        run::terminate_if_asked(runtime, &loaded, memory).await?;
    }
    let comparison = look::look(runtime, &loaded, memory).await?;
    if let Some(open) = &loaded.run {
        if begun_as_sync(runtime, open.operation).await? {
            // The end of the target's own loop closes it.
            return Ok(Passed::Again(ASK_AGAIN));
        }
        if matches!(comparison, Comparison::Wait) {
            // Our own writes do not show yet. Somebody may want to end the run meanwhile.
            run::terminate_if_asked(runtime, &loaded, memory).await?;
            return Ok(Passed::Again(SHOWS));
        }
        let advanced = run::advance(runtime, &loaded, memory, open, &comparison).await?;
        return Ok(Passed::Again(if advanced == run::Advanced::Changed {
            Duration::from_millis(20)
        } else {
            LOOK
        }));
    }
    let Some(request) = loaded.requests.iter().find(|request| decides(request.kind)) else {
        return Ok(Passed::Settled);
    };
    match &comparison {
        Comparison::Known(compared) => {
            match request.kind {
                OperationKind::Leave => run::leave(runtime, &loaded, compared, request).await?,
                _ => run::remove(runtime, &loaded, memory, compared, request).await?,
            }
            Ok(Passed::Again(Duration::from_millis(20)))
        }
        Comparison::Unknown(cause) if cause.stalled => {
            let why = format!("{}. {}", cause.cause, cause.next);
            run::refuse_removal(runtime, &loaded, None, request, &why).await?;
            Ok(Passed::Again(ASK_AGAIN))
        }
        Comparison::Unknown(_) | Comparison::Wait => Ok(Passed::Again(ASK_AGAIN)),
    }
}

/// A sync that was at work when the definition left Git.
async fn begun_as_sync(
    runtime: &Runtime,
    operation: lockstep_types::id::OperationId,
) -> Result<bool, StoreError> {
    let operation = store::operation::get(runtime.store(), operation).await?;
    Ok(operation.kind != OperationKind::Remove)
}

/// Ends what was asked of a target of which nothing is left.
async fn end_others(runtime: &Runtime, loaded: &Loaded, why: &str) -> Result<(), StoreError> {
    if loaded.requests.is_empty() {
        return Ok(());
    }
    let mut tx = runtime.store().begin().await?;
    for request in &loaded.requests {
        store::operation::take(&mut tx, request.id).await?;
        store::operation::end(&mut tx, request.id, why).await?;
    }
    tx.commit().await.map(|_| ())
}

/// Why a target's objects are nobody's any more; `None` when it is placed, or when that cannot be told.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn why_left(
    runtime: &Runtime,
    target: TargetId,
) -> Result<Option<LeftBehind>, StoreError> {
    Ok(load_left(runtime, target).await?.map(|(_, why)| why))
}

/// Ends a sync that was cut off by the end of the process before its definition left Git: no loop of a target will.
///
/// # Errors
/// When the database cannot be read or written.
pub(crate) async fn close_syncs(runtime: &Runtime, target: TargetId) -> Result<(), StoreError> {
    let Some(open) = store::run::active_of_target(runtime.store(), target).await? else {
        return Ok(());
    };
    if !begun_as_sync(runtime, open.operation).await? {
        return Ok(());
    }
    let mut tx = runtime.store().begin().await?;
    let why = "the definition left Git; what was applied stays";
    store::approval::withdraw(&mut tx, target).await?;
    store::run::finish(&mut tx, open.id, open.fence, SyncPhase::Superseded, why).await?;
    store::operation::end(&mut tx, open.operation, "the definition left Git").await?;
    tx.commit().await.map(|_| ())
}
