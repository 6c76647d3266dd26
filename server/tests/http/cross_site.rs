//! What other sites may make a browser send: forms, scripts, streams. Every state change must be refused.

use crate::harness::Server;
use crate::log::{Log, Told, assert_refused};
use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use server::http::{api, functions};

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
    let log = Log::begin();
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
            assert!(!answer.text.contains("evil"), "{}", answer.text);
        }
        let last = server.answer(post(path, &cookie, &[kind], body)).await;
        assert_refused(&server, &log, &last, StatusCode::FORBIDDEN).await;
    }
    assert!(!log.text().contains("evil"), "{}", log.text());
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

/// Every address that changes something: of the API, of the pages' functions, of the login, of the edit pages.
fn all_that_change() -> Vec<(&'static str, String, &'static str)> {
    const JSON: &str = "application/json";
    const FORM: &str = "application/x-www-form-urlencoded";
    let nil = "00000000-0000-0000-0000-000000000000";
    let filled = |path: &str| {
        let part = |part: &str| match part.starts_with('{') {
            true => nil.to_owned(),
            false => part.to_owned(),
        };
        path.split('/').map(part).collect::<Vec<String>>().join("/")
    };
    let mut all = Vec::new();
    for route in api::table().finish().1 {
        if route.method != Method::GET {
            let method = if route.method == Method::DELETE {
                "DELETE"
            } else {
                "POST"
            };
            all.push((method, format!("/api/v1{}", filled(route.path)), JSON));
        }
    }
    for (name, _) in functions::FUNCTIONS {
        all.push(("POST", format!("{}{name}", functions::PREFIX), FORM));
    }
    for path in ["/login", "/login/code", "/login/link", "/logout", "/setup"] {
        all.push(("POST", path.to_owned(), FORM));
    }
    all.push(("POST", format!("/apps/{nil}/cart/edit"), FORM));
    all.push(("POST", format!("/sources/{nil}/new"), FORM));
    all
}

#[tokio::test]
async fn attack_49_no_address_takes_what_another_site_sends() {
    let server = Server::start().await;
    let cookie = server.log_in("ada").await;
    let log = Log::begin();
    let all = all_that_change();
    assert!(all.len() > 120, "{}", all.len());
    for (method, path, kind) in &all {
        for from in [
            &[
                ("origin", "https://evil.example"),
                ("sec-fetch-site", "cross-site"),
            ][..],
            &[("origin", "null")],
            &[("sec-fetch-site", "same-site")],
            &[],
        ] {
            let mut request = post(path, &cookie, from, "{}");
            *request.method_mut() = method.parse().unwrap();
            let kind = header::HeaderValue::from_static(kind);
            request.headers_mut().insert(header::CONTENT_TYPE, kind);
            let answer = server.answer(request).await;
            assert_eq!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{method} {path} {from:?}"
            );
        }
    }
    assert_eq!(server.fake.acts(), 0);
    assert!(
        server.is_open(&cookie).await,
        "logged out from another site"
    );
    let refused = server.answer(post("/sfn/hold", &cookie, &[], "")).await;
    assert_refused(&server, &log, &refused, StatusCode::FORBIDDEN).await;
}

#[tokio::test]
async fn attack_50_reading_changes_nothing() {
    let server = Server::start().await;
    let cookie = server.log_in("ada").await;
    let log = Log::begin();
    for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
        for path in [SYNC, "/logout"] {
            let request = server
                .request(method, path)
                .header(header::COOKIE, &cookie)
                .header("x-http-method-override", "POST")
                .body(Body::empty())
                .unwrap();
            let answer = server.answer(request).await;
            let told = Told::Status(StatusCode::METHOD_NOT_ALLOWED);
            if method != "OPTIONS" {
                assert_refused(&server, &log, &answer, told).await;
            }
        }
    }
    assert_eq!(server.fake.acts(), 0);
    assert!(server.is_open(&cookie).await);
}

#[tokio::test]
async fn attack_50_json_does_not_hide_in_another_content_type() {
    let server = Server::start().await;
    let cookie = server.log_in("ada").await;
    let log = Log::begin();
    let told = Told::Status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
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
        assert_refused(&server, &log, &answer, told).await;
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
        assert_refused(&server, &log, &answer, told).await;
    }
    assert_eq!(server.fake.acts(), 0);
}

#[tokio::test]
async fn attack_59_unknown_fields_are_refused() {
    let server = Server::start().await;
    let cookie = server.log_in("ada").await;
    let log = Log::begin();
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
    assert_refused(&server, &log, &answer, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert!(!answer.text.contains("hunter2"), "{}", answer.text);
    assert!(!log.text().contains("hunter2"), "{}", log.text());
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
