//! HTTP to providers: bounded in time and size, no redirects, TLS unless the operator opened the host.

use super::SsoError;
use crate::config::{Allow, OidcEntry};
use openidconnect::{HttpRequest, HttpResponse};
use std::net::IpAddr;
use std::time::Duration;

/// What a provider publishes, and its answers, are far smaller.
const LARGEST: usize = 1024 * 1024;
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(15);

/// Asks one provider.
#[derive(Clone)]
pub(super) struct Fetch {
    http: reqwest::Client,
    allow_http: Allow,
}

/// Why there is no answer. Without the address: its query may hold a code.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("its address is plain http, which [network] allow_http does not open")]
    PlainHttp,
    #[error("{0}")]
    Failed(String),
    #[error("its answer is larger than {LARGEST} bytes")]
    TooLarge,
}

fn failed(error: reqwest::Error) -> FetchError {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    FetchError::Failed(text)
}

impl Fetch {
    pub(super) fn new(entry: &OidcEntry, allow_http: Allow) -> Result<Self, SsoError> {
        let unusable = |why: String| SsoError::Unusable {
            provider: entry.name.clone(),
            why,
        };
        let authorities = entry
            .authorities()
            .map_err(|source| SsoError::Configuration {
                provider: entry.name.clone(),
                source,
            })?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("lockstep/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT)
            .timeout(ANSWER);
        if let Some(pem) = authorities {
            let certificates = reqwest::Certificate::from_pem_bundle(pem.as_bytes())
                .map_err(|error| unusable(format!("ca_file: {error}")))?;
            builder = builder.tls_certs_only(certificates);
        }
        let http = builder
            .build()
            .map_err(|error| unusable(failed(error).to_string()))?;
        Ok(Self { http, allow_http })
    }

    /// Whether this address may be reached at all.
    fn may_reach(&self, url: &http::Uri) -> bool {
        let host = url.host().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let loopback =
            bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        url.scheme_str() == Some("https") || loopback || self.allow_http.permits(bare)
    }

    pub(super) async fn call(self, request: HttpRequest) -> Result<HttpResponse, FetchError> {
        if !self.may_reach(request.uri()) {
            return Err(FetchError::PlainHttp);
        }
        let request = reqwest::Request::try_from(request).map_err(failed)?;
        let mut answer = self.http.execute(request).await.map_err(failed)?;
        let mut head = http::Response::builder().status(answer.status());
        if let Some(headers) = head.headers_mut() {
            headers.clone_from(answer.headers());
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        head.body(body)
            .map_err(|error| FetchError::Failed(error.to_string()))
    }
}
