//! The addresses and the secret for webhooks of Git hosts.

use super::Reply;
use crate::http::Web;
use crate::http::extract::Caller;
use axum::Json;
use axum::extract::State;
use client::wire::SecretAnswer;
use lockstep_types::webhook::WebhooksView;

/// Addresses and the secret for webhooks of Git hosts.
#[utoipa::path(
    get,
    path = "/webhooks",
    operation_id = "webhooks_webhooks",
    tag = "webhooks",
    responses((status = 200, description = "What was asked for.", body = WebhooksView)),
)]
pub(super) async fn webhooks(State(web): State<Web>, Caller(actor): Caller) -> Reply<WebhooksView> {
    Ok(Json(web.plane.webhooks.webhooks(&actor).await?))
}

/// A new secret for webhooks, which is shown once.
#[utoipa::path(
    post,
    path = "/webhooks/secret",
    operation_id = "webhooks_renew_secret",
    tag = "webhooks",
    responses((status = 200, description = "What was asked for.", body = SecretAnswer)),
)]
pub(super) async fn renew_secret(
    State(web): State<Web>,
    Caller(actor): Caller,
) -> Reply<SecretAnswer> {
    let secret = web.plane.webhooks.renew_webhook_secret(&actor).await?;
    Ok(Json(SecretAnswer { secret }))
}
