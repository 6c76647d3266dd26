//! The first start: one link, one use, one administrator, no default account.

use crate::harness::{PASSWORD, Server, login_body};
use crate::log::{Log, Told, assert_refused};
use http::StatusCode;
use secrecy::ExposeSecret;
use server::config::SessionLimits;

fn body(token: &str, name: &str, password: &str) -> String {
    format!(
        "token={token}&name={name}&password={}",
        password.replace(' ', "+")
    )
}

#[tokio::test]
async fn attack_45_the_link_of_the_first_administrator_works_once() {
    let server = Server::empty("http://localhost:8080", SessionLimits::default()).await;
    let token = server.accounts.begin_setup().await.unwrap().unwrap();
    let token = token.expose_secret();
    let log = Log::begin();

    for (body, location) in [
        (body("wrong", "ada", PASSWORD), "/setup?error=invalid"),
        (body("", "ada", PASSWORD), "/setup?error=invalid"),
        (body(token, "a b", PASSWORD), "/setup?error=name&token="),
        (
            body(token, "ada", "short17"),
            "/setup?error=password&token=",
        ),
    ] {
        let answer = server.form("/setup", "", &body).await;
        assert!(
            answer.header("location").starts_with(location),
            "{body} {}",
            answer.header("location")
        );
        assert!(answer.headers.get("set-cookie").is_none());
        assert_refused(&server, &log, &answer, StatusCode::SEE_OTHER).await;
    }
    assert!(!log.text().contains(token), "{}", log.text());

    let answer = server
        .form("/setup", "", &body(token, "ada", PASSWORD))
        .await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, "/")
    );
    let me = server.get("/api/v1/me", &answer.cookie()).await;
    assert_eq!(me.json()["role"], "Admin");

    let again = server
        .form("/setup", "", &body(token, "eve", PASSWORD))
        .await;
    assert!(
        again.header("location").starts_with("/setup?error="),
        "{}",
        again.header("location")
    );
    let told = Told::Words("somebody unknown was refused");
    assert_refused(&server, &log, &again, told).await;
    let eve = server
        .form("/login", "", &login_body("eve", PASSWORD, ""))
        .await;
    assert_eq!(eve.header("location"), "/login?error=invalid");
    // With an account there is no second beginning.
    assert!(server.accounts.begin_setup().await.unwrap().is_none());
}

#[tokio::test]
async fn two_at_once_make_one_administrator() {
    let server = Server::empty("http://localhost:8080", SessionLimits::default()).await;
    let token = server.accounts.begin_setup().await.unwrap().unwrap();
    let (one, two) = (
        body(token.expose_secret(), "ada", PASSWORD),
        body(token.expose_secret(), "eve", PASSWORD),
    );
    let (one, two) = tokio::join!(
        server.form("/setup", "", &one),
        server.form("/setup", "", &two)
    );
    let made = [&one, &two]
        .iter()
        .filter(|answer| answer.header("location") == "/")
        .count();
    assert_eq!(
        made,
        1,
        "{} {}",
        one.header("location"),
        two.header("location")
    );
}

#[tokio::test]
async fn attack_45_there_is_no_default_account() {
    let server = Server::empty("http://localhost:8080", SessionLimits::default()).await;
    let log = Log::begin();
    for name in ["admin", "root", "lockstep", "administrator"] {
        for password in ["", "admin", "password", "lockstep"] {
            let answer = server
                .form("/login", "", &login_body(name, password, ""))
                .await;
            assert!(
                answer.headers.get("set-cookie").is_none(),
                "{name} {password}"
            );
            if !answer.status.is_redirection() {
                continue;
            }
            let told = Told::Words("a login failed");
            assert_refused(&server, &log, &answer, told).await;
        }
    }
}
