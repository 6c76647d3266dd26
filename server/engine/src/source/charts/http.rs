//! Asks hosts of charts: addresses checked and pinned for every hop, few redirects, everything of limited size, and
//! credentials for nobody but the host they were given for.

use crate::source::outgoing::pinned_to;
use crate::source::{Credential, NetworkPolicy, RepoUrl, SourceError};
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Certificate, StatusCode};
use secrecy::ExposeSecret;
use std::net::SocketAddr;
use std::time::Duration;

/// Hosts of releases send downloads on to their stores.
const HOPS: usize = 5;

/// What is needed to ask a host.
pub(super) struct Web<'a> {
    /// The repository as errors name it.
    pub shown: &'a str,
    pub policy: NetworkPolicy,
    pub credential: &'a Credential,
    /// Scheme, host and port that the credential is for.
    pub origin: String,
    pub deadline: Duration,
}

/// What a host answered.
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// It comes from where the credential is for, not from where a redirect led.
    pub own: bool,
}

/// `https://host:port` of a URL.
pub(super) fn origin(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let host = rest.split('/').next().unwrap_or_default();
            format!("{scheme}://{host}").to_ascii_lowercase()
        }
        None => String::new(),
    }
}

impl Web<'_> {
    /// Asks with GET and follows redirects.
    pub(super) async fn get(
        &self,
        url: &str,
        headers: &[(&str, String)],
        limit: usize,
    ) -> Result<Answer, SourceError> {
        let work = async {
            let mut at = url.to_owned();
            for _ in 0..HOPS {
                let answer = self.hop(&at, headers, limit).await?;
                if !answer.status.is_redirection() || answer.status == StatusCode::NOT_MODIFIED {
                    return Ok(answer);
                }
                let to = answer
                    .headers
                    .get(LOCATION)
                    .and_then(|value| value.to_str().ok())
                    .ok_or_else(|| self.failed("it redirects to nowhere"))?;
                let next = reqwest::Url::parse(&at)
                    .and_then(|base| base.join(to))
                    .map_err(|_| self.failed("it redirects to no URL"))?;
                if at.starts_with("https:") && next.scheme() != "https" {
                    return Err(
                        self.failed("it redirects from https to http, which is not followed")
                    );
                }
                at = next.to_string();
            }
            Err(self.failed("it redirects too often"))
        };
        tokio::time::timeout(self.deadline, work)
            .await
            .unwrap_or_else(|_| {
                Err(SourceError::Deadline {
                    url: self.shown.to_owned(),
                    seconds: self.deadline.as_secs(),
                })
            })
    }

    async fn hop(
        &self,
        url: &str,
        headers: &[(&str, String)],
        limit: usize,
    ) -> Result<Answer, SourceError> {
        // Downloads may have a query; what is checked is where they lie.
        let place = url.split(['?', '#']).next().unwrap_or(url);
        let checked = RepoUrl::parse(place, self.policy, false)?;
        if checked.is_ssh() {
            return Err(self.failed("it leads to an address that is not of the web"));
        }
        let addresses = checked.addresses(self.policy).await?;
        let (host, port) = checked.host().unwrap_or_default();
        let pinned: Vec<SocketAddr> = addresses
            .into_iter()
            .map(|address| SocketAddr::new(address, port))
            .collect();
        let mut client = pinned_to(host, &pinned);
        let own = origin(url) == self.origin;
        if own && let Some(pem) = self.credential.authorities() {
            let certificates = Certificate::from_pem_bundle(pem.as_bytes())
                .map_err(|_| self.failed("the certificates of its authorities cannot be read"))?;
            client = client.tls_certs_only(certificates);
        }
        let client = client
            .build()
            .map_err(|error| self.failed(&chain(&error)))?;
        let mut request = client.get(url);
        for (name, value) in headers {
            // A token that a registry gave is for that registry.
            if own || *name != "authorization" {
                request = request.header(*name, value);
            }
        }
        if own
            && !headers.iter().any(|(name, _)| *name == "authorization")
            && let Credential::Basic { username, password } = self.credential.login()
        {
            request = request.basic_auth(username, Some(password.expose_secret()));
        }
        let mut response = request
            .send()
            .await
            .map_err(|error| self.failed(&chain(&error)))?;
        let too_large = || self.failed(&format!("{place} is larger than {} MiB", limit >> 20));
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.failed(&chain(&error)))?
        {
            if body.len() + chunk.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body,
            own,
        })
    }

    /// The body of a good answer; everything else is an error in words.
    pub(super) fn good(&self, answer: Answer, what: &str) -> Result<Vec<u8>, SourceError> {
        match answer.status {
            status if status.is_success() => Ok(answer.body),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(SourceError::Denied {
                url: self.shown.to_owned(),
                message: match self.credential.login() {
                    Credential::None => {
                        "it asks for credentials and there are none for this address".to_owned()
                    }
                    _ => format!("{what} was refused"),
                },
            }),
            status => Err(self.failed(&format!("{what} was answered with {status}"))),
        }
    }

    pub(super) fn failed(&self, message: &str) -> SourceError {
        SourceError::Unreachable {
            url: self.shown.to_owned(),
            message: message.to_owned(),
        }
    }

    pub(super) fn chart(&self, message: String) -> SourceError {
        SourceError::Chart {
            url: self.shown.to_owned(),
            message,
        }
    }
}

/// Causes without the URL, which may hold a signature.
fn chain(error: &reqwest::Error) -> String {
    let mut cause = std::error::Error::source(error);
    let mut last = None;
    while let Some(inner) = cause {
        last = Some(inner.to_string());
        cause = inner.source();
    }
    last.unwrap_or_else(|| "it does not answer".to_owned())
}
