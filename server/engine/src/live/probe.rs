//! Does the API server answer, and is it the one it should be? Failures are said in words for the cluster's page.

use super::request::{RequestError, build, chain, get, send_text};
use serde_json::Value;
use std::time::Duration;

/// One light request. `/readyz` also sees an API server whose etcd is gone; where it may not be read, `/version` must do.
///
/// # Errors
/// When the server does not answer in time or is not ready.
pub(super) async fn probe(client: &kube::Client, within: Duration) -> Result<(), RequestError> {
    let ask = |path| async move {
        send_text(
            client,
            build(http::Method::GET, path, &[], Vec::new())?,
            within,
        )
        .await
    };
    match ask("/readyz").await {
        Ok(_) => Ok(()),
        Err(error) if matches!(error.code(), Some(403 | 404)) => ask("/version").await.map(drop),
        Err(error) => Err(error),
    }
}

/// The server's version; empty where it does not say.
///
/// # Errors
/// When the server does not answer.
pub(super) async fn version(
    client: &kube::Client,
    within: Duration,
) -> Result<String, RequestError> {
    let version: Value = get(client, "/version", within).await?;
    Ok(version
        .get("gitVersion")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned())
}

/// UID of the namespace kube-system: the identity of a cluster. `None` where the credentials may not read it.
///
/// # Errors
/// When the server does not answer.
pub(super) async fn identity(
    client: &kube::Client,
    within: Duration,
) -> Result<Option<String>, RequestError> {
    match get::<Value>(client, "/api/v1/namespaces/kube-system", within).await {
        Ok(namespace) => Ok(namespace
            .pointer("/metadata/uid")
            .and_then(Value::as_str)
            .map(str::to_owned)),
        Err(error) if matches!(error.code(), Some(403 | 404)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A failure as the cluster's page says it.
pub(super) fn in_words(server: &str, error: &RequestError) -> String {
    match error {
        RequestError::Timeout(_) => format!("{server} does not answer in time"),
        RequestError::Status { code: 401, .. } => {
            format!("{server} refuses the credentials (401); give the cluster new ones")
        }
        RequestError::Status { code, message, .. } => match failed_checks(message) {
            checks if checks.is_empty() => format!("{server} answers {code}: {message}"),
            checks => format!("{server} is not ready: {}", checks.join(", ")),
        },
        RequestError::Unreachable(text) => unreachable_words(server, text),
        RequestError::Malformed(_) | RequestError::Refused(_) => {
            format!("{server}: {}", chain(error))
        }
    }
}

fn unreachable_words(server: &str, text: &str) -> String {
    let has = |part: &str| text.contains(part);
    if has("onnection refused") {
        format!("{server} refuses connections")
    } else if has("timed out") || has("deadline") {
        format!("{server} does not answer in time")
    } else if has("lookup address") || has("dns error") && !has("[network]") {
        format!("the host name of {server} cannot be resolved")
    } else if has("certificate") || has("UnknownIssuer") {
        let cause = text.rsplit(": ").next().unwrap_or(text);
        format!("the certificate of {server} is not trusted: {cause}")
    } else if has("onnection reset") || has("onnection closed") || has("SendRequest") {
        format!("{server} broke the connection off")
    } else {
        format!("{server} cannot be reached: {text}")
    }
}

/// Failed checks of `/readyz`: lines that begin with `[-]`.
fn failed_checks(message: &str) -> Vec<String> {
    let name = |part: &str| {
        part.split([':', '['])
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    message
        .split("[-]")
        .skip(1)
        .map(name)
        .filter(|check| !check.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong_in_words() {
        let status = |code, message: &str| RequestError::Status {
            code,
            reason: String::new(),
            message: message.to_owned(),
            retry_after: None,
        };
        for (error, said) in [
            (
                RequestError::Unreachable("error sending request for url (https://k/readyz): tcp connect error: Connection refused (os error 111)".to_owned()),
                "https://k refuses connections",
            ),
            (RequestError::Timeout(2), "https://k does not answer in time"),
            (status(401, "Unauthorized"), "https://k refuses the credentials (401); give the cluster new ones"),
            (
                status(500, "[+]ping ok [-]etcd failed: reason withheld [-]poststarthook/x failed: reason withheld readyz check failed"),
                "https://k is not ready: etcd failed, poststarthook/x failed",
            ),
            (status(503, "gateway"), "https://k answers 503: gateway"),
            (
                RequestError::Unreachable("client error (Connect): invalid peer certificate: UnknownIssuer".to_owned()),
                "the certificate of https://k is not trusted: UnknownIssuer",
            ),
        ] {
            assert_eq!(in_words("https://k", &error), said);
        }
    }
}
