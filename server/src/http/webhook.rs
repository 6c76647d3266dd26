//! `POST /api/webhooks/{provider}`: the one address where Git hosts call. Before the login: the signature decides, in
//! the port, before anything is parsed.

use super::Web;
use super::extract::At;
use super::problem::Refusal;
use axum::body::Bytes;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use lockstep_types::PortError;
use lockstep_types::webhook::{WebhookPost, WebhookProvider};

/// Below this lie the addresses.
pub const PREFIX: &str = "/api/webhooks/";

/// What hosts sign with and name events with; nothing else is passed on.
const HEADERS: [&str; 11] = [
    "authorization",
    "x-event-key",
    "x-gitea-event",
    "x-gitea-signature",
    "x-github-event",
    "x-gitlab-event",
    "x-gitlab-token",
    "x-hub-signature",
    "x-hub-signature-256",
    "x-lockstep-signature-256",
    "x-lockstep-token",
];

/// Takes a delivery. 202 for each that is signed and readable, whatever it names.
pub async fn receive(
    State(web): State<Web>,
    At(provider): At<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Refusal> {
    let provider = WebhookProvider::from_word(&provider)
        .ok_or_else(|| PortError::NotFound("a Git host of this name".to_owned()))?;
    let mut kept = Vec::new();
    for name in HEADERS {
        for value in headers.get_all(name) {
            if let Ok(value) = value.to_str() {
                kept.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    let post = WebhookPost {
        provider,
        headers: kept,
        body: body.to_vec(),
    };
    web.plane.webhooks.receive(&post).await?;
    Ok(StatusCode::ACCEPTED)
}
