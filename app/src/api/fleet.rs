//! Questions about the whole fleet.

use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::activity::{ActivityView, CommitView};
use lockstep_types::drift::DriftRow;
use lockstep_types::fleet::FleetView;
use lockstep_types::retention::RetentionView;
use lockstep_types::source::Problem;
use lockstep_types::upcoming::{Upcoming, UpcomingQuery};
#[cfg(feature = "ssr")]
use lockstep_types::{
    Micros, activity::ActivityQuery, drift::DriftQuery, fleet::FleetQuery, past::moment,
    retention::Retention, revision::Revision,
};
use server_fn::codec::Json;

/// The matrix, now or as it was `at` a time, held against `until`; each as [`moment`](lockstep_types::past::moment) reads it.
#[server(prefix = "/sfn", endpoint = "fleet", input = Json)]
pub async fn fleet(
    filter: String,
    show_all: bool,
    at: String,
    until: String,
) -> Result<FleetView, ApiError> {
    let desk = crate::context::desk()?;
    let now = jiff::Timestamp::now().into();
    let query = FleetQuery {
        filter,
        show_all,
        at: moment("at", &at, now)?,
        until: moment("until", &until, now)?,
    };
    desk.answer(desk.plane.fleet.fleet(&desk.actor, &query).await)
}

/// Broken definitions and renders.
#[server(prefix = "/sfn", endpoint = "problems", input = Json)]
pub async fn problems() -> Result<Vec<Problem>, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.fleet.problems(&desk.actor).await)
}

/// The drift ledger, now or as it stood `at` a time.
#[server(prefix = "/sfn", endpoint = "drift", input = Json)]
pub async fn drift(
    filter: String,
    include_closed: bool,
    at: String,
) -> Result<Vec<DriftRow>, ApiError> {
    let desk = crate::context::desk()?;
    let query = DriftQuery {
        filter,
        include_closed,
        at: moment("at", &at, jiff::Timestamp::now().into())?,
    };
    desk.answer(desk.plane.fleet.drift(&desk.actor, &query).await)
}

/// The timeline.
#[server(prefix = "/sfn", endpoint = "activity", input = Json)]
pub async fn activity(
    filter: String,
    kind: String,
    approval: String,
    before: Option<i64>,
) -> Result<ActivityView, ApiError> {
    let desk = crate::context::desk()?;
    let query = ActivityQuery {
        filter,
        kind,
        approval,
        before: before.map(Micros),
        limit: 60,
    };
    desk.answer(desk.plane.fleet.activity(&desk.actor, &query).await)
}

/// What a branch would do once it is merged.
#[server(prefix = "/sfn", endpoint = "upcoming", input = Json)]
pub async fn read_upcoming(query: UpcomingQuery) -> Result<Upcoming, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.fleet.upcoming(&desk.actor, &query).await)
}

/// A commit's passport.
#[server(prefix = "/sfn", endpoint = "commit", input = Json)]
pub async fn commit(repo: String, sha: String) -> Result<CommitView, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .fleet
            .commit(&desk.actor, &repo, &Revision(sha))
            .await,
    )
}

/// How long bodies of history are kept.
#[server(prefix = "/sfn", endpoint = "retention", input = Json)]
pub async fn read_retention() -> Result<RetentionView, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.fleet.retention(&desk.actor).await)
}

/// Says how long; an empty text is for ever.
#[server(prefix = "/sfn", endpoint = "set_retention")]
pub async fn set_retention(days: String) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    let days = match days.trim() {
        "" => None,
        days => Some(days.parse().map_err(|_| {
            let why = "write a number of days, or nothing to keep everything for ever";
            ApiError::Port(lockstep_types::PortError::invalid("days", why))
        })?),
    };
    let rules = Retention { days };
    desk.answer(desk.plane.fleet.set_retention(&desk.actor, rules).await)
}
