//! What pages let others do: frames, scripts in what the server wrote, files beside the site, answers kept after logout.

use crate::harness::Server;
use crate::log::{Log, assert_refused, assert_without_effect, still_serves};
use axum::body::Body;
use http::{StatusCode, header};

/// The parts of the policy by name.
fn policy(text: &str) -> std::collections::BTreeMap<String, Vec<String>> {
    text.split(';')
        .filter_map(|rule| {
            let mut words = rule.split_whitespace().map(str::to_owned);
            Some((words.next()?, words.collect()))
        })
        .collect()
}

#[tokio::test]
async fn attack_54_a_page_runs_only_the_scripts_that_it_was_sent_with() {
    let server = Server::start().await;
    let cookie = server.log_in("ada").await;
    let log = Log::begin();
    let bad = "%3C/script%3E%3Cscript%3Ealert(1)%3C/script%3E%E2%80%A8%3C!--";
    for path in [
        "/".to_owned(),
        format!("/?q={bad}"),
        format!("/activity?q={bad}"),
        format!("/clusters/{bad}"),
        format!("/settings?tab={bad}"),
        format!("/no/{bad}"),
    ] {
        let page = server.get(&path, &cookie).await;
        assert!(page.text.contains("</html>"), "{path}");
        let rules = policy(page.header("content-security-policy"));
        assert_eq!(rules["default-src"], ["'none'"]);
        assert_eq!(rules["base-uri"], ["'none'"]);
        assert_eq!(rules["frame-ancestors"], ["'none'"]);
        assert_eq!(rules["form-action"], ["'self'"]);
        assert_eq!(rules["connect-src"], ["'self'"]);
        let scripts = &rules["script-src"];
        assert!(
            scripts.iter().any(|word| word.starts_with("'nonce-")),
            "{scripts:?}"
        );
        for open in [
            "'unsafe-inline'",
            "'unsafe-eval'",
            "*",
            "https:",
            "data:",
            "'strict-dynamic'",
        ] {
            assert!(!scripts.iter().any(|word| word == open), "{path} {open}");
        }
        let nonce = scripts
            .iter()
            .find_map(|word| word.strip_prefix("'nonce-")?.strip_suffix('\''))
            .unwrap();
        for tag in page.text.split("<script").skip(1) {
            let tag = tag.split('>').next().unwrap_or_default();
            assert!(
                tag.contains(&format!("nonce=\"{nonce}\"")),
                "{path}: <script{tag}>"
            );
        }
        assert!(!page.text.contains("<script>alert(1)"), "{path}");
        // No element carries a handler in its attributes.
        for handler in [
            " onclick=",
            " onload=",
            " onerror=",
            " onsubmit=",
            "javascript:",
        ] {
            assert!(!page.text.contains(handler), "{path} {handler}");
        }
        if page.status == StatusCode::OK {
            assert_without_effect(&server, &log, &page).await;
        } else {
            assert_refused(&server, &log, &page, StatusCode::NOT_FOUND).await;
        }
    }
}

