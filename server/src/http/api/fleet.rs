//! The fleet and what happened in it.

use super::document::Done;
use super::export::{self, Form};
use super::{Reply, done};
use crate::http::Web;
use crate::http::extract::{At, Body, Caller, Params};
use crate::http::problem::Refusal;
use crate::runtime::now;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use client::waiting::{Selector, Standing, duration, standing};
use client::wire::HeadAnswer;
use lockstep_types::account::Actor;
use lockstep_types::activity::{ActivityQuery, ActivityView, CommitView};
use lockstep_types::drift::{DriftQuery, DriftRow};
use lockstep_types::fleet::{CommitRollout, FleetQuery, FleetView};
use lockstep_types::log_level::{LogLevelView, SetLogLevel};
use lockstep_types::parity::{ParityQuery, ParityView};
use lockstep_types::past::moment;
use lockstep_types::retention::{Retention, RetentionView};
use lockstep_types::revision::Revision;
use lockstep_types::source::Problem;
use lockstep_types::upcoming::{Upcoming, UpcomingQuery};
use lockstep_types::{Micros, PortError};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use utoipa::{IntoParams, ToSchema};

/// An answer never takes longer, so that proxies do not give up; who wants to wait longer asks again.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(300);

/// The query of lists.
#[derive(Deserialize, Default, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Filter {
    pub(super) filter: String,
    /// Also rows where all is well, or rows that are over.
    all: bool,
    /// As it was then: how long ago, as `2h`, or a time, as `2026-03-04T14:02Z`; empty for now.
    at: String,
}

impl Filter {
    pub(super) fn at(&self) -> Result<Option<Micros>, PortError> {
        moment("at", &self.at, now())
    }
}

/// The query of the fleet.
#[derive(Deserialize, Default, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rows {
    filter: String,
    /// Also rows where all is well.
    all: bool,
    /// As it was then: how long ago, as `2h`, or a time, as `2026-03-04T14:02Z`; empty for now.
    at: String,
    /// The time that this is held against; empty for now.
    until: String,
}

/// The query of a rollout.
#[derive(Deserialize, Default, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Wanted {
    /// Labels of the clusters, as `env=prod`.
    clusters: String,
    /// How long to wait until it is live or has failed, as `90s`; the answer may come sooner.
    wait: String,
}

/// The query of the timeline.
#[derive(Deserialize, Default, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Timeline {
    filter: String,
    kind: String,
    /// `none` for the commits of which no approval is known, `known` for the others.
    approval: String,
    before: Option<i64>,
    /// Entries; 50 unless given, and 200 of a page at most.
    #[param(maximum = 1_000_000)]
    limit: Option<u32>,
    /// `jsonl` or `csv` for a file with one entry a line; then `limit` is 10,000 unless given, a million at most.
    format: String,
}

/// The number of the newest event.
#[utoipa::path(
    get,
    path = "/events/head",
    operation_id = "fleet_head",
    tag = "fleet",
    responses((status = 200, description = "What was asked for.", body = HeadAnswer)),
)]
pub(super) async fn head(State(web): State<Web>, Caller(actor): Caller) -> Reply<HeadAnswer> {
    let head = web.plane.events.head(&actor).await?;
    Ok(Json(HeadAnswer { head }))
}

/// The fleet: groups of applications over clusters, what needs attention first.
#[utoipa::path(
    get,
    path = "/fleet",
    operation_id = "fleet_fleet",
    tag = "fleet",
    params(Rows),
    responses((status = 200, description = "What was asked for.", body = FleetView)),
)]
pub(super) async fn fleet(
    State(web): State<Web>,
    Caller(actor): Caller,
    Params(query): Params<Rows>,
) -> Reply<FleetView> {
    let query = FleetQuery {
        at: moment("at", &query.at, now())?,
        until: moment("until", &query.until, now())?,
        filter: query.filter,
        show_all: query.all,
    };
    Ok(Json(web.plane.fleet.fleet(&actor, &query).await?))
}

/// What to preview.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Branch {
    /// A branch, tag or commit.
    reference: String,
    /// The repository's name in addresses of commits; empty where there is only one.
    repo: String,
    /// The branch that it is for; empty for the one that most targets follow.
    onto: String,
}

