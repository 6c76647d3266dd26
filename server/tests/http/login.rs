//! Login by form: cookie, rotation, ends of sessions, where `next` may lead.

use crate::harness::{PASSWORD, Server, login_body, root};
use crate::log::{Log, Told, assert_refused};
use http::StatusCode;
use lockstep_types::ports::Accounts;
use server::config::SessionLimits;
use std::time::Duration;

#[tokio::test]
async fn the_right_password_opens_a_session_and_goes_on() {
    let server = Server::start().await;
    let answer = server
        .form(
            "/login",
            "",
            &login_body("ada", PASSWORD, "%2Fdrift%3Ffilter%3Dx"),
        )
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/drift?filter=x");
    let me = server.get("/api/v1/me", &answer.cookie()).await;
    assert_eq!(
        (me.status, me.json()["name"].as_str()),
        (StatusCode::OK, Some("ada"))
    );
    // Names do not depend on case.
    let again = server
        .form("/login", "", &login_body("ADA", PASSWORD, ""))
        .await;
    assert_eq!(again.header("location"), "/");
}

#[tokio::test]
async fn attack_41_unknown_name_and_wrong_password_look_alike() {
    let server = Server::start().await;
    let log = Log::begin();
    let mut answers = Vec::new();
    for (name, password) in [("ada", "wrong password"), ("nobody", PASSWORD)] {
        let answer = server
            .form("/login", "", &login_body(name, password, "%2Fdrift"))
            .await;
        assert!(answer.headers.get("set-cookie").is_none());
        answers.push((
            answer.status,
            answer.header("location").to_owned(),
            answer.text,
        ));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].1, "/login?error=invalid&next=/drift");
    // A password that nobody can have is refused before it costs anything.
    let long = "x".repeat(100_000);
    let answer = server
        .form("/login", "", &login_body("ada", &long, ""))
        .await;
    assert_eq!(answer.header("location"), "/login?error=invalid");
    assert_refused(&server, &log, &answer, Told::Words("a login failed")).await;
    assert!(!log.text().contains("wrong password"), "{}", log.text());
}

#[tokio::test]
async fn a_disabled_account_is_told_nothing() {
    let server = Server::start().await;
    let vic = server.accounts.user_named("vic").await.unwrap();
    server
        .accounts
        .set_disabled(&root(), vic, true)
        .await
        .unwrap();
    let answer = server
        .form("/login", "", &login_body("vic", PASSWORD, ""))
        .await;
    assert_eq!(answer.header("location"), "/login?error=invalid");
}

#[tokio::test]
async fn cookie_has_the_attributes_of_its_address() {
    let plain = Server::start().await;
    let answer = plain
        .form("/login", "", &login_body("ada", PASSWORD, ""))
        .await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("lockstep="), "{cookie}");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");

    let secure = Server::at("https://lockstep.test", SessionLimits::default()).await;
    let answer = secure
        .form("/login", "", &login_body("ada", PASSWORD, ""))
        .await;
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-lockstep="), "{cookie}");
    assert!(
        cookie.contains("Secure") && cookie.contains("HttpOnly"),
        "{cookie}"
    );
    assert!(
        answer
            .header("strict-transport-security")
            .contains("max-age")
    );
    // Browsers ignore the removal of a __Host- cookie without Secure.
    let gone = secure.form("/logout", &answer.cookie(), "").await;
    assert!(
        gone.header("set-cookie").contains("Secure"),
        "{}",
        gone.header("set-cookie")
    );
    assert!(
        gone.header("set-cookie").contains("Max-Age=0"),
        "{}",
        gone.header("set-cookie")
    );
}

#[tokio::test]
async fn attack_42_a_session_fixed_before_the_login_is_worth_nothing() {
    let server = Server::start().await;
    let first = server.log_in("vic").await;
    let log = Log::begin();
    let answer = server
        .form("/login", &first, &login_body("ada", PASSWORD, ""))
        .await;
    assert_ne!(answer.cookie(), first);
    assert!(server.is_open(&answer.cookie()).await);
    assert!(!server.is_open(&first).await);
    // An id that an attacker chose beforehand is never taken.
    let chosen = "lockstep=AAAAAAAAAAAAAAAAAAAAAA";
    let answer = server
        .form("/login", chosen, &login_body("ada", PASSWORD, ""))
        .await;
    assert_ne!(answer.cookie(), chosen);
    assert!(!server.is_open(chosen).await);
    for fixed in [chosen, first.as_str()] {
        let refused = server.get("/api/v1/me", fixed).await;
        assert_refused(&server, &log, &refused, StatusCode::UNAUTHORIZED).await;
        assert!(!log.text().contains(fixed.trim_start_matches("lockstep=")));
    }
}

