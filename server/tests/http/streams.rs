//! The event stream: resumed without loss, closed to others, ended with the login.

use crate::harness::{Server, root};
use crate::log::{Log, assert_refused};
use axum::body::{Body, BodyDataStream};
use futures::StreamExt;
use http::{Request, StatusCode, header};
use lockstep_types::account::Role;
use lockstep_types::event::{EventKind, Subject};
use lockstep_types::id::SourceId;
use lockstep_types::policy::{PolicyFile, PolicyText};
use lockstep_types::ports::Accounts;
use lockstep_types::revision::TargetRevision;
use server::store;
use server::store::policy::PolicyRow;
use server::store::source::SourceFields;
use std::time::Duration;

struct Stream {
    body: BodyDataStream,
    text: String,
}

impl Stream {
    /// Reads until the text holds `wanted`, and gives all text so far.
    async fn until(&mut self, wanted: &str) -> &str {
        while !self.text.contains(wanted) {
            let next = tokio::time::timeout(Duration::from_secs(10), self.body.next()).await;
            let chunk = next.unwrap_or_else(|_| panic!("waiting for {wanted}, have {}", self.text));
            let chunk = chunk
                .unwrap_or_else(|| panic!("ended before {wanted}: {}", self.text))
                .unwrap();
            self.text.push_str(&String::from_utf8_lossy(&chunk));
        }
        &self.text
    }

    async fn ends(&mut self) {
        while let Ok(Some(chunk)) =
            tokio::time::timeout(Duration::from_secs(5), self.body.next()).await
        {
            self.text
                .push_str(&String::from_utf8_lossy(&chunk.unwrap()));
        }
    }

    fn ids(&self) -> Vec<u64> {
        self.text
            .lines()
            .filter_map(|line| line.strip_prefix("id: ")?.parse().ok())
            .collect()
    }
}

async fn open(server: &Server, cookie: &str, query: &str, headers: &[(&str, &str)]) -> Stream {
    let mut request = Request::builder()
        .uri(format!("/events{query}"))
        .header(header::HOST, server.host)
        .header(header::COOKIE, cookie);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = server.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert_eq!(answer.headers()["x-accel-buffering"], "no");
    Stream {
        body: answer.into_body().into_data_stream(),
        text: String::new(),
    }
}

async fn announce(server: &Server, names: &[&str]) -> u64 {
    let mut tx = server.store.begin().await.unwrap();
    for name in names {
        tx.announce(Subject::Cluster((*name).to_owned()), EventKind::Changed);
    }
    tx.commit().await.unwrap()
}

#[tokio::test]
async fn a_reader_resumes_without_loss() {
    let server = Server::start().await;
    let cookie = server.log_in("vic").await;
    let head = announce(&server, &["one"]).await;
    announce(&server, &["two", "three"]).await;

    let after = format!("?after={head}");
    let mut stream = open(&server, &cookie, &after, &[]).await;
    stream.until("three").await;
    announce(&server, &["four"]).await;
    stream.until("four").await;
    assert_eq!(stream.ids(), [head + 1, head + 2, head + 3]);
    assert!(!stream.text.contains("one"), "{}", stream.text);

    // The header that browsers send on reconnecting wins over the address.
    let last = (head + 2).to_string();
    let mut again = open(&server, &cookie, &after, &[("last-event-id", &last)]).await;
    again.until("four").await;
    assert_eq!(again.ids(), [head + 3]);
}

#[tokio::test]
async fn bursts_arrive_whole_and_in_order() {
    let server = Server::start().await;
    let cookie = server.log_in("vic").await;
    let head = announce(&server, &["start"]).await;
    let mut stream = open(&server, &cookie, &format!("?after={head}"), &[]).await;
    for burst in 0..30 {
        let names: Vec<String> = (0..100)
            .map(|number| format!("c-{burst}-{number}"))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        announce(&server, &names).await;
    }
    announce(&server, &["the-end"]).await;
    stream.until("the-end").await;
    let expected: Vec<u64> = (head + 1..=head + 3001).collect();
    assert_eq!(stream.ids(), expected);
}