/// What a branch would do once it is merged.
#[utoipa::path(
    get,
    path = "/preview",
    operation_id = "fleet_preview",
    tag = "fleet",
    params(Branch),
    responses((status = 200, description = "What was asked for.", body = Upcoming)),
)]
pub(super) async fn preview(
    State(web): State<Web>,
    Caller(actor): Caller,
    Params(asked): Params<Branch>,
) -> Reply<Upcoming> {
    let query = UpcomingQuery {
        repo: asked.repo,
        reference: asked.reference,
        onto: asked.onto,
    };
    Ok(Json(web.plane.fleet.upcoming(&actor, &query).await?))
}

/// The query of the parity of environments.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Environments {
    filter: String,
    /// Label of clusters whose values are the environments, or `cluster`; empty: `env` where any cluster has it.
    by: String,
    /// Also rows that are the same everywhere.
    all: bool,
}

/// What runs where, application by environment: image, chart, revision, replicas; unexpected differences first.
#[utoipa::path(
    get,
    path = "/parity",
    operation_id = "fleet_parity",
    tag = "fleet",
    params(Environments),
    responses((status = 200, description = "What was asked for.", body = ParityView)),
)]
pub(super) async fn parity(
    State(web): State<Web>,
    Caller(actor): Caller,
    Params(asked): Params<Environments>,
) -> Reply<ParityView> {
    let query = ParityQuery {
        filter: asked.filter,
        by: asked.by,
        all: asked.all,
    };
    Ok(Json(web.plane.fleet.parity(&actor, &query).await?))
}

/// What is wrong with definitions and sources.
#[utoipa::path(
    get,
    path = "/problems",
    operation_id = "fleet_problems",
    tag = "fleet",
    responses((status = 200, description = "What was asked for.", body = Vec<Problem>)),
)]
pub(super) async fn problems(State(web): State<Web>, Caller(actor): Caller) -> Reply<Vec<Problem>> {
    Ok(Json(web.plane.fleet.problems(&actor).await?))
}

/// Fields that differ from what Git says, with who changed them.
#[utoipa::path(
    get,
    path = "/drift",
    operation_id = "fleet_drift",
    tag = "fleet",
    params(Filter),
    responses((status = 200, description = "What was asked for.", body = Vec<DriftRow>)),
)]
pub(super) async fn drift(
    State(web): State<Web>,
    Caller(actor): Caller,
    Params(query): Params<Filter>,
) -> Reply<Vec<DriftRow>> {
    let query = DriftQuery {
        at: query.at()?,
        filter: query.filter,
        include_closed: query.all,
    };
    Ok(Json(web.plane.fleet.drift(&actor, &query).await?))
}

/// What happened, newest first, page by page.
#[utoipa::path(
    get,
    path = "/activity",
    operation_id = "fleet_activity",
    tag = "fleet",
    params(Timeline),
    responses((status = 200, description = "What was asked for.", body = ActivityView)),
)]
pub(super) async fn activity(
    State(web): State<Web>,
    Caller(actor): Caller,
    Params(query): Params<Timeline>,
) -> Result<Response, Refusal> {
    let form = match query.format.as_str() {
        "" | "json" => None,
        "jsonl" => Some(Form::JsonLines),
        "csv" => Some(Form::Csv),
        _ => return Err(PortError::invalid("format", "must be json, jsonl or csv").into()),
    };
    if query.limit.is_some_and(|limit| limit > export::MOST) {
        return Err(PortError::invalid("limit", "must be a million at most").into());
    }
    let asked = ActivityQuery {
        filter: query.filter,
        kind: query.kind,
        approval: query.approval,
        before: query.before.map(Micros),
        limit: query.limit.unwrap_or(50).clamp(1, 200),
    };
    if let Some(form) = form {
        let most = query.limit.unwrap_or(export::USUAL).clamp(1, export::MOST);
        return Ok(export::file(web, actor, asked, form, most).await?);
    }
    let view = web.plane.fleet.activity(&actor, &asked).await?;
    Ok(Json(view).into_response())
}

