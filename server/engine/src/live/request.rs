//! One request to an API server with a deadline, and its failure in words. Knows no kinds; owns no state.

use super::limits::Refusal;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// How a request failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The API server answered with an error.
    #[error("the API server answered {code}: {message}")]
    Status {
        code: u16,
        reason: String,
        message: String,
        retry_after: Option<u32>,
    },
    #[error("no answer within {0} s")]
    Timeout(u64),
    /// No connection, or it broke.
    #[error("{0}")]
    Unreachable(String),
    /// The answer was not what was asked for.
    #[error("the answer cannot be read: {0}")]
    Malformed(String),
    /// The answer broke a limit.
    #[error(transparent)]
    Refused(Refusal),
}

impl RequestError {
    /// The HTTP status, when the server answered.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Status { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// The server said something that no API server says: what is known of it counts no more.
    pub(crate) fn is_nonsense(&self) -> bool {
        matches!(self, Self::Malformed(_) | Self::Refused(_))
    }

    /// The same, naming the request.
    fn named(self, request: &str) -> Self {
        match self {
            Self::Malformed(why) => Self::Malformed(format!(
                "{request}: {why}; see whether an API server or something before it answers at this address"
            )),
            other => other,
        }
    }
}

/// Method and path.
pub(crate) fn name_of(request: &http::Request<Vec<u8>>) -> String {
    format!("{} {}", request.method(), request.uri().path())
}

/// An error of a request, named by [`name_of`].
pub(crate) fn failed(request: &str, error: kube::Error) -> RequestError {
    RequestError::from(error).named(request)
}

impl From<kube::Error> for RequestError {
    fn from(error: kube::Error) -> Self {
        if let Some(refusal) = Refusal::within(&error) {
            return Self::Refused(refusal.clone());
        }
        match error {
            kube::Error::Api(status) => Self::Status {
                code: status.code,
                retry_after: status
                    .details
                    .as_ref()
                    .map(|details| details.retry_after_seconds)
                    .filter(|seconds| *seconds > 0),
                reason: status.reason.clone(),
                message: shortened(&status.message, 600),
            },
            // Its text quotes the body, which may hold secrets.
            kube::Error::SerdeError(error) if error.is_eof() => {
                Self::Unreachable("the answer ended in the middle".to_owned())
            }
            kube::Error::SerdeError(error) => Self::Malformed(unreadable(&error)),
            kube::Error::FromUtf8(_) => Self::Malformed("it is no UTF-8".to_owned()),
            kube::Error::Service(error) => Self::Unreachable(chain(error.as_ref())),
            other => Self::Unreachable(chain(&other)),
        }
    }
}

/// Why a text is not the JSON that was asked for, without quoting it. The reader itself bounds the depth, at 128.
fn unreadable(error: &serde_json::Error) -> String {
    if error.to_string().starts_with("recursion limit exceeded") {
        return "it is nested more than 128 levels deep".to_owned();
    }
    format!("{:?} error at column {}", error.classify(), error.column())
}

/// Sends a request and reads its JSON answer.
///
/// # Errors
/// When there is no answer in time, an error, or something else than JSON.
pub(crate) async fn send<T: DeserializeOwned>(
    client: &kube::Client,
    request: http::Request<Vec<u8>>,
    within: Duration,
) -> Result<T, RequestError> {
    let name = name_of(&request);
    let text = send_text(client, request, within).await?;
    serde_json::from_str(&text).map_err(|error| failed(&name, kube::Error::SerdeError(error)))
}

/// Sends a request and returns its answer as text.
///
/// # Errors
/// When there is no answer in time, or an error.
pub(crate) async fn send_text(
    client: &kube::Client,
    request: http::Request<Vec<u8>>,
    within: Duration,
) -> Result<String, RequestError> {
    let name = name_of(&request);
    match tokio::time::timeout(within, client.request_text(request)).await {
        Ok(answer) => answer.map_err(|error| failed(&name, error)),
        Err(_) => Err(RequestError::Timeout(within.as_secs())),
    }
}

/// Reads a path.
///
/// # Errors
/// As [`send`].
pub(crate) async fn get<T: DeserializeOwned>(
    client: &kube::Client,
    path: &str,
    within: Duration,
) -> Result<T, RequestError> {
    send(
        client,
        build(http::Method::GET, path, &[], Vec::new())?,
        within,
    )
    .await
}

/// A request from its parts.
///
/// # Errors
/// When the path is no URI.
pub(crate) fn build(
    method: http::Method,
    path: &str,
    headers: &[(http::HeaderName, &str)],
    body: Vec<u8>,
) -> Result<http::Request<Vec<u8>>, RequestError> {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    request
        .body(body)
        .map_err(|error| RequestError::Malformed(error.to_string()))
}

/// Percent-encodes one segment of a path or one value of a query.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&crate::manifest::hex(&[byte]).to_ascii_uppercase());
        }
    }
    out
}

/// An error with its sources, each said once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    shortened(&text, 600)
}

/// At most `limit` characters on one line.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= limit {
        return line;
    }
    let mut cut: String = line.chars().take(limit).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_has_a_meaning_in_a_url() {
        assert_eq!(escaped("system:node-reader"), "system%3Anode-reader");
        assert_eq!(escaped("a/b?c=d&e"), "a%2Fb%3Fc%3Dd%26e");
        assert_eq!(escaped("../x"), "..%2Fx");
    }

    #[test]
    fn says_each_cause_once() {
        let inner = std::io::Error::other("connection refused");
        let outer = kube::Error::ReadEvents(inner);
        assert_eq!(
            chain(&outer),
            "Error reading events stream: connection refused"
        );
    }

    #[test]
    fn a_body_that_cannot_be_read_is_not_quoted() {
        let error = serde_json::from_str::<u32>(r#""s3cret""#).unwrap_err();
        let said = RequestError::from(kube::Error::SerdeError(error)).to_string();
        assert!(!said.contains("s3cret"), "{said}");
    }
}
