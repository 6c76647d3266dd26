//! Headers of every answer, and the id under which the log has the request.

use super::Web;
use super::problem::{self, problem};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use std::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

/// For answers that are no pages: nothing may run, load or frame them.
const CLOSED: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// TRACE would show a page's own cookies to it.
const METHODS: [Method; 5] = [
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::POST,
    Method::DELETE,
];
/// Bytes of path and query.
const LONGEST_ADDRESS: usize = 16 * 1024;
/// Bytes of names and values together.
const LONGEST_HEADERS: usize = 32 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The policy of a page whose scripts carry `nonce`. WASM must be compiled, so `'wasm-unsafe-eval'` is needed.
pub fn page_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; \
         style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// The policy of the page that shows the API: its own scripts and nothing in line. It sets styles of its own elements.
pub fn docs_policy() -> &'static str {
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
}

/// Adds what is missing, and logs the request under an id of our own.
pub async fn headers(State(web): State<Web>, request: Request, next: Next) -> Response {
    let id = Uuid::now_v7().to_string();
    let span = tracing::info_span!(
        "request",
        id = %id,
        method = %request.method(),
        // Without the query: it may hold a one-time token.
        path = request.uri().path(),
    );
    let started = Instant::now();
    let machine = request.uri().path().starts_with("/api/");
    let mut response = match too_much(&request) {
        Some(refusal) => refusal,
        None => next.run(request).instrument(span.clone()).await,
    };
    if machine {
        response = problem::reshape(response);
    }
    let status = response.status().as_u16();
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| match status {
        500.. => tracing::warn!(status, duration_ms, "answered"),
        // What attacks end in, and slips of honest clients.
        401 | 403 | 405 | 413..=415 | 429 | 431 => {
            tracing::info!(
                event.name = "request.refused",
                status,
                duration_ms,
                "refused"
            );
        }
        _ => tracing::debug!(status, duration_ms, "answered"),
    });
    let headers = response.headers_mut();
    default(headers, header::CONTENT_SECURITY_POLICY, CLOSED);
    default(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(headers, header::X_FRAME_OPTIONS, "DENY");
    default(headers, header::REFERRER_POLICY, "same-origin");
    default(headers, header::CACHE_CONTROL, "no-store");
    for name in ["cross-origin-opener-policy", "cross-origin-resource-policy"] {
        default(headers, HeaderName::from_static(name), "same-origin");
    }
    if web.settings.public_url.is_https() {
        default(
            headers,
            header::STRICT_TRANSPORT_SECURITY,
            "max-age=31536000",
        );
        seal_cookies(headers);
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// Refuses what no client of ours sends: methods that nothing here answers, and more address and headers than any page
/// or program needs.
fn too_much(request: &Request) -> Option<Response> {
    if !METHODS.contains(request.method()) {
        let what = "this server answers GET, HEAD, OPTIONS, POST and DELETE";
        return Some(problem(StatusCode::METHOD_NOT_ALLOWED, what));
    }
    let address = request
        .uri()
        .path_and_query()
        .map_or(0, |whole| whole.as_str().len());
    if address > LONGEST_ADDRESS {
        return Some(problem(StatusCode::URI_TOO_LONG, "the address is too long"));
    }
    let headers = request.headers().iter();
    let length: usize = headers
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    (length > LONGEST_HEADERS).then(|| {
        let what = "the headers of the request are too large";
        problem(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, what)
    })
}

fn default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers
        .entry(name)
        .or_insert(HeaderValue::from_static(value));
}

/// A cookie that is removed is sent without its attributes, and browsers ignore a `__Host-` cookie without Secure.
fn seal_cookies(headers: &mut HeaderMap) {
    let cookies: Vec<HeaderValue> = headers
        .get_all(header::SET_COOKIE)
        .iter()
        .map(|cookie| match cookie.to_str() {
            Ok(text) if !text.contains("; Secure") => {
                HeaderValue::from_str(&format!("{text}; Secure; HttpOnly; SameSite=Lax"))
                    .unwrap_or_else(|_| cookie.clone())
            }
            _ => cookie.clone(),
        })
        .collect();
    headers.remove(header::SET_COOKIE);
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
}
