//! The door for Git hosts: exactly one address is open without a login, and only to what is signed.

use crate::harness::{Answered, Server};
use crate::log::{Log, assert_refused};
use axum::body::Body;
use http::{Request, StatusCode, header};

async fn deliver(server: &Server, path: &str, token: &str, kind: &str, body: Vec<u8>) -> Answered {
    let request = Request::builder()
        .method("POST")
        .uri(path)
        .header(header::HOST, server.host)
        .header(header::CONTENT_TYPE, kind)
        .header("x-gitlab-token", token);
    server.answer(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn attack_66_a_signed_delivery_needs_no_login_and_nothing_else_gets_in() {
    let server = Server::start().await;
    let log = Log::begin();
    let json = "application/json";
    let gitlab = "/api/webhooks/gitlab";
    let good = deliver(&server, gitlab, "right", json, b"{}".to_vec()).await;
    assert_eq!(
        (good.status, good.text.as_str()),
        (StatusCode::ACCEPTED, "")
    );
    assert_eq!(good.header("set-cookie"), "");
    let wrong = deliver(&server, gitlab, "wrong", json, b"not JSON".to_vec()).await;
    assert_refused(&server, &log, &wrong, StatusCode::UNAUTHORIZED).await;
    let no_host = deliver(&server, "/api/webhooks/nobody", "right", json, Vec::new()).await;
    assert_refused(&server, &log, &no_host, StatusCode::NOT_FOUND).await;
    // A form could come from any page of the web.
    let form = "application/x-www-form-urlencoded";
    let form = deliver(&server, gitlab, "right", form, b"payload=1".to_vec()).await;
    assert_refused(&server, &log, &form, StatusCode::UNSUPPORTED_MEDIA_TYPE).await;
    let huge = deliver(&server, gitlab, "right", json, vec![b' '; 3 << 20]).await;
    assert_refused(&server, &log, &huge, StatusCode::PAYLOAD_TOO_LARGE).await;
    // Its neighbours stay behind the login.
    for path in [
        "/api/webhooks",
        "/api/webhooks/",
        "/api/webhooks/gitlab/",
        "/api/webhooks/gitlab/x",
        "/api/v1/webhooks/secret",
    ] {
        let answer = deliver(&server, path, "right", json, b"{}".to_vec()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(
        server.get(gitlab, "").await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(server.fake.acts(), 0);
}

#[tokio::test]
async fn attack_66_a_page_of_another_site_delivers_nothing() {
    let server = Server::start().await;
    let log = Log::begin();
    let request = Request::builder()
        .method("POST")
        .uri("/api/webhooks/gitlab")
        .header(header::HOST, server.host)
        .header(header::CONTENT_TYPE, "application/json")
        .header("sec-fetch-site", "cross-site")
        .header("x-gitlab-token", "right");
    let answer = server.answer(request.body(Body::empty()).unwrap()).await;
    assert_refused(&server, &log, &answer, StatusCode::FORBIDDEN).await;
}
