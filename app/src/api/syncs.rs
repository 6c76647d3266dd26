//! Runs and approvals, and the forms that start, end and decide them.

use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::action::ActionKind;
use lockstep_types::id::{ApprovalId, OperationId, RunId, TargetId};
use lockstep_types::sync::{ApprovalView, RunView};
#[cfg(feature = "ssr")]
use lockstep_types::{PortError, sync_once::SyncOnce};
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// What the sync dialog may say besides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SyncOptions {
    /// `chosen`: only `resources` and what carries `labels`.
    pub scope: String,
    /// Resource keys.
    pub resources: Vec<String>,
    /// `name=value`, with commas between them.
    pub labels: String,
    pub dry_run: bool,
    pub force: bool,
    pub replace: bool,
}

#[cfg(feature = "ssr")]
impl SyncOptions {
    fn once(&self) -> Result<SyncOnce, PortError> {
        let chosen = if self.scope == "chosen" {
            let chosen = SyncOnce::select(&self.resources, std::slice::from_ref(&self.labels))?;
            if !chosen.selects() {
                return Err(PortError::invalid(
                    "resources",
                    "tick at least one object, or name a label",
                ));
            }
            chosen
        } else {
            SyncOnce::default()
        };
        Ok(SyncOnce {
            dry_run: self.dry_run,
            force: self.force,
            replace: self.replace,
            ..chosen
        })
    }
}

/// Starts a sync and leads to its page. `key` comes from the form: sending it twice starts one run.
#[server(prefix = "/sfn", endpoint = "sync")]
pub async fn sync_target(
    target: TargetId,
    #[server(default)] prune: bool,
    #[server(default)] key: String,
    #[server(default)] options: SyncOptions,
) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    let once = options.once()?;
    // Another wish from the same dialog is another sync.
    let key = match (once.words().as_str(), prune) {
        ("", false) => key,
        (words, _) => {
            use std::hash::{DefaultHasher, Hash, Hasher};
            let mut hasher = DefaultHasher::new();
            (words, &once.resources, prune).hash(&mut hasher);
            format!("{key}-{:016x}", hasher.finish())
        }
    };
    let request = lockstep_types::sync::SyncRequest {
        target,
        prune,
        once,
        idempotency_key: (!key.is_empty()).then_some(key),
    };
    let operation = desk.answer(desk.plane.syncs.sync(&desk.actor, &request).await)?;
    leptos_axum::redirect(&format!("/operations/{operation}"));
    Ok(())
}

/// Looks again; changes nothing.
#[server(prefix = "/sfn", endpoint = "refresh")]
pub async fn refresh_target(target: TargetId) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.syncs.refresh(&desk.actor, target).await)?;
    Ok(())
}

/// Asks for an action on one live object. `back` is the address of its drawer.
#[server(prefix = "/sfn", endpoint = "act")]
pub async fn act_on_object(
    target: TargetId,
    object: String,
    kind: ActionKind,
    uid: String,
    #[server(default)] replicas: Option<u32>,
    #[server(default)] reason: String,
    back: String,
) -> Result<(), ApiError> {
    use lockstep_types::action::ActionRequest;
    use lockstep_types::resource::ResourceKey;
    let desk = crate::context::desk()?;
    let object = ResourceKey::named("object", &object)?;
    let request = ActionRequest {
        target,
        object,
        kind,
        uid,
        replicas,
        reason,
    };
    desk.answer(desk.plane.objects.act(&desk.actor, &request).await)?;
    if back.starts_with("/apps/") {
        leptos_axum::redirect(&back);
    }
    Ok(())
}

/// A run with its steps.
#[server(prefix = "/sfn", endpoint = "run", input = Json)]
pub async fn run(run: RunId) -> Result<RunView, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.syncs.run(&desk.actor, run).await)
}

/// The newest run of an operation, once there is one.
#[server(prefix = "/sfn", endpoint = "operation_run", input = Json)]
pub async fn operation_run(operation: OperationId) -> Result<Option<RunId>, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.syncs.run_of(&desk.actor, operation).await)
}

/// Ends a run.
#[server(prefix = "/sfn", endpoint = "terminate")]
pub async fn terminate_run(run: RunId) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.syncs.terminate(&desk.actor, run).await)
}

/// Plans that wait for a yes.
#[server(prefix = "/sfn", endpoint = "approvals", input = Json)]
pub async fn approvals() -> Result<Vec<ApprovalView>, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.syncs.approvals(&desk.actor).await)
}

/// Says yes or no to exactly this plan.
#[server(prefix = "/sfn", endpoint = "decide")]
pub async fn decide(approval: ApprovalId, digest: String, yes: bool) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .syncs
            .decide(&desk.actor, approval, &digest, yes)
            .await,
    )
}
