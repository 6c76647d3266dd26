//! Who is here, and the counts of the rail.

use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::about::Cage;
use lockstep_types::account::Actor;
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// What every page needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    pub actor: Actor,
    /// Fields with open drift.
    pub drift: u32,
    pub approvals: u32,
    pub problems: u32,
    /// Open incidents.
    pub alerts: u32,
    /// The newest event when this was read: the live stream goes on from here.
    pub head: u64,
    pub version: String,
    pub cage: Cage,
}

/// The person, the counts, and where the event stream stands.
#[server(prefix = "/sfn", endpoint = "session", input = Json)]
pub async fn read_session() -> Result<Session, ApiError> {
    let desk = crate::context::desk()?;
    let (plane, actor) = (&desk.plane, &desk.actor);
    let head = desk.answer(plane.events.head(actor).await)?;
    let drift = plane
        .fleet
        .drift(actor, &Default::default())
        .await
        .map_or(0, |rows| rows.len());
    let approvals = plane
        .syncs
        .approvals(actor)
        .await
        .map_or(0, |rows| rows.len());
    let asks = plane
        .rollbacks
        .asks(actor)
        .await
        .map_or(0, |rows| rows.len());
    let problems = plane
        .fleet
        .problems(actor)
        .await
        .map_or(0, |rows| rows.len());
    let alerts = plane
        .alerts
        .alerts(actor, &Default::default())
        .await
        .map_or(0, |view| view.open);
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(Session {
        actor: desk.actor.clone(),
        drift: count(drift),
        approvals: count(approvals + asks),
        problems: count(problems),
        alerts,
        head,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        cage: plane.cage,
    })
}

/// Keeps the choice of colours in a cookie for a year. Needs no login.
#[server(prefix = "/sfn", endpoint = "theme")]
pub async fn set_theme(theme: String) -> Result<(), ApiError> {
    let cookie = match theme.as_str() {
        "light" | "dark" => format!("theme={theme}; Path=/; Max-Age=31536000; SameSite=Lax"),
        _ => "theme=; Path=/; Max-Age=0; SameSite=Lax".to_owned(),
    };
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>()
        && let Ok(value) = http::HeaderValue::from_str(&cookie)
    {
        response.append_header(http::header::SET_COOKIE, value);
    }
    Ok(())
}
