//! What applications left behind when their definitions left Git.

use super::{OnTarget, Reply};
use crate::http::Web;
use crate::http::extract::{At, Body, Caller};
use axum::Json;
use axum::extract::State;
use client::wire::{RemovalBody, Started};
use lockstep_types::leftover::{Leftovers, RemovalPreview, RemovalRequest};

pub(super) async fn leftovers(
    State(web): State<Web>,
    Caller(actor): Caller,
) -> Reply<Vec<Leftovers>> {
    Ok(Json(web.plane.leftovers.leftovers(&actor).await?))
}

pub(super) async fn removal(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
) -> Reply<RemovalPreview> {
    Ok(Json(web.plane.leftovers.removal(&actor, at.target).await?))
}

pub(super) async fn remove(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Body(body): Body<RemovalBody>,
) -> Reply<Started> {
    let request = RemovalRequest {
        target: at.target,
        digest: body.digest,
        typed: body.typed,
        reason: body.reason,
    };
    let operation = web.plane.leftovers.remove(&actor, &request).await?;
    Ok(Json(Started { operation }))
}

pub(super) async fn leave(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
) -> Reply<Started> {
    let operation = web.plane.leftovers.leave(&actor, at.target).await?;
    Ok(Json(Started { operation }))
}
