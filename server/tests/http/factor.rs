//! The second factor: enrolment, both steps of the login, replays, guessing, recovery.

use crate::harness::{Answered, PASSWORD, Server, login_body, root};
use http::StatusCode;
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::ports::Accounts;
use server::store::audit::{self, AuditQuery};
use totp_rs::{Builder, Secret, Totp};

/// An account whose authenticator is in our hands.
struct Enrolled {
    server: Server,
    totp: Totp,
    recovery: Vec<String>,
    actor: Actor,
}

fn authenticator(secret: &str) -> Totp {
    Builder::new()
        .with_secret(Secret::try_from_base32(secret).unwrap())
        .build()
        .unwrap()
}

fn now() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_second()).unwrap()
}

impl Enrolled {
    async fn vic() -> Self {
        let server = Server::start().await;
        let vic = server.accounts.user_named("vic").await.unwrap();
        let actor = server.accounts.actor_of_user(vic).await.unwrap().unwrap();
        let wrong = server.accounts.begin_factor(&actor, "wrong password").await;
        assert!(matches!(wrong, Err(PortError::Invalid { .. })));
        let begun = server
            .accounts
            .begin_factor(&actor, PASSWORD)
            .await
            .unwrap();
        assert!(begun.address.contains(&begun.secret) && begun.size > 20);
        // Until its first code it changes nothing.
        server.log_in("vic").await;
        let totp = authenticator(&begun.secret);
        let wrong = server.accounts.confirm_factor(&actor, "000000").await;
        assert!(matches!(wrong, Err(PortError::Invalid { .. })));
        // The code of the step before: the present one is still to be used.
        let code = totp.generate(now() - 30).to_string();
        let recovery = server.accounts.confirm_factor(&actor, &code).await.unwrap();
        assert_eq!(recovery.len(), 10);
        Self {
            server,
            totp,
            recovery,
            actor,
        }
    }

    /// The first step: the cookie of a browser that still has to give a code.
    async fn half(&self) -> String {
        let form = login_body("vic", PASSWORD, "%2Fdrift");
        let answer = self.server.form("/login", "", &form).await;
        assert_eq!(answer.header("location"), "/login?step=code");
        assert!(!self.server.is_open(&answer.cookie()).await);
        answer.cookie()
    }

    async fn give(&self, cookie: &str, code: &str) -> Answered {
        self.server
            .form("/login/code", cookie, &format!("code={code}"))
            .await
    }
}

#[tokio::test]
async fn the_password_alone_opens_nothing_and_a_code_is_taken_once() {
    let vic = Enrolled::vic().await;
    let half = vic.half().await;
    let code = vic.totp.generate(now()).to_string();
    let answer = vic.give(&half, &code).await;
    assert_eq!(answer.header("location"), "/drift");
    assert_ne!(answer.cookie(), half);
    assert!(vic.server.is_open(&answer.cookie()).await);
    // The half of a login is used up, and so is the code.
    let again = vic.give(&half, &code).await;
    assert_eq!(again.header("location"), "/login?error=expired");
    let half = vic.half().await;
    let replay = vic.give(&half, &code).await;
    assert_eq!(replay.header("location"), "/login?step=code&error=code");
    assert!(!vic.server.is_open(&replay.cookie()).await);
    // Without the first step there is no second.
    let answer = vic.give("", &code).await;
    assert_eq!(answer.header("location"), "/login?error=expired");
}

/// When the sessions of vic began.
async fn begins(server: &Server) -> Vec<lockstep_types::Micros> {
    let vic = server.accounts.user_named("vic").await.unwrap();
    let now = lockstep_types::Micros::from_seconds(jiff::Timestamp::now().as_second());
    let sessions = server::store::session::of_user(server.accounts.store(), vic, now).await;
    let sessions = sessions.unwrap().into_iter();
    sessions.map(|session| session.created_at).collect()
}