#[tokio::test]
async fn a_number_that_is_not_in_the_log_asks_to_load_again() {
    let server = Server::start().await;
    let cookie = server.log_in("vic").await;
    let head = announce(&server, &["one"]).await;
    let mut stream = open(&server, &cookie, "?after=999999", &[]).await;
    stream.until("event: reset").await;
    stream.until(&format!("data: {head}")).await;
    announce(&server, &["two"]).await;
    stream.until("two").await;
    assert_eq!(stream.ids(), [head, head + 1]);
}

#[tokio::test]
async fn topics_leave_the_rest_out() {
    let server = Server::start().await;
    let cookie = server.log_in("vic").await;
    let head = announce(&server, &["start"]).await;
    let mut stream = open(&server, &cookie, &format!("?after={head}&cluster=eu"), &[]).await;
    announce(&server, &["us"]).await;
    announce(&server, &["eu"]).await;
    stream.until("eu").await;
    assert!(!stream.text.contains("us\""), "{}", stream.text);
}

#[tokio::test]
async fn attack_51_streams_of_other_origins_are_refused_at_the_handshake() {
    let server = Server::start().await;
    let cookie = server.log_in("vic").await;
    let log = Log::begin();
    for headers in [
        [
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "cross-site"),
        ],
        [("origin", "null"), ("x", "x")],
        [("sec-fetch-site", "same-site"), ("x", "x")],
    ] {
        let mut request = Request::builder()
            .uri("/events?after=0")
            .header(header::HOST, server.host)
            .header(header::COOKIE, &cookie);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = server.answer(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{headers:?}");
        assert_refused(&server, &log, &answer, StatusCode::FORBIDDEN).await;
    }
}

#[tokio::test]
async fn attack_43_a_stream_ends_with_its_login() {
    let server = Server::start().await;
    let vic = server.accounts.user_named("vic").await.unwrap();
    let log = Log::begin();
    for way in ["logout", "password", "disable"] {
        let cookie = server.log_in("vic").await;
        let head = announce(&server, &["start"]).await;
        let mut stream = open(&server, &cookie, &format!("?after={head}"), &[]).await;
        let began = std::time::Instant::now();
        match way {
            "logout" => drop(server.form("/logout", &cookie, "").await),
            "password" => server
                .accounts
                .set_password(&root(), vic, "", crate::harness::PASSWORD)
                .await
                .unwrap(),
            _ => server
                .accounts
                .set_disabled(&root(), vic, true)
                .await
                .unwrap(),
        }
        stream.until("event: logout").await;
        stream.ends().await;
        let path = format!("/events?after={head}");
        let again = server.get(&path, &cookie).await;
        assert_refused(&server, &log, &again, StatusCode::UNAUTHORIZED).await;
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{way}: {:?}",
            began.elapsed()
        );
    }
}

/// Puts these lines in force, as the reader of a root source does.
async fn in_force(server: &Server, source: SourceId, lines: &str) {
    let file = PolicyFile {
        name: "policy.csv".to_owned(),
        first_line: 1,
        text: lines.to_owned(),
    };
    let row = PolicyRow {
        source: Some(source),
        source_name: "root".to_owned(),
        body: Some(PolicyText {
            files: vec![file],
            ..PolicyText::default()
        }),
        ..PolicyRow::default()
    };
    let mut tx = server.store.begin().await.unwrap();
    store::policy::put(&mut tx, &row, true).await.unwrap();
    tx.commit().await.unwrap();
}

/// Two browsers: the rights of one change, and only its stream ends.
#[tokio::test]
async fn attack_43_a_right_that_is_taken_away_ends_the_stream_of_that_session_alone() {
    let server = Server::start().await;
    let fields = SourceFields {
        name: "root".to_owned(),
        repo_url: "https://git.example.com/root.git".to_owned(),
        path: String::new(),
        target_revision: TargetRevision("main".to_owned()),
        home_cluster: String::new(),
    };
    let mut tx = server.store.begin().await.unwrap();
    let source = store::source::create(&mut tx, &fields).await.unwrap().id;
    tx.commit().await.unwrap();
    in_force(&server, source, "g, vic, role:operator\n").await;
    let (vic, ada) = (server.log_in("vic").await, server.log_in("ada").await);
    let nil = uuid::Uuid::nil();
    let sync = async |cookie: &str| {
        let request = server
            .request("POST", &format!("/api/v1/apps/{nil}/targets/{nil}/sync"))
            .header(header::COOKIE, cookie)
            .header(header::CONTENT_TYPE, "application/json");
        server.answer(request.body(Body::from("{}")).unwrap()).await
    };
    assert_eq!(sync(&vic).await.status, StatusCode::OK);
    let head = announce(&server, &["start"]).await;
    let after = format!("?after={head}");
    let mut cut = open(&server, &vic, &after, &[]).await;
    let mut kept = open(&server, &ada, &after, &[]).await;
    let began = std::time::Instant::now();
    in_force(&server, source, "g, vic, role:viewer\n").await;
    let log = Log::begin();
    let refused = sync(&vic).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    cut.until("event: reset").await;
    cut.ends().await;
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    // What is left of the rights goes on, in the same session.
    assert!(server.is_open(&vic).await);
    announce(&server, &["later"]).await;
    assert!(!kept.until("later").await.contains("event: reset"));
    assert_eq!(sync(&ada).await.status, StatusCode::OK);
    assert_refused(&server, &log, &refused, StatusCode::FORBIDDEN).await;
}

