//! The fleet and what happened in it.

use super::Reply;
use crate::http::Web;
use crate::http::extract::{At, Caller, Params};
use crate::http::problem::Refusal;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use client::wire::HeadAnswer;
use http::header;
use lockstep_types::activity::{ActivityQuery, CommitView};
use lockstep_types::drift::{DriftQuery, DriftRow};
use lockstep_types::fleet::{CommitRollout, FleetQuery, FleetView};
use lockstep_types::revision::Revision;
use lockstep_types::source::Problem;
use lockstep_types::{Micros, PortError};
use serde::Deserialize;

/// The query of lists.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Filter {
    pub(super) filter: String,
    /// Also rows where all is well, or rows that are over.
    all: bool,
}

/// The query of the timeline.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Timeline {
    filter: String,
    kind: String,
    before: Option<i64>,
    limit: Option<u32>,
    /// `jsonl` for one entry a line.
    format: String,
}

pub(super) async fn head(State(web): State<Web>, Caller(actor): Caller) -> Reply<HeadAnswer> {
    let head = web.plane.events.head(&actor).await?;
    Ok(Json(HeadAnswer { head }))
}

pub(super) async fn fleet(
    State(web): State<Web>,
    Caller(actor): Caller,
    Params(query): Params<Filter>,
) -> Reply<FleetView> {
    let query = FleetQuery {
        filter: query.filter,
        show_all: query.all,
    };
    Ok(Json(web.plane.fleet.fleet(&actor, &query).await?))
}

pub(super) async fn problems(State(web): State<Web>, Caller(actor): Caller) -> Reply<Vec<Problem>> {
    Ok(Json(web.plane.fleet.problems(&actor).await?))
}

pub(super) async fn drift(
    State(web): State<Web>,
    Caller(actor): Caller,
    Params(query): Params<Filter>,
) -> Reply<Vec<DriftRow>> {
    let query = DriftQuery {
        filter: query.filter,
        include_closed: query.all,
    };
    Ok(Json(web.plane.fleet.drift(&actor, &query).await?))
}

pub(super) async fn activity(
    State(web): State<Web>,
    Caller(actor): Caller,
    Params(query): Params<Timeline>,
) -> Result<Response, Refusal> {
    let asked = ActivityQuery {
        filter: query.filter,
        kind: query.kind,
        before: query.before.map(Micros),
        limit: query.limit.unwrap_or(50).clamp(1, 200),
    };
    let view = web.plane.fleet.activity(&actor, &asked).await?;
    match query.format.as_str() {
        "" | "json" => Ok(Json(view).into_response()),
        "jsonl" => {
            let lines = view
                .entries
                .iter()
                .map(serde_json::to_string)
                .collect::<Result<Vec<_>, _>>();
            let mut text = lines
                .map_err(|_| {
                    PortError::Unavailable("the entries cannot be written as JSON".to_owned())
                })?
                .join("\n");
            text.push('\n');
            let kind = (header::CONTENT_TYPE, "application/jsonl");
            let name = (
                header::CONTENT_DISPOSITION,
                "attachment; filename=\"activity.jsonl\"",
            );
            Ok(([kind, name], text).into_response())
        }
        _ => Err(PortError::invalid("format", "must be json or jsonl").into()),
    }
}

pub(super) async fn rollout(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(sha): At<String>,
) -> Reply<CommitRollout> {
    Ok(Json(web.plane.fleet.rollout(&actor, &sha).await?))
}

pub(super) async fn commit(
    State(web): State<Web>,
    Caller(actor): Caller,
    At((repo, sha)): At<(String, String)>,
) -> Reply<CommitView> {
    Ok(Json(
        web.plane
            .fleet
            .commit(&actor, &repo, &Revision(sha))
            .await?,
    ))
}
