//! Every route from the outside: what is public, what each role may, and the headers of every answer.

use crate::harness::Server;
use crate::log::{Log, assert_refused, assert_without_effect};
use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use server::http::{Needs, RouteInfo, api};

fn routes() -> Vec<(RouteInfo, String)> {
    let (_, routes) = api::table().finish();
    let nil = "00000000-0000-0000-0000-000000000000";
    let fill = |path: &str| {
        path.replace("{id}", nil)
            .replace("{target}", nil)
            .replace("{sha}", "abc1234")
            .replace("{repo}", "shop")
            .replace("{name}", "eu")
    };
    routes
        .into_iter()
        .map(|route| {
            let path = fill(route.path);
            (route, path)
        })
        .collect()
}

#[tokio::test]
async fn no_route_answers_strangers() {
    let server = Server::start().await;
    let routes = routes();
    assert!(routes.len() > 45);
    for (route, path) in routes {
        if route.needs == Needs::Nothing {
            assert_eq!(path, "/login");
            continue;
        }
        for token in ["", "lsk_wrong"] {
            let answer = server.api(route.method.as_str(), &path, token, None).await;
            assert_eq!(
                answer.status,
                StatusCode::UNAUTHORIZED,
                "{} {path}",
                route.method
            );
            assert_eq!(
                answer.header("content-type"),
                "application/problem+json",
                "{path}"
            );
        }
    }
    for path in ["/events", "/sfn/x", "/api/v1/nothing"] {
        let request = Request::builder()
            .uri(path)
            .header(header::HOST, server.host);
        let answer = server.answer(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in ["/", "/drift", "/apps/1/web", "/settings", "/no/such/page"] {
        let answer = server.get(path, "").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert!(answer.header("location").starts_with("/login"), "{path}");
    }
    assert_eq!(
        server.get("/metrics", "").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(server.get("/healthz", "").await.text, "ok\n");
    assert_eq!(server.get("/readyz", "").await.text, "ok\n");
    assert_eq!(server.fake.acts(), 0);
}

#[tokio::test]
async fn a_viewer_reads_and_changes_nothing() {
    let server = Server::start().await;
    let token = server.token("vic").await;
    for (route, path) in routes() {
        let Needs::Permission(permission) = route.needs else {
            continue;
        };
        // Its answer has no end; `streams` reads it.
        if route.path == "/events" {
            continue;
        }
        let body = (route.method != Method::GET).then(|| serde_json::json!({}));
        let answer = server.api(route.method.as_str(), &path, &token, body).await;
        if permission.least_role() == lockstep_types::account::Role::Viewer {
            assert_ne!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{} {path}",
                route.method
            );
        } else {
            assert_eq!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{} {path}",
                route.method
            );
            assert!(answer.text.contains("permission"), "{}", answer.text);
        }
        assert!(answer.status.as_u16() < 500, "{path} {}", answer.text);
    }
    // What a viewer may refresh, a target and a source, are the only acts that reach the ports.
    assert!(server.fake.acts() <= 2, "{}", server.fake.acts());
}

#[tokio::test]
async fn attack_55_no_answer_is_framed_sniffed_or_kept() {
    let server = Server::start().await;
    let cookie = server.log_in("ada").await;
    let log = Log::begin();
    for (path, cookie) in [
        ("/", ""),
        ("/", cookie.as_str()),
        ("/login", ""),
        ("/api/v1/fleet", &cookie),
        ("/api/v1/x", &cookie),
        ("/healthz", ""),
    ] {
        let answer = server.get(path, cookie).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{path} {policy}");
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe-inline"),
            "{path} {policy}"
        );
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
        match answer.status {
            StatusCode::OK => assert_without_effect(&server, &log, &answer).await,
            status => assert_refused(&server, &log, &answer, status).await,
        }
    }
}

#[tokio::test]
async fn attack_54_scripts_carry_the_nonce_of_the_policy() {
    let server = Server::start().await;
    let log = Log::begin();
    let mut nonces = Vec::new();
    for path in ["/login", "/login", "/no/such/page"] {
        let cookie = if path == "/login" {
            String::new()
        } else {
            server.log_in("ada").await
        };
        let answer = server.get(path, &cookie).await;
        let policy = answer.header("content-security-policy");
        let nonce = policy
            .split("'nonce-")
            .nth(1)
            .and_then(|rest| rest.split('\'').next())
            .unwrap_or_default();
        assert!(nonce.len() >= 16, "{path} {policy}");
        let inline = answer.text.matches("<script").count();
        let signed = answer.text.matches(&format!("nonce=\"{nonce}\"")).count();
        assert!(
            inline > 0 && signed >= inline,
            "{path}: {inline} scripts, {signed} nonces"
        );
        nonces.push(nonce.to_owned());
        match answer.status {
            StatusCode::OK => assert_without_effect(&server, &log, &answer).await,
            status => assert_refused(&server, &log, &answer, status).await,
        }
    }
    assert_ne!(nonces[0], nonces[1]);
}

