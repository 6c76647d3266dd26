//! Webhooks that Git hosts send here.

use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::webhook::WebhooksView;
use server_fn::codec::Json;

/// Addresses to copy, and what was delivered to them last.
#[server(prefix = "/sfn", endpoint = "webhooks", input = Json)]
pub async fn webhooks() -> Result<WebhooksView, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.webhooks.webhooks(&desk.actor).await)
}

/// Makes a new secret; the answer is the only time it can be seen.
#[server(prefix = "/sfn", endpoint = "renew_webhook_secret")]
pub async fn renew_webhook_secret() -> Result<String, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.webhooks.renew_webhook_secret(&desk.actor).await)
}
