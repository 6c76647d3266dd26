//! What a test's own thread logged, as the server's log would have it.
//!
//! One subscriber serves all tests of the program: with one each, an entry that is first written while another test sets
//! up its own may be taken for one that nobody wants.

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
