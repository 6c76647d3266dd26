//! After applying: wait until everything is ready, up to a limit. Writes nothing to the cluster.
//!
//! A newer revision ends the wait: what it renders is applied next. Waiting blocks nobody; each pass looks once.

use super::{Advanced, outcome};
use crate::reconcile::desired;
use crate::reconcile::target::{Compared, Loaded, TargetMemory};
use crate::runtime::{Runtime, now};
use crate::store::run::RunRow;
use crate::store::target::Deployed;
use crate::store::{self, StoreError};
use engine::plan::LiveFact;
use lockstep_types::health::HealthStatus;
use lockstep_types::plan::Action;
use lockstep_types::sync::SyncPhase;
use lockstep_types::time::Micros;

/// Looks once.
pub(super) async fn verify(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    compared: Option<&Compared>,
    run: &RunRow,
) -> Result<Advanced, StoreError> {
    let now = now();
    let since = match memory.verifying {
        Some((id, since)) if id == run.id => since,
        _ => {
            memory.verifying = Some((run.id, now));
            now
        }
    };
    let Some(compared) = compared else {
        return late(
            runtime,
            loaded,
            memory,
            run,
            since,
            now,
            "the cluster could not be asked whether everything is ready",
        )
        .await;
    };
    if run.render_key.as_deref() != Some(compared.render.key.as_str()) {
        let message = format!(
            "{} came before everything was ready",
            compared.revision.short()
        );
        outcome::finish(
            runtime,
            loaded,
            memory,
            run,
            SyncPhase::Superseded,
            &message,
        )
        .await?;
        return Ok(Advanced::Changed);
    }
    if compared.removal {
        return removed(runtime, loaded, memory, compared, run).await;
    }
    if run.once.selects() {
        return chosen(runtime, loaded, memory, compared, run, since, now).await;
    }
    match compared.judged.health.status {
        HealthStatus::Healthy | HealthStatus::Suspended => {
            let deployed = Deployed {
                revision: run.revision.clone(),
                render_key: compared.render.key.clone(),
                images: desired::images(&compared.desired.objects),
            };
            let mut tx = runtime.store().begin().await?;
            store::target::set_deployed(&mut tx, loaded.row.id, loaded.generation, &deployed)
                .await?;
            tx.commit().await?;
            outcome::finish(runtime, loaded, memory, run, SyncPhase::Succeeded, "").await?;
            Ok(Advanced::Changed)
        }
        _ => {
            let message = if compared.judged.health.message.is_empty() {
                format!("the target is {}", compared.judged.health.status.word())
            } else {
                compared.judged.health.message.clone()
            };
            late(runtime, loaded, memory, run, since, now, &message).await
        }
    }
}

/// Only what was chosen has to be ready, and the revision does not count as deployed by it.
async fn chosen(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    compared: &Compared,
    run: &RunRow,
    since: Micros,
    now: Micros,
) -> Result<Advanced, StoreError> {
    let steps = store::run::steps(runtime.store(), run.id).await?;
    let waits = steps
        .iter()
        .filter(|step| {
            matches!(
                step.action,
                Action::Create | Action::Configure | Action::Unchanged
            )
        })
        .filter_map(|step| Some((&step.key, compared.judged.healths.get(&step.key)?)))
        .find(|(_, health)| {
            !matches!(
                health.status,
                HealthStatus::Healthy | HealthStatus::Suspended
            )
        });
    match waits {
        None => {
            outcome::finish(runtime, loaded, memory, run, SyncPhase::Succeeded, "").await?;
            Ok(Advanced::Changed)
        }
        Some((key, health)) => {
            let message = format!(
                "{} is {}: {}",
                key.short(),
                health.status.word(),
                health.message
            );
            let message = message.trim_end_matches([':', ' ']);
            late(runtime, loaded, memory, run, since, now, message).await
        }
    }
}

/// Everything that was to go is gone, and every hook has succeeded. What was not there any more is forgotten.
async fn removed(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    compared: &Compared,
    run: &RunRow,
) -> Result<Advanced, StoreError> {
    let mut tx = runtime.store().begin().await?;
    for (key, fact) in &compared.judged.facts {
        if matches!(fact, LiveFact::Absent) {
            store::inventory::drop_entry(&mut tx, loaded.row.id, key).await?;
        }
    }
    tx.commit().await?;
    outcome::finish(runtime, loaded, memory, run, SyncPhase::Succeeded, "").await?;
    Ok(Advanced::Changed)
}

async fn late(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    run: &RunRow,
    since: Micros,
    now: Micros,
    message: &str,
) -> Result<Advanced, StoreError> {
    let limit = runtime.settings().verify_within.as_secs();
    if now.seconds_since(since) < i64::try_from(limit).unwrap_or(i64::MAX) {
        return Ok(Advanced::Waits);
    }
    let message = format!("applied, and not ready after {limit} s: {message}");
    outcome::finish(runtime, loaded, memory, run, SyncPhase::Failed, &message).await?;
    Ok(Advanced::Changed)
}
