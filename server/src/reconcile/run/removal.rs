//! A run that removes what an application left: planned with the removal of everything, never begun without a person's
//! yes to exactly its plan. Who asks and may approve has said that yes with the digest of the plan that was shown.

use super::authorise::may_no_longer;
use super::outcome;
use crate::reconcile::target::{Compared, Loaded, TargetMemory};
use crate::runtime::Runtime;
use crate::store::operation::OperationRow;
use crate::store::run::NewRun;
use crate::store::{self, StoreError};
use engine::plan::HookRuns;
use lockstep_types::account::Permission;
use lockstep_types::plan::Plan;
use lockstep_types::policy;
use lockstep_types::sync::{StartedBy, SyncPhase};

/// Takes up the request: plans, compares with what was shown, and asks.
///
/// # Errors
/// When the database cannot be read or written; the next pass finds what was begun.
pub(crate) async fn remove(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    compared: &Compared,
    request: &OperationRow,
) -> Result<(), StoreError> {
    let who = request.started_by.words();
    if let Some(why) = lost(runtime, loaded, &request.started_by, Permission::Delete).await? {
        return refuse(runtime, loaded, Some(compared), request, &why).await;
    }
    let subject = compared.subject(runtime, loaded);
    let (plan, violations) = compared.judged.plan(&subject, true, HookRuns::Always, None);
    if let Some(why) = unfit(compared, &plan, &violations, request) {
        return refuse(runtime, loaded, Some(compared), request, &why).await;
    }
    let said = request.parameters.get("approve") == Some(&serde_json::Value::Bool(true));
    let may_approve = said
        && lost(runtime, loaded, &request.started_by, Permission::Approve)
            .await?
            .is_none();
    let mut tx = runtime.store().begin().await?;
    store::target::require_generation(&mut tx, loaded.row.id, loaded.generation).await?;
    if !store::operation::take(&mut tx, request.id).await? {
        return Ok(());
    }
    let run = store::run::create(&mut tx, &new_run(loaded, compared, request)).await?;
    let (id, fence) = (run.id, run.fence);
    let (pending, planning) = (SyncPhase::Pending, SyncPhase::Planning);
    store::run::set_phase(&mut tx, id, fence, pending, planning, "").await?;
    store::run::put_plan(&mut tx, id, fence, &plan, &compared.render.key).await?;
    store::run::put_steps(&mut tx, id, fence, &outcome::at_first(&plan)).await?;
    let approval = store::approval::ask(&mut tx, id, &plan).await?;
    let waits = SyncPhase::AwaitingApproval;
    let why = super::gate_words(&plan);
    store::run::set_phase(&mut tx, id, fence, planning, waits, &why).await?;
    if may_approve {
        store::approval::decide(&mut tx, approval, &plan.digest, true, &who).await?;
    }
    tx.commit().await?;
    memory.verifying = None;
    tracing::info!(event.name = "run.planned", run.id = %id, plan.digest = %plan.digest, approved = may_approve, "the removal of what an application left was planned");
    Ok(())
}

/// Why the plan is not carried out as it was asked for.
fn unfit(
    compared: &Compared,
    plan: &Plan,
    violations: &[String],
    request: &OperationRow,
) -> Option<String> {
    let shown = request
        .parameters
        .get("digest")
        .and_then(|text| text.as_str());
    if !compared.managed {
        Some("the target was only observed: nothing is deleted".to_owned())
    } else if !violations.is_empty() {
        Some(format!(
            "the plan breaks a rule of its own check and was not carried out: {}",
            violations.join("; ")
        ))
    } else if !plan.writes() {
        Some("nothing of it may be deleted; the preview says why of each object".to_owned())
    } else if shown != Some(plan.digest.as_str()) {
        Some("what is left has changed since it was shown; look at it again".to_owned())
    } else {
        None
    }
}

fn new_run(loaded: &Loaded, compared: &Compared, request: &OperationRow) -> NewRun {
    NewRun {
        operation: request.id,
        target: loaded.row.id,
        fence: loaded.generation,
        revision: compared.revision.clone(),
        commit: None,
        started_by: request.started_by.clone(),
    }
}

/// Why whoever asked may not do it any more; `None` when they may.
pub(super) async fn lost(
    runtime: &Runtime,
    loaded: &Loaded,
    by: &StartedBy,
    permission: Permission,
) -> Result<Option<String>, StoreError> {
    let StartedBy::Person(name) = by else {
        return Ok(Some("only a person may ask for this".to_owned()));
    };
    let object = policy::application(&loaded.application.project, &loaded.application.name);
    may_no_longer(runtime, name, permission, &object).await
}

/// A request that cannot be met is a run that failed at once, so that whoever waits for it learns why.
///
/// # Errors
/// When the database cannot be written.
pub(crate) async fn refuse(
    runtime: &Runtime,
    loaded: &Loaded,
    compared: Option<&Compared>,
    request: &OperationRow,
    why: &str,
) -> Result<(), StoreError> {
    let mut tx = runtime.store().begin().await?;
    if !store::operation::take(&mut tx, request.id).await? {
        return Ok(());
    }
    if let Some(compared) = compared {
        let run = store::run::create(&mut tx, &new_run(loaded, compared, request)).await?;
        store::run::finish(&mut tx, run.id, run.fence, SyncPhase::Failed, why).await?;
    }
    store::operation::end(&mut tx, request.id, why).await?;
    tx.commit().await.map(|_| ())
}
