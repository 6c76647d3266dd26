//! The guard against other sites: beyond the CSRF layer (which compares Sec-Fetch-Site and Origin with the host), it
//! refuses what an old or bent browser might send, and content types that a plain form of another site could use to
//! smuggle JSON.

use super::problem::problem;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode, header};
use tower_http::csrf::{ProtectionError, ResponseForProtectionError};

const SITE: &str = "sec-fetch-site";

/// The CSRF layer's refusal, in our form.
#[derive(Debug, Clone, Copy)]
pub struct Rejection;

impl ResponseForProtectionError<axum::body::Body> for Rejection {
    fn response_for_protection_error(&mut self, _: ProtectionError) -> Response {
        cross_site()
    }
}

fn cross_site() -> Response {
    problem(
        StatusCode::FORBIDDEN,
        "the request comes from another site, or does not say where it comes from",
    )
}

/// Refuses state changes that do not say where they come from, and unknown content types.
pub async fn guard(request: Request, next: Next) -> Response {
    let reads = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if !reads {
        let headers = request.headers();
        let unsigned = !headers.contains_key(header::ORIGIN) && !headers.contains_key(SITE);
        // A token is never sent by a browser on its own; a cookie is.
        if unsigned && headers.contains_key(header::COOKIE) && !bears_token(headers) {
            return cross_site();
        }
        if !takes(request.uri().path(), headers) {
            return problem(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "this address takes application/json, or a form where pages post one",
            );
        }
    }
    next.run(request).await
}

/// Whether the request carries an API token. Then cookies do not count. (A browser may send `Basic` on its own, for a
/// proxy in front of us: that is no token.)
pub fn bears_token(headers: &HeaderMap) -> bool {
    let value = headers.get(header::AUTHORIZATION);
    value
        .and_then(|value| value.as_bytes().split(|byte| *byte == b' ').next())
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer"))
}

/// For streams, which are GETs: whether the page that opens it is ours.
pub fn is_own_page(headers: &HeaderMap, origin: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let site_fits = text(SITE).is_none_or(|site| site == "same-origin" || site == "none");
    let host = text("host").unwrap_or_default();
    let origin_fits = headers.get(header::ORIGIN).is_none()
        || text("origin").is_some_and(|from| {
            from == origin
                || from
                    .split_once("://")
                    .is_some_and(|(_, authority)| authority == host)
        });
    site_fits && origin_fits
}

fn takes(path: &str, headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE) else {
        // Without a type there must be nothing to misread.
        return headers
            .get(header::CONTENT_LENGTH)
            .is_none_or(|length| length == "0")
            && !headers.contains_key(header::TRANSFER_ENCODING);
    };
    let kind = kind.to_str().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let json = kind.eq_ignore_ascii_case("application/json");
    let form = kind.eq_ignore_ascii_case("application/x-www-form-urlencoded");
    if path.starts_with("/api/") {
        json
    } else {
        json || form
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    /// Whatever headers hold: an answer, and a foreign origin is never ours.
    #[test]
    fn fuzz_origins_and_types() {
        let seeds: [&[u8]; 4] = [
            b"https://lockstep.test",
            b"null",
            b"application/json; charset=utf-8",
            b"Bearer lsk_x",
        ];
        engine::fuzzing::run("headers", &seeds, |bytes| {
            let Ok(value) = HeaderValue::from_bytes(bytes) else {
                return;
            };
            let mut headers = HeaderMap::new();
            for name in [header::CONTENT_TYPE, header::AUTHORIZATION, header::ORIGIN] {
                headers.insert(name, value.clone());
            }
            headers.insert(header::HOST, HeaderValue::from_static("lockstep.test"));
            let _ = (takes("/api/v1/x", &headers), bears_token(&headers));
            if is_own_page(&headers, "https://lockstep.test") {
                assert!(bytes.ends_with(b"://lockstep.test"));
            }
            if ["none", "same-origin"].map(str::as_bytes).contains(&bytes) {
                return;
            }
            headers.insert(SITE, value);
            assert!(!is_own_page(&headers, "https://lockstep.test"));
        });
    }
}
