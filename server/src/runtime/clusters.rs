//! The clusters that are being watched, by name, and the permits of each.
//!
//! `crate::reconcile::clusters` alone adds and removes; everybody else looks up. Nothing here is shared between two
//! clusters: each has its own connection, tasks, permits, window of writes and cancellation.

use super::activator::locked;
use engine::apply::{Applier, EpochLease, Window};
use engine::live::{Live, Resolve};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// One watched cluster.
pub struct ClusterHandle {
    pub name: String,
    pub live: Arc<Live>,
    /// Writes in flight; it learns from the cluster's answers.
    pub(crate) window: Arc<Window>,
    /// Ends the connection.
    pub(crate) cancel: CancellationToken,
    /// What it was started from; a change restarts it.
    pub(crate) fingerprint: String,
    /// Our Lease in the cluster as last written; whoever moves it on holds the lock.
    pub(crate) lease: tokio::sync::Mutex<Option<EpochLease>>,
}

impl ClusterHandle {
    /// Writes to this cluster; only while it answers and is the one it should be.
    pub fn applier(&self) -> Option<Applier> {
        let kinds: Arc<dyn Resolve> = Arc::clone(&self.live) as Arc<dyn Resolve>;
        Some(Applier::new(
            self.live.client()?,
            kinds,
            Arc::clone(&self.window),
        ))
    }
}

/// How many targets of one cluster may pass at once.
#[derive(Debug, Clone)]
struct Permits {
    semaphore: Arc<Semaphore>,
    at_once: usize,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Registry {
    clusters: Mutex<BTreeMap<String, Arc<ClusterHandle>>>,
    permits: Mutex<BTreeMap<String, Permits>>,
    /// Why a registered cluster is not being watched.
    refused: Mutex<BTreeMap<String, String>>,
}

impl Registry {
    pub(crate) fn get(&self, name: &str) -> Option<Arc<ClusterHandle>> {
        locked(&self.clusters).get(name).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<ClusterHandle>> {
        locked(&self.clusters).values().cloned().collect()
    }

    pub(crate) fn put(&self, handle: Arc<ClusterHandle>) {
        locked(&self.refused).remove(&handle.name);
        locked(&self.clusters).insert(handle.name.clone(), handle);
    }

    pub(crate) fn remove(&self, name: &str) -> Option<Arc<ClusterHandle>> {
        locked(&self.refused).remove(name);
        locked(&self.clusters).remove(name)
    }

    /// Notes why a cluster cannot be watched; answers whether that is news.
    pub(crate) fn refuse(&self, name: &str, why: String) -> bool {
        locked(&self.refused)
            .insert(name.to_owned(), why.clone())
            .as_ref()
            != Some(&why)
    }

    pub(crate) fn refusal(&self, name: &str) -> Option<String> {
        locked(&self.refused).get(name).cloned()
    }

    /// The permits of a cluster, watched or not.
    pub(crate) fn permits(&self, name: &str, at_once: usize) -> Arc<Semaphore> {
        let mut permits = locked(&self.permits);
        let entry = permits.entry(name.to_owned()).or_insert_with(|| Permits {
            semaphore: Arc::new(Semaphore::new(at_once.max(1))),
            at_once: at_once.max(1),
        });
        Arc::clone(&entry.semaphore)
    }

    /// Targets of the cluster that are being compared or synced now.
    pub(crate) fn busy(&self, name: &str) -> u32 {
        let busy = locked(&self.permits).get(name).map_or(0, |permits| {
            permits
                .at_once
                .saturating_sub(permits.semaphore.available_permits())
        });
        u32::try_from(busy).unwrap_or(u32::MAX)
    }
}
