//! What the outside sees: pages, server functions, the public API, the event stream, and the doors before them.
//!
//! Knows the ports and the accounts, never a cluster or a repository. Every request passes, from the outside in:
//! limits and headers ([`headers`]), the files of the site ([`assets`]), the session, the cross-site guard ([`guard`]), the gate that finds out who asks
//! ([`gate`]), and then its route. What is not listed as public in [`gate`] is behind the login.

pub mod api;
mod assets;
mod denied;
mod docs;
mod extract;
pub mod functions;
mod gate;
mod guard;
mod headers;
mod health;
mod listener;
mod login;
mod metrics;
mod once;
mod pages;
mod problem;
mod session;
mod shape;
mod sign_on;
mod stream;
mod table;
mod tls;
mod webhook;

pub use gate::Peer;
pub use listener::{Limits, TimedListener};
pub use metrics::metrics_router;
pub use table::{Needs, RouteInfo, Table};
pub use tls::{Tls, TlsError};

use crate::accounts::AccountService;
use crate::config::{PublicUrl, SessionLimits};
use crate::sso::SingleSignOn;
use axum::Router;
use axum::extract::FromRef;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use leptos::config::LeptosOptions;
use lockstep_types::ports::ControlPlane;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

/// More than any form, and a kubeconfig with certificates fits.
const LARGEST_BODY: usize = 1024 * 1024;
/// A rollback preview may have to fetch and render; nothing else takes this long.
const LONGEST_ANSWER: Duration = Duration::from_secs(120);

/// What every route can reach. Cheap to clone.
#[derive(Clone)]
pub struct Web {
    pub(crate) plane: ControlPlane,
    pub(crate) accounts: AccountService,
    pub(crate) settings: Arc<WebSettings>,
    pub(crate) streams: stream::Streams,
    pub(crate) sso: SingleSignOn,
    pub(crate) keys: once::Keys,
    leptos: LeptosOptions,
}

/// What the HTTP layer needs of the configuration.
#[derive(Debug, Clone)]
pub struct WebSettings {
    pub public_url: PublicUrl,
    pub session: SessionLimits,
    pub trusted_proxies: Vec<IpAddr>,
    /// Folder with styles, scripts and WASM.
    pub site_root: std::path::PathBuf,
}

impl Web {
    /// Ports and accounts behind the settings.
    pub fn new(plane: ControlPlane, accounts: AccountService, settings: WebSettings) -> Self {
        let leptos = LeptosOptions::builder()
            .output_name("lockstep")
            .site_root(settings.site_root.display().to_string())
            .site_pkg_dir("pkg")
            .build();
        Self {
            plane,
            accounts,
            settings: Arc::new(settings),
            streams: stream::Streams::default(),
            sso: SingleSignOn::default(),
            keys: once::Keys::default(),
            leptos,
        }
    }

    /// With providers of single sign-on.
    #[must_use]
    pub fn with_sso(mut self, sso: SingleSignOn) -> Self {
        self.sso = sso;
        self
    }
}

impl FromRef<Web> for LeptosOptions {
    fn from_ref(web: &Web) -> Self {
        web.leptos.clone()
    }
}

/// The whole service.
pub fn router(web: Web) -> Router {
    let sessions = session::layer(&web);
    let guarded = ServiceBuilder::new()
        .layer(sessions)
        .layer(CsrfLayer::new().with_rejection_response(guard::Rejection))
        .layer(from_fn(guard::guard))
        .layer(from_fn_with_state(web.clone(), gate::gate))
        .layer(from_fn_with_state(web.clone(), denied::denied))
        .layer(from_fn(functions::require));
    let outer = ServiceBuilder::new()
        .layer(from_fn_with_state(web.clone(), headers::headers))
        .layer(CatchPanicLayer::custom(problem::after_panic))
        .layer(TimeoutLayer::with_status_code(
            http::StatusCode::GATEWAY_TIMEOUT,
            LONGEST_ANSWER,
        ))
        .layer(CompressionLayer::new())
        .layer(RequestBodyLimitLayer::new(LARGEST_BODY));
    let (api, _) = api::table().finish();
    let api = api
        .layer(from_fn(shape::shape))
        .layer(from_fn_with_state(web.clone(), once::once));
    let inner = Router::new()
        .nest("/api/v1", api)
        .route("/api/webhooks/{provider}", post(webhook::receive))
        .route("/api/docs", get(docs::index))
        .route("/api/docs/{*file}", get(docs::file))
        .route("/api/{*rest}", axum::routing::any(problem::no_such_route))
        .route("/events", get(stream::events))
        .route("/login", post(login::log_in))
        .route("/login/code", post(login::give_code))
        .route("/login/link", post(login::use_link))
        .route("/login/sso/{provider}", get(sign_on::begin))
        .route("/login/sso/{provider}/callback", get(sign_on::finish))
        .route("/logout", post(login::log_out))
        .route("/setup", post(login::set_up))
        .route("/metrics", get(health::metrics))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz));
    pages::routes(inner, &web)
        .layer(guarded)
        .layer(from_fn_with_state(web.clone(), assets::assets))
        .layer(outer)
        .with_state(web)
}
