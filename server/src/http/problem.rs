//! Errors on the wire: RFC 9457 problem documents, made from port errors in one place.

use super::denied::Missing;
use axum::Json;
use axum::response::{IntoResponse, Response};
use client::wire::Problem;
use http::{HeaderValue, StatusCode, header};
use lockstep_types::PortError;
use std::any::Any;

/// A port's refusal as a response.
#[derive(Debug)]
pub struct Refusal(pub PortError);

impl From<PortError> for Refusal {
    fn from(error: PortError) -> Self {
        Self(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let field = match &self.0 {
            PortError::Invalid { field, .. } => Some(field.clone()),
            _ => None,
        };
        let mut response = document(status, self.0.to_string(), field);
        if let PortError::Denied { permission, .. } = self.0 {
            response.extensions_mut().insert(Missing(permission));
        }
        if status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A problem that is not a port's.
pub fn problem(status: StatusCode, detail: &str) -> Response {
    document(status, detail.to_owned(), None)
}

/// A problem with a field of the request that is not a port's.
pub fn field_problem(status: StatusCode, detail: &str, field: &str) -> Response {
    document(status, detail.to_owned(), Some(field.to_owned()))
}

fn document(status: StatusCode, detail: String, field: Option<String>) -> Response {
    let body = Problem {
        kind: "about:blank".to_owned(),
        title: status.canonical_reason().unwrap_or_default().to_owned(),
        status: status.as_u16(),
        detail,
        field,
    };
    let mut response = (status, Json(body)).into_response();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}

/// Refusals that no handler of ours has written (a method that there is not, a body that is too large) in our form.
pub fn reshape(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    let ours = kind.is_some_and(|kind| kind == "application/problem+json");
    if ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let detail = match status {
        StatusCode::METHOD_NOT_ALLOWED => "this address takes another method",
        StatusCode::PAYLOAD_TOO_LARGE => "the body is too large",
        StatusCode::GATEWAY_TIMEOUT => "it took too long; try again",
        _ => "the request cannot be answered",
    };
    let mut made = problem(status, detail);
    if let Some(allow) = response.headers().get(header::ALLOW) {
        made.headers_mut().insert(header::ALLOW, allow.clone());
    }
    made
}

/// Addresses below `/api` that lead nowhere.
pub async fn no_such_route() -> Response {
    problem(StatusCode::NOT_FOUND, "there is no such address in the API")
}

/// A handler panicked: the reader learns nothing, the log has the place.
pub fn after_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic = message, "a request handler panicked");
    problem(
        StatusCode::INTERNAL_SERVER_ERROR,
        "something went wrong here; the server log has the cause",
    )
}
