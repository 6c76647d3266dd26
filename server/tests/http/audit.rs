//! Refusals, logouts and strangers at the doors are rows of the audit log, with the address, and no more than a few.

use crate::harness::{PASSWORD, Server, login_body};
use crate::log::{Log, Told, assert_refused};
use http::StatusCode;
use lockstep_types::account::Role;
use secrecy::ExposeSecret;
use serde_json::json;
use server::accounts::AccountService;
use server::config::SessionLimits;
use server::store::audit::{self, AuditEntry, AuditQuery};

/// Newest first.
async fn entries(server: &Server) -> Vec<AuditEntry> {
    assert!(server.accounts.refusals_are_written().await);
    let query = AuditQuery {
        limit: 500,
        ..AuditQuery::default()
    };
    audit::list(&server.store, &query).await.unwrap()
}

/// `actor · action · subject · reason`, oldest first.
async fn acts(server: &Server, action: &str) -> Vec<String> {
    let mut found: Vec<String> = entries(server)
        .await
        .into_iter()
        .filter(|entry| entry.act.action == action)
        .map(|AuditEntry { act, .. }| format!("{} · {} · {}", act.actor, act.subject, act.reason))
        .collect();
    found.reverse();
    found
}

#[tokio::test]
async fn attack_57_whoever_is_denied_is_in_the_audit_log() {
    let server = Server::start().await;
    let (cookie, token) = (server.log_in("vic").await, server.token("vic").await);
    let user = json!({ "name": "eve", "password": PASSWORD, "role": "Admin" });
    let log = Log::begin();
    for _ in 0..5 {
        let answer = server
            .api("POST", "/users?a=hunter2", &token, Some(user.clone()))
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text);
        assert_refused(&server, &log, &answer, StatusCode::FORBIDDEN).await;
    }
    assert!(!log.text().contains("hunter2"));
    // A plain form of a page, which is led back to it.
    let body = format!(
        "name=eve&password={}&role=admin",
        PASSWORD.replace(' ', "+")
    );
    let answer = server.form("/sfn/create_user", &cookie, &body).await;
    assert!(answer.status.is_redirection() || answer.status == StatusCode::FORBIDDEN);
    assert_eq!(
        acts(&server, "denied").await,
        [
            "vic · POST /api/v1/users · the permission account is missing",
            "vic · POST /sfn/create_user · the permission account is missing",
        ]
    );
    // Many addresses make few rows.
    for number in 0..60 {
        let path = format!("/users/{number}/disabled");
        let answer = server.api("POST", &path, &token, Some(json!({}))).await;
        assert_ne!(answer.status, StatusCode::OK);
    }
    let denied = acts(&server, "denied").await.len();
    assert!((3..=30).contains(&denied), "{denied}");
    // What is allowed is no refusal, and strangers have no name.
    assert!(server.is_open(&cookie).await);
    assert_eq!(acts(&server, "denied").await.len(), denied);
    let rows = format!("{:?}", entries(&server).await);
    assert!(!rows.contains("hunter2") && !rows.contains(PASSWORD));
    assert_eq!(
        audit::check_chain(&server.store).await.unwrap().broken,
        None
    );
}

