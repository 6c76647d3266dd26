//! API tokens: shown once, stored as a hash, ended at once.

use crate::harness::{PASSWORD, Server, root};
use crate::log::{Log, assert_refused};
use http::StatusCode;
use lockstep_types::ports::Accounts;
use serde_json::json;

#[tokio::test]
async fn a_token_works_until_it_is_revoked() {
    let server = Server::start().await;
    let first = server.token("vic").await;
    let answer = server
        .api(
            "POST",
            "/tokens",
            &first,
            Some(json!({ "label": "pipeline", "days": 7 })),
        )
        .await;
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("lsk_") && token != first);
    let me = server.api("GET", "/me", &token, None).await.json();
    assert_eq!(me["name"], "vic");

    let list = server.api("GET", "/tokens", &first, None).await;
    assert!(
        !list.text.contains(&token) && !list.text.contains("lsk_"),
        "{}",
        list.text
    );
    let list = list.json();
    let row = list
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["label"] == "pipeline")
        .unwrap()
        .clone();
    assert!(
        row["expires_at"].as_i64().is_some() && row["last_used"].as_i64().is_some(),
        "{row}"
    );

    let path = format!("/tokens/{}", row["id"].as_str().unwrap());
    assert_eq!(
        server.api("DELETE", &path, &first, None).await.status,
        StatusCode::OK
    );
    assert_eq!(
        server.api("GET", "/me", &token, None).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        server.api("GET", "/me", &first, None).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn one_may_not_touch_the_tokens_of_others() {
    let server = Server::start().await;
    let (ada, vic) = (server.token("ada").await, server.token("vic").await);
    let list = server.api("GET", "/tokens", &vic, None).await.json();
    assert!(
        list.as_array()
            .unwrap()
            .iter()
            .all(|row| row["user"] == "vic"),
        "{list}"
    );
    let all = server.api("GET", "/tokens", &ada, None).await.json();
    let of_ada = all
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["user"] == "ada")
        .unwrap()
        .clone();
    let path = format!("/tokens/{}", of_ada["id"].as_str().unwrap());
    assert_eq!(
        server.api("DELETE", &path, &vic, None).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        server.api("GET", "/me", &ada, None).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn disabling_an_account_ends_its_tokens() {
    let server = Server::start().await;
    let vic = server.accounts.user_named("vic").await.unwrap();
    let token = server.token("vic").await;
    server
        .accounts
        .set_disabled(&root(), vic, true)
        .await
        .unwrap();
    assert_eq!(
        server.api("GET", "/me", &token, None).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn bent_tokens_are_refused() {
    let server = Server::start().await;
    let token = server.token("ada").await;
    let cut = token.get(..token.len() - 1).unwrap().to_owned();
    let longer = format!("{token}0");
    for bad in [cut.as_str(), longer.as_str(), "lsk_", "x", PASSWORD] {
        assert_eq!(
            server.api("GET", "/me", bad, None).await.status,
            StatusCode::UNAUTHORIZED,
            "{bad}"
        );
    }
}

#[tokio::test]
async fn attack_63_a_limited_token_stays_within_its_limits() {
    let server = Server::start().await;
    let whole = server.token("ada").await;
    let scope = json!({ "role": "Operator", "projects": ["shop"] });
    let body = json!({ "label": "pipeline", "scope": scope });
    let made = server.api("POST", "/tokens", &whole, Some(body)).await;
    let limited = made.json()["token"].as_str().unwrap().to_owned();
    let log = Log::begin();
    let can = async |action: &str, object: &str| {
        let path = format!("/access/can?action={action}&object={object}");
        let answer = server.api("GET", &path, &limited, None).await.json();
        answer["verdict"]["allowed"].as_bool().unwrap()
    };
    assert!(can("sync", "shop/cart").await);
    assert!(!can("sync", "infra/dns").await);
    assert!(!can("account", "").await);
    for (method, path, body) in [
        ("GET", "/users", None),
        ("POST", "/sources", Some(json!({}))),
        ("POST", "/clusters", Some(json!({}))),
        ("GET", "/access", None),
        ("POST", "/access/source", Some(json!({}))),
    ] {
        let answer = server.api(method, path, &limited, body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}");
        assert_refused(&server, &log, &answer, StatusCode::FORBIDDEN).await;
        assert!(!log.text().contains(&limited), "{}", log.text());
    }
    // It opens no wider door, and cannot take the account over.
    let another = server
        .api("POST", "/tokens", &limited, Some(json!({ "label": "x" })))
        .await;
    assert_eq!(another.status, StatusCode::CONFLICT, "{}", another.text);
    let me = server.api("GET", "/me", &limited, None).await.json();
    let path = format!("/users/{}/password", me["user"].as_str().unwrap());
    let body = json!({ "old": PASSWORD, "new": "another good long one" });
    let answer = server.api("POST", &path, &limited, Some(body)).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
    let list = server.api("GET", "/tokens", &whole, None).await.text;
    assert!(list.contains("\"projects\":[\"shop\"]"), "{list}");
    for scope in [
        json!({ "role": "Operator", "projects": ["[a"] }),
        json!({ "role": "Operator", "projects": ["a/b"] }),
        json!({ "role": "Owner", "projects": [] }),
        json!({ "role": "Operator", "projects": vec!["a"; 51] }),
    ] {
        let body = json!({ "label": "x", "scope": scope });
        let answer = server.api("POST", "/tokens", &whole, Some(body)).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            answer.text
        );
    }
    let extra = json!({ "label": "x", "role": "Admin" });
    let answer = server.api("POST", "/tokens", &whole, Some(extra)).await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        answer.text
    );
}
