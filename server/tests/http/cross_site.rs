//! What other sites may make a browser send: forms, scripts, streams. Every state change must be refused.

use crate::harness::Server;
use axum::body::Body;
use http::{Request, StatusCode, header};

const SYNC: &str = "/api/v1/apps/00000000-0000-0000-0000-000000000000/targets/00000000-0000-0000-0000-000000000000/sync";

fn post(path: &str, cookie: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut request = Request::builder()
        .method("POST")
        .uri(path)
        .header(header::HOST, "localhost:8080")
        .header(header::COOKIE, cookie);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

#[tokio::test]
async fn attack_49_cross_site_post() {
    let server = Server::start().await;
    let cookie = server.log_in("ada").await;
    let json = ("content-type", "application/json");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let foreign: [&[(&str, &str)]; 7] = [
        &[
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "cross-site"),
        ],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[
            ("sec-fetch-site", "same-site"),
            ("origin", "http://other.localhost:8080"),
        ],
        &[("origin", "http://localhost:8081")],
        // A cookie, and not a word where it comes from.
        &[],
    ];
    for (path, kind, body) in [
        (SYNC, json, "{}"),
        ("/sfn/anything", form, ""),
        ("/logout", form, ""),
        ("/login", form, "name=ada&password=x"),
        ("/setup", form, "token=x&name=a&password=b"),
    ] {
        for headers in foreign {
            let mut headers = headers.to_vec();
            headers.push(kind);
            let answer = server.answer(post(path, &cookie, &headers, body)).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {headers:?}");
        }
    }
    assert_eq!(server.fake.acts(), 0);
    assert!(
        server.is_open(&cookie).await,
        "logged out from another site"
    );

    for own in [
        ("sec-fetch-site", "same-origin"),
        ("origin", "http://localhost:8080"),
    ] {
        let answer = server.answer(post(SYNC, &cookie, &[own, json], "{}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{own:?} {}", answer.text);
    }
    assert_eq!(server.fake.acts(), 2);
}

#[tokio::test]
async fn attack_50_reading_changes_nothing() {
    let server = Server::start().await;
    let cookie = server.log_in("ada").await;
    for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
        for path in [SYNC, "/logout"] {
            let request = server
                .request(method, path)
                .header(header::COOKIE, &cookie)
                .header("x-http-method-override", "POST")
                .body(Body::empty())
                .unwrap();
            server.answer(request).await;
        }
    }
    assert_eq!(server.fake.acts(), 0);
    assert!(server.is_open(&cookie).await);
}

#[tokio::test]
async fn attack_50_json_does_not_hide_in_another_content_type() {
    let server = Server::start().await;
    let cookie = server.log_in("ada").await;
    let own = ("sec-fetch-site", "same-origin");
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/json",
        "",
    ] {
        let answer = server
            .answer(post(SYNC, &cookie, &[own, ("content-type", kind)], "{}"))
            .await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    let untyped = post(SYNC, &cookie, &[own, ("content-length", "2")], "{}");
    assert_eq!(
        server.answer(untyped).await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    for (path, kind) in [
        ("/logout", "text/plain"),
        ("/login", "multipart/form-data; boundary=x"),
    ] {
        let answer = server
            .answer(post(path, &cookie, &[own, ("content-type", kind)], "a=b"))
            .await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path}");
    }
    assert_eq!(server.fake.acts(), 0);
}

#[tokio::test]
async fn attack_59_unknown_fields_are_refused() {
    let server = Server::start().await;
    let cookie = server.log_in("ada").await;
    let headers = [
        ("sec-fetch-site", "same-origin"),
        ("content-type", "application/json"),
    ];
    let answer = server
        .answer(post(
            SYNC,
            &cookie,
            &headers,
            r#"{"prune":true,"force":"hunter2"}"#,
        ))
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!answer.text.contains("hunter2"), "{}", answer.text);
    assert_eq!(server.fake.acts(), 0);
}

#[tokio::test]
async fn tokens_need_no_origin_but_do_not_lend_themselves() {
    let server = Server::start().await;
    let token = server.token("ada").await;
    let path = SYNC.trim_start_matches("/api/v1");
    let answer = server
        .api("POST", path, &token, Some(serde_json::json!({})))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    // A wrong token is not helped out by a good cookie.
    let cookie = server.log_in("ada").await;
    let headers = [
        ("authorization", "Bearer lsk_wrong"),
        ("content-type", "application/json"),
    ];
    let answer = server.answer(post(SYNC, &cookie, &headers, "{}")).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    // What a browser sends for a proxy in front of us proves nothing about the page it comes from.
    let headers = [
        ("authorization", "Basic YTpi"),
        ("content-type", "application/json"),
    ];
    let answer = server.answer(post(SYNC, &cookie, &headers, "{}")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(server.fake.acts(), 1);
}
