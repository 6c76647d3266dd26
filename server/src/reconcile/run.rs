//! A run: one attempt to carry out an operation on one target, from plan to verdict.
//!
//! Every phase is a row before it is an act, so a run that is cut off anywhere is found again and either goes on or is
//! closed. Only [`execute`] writes to a cluster, and it does exactly what the stored plan says; where a wave or a hook has to
//! be waited for, the pass ends, and the watch wakes the next one.

mod approval;
mod authorise;
mod batch;
mod dry_run;
mod ending;
mod execute;
mod leave;
mod look;
mod outcome;
pub(in crate::reconcile) mod ownership;
mod progress;
mod removal;
mod step;
mod tell;
mod verify;
mod waiting;
mod write;

pub(crate) use leave::leave;
pub(crate) use removal::{refuse as refuse_removal, remove};

use super::decide::{Act, Trigger};
use super::revisions;
use super::target::{Compared, Comparison, Loaded, TargetMemory, planning};
use crate::runtime::{Runtime, now};
use crate::store::operation::NewOperation;
use crate::store::run::{NewRun, RunRow};
use crate::store::{self, StoreError};
use engine::plan::HookRuns;
use lockstep_types::application::Pin;
use lockstep_types::id::OperationId;
use lockstep_types::plan::Plan;
use lockstep_types::sync::{OperationKind, StartedBy, SyncPhase};
use lockstep_types::sync_once::SyncOnce;
use serde_json::json;

/// Whether a run moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Advanced {
    Waits,
    /// Phase, cluster or database changed: look anew.
    Changed,
}

/// Begins what was decided: a run, or the refusal of a request.
///
/// # Errors
/// When the database cannot be written; the next pass finds what was begun.
pub(crate) async fn begin(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    compared: Option<&Compared>,
    act: &Act,
) -> Result<(), StoreError> {
    match act {
        Act::Rest => Ok(()),
        Act::Refuse(why) => refuse(runtime, loaded, compared, why).await,
        Act::Start { trigger, prune } => {
            let Some(compared) = compared else {
                return Ok(());
            };
            if let Some(why) = authorise::lost(runtime, loaded, trigger, *prune).await? {
                if let (Trigger::Pin(_), Some(pin)) = (trigger, &loaded.pin) {
                    return end_pin(runtime, loaded, pin, &why).await;
                }
                return refuse(runtime, loaded, Some(compared), &why).await;
            }
            let once = match (trigger, loaded.requested()) {
                (Trigger::Person(_), Some(request)) => request.once()?,
                _ => SyncOnce::default(),
            };
            if let Some(why) = planning::missing(&compared.subject(runtime, loaded), &once) {
                return refuse(runtime, loaded, Some(compared), &why).await;
            }
            let Some((operation, started_by)) =
                take_operation(runtime, loaded, trigger, *prune).await?
            else {
                return Ok(());
            };
            let asked = Asked {
                operation,
                started_by,
                prune: *prune,
                hooks: hooks(trigger, loaded, memory, compared),
                once,
            };
            carry_out(runtime, loaded, memory, compared, asked).await
        }
    }
}

/// What a run was begun for.
struct Asked {
    operation: OperationId,
    started_by: StartedBy,
    prune: bool,
    hooks: HookRuns,
    once: SyncOnce,
}

/// Whether the run is a whole sync, with its hooks: what a person asks for is one, and so is the first sync of a new
/// state. A retry repeats what failed. What only puts a deployed state back runs none, and neither does a pin.
fn hooks(
    trigger: &Trigger,
    loaded: &Loaded,
    memory: &TargetMemory,
    compared: &Compared,
) -> HookRuns {
    let key = compared.render.key.as_str();
    let last = memory.last.as_ref().and_then(Option::as_ref);
    match trigger {
        Trigger::Person(_) => match loaded.requested() {
            Some(request) if request.is_for_pin() => HookRuns::Never,
            _ => HookRuns::Always,
        },
        Trigger::SelfHeal | Trigger::Pin(_) => HookRuns::Never,
        Trigger::AutoSync => match last.filter(|last| last.attempt == key) {
            Some(last) if last.phase != SyncPhase::Succeeded && last.hooks => HookRuns::Always,
            _ if loaded.row.deployed_render.as_deref() == Some(key) => HookRuns::Never,
            _ => HookRuns::WithChanges,
        },
    }
}

/// The request behind the trigger, taken; automation writes its own. `None` when another took it.
async fn take_operation(
    runtime: &Runtime,
    loaded: &Loaded,
    trigger: &Trigger,
    prune: bool,
) -> Result<Option<(OperationId, StartedBy)>, StoreError> {
    let mut tx = runtime.store().begin().await?;
    let (id, started_by) = match (trigger, loaded.requested()) {
        (Trigger::Person(_), Some(request)) => (request.id, request.started_by.clone()),
        (Trigger::Person(_), None) => return Ok(None),
        (Trigger::AutoSync, _) => automatic(&mut tx, loaded, StartedBy::AutoSync, prune).await?,
        (Trigger::SelfHeal, _) => automatic(&mut tx, loaded, StartedBy::SelfHeal, prune).await?,
        (Trigger::Pin(owner), _) => {
            automatic(&mut tx, loaded, StartedBy::Rollback(owner.clone()), prune).await?
        }
    };
    if !store::operation::take(&mut tx, id).await? {
        return Ok(None);
    }
    tx.commit().await?;
    Ok(Some((id, started_by)))
}

