//! Incidents, and who is told of them.

use super::{Reply, document::Done, done};
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
use utoipa::{IntoParams, ToSchema};

/// `?filter=…&resolved=true&after=…`.
#[derive(Deserialize, Default, IntoParams)]
#[into_params(parameter_in = Query)]
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
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Trying {
    template: String,
}

/// Incidents: what is so now, or what is over, page by page.
#[utoipa::path(
    get,
    path = "/alerts",
    operation_id = "alerts_alerts",
    tag = "alerts",
    params(Which),
    responses((status = 200, description = "What was asked for.", body = AlertsView)),
)]
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

/// Receivers, routes, rules, hosts, and the log of what went out.
#[utoipa::path(
    get,
    path = "/notify",
    operation_id = "alerts_notify",
    tag = "alerts",
    responses((status = 200, description = "What was asked for.", body = NotifyView)),
)]
pub(super) async fn notify(State(web): State<Web>, Caller(actor): Caller) -> Reply<NotifyView> {
    Ok(Json(web.plane.alerts.notify(&actor).await?))
}

/// How long conditions must last, and how messages are gathered.
#[utoipa::path(
    post,
    path = "/notify/rules",
    operation_id = "alerts_set_rules",
    tag = "alerts",
    request_body = AlertRules,
    responses((status = 200, description = "Done.", body = Done)),
)]
pub(super) async fn set_rules(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(rules): Body<AlertRules>,
) -> Reply<Value> {
    web.plane.alerts.set_rules(&actor, &rules).await?;
    Ok(done())
}

/// Adds a receiver. Its secret is never shown again.
#[utoipa::path(
    post,
    path = "/notify/receivers",
    operation_id = "alerts_add_receiver",
    tag = "alerts",
    request_body = NewReceiver,
    responses((status = 200, description = "What was asked for.", body = Created<ReceiverId>)),
)]
pub(super) async fn add_receiver(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(new): Body<NewReceiver>,
) -> Reply<Created<ReceiverId>> {
    let id = web.plane.alerts.add_receiver(&actor, &new).await?;
    Ok(Json(Created { id }))
}

/// Forgets a receiver and its routes.
#[utoipa::path(
    delete,
    path = "/notify/receivers/{id}",
    operation_id = "alerts_remove_receiver",
    tag = "alerts",
    params(("id" = ReceiverId, Path)),
    responses((status = 200, description = "Done.", body = Done)),
)]
pub(super) async fn remove_receiver(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<ReceiverId>,
) -> Reply<Value> {
    web.plane.alerts.remove_receiver(&actor, id).await?;
    Ok(done())
}

/// Sends a test.
#[utoipa::path(
    post,
    path = "/notify/receivers/{id}/test",
    operation_id = "alerts_test_receiver",
    tag = "alerts",
    params(("id" = ReceiverId, Path)),
    responses((status = 200, description = "Done.", body = Done)),
)]
pub(super) async fn test_receiver(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<ReceiverId>,
) -> Reply<Value> {
    web.plane.alerts.test_receiver(&actor, id).await?;
    Ok(done())
}

/// What a template makes of two made-up alerts.
#[utoipa::path(
    post,
    path = "/notify/preview",
    operation_id = "alerts_preview",
    tag = "alerts",
    request_body = Trying,
    responses((status = 200, description = "What was asked for.", body = TemplatePreview)),
)]
pub(super) async fn preview(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(trying): Body<Trying>,
) -> Reply<TemplatePreview> {
    let made = web.plane.alerts.preview_template(&actor, &trying.template);
    Ok(Json(made.await?))
}

/// Adds a route.
#[utoipa::path(
    post,
    path = "/notify/routes",
    operation_id = "alerts_add_route",
    tag = "alerts",
    request_body = NewRoute,
    responses((status = 200, description = "What was asked for.", body = Created<RouteId>)),
)]
pub(super) async fn add_route(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(new): Body<NewRoute>,
) -> Reply<Created<RouteId>> {
    let id = web.plane.alerts.add_route(&actor, &new).await?;
    Ok(Json(Created { id }))
}

/// Forgets a route.
#[utoipa::path(
    delete,
    path = "/notify/routes/{id}",
    operation_id = "alerts_remove_route",
    tag = "alerts",
    params(("id" = RouteId, Path)),
    responses((status = 200, description = "Done.", body = Done)),
)]
pub(super) async fn remove_route(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<RouteId>,
) -> Reply<Value> {
    web.plane.alerts.remove_route(&actor, id).await?;
    Ok(done())
}

/// Adds a Git host that is told how commits fare.
#[utoipa::path(
    post,
    path = "/notify/status-hosts",
    operation_id = "alerts_add_status_host",
    tag = "alerts",
    request_body = NewStatusHost,
    responses((status = 200, description = "What was asked for.", body = Created<StatusHostId>)),
)]
pub(super) async fn add_status_host(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(new): Body<NewStatusHost>,
) -> Reply<Created<StatusHostId>> {
    let id = web.plane.alerts.add_status_host(&actor, &new).await?;
    Ok(Json(Created { id }))
}

/// Forgets a Git host that is told how commits fare.
#[utoipa::path(
    delete,
    path = "/notify/status-hosts/{id}",
    operation_id = "alerts_remove_status_host",
    tag = "alerts",
    params(("id" = StatusHostId, Path)),
    responses((status = 200, description = "Done.", body = Done)),
)]
pub(super) async fn remove_status_host(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<StatusHostId>,
) -> Reply<Value> {
    web.plane.alerts.remove_status_host(&actor, id).await?;
    Ok(done())
}
