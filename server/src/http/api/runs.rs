//! Runs, and what starts, ends or allows them.

use super::{OnTarget, Reply, document::Done, done};
use crate::http::Web;
use crate::http::extract::{At, Body, Caller};
use axum::Json;
use axum::extract::State;
use client::wire::{ActBody, DecisionBody, OperationAnswer, Started, SyncBody};
use lockstep_types::action::ActionRequest;
use lockstep_types::id::{ApprovalId, OperationId, RunId};
use lockstep_types::resource::ResourceKey;
use lockstep_types::sync::{ApprovalView, RunView, SyncRequest};
use lockstep_types::sync_once::SyncOnce;
use serde_json::Value;

/// Asks for a sync.
#[utoipa::path(
    post,
    path = "/apps/{id}/targets/{target}/sync",
    operation_id = "runs_sync",
    tag = "syncs",
    params(OnTarget),
    request_body = SyncBody,
    responses((status = 200, description = "What was asked for.", body = Started)),
)]
pub(super) async fn sync(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Body(body): Body<SyncBody>,
) -> Reply<Started> {
    let request = SyncRequest {
        target: at.target,
        prune: body.prune,
        once: SyncOnce {
            dry_run: body.dry_run,
            force: body.force,
            replace: body.replace,
            ..SyncOnce::select(&body.resources, &body.labels)?
        },
        idempotency_key: body.idempotency_key,
    };
    let operation = web.plane.syncs.sync(&actor, &request).await?;
    Ok(Json(Started { operation }))
}

/// Asks for a new comparison.
#[utoipa::path(
    post,
    path = "/apps/{id}/targets/{target}/refresh",
    operation_id = "runs_refresh",
    tag = "syncs",
    params(OnTarget),
    responses((status = 200, description = "What was asked for.", body = Started)),
)]
pub(super) async fn refresh(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
) -> Reply<Started> {
    let operation = web.plane.syncs.refresh(&actor, at.target).await?;
    Ok(Json(Started { operation }))
}

/// Asks for an action on one live object: `restart`, `scale`, `run-now` or `delete-pod`. Git stays as it is.
#[utoipa::path(
    post,
    path = "/apps/{id}/targets/{target}/act",
    operation_id = "runs_act",
    tag = "applications",
    params(OnTarget),
    request_body = ActBody,
    responses((status = 200, description = "What was asked for; the object's `acted` says what came of it.", body = Started)),
)]
pub(super) async fn act(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Body(body): Body<ActBody>,
) -> Reply<Started> {
    let object = ResourceKey::named("object", &body.object)?;
    let request = ActionRequest {
        target: at.target,
        object,
        kind: body.action,
        uid: body.uid,
        replicas: body.replicas,
        reason: body.reason,
    };
    let operation = web.plane.objects.act(&actor, &request).await?;
    Ok(Json(Started { operation }))
}

/// The run that carries out what was asked for.
#[utoipa::path(
    get,
    path = "/operations/{id}",
    operation_id = "runs_operation",
    tag = "syncs",
    params(("id" = OperationId, Path)),
    responses((status = 200, description = "What was asked for.", body = OperationAnswer)),
)]
pub(super) async fn operation(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<OperationId>,
) -> Reply<OperationAnswer> {
    let run = web.plane.syncs.run_of(&actor, id).await?;
    Ok(Json(OperationAnswer { run }))
}

/// One run with its steps.
#[utoipa::path(
    get,
    path = "/runs/{id}",
    operation_id = "runs_run",
    tag = "syncs",
    params(("id" = RunId, Path)),
    responses((status = 200, description = "What was asked for.", body = RunView)),
)]
pub(super) async fn run(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<RunId>,
) -> Reply<RunView> {
    Ok(Json(web.plane.syncs.run(&actor, id).await?))
}

/// Ends a run after its current step.
#[utoipa::path(
    post,
    path = "/runs/{id}/terminate",
    operation_id = "runs_terminate",
    tag = "syncs",
    params(("id" = RunId, Path)),
    responses((status = 200, description = "Done.", body = Done)),
)]
pub(super) async fn terminate(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<RunId>,
) -> Reply<Value> {
    web.plane.syncs.terminate(&actor, id).await?;
    Ok(done())
}

/// Plans that wait for a yes.
#[utoipa::path(
    get,
    path = "/approvals",
    operation_id = "runs_approvals",
    tag = "syncs",
    responses((status = 200, description = "What was asked for.", body = Vec<ApprovalView>)),
)]
pub(super) async fn approvals(
    State(web): State<Web>,
    Caller(actor): Caller,
) -> Reply<Vec<ApprovalView>> {
    Ok(Json(web.plane.syncs.approvals(&actor).await?))
}

/// Says yes or no to a plan, by its digest.
#[utoipa::path(
    post,
    path = "/approvals/{id}",
    operation_id = "runs_decide",
    tag = "syncs",
    params(("id" = ApprovalId, Path)),
    request_body = DecisionBody,
    responses((status = 200, description = "Done.", body = Done)),
)]
pub(super) async fn decide(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<ApprovalId>,
    Body(body): Body<DecisionBody>,
) -> Reply<Value> {
    web.plane
        .syncs
        .decide(&actor, id, &body.digest, body.yes)
        .await?;
    Ok(done())
}
