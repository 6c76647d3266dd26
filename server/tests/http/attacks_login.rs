//! Guessing from many places and with many names, and what a login tells about accounts.

use crate::harness::{Answered, PASSWORD, Server, login_body};
use crate::log::{Log, Told, assert_refused, assert_without_effect};
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::{StatusCode, header};
use lockstep_types::account::Role;
use server::http::Peer;
use server::store::audit::{self, AuditQuery};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

const FORM: &str = "application/x-www-form-urlencoded";

/// A login whose connection comes from `peer`, which claims to speak for `forwarded`.
async fn from(server: &Server, peer: &str, forwarded: &str, body: String) -> Answered {
    let mut request = server
        .request("POST", "/login")
        .header(header::CONTENT_TYPE, FORM);
    if !forwarded.is_empty() {
        request = request.header("x-forwarded-for", forwarded);
    }
    let mut request = request.body(Body::from(body)).unwrap();
    let ip: IpAddr = peer.parse().unwrap();
    request
        .extensions_mut()
        .insert(ConnectInfo(Peer(SocketAddr::new(ip, 40_000))));
    server.answer(request).await
}

fn wrong(name: &str) -> String {
    login_body(name, "wrong password", "")
}

#[tokio::test]
async fn attack_38_a_list_of_passwords_is_checked_five_times() {
    let server = Server::start().await;
    let log = Log::begin();
    let began = Instant::now();
    let mut checked = 0;
    for number in 0..2_000 {
        let body = login_body("vic", &format!("guess number {number}"), "");
        match from(&server, "198.51.100.7", "", body).await.status {
            StatusCode::SEE_OTHER => checked += 1,
            status => assert_eq!(status, StatusCode::TOO_MANY_REQUESTS),
        }
    }
    assert_eq!(checked, 5);
    assert!(
        began.elapsed() < Duration::from_secs(60),
        "{:?}",
        began.elapsed()
    );
    assert!(log.refused(429));
    let text = log.text();
    assert!(text.contains("throttled") && text.contains("198.51.100.7"));
    assert!(!text.contains("guess number"));
    let last = from(&server, "198.51.100.7", "", wrong("vic")).await;
    assert_refused(&server, &log, &last, StatusCode::TOO_MANY_REQUESTS).await;
}