async fn automatic(
    tx: &mut store::Tx,
    loaded: &Loaded,
    started_by: StartedBy,
    prune: bool,
) -> Result<(OperationId, StartedBy), StoreError> {
    let inserted = store::operation::insert(
        tx,
        &NewOperation {
            kind: OperationKind::Sync,
            target: loaded.row.id,
            actor: started_by.words(),
            started_by: started_by.clone(),
            idempotency_key: None,
            parameters: json!({ "prune": prune }),
        },
    )
    .await?;
    Ok((inserted.operation().id, started_by))
}

/// A new attempt of a taken operation: plan, gate, then apply.
async fn carry_out(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    compared: &Compared,
    asked: Asked,
) -> Result<(), StoreError> {
    let repo = &loaded.definition.source.repo_url;
    let commit = runtime
        .mirrors()
        .commit(repo, &compared.revision)
        .await
        .ok();
    revisions::keep(
        runtime,
        &loaded.definition,
        &compared.revision,
        &compared.beside,
    )
    .await;
    let subject = compared.subject(runtime, loaded);
    let (plan, violations) =
        compared
            .judged
            .plan_once(&subject, asked.prune, asked.hooks, &asked.once, None);
    let mut tx = runtime.store().begin().await?;
    store::target::require_generation(&mut tx, loaded.row.id, loaded.generation).await?;
    let run = store::run::create(
        &mut tx,
        &NewRun {
            operation: asked.operation,
            target: loaded.row.id,
            fence: loaded.generation,
            revision: compared.revision.clone(),
            commit,
            started_by: asked.started_by,
        },
    )
    .await?;
    store::beside::note_run(&mut tx, loaded.row.id, run.id, &compared.beside).await?;
    store::run::set_phase(
        &mut tx,
        run.id,
        run.fence,
        SyncPhase::Pending,
        SyncPhase::Planning,
        "",
    )
    .await?;
    store::run::put_plan(&mut tx, run.id, run.fence, &plan, &compared.render.key).await?;
    store::run::put_steps(&mut tx, run.id, run.fence, &outcome::at_first(&plan)).await?;
    let waits = violations.is_empty() && !plan.gate.is_empty() && !asked.once.dry_run;
    if waits {
        store::approval::ask(&mut tx, run.id, &plan).await?;
        let why = gate_words(&plan);
        store::run::set_phase(
            &mut tx,
            run.id,
            run.fence,
            SyncPhase::Planning,
            SyncPhase::AwaitingApproval,
            &why,
        )
        .await?;
    }
    tx.commit().await?;
    tracing::info!(event.name = "run.planned", run.id = %run.id, revision = %compared.revision, plan.digest = %plan.digest, awaits_approval = waits, "a run was planned");
    if !violations.is_empty() {
        let message = format!(
            "the plan breaks a rule of its own check and was not carried out: {}",
            violations.join("; ")
        );
        return outcome::finish(runtime, loaded, memory, &run, SyncPhase::Failed, &message).await;
    }
    if waits {
        return Ok(());
    }
    if asked.once.dry_run {
        return dry_run::carry_out(runtime, loaded, memory, compared, &run, &plan).await;
    }
    execute::begin(
        runtime,
        loaded,
        memory,
        compared,
        &run,
        SyncPhase::Planning,
        &plan,
    )
    .await
}

fn gate_words(plan: &Plan) -> String {
    plan.gate
        .iter()
        .map(|finding| format!("{} ({})", finding.message, finding.rule))
        .collect::<Vec<_>>()
        .join("; ")
}

/// A request that cannot be met is a run that failed at once, so that whoever waits for it learns why. It is no attempt
/// at a state: what automation may do does not change by it.
async fn refuse(
    runtime: &Runtime,
    loaded: &Loaded,
    compared: Option<&Compared>,
    why: &str,
) -> Result<(), StoreError> {
    let Some(request) = loaded.requested() else {
        return Ok(());
    };
    let revision = compared
        .map(|compared| compared.revision.clone())
        .or_else(|| loaded.row.state.revision.clone());
    let mut tx = runtime.store().begin().await?;
    if !store::operation::take(&mut tx, request.id).await? {
        return Ok(());
    }
    if let Some(revision) = revision {
        let new = NewRun {
            operation: request.id,
            target: loaded.row.id,
            fence: loaded.generation,
            revision,
            commit: None,
            started_by: request.started_by.clone(),
        };
        let run = store::run::create(&mut tx, &new).await?;
        store::run::finish(&mut tx, run.id, run.fence, SyncPhase::Failed, why).await?;
    }
    store::operation::end(&mut tx, request.id, why).await?;
    tx.commit().await?;
    Ok(())
}

