//! What applications left behind when their definitions left Git.

use super::Reply;
use crate::http::Web;
use crate::http::extract::{At, Body, Caller};
use axum::Json;
use axum::extract::State;
use client::wire::{RemovalBody, Started};
use lockstep_types::id::TargetId;
use lockstep_types::leftover::{Leftovers, RemovalPreview, RemovalRequest};

/// Everything that is left.
#[utoipa::path(
    get,
    path = "/leftovers",
    operation_id = "leftovers_leftovers",
    tag = "leftovers",
    responses((status = 200, description = "What was asked for.", body = Vec<Leftovers>)),
)]
pub(super) async fn leftovers(
    State(web): State<Web>,
    Caller(actor): Caller,
) -> Reply<Vec<Leftovers>> {
    Ok(Json(web.plane.leftovers.leftovers(&actor).await?))
}

/// What removing it would delete.
#[utoipa::path(
    get,
    path = "/leftovers/{target}",
    operation_id = "leftovers_removal",
    tag = "leftovers",
    params(("target" = TargetId, Path)),
    responses((status = 200, description = "What was asked for.", body = RemovalPreview)),
)]
pub(super) async fn removal(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(target): At<TargetId>,
) -> Reply<RemovalPreview> {
    Ok(Json(web.plane.leftovers.removal(&actor, target).await?))
}

/// Deletes exactly what the preview with this digest showed.
#[utoipa::path(
    post,
    path = "/leftovers/{target}/remove",
    operation_id = "leftovers_remove",
    tag = "leftovers",
    params(("target" = TargetId, Path)),
    request_body = RemovalBody,
    responses((status = 200, description = "What was asked for.", body = Started)),
)]
pub(super) async fn remove(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(target): At<TargetId>,
    Body(body): Body<RemovalBody>,
) -> Reply<Started> {
    let request = RemovalRequest {
        target,
        digest: body.digest,
        typed: body.typed,
        reason: body.reason,
    };
    let operation = web.plane.leftovers.remove(&actor, &request).await?;
    Ok(Json(Started { operation }))
}

/// Forgets it; the objects stay.
#[utoipa::path(
    post,
    path = "/leftovers/{target}/leave",
    operation_id = "leftovers_leave",
    tag = "leftovers",
    params(("target" = TargetId, Path)),
    responses((status = 200, description = "What was asked for.", body = Started)),
)]
pub(super) async fn leave(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(target): At<TargetId>,
) -> Reply<Started> {
    let operation = web.plane.leftovers.leave(&actor, target).await?;
    Ok(Json(Started { operation }))
}
