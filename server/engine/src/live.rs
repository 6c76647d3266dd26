//! What a cluster holds, from watches. One supervisor per cluster owns the connection, the watches and the caches;
//! everything else reads through [`Live`]. Knows nothing of Git, targets beyond their ids, or the database.
//!
//! Three rules: unknown is not absent (a kind whose list is not complete and trusted answers [`Lookup::Unknown`]);
//! the time of the last comparison moves only when the server said so (list, event, bookmark); and a server that turns
//! out to be another cluster is not talked to any more.

mod access;
mod address;
mod backoff;
mod currency;
mod dirty;
mod kinds;
mod limits;
mod log;
mod object;
mod on_demand;
mod openapi;
mod probe;
mod pruned;
pub(crate) mod request;
mod rewriting;
mod store;
mod supervisor;
mod survey;
mod transport;
mod wants;
mod watching;

pub use access::{Access, AccessError, ClusterPolicy, read as read_kubeconfig};
pub use address::AddressRefused;
pub use dirty::Dirty;
pub use kinds::{GroupKind, Kinds, Resolve, Resource, Scope};
pub use limits::{Cause, Refusal};
pub use log::{LogRequest, LogText};
pub use object::{LiveObject, Owner};
pub use request::RequestError;
pub use survey::{Survey, Surveyed};
pub use wants::WantedObject;

use crate::schema::Schema;
use lockstep_types::cluster::Connection;
use lockstep_types::id::TargetId;
use lockstep_types::resource::ResourceKey;
use lockstep_types::time::Micros;
use secrecy::SecretString;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How to reach a cluster.
pub struct LiveSettings {
    /// The cluster's name, for messages.
    pub name: String,
    /// A whole kubeconfig, YAML.
    pub kubeconfig: SecretString,
    /// The context to use; empty for its current one.
    pub context: String,
    pub policy: ClusterPolicy,
    /// UID of the namespace kube-system when this cluster was first seen. Another one is another cluster.
    pub expected_uid: Option<String>,
    pub timing: Timing,
}

/// How often and how long. The defaults see a dead or frozen API server within ten seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Between two probes of a connected server.
    pub probe_every: Duration,
    /// Longest answer to a probe.
    pub probe_within: Duration,
    /// Between two tries of a server that does not answer.
    pub retry_every: Duration,
    /// What the server is asked to close a watch after.
    pub watch_for: Duration,
    /// Silence after which the server is asked for a sign that the watch is current.
    pub nudge_after: Duration,
    /// Silence after which a watch is not believed any more and the kind is listed again.
    pub watch_idle: Duration,
    /// Between two whole lists of a kind, in case a watch lost something.
    pub relist_every: Duration,
    /// Between two looks at the served kinds when nothing suggests a change.
    pub discover_every: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            probe_every: Duration::from_secs(4),
            probe_within: Duration::from_millis(2500),
            retry_every: Duration::from_secs(3),
            watch_for: Duration::from_secs(290),
            nudge_after: Duration::from_secs(70),
            watch_idle: Duration::from_secs(150),
            relist_every: Duration::from_secs(3600),
            discover_every: Duration::from_secs(120),
        }
    }
}

/// What a cluster says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterFacts {
    /// `v1.36.3`.
    pub version: String,
    /// `v1`, `apps/v1`, `apps/v1/Deployment` …, for Helm's capabilities.
    pub api_versions: Vec<String>,
    /// UID of the namespace kube-system; `None` when the credentials may not read it.
    pub uid: Option<String>,
}

/// The answer to "is this object there?".
#[derive(Debug, Clone)]
pub enum Lookup {
    /// Yes, and its whole body is held.
    Present(Arc<LiveObject>),
    /// No: its kind's list is complete (or the cluster does not serve the kind) and it is not there.
    Absent,
    /// It cannot be told now; says why.
    Unknown(String),
}

/// Numbers of one cluster's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LiveStats {
    /// Open watches.
    pub watches: u32,
    /// Kinds that are to be watched.
    pub kinds: u32,
    pub objects: u64,
    pub bytes: u64,
    /// Round trip of the last probe.
    pub latency_millis: Option<u32>,
}

/// Live state of one cluster.
pub struct Live {
    name: String,
    timing: Timing,
    store: RwLock<store::Store>,
    known: RwLock<Known>,
    connection: watch::Sender<Connection>,
    dirty: dirty::Marks,
    /// Somebody wants other objects.
    wants_changed: Notify,
    /// The served kinds may have changed.
    kinds_changed: Notify,
    /// Counts reconnects: watches begin anew at each.
    epoch: watch::Sender<u64>,
    latency: AtomicU32,
    watches: AtomicU32,
    /// Whole lists running at once: the first minutes must not flood the server.
    lists: Semaphore,
}

/// What was last learnt from the server, replaced piece by piece.
#[derive(Default)]
struct Known {
    client: Option<kube::Client>,
    kinds: Option<Arc<Kinds>>,
    discovered_at: Option<Micros>,
    connected_since: Option<Micros>,
    facts: Option<ClusterFacts>,
    schema: Arc<Schema>,
    rewritten: BTreeSet<GroupKind>,
    /// UID of another cluster that answers in place of the expected one.
    stranger: Option<String>,
}

