//! What a test's own thread logged, as the server's log would have it.
//!
//! One subscriber serves all tests of the program: with one each, an entry that is first written while another test sets
//! up its own may be taken for one that nobody wants.

use crate::harness::{Answered, PASSWORD, Server};
use http::StatusCode;
use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

thread_local! {
    static LINES: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Collects until it is dropped. Tests run on one thread each, and so does everything that they await.
pub struct Log;

struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LINES.with_borrow_mut(|lines| {
            if let Some(lines) = lines {
                lines.extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Before the first entry is written.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(|| Lines)
            .init();
    });
}

impl Log {
    /// From now on, down to debug, in JSON as a server behind a supervisor writes it.
    pub fn begin() -> Self {
        install();
        LINES.set(Some(Vec::new()));
        Self
    }

    pub fn text(&self) -> String {
        let lines = LINES.with_borrow(Clone::clone);
        String::from_utf8_lossy(&lines.unwrap_or_default()).into_owned()
    }

    /// The entries, each of which must be one line of JSON.
    pub fn entries(&self) -> Vec<serde_json::Value> {
        self.text()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no entry: {line}")))
            .collect()
    }

    /// Whether a request was logged as answered with this status, or an entry with these words.
    fn tells(&self, told: Told<'_>) -> bool {
        self.entries().iter().any(|entry| match told {
            Told::Status(status) => entry["status"] == status.as_u16(),
            Told::Words(words) => entry["message"] == words,
        })
    }

    /// Whether a request was logged as refused with this status.
    pub fn refused(&self, status: u16) -> bool {
        self.entries()
            .iter()
            .any(|entry| entry["event.name"] == "request.refused" && entry["status"] == status)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        LINES.set(None);
    }
}

/// How the log tells of a refusal: by the status of its request, or by words of its own where a redirect says no more.
#[derive(Debug, Clone, Copy)]
pub enum Told<'a> {
    Status(StatusCode),
    Words(&'a str),
}

/// What every refusal is, whatever was tried: an answer that tells nothing of the inside, an entry in the log without
/// what was sent, and a server that goes on serving everybody else.
pub async fn assert_refused(server: &Server, log: &Log, answer: &Answered, told: Told<'_>) {
    let status = answer.status;
    if let Told::Status(expected) = told {
        assert_eq!(status, expected, "{}", answer.text);
    }
    assert!(!status.is_success(), "{status} {}", answer.text);
    for inside in ["panicked", ".rs:", "sqlite", "sqlx", "SELECT ", PASSWORD] {
        assert!(!answer.text.contains(inside), "{inside}: {}", answer.text);
    }
    let kind = answer.header("content-type");
    if kind.contains("json") && answer.json().get("title").is_some() {
        assert_eq!(kind, "application/problem+json");
        let problem = answer.json();
        assert_eq!(problem["status"], status.as_u16(), "{problem}");
        assert_ne!(problem["detail"], "", "{problem}");
    }
    assert!(log.tells(told), "no entry {told:?} in {}", log.text());
    assert!(!log.text().contains(PASSWORD), "{}", log.text());
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
