//! Sessions in lists, and tokens that take each other's place.

use crate::harness::{Server, root};
use http::StatusCode;
use lockstep_types::account::{NewToken, Role};
use lockstep_types::ports::Accounts;
use serde_json::json;

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one() {
    let server = Server::start().await;
    let (first, second) = (server.log_in("vic").await, server.log_in("vic").await);
    let list = server.get("/api/v1/sessions", &first).await.json();
    let list = list.as_array().cloned().unwrap_or_default();
    assert_eq!(list.len(), 2);
    for session in &list {
        assert_eq!(session["by"].as_str(), Some("password"));
        assert_eq!(session["address"].as_str(), Some("0.0.0.0"));
        // What the list says opens nothing.
        let id = session["id"].as_str().unwrap_or_default();
        assert!(!server.is_open(&format!("lockstep={id}")).await);
    }
    // Not another person's, neither to see nor to end.
    let ada = server.log_in("ada").await;
    let id = server.get("/api/v1/sessions", &ada).await.json()[0]["id"].clone();
    let token = server.token("vic").await;
    let path = format!("/sessions/{}", id.as_str().unwrap_or_default());
    let answer = server.api("DELETE", &path, &token, None).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(server.is_open(&ada).await);

    for session in list {
        let path = format!("/sessions/{}", session["id"].as_str().unwrap_or_default());
        let answer = server.api("DELETE", &path, &token, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }
    assert!(!server.is_open(&first).await && !server.is_open(&second).await);
}

#[tokio::test]
async fn an_administrator_ends_the_sessions_of_others() {
    let server = Server::start().await;
    let (vic, ada) = (server.log_in("vic").await, server.token("ada").await);
    let id = server.accounts.user_named("vic").await.unwrap();
    let path = format!("/users/{id}/sessions");
    let list = server.api("GET", &path, &ada, None).await.json();
    assert_eq!(list.as_array().map(Vec::len), Some(1));
    let by_vic = server.token("vic").await;
    let answer = server.api("GET", &path, &by_vic, None).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = server.api("DELETE", &path, &ada, None).await;
    assert_eq!(answer.json()["ended"].as_u64(), Some(1));
    assert!(!server.is_open(&vic).await);
}

#[tokio::test]
async fn a_replaced_token_works_as_long_as_it_was_said() {
    let server = Server::start().await;
    let first = server.token("ada").await;
    let own = server.api("GET", "/tokens", &first, None).await.json();
    let id = own[0]["id"].as_str().unwrap_or_default().to_owned();
    let path = format!("/tokens/{id}/rotate");
    let answer = server
        .api("POST", &path, &first, Some(json!({"minutes": 10})))
        .await;
    let second = answer.json()["token"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    for token in [&first, &second] {
        assert_eq!(
            server.api("GET", "/me", token, None).await.status,
            StatusCode::OK
        );
    }
    // Once is enough.
    let answer = server
        .api("POST", &path, &second, Some(json!({"minutes": 10})))
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    let list = server.api("GET", "/tokens", &second, None).await.json();
    let list = list.as_array().cloned().unwrap_or_default();
    let replaced = list
        .iter()
        .filter(|one| one["replaced"] == json!(true))
        .count();
    assert_eq!((list.len(), replaced), (2, 1));
    // At once.
    let newest = list.iter().find(|one| one["replaced"] == json!(false));
    let id = newest
        .and_then(|one| one["id"].as_str())
        .unwrap_or_default();
    let path = format!("/tokens/{id}/rotate");
    let answer = server
        .api("POST", &path, &second, Some(json!({"minutes": 0})))
        .await;
    let third = answer.json()["token"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let me = server.api("GET", "/me", &second, None).await;
    assert_eq!(me.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        server.api("GET", "/me", &third, None).await.status,
        StatusCode::OK
    );
    let too_long = server
        .api("POST", &path, &third, Some(json!({"minutes": 10_081})))
        .await;
    assert_eq!(too_long.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_limited_token_replaces_itself_alone_and_stays_limited() {
    let server = Server::start().await;
    let full = server.token("ada").await;
    let scope = json!({"role": "Viewer", "projects": ["shop"]});
    let new = json!({"label": "narrow", "days": 30, "scope": scope});
    let answer = server.api("POST", "/tokens", &full, Some(new)).await;
    let narrow = answer.json()["token"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let list = server.api("GET", "/tokens", &full, None).await.json();
    let list = list.as_array().cloned().unwrap_or_default();
    let id = |label: &str| {
        let found = list.iter().find(|one| one["label"] == json!(label));
        found
            .and_then(|one| one["id"].as_str())
            .unwrap_or_default()
            .to_owned()
    };
    let rotate = |id: String| format!("/tokens/{id}/rotate");
    let other = server
        .api(
            "POST",
            &rotate(id("command line")),
            &narrow,
            Some(json!({})),
        )
        .await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    let own = server
        .api("POST", &rotate(id("narrow")), &narrow, Some(json!({})))
        .await;
    let next = own.json()["token"].as_str().unwrap_or_default().to_owned();
    let list = server.api("GET", "/tokens", &full, None).await.json();
    let made = &list[0];
    assert_eq!((&made["label"], &made["scope"]), (&json!("narrow"), &scope));
    let lasts = made["expires_at"].as_i64().unwrap_or_default()
        - made["created_at"].as_i64().unwrap_or_default();
    assert_eq!(lasts, 30 * 24 * 3600 * 1_000_000);
    let users = server.api("GET", "/users", &next, None).await;
    assert_eq!(users.status, StatusCode::FORBIDDEN);
    // Somebody else's is not found.
    let vic = server.token("vic").await;
    let answer = server
        .api("POST", &rotate(id("narrow")), &vic, Some(json!({})))
        .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_automation_account_has_tokens_and_no_login() {
    let server = Server::start().await;
    let ada = server.token("ada").await;
    let body = json!({"name": "pipeline", "role": "Operator"});
    let answer = server.api("POST", "/automation", &ada, Some(body)).await;
    let id = answer.json()["id"].as_str().unwrap_or_default().to_owned();
    let new = json!({"label": "deploy", "of": id});
    let answer = server.api("POST", "/tokens", &ada, Some(new.clone())).await;
    let token = answer.json()["token"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let me = server.api("GET", "/me", &token, None).await.json();
    assert_eq!(
        (me["name"].as_str(), me["role"].as_str()),
        (Some("pipeline"), Some("Operator"))
    );
    let list = server.api("GET", "/tokens", &token, None).await.json();
    let path = format!(
        "/tokens/{}/rotate",
        list[0]["id"].as_str().unwrap_or_default()
    );
    let answer = server
        .api("POST", &path, &ada, Some(json!({"minutes": 0})))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(
        server.api("GET", "/me", &token, None).await.status,
        StatusCode::UNAUTHORIZED
    );
    // No password fits, an empty one neither.
    for password in ["", "correct+horse+battery"] {
        let form = format!("name=pipeline&password={password}&next=");
        let answer = server.form("/login", "", &form).await;
        assert_eq!(answer.header("location"), "/login?error=invalid");
    }
    // Tokens of a person are made by that person alone.
    let vic = server.accounts.user_named("vic").await.unwrap();
    let new = NewToken {
        label: "theirs".to_owned(),
        of: Some(vic),
        ..NewToken::default()
    };
    assert!(server.accounts.create_token(&root(), &new).await.is_err());
    let by_vic = server.token("vic").await;
    let answer = server
        .api(
            "POST",
            "/tokens",
            &by_vic,
            Some(json!({"label": "x", "of": id})),
        )
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let twice = server
        .accounts
        .create_automation(&root(), "vic", Role::Viewer)
        .await;
    assert!(twice.is_err());
}
