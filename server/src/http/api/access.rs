//! The policy in force, questions to it, and which source holds it.

use super::{Reply, document::Done, done};
use crate::http::Web;
use crate::http::extract::{Body, Caller, Params};
use axum::Json;
use axum::extract::State;
use client::wire::PolicySourceBody;
use lockstep_types::access::{AccessView, Question, QuestionAnswer};
use serde_json::Value;

/// The policy in force, and who has which role.
#[utoipa::path(
    get,
    path = "/access",
    operation_id = "access_access",
    tag = "access",
    responses((status = 200, description = "What was asked for.", body = AccessView)),
)]
pub(super) async fn access(State(web): State<Web>, Caller(actor): Caller) -> Reply<AccessView> {
    Ok(Json(web.plane.access.access(&actor).await?))
}

/// Whether somebody may do something, and by which line.
#[utoipa::path(
    get,
    path = "/access/can",
    operation_id = "access_can",
    tag = "access",
    params(Question),
    responses((status = 200, description = "What was asked for.", body = QuestionAnswer)),
)]
pub(super) async fn can(
    State(web): State<Web>,
    Caller(actor): Caller,
    Params(question): Params<Question>,
) -> Reply<QuestionAnswer> {
    Ok(Json(web.plane.access.can(&actor, &question).await?))
}

/// Which source holds the policy.
#[utoipa::path(
    post,
    path = "/access/source",
    operation_id = "access_choose_source",
    tag = "access",
    request_body = PolicySourceBody,
    responses((status = 200, description = "Done.", body = Done)),
)]
pub(super) async fn choose_source(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(body): Body<PolicySourceBody>,
) -> Reply<Value> {
    web.plane
        .access
        .choose_policy_source(&actor, body.source)
        .await?;
    Ok(done())
}
