//! Runs, and what starts, ends or allows them.

use super::{OnTarget, Reply, done};
use crate::http::Web;
use crate::http::extract::{At, Body, Caller};
use axum::Json;
use axum::extract::State;
use client::wire::{DecisionBody, OperationAnswer, Started, SyncBody};
use lockstep_types::id::{ApprovalId, OperationId, RunId};
use lockstep_types::sync::{ApprovalView, RunView, SyncRequest};
use serde_json::Value;

pub(super) async fn sync(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Body(body): Body<SyncBody>,
) -> Reply<Started> {
    let request = SyncRequest {
        target: at.target,
        prune: body.prune,
        idempotency_key: body.idempotency_key,
    };
    let operation = web.plane.syncs.sync(&actor, &request).await?;
    Ok(Json(Started { operation }))
}

pub(super) async fn refresh(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
) -> Reply<Started> {
    let operation = web.plane.syncs.refresh(&actor, at.target).await?;
    Ok(Json(Started { operation }))
}

pub(super) async fn operation(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<OperationId>,
) -> Reply<OperationAnswer> {
    let run = web.plane.syncs.run_of(&actor, id).await?;
    Ok(Json(OperationAnswer { run }))
}

pub(super) async fn run(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<RunId>,
) -> Reply<RunView> {
    Ok(Json(web.plane.syncs.run(&actor, id).await?))
}

pub(super) async fn terminate(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<RunId>,
) -> Reply<Value> {
    web.plane.syncs.terminate(&actor, id).await?;
    Ok(done())
}

pub(super) async fn approvals(
    State(web): State<Web>,
    Caller(actor): Caller,
) -> Reply<Vec<ApprovalView>> {
    Ok(Json(web.plane.syncs.approvals(&actor).await?))
}

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
