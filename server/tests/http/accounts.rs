//! People and their passwords through the API, with a row in the audit log for each act.

use crate::harness::{PASSWORD, Server};
use crate::log::{Log, assert_refused};
use http::StatusCode;
use serde_json::json;
use server::store::audit;

#[tokio::test]
async fn an_administrator_makes_and_ends_accounts() {
    let server = Server::start().await;
    let token = server.token("ada").await;
    let body = json!({ "name": "olga", "password": PASSWORD, "role": "Operator" });
    let answer = server
        .api("POST", "/users", &token, Some(body.clone()))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    // The same name, in whatever case, is taken.
    let twice = json!({ "name": "OLGA", "password": PASSWORD, "role": "Viewer" });
    assert_eq!(
        server
            .api("POST", "/users", &token, Some(twice))
            .await
            .status,
        StatusCode::CONFLICT
    );

    let cookie = server.log_in("olga").await;
    let path = format!("/users/{id}/disabled");
    let answer = server
        .api("POST", &path, &token, Some(json!({ "disabled": true })))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(!server.is_open(&cookie).await);

    let list = server.api("GET", "/users", &token, None).await;
    assert!(
        list.text.contains("olga") && !list.text.contains("argon2"),
        "{}",
        list.text
    );

    let entries = audit::list(
        &server.store,
        &audit::AuditQuery {
            limit: 100,
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let acts: Vec<String> = entries
        .iter()
        .map(|entry| {
            format!(
                "{} {} {}",
                entry.act.actor, entry.act.action, entry.act.subject
            )
        })
        .collect();
    for expected in [
        "ada create user olga",
        "ada disable user olga",
        "olga log in",
    ] {
        assert!(
            acts.iter().any(|act| act.contains(expected)),
            "{expected}: {acts:#?}"
        );
    }
    assert!(!format!("{entries:?}").contains(PASSWORD));
    assert_eq!(
        audit::check_chain(&server.store).await.unwrap().broken,
        None
    );
}

#[tokio::test]
async fn attack_45_bad_names_and_passwords_are_refused_by_field() {
    let server = Server::start().await;
    let token = server.token("ada").await;
    let log = Log::begin();
    let long = "x".repeat(300);
    for (name, password, field) in [
        ("", PASSWORD, "name"),
        ("a b", PASSWORD, "name"),
        ("<script>", PASSWORD, "name"),
        ("a\r\nb", PASSWORD, "name"),
        (long.as_str(), PASSWORD, "name"),
        ("olga", "short17", "password"),
        ("olga", "password123", "password"),
        ("olga", long.as_str(), "password"),
        ("olgaolga", "olgaolga", "password"),
    ] {
        let body = json!({ "name": name, "password": password, "role": "Viewer" });
        let answer = server.api("POST", "/users", &token, Some(body)).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{name:.20}"
        );
        assert_eq!(answer.json()["field"], field, "{name:.20}");
        assert_refused(&server, &log, &answer, StatusCode::UNPROCESSABLE_ENTITY).await;
        for sent in [name, password] {
            assert!(sent.len() < 6 || !log.text().contains(sent), "{sent:.20}");
        }
    }
}

#[tokio::test]
async fn ones_own_password_needs_the_old_one() {
    let server = Server::start().await;
    let vic = server.accounts.user_named("vic").await.unwrap();
    let ada = server.accounts.user_named("ada").await.unwrap();
    let token = server.token("vic").await;
    let cookie = server.log_in("vic").await;
    let change = |old: &str| json!({ "old": old, "new": "another long password" });
    let (own, other) = (
        format!("/users/{vic}/password"),
        format!("/users/{ada}/password"),
    );
    let answer = server
        .api("POST", &own, &token, Some(change("wrong")))
        .await;
    assert_eq!(
        (answer.status, answer.json()["field"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("old"))
    );
    assert_eq!(
        server
            .api("POST", &other, &token, Some(change(PASSWORD)))
            .await
            .status,
        StatusCode::FORBIDDEN
    );
    assert!(server.is_open(&cookie).await);
    assert_eq!(
        server
            .api("POST", &own, &token, Some(change(PASSWORD)))
            .await
            .status,
        StatusCode::OK
    );
    assert!(!server.is_open(&cookie).await);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let server = Server::start().await;
    let ada = server.accounts.user_named("ada").await.unwrap();
    let token = server.token("ada").await;
    let path = format!("/users/{ada}/disabled");
    let answer = server
        .api("POST", &path, &token, Some(json!({ "disabled": true })))
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
}