#[tokio::test]
async fn attack_68_one_person_has_so_many_streams() {
    let server = Server::start().await;
    server.user("zoe", Role::Viewer).await;
    let cookie = server.log_in("vic").await;
    let mut streams = Vec::new();
    for _ in 0..32 {
        streams.push(open(&server, &cookie, "", &[]).await);
    }
    let log = Log::begin();
    let refused = server.get("/events", &cookie).await;
    assert_refused(&server, &log, &refused, StatusCode::TOO_MANY_REQUESTS).await;
    // Others are not concerned, and a closed one makes room.
    let other = server.log_in("zoe").await;
    streams.push(open(&server, &other, "", &[]).await);
    drop(streams.remove(0));
    open(&server, &cookie, "", &[]).await;
}

/// The address of the logs of a made-up target.
fn logs(query: &str) -> String {
    let none = uuid::Uuid::nil();
    format!("/api/v1/apps/{none}/targets/{none}/logs{query}")
}

fn asking(server: &Server, cookie: &str, address: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder()
        .uri(address)
        .header(header::HOST, server.host)
        .header(header::COOKIE, cookie);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn logs_are_text_or_events_and_errors_break_neither() {
    let server = Server::start().await;
    let cookie = server.log_in("vic").await;
    let answer = server
        .send(asking(&server, &cookie, &logs("?download=true"), &[]))
        .await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(
        answer.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    assert!(
        answer.headers()["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("attachment")
    );
    let mut stream = Stream {
        body: answer.into_body().into_data_stream(),
        text: String::new(),
    };
    stream.ends().await;
    assert_eq!(
        stream.text,
        "web-1/web line 1\nweb-1/web line 2\n# web of web-2: gone X-Evil: 1\n"
    );

    let events = [("accept", "text/event-stream")];
    let answer = server
        .send(asking(&server, &cookie, &logs(""), &events))
        .await;
    let mut stream = Stream {
        body: answer.into_body().into_data_stream(),
        text: String::new(),
    };
    let text = stream.until("event: end").await;
    assert!(
        text.contains(r#""text":"line 1""#)
            && text.contains("event: failed\ndata: web of web-2: gone X-Evil: 1"),
        "{text}"
    );

    for (query, headers, status) in [
        (
            "?object=nonsense",
            &[][..],
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        ("?colour=red", &[], StatusCode::UNPROCESSABLE_ENTITY),
        (
            "",
            &[("sec-fetch-site", "cross-site")],
            StatusCode::FORBIDDEN,
        ),
    ] {
        let answer = server
            .send(asking(&server, &cookie, &logs(query), headers))
            .await;
        assert_eq!(answer.status(), status, "{query} {headers:?}");
    }
}

#[tokio::test]
async fn a_log_that_never_pauses_ends_with_the_login() {
    let server = Server::start().await;
    let cookie = server.log_in("vic").await;
    let answer = server
        .send(asking(&server, &cookie, &logs("?follow=true"), &[]))
        .await;
    let mut body = answer.into_body().into_data_stream();
    let first = body.next().await.unwrap().unwrap();
    assert!(first.starts_with(b"web-1/web line 0"));
    let vic = server.accounts.user_named("vic").await.unwrap();
    server
        .accounts
        .set_disabled(&root(), vic, true)
        .await
        .unwrap();
    // It is looked at every four seconds.
    let ended = async { while body.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(10), ended)
        .await
        .unwrap();
}
