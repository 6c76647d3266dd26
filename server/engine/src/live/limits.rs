//! What one answer of an API server may be. A server that breaks these limits, out of malice or because something else
//! answers at its address, costs us a bounded amount of memory and time, and its cluster says so; no other cluster
//! notices. Sits directly above the connection, so that every request of every stage passes through.

mod refusal;

pub use refusal::{Cause, Refusal};

use super::request::shortened;
use futures::StreamExt;
use http::{StatusCode, header};
use kube::core::Status;
use kube::core::response::{StatusDetails, StatusSummary};
use tower::BoxError;

/// Bytes of a whole answer, unpacked. A page holds 500 objects; where they are large, smaller pages are asked for. What
/// is parsed takes several times as much.
pub(super) const ANSWER: u64 = 32 << 20;
/// Bytes of one line of a watch. An API server takes objects of 3 MiB at most, and says each on one line.
pub(super) const LINE: u64 = 16 << 20;
/// Bytes of an answer that is read for its status: errors and probes. Longer ones are cut.
const WORDS: u64 = 1 << 20;
/// Bytes of a log that is not followed. The server is asked for half of that.
const LOG: u64 = 16 << 20;
/// Seconds that are waited when a server asks for more (`Retry-After`, `retryAfterSeconds`): nobody may silence a
/// cluster for a day.
pub(super) const LONGEST_WAIT: u32 = 30;

/// What a request may be answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// One JSON document.
    Document,
    /// One JSON document, which API servers call plain text where it is the list of their schemas.
    Schema,
    /// JSON documents on lines, without an end.
    Lines,
    /// A log: any text; with an end or without.
    Log { follow: bool },
    /// A few words.
    Words,
}

/// A request as far as its answer is judged by it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Method and path. Not the query: it may be long.
    request: String,
    form: Form,
}

impl Asked {
    /// From the request, before it is sent.
    pub(super) fn of(method: &http::Method, uri: &http::Uri) -> Self {
        let (path, query) = (uri.path(), uri.query().unwrap_or_default());
        let says = |parameter: &str| query.split('&').any(|part| part == parameter);
        let form = if says("watch=true") {
            Form::Lines
        } else if is_log(path) {
            Form::Log {
                follow: says("follow=true"),
            }
        } else if path.contains("/openapi/v3") {
            Form::Schema
        } else if path.ends_with("/readyz") {
            Form::Words
        } else {
            Form::Document
        };
        Self {
            request: format!("{method} {path}"),
            form,
        }
    }

    fn refuse(&self, cause: Cause) -> Refusal {
        Refusal {
            request: self.request.clone(),
            cause,
        }
    }

    /// The answer with its limits.
    ///
    /// # Errors
    /// A [`Refusal`] when it is a redirect or of another type than asked for; what breaks a limit later is the body's
    /// last item, a [`Refusal`] too.
    pub(super) async fn answered(
        self,
        answer: reqwest::Response,
    ) -> Result<http::Response<reqwest::Body>, BoxError> {
        let status = answer.status();
        if status.is_redirection() {
            let place = answer.headers().get(header::LOCATION);
            let to = place
                .and_then(|place| place.to_str().ok())
                .map(host_of)
                .unwrap_or_default();
            return Err(self.refuse(Cause::Redirect { to }).into());
        }
        if status.is_client_error() || status.is_server_error() {
            return failed(answer).await;
        }
        let kind = answer.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if matches!(self.form, Form::Document | Form::Lines) && !is_json(kind) {
            let found = shortened(kind, 60);
            return Err(self.refuse(Cause::Type { found }).into());
        }
        let builder = http::Response::builder().status(status);
        let mut counted = Counted::new(self.form);
        let body = answer.bytes_stream().map(move |chunk| {
            let chunk = chunk?;
            match counted.take(&chunk) {
                Some(cause) => Err(BoxError::from(self.refuse(cause))),
                None => Ok(chunk),
            }
        });
        Ok(builder.body(reqwest::Body::wrap_stream(body))?)
    }
}

