//! The policy in force, questions to it, and which source holds it.

use super::{Reply, done};
use crate::http::Web;
use crate::http::extract::{Body, Caller, Params};
use axum::Json;
use axum::extract::State;
use client::wire::PolicySourceBody;
use lockstep_types::access::{AccessView, Question, QuestionAnswer};
use serde_json::Value;

pub(super) async fn access(State(web): State<Web>, Caller(actor): Caller) -> Reply<AccessView> {
    Ok(Json(web.plane.access.access(&actor).await?))
}

pub(super) async fn can(
    State(web): State<Web>,
    Caller(actor): Caller,
    Params(question): Params<Question>,
) -> Reply<QuestionAnswer> {
    Ok(Json(web.plane.access.can(&actor, &question).await?))
}

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