/// A pin that its owner may no longer have is over before it began: what is tracked waits for a yes, as after any pin.
async fn end_pin(
    runtime: &Runtime,
    loaded: &Loaded,
    pin: &Pin,
    why: &str,
) -> Result<(), StoreError> {
    tracing::warn!(event.name = "pin.refused", target.id = %loaded.row.id, pin.id = %pin.id, why, "a pin was not carried out");
    let mut tx = runtime.store().begin().await?;
    store::pin::set_ended_waiting(&mut tx, pin.id).await?;
    tx.commit().await?;
    Ok(())
}

/// Lets an open run go on as far as it can.
///
/// # Errors
/// When the database cannot be read or written.
pub(crate) async fn advance(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    run: &RunRow,
    comparison: &Comparison,
) -> Result<Advanced, StoreError> {
    let taken;
    let run = if run.fence == loaded.generation {
        run
    } else {
        let mut tx = runtime.store().begin().await?;
        taken = store::run::take_over(&mut tx, run.id, loaded.generation).await?;
        tx.commit().await?;
        &taken
    };
    if terminate(runtime, loaded, memory, Some(run)).await? {
        return Ok(Advanced::Changed);
    }
    let compared = match comparison {
        Comparison::Known(compared) => Some(&**compared),
        Comparison::Unknown(_) | Comparison::Wait => None,
    };
    match (run.phase, compared) {
        (SyncPhase::Pending | SyncPhase::Planning, _) => {
            outcome::finish(
                runtime,
                loaded,
                memory,
                run,
                SyncPhase::Interrupted,
                "it was cut off before anything was written",
            )
            .await?;
            Ok(Advanced::Changed)
        }
        (SyncPhase::Applying, Some(compared)) => {
            go_on(runtime, loaded, memory, compared, run).await
        }
        (SyncPhase::AwaitingApproval, Some(compared)) => {
            approval::approved(runtime, loaded, memory, compared, run).await
        }
        (SyncPhase::Verifying, compared) => {
            verify::verify(runtime, loaded, memory, compared, run).await
        }
        _ => Ok(Advanced::Waits),
    }
}

/// A run that is on its way: it waited for a wave or a hook, or the server ended in the middle.
async fn go_on(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    compared: &Compared,
    run: &RunRow,
) -> Result<Advanced, StoreError> {
    let Some(before) = store::run::plan(runtime.store(), run.id).await? else {
        outcome::finish(
            runtime,
            loaded,
            memory,
            run,
            SyncPhase::Interrupted,
            "it was cut off before its plan was stored",
        )
        .await?;
        return Ok(Advanced::Changed);
    };
    let stops = if !compared.managed {
        Some("the target is only observed now; what was applied stays".to_owned())
    } else if run.render_key.as_deref() != Some(compared.render.key.as_str()) {
        Some(format!(
            "{} came before everything was applied",
            compared.revision.short()
        ))
    } else {
        None
    };
    if let Some(why) = stops {
        ending::end(runtime, loaded, memory, run, SyncPhase::Superseded, &why).await?;
        return Ok(Advanced::Changed);
    }
    let heals = run.started_by == StartedBy::SelfHeal;
    if let Some(hold) = loaded
        .hold
        .as_ref()
        .filter(|hold| hold.until > now() && hold.kind.stops(heals))
        && !waiting::overridden(runtime, run)
            .await?
            .contains(&hold.name())
    {
        return waiting::held(runtime, memory, run, hold).await;
    }
    if waiting::closed(runtime, loaded, memory, run).await? {
        return Ok(Advanced::Waits);
    }
    let (fresh, _) = compared.judged.plan_once(
        &compared.subject(runtime, loaded),
        before.counts().prune > 0,
        HookRuns::Never,
        &run.once,
        Some(&before.digest),
    );
    execute::go_on(
        runtime,
        loaded,
        memory,
        compared,
        run,
        &before,
        Some(&fresh),
    )
    .await
}

/// Ends the open run if somebody asked for that.
///
/// # Errors
/// When the database cannot be read or written.
pub(crate) async fn terminate_if_asked(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
) -> Result<bool, StoreError> {
    terminate(
        runtime,
        loaded,
        memory,
        loaded
            .run
            .as_ref()
            .filter(|run| run.fence == loaded.generation),
    )
    .await
}

async fn terminate(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    run: Option<&RunRow>,
) -> Result<bool, StoreError> {
    let asked: Vec<_> = loaded
        .requests
        .iter()
        .filter(|request| request.kind == OperationKind::Terminate)
        .collect();
    let Some(first) = asked.first() else {
        return Ok(false);
    };
    if let Some(run) = run {
        let message = format!(
            "ended by {}; what was applied stays",
            first.started_by.words()
        );
        ending::end(
            runtime,
            loaded,
            memory,
            run,
            SyncPhase::Terminated,
            &message,
        )
        .await?;
    }
    outcome::end_requests(runtime, &asked, "done").await?;
    Ok(true)
}