#[tokio::test]
async fn attack_43_a_cookie_is_worth_nothing_once_its_session_ended() {
    let server = Server::start().await;
    let vic = server.accounts.user_named("vic").await.unwrap();
    let log = Log::begin();

    let cookie = server.log_in("vic").await;
    let first = cookie.clone();
    let answer = server.form("/logout", &cookie, "").await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, "/login")
    );
    assert!(!server.is_open(&cookie).await);

    let cookie = server.log_in("vic").await;
    server
        .accounts
        .set_password(&root(), vic, "", "another long password")
        .await
        .unwrap();
    assert!(!server.is_open(&cookie).await);
    server
        .accounts
        .set_password(&root(), vic, "", PASSWORD)
        .await
        .unwrap();

    let cookie = server.log_in("vic").await;
    server
        .accounts
        .set_disabled(&root(), vic, true)
        .await
        .unwrap();
    assert!(!server.is_open(&cookie).await);
    // Enabled again, the old session stays ended.
    server
        .accounts
        .set_disabled(&root(), vic, false)
        .await
        .unwrap();
    for ended in [&first, &cookie] {
        let refused = server.get("/api/v1/me", ended).await;
        assert_refused(&server, &log, &refused, StatusCode::UNAUTHORIZED).await;
        assert!(!log.text().contains(ended.trim_start_matches("lockstep=")));
    }
}

#[tokio::test]
async fn attack_44_sessions_end_by_time() {
    let brief = SessionLimits {
        idle: Duration::from_secs(1),
        absolute: Duration::from_secs(3600),
    };
    let server = Server::at("http://localhost:8080", brief).await;
    let cookie = server.log_in("vic").await;
    assert!(server.is_open(&cookie).await);
    let log = Log::begin();
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while server.is_open(&cookie).await {
        assert!(
            std::time::Instant::now() < deadline,
            "the session does not end"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let refused = server.get("/api/v1/me", &cookie).await;
    assert_refused(&server, &log, &refused, StatusCode::UNAUTHORIZED).await;
    let page = server.get("/drift", &cookie).await;
    assert_eq!(page.header("location"), "/login?next=/drift");
}

#[tokio::test]
async fn attack_44_bent_cookies_are_simply_no_login() {
    let server = Server::start().await;
    let good = server.log_in("ada").await;
    let log = Log::begin();
    let cut = good.get(..good.len() - 3).unwrap().to_owned();
    let long = format!("lockstep={}", "A".repeat(8000));
    for cookie in [
        "lockstep=",
        "lockstep=%00",
        "lockstep=ÿ",
        "lockstep=\"x\"",
        "other=1",
        &cut,
        &long,
    ] {
        let answer = server.get("/api/v1/me", cookie).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{cookie:.40}");
        assert_refused(&server, &log, &answer, StatusCode::UNAUTHORIZED).await;
        assert!(
            cookie.len() < 20 || !log.text().contains(cookie),
            "{cookie:.40}"
        );
    }
}

#[tokio::test]
async fn attack_48_next_never_leads_elsewhere() {
    let server = Server::start().await;
    let log = Log::begin();
    for next in [
        "%2F%2Fevil.example",
        "https%3A%2F%2Fevil.example",
        "javascript%3Aalert(1)",
        "%2F%5Cevil.example",
        "%2Fa%0D%0ASet-Cookie%3A+x%3Dy",
        "%2Flogout",
    ] {
        let answer = server
            .form("/login", "", &login_body("ada", PASSWORD, next))
            .await;
        assert_eq!(answer.header("location"), "/", "{next}");
        assert!(!answer.text.contains("evil"), "{next}");
        assert_refused(&server, &log, &answer, StatusCode::SEE_OTHER).await;
    }
}
