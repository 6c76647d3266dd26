//! The log of a container, line by line, to its end or as long as somebody reads it.
//!
//! What is not read is not fetched: a reader that is slow slows the API server's answer, and nothing is kept here but the
//! line that is being put together.

use super::Live;
use super::limits::Refusal;
use super::object::time_of;
use super::request::{RequestError, build, escaped};
use futures::io::AsyncBufReadExt;
use futures::stream::{BoxStream, StreamExt};
use lockstep_types::log::MOST_LINES;
use lockstep_types::time::Micros;
use std::time::Duration;

/// Which log, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogRequest {
    pub namespace: String,
    pub pod: String,
    /// Empty: the pod's only container.
    pub container: String,
    /// Last lines; at most [`MOST_LINES`].
    pub tail: u32,
    /// Of the container's run before the present one.
    pub previous: bool,
    /// Not older than so many seconds.
    pub since_seconds: Option<u32>,
    /// Go on with what is written from now on.
    pub follow: bool,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogText {
    /// When it was written, by the clock of the node.
    pub at: Option<Micros>,
    /// Without its line end; what is longer than 16 KiB is cut and ends with `…`.
    pub text: String,
}

/// The answer has to begin within this time.
const WITHIN: Duration = Duration::from_secs(10);
/// Bytes of a line.
const LONGEST: usize = 16 * 1024;
/// Bytes of a log that is not followed.
const MOST_BYTES: u32 = 8 * 1024 * 1024;

impl Live {
    /// The lines of a container's log as they come.
    ///
    /// # Errors
    /// When the server does not answer or refuses, for example while the container has not started. A connection that
    /// breaks later is the last item.
    pub async fn log(
        &self,
        wanted: &LogRequest,
    ) -> Result<BoxStream<'static, Result<LogText, RequestError>>, RequestError> {
        let client = self.reachable()?;
        let request = build(http::Method::GET, &path(wanted), &[], Vec::new())?;
        let reader = match tokio::time::timeout(WITHIN, client.request_stream(request)).await {
            Ok(reader) => Box::pin(reader?),
            Err(_) => return Err(RequestError::Timeout(WITHIN.as_secs())),
        };
        let lines =
            futures::stream::unfold(Some((reader, Lines::default())), |reading| async move {
                let (mut reader, mut lines) = reading?;
                loop {
                    if let Some(line) = lines.ready.pop_front() {
                        return Some((Ok(line), Some((reader, lines))));
                    }
                    match reader.fill_buf().await {
                        Ok([]) => return lines.rest().map(|line| (Ok(line), None)),
                        Ok(bytes) => {
                            let read = bytes.len();
                            lines.take(bytes);
                            reader.consume_unpin(read);
                        }
                        Err(error) => {
                            let error = match Refusal::within(&error) {
                                Some(refusal) => RequestError::Refused(refusal.clone()),
                                None => {
                                    RequestError::Unreachable(format!("the log broke off: {error}"))
                                }
                            };
                            return Some((Err(error), None));
                        }
                    }
                }
            });
        Ok(lines.boxed())
    }
}

fn path(wanted: &LogRequest) -> String {
    let mut path = format!(
        "/api/v1/namespaces/{}/pods/{}/log?timestamps=true&tailLines={}&previous={}",
        escaped(&wanted.namespace),
        escaped(&wanted.pod),
        wanted.tail.clamp(1, MOST_LINES),
        wanted.previous
    );
    if !wanted.container.is_empty() {
        path.push_str(&format!("&container={}", escaped(&wanted.container)));
    }
    if let Some(seconds) = wanted.since_seconds {
        path.push_str(&format!("&sinceSeconds={}", seconds.max(1)));
    }
    path.push_str(&if wanted.follow {
        "&follow=true".to_owned()
    } else {
        format!("&limitBytes={MOST_BYTES}")
    });
    path
}

/// Puts lines together from the pieces in which they arrive.
#[derive(Default)]
struct Lines {
    ready: std::collections::VecDeque<LogText>,
    begun: Vec<u8>,
    /// The line that is begun is longer than what is kept of it.
    cut: bool,
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        let mut parts = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(part) = parts.next() {
            let room = LONGEST.saturating_sub(self.begun.len());
            self.cut |= part.len() > room;
            self.begun.extend(part.iter().take(room));
            if parts.peek().is_some() {
                let line = self.line();
                self.ready.push_back(line);
            }
        }
    }

    fn rest(&mut self) -> Option<LogText> {
        (!self.begun.is_empty()).then(|| self.line())
    }

    fn line(&mut self) -> LogText {
        let bytes = std::mem::take(&mut self.begun);
        let whole = String::from_utf8_lossy(&bytes);
        let whole = whole.strip_suffix('\r').unwrap_or(&whole);
        let (at, text) = match whole.split_once(' ') {
            Some((at, text)) if time_of(at).is_some() => (time_of(at), text),
            _ => (
                time_of(whole),
                if time_of(whole).is_some() { "" } else { whole },
            ),
        };
        let mut text = text.to_owned();
        if std::mem::take(&mut self.cut) {
            text.push('…');
        }
        LogText { at, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_and_bounded() {
        let mut lines = Lines::default();
        lines.take(b"2026-01-01T00:00:01.5Z first\r\n2026-01-01T0");
        lines.take(b"0:00:02Z second line\nno time\n2026-01-01T00:00:03Z \n");
        lines.take("\u{fffd}x".as_bytes());
        lines.take(&vec![b'y'; 3 * LONGEST]);
        lines.take(b"z\n\xff\nlast");
        let mut found: Vec<LogText> = lines.ready.drain(..).collect();
        found.extend(lines.rest());
        let texts: Vec<&str> = found.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts[..4], ["first", "second line", "no time", ""]);
        assert_eq!(texts[4].len(), LONGEST + '…'.len_utf8());
        assert_eq!(texts[5..], ["\u{fffd}", "last"]);
        let second = time_of("2026-01-01T00:00:02Z");
        assert_eq!((found[1].at, found[2].at), (second, None));
    }

    #[test]
    fn names_cannot_leave_their_place_in_the_address() {
        let wanted = LogRequest {
            namespace: "shop".to_owned(),
            pod: "../../secrets?x=".to_owned(),
            container: "a&follow=true".to_owned(),
            tail: 9_000_000,
            ..LogRequest::default()
        };
        assert_eq!(
            path(&wanted),
            "/api/v1/namespaces/shop/pods/..%2F..%2Fsecrets%3Fx%3D/log?timestamps=true&tailLines=5000&previous=false&container=a%26follow%3Dtrue&limitBytes=8388608"
        );
    }
}
