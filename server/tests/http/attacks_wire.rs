//! What hangs on connections: bytes as an attacker writes them, against the real listener on a real port.

use crate::harness::{PASSWORD, Server, login_body};
use crate::log::{Log, Told, assert_refused, still_serves};
use axum::body::Body;
use http::{StatusCode, header};
use server::http::{Limits, Peer, TimedListener};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SOON: Duration = Duration::from_secs(20);

/// Serves the router of a test on a port of its own.
async fn listen(server: &Server, limits: Limits) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = server
        .router
        .clone()
        .into_make_service_with_connect_info::<Peer>();
    tokio::spawn(async move {
        axum::serve(TimedListener::new(listener, limits), service)
            .await
            .unwrap();
    });
    address
}

/// Writes bytes on a new connection and reads until it is closed, or until an answer has had time to come.
async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // It may be closed while we write.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let wait = if answer.is_empty() {
            SOON
        } else {
            Duration::from_millis(300)
        };
        match tokio::time::timeout(wait, stream.read(&mut buffer)).await {
            Ok(Ok(read @ 1..)) => answer.extend_from_slice(&buffer[..read]),
            _ => return String::from_utf8_lossy(&answer).into_owned(),
        }
    }
}

fn statuses(answer: &str) -> Vec<&str> {
    answer
        .split("HTTP/1.1 ")
        .skip(1)
        .filter_map(|rest| rest.get(..3))
        .collect()
}

