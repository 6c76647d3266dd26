//! Going back, pinning and holding.

use super::{OnTarget, Reply, done};
use crate::http::Web;
use crate::http::extract::{At, Body, Caller, Params};
use axum::Json;
use axum::extract::State;
use client::wire::{HoldBody, PinBody, RollbackBody};
use lockstep_types::application::{Hold, Pin, TargetSummary};
use lockstep_types::id::{HoldId, PinId};
use lockstep_types::revision::Revision;
use lockstep_types::rollback::{
    PinRequest, RollbackCandidate, RollbackOutcome, RollbackPreview, RollbackRequest,
};
use serde::Deserialize;
use serde_json::Value;

pub(super) async fn candidates(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
) -> Reply<Vec<RollbackCandidate>> {
    Ok(Json(
        web.plane.rollbacks.candidates(&actor, at.target).await?,
    ))
}

/// The query of a preview.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct To {
    to: Revision,
}

pub(super) async fn preview(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Params(query): Params<To>,
) -> Reply<RollbackPreview> {
    Ok(Json(
        web.plane
            .rollbacks
            .preview(&actor, at.target, &query.to)
            .await?,
    ))
}

pub(super) async fn roll_back(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Body(body): Body<RollbackBody>,
) -> Reply<RollbackOutcome> {
    let request = RollbackRequest {
        target: at.target,
        to: body.to,
        digest: body.digest,
        reason: body.reason,
    };
    Ok(Json(web.plane.rollbacks.roll_back(&actor, &request).await?))
}

pub(super) async fn pin(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Body(body): Body<PinBody>,
) -> Reply<Pin> {
    let request = PinRequest {
        target: at.target,
        to: body.to,
        reason: body.reason,
        hours: body.hours,
    };
    Ok(Json(web.plane.rollbacks.pin(&actor, &request).await?))
}

/// How a pin or hold ends.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Ending {
    /// Also deploy what was held back.
    deploy: bool,
}

pub(super) async fn unpin(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<PinId>,
    Params(query): Params<Ending>,
) -> Reply<Value> {
    web.plane.rollbacks.unpin(&actor, id, query.deploy).await?;
    Ok(done())
}

pub(super) async fn hold(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Body(body): Body<HoldBody>,
) -> Reply<Hold> {
    let rollbacks = &web.plane.rollbacks;
    Ok(Json(
        rollbacks
            .hold(&actor, at.target, body.kind, &body.reason, body.hours)
            .await?,
    ))
}

pub(super) async fn holds(
    State(web): State<Web>,
    Caller(actor): Caller,
) -> Reply<Vec<TargetSummary>> {
    Ok(Json(web.plane.rollbacks.holds(&actor).await?))
}

pub(super) async fn release(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<HoldId>,
    Params(query): Params<Ending>,
) -> Reply<Value> {
    web.plane
        .rollbacks
        .release(&actor, id, query.deploy)
        .await?;
    Ok(done())
}
