//! What every refusal is, whatever was tried: an answer that tells nothing of the inside, an entry in the log without what
//! was sent, and a server that goes on serving everybody else.

pub use crate::lines::{Log, install};

use crate::harness::{Answered, PASSWORD, Server};
use http::StatusCode;

/// How the log tells of a refusal: by the status of its request, or by words of its own where a redirect says no more.
#[derive(Debug, Clone, Copy)]
pub enum Told<'a> {
    Status(StatusCode),
    Words(&'a str),
}

impl From<StatusCode> for Told<'_> {
    fn from(status: StatusCode) -> Self {
        Self::Status(status)
    }
}

/// Whether a request was logged as answered with this status, or an entry with these words.
fn tells(log: &Log, told: Told<'_>) -> bool {
    log.entries().iter().any(|entry| match told {
        Told::Status(status) => entry["status"] == status.as_u16(),
        Told::Words(words) => entry["message"] == words,
    })
}

/// See the module. `answer` is a refusal, or leads elsewhere.
pub async fn assert_refused<'a>(
    server: &Server,
    log: &Log,
    answer: &Answered,
    told: impl Into<Told<'a>>,
) {
    let told = told.into();
    let status = answer.status;
    if let Told::Status(expected) = told {
        assert_eq!(status, expected, "{}", answer.text);
    }
    assert!(!status.is_success(), "{status} {}", answer.text);
    let kind = answer.header("content-type");
    if kind.contains("json") && answer.json().get("title").is_some() {
        assert_eq!(kind, "application/problem+json");
        let problem = answer.json();
        assert_eq!(problem["status"], status.as_u16(), "{problem}");
        assert_ne!(problem["detail"], "", "{problem}");
    }
    assert_closed(log, &answer.text, told);
    still_serves(server).await;
}

/// Where what was tried is answered, and has no effect: the same without the refusal.
pub async fn assert_without_effect(server: &Server, log: &Log, answer: &Answered) {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_closed(log, &answer.text, Told::Status(StatusCode::OK));
    still_serves(server).await;
}

/// The body and the log give nothing away, and the log tells of the request.
fn assert_closed(log: &Log, body: &str, told: Told<'_>) {
    for inside in ["panicked", ".rs:", "sqlite", "sqlx", "SELECT ", PASSWORD] {
        assert!(!body.contains(inside), "{inside}: {body}");
    }
    assert!(tells(log, told), "no entry {told:?} in {}", log.text());
    assert!(!log.text().contains(PASSWORD), "{}", log.text());
}

/// Everybody else is served as before.
pub async fn still_serves(server: &Server) {
    let health = server.get("/healthz", "").await;
    assert_eq!(
        (health.status, health.text.as_str()),
        (StatusCode::OK, "ok\n")
    );
    if server.accounts.user_named("ada").await.is_ok() {
        let cookie = server.log_in("ada").await;
        assert!(server.is_open(&cookie).await, "nobody gets in any more");
    }
}
