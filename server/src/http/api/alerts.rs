//! Incidents, and who is told of them.

use super::{Reply, done};
use crate::http::Web;
use crate::http::extract::{At, Body, Caller, Params};
use axum::Json;
use axum::extract::State;
use client::wire::Created;
use lockstep_types::alert::{AlertQuery, AlertRules, AlertsView};
use lockstep_types::id::{IncidentId, ReceiverId, RouteId, StatusHostId};
use lockstep_types::notify::{NewReceiver, NewRoute, NewStatusHost, NotifyView, TemplatePreview};
use serde::Deserialize;
use serde_json::Value;

/// `?filter=…&resolved=true&after=…`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Which {
    /// Words that subject, condition or cause hold.
    filter: String,
    /// Those that are over instead of those that are open.
    resolved: bool,
    /// The `next` of the page before.
    after: Option<IncidentId>,
}

/// A template to try.
#[derive(Deserialize)]
pub(super) struct Trying {
    template: String,
}

pub(super) async fn alerts(
    State(web): State<Web>,
    Caller(actor): Caller,
    Params(which): Params<Which>,
) -> Reply<AlertsView> {
    let query = AlertQuery {
        filter: which.filter,
        resolved: which.resolved,
        after: which.after,
    };
    Ok(Json(web.plane.alerts.alerts(&actor, &query).await?))
}

pub(super) async fn notify(State(web): State<Web>, Caller(actor): Caller) -> Reply<NotifyView> {
    Ok(Json(web.plane.alerts.notify(&actor).await?))
}

pub(super) async fn set_rules(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(rules): Body<AlertRules>,
) -> Reply<Value> {
    web.plane.alerts.set_rules(&actor, &rules).await?;
    Ok(done())
}

pub(super) async fn add_receiver(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(new): Body<NewReceiver>,
) -> Reply<Created<ReceiverId>> {
    let id = web.plane.alerts.add_receiver(&actor, &new).await?;
    Ok(Json(Created { id }))
}

pub(super) async fn remove_receiver(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<ReceiverId>,
) -> Reply<Value> {
    web.plane.alerts.remove_receiver(&actor, id).await?;
    Ok(done())
}

pub(super) async fn test_receiver(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<ReceiverId>,
) -> Reply<Value> {
    web.plane.alerts.test_receiver(&actor, id).await?;
    Ok(done())
}

pub(super) async fn preview(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(trying): Body<Trying>,
) -> Reply<TemplatePreview> {
    let made = web.plane.alerts.preview_template(&actor, &trying.template);
    Ok(Json(made.await?))
}

pub(super) async fn add_route(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(new): Body<NewRoute>,
) -> Reply<Created<RouteId>> {
    let id = web.plane.alerts.add_route(&actor, &new).await?;
    Ok(Json(Created { id }))
}

pub(super) async fn remove_route(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<RouteId>,
) -> Reply<Value> {
    web.plane.alerts.remove_route(&actor, id).await?;
    Ok(done())
}

pub(super) async fn add_status_host(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(new): Body<NewStatusHost>,
) -> Reply<Created<StatusHostId>> {
    let id = web.plane.alerts.add_status_host(&actor, &new).await?;
    Ok(Json(Created { id }))
}

pub(super) async fn remove_status_host(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<StatusHostId>,
) -> Reply<Value> {
    web.plane.alerts.remove_status_host(&actor, id).await?;
    Ok(done())
}