#[tokio::test]
async fn attack_67_smuggled_and_bent_requests_end_with_their_connection() {
    let server = Server::start().await;
    let log = Log::begin();
    let address = listen(&server, Limits::default()).await;
    let host = "Host: localhost:8080\r\n";
    for (what, bytes, expected) in [
        (
            "two lengths",
            format!(
                "POST /login HTTP/1.1\r\n{host}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"
            ),
            &["400"][..],
        ),
        (
            "a length that is none",
            format!("POST /login HTTP/1.1\r\n{host}Content-Length: +4\r\n\r\nabcd"),
            &["400"],
        ),
        (
            "another coding than chunked",
            format!("POST /login HTTP/1.1\r\n{host}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
            &["400"],
        ),
        (
            "chunked not last",
            format!(
                "POST /login HTTP/1.1\r\n{host}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"
            ),
            &["400"],
        ),
        (
            "a space before the colon",
            format!("GET /healthz HTTP/1.1\r\n{host}X : y\r\n\r\n"),
            &["400"],
        ),
        (
            "a folded header",
            format!("GET /healthz HTTP/1.1\r\n{host}X: y\r\n z\r\n\r\n"),
            &["400"],
        ),
        (
            "a null byte",
            format!("GET /healthz HTTP/1.1\r\n{host}X: a\0b\r\n\r\n"),
            &["400"],
        ),
        (
            "HTTP/2 where nobody agreed on it",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_owned(),
            &[],
        ),
    ] {
        let answer = raw(address, bytes.as_bytes()).await;
        let found = statuses(&answer);
        assert!(
            found == expected || found.is_empty() || expected.is_empty() && found == ["400"],
            "{what}: {answer}"
        );
        assert!(!answer.contains("ok\n"), "{what}: {answer}");
    }
    // What hides behind a body is a request of its own, with no rights but its own.
    let hidden = format!(
        "POST /api/v1/login HTTP/1.1\r\n{host}Content-Type: application/json\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/v1/me HTTP/1.1\r\n{host}\r\n"
    );
    let answer = raw(address, hidden.as_bytes()).await;
    assert!(
        statuses(&answer)
            .iter()
            .all(|status| matches!(*status, "400" | "401" | "415" | "422")),
        "{answer}"
    );
    // What hides gets no answer that only somebody gets; whatever reached a handler is in the log, each by itself.
    for entry in log
        .entries()
        .iter()
        .filter(|entry| entry.get("status").is_some())
    {
        assert!(entry["status"].as_u64() >= Some(400), "{entry}");
    }
    let outer = |entry: &serde_json::Value| entry["span"]["path"] == "/api/v1/login";
    let hidden = |entry: &serde_json::Value| entry["span"]["path"] == "/api/v1/me";
    assert!(log.entries().iter().any(outer), "{}", log.text());
    assert!(!log.entries().iter().any(hidden), "{}", log.text());
    still_serves(&server).await;
    assert!(
        raw(
            address,
            format!("GET /healthz HTTP/1.1\r\n{host}\r\n").as_bytes()
        )
        .await
        .ends_with("ok\n")
    );
}

#[tokio::test]
async fn attack_67_headers_addresses_and_methods_have_limits() {
    let server = Server::start().await;
    let cookie = server.log_in("ada").await;
    let log = Log::begin();
    let large = server
        .request("GET", "/healthz")
        .header("x-large", "a".repeat(64 * 1024));
    let large = server.answer(large.body(Body::empty()).unwrap()).await;
    assert_refused(
        &server,
        &log,
        &large,
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    )
    .await;
    assert!(log.refused(431));
    let long = format!("/api/v1/fleet?filter={}", "a".repeat(20_000));
    assert_eq!(
        server.get(&long, &cookie).await.status,
        StatusCode::URI_TOO_LONG
    );
    for method in ["TRACE", "CONNECT", "PUT", "PATCH", "PROPFIND"] {
        let request = server
            .request(method, "/drift")
            .header(header::COOKIE, &cookie)
            .body(Body::empty())
            .unwrap();
        let answer = server.answer(request).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert!(!answer.text.contains(&cookie), "{method}");
    }
    assert!(log.refused(405));
    assert!(server.is_open(&cookie).await);
    // Hundreds of headers are refused by the parser.
    let address = listen(&server, Limits::default()).await;
    let many: String = (0..500)
        .map(|number| format!("x-{number}: y\r\n"))
        .collect();
    let answer = raw(
        address,
        format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{many}\r\n").as_bytes(),
    )
    .await;
    assert_eq!(statuses(&answer), ["431"], "{answer}");
}

#[tokio::test]
async fn attack_67_slow_connections_do_not_keep_others_waiting() {
    let server = Server::start().await;
    let cookie = server.log_in("ada").await;
    let limits = Limits {
        headers: Duration::from_secs(3),
        per_address: 300,
        ..Limits::default()
    };
    let address = listen(&server, limits).await;
    let log = Log::begin();
    let ask = format!(
        "GET /api/v1/me HTTP/1.1\r\nHost: localhost:8080\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
    );
    let mut slow = Vec::new();
    for number in 0..299 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let begun = if number % 2 == 0 {
            &b"GET / HTTP/1.1\r\nHost: a\r\nX: "[..]
        } else {
            b""
        };
        stream.write_all(begun).await.unwrap();
        slow.push(stream);
    }
    let began = Instant::now();
    assert_eq!(statuses(&raw(address, ask.as_bytes()).await), ["200"]);
    // No more than so many of one address; and all of them end by themselves.
    let mut extra = Vec::new();
    for _ in 0..20 {
        extra.push(TcpStream::connect(address).await.unwrap());
    }
    let mut byte = [0];
    for stream in &mut slow {
        let read = tokio::time::timeout(SOON, stream.read(&mut byte)).await;
        // Ended without an answer, or with one that says that it took too long.
        assert!(
            read.is_ok(),
            "a slow connection is still open after {:?}",
            began.elapsed()
        );
    }
    drop(extra);
    assert_eq!(statuses(&raw(address, ask.as_bytes()).await), ["200"]);
    let refused = |entry: &serde_json::Value| entry["event.name"] == "connection.refused";
    assert!(log.entries().iter().any(refused), "{}", log.text());
    still_serves(&server).await;
}