/// Lists of whole kinds at once per cluster.
const LISTS: usize = 4;
const NO_LATENCY: u32 = u32::MAX;

impl Live {
    /// Starts the supervisor on `tasks`; it ends with `cancel`. Needs a process-wide rustls provider.
    pub fn start(
        settings: LiveSettings,
        cancel: CancellationToken,
        tasks: &TaskTracker,
    ) -> Arc<Self> {
        let live = Self::idle(&settings.name, settings.timing);
        tasks.spawn(supervisor::run(
            Arc::clone(&live),
            settings,
            cancel,
            tasks.clone(),
        ));
        live
    }

    /// One without a supervisor.
    fn idle(name: &str, timing: Timing) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            timing,
            store: RwLock::default(),
            known: RwLock::default(),
            connection: watch::Sender::new(Connection::Unknown),
            dirty: dirty::Marks::default(),
            wants_changed: Notify::new(),
            kinds_changed: Notify::new(),
            epoch: watch::Sender::new(0),
            latency: AtomicU32::new(NO_LATENCY),
            watches: AtomicU32::new(0),
            lists: Semaphore::new(LISTS),
        })
    }

    /// The cluster's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The state of the connection and its changes.
    pub fn connection(&self) -> watch::Receiver<Connection> {
        self.connection.subscribe()
    }

    /// Sets what a target wants: bodies of these objects are held, their kinds and those of their trees watched.
    /// Replaces what it wanted before.
    pub fn want(&self, target: TargetId, wanted: &[WantedObject]) {
        {
            let mut store = self.store_mut();
            let released = store.wants.set(target, wanted);
            store.release(&released);
        }
        self.wants_changed.notify_one();
    }

    /// The target wants nothing any more.
    pub fn forget(&self, target: TargetId) {
        self.want(target, &[]);
    }

    /// Looks one object up. Only objects that a target wants are found with their bodies.
    pub fn get(&self, key: &ResourceKey) -> Lookup {
        let kinds = self.known().kinds.clone();
        self.store().lookup(key, kinds.as_deref())
    }

    /// An object of the tree, whatever is kept of it; `None` also when its kind is not known.
    pub fn peek(&self, key: &ResourceKey) -> Option<Arc<LiveObject>> {
        self.store().object(key).cloned()
    }

    /// Objects whose owner has this UID, by kind and name.
    pub fn children(&self, uid: &str) -> Vec<Arc<LiveObject>> {
        self.store().children(uid)
    }

    /// Sets of targets whose objects, or objects below them, changed; one consumer.
    pub fn dirty(self: &Arc<Self>) -> Dirty {
        Dirty::new(Arc::clone(self))
    }

    /// Whether objects of this kind live in namespaces; `None` while that is unknown.
    pub fn scope(&self, api_version: &str, kind: &str) -> Option<Scope> {
        let kinds = self.known().kinds.clone()?;
        let group_kind = GroupKind::new(crate::manifest::group_of(api_version), kind);
        kinds
            .exact(api_version, kind)
            .or_else(|| kinds.preferred(&group_kind))
            .map(|resource| resource.scope)
    }

    /// Version, kinds and identity, once known.
    pub fn facts(&self) -> Option<ClusterFacts> {
        self.known().facts.clone()
    }

    /// UID of the cluster that answers in place of the expected one, while it does.
    pub fn stranger(&self) -> Option<String> {
        self.known().stranger.clone()
    }

    /// Schemas of the wanted kinds as far as they have been read; grows as more is wanted.
    pub fn schema(&self) -> Arc<Schema> {
        Arc::clone(&self.known().schema)
    }

    /// A client for writing: only while the cluster answers and is the one it should be.
    pub fn client(&self) -> Option<kube::Client> {
        let connected = matches!(*self.connection.borrow(), Connection::Connected);
        self.known().client.clone().filter(|_| connected)
    }

    /// Numbers for the cluster's page.
    pub fn stats(&self) -> LiveStats {
        let store = self.store();
        let (objects, bytes) = store.size();
        let latency = self.latency.load(Ordering::Relaxed);
        LiveStats {
            watches: self.watches.load(Ordering::Relaxed),
            kinds: u32::try_from(store.wants.kinds().len()).unwrap_or(u32::MAX),
            objects,
            bytes,
            latency_millis: (latency != NO_LATENCY).then_some(latency),
        }
    }

    /// Kinds that cannot be judged now, with the reason; for the cluster's page.
    pub fn troubles(&self) -> BTreeMap<GroupKind, String> {
        let store = self.store();
        let wanted = store.wants.kinds();
        wanted
            .into_keys()
            .filter_map(|kind| {
                let trouble = store.kind(&kind)?.trouble.clone()?;
                Some((kind, trouble))
            })
            .collect()
    }

    fn store(&self) -> RwLockReadGuard<'_, store::Store> {
        self.store.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn store_mut(&self) -> RwLockWriteGuard<'_, store::Store> {
        self.store.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolve for Live {
    fn resolve(&self, api_version: &str, kind: &str) -> Option<Resource> {
        self.known()
            .kinds
            .as_ref()?
            .exact(api_version, kind)
            .cloned()
    }
}

fn now() -> Micros {
    jiff::Timestamp::now().into()
}