/// How long bodies of history are kept.
#[utoipa::path(
    get,
    path = "/retention",
    operation_id = "fleet_retention",
    tag = "fleet",
    responses((status = 200, description = "What was asked for.", body = RetentionView)),
)]
pub(super) async fn retention(
    State(web): State<Web>,
    Caller(actor): Caller,
) -> Reply<RetentionView> {
    Ok(Json(web.plane.fleet.retention(&actor).await?))
}

/// `{"days": 400}`. What is misspelt must not pass for "for ever".
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    /// Days since the end of a sync; absent: for ever.
    days: Option<u32>,
}

/// Says how long bodies of history are kept; without `days` for ever.
#[utoipa::path(
    post,
    path = "/retention",
    operation_id = "fleet_set_retention",
    tag = "fleet",
    request_body = Kept,
    responses((status = 200, description = "Done.", body = Done)),
)]
pub(super) async fn set_retention(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(kept): Body<Kept>,
) -> Reply<Value> {
    let rules = Retention { days: kept.days };
    web.plane.fleet.set_retention(&actor, rules).await?;
    Ok(done())
}

/// How much the process that answers writes into its log.
#[utoipa::path(
    get,
    path = "/log-level",
    operation_id = "fleet_log_level",
    tag = "fleet",
    responses((status = 200, description = "What was asked for.", body = LogLevelView)),
)]
pub(super) async fn log_level(
    State(web): State<Web>,
    Caller(actor): Caller,
) -> Reply<LogLevelView> {
    Ok(Json(web.plane.fleet.log_level(&actor).await?))
}

/// Has Lockstep's own parts log at another level, until the process ends; without `level` as it was started.
#[utoipa::path(
    post,
    path = "/log-level",
    operation_id = "fleet_set_log_level",
    tag = "fleet",
    request_body = SetLogLevel,
    responses((status = 200, description = "Done.", body = Done)),
)]
pub(super) async fn set_log_level(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(wanted): Body<SetLogLevel>,
) -> Reply<Value> {
    web.plane.fleet.set_log_level(&actor, &wanted).await?;
    Ok(done())
}

/// Where a commit is live, waiting or failed; waits for it when asked to.
#[utoipa::path(
    get,
    path = "/commits/{sha}/rollout",
    operation_id = "fleet_rollout",
    tag = "fleet",
    params(("sha" = String, Path), Wanted),
    responses((status = 200, description = "What was asked for.", body = CommitRollout)),
)]
pub(super) async fn rollout(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(sha): At<String>,
    Params(query): Params<Wanted>,
) -> Reply<CommitRollout> {
    let invalid = |field: &'static str| move |why| PortError::invalid(field, why);
    let selector = Selector::parse(&query.clusters).map_err(invalid("clusters"))?;
    let wait = match query.wait.as_str() {
        "" => Duration::ZERO,
        text => duration(text).map_err(invalid("wait"))?,
    };
    let end = Instant::now() + wait.min(LONGEST_WAIT);
    loop {
        let answer = selected(&web, &actor, &sha, &selector).await;
        let goes_on = match &answer {
            Ok(rollout) => standing(rollout) == Standing::Waiting,
            // It may have been pushed a moment ago.
            Err(error) => matches!(error, PortError::NotFound(_)),
        };
        if !goes_on || Instant::now() >= end {
            return Ok(Json(answer?));
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

async fn selected(
    web: &Web,
    actor: &Actor,
    sha: &str,
    selector: &Selector,
) -> Result<CommitRollout, PortError> {
    let mut rollout = web.plane.fleet.rollout(actor, sha).await?;
    if !selector.is_empty() {
        let clusters = web.plane.clusters.clusters(actor).await?;
        let meant: BTreeSet<&str> = clusters
            .iter()
            .filter(|cluster| selector.selects(cluster))
            .map(|cluster| cluster.name.as_str())
            .collect();
        rollout
            .targets
            .retain(|place| meant.contains(place.target.cluster.as_str()));
    }
    Ok(rollout)
}

/// A commit and what became of it.
#[utoipa::path(
    get,
    path = "/commits/{repo}/{sha}",
    operation_id = "fleet_commit",
    tag = "fleet",
    params(("repo" = String, Path), ("sha" = String, Path)),
    responses((status = 200, description = "What was asked for.", body = CommitView)),
)]
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
