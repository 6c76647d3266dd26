//! Styles, scripts, WASM and icons: files of the site folder, public, with ETag and their precompressed forms.
//!
//! File names carry no hash, so browsers must ask again each time; an unchanged file costs one 304.

use super::Web;
use super::problem::problem;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, header};
use std::path::{Component, Path};
use tower::ServiceExt;
use tower_http::services::ServeDir;

/// Kinds of files that a site has. Source maps are not among them.
const KINDS: [&str; 12] = [
    "css",
    "js",
    "wasm",
    "svg",
    "png",
    "ico",
    "webp",
    "woff2",
    "txt",
    "webmanifest",
    "json",
    "html",
];

/// Answers for files of the site; everything else goes on to the doors.
pub async fn assets(State(web): State<Web>, request: Request, next: Next) -> Response {
    let site_root = &web.settings.site_root;
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads || !is_public(request.uri().path()) {
        return next.run(request).await;
    }
    let files = ServeDir::new(site_root)
        .precompressed_br()
        .precompressed_gzip();
    let mut response = match files.oneshot(request).await {
        Ok(response) => response.into_response(),
        Err(never) => match never {},
    };
    if response.status() == StatusCode::NOT_FOUND {
        return problem(StatusCode::NOT_FOUND, "there is no such file");
    }
    let again = HeaderValue::from_static("no-cache");
    response.headers_mut().insert(header::CACHE_CONTROL, again);
    response
}

/// Whether this address has the form of a file of the site. No page of ours ends like one.
fn is_public(path: &str) -> bool {
    let relative = Path::new(path.trim_start_matches('/'));
    let plain = relative.components().all(
        |part| matches!(part, Component::Normal(name) if !name.to_string_lossy().starts_with('.')),
    );
    let known = relative
        .extension()
        .and_then(|kind| kind.to_str())
        .is_some_and(|kind| KINDS.contains(&kind));
    // No escapes: a file of ours has none, and so nothing can hide in one.
    let unescaped = !path.contains(['%', '\\']) && !path.contains("//");
    // Names of people, groups and clusters may end like a file.
    let ours = [
        "/apps/",
        "/clusters/",
        "/commits/",
        "/syncs/",
        "/api/",
        "/sfn/",
    ];
    plain && known && unescaped && !ours.iter().any(|prefix| path.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_site_are_public() {
        for (path, public) in [
            ("/pkg/lockstep.css", true),
            ("/icon.svg", true),
            ("/fonts/inter.woff2", true),
            ("/.env", false),
            ("/pkg/.git/config.json", false),
            ("/pkg/../lockstep.txt", false),
            ("/pkg/..%2flockstep.txt", false),
            ("/pkg/lockstep.js.map", false),
            ("/notes.toml", false),
            ("/clusters/eu.png", false),
            ("//evil.example/x.js", false),
            ("/", false),
        ] {
            assert_eq!(is_public(path), public, "{path}");
        }
    }
}
