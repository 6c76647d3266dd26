//! A run whose plan waits for a person's yes.

use super::{Advanced, authorise, execute, outcome, waiting};
use crate::reconcile::target::{Compared, Loaded, TargetMemory};
use crate::runtime::Runtime;
use crate::store::run::RunRow;
use crate::store::{self, StoreError};
use engine::plan::HookRuns;
use lockstep_types::account::Permission;
use lockstep_types::plan::Action;
use lockstep_types::policy;
use lockstep_types::sync::SyncPhase;

/// A plan that waits for a person: go on with a yes to exactly this plan, give up with a no or when it is out of date.
pub(super) async fn approved(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    compared: &Compared,
    run: &RunRow,
) -> Result<Advanced, StoreError> {
    let (Some(plan), Some(approval)) = (
        store::run::plan(runtime.store(), run.id).await?,
        store::approval::of_run(runtime.store(), run.id).await?,
    ) else {
        outcome::finish(
            runtime,
            loaded,
            memory,
            run,
            SyncPhase::Interrupted,
            "the question to approve was lost; sync again",
        )
        .await?;
        return Ok(Advanced::Changed);
    };
    let prune = plan.counts().prune > 0;
    let hooks = if plan.steps.iter().any(|step| step.action == Action::Hook) {
        HookRuns::Always
    } else {
        HookRuns::Never
    };
    let (fresh, violations) = compared.judged.plan_once(
        &compared.subject(runtime, loaded),
        prune,
        hooks,
        &run.once,
        None,
    );
    if fresh.digest != plan.digest || !violations.is_empty() {
        let mut tx = runtime.store().begin().await?;
        store::approval::withdraw(&mut tx, loaded.row.id).await?;
        tx.commit().await?;
        outcome::finish(
            runtime,
            loaded,
            memory,
            run,
            SyncPhase::Superseded,
            "Git or the cluster has changed since the plan was shown",
        )
        .await?;
        return Ok(Advanced::Changed);
    }
    if approval.withdrawn_at.is_some() || approval.used_at.is_some() {
        let message = "the question to approve was withdrawn; sync again";
        outcome::finish(runtime, loaded, memory, run, SyncPhase::Superseded, message).await?;
        return Ok(Advanced::Changed);
    }
    match approval.yes {
        None => Ok(Advanced::Waits),
        Some(false) => {
            let who = approval.decided_by.unwrap_or_default();
            outcome::finish(
                runtime,
                loaded,
                memory,
                run,
                SyncPhase::Terminated,
                &format!("{who} refused the plan"),
            )
            .await?;
            Ok(Advanced::Changed)
        }
        Some(true) if waiting::closed(runtime, loaded, memory, run).await? => Ok(Advanced::Waits),
        Some(true) => {
            // The yes may have waited for a window, or for the server.
            let who = approval.decided_by.unwrap_or_default();
            let of = &loaded.application;
            let object = policy::application(&of.project, &of.name);
            let lost = authorise::may_no_longer(runtime, &who, Permission::Approve, &object);
            if let Some(why) = lost.await? {
                outcome::finish(runtime, loaded, memory, run, SyncPhase::Terminated, &why).await?;
                return Ok(Advanced::Changed);
            }
            execute::begin(
                runtime,
                loaded,
                memory,
                compared,
                run,
                SyncPhase::AwaitingApproval,
                &plan,
            )
            .await?;
            Ok(Advanced::Changed)
        }
    }
}