#[tokio::test]
async fn attack_45_strangers_at_the_doors_and_logouts_are_in_the_audit_log() {
    let server = Server::empty("http://localhost:8080", SessionLimits::default()).await;
    let link = server.accounts.begin_setup().await.unwrap().unwrap();
    let set_up = |token: &str| {
        let password = PASSWORD.replace(' ', "+");
        format!("token={token}&name=ada&password={password}")
    };
    for token in [
        "hunter2",
        "hunter3",
        link.expose_secret(),
        link.expose_secret(),
    ] {
        server.form("/setup", "", &set_up(token)).await;
    }
    let log = Log::begin();
    for token in ["hunter2", "hunter3"] {
        server
            .form("/login/link", "", &format!("token={token}"))
            .await;
        let refused = server.api("GET", "/me", token, None).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert!(!log.text().contains(token));
    }
    assert_eq!(
        acts(&server, "log in failed").await,
        [
            "unknown name · from 0.0.0.0 · the set-up link is unknown, used or expired",
            "unknown name · from 0.0.0.0 · the set-up is done",
            "unknown name · from 0.0.0.0 · the link is unknown, used or expired",
            "unknown name · from 0.0.0.0 · the token is unknown, revoked or expired",
        ]
    );
    let refused = server.api("GET", "/me", "hunter2", None).await;
    assert_refused(&server, &log, &refused, StatusCode::UNAUTHORIZED).await;
    let cookie = server.log_in("ada").await;
    server.form("/logout", &cookie, "").await;
    assert!(!server.is_open(&cookie).await);
    server.form("/logout", &cookie, "").await;
    assert_eq!(acts(&server, "log out").await, ["ada · from 0.0.0.0 · "]);
    let rows = format!("{:?}", entries(&server).await);
    assert!(!rows.contains("hunter") && !rows.contains(link.expose_secret()));
}

/// Every refusal is a row, or counted in one, by whom and what; whoever comes for ever adds no more rows than these.
#[tokio::test]
async fn attack_45_refusals_that_are_repeated_are_counted_in_one_row() {
    let server = Server::start().await;
    let token = server.token("vic").await;
    let before = entries(&server).await.len();
    let log = Log::begin();
    for _ in 0..40 {
        let answer = server.api("POST", "/users", &token, Some(json!({}))).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text);
        let answer = server.api("GET", "/me", "hunter2", None).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    assert!(log.refused(403) && log.refused(401) && !log.text().contains("hunter2"));
    // Twenty guesses are checked: no name has more than five. Those at an account have rows of their own.
    for name in ["ada", "olga-of-nowhere", "pia-of-nowhere", "tom-of-nowhere"] {
        for _ in 0..8 {
            server
                .form("/login", "", &login_body(name, "hunter2", ""))
                .await;
        }
    }
    assert_eq!(acts(&server, "denied").await.len(), 1);
    assert_eq!(acts(&server, "log in failed").await.len(), 1 + 5 + 10);
    assert_eq!(
        acts(&server, "log in throttled").await,
        ["ada · from 0.0.0.0 · ", "unknown name · from 0.0.0.0 · "]
    );
    assert_eq!(acts(&server, "refused again").await, [] as [&str; 0]);

    server.accounts.end_refusals().await;
    let rows = entries(&server).await;
    let again: Vec<&AuditEntry> = rows
        .iter()
        .filter(|entry| entry.act.action == "refused again")
        .collect();
    assert_eq!(again.len(), 2, "{again:#?}");
    let of = |name: &str| again.iter().find(|entry| entry.act.actor == name);
    let (vic, strangers) = (of("vic").unwrap(), of("unknown name").unwrap());
    assert!(vic.act.subject.starts_with("39 more"), "{vic:?}");
    assert_eq!(
        vic.act.detail,
        json!({"times": {"POST /api/v1/users": 39}, "others": 0})
    );
    assert_eq!(
        strangers.act.detail,
        json!({
            "times": {
                "the token is unknown, revoked or expired, from 0.0.0.0": 39,
                "unknown name from 0.0.0.0: name or password is wrong": 5,
                "unknown name from 0.0.0.0: log in throttled": 2,
            },
            "others": 0,
        })
    );
    assert_eq!(rows.len() - before, 1 + 16 + 2 + 2);
    assert!(!format!("{rows:?}").contains("hunter2"));
    assert_eq!(
        audit::check_chain(&server.store).await.unwrap().broken,
        None
    );
    server.accounts.end_refusals().await;
    assert_eq!(entries(&server).await.len(), rows.len(), "said once");
}

