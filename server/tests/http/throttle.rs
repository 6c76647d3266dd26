//! Guessing passwords: counted in the database before anything is computed, per name and address.

use crate::harness::{PASSWORD, Server, login_body};
use crate::log::{Log, assert_refused};
use http::StatusCode;
use server::store::audit::{self, AuditQuery};

#[tokio::test]
async fn attack_40_guessing_is_stopped_and_a_session_goes_on() {
    let server = Server::start().await;
    let cookie = server.log_in("vic").await;
    let log = Log::begin();
    let wrong = login_body("vic", "wrong password", "");
    let mut checked = 0;
    for _ in 0..12 {
        let answer = server.form("/login", "", &wrong).await;
        match answer.status {
            StatusCode::SEE_OTHER => checked += 1,
            status => {
                assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
                assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
            }
        }
    }
    assert_eq!(checked, 5);
    // The right password waits too, by form and by API.
    let answer = server
        .form("/login", "", &login_body("vic", PASSWORD, ""))
        .await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("refresh"), "0; url=/login?error=throttled");
    let body = serde_json::json!({ "name": "VIC", "password": PASSWORD });
    let answer = server.api("POST", "/login", "", Some(body)).await;
    assert_refused(&server, &log, &answer, StatusCode::TOO_MANY_REQUESTS).await;
    // Who is inside stays inside, and others may enter.
    assert!(server.is_open(&cookie).await);
    server.log_in("ada").await;
}

#[tokio::test]
async fn attack_38_guesses_at_the_same_time_are_counted_one_by_one() {
    let server = Server::start().await;
    let log = Log::begin();
    let wrong = login_body("vic", "wrong password", "");
    let guesses = (0..500).map(|_| server.form("/login", "", &wrong));
    let answers = futures::future::join_all(guesses).await;
    let checked = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::SEE_OTHER)
        .count();
    assert_eq!(checked, 5);
    let last = answers
        .iter()
        .find(|answer| !answer.status.is_redirection());
    assert_refused(&server, &log, last.unwrap(), StatusCode::TOO_MANY_REQUESTS).await;
}

#[tokio::test]
async fn attack_39_unknown_names_are_counted_as_known_ones() {
    let server = Server::start().await;
    let log = Log::begin();
    let wrong = login_body("nobody", "wrong password", "");
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(server.form("/login", "", &wrong).await.status);
    }
    assert_eq!(
        statuses[4..],
        [StatusCode::SEE_OTHER, StatusCode::TOO_MANY_REQUESTS]
    );
    // A claimed address opens no second counter: no proxy is trusted here.
    let request = server
        .request("POST", "/login")
        .header("x-forwarded-for", "203.0.113.9")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(axum::body::Body::from(wrong))
        .unwrap();
    assert_refused(
        &server,
        &log,
        &server.answer(request).await,
        StatusCode::TOO_MANY_REQUESTS,
    )
    .await;
}

#[tokio::test]
async fn a_right_password_clears_the_count() {
    let server = Server::start().await;
    for _ in 0..3 {
        for _ in 0..4 {
            server
                .form("/login", "", &login_body("vic", "wrong password", ""))
                .await;
        }
        server.log_in("vic").await;
    }
}

#[tokio::test]
async fn failures_and_the_throttle_are_in_the_audit_log_without_what_was_typed() {
    let server = Server::start().await;
    server
        .form("/login", "", &login_body("vic", "wrong password", ""))
        .await;
    // Somebody types the password into the field of the name.
    for _ in 0..9 {
        server
            .form("/login", "", &login_body("hunter2hunter2", "x", ""))
            .await;
    }
    assert!(server.accounts.refusals_are_written().await);
    let query = AuditQuery {
        filter: "log in".to_owned(),
        limit: 50,
        ..AuditQuery::default()
    };
    let entries = audit::list(&server.store, &query).await.unwrap();
    let count = |actor: &str, action: &str| {
        let fits = entries
            .iter()
            .filter(|entry| entry.act.actor == actor && entry.act.action == action);
        fits.count()
    };
    assert_eq!(count("vic", "log in failed"), 1);
    assert_eq!(count("unknown name", "log in failed"), 5);
    assert_eq!(count("unknown name", "log in throttled"), 1);
    assert!(!format!("{entries:?}").contains("hunter2"));
}
