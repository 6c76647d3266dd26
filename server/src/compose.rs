//! Puts the server together: the database, the accounts, the control plane, the tasks that run beside requests, and
//! the end of all of them. Everything that lives long is made here.
//!
//! Tasks: the event hub, the housekeeper, the listener for metrics, the reconcilers (which their runtime owns), and the HTTP server.

mod assembly;

use crate::accounts::AccountService;
use crate::config::Config;
use crate::events::Hub;
use crate::http::{Limits, Peer, TimedListener, Tls, Web, WebSettings, metrics_router, router};
use crate::installation::installation_id;
use crate::retention;
use crate::secrets::Vault;
use crate::sso::SingleSignOn;
use crate::store::{SchemaState, Store, StoreError, ask, event};
use anyhow::Context;
use assembly::Assembled;
use engine::source::Committer;
use lockstep_types::Micros;
use secrecy::ExposeSecret;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Requests and writes that are under way at the end may take this long.
const GRACE: Duration = Duration::from_secs(20);
/// Between two rounds of the housekeeper.
const HOUSEKEEPING: Duration = Duration::from_secs(600);
/// The event log reaches back so far, or so many events, whichever is more.
const EVENTS_SECONDS: i64 = 7 * 24 * 3600;
const EVENTS_KEPT: u64 = 100_000;

/// What the control plane is assembled from.
pub struct Foundation {
    pub config: Arc<Config>,
    pub store: Store,
    pub vault: Vault,
    /// In tracking ids and leases.
    pub installation: Uuid,
    pub accounts: AccountService,
    pub hub: Hub,
    /// Of commits of our own.
    pub committer: Committer,
}

/// Opens the database of the configuration and makes the folder for it.
///
/// # Errors
/// The folder or the database cannot be made or opened.
pub async fn open_store(config: &Config) -> anyhow::Result<Store> {
    let folder = &config.data_dir;
    let mut maker = std::fs::DirBuilder::new();
    maker.recursive(true);
    // Password hashes and mirrors of private repositories are nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut maker, 0o700);
    maker
        .create(folder)
        .with_context(|| format!("data_dir: cannot make the folder {}", folder.display()))?;
    Ok(Store::open(config.database_url.expose_secret()).await?)
}

/// Runs the server until it is asked to end.
///
/// # Errors
/// Something that it needs is missing or broken; the message says what.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let config = Arc::new(config);
    // Before anything is touched: a key that cannot sign is found now, not at the first rollback.
    let committer = config.commits.committer()?;
    if let Some(signer) = &committer.signer {
        tracing::info!(key = signer.key(), "commits of our own are signed");
    }
    let store = open_store(&config).await?;
    // A new database is made at once; an old one is changed only when the operator says so.
    if store.schema_state().await? == SchemaState::Empty {
        store.migrate().await?;
    }
    store.require_current_schema().await?;
    let key = std::env::var("LOCKSTEP_KEY")
        .ok()
        .filter(|key| !key.is_empty());
    let vault = Vault::open(&config.data_dir, key.as_deref())?;
    let installation = installation_id(&config.data_dir)
        .context("data_dir: the id of this installation cannot be read or made")?;
    let accounts = AccountService::open(store.clone())
        .await?
        .with_rules(config.login.clone())
        .with_vault(vault.clone());
    let sso = SingleSignOn::new(
        &config.login,
        &config.public_url,
        &config.network.allow_http,
    )?;
    let hub = Hub::new(store.clone());
    let cancel = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(hub.clone().follow(cancel.clone()));
    tasks.spawn(keep_house(store.clone(), accounts.clone(), cancel.clone()));

    let listener = tokio::net::TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("listen: cannot listen on {}", config.listen))?;
    let tls = config
        .tls
        .clone()
        .map(Tls::open)
        .transpose()
        .context("tls")?;
    let foundation = Foundation {
        config: Arc::clone(&config),
        store: store.clone(),
        vault,
        installation,
        accounts: accounts.clone(),
        hub,
        committer,
    };
    let Assembled { plane, engine } = assembly::control_plane(foundation).await?;
    if let Some(address) = config.metrics_listen {
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .with_context(|| format!("metrics_listen: cannot listen on {address}"))?;
        let stopping = cancel.clone();
        let routes = metrics_router(engine.clone());
        let listener = TimedListener::new(listener, Limits::default());
        tasks.spawn(async move {
            tokio::select! {
                () = stopping.cancelled() => {}
                ended = axum::serve(listener, routes).into_future() => if let Err(error) = ended {
                    tracing::warn!(error = &error as &dyn std::error::Error, "metrics are no longer served");
                }
            }
        });
    }
    let settings = WebSettings {
        public_url: config.public_url.clone(),
        session: config.session,
        trusted_proxies: config.trusted_proxies.clone(),
        site_root: config.site_root.clone(),
    };
    let web = router(Web::new(plane, accounts.clone(), settings).with_sso(sso));
    greet(&config, &accounts).await?;

    let service = web.into_make_service_with_connect_info::<Peer>();
    let stopping = cancel.clone();
    let server = axum::serve(
        TimedListener::new(listener, Limits::default())
            .trusting(&config.trusted_proxies)
            .under_tls(tls),
        service,
    )
    .with_graceful_shutdown(async move { stopping.cancelled().await });
    let mut server = tokio::spawn(server.into_future());
    let fell = tokio::select! {
        () = asked_to_end() => {
            tracing::info!("ending");
            None
        }
        ended = &mut server => Some(ended),
    };
    // First the writes to clusters come to a halt, then the pages go.
    engine.stop(GRACE).await;
    cancel.cancel();
    // Event streams never end by themselves.
    if fell.is_none()
        && tokio::time::timeout(Duration::from_secs(2), &mut server)
            .await
            .is_err()
    {
        server.abort();
    }
    while tasks.join_next().await.is_some() {}
    // Also when the server fell over: what was only counted is written.
    accounts.end_refusals().await;
    store.close().await;
    match fell {
        Some(ended) => Ok(ended.context("the HTTP server fell over")??),
        None => Ok(()),
    }
}

/// Says where the server is, and how the first administrator is made.
async fn greet(config: &Config, accounts: &AccountService) -> anyhow::Result<()> {
    let origin = config.public_url.origin();
    tracing::info!(listen = %config.listen, url = %origin, "serving");
    if let Some(token) = accounts.begin_setup().await? {
        // Printed, not logged: logs travel further than the terminal.
        crate::command::say(&format!(
            "Nobody has an account yet. Make the first administrator within 24 hours:\n\n    {origin}/setup?token={}\n",
            token.expose_secret()
        ))?;
    }
    Ok(())
}

async fn keep_house(store: Store, accounts: AccountService, cancel: CancellationToken) {
    loop {
        let done = drop_expired(&store, &accounts).await;
        if let Err(error) = done {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "what has expired could not be dropped"
            );
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(HOUSEKEEPING) => {}
        }
    }
}

async fn drop_expired(store: &Store, accounts: &AccountService) -> Result<(), StoreError> {
    let now = Micros::from(jiff::Timestamp::now());
    accounts.sweep().await?;
    event::prune(store, now.plus_seconds(-EVENTS_SECONDS), EVENTS_KEPT).await?;
    ask::let_previews_go(store, now).await?;
    retention::keep(store, now).await?;
    Ok(())
}

/// Fulfilled by Ctrl-C, or by the signal of a supervisor.
async fn asked_to_end() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a handler there is nothing to wait for but the process's own end.
    if interrupt.await.is_err() {
        std::future::pending::<()>().await;
    }
}