/// An error as a `Status`, whoever wrote it: so gateways and the API server's own turning away, both without one, are
/// read alike, and none says another code than that of the answer.
async fn failed(answer: reqwest::Response) -> Result<http::Response<reqwest::Body>, BoxError> {
    let code = answer.status();
    let asked = answer.headers().get(header::RETRY_AFTER);
    let asked = asked
        .and_then(|seconds| seconds.to_str().ok())
        .and_then(|seconds| seconds.trim().parse::<u64>().ok());
    let mut text = Vec::new();
    let mut body = answer.bytes_stream();
    while let Some(chunk) = body.next().await {
        text.extend_from_slice(&chunk?);
        if length(text.len()) > WORDS {
            break;
        }
    }
    let status = serde_json::to_vec(&status_of(code, &text, asked))?;
    Ok(http::Response::builder()
        .status(code)
        .body(reqwest::Body::from(status))?)
}

/// What an error says, with the pause that it asks for: no longer than is waited.
fn status_of(code: StatusCode, text: &[u8], asked: Option<u64>) -> Status {
    let mut status = serde_json::from_slice::<Status>(text).unwrap_or_else(|_| {
        let reason = code.canonical_reason().unwrap_or_default();
        let text = shortened(&String::from_utf8_lossy(text), 1000);
        Status::failure(&text, &reason.replace(' ', ""))
    });
    status.status = Some(StatusSummary::Failure);
    status.code = code.as_u16();
    let said = status.details.as_ref();
    let said = said.map_or(0, |details| u64::from(details.retry_after_seconds));
    let asked = said.max(asked.unwrap_or_default());
    if asked > u64::from(LONGEST_WAIT) {
        let words = format!(
            " (it asks for a pause of {asked} s; Lockstep asks again after {LONGEST_WAIT} s at most)"
        );
        status.message.push_str(&words);
    }
    if asked > 0 {
        let seconds = u32::try_from(asked).unwrap_or(LONGEST_WAIT);
        let details = status.details.get_or_insert_with(|| StatusDetails {
            name: String::new(),
            group: String::new(),
            kind: String::new(),
            uid: String::new(),
            causes: Vec::new(),
            retry_after_seconds: 0,
        });
        details.retry_after_seconds = seconds.min(LONGEST_WAIT);
    }
    status
}

/// Counts what has come, of the whole answer or of the line that is under way.
struct Counted {
    form: Form,
    bytes: u64,
}

impl Counted {
    fn new(form: Form) -> Self {
        Self { form, bytes: 0 }
    }

    /// The limit that this piece breaks.
    fn take(&mut self, chunk: &[u8]) -> Option<Cause> {
        let most = match self.form {
            Form::Document | Form::Schema => ANSWER,
            Form::Lines => LINE,
            Form::Words => WORDS,
            Form::Log { follow: false } => LOG,
            // Its reader keeps the beginning of a line only.
            Form::Log { follow: true } => return None,
        };
        let first = match self.form {
            Form::Lines => chunk.iter().position(|byte| *byte == b'\n'),
            _ => None,
        };
        self.bytes = self
            .bytes
            .saturating_add(length(first.unwrap_or(chunk.len())));
        let broken = self.bytes > most;
        if first.is_some() {
            // Lines that begin and end within one piece are as short as the piece.
            let last = chunk.iter().rposition(|byte| *byte == b'\n');
            self.bytes = length(chunk.len() - last.map_or(0, |last| last + 1));
        }
        broken.then_some(match self.form {
            Form::Lines => Cause::Line { most },
            _ => Cause::Long { most },
        })
    }
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// `…/pods/NAME/log`.
fn is_log(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    parts.next() == Some("log") && parts.nth(1) == Some("pods")
}

fn is_json(kind: &str) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
        || essence.to_ascii_lowercase().ends_with("+json")
}

/// Scheme and host of an address: the rest may hold what is not for everyone.
fn host_of(place: &str) -> String {
    let host = place.parse::<http::Uri>().ok().and_then(|uri| {
        let scheme = uri.scheme_str()?.to_owned();
        Some(format!("{scheme}://{}", uri.host()?))
    });
    shortened(&host.unwrap_or_else(|| "another path".to_owned()), 100)
}

#[cfg(test)]
mod tests;
