//! One HTTP conversation with a Lockstep server: addresses, token, errors.

use crate::credentials::Credentials;
use crate::wire::Problem;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No server is known.
    #[error("no server is known; run: lockstep login URL, or set LOCKSTEP_SERVER")]
    NoServer,
    /// Nobody is logged in.
    #[error("not logged in to {0}; run: lockstep login {0}, or set LOCKSTEP_TOKEN")]
    NotLoggedIn(String),
    /// The token would travel in the clear.
    #[error(
        "{0} is plain http to another machine; use https, or give --insecure-http to send the token in the clear"
    )]
    PlainHttp(String),
    /// The server's refusal.
    #[error("{}", .0.detail)]
    Refused(Problem),
    /// No answer, or not one of ours.
    #[error("{server} does not answer as a Lockstep server")]
    Unreachable {
        server: String,
        #[source]
        source: reqwest::Error,
    },
    /// A file, a terminal or a thread.
    #[error("cannot {what}")]
    Local {
        what: String,
        #[source]
        source: std::io::Error,
    },
    /// The command line asks for something that is not there.
    #[error("{0}")]
    Usage(String),
}

impl ClientError {
    pub(crate) fn local(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Local { what, source }
    }
}

/// For answers that go on as long as somebody reads them.
const ENDLESS: Duration = Duration::from_secs(7 * 24 * 3600);

/// A server and who asks it.
pub(crate) struct Api {
    http: reqwest::Client,
    server: String,
    token: Option<String>,
}

impl Api {
    /// The server and token of the command line, the environment, or the last login, in this order.
    pub(crate) fn open(server: Option<&str>, insecure_http: bool) -> Result<Self, ClientError> {
        let stored = Credentials::load()?;
        let server = match server {
            Some(server) => normal(server),
            None => stored.current.clone().ok_or(ClientError::NoServer)?,
        };
        let token = std::env::var("LOCKSTEP_TOKEN")
            .ok()
            .filter(|token| !token.is_empty())
            .or_else(|| stored.tokens.get(&server).cloned());
        let mut api = Self::anonymous(&server, insecure_http)?;
        if token.is_none() {
            return Err(ClientError::NotLoggedIn(server));
        }
        api.token = token;
        Ok(api)
    }

    /// Without a token, for logging in.
    pub(crate) fn anonymous(server: &str, insecure_http: bool) -> Result<Self, ClientError> {
        let server = normal(server);
        let parsed = reqwest::Url::parse(&server)
            .map_err(|_| ClientError::Usage(format!("“{server}” is not an address")))?;
        let loopback = parsed.host_str().is_some_and(|host| {
            host == "localhost"
                || host.ends_with(".localhost")
                || host
                    .trim_matches(['[', ']'])
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|ip| ip.is_loopback())
        });
        if parsed.scheme() != "https" && !loopback && !insecure_http {
            return Err(ClientError::PlainHttp(server));
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("lockstep/", env!("CARGO_PKG_VERSION")))
            .timeout(Duration::from_secs(120))
            .connect_timeout(Duration::from_secs(10))
            // The token must not follow to another host.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|source| ClientError::Unreachable {
                server: server.clone(),
                source,
            })?;
        Ok(Self {
            http,
            server,
            token: None,
        })
    }

    /// With this token, whatever the environment says.
    pub(crate) fn by(
        server: &str,
        token: String,
        insecure_http: bool,
    ) -> Result<Self, ClientError> {
        let mut api = Self::anonymous(server, insecure_http)?;
        api.token = Some(token);
        Ok(api)
    }

    /// `https://host`, without a slash at the end.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, ClientError> {
        self.answer(self.request(Method::GET, path, query)?).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync),
    ) -> Result<T, ClientError> {
        self.answer(self.request(Method::POST, path, &[])?.json(body))
            .await
    }

    pub(crate) async fn delete(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, path, query)?;
        self.answer::<serde_json::Value>(request).await.map(|_| ())
    }

    /// An answer that is text and may never end.
    pub(crate) async fn text(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Text<'_>, ClientError> {
        let request = self.request(Method::GET, path, query)?.timeout(ENDLESS);
        let response = self.response(request).await?;
        Ok(Text {
            server: &self.server,
            response,
        })
    }

    /// Whatever address, and its answer as it is.
    pub(crate) async fn raw(
        &self,
        method: &str,
        path: &str,
        body: Option<&serde_json::Value>,
        idempotency_key: Option<&str>,
    ) -> Result<serde_json::Value, ClientError> {
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| ClientError::Usage(format!("“{method}” is not a method")))?;
        let mut request = self.request(method, path, &[])?;
        if let Some(body) = body {
            request = request.json(body);
        }
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        self.answer(request).await
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<RequestBuilder, ClientError> {
        let mut url = reqwest::Url::parse(&format!("{}/api/v1{path}", self.server))
            .map_err(|_| ClientError::Usage(format!("“{}” is not an address", self.server)))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.request(method, url);
        Ok(match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ClientError> {
        let response = self.response(request).await?;
        response.json().await.map_err(unreachable(&self.server))
    }

    async fn response(&self, request: RequestBuilder) -> Result<reqwest::Response, ClientError> {
        let response = request.send().await.map_err(unreachable(&self.server))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status == StatusCode::UNAUTHORIZED && self.token.is_some() {
            return Err(ClientError::NotLoggedIn(self.server.clone()));
        }
        let fallback = Problem {
            kind: "about:blank".to_owned(),
            title: String::new(),
            status: status.as_u16(),
            detail: format!("{} answered with {status}", self.server),
            field: None,
        };
        Err(ClientError::Refused(
            response.json().await.unwrap_or(fallback),
        ))
    }
}

fn unreachable(server: &str) -> impl FnOnce(reqwest::Error) -> ClientError {
    let server = server.to_owned();
    |source| ClientError::Unreachable { server, source }
}

/// Text as it arrives.
pub(crate) struct Text<'a> {
    server: &'a str,
    response: reqwest::Response,
}

impl Text<'_> {
    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, ClientError> {
        self.response
            .chunk()
            .await
            .map_err(unreachable(self.server))
    }
}

/// Names become path segments; everything but the plainest characters is escaped.
pub(crate) fn segment(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// With a scheme (https unless it is this machine) and without a slash at the end.
fn normal(server: &str) -> String {
    let server = server.trim().trim_end_matches('/');
    if server.contains("://") {
        return server.to_owned();
    }
    let here = ["localhost", "127.0.0.1", "[::1]"]
        .iter()
        .any(|host| server.split_once(':').map_or(server, |(h, _)| h) == *host);
    let scheme = if here { "http" } else { "https" };
    format!("{scheme}://{server}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_get_a_scheme() {
        assert_eq!(normal("localhost:8080"), "http://localhost:8080");
        assert_eq!(
            normal("lockstep.example.org/"),
            "https://lockstep.example.org"
        );
        assert_eq!(normal("http://127.0.0.1:1/"), "http://127.0.0.1:1");
    }

    #[test]
    fn tokens_do_not_travel_in_the_clear() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let refused = Api::anonymous("http://lockstep.example.org", false).err();
        assert!(matches!(refused, Some(ClientError::PlainHttp(_))));
        assert!(Api::anonymous("http://lockstep.example.org", true).is_ok());
        assert!(Api::anonymous("http://localhost:8080", false).is_ok());
    }

    #[test]
    fn segments_are_escaped() {
        assert_eq!(segment("prod-eu"), "prod-eu");
        assert_eq!(segment("a/../b?c"), "a%2F..%2Fb%3Fc");
    }
}
