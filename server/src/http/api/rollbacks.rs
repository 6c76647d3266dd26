//! Going back, pinning and holding.

use super::{OnTarget, Reply, document::Done, done};
use crate::http::Web;
use crate::http::extract::{At, Body, Caller, Params};
use axum::Json;
use axum::extract::State;
use client::wire::{DecisionBody, HoldBody, MarkBody, PinBody, RollbackBody};
use lockstep_types::PortError;
use lockstep_types::application::{Hold, TargetSummary};
use lockstep_types::ask::{AskDecision, PinOutcome, RollbackAskView};
use lockstep_types::id::{AskId, HoldId, PinId};
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::revision::Revision;
use lockstep_types::rollback::{
    MarkRequest, PinRequest, RollbackCandidate, RollbackPreview, RollbackRequest,
};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

/// Revisions to which a target can go back.
#[utoipa::path(
    get,
    path = "/apps/{id}/targets/{target}/rollback/candidates",
    operation_id = "rollbacks_candidates",
    tag = "rollbacks",
    params(OnTarget),
    responses((status = 200, description = "What was asked for.", body = Vec<RollbackCandidate>)),
)]
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
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct To {
    to: Revision,
    /// Take `to` back and keep what came later, instead of going back to it.
    #[serde(default)]
    undo: bool,
    /// Of a pin of this target alone, instead of a commit.
    #[serde(default)]
    pin: bool,
}

/// What going back would change, on every target that it concerns.
#[utoipa::path(
    get,
    path = "/apps/{id}/targets/{target}/rollback/preview",
    operation_id = "rollbacks_preview",
    tag = "rollbacks",
    params(OnTarget, To),
    responses((status = 200, description = "What was asked for.", body = RollbackPreview)),
)]
pub(super) async fn preview(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Params(query): Params<To>,
) -> Reply<RollbackPreview> {
    let rollbacks = &web.plane.rollbacks;
    let preview = match (query.undo, query.pin) {
        (true, true) => {
            return Err(PortError::invalid("pin", "a pin goes to a state; leave undo out").into());
        }
        (true, false) => rollbacks.preview_undo(&actor, at.target, &query.to).await?,
        (false, true) => rollbacks.preview_pin(&actor, at.target, &query.to).await?,
        (false, false) => rollbacks.preview(&actor, at.target, &query.to).await?,
    };
    Ok(Json(preview))
}

/// Goes back by a commit, as it was previewed.
#[utoipa::path(
    post,
    path = "/apps/{id}/targets/{target}/rollback",
    operation_id = "rollbacks_roll_back",
    tag = "rollbacks",
    params(OnTarget),
    request_body = RollbackBody,
    responses((status = 200, description = "What was asked for.", body = CommitOutcome)),
)]
pub(super) async fn roll_back(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Body(body): Body<RollbackBody>,
) -> Reply<CommitOutcome> {
    let request = RollbackRequest {
        target: at.target,
        to: body.to,
        digest: body.digest,
        reason: body.reason,
        propose: body.propose,
        undo: body.undo,
        overrides: body.overrides,
    };
    Ok(Json(web.plane.rollbacks.roll_back(&actor, &request).await?))
}

/// Keeps a target at a revision for some hours.
#[utoipa::path(
    post,
    path = "/apps/{id}/targets/{target}/pin",
    operation_id = "rollbacks_pin",
    tag = "rollbacks",
    params(OnTarget),
    request_body = PinBody,
    responses((status = 200, description = "What was asked for.", body = PinOutcome)),
)]
pub(super) async fn pin(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Body(body): Body<PinBody>,
) -> Reply<PinOutcome> {
    let request = PinRequest {
        target: at.target,
        to: body.to,
        reason: body.reason,
        hours: body.hours,
        overrides: body.overrides,
        digest: body.digest,
    };
    Ok(Json(web.plane.rollbacks.pin(&actor, &request).await?))
}

/// Rollbacks and pins that wait for a second person, with what was shown to the one who asks.
#[utoipa::path(
    get,
    path = "/rollbacks",
    operation_id = "rollbacks_asks",
    tag = "rollbacks",
    responses((status = 200, description = "What was asked for.", body = Vec<RollbackAskView>)),
)]
pub(super) async fn asks(
    State(web): State<Web>,
    Caller(actor): Caller,
) -> Reply<Vec<RollbackAskView>> {
    Ok(Json(web.plane.rollbacks.asks(&actor).await?))
}

/// Says yes or no to a rollback that somebody else asked for, by its digest; with a yes it is done. Who asked may only say
/// no.
#[utoipa::path(
    post,
    path = "/rollbacks/{id}",
    operation_id = "rollbacks_decide",
    tag = "rollbacks",
    params(("id" = AskId, Path)),
    request_body = DecisionBody,
    responses((status = 200, description = "Done.", body = AskDecision)),
)]
pub(super) async fn decide(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<AskId>,
    Body(body): Body<DecisionBody>,
) -> Reply<AskDecision> {
    let rollbacks = &web.plane.rollbacks;
    Ok(Json(
        rollbacks
            .decide_ask(&actor, id, &body.digest, body.yes)
            .await?,
    ))
}

/// Says that a revision is good or bad here, or takes that back.
#[utoipa::path(
    post,
    path = "/apps/{id}/targets/{target}/mark",
    operation_id = "rollbacks_mark",
    tag = "rollbacks",
    params(OnTarget),
    request_body = MarkBody,
    responses((status = 200, description = "Done.", body = Done)),
)]
pub(super) async fn mark(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Body(body): Body<MarkBody>,
) -> Reply<Value> {
    let request = MarkRequest {
        target: at.target,
        revision: body.revision,
        judgement: body.judgement,
        reason: body.reason,
    };
    web.plane.rollbacks.mark(&actor, &request).await?;
    Ok(done())
}

/// How a pin or hold ends.
#[derive(Deserialize, Default, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Ending {
    /// Also deploy what was held back.
    deploy: bool,
}

/// Ends a pin.
#[utoipa::path(
    delete,
    path = "/pins/{id}",
    operation_id = "rollbacks_unpin",
    tag = "rollbacks",
    params(("id" = PinId, Path), Ending),
    responses((status = 200, description = "Done.", body = Done)),
)]
pub(super) async fn unpin(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<PinId>,
    Params(query): Params<Ending>,
) -> Reply<Value> {
    web.plane.rollbacks.unpin(&actor, id, query.deploy).await?;
    Ok(done())
}

/// Pauses writes to a target for some hours.
#[utoipa::path(
    post,
    path = "/apps/{id}/targets/{target}/hold",
    operation_id = "rollbacks_hold",
    tag = "rollbacks",
    params(OnTarget),
    request_body = HoldBody,
    responses((status = 200, description = "What was asked for.", body = Hold)),
)]
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

/// All holds with owner, reason, end and what waits.
#[utoipa::path(
    get,
    path = "/holds",
    operation_id = "rollbacks_holds",
    tag = "rollbacks",
    responses((status = 200, description = "What was asked for.", body = Vec<TargetSummary>)),
)]
pub(super) async fn holds(
    State(web): State<Web>,
    Caller(actor): Caller,
) -> Reply<Vec<TargetSummary>> {
    Ok(Json(web.plane.rollbacks.holds(&actor).await?))
}

/// Ends a hold.
#[utoipa::path(
    delete,
    path = "/holds/{id}",
    operation_id = "rollbacks_release",
    tag = "rollbacks",
    params(("id" = HoldId, Path), Ending),
    responses((status = 200, description = "Done.", body = Done)),
)]
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
