//! What all reconcilers and ports share: the database, the stages that talk to Git and clusters, and the wakes.
//!
//! A [`Runtime`] is a handle; cloning it is cheap. It owns what lives only in memory (connections, resolved
//! revisions, the last assessment of each target) and every background task. It decides nothing: that is
//! `crate::reconcile`. Everything in memory can be lost at any moment; the database and Git are the truth.

pub mod activator;
pub mod cluster_access;
pub mod clusters;
pub mod git_access;
pub mod memory;
pub mod metrics;
pub mod settings;

pub use activator::Activator;
pub use cluster_access::{AccessRefused, ClusterAccess};
pub use clusters::ClusterHandle;
pub use git_access::GitAccess;
pub use memory::{Assessment, Resolution};
pub use metrics::Metrics;
pub use settings::Settings;

use crate::authority::Authority;
use crate::reconcile;
use crate::secrets::Vault;
use crate::store::Store;
use async_trait::async_trait;
use clusters::Registry;
use engine::render::Renderer;
use engine::source::Mirrors;
use lockstep_types::id::TargetId;
use lockstep_types::revision::{Revision, TargetRevision};
use lockstep_types::time::Micros;
use memory::Memory;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// Opens what is sealed or kept in files. The configuration and the vault implement it.
#[async_trait]
pub trait Access: Send + Sync {
    /// How to log in to the host of a repository.
    ///
    /// # Errors
    /// When there is a credential and it cannot be opened; in words, without the credential.
    async fn git(&self, repo_url: &str) -> Result<GitAccess, AccessRefused>;

    /// How to reach a registered cluster.
    ///
    /// # Errors
    /// When its kubeconfig cannot be read or opened; in words, without its content.
    async fn cluster(&self, name: &str) -> Result<ClusterAccess, AccessRefused>;

    /// Seals manifests of Secrets in the database; where there is none, they lie there in plain.
    fn vault(&self) -> Option<&Vault> {
        None
    }
}

/// What a runtime is made from.
pub struct Parts {
    pub store: Store,
    pub mirrors: Mirrors,
    pub renderer: Renderer,
    pub access: Arc<dyn Access>,
    /// In tracking ids and leases.
    pub installation: Uuid,
    pub settings: Settings,
}

/// The handle that reconcilers and ports hold.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    activator: Activator,
    clusters: Registry,
    memory: Memory,
    metrics: Metrics,
    authority: Authority,
    limits: reconcile::Limits,
    brake: reconcile::brake::Brake,
    tasks: TaskTracker,
    /// Ends everything.
    cancel: CancellationToken,
    /// No new object is started any more; runs that are writing come to a halt.
    draining: CancellationToken,
}

impl Runtime {
    /// Builds the handle without starting anything: for tests and for commands.
    pub fn new(parts: Parts) -> Self {
        let limits = reconcile::Limits::new(&parts.settings);
        let cancel = CancellationToken::new();
        let authority = Authority::new(parts.store.clone());
        Self {
            inner: Arc::new(Inner {
                parts,
                authority,
                activator: Activator::default(),
                clusters: Registry::default(),
                memory: Memory::default(),
                metrics: Metrics::default(),
                limits,
                brake: reconcile::brake::Brake::default(),
                tasks: TaskTracker::new(),
                draining: cancel.child_token(),
                cancel,
            }),
        }
    }

    /// Builds the handle and starts every reconciler.
    pub fn start(parts: Parts) -> Self {
        let runtime = Self::new(parts);
        let tasks = runtime.tasks().clone();
        tasks.spawn(reconcile::supervisor::run(runtime.clone()));
        runtime
    }