#[tokio::test]
async fn attack_70_assets_are_public_and_nothing_else_is() {
    let server = Server::start().await;
    let log = Log::begin();
    let answer = server.get("/pkg/lockstep.css", "").await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (StatusCode::OK, "body{}")
    );
    assert_eq!(answer.header("cache-control"), "no-cache");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let tag = answer.header("etag").to_owned();
    assert!(!tag.is_empty());
    let again = server
        .request("GET", "/pkg/lockstep.css")
        .header("if-none-match", tag);
    assert_eq!(
        server
            .answer(again.body(Body::empty()).unwrap())
            .await
            .status,
        StatusCode::NOT_MODIFIED
    );
    assert_eq!(server.get("/icon.svg", "").await.status, StatusCode::OK);
    let script = server.get("/pkg/lockstep.js", "").await;
    assert!(
        script.header("content-type").contains("javascript"),
        "{}",
        script.header("content-type")
    );
    assert_eq!(
        server
            .get("/pkg/lockstep.wasm", "")
            .await
            .header("content-type"),
        "application/wasm"
    );
    let cookie = server.log_in("ada").await;
    for path in [
        "/pkg/..%2f..%2fsecret.txt",
        "/pkg/%2e%2e/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/.env",
        "/.git/config",
        "/pkg/lockstep.js.map",
        "/pkg/",
        "/pkg/none.css",
    ] {
        for cookie in ["", cookie.as_str()] {
            let answer = server.get(path, cookie).await;
            assert_ne!(answer.status, StatusCode::OK, "{path}");
            assert!(!answer.text.contains("outside"), "{path}");
            assert_refused(&server, &log, &answer, answer.status).await;
        }
    }
}

#[tokio::test]
async fn attack_65_a_fall_tells_nothing_and_limits_hold() {
    let server = Server::start().await;
    let cookie = server.log_in("ada").await;
    let log = Log::begin();
    let large = server
        .request("POST", "/api/v1/sources")
        .header(header::COOKIE, &cookie)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONTENT_LENGTH, 2 << 20)
        .body(Body::from(vec![b' '; 2 << 20]))
        .unwrap();
    assert_refused(
        &server,
        &log,
        &server.answer(large).await,
        StatusCode::PAYLOAD_TOO_LARGE,
    )
    .await;
    let answer = server.get("/api/v1/fleet?filter=panic", &cookie).await;
    assert_refused(&server, &log, &answer, StatusCode::INTERNAL_SERVER_ERROR).await;
    assert!(!answer.text.contains("secret-in-panic"), "{}", answer.text);
    for path in [
        "/api/v1/activity?limit=1000000",
        "/api/v1/activity?before=-1",
    ] {
        assert_eq!(
            server.get(path, &cookie).await.status,
            StatusCode::OK,
            "{path}"
        );
    }
    let file = server
        .get("/api/v1/activity?format=csv&filter=many", &cookie)
        .await;
    assert_eq!(
        file.headers[header::CONTENT_TYPE],
        "text/csv; charset=utf-8"
    );
    let lines: Vec<&str> = file.text.split("\r\n").collect();
    // Two pages of the timeline, the head, and what stands behind the last line.
    assert_eq!((lines.len(), lines[202]), (203, ""));
    assert!(
        lines[201].ends_with("\"'=1+1\",\"\",\"\",\"0\",\"\",\"\""),
        "{}",
        lines[201]
    );
    let file = server
        .get("/api/v1/activity?format=jsonl&filter=many&limit=3", &cookie)
        .await;
    assert_eq!(file.text.lines().count(), 3);
    for path in [
        "/api/v1/activity?limit=-1",
        "/api/v1/fleet?page=1",
        "/api/v1/activity?format=xml",
    ] {
        assert_eq!(
            server.get(path, &cookie).await.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{path}"
        );
    }
    assert_eq!(
        server.get("/api/v1/runs/not-an-id", &cookie).await.status,
        StatusCode::NOT_FOUND
    );
    assert!(
        server
            .get("/metrics", &cookie)
            .await
            .text
            .contains("lockstep_event_sequence 0")
    );
}
