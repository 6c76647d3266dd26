//! Incidents, and who is told of them.

use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::alert::{AlertQuery, AlertsView};
#[cfg(feature = "ssr")]
use lockstep_types::alert::{AlertRules, Condition};
use lockstep_types::id::{ReceiverId, RouteId, StatusHostId};
use lockstep_types::notify::{NewReceiver, NewRoute, NewStatusHost, NotifyView, TemplatePreview};
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// Open incidents, or those that are over.
#[server(prefix = "/sfn", endpoint = "alerts", input = Json)]
pub async fn alerts(query: AlertQuery) -> Result<AlertsView, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.alerts.alerts(&desk.actor, &query).await)
}

/// Receivers, routes, rules, hosts, and the log of what went out.
#[server(prefix = "/sfn", endpoint = "notify", input = Json)]
pub async fn notify() -> Result<NotifyView, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.alerts.notify(&desk.actor).await)
}

/// The rules as a form sends them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RulesForm {
    /// Seconds by word of the condition, written as text.
    pub dwell: std::collections::BTreeMap<String, String>,
    pub gather_seconds: String,
    pub apart_seconds: String,
}

/// Sets how long conditions must last.
#[server(prefix = "/sfn", endpoint = "set_rules")]
pub async fn set_rules(rules: RulesForm) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    let seconds = |field: &str, text: &str| -> Result<u32, ApiError> {
        text.trim().parse().map_err(|_| {
            ApiError::Port(lockstep_types::PortError::invalid(
                field,
                "write a number of seconds",
            ))
        })
    };
    let mut made = AlertRules {
        gather_seconds: seconds("gather", &rules.gather_seconds)?,
        apart_seconds: seconds("apart", &rules.apart_seconds)?,
        ..AlertRules::default()
    };
    for (word, text) in &rules.dwell {
        if let Some(condition) = Condition::from_word(word) {
            made.dwell.insert(condition, seconds(word, text)?);
        }
    }
    desk.answer(desk.plane.alerts.set_rules(&desk.actor, &made).await)
}

/// Adds a receiver.
#[server(prefix = "/sfn", endpoint = "add_receiver")]
pub async fn add_receiver(new: NewReceiver) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.alerts.add_receiver(&desk.actor, &new).await)
        .map(|_| ())
}

/// Forgets a receiver and its routes.
#[server(prefix = "/sfn", endpoint = "remove_receiver")]
pub async fn remove_receiver(receiver: ReceiverId) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .alerts
            .remove_receiver(&desk.actor, receiver)
            .await,
    )
}

/// Sends a test.
#[server(prefix = "/sfn", endpoint = "test_receiver")]
pub async fn test_receiver(receiver: ReceiverId) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.alerts.test_receiver(&desk.actor, receiver).await)
}

/// What a template makes of two made-up alerts.
#[server(prefix = "/sfn", endpoint = "preview_template")]
pub async fn preview_template(template: String) -> Result<TemplatePreview, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .alerts
            .preview_template(&desk.actor, &template)
            .await,
    )
}

/// Adds a route.
#[server(prefix = "/sfn", endpoint = "add_route")]
pub async fn add_route(new: NewRoute) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.alerts.add_route(&desk.actor, &new).await)
        .map(|_| ())
}

/// Forgets a route.
#[server(prefix = "/sfn", endpoint = "remove_route")]
pub async fn remove_route(route: RouteId) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.alerts.remove_route(&desk.actor, route).await)
}

/// Adds a host that is told of commits.
#[server(prefix = "/sfn", endpoint = "add_status_host")]
pub async fn add_status_host(new: NewStatusHost) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.alerts.add_status_host(&desk.actor, &new).await)
        .map(|_| ())
}

/// Forgets a host that is told of commits.
#[server(prefix = "/sfn", endpoint = "remove_status_host")]
pub async fn remove_status_host(host: StatusHostId) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .alerts
            .remove_status_host(&desk.actor, host)
            .await,
    )
}