    /// Stops: no new object is started, what is in flight is waited for, then everything ends.
    pub async fn stop(&self, within: Duration) {
        self.inner.draining.cancel();
        self.inner.tasks.close();
        let grace = within.mul_f64(0.5);
        if tokio::time::timeout(grace, self.inner.memory.quiet())
            .await
            .is_err()
        {
            tracing::warn!(
                event.name = "runtime.stop.slow",
                "a write is still in flight; ending without its answer"
            );
        }
        self.inner.cancel.cancel();
        if tokio::time::timeout(within.mul_f64(0.4), self.inner.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                event.name = "runtime.stop.tasks",
                tasks.left = self.inner.tasks.len(),
                "some tasks did not end in time"
            );
        }
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.inner.parts.store
    }

    /// Who may what.
    pub fn authority(&self) -> &Authority {
        &self.inner.authority
    }

    /// All repositories.
    pub fn mirrors(&self) -> &Mirrors {
        &self.inner.parts.mirrors
    }

    /// Files to manifests.
    pub fn renderer(&self) -> &Renderer {
        &self.inner.parts.renderer
    }

    /// Credentials by reference.
    pub fn access(&self) -> &Arc<dyn Access> {
        &self.inner.parts.access
    }

    /// The id in tracking annotations.
    pub fn installation(&self) -> Uuid {
        self.inner.parts.installation
    }

    /// Intervals and limits.
    pub fn settings(&self) -> &Settings {
        &self.inner.parts.settings
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// Wakes reconcilers.
    pub fn activator(&self) -> &Activator {
        &self.inner.activator
    }

    /// A connected (or connecting) cluster by name.
    pub fn cluster(&self, name: &str) -> Option<Arc<ClusterHandle>> {
        self.inner.clusters.get(name)
    }

    /// All clusters whose supervisor runs, by name.
    pub fn clusters(&self) -> Vec<Arc<ClusterHandle>> {
        self.inner.clusters.all()
    }

    /// The newest comparison of a target, if there was one since the start.
    pub fn assessment(&self, target: TargetId) -> Option<Arc<Assessment>> {
        self.inner.memory.assessment(target)
    }

    /// What a tracked revision resolves to, and since when it could not be fetched.
    pub fn resolution(&self, repo_url: &str, wanted: &TargetRevision) -> Option<Resolution> {
        self.inner
            .memory
            .resolution(&self.repository_key(repo_url), wanted)
    }

    /// The normal form of a repository's URL: all spellings of one repository have the same.
    pub fn repository_key(&self, repo_url: &str) -> String {
        self.mirrors()
            .check_url(repo_url)
            .map_or_else(|_| repo_url.to_owned(), |url| url.text().to_owned())
    }

    /// Why a registered cluster is not being watched; `None` when it is.
    pub fn refusal(&self, cluster: &str) -> Option<String> {
        self.inner.clusters.refusal(cluster)
    }

    /// Targets of a cluster that are being compared or synced right now.
    pub fn busy(&self, cluster: &str) -> u32 {
        self.inner.clusters.busy(cluster)
    }

    /// The commit a tracked revision resolved to last: from memory, else as the mirror last saw it.
    ///
    /// # Errors
    /// When it was never fetched, in words.
    pub async fn resolve(
        &self,
        repo_url: &str,
        wanted: &TargetRevision,
    ) -> Result<Revision, engine::source::SourceError> {
        if let Some(revision) = self
            .resolution(repo_url, wanted)
            .and_then(|known| known.revision)
        {
            return Ok(revision);
        }
        self.mirrors().resolved(repo_url, wanted).await
    }

    /// Fulfilled when the runtime is to end.
    pub fn cancelled(&self) -> &CancellationToken {
        &self.inner.cancel
    }

    pub(crate) fn draining(&self) -> &CancellationToken {
        &self.inner.draining
    }

    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.inner.tasks
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.inner.clusters
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.inner.memory
    }

    pub(crate) fn limits(&self) -> &reconcile::Limits {
        &self.inner.limits
    }

    pub(crate) fn brake(&self) -> &reconcile::brake::Brake {
        &self.inner.brake
    }
}

/// The present moment as it is stored.
pub fn now() -> Micros {
    jiff::Timestamp::now().into()
}