#[tokio::test]
async fn attack_55_nothing_of_a_session_is_kept_and_documents_are_told_apart() {
    let server = Server::start().await;
    let cookie = server.log_in("ada").await;
    let log = Log::begin();
    for path in [
        "/",
        "/drift",
        "/settings",
        "/api/v1/me",
        "/api/v1/fleet",
        "/metrics",
    ] {
        let answer = server.get(path, &cookie).await;
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(
            answer.header("cross-origin-opener-policy"),
            "same-origin",
            "{path}"
        );
        assert_eq!(
            answer.header("cross-origin-resource-policy"),
            "same-origin",
            "{path}"
        );
        assert!(!answer.header("content-type").is_empty(), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
    // Another site asks before it sends: it is told nothing that would let it.
    let asked = server
        .request("OPTIONS", "/api/v1/fleet")
        .header(header::ORIGIN, "https://evil.example")
        .header("access-control-request-method", "POST")
        .header(header::COOKIE, &cookie)
        .body(Body::empty())
        .unwrap();
    let asked = server.answer(asked).await;
    assert_eq!(asked.header("access-control-allow-origin"), "");
    assert_eq!(asked.header("access-control-allow-credentials"), "");
    assert_refused(&server, &log, &asked, StatusCode::METHOD_NOT_ALLOWED).await;
    // After the logout nothing of it is answered any more.
    server.form("/logout", &cookie, "").await;
    let gone = server.get("/api/v1/fleet", &cookie).await;
    assert_refused(&server, &log, &gone, StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn attack_49_refusals_are_logged_without_what_was_sent() {
    let server = Server::start().await;
    let cookie = server.log_in("ada").await;
    let log = Log::begin();
    let post = |headers: &[(&str, &str)], kind: &str| {
        let mut request = http::Request::builder()
            .method("POST")
            .uri("/api/v1/sources?secret=in-the-address")
            .header(header::HOST, server.host)
            .header(header::COOKIE, &cookie)
            .header(header::CONTENT_TYPE, kind);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
            .body(Body::from(r#"{"password":"hunter2"}"#))
            .unwrap()
    };
    let foreign = post(&[("origin", "https://evil.example")], "application/json");
    let foreign = server.answer(foreign).await;
    assert_refused(&server, &log, &foreign, StatusCode::FORBIDDEN).await;
    let typed = post(&[("sec-fetch-site", "same-origin")], "text/plain");
    assert_eq!(
        server.answer(typed).await.status,
        StatusCode::UNSUPPORTED_MEDIA_TYPE
    );
    assert!(log.refused(403) && log.refused(415));
    let text = log.text();
    assert!(text.contains("/api/v1/sources"), "{text}");
    for secret in ["hunter2", "in-the-address", "evil.example"] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert_eq!(server.fake.acts(), 0);
    assert!(server.is_open(&cookie).await);
}

#[tokio::test]
async fn attack_70_nothing_beside_the_site_is_served_and_health_says_only_ok() {
    let server = Server::start().await;
    let log = Log::begin();
    for path in [
        "/pkg/..%2f..%2fsecret.txt",
        "/pkg/..%5c..%5csecret.txt",
        "/pkg/%2e%2e/secret.txt",
        "//pkg/../secret.txt",
        "/.env",
        "/.git/HEAD",
        "/.git/config.json",
        "/pkg/.hidden.json",
        "/pkg/lockstep.js.map",
        "/pkg/lockstep.wasm.map",
        "/lockstep.toml",
        "/lockstep.db",
        "/vault.key",
        "/debug/pprof",
        "/server-status",
        "/actuator/env",
    ] {
        let answer = server.get(path, "").await;
        assert!(
            matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::SEE_OTHER),
            "{path}: {}",
            answer.status
        );
        assert!(!answer.text.contains("outside"), "{path}");
        assert_refused(&server, &log, &answer, answer.status).await;
    }
    assert_eq!(
        server.get("/metrics", "").await.status,
        StatusCode::NOT_FOUND
    );
    for path in ["/healthz", "/readyz"] {
        let health = server.get(path, "").await;
        assert_eq!(
            (health.status, health.text.as_str()),
            (StatusCode::OK, "ok\n")
        );
    }
    for name in ["server", "x-powered-by", "via"] {
        assert_eq!(server.get("/healthz", "").await.header(name), "");
    }
    still_serves(&server).await;
}

/// Listing the pages holds up what pages read, in the whole process: see `app::listed`.
#[tokio::test]
async fn pages_are_shown_while_another_server_starts() {
    let server = Server::start().await;
    let cookie = server.log_in("ada").await;
    let others = std::thread::spawn(|| {
        let alone = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        for _ in 0..20 {
            alone.block_on(Server::start());
        }
    });
    while !others.is_finished() {
        let page = server.get("/", &cookie).await;
        assert_eq!(page.status, StatusCode::OK);
    }
    others.join().unwrap();
}