#[tokio::test]
async fn attack_42_a_session_has_another_id_once_a_second_factor_counts_or_is_gone() {
    let server = Server::start().await;
    let before = server.log_in("vic").await;
    let vic = server.accounts.user_named("vic").await.unwrap();
    let actor = server.accounts.actor_of_user(vic).await.unwrap().unwrap();
    let begun = server.accounts.begin_factor(&actor, PASSWORD).await;
    let code = authenticator(&begun.unwrap().secret)
        .generate(now())
        .to_string();
    let wrong = server.form("/sfn/confirm_factor", &before, "code=x").await;
    assert!(
        wrong.text.contains("is not the present one"),
        "{}",
        wrong.text
    );
    assert!(wrong.cookie().is_empty() && server.is_open(&before).await);
    let none = server.get("/sfn/confirm_factor", &before).await;
    assert!(none.cookie().is_empty() && server.is_open(&before).await);
    let began = begins(&server).await;
    let added = server
        .form("/sfn/confirm_factor", &before, &format!("code={code}"))
        .await;
    let with_it = added.cookie();
    assert!(server.is_open(&with_it).await, "{}", added.text);
    assert!(!server.is_open(&before).await);
    // Another id, and the same end.
    assert_eq!(begins(&server).await, began);
    let form = format!("user={}&password={}", vic.0, PASSWORD.replace(' ', "+"));
    let gone = server.form("/sfn/remove_factor", &with_it, &form).await;
    assert!(server.is_open(&gone.cookie()).await, "{}", gone.text);
    assert!(!server.is_open(&with_it).await);
}

#[tokio::test]
async fn codes_are_guessed_no_more_often_than_passwords() {
    let vic = Enrolled::vic().await;
    let mut cookie = vic.half().await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let answer = vic.give(&cookie, "000000").await;
        statuses.push(answer.status);
        cookie = answer.cookie();
    }
    assert_eq!(
        statuses[3..5],
        [StatusCode::SEE_OTHER, StatusCode::TOO_MANY_REQUESTS],
        "the password before the codes counts too: {statuses:?}"
    );
    let form = login_body("vic", PASSWORD, "");
    let answer = vic.server.form("/login", "", &form).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    vic.server.log_in("ada").await;
}

#[tokio::test]
async fn a_recovery_code_opens_once_and_programs_are_asked_too() {
    let vic = Enrolled::vic().await;
    let code = &vic.recovery[0];
    let half = vic.half().await;
    let answer = vic.give(&half, &code.to_uppercase()).await;
    assert_eq!(answer.header("location"), "/drift");
    let half = vic.half().await;
    let answer = vic.give(&half, code).await;
    assert_eq!(answer.header("location"), "/login?step=code&error=code");

    let mut body = serde_json::json!({ "name": "vic", "password": PASSWORD });
    let answer = vic
        .server
        .api("POST", "/login", "", Some(body.clone()))
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.json()["field"].as_str(), Some("code"));
    body["code"] = serde_json::json!(vic.recovery[1]);
    let answer = vic.server.api("POST", "/login", "", Some(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

#[tokio::test]
async fn it_is_taken_away_by_the_password_or_by_an_administrator() {
    let vic = Enrolled::vic().await;
    let accounts = &vic.server.accounts;
    let wrong = accounts
        .remove_factor(&vic.actor, vic.actor.user, "wrong password")
        .await;
    assert!(matches!(wrong, Err(PortError::Invalid { .. })));
    let twice = accounts.begin_factor(&vic.actor, PASSWORD).await;
    assert!(matches!(twice, Err(PortError::Conflict(_))));
    let ada = vic.server.token("ada").await;
    let path = format!("/users/{}/factor", vic.actor.user);
    let answer = vic.server.api("DELETE", &path, &ada, None).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    vic.server.log_in("vic").await;
    let none = accounts.remove_factor(&root(), vic.actor.user, "").await;
    assert!(matches!(none, Err(PortError::Conflict(_))));

    let query = AuditQuery {
        limit: 50,
        ..AuditQuery::default()
    };
    let entries = audit::list(&vic.server.store, &query).await.unwrap();
    let said: Vec<&str> = entries
        .iter()
        .map(|entry| entry.act.action.as_str())
        .collect();
    for action in [
        "begin second factor",
        "add second factor",
        "remove second factor",
    ] {
        assert!(said.contains(&action), "{action} in {said:?}");
    }
    let text = format!("{entries:?}");
    assert!(!text.contains(&vic.recovery[0]), "no code is in the log");
}
