//! What handlers take from a request. Every refusal is a problem document, and no input is echoed in it.

use super::problem::{Refusal, problem};
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{StatusCode, header};
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use serde::de::DeserializeOwned;

/// Who asks, as the gate found out.
pub struct Caller(pub Actor);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let actor = parts.extensions.get::<Actor>();
        actor
            .cloned()
            .map(Self)
            .ok_or(Refusal(PortError::Unauthenticated))
    }
}

/// Placeholders of the address. What does not parse names nothing, so it is not found.
pub struct At<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for At<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(_) => Err(Refusal(PortError::NotFound(
                "what this address names".to_owned(),
            ))),
        }
    }
}

/// The query string.
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Params<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(error) => Err(Refusal(PortError::invalid("query", error.body_text()))),
        }
    }
}

/// A JSON body. An empty one counts as `{}`.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let typed = is_json(&request);
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(IntoResponse::into_response)?;
        if !typed && !bytes.is_empty() {
            return Err(problem(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the API takes application/json",
            ));
        }
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(bytes).map(Self).map_err(|error| {
            // Not the error's own text: it may quote a password.
            let why = match error.classify() {
                serde_json::error::Category::Data => "has a missing, unknown or mistyped field",
                _ => "is not JSON",
            };
            let place = format!("{why} (line {}, column {})", error.line(), error.column());
            Refusal(PortError::invalid("body", place)).into_response()
        })
    }
}

fn is_json(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok())
        .and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
