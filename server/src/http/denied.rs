//! Refusals for want of a permission become rows of the audit log, wherever in the answering they were made.

use super::Web;
use app::context::DENIED;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::StatusCode;
use lockstep_types::account::Actor;

/// On a response: the permission that was missing.
#[derive(Debug, Clone)]
pub struct Missing(pub String);

/// Notes refusals of those who are known. Strangers are turned away before.
pub async fn denied(State(web): State<Web>, request: Request, next: Next) -> Response {
    let Some(actor) = request.extensions().get::<Actor>().cloned() else {
        return next.run(request).await;
    };
    // Without the query, as in the log.
    let asked = format!("{} {}", request.method(), request.uri().path());
    let mut response = next.run(request).await;
    // Server functions say it by a header: their form is led back to its page, and its status is that of the way back.
    let said = response.headers_mut().remove(DENIED);
    let said = said.as_ref().and_then(|word| word.to_str().ok());
    let missing = response.extensions().get::<Missing>();
    let permission = missing.map(|missing| missing.0.as_str()).or(said);
    if permission.is_some() || response.status() == StatusCode::FORBIDDEN {
        web.accounts.note_denied(&actor, &asked, permission).await;
    }
    response
}