#[tokio::test]
async fn attack_39_many_names_evict_no_counter_and_add_few() {
    let server = Server::start().await;
    let log = Log::begin();
    for _ in 0..6 {
        from(&server, "198.51.100.7", "", wrong("vic")).await;
    }
    // One address tries names that nobody has: after some it is not even counted any more.
    let mut last = StatusCode::OK;
    for number in 0..200 {
        last = from(
            &server,
            "198.51.100.7",
            "",
            wrong(&format!("nobody{number}")),
        )
        .await
        .status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let still = from(&server, "198.51.100.7", "", login_body("vic", PASSWORD, "")).await;
    assert_refused(&server, &log, &still, StatusCode::TOO_MANY_REQUESTS).await;
    // Others are not concerned.
    let other = from(&server, "203.0.113.1", "", login_body("vic", PASSWORD, "")).await;
    assert_eq!(other.header("location"), "/");
}

/// Names that nobody has fill what is written of strangers; whoever is behind them is still seen at a real account.
#[tokio::test]
async fn attack_39_a_crowd_of_names_hides_no_guess_at_an_account() {
    let server = Server::start().await;
    let log = Log::begin();
    let at = |number: usize| format!("198.18.{}.{}", number / 250, number % 250 + 1);
    for number in 0..80 {
        let guess = wrong(&format!("nobody{number}"));
        from(&server, &at(number), "", guess).await;
    }
    let guessed = from(&server, &at(100), "", wrong("vic")).await;
    let told = Told::Words("a login failed");
    assert_refused(&server, &log, &guessed, told).await;
    assert!(server.accounts.refusals_are_written().await);
    let query = AuditQuery {
        filter: "log in failed".to_owned(),
        limit: 200,
        ..AuditQuery::default()
    };
    let rows = audit::list(&server.store, &query).await.unwrap();
    let of = |name: &str| rows.iter().filter(|row| row.act.actor == name).count();
    assert_eq!((of("unknown name"), of("vic")), (60, 1));
    let row = rows.iter().find(|row| row.act.actor == "vic").unwrap();
    assert_eq!(row.act.subject, format!("from {}", at(100)));
    assert_eq!(row.act.detail["address"], at(100));
}

#[tokio::test]
async fn attack_39_only_a_trusted_proxy_says_who_asks() {
    let proxy = "10.0.0.9";
    let server = Server::behind(&[proxy.parse().unwrap()]).await;
    let log = Log::begin();
    // A stranger claims another address each time, and is counted by its own.
    let mut statuses = Vec::new();
    for number in 0..6 {
        let claimed = format!("203.0.113.{number}");
        statuses.push(
            from(&server, "198.51.100.7", &claimed, wrong("vic"))
                .await
                .status,
        );
    }
    assert_eq!(statuses[5], StatusCode::TOO_MANY_REQUESTS);
    // Behind the proxy the last hop counts, whatever stands before it.
    for number in 0..6 {
        let claimed = format!("203.0.113.{number}, 192.0.2.1");
        statuses.push(from(&server, proxy, &claimed, wrong("ada")).await.status);
    }
    assert_eq!(statuses[11], StatusCode::TOO_MANY_REQUESTS);
    let neighbour = from(&server, proxy, "192.0.2.2", login_body("ada", PASSWORD, "")).await;
    assert_eq!(neighbour.header("location"), "/");
    let refused = from(&server, proxy, "203.0.113.9, 192.0.2.1", wrong("ada")).await;
    assert_refused(&server, &log, &refused, StatusCode::TOO_MANY_REQUESTS).await;
}

/// What stands left of a word that is no address is a claim of whoever sent it.
#[tokio::test]
async fn attack_39_words_that_are_no_address_hide_no_caller() {
    let (proxy, inner) = ("10.0.0.9", "10.0.0.8");
    for last in [
        "unknown",
        "",
        "_hidden",
        "192.0.2.1:5000",
        "[2001:db8::1]:5000",
        "[2001:db8::1]",
        "192.0.2.1, unknown, 10.0.0.8",
    ] {
        let proxies = [proxy.parse().unwrap(), inner.parse().unwrap()];
        let server = Server::behind(&proxies).await;
        let log = Log::begin();
        let mut statuses = Vec::new();
        for number in 0..6 {
            let claimed = format!("203.0.113.{number}, {last}");
            statuses.push(from(&server, proxy, &claimed, wrong("vic")).await.status);
        }
        assert_eq!(statuses[5], StatusCode::TOO_MANY_REQUESTS, "{last}");
        let claimed = format!("203.0.113.9, {last}");
        let refused = from(&server, proxy, &claimed, wrong("vic")).await;
        assert_refused(&server, &log, &refused, StatusCode::TOO_MANY_REQUESTS).await;
    }
    // A port is no part of the address: another one behind the same proxy is another caller.
    let server = Server::behind(&[proxy.parse().unwrap()]).await;
    for number in 0..6 {
        from(&server, proxy, &format!("192.0.2.1:{number}"), wrong("ada")).await;
    }
    let own = login_body("ada", PASSWORD, "");
    let neighbour = from(&server, proxy, "192.0.2.2:5000", own).await;
    assert_eq!(neighbour.header("location"), "/");
}

#[tokio::test]
async fn attack_40_failing_on_purpose_locks_nobody_out_elsewhere() {
    let server = Server::start().await;
    let cookie = server.log_in("ada").await;
    let log = Log::begin();
    for _ in 0..50 {
        from(&server, "198.51.100.7", "", wrong("ada")).await;
    }
    let refused = from(&server, "198.51.100.7", "", wrong("ada")).await;
    assert_refused(&server, &log, &refused, StatusCode::TOO_MANY_REQUESTS).await;
    assert!(server.is_open(&cookie).await);
    let own = from(&server, "203.0.113.5", "", login_body("ada", PASSWORD, "")).await;
    assert_eq!(
        (own.status, own.header("location")),
        (StatusCode::SEE_OTHER, "/")
    );
}

#[tokio::test]
async fn attack_41_an_unknown_name_takes_as_long_as_a_wrong_password() {
    let server = Server::start().await;
    for number in 0..12 {
        server.user(&format!("user{number}"), Role::Viewer).await;
    }
    {
        let log = Log::begin();
        let refused = from(&server, "198.51.100.9", "", wrong("nobody")).await;
        assert_refused(&server, &log, &refused, Told::Words("a login failed")).await;
    }
    // In turns, so that whatever else the machine does falls on both; a hash that is left out would never come near.
    let mut address = 0_u16;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    let mut apart = f64::MAX;
    for _ in 0..20 {
        for number in 0..12 {
            let mut pair = [
                (format!("user{number}"), &mut known),
                (format!("nobody{number}"), &mut unknown),
            ];
            // Each is the first as often: who comes second finds other memory and another thread.
            if number % 2 == 1 {
                pair.reverse();
            }
            for (name, times) in pair {
                address += 1;
                let peer = format!("198.18.{}.{}", address / 250, address % 250 + 1);
                let began = Instant::now();
                let answer = from(&server, &peer, "", wrong(&name)).await;
                times.push(began.elapsed());
                assert_eq!(answer.header("location"), "/login?error=invalid");
            }
        }
        known.sort();
        unknown.sort();
        // The fastest are the least disturbed, and the more there are, the less: a busy machine needs more of them.
        let (known, unknown) = (known[1].as_secs_f64(), unknown[1].as_secs_f64());
        apart = (known / unknown - 1.0).abs();
        if apart <= 0.05 {
            return;
        }
    }
    panic!(
        "an unknown name takes {:.0} % longer or shorter",
        apart * 100.0
    );
}

#[tokio::test]
async fn attack_43_44_a_cookie_of_another_kind_is_led_to_the_login() {
    let server = Server::start().await;
    let log = Log::begin();
    let good = server.log_in("vic").await;
    server.form("/logout", &good, "").await;
    for cookie in [good.as_str(), "lockstep=forged", "__Host-lockstep=x"] {
        let page = server.get("/drift", cookie).await;
        assert_eq!(
            (page.status, page.header("location")),
            (StatusCode::SEE_OTHER, "/login?next=/drift"),
            "{cookie}"
        );
        let api = server.get("/api/v1/me", cookie).await;
        assert_eq!(api.status, StatusCode::UNAUTHORIZED);
        assert!(!api.text.contains("ada") && !api.text.contains("vic"));
        assert_refused(&server, &log, &api, StatusCode::UNAUTHORIZED).await;
    }
    assert!(log.refused(401));
    assert!(!log.text().contains(good.trim_start_matches("lockstep=")));
}

#[tokio::test]
async fn attack_45_passwords_that_everybody_knows_are_refused() {
    let server = Server::start().await;
    let token = server.token("ada").await;
    let log = Log::begin();
    let long = "x".repeat(129);
    let huge = "x".repeat(900_000);
    for (password, taken) in [
        ("", false),
        ("seven77", false),
        ("password1", false),
        ("qwertyuiop", false),
        ("12345678", false),
        (long.as_str(), false),
        (huge.as_str(), false),
        ("Zwölf Boxkämpfer jagen", true),
        (&"many words in a row ".repeat(6), true),
    ] {
        let name = format!("new{}", password.len());
        let body = serde_json::json!({ "name": name, "password": password, "role": "Viewer" });
        let began = Instant::now();
        let answer = server.api("POST", "/users", &token, Some(body)).await;
        let expected = if taken {
            StatusCode::OK
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        };
        assert_eq!(answer.status, expected, "{password:.30} {}", answer.text);
        if !taken {
            assert_eq!(answer.json()["field"], "password", "{password:.30}");
            assert_refused(&server, &log, &answer, StatusCode::UNPROCESSABLE_ENTITY).await;
            assert!(password.is_empty() || !log.text().contains(&format!("\"{password}\"")));
        }
        // A long one is refused before it costs anything.
        assert!(password.len() < 129 || began.elapsed() < Duration::from_secs(2));
        assert!(password.is_empty() || !answer.text.contains(password));
    }
}

#[tokio::test]
async fn attack_48_the_login_page_echoes_no_text() {
    let server = Server::start().await;
    let log = Log::begin();
    for query in [
        "error=Your+account+is+locked,+call+0900",
        "error=%3Cscript%3Ealert(1)%3C/script%3E",
        "message=call+0900&error=invalid",
        "next=%2F%3Cscript%3Ecall+0900",
        "error=invalid&next=javascript:call+0900",
    ] {
        let page = server.get(&format!("/login?{query}"), "").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(
            !page.text.contains("0900") && !page.text.contains("alert(1)"),
            "{query}"
        );
        assert_without_effect(&server, &log, &page).await;
    }
    // Nor does the log: addresses are in it without their queries.
    assert!(!log.text().contains("0900") && !log.text().contains("alert(1)"));
}
