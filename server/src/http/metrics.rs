//! What Prometheus reads, on a listener of its own without a login: the operator opens it, and says who reaches it.

use crate::runtime::Runtime;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};

const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `/metrics` and nothing else.
pub fn metrics_router(runtime: Runtime) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .with_state(runtime)
}

async fn metrics(State(runtime): State<Runtime>) -> Response {
    match runtime.metrics().text(&runtime).await {
        Ok(text) => ([(header::CONTENT_TYPE, KIND)], text).into_response(),
        Err(error) => {
            tracing::warn!(
                event.name = "metrics.unread",
                error = &error as &dyn std::error::Error,
                "the metrics could not be told"
            );
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
