//! The HTTP client under `kube::Client`. Ours, because the resolver must refuse closed addresses at the moment of
//! connecting, no request may be retried behind our back, and no proxy or redirect may move credentials elsewhere.
//! What comes back is held to [`super::limits`].
//!
//! HTTP/1.1 only: one API server allows about a hundred streams per HTTP/2 connection, fewer than the watches of a
//! large cluster, and a request behind a full connection would wait without end.

use super::access::{Access, AccessError, ClusterPolicy};
use super::address::GuardedResolver;
use super::limits::Asked;
use kube::client::{Body, ClientBuilder, ConfigExt};
use std::time::Duration;

/// Longest silence within one answer. Watches bring their own, shorter limit.
const READ_TIMEOUT: Duration = Duration::from_secs(300);

/// By which the audit log of a cluster tells our requests from those of others with the same credentials.
const USER_AGENT: &str = concat!("lockstep/", env!("CARGO_PKG_VERSION"));

/// Builds the client of one cluster. Needs a process-wide rustls provider, installed by the program.
///
/// # Errors
/// When certificates or keys cannot be used.
pub(super) fn client(access: &Access, policy: &ClusterPolicy) -> Result<kube::Client, AccessError> {
    let bad =
        |error: &dyn std::error::Error| AccessError::BadCredentials(super::request::chain(error));
    let mut config = access.config.clone();
    let alias = config.tls_server_name.take().and_then(|name| {
        let host = config.cluster_url.host()?.to_owned();
        let url = renamed(&config.cluster_url, &name)?;
        config.cluster_url = url;
        Some((name, host))
    });
    let tls = config.rustls_client_config().map_err(|error| bad(&error))?;
    let http = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .tls_backend_preconfigured(tls)
        .dns_resolver(GuardedResolver {
            allow_private: policy.allow_private,
            alias,
        })
        .http1_only()
        .no_proxy()
        .referer(false)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(config.connect_timeout.unwrap_or(Duration::from_secs(3)))
        .read_timeout(READ_TIMEOUT)
        .tcp_keepalive(Duration::from_secs(30))
        .pool_idle_timeout(Duration::from_secs(60))
        .build()
        .map_err(|error| bad(&error))?;
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let http = http.clone();
        async move {
            let (parts, body) = request.into_parts();
            let asked = Asked::of(&parts.method, &parts.uri);
            let body = body.collect_bytes().await?;
            let request = reqwest::Request::try_from(http::Request::from_parts(parts, body))?;
            let answer = http.execute(request).await?;
            asked.answered(answer).await
        }
    });
    let base = config.base_uri_layer();
    let headers = config.extra_headers_layer().map_err(|error| bad(&error))?;
    let builder = match config.auth_layer().map_err(|error| bad(&error))? {
        Some(auth) => {
            let service = tower::Layer::layer(&headers, service);
            let service = tower::Layer::layer(&auth, service);
            ClientBuilder::new(
                tower::Layer::layer(&base, service),
                config.default_namespace.clone(),
            )
            .build()
        }
        None => {
            let service = tower::Layer::layer(&headers, service);
            ClientBuilder::new(
                tower::Layer::layer(&base, service),
                config.default_namespace.clone(),
            )
            .build()
        }
    };
    Ok(builder)
}

/// The URL with another host, so that TLS checks that name while the resolver leads to the real host.
fn renamed(url: &http::Uri, host: &str) -> Option<http::Uri> {
    let mut parts = url.clone().into_parts();
    let authority = url
        .port_u16()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    parts.authority = Some(authority.parse().ok()?);
    http::Uri::from_parts(parts).ok()
}