/// The row is written whether whoever was refused waits for the answer or not.
#[tokio::test]
async fn attack_57_whoever_leaves_before_the_answer_is_in_the_audit_log() {
    let server = Server::start().await;
    let vic = server.accounts.user_named("vic").await.unwrap();
    let actor = server.accounts.actor_of_user(vic).await.unwrap().unwrap();
    // Somebody else writes: the row has to wait.
    let writing = server.store.begin().await.unwrap();
    let address = "198.51.100.7".parse().unwrap();
    {
        let denied = server
            .accounts
            .note_denied(&actor, "POST /api/v1/users", Some("account"));
        let stranger = server
            .accounts
            .note_stranger("the token is unknown", address);
        let mut denied = std::pin::pin!(AccountService::asked_from(address, denied));
        let mut stranger = std::pin::pin!(stranger);
        assert!(futures::poll!(denied.as_mut()).is_pending());
        assert!(futures::poll!(stranger.as_mut()).is_pending());
    }
    drop(writing);
    assert_eq!(
        acts(&server, "denied").await,
        ["vic · POST /api/v1/users · the permission account is missing"]
    );
    assert_eq!(
        acts(&server, "log in failed").await,
        ["unknown name · from 198.51.100.7 · the token is unknown"]
    );
    let rows = entries(&server).await;
    let denied = rows.iter().find(|entry| entry.act.action == "denied");
    assert_eq!(denied.unwrap().act.detail["address"], "198.51.100.7");
}

/// No crowd of refusals holds more than so many writes; what has no place is counted.
#[tokio::test]
async fn refusals_that_cannot_be_written_at_once_are_counted() {
    let server = Server::start().await;
    let vic = server.accounts.user_named("vic").await.unwrap();
    let actor = server.accounts.actor_of_user(vic).await.unwrap().unwrap();
    let writing = server.store.begin().await.unwrap();
    for number in 0..50_u128 {
        let from = std::net::Ipv4Addr::new(198, 51, 100, u8::try_from(number).unwrap());
        let stranger = server
            .accounts
            .note_stranger("the token is unknown", from.into());
        let mut stranger = std::pin::pin!(stranger);
        let waits = futures::poll!(stranger.as_mut()).is_pending();
        assert_eq!(waits, number < 32, "{number}");
    }
    let denied = server.accounts.note_denied(&actor, "GET /x", None);
    denied.await;
    drop(writing);
    assert_eq!(acts(&server, "log in failed").await.len(), 32);
    server.accounts.end_refusals().await;
    let again = acts(&server, "refused again").await;
    assert_eq!(again.len(), 2, "{again:?}");
    assert!(
        again
            .iter()
            .any(|row| row.starts_with("unknown name · 18 more"))
    );
    assert!(again.iter().any(|row| row.starts_with("vic · 1 more")));
}

/// Where somebody was, on every act that came over the wire: by page, by function and by token.
#[tokio::test]
async fn attack_39_every_act_says_from_where_it_was_asked() {
    let server = Server::start().await;
    let (cookie, token) = (server.log_in("ada").await, server.token("ada").await);
    let body = json!({ "name": "olga", "password": PASSWORD, "role": "Viewer" });
    let answer = server.api("POST", "/users", &token, Some(body)).await;
    assert!(answer.status.is_success(), "{}", answer.text);
    let password = PASSWORD.replace(' ', "+");
    let form = format!("name=pia&password={password}&role=viewer");
    server.form("/sfn/create_user", &cookie, &form).await;
    let created: Vec<AuditEntry> = entries(&server)
        .await
        .into_iter()
        .filter(|entry| {
            ["create user olga", "create user pia"]
                .contains(&format!("{} {}", entry.act.action, entry.act.subject).as_str())
        })
        .collect();
    assert_eq!(created.len(), 2, "{created:?}");
    for entry in created {
        assert_eq!(entry.act.detail["address"], "0.0.0.0", "{entry:?}");
    }
    // Nobody asked for what the server does by itself.
    server.user("quinn", Role::Viewer).await;
    let own = &entries(&server).await[0];
    assert!(own.act.subject.contains("quinn"));
    assert!(own.act.detail.get("address").is_none(), "{own:?}");
    let log = Log::begin();
    let failed = server.form("/login", "", &login_body("ada", "x", "")).await;
    assert_refused(&server, &log, &failed, Told::Words("a login failed")).await;
    assert_eq!(failed.header("location"), "/login?error=invalid");
}
