//! `/api/docs`: the description of the API as a page (Swagger UI, built into the program).

use super::headers::docs_policy;
use super::problem::problem;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderValue, StatusCode, header};
use std::sync::Arc;
use utoipa_swagger_ui::{Config, serve};

/// Where the description is.
const DESCRIPTION: &str = "/api/v1/openapi.json";

/// The files of the page name each other relative to a folder.
pub async fn index() -> Redirect {
    Redirect::to("/api/docs/index.html")
}

/// One file of the page.
pub async fn file(Path(path): Path<String>) -> Response {
    let config = Arc::new(
        Config::from(DESCRIPTION)
            .validator_url("none")
            .persist_authorization(false),
    );
    let Ok(Some(file)) = serve(&path, config) else {
        return problem(StatusCode::NOT_FOUND, "there is no such file");
    };
    let mut response = file.bytes.into_owned().into_response();
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(&file.content_type) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    if file.gzpipped {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(docs_policy()),
    );
    response
}