#[tokio::test]
async fn attack_66_a_delivery_has_two_megabytes_and_its_signature_first() {
    let server = Server::start().await;
    let log = Log::begin();
    let address = listen(&server, Limits::default()).await;
    // Announced too large: refused before it is sent.
    let huge = "POST /api/webhooks/gitlab HTTP/1.1\r\nHost: localhost:8080\r\nContent-Type: application/json\r\nX-Gitlab-Token: right\r\nContent-Length: 1073741824\r\n\r\n{";
    assert_eq!(statuses(&raw(address, huge.as_bytes()).await), ["413"]);
    // Not announced, and endless: cut off.
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "POST /api/webhooks/gitlab HTTP/1.1\r\nHost: localhost:8080\r\nContent-Type: application/json\r\nX-Gitlab-Token: right\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(65_536));
    let mut sent = 0;
    while sent < 512 && stream.write_all(chunk.as_bytes()).await.is_ok() {
        sent += 1;
    }
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(!statuses(&answer).contains(&"202"), "{answer}");
    for provider in [
        "github",
        "gitlab",
        "gitea",
        "bitbucket",
        "azure-devops",
        "generic",
    ] {
        for body in [
            "",
            "null",
            "[]",
            "{\"repository\":null,\"ref\":7}",
            "\0",
            "not JSON",
        ] {
            let request = server
                .request("POST", &format!("/api/webhooks/{provider}"))
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body))
                .unwrap();
            let answer = server.answer(request).await;
            let expected = [StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND];
            assert!(
                expected.contains(&answer.status),
                "{provider} {body:?}: {}",
                answer.status
            );
            assert!(body.len() < 5 || !answer.text.contains(body));
            assert!(body.len() < 5 || !log.text().contains(body));
            assert_refused(&server, &log, &answer, answer.status).await;
        }
    }
    assert!(log.refused(413), "{}", log.text());
    assert!(
        raw(
            address,
            b"GET /healthz HTTP/1.1\r\nHost: localhost:8080\r\n\r\n"
        )
        .await
        .ends_with("ok\n")
    );
}

#[tokio::test]
async fn attack_69_nothing_that_was_sent_breaks_a_query_or_a_line_of_the_log() {
    let server = Server::start().await;
    let cookie = server.log_in("ada").await;
    let log = Log::begin();
    for filter in [
        "%27%20OR%201=1--",
        "%22;DROP%20TABLE%20account;--",
        "%25%25%25",
        "a%0d%0alevel=error%20msg=forged",
        "%00",
        "%F0%9F%92%A9",
    ] {
        for path in [
            format!("/api/v1/fleet?filter={filter}"),
            format!("/api/v1/activity?filter={filter}"),
            format!("/api/v1/commits/{filter}/rollout"),
            format!("/api/v1/clusters/{filter}"),
            format!("/{filter}"),
        ] {
            let answer = server.get(&path, &cookie).await;
            assert!(answer.status.as_u16() < 500, "{path}: {}", answer.status);
            assert!(!answer.text.to_lowercase().contains("sqlite"), "{path}");
        }
    }
    let forged = login_body("ada%0d%0alevel=ERROR+forged%1b%5b31m", PASSWORD, "");
    let forged = server.form("/login", "", &forged).await;
    assert_eq!(forged.status, StatusCode::SEE_OTHER);
    assert_refused(&server, &log, &forged, Told::Words("a login failed")).await;
    // Each entry is one line of JSON, and no field of one came from a reader.
    for entry in log.entries() {
        assert_ne!(entry["level"], "ERROR", "{entry}");
        assert!(!entry.to_string().contains('\u{1b}'), "{entry}");
    }
    assert!(server.is_open(&cookie).await);
    assert_eq!(
        server
            .get("/api/v1/users", &cookie)
            .await
            .json()
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn attack_68_pages_of_lists_are_bounded() {
    let server = Server::start().await;
    let cookie = server.log_in("ada").await;
    let log = Log::begin();
    for (path, expected) in [
        ("/api/v1/activity?limit=1000000", StatusCode::OK),
        (
            "/api/v1/activity?limit=1000000000",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        ("/api/v1/activity?before=-1", StatusCode::OK),
        (
            "/api/v1/activity?limit=-1",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (
            "/api/v1/activity?limit=99999999999999999999",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        ("/api/v1/fleet?page=-1", StatusCode::UNPROCESSABLE_ENTITY),
        (
            "/api/v1/fleet?sort=1;drop",
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        ("/events?after=-1", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let answer = server.get(path, &cookie).await;
        assert_eq!(answer.status, expected, "{path}");
        if !expected.is_success() {
            assert_refused(&server, &log, &answer, expected).await;
        }
    }
}
