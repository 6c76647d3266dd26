//! Wakes reconcilers. A wake-up carries no news: the reconciler looks at the whole state again, so one that is lost
//! costs at most the wait for the timer.
//!
//! Knows keys and nothing behind them. The loops register themselves; waking a key without a loop does nothing.

use crate::reconcile::driver::Wake;
use lockstep_types::id::{SourceId, TargetId};
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Hands out and keeps the wakes of all loops. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Activator(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    supervisor: Wake,
    targets: Wakes<TargetId>,
    clusters: Wakes<String>,
    repositories: Wakes<String>,
    pulls: Pulls,
    reestablish: Wake,
    /// Which repository a root source reads.
    sources: Mutex<HashMap<SourceId, String>>,
}

impl Activator {
    /// Looks again at which sources, clusters and targets there are: call it after adding or removing one.
    pub fn activate_all(&self) {
        self.0.supervisor.activate();
    }

    /// Fetches the repository of a root source now and reads its definitions.
    pub fn activate_source(&self, source: SourceId) {
        let repository = locked(&self.0.sources).get(&source).cloned();
        match repository {
            Some(url) => self.0.repositories.activate(&url),
            // Not known yet: the supervisor starts its loop, and a loop begins with a pass.
            None => self.0.supervisor.activate(),
        }
    }

    /// Fetches one repository now.
    pub fn activate_repository(&self, repo_url: &str) {
        self.0.repositories.activate(repo_url);
    }

    /// Looks again at the pull requests of one repository.
    pub fn activate_pulls(&self, repository: &str) {
        locked(&self.0.pulls.called).insert(repository.to_owned());
        self.0.pulls.wake.activate();
    }

    /// Compares one target now and takes up what was asked of it.
    pub fn activate_target(&self, target: TargetId) {
        self.0.targets.activate(&target);
    }

    /// Looks at one cluster's connection now.
    pub fn activate_cluster(&self, name: &str) {
        self.0.clusters.activate(name);
    }

    /// Looks at clusters that are being brought back now.
    pub fn activate_reestablish(&self) {
        self.0.reestablish.activate();
    }

    pub(crate) fn reestablish(&self) -> Wake {
        self.0.reestablish.clone()
    }

    /// Wakes who looks at pull requests.
    pub(crate) fn pulls(&self) -> Wake {
        self.0.pulls.wake.clone()
    }

    /// Repositories whose pull requests are to be looked at, once.
    pub(crate) fn take_pulls(&self) -> BTreeSet<String> {
        std::mem::take(&mut *locked(&self.0.pulls.called))
    }

    pub(crate) fn supervisor(&self) -> Wake {
        self.0.supervisor.clone()
    }

    pub(crate) fn target(&self, target: TargetId) -> Wake {
        self.0.targets.register(target)
    }

    pub(crate) fn cluster(&self, name: &str) -> Wake {
        self.0.clusters.register(name.to_owned())
    }

    pub(crate) fn repository(&self, repo_url: &str) -> Wake {
        self.0.repositories.register(repo_url.to_owned())
    }

    pub(crate) fn map_sources(&self, sources: HashMap<SourceId, String>) {
        *locked(&self.0.sources) = sources;
    }

    pub(crate) fn forget_target(&self, target: TargetId) {
        self.0.targets.forget(&target);
    }

    pub(crate) fn forget_cluster(&self, name: &str) {
        self.0.clusters.forget(name);
    }

    pub(crate) fn forget_repository(&self, repo_url: &str) {
        self.0.repositories.forget(repo_url);
    }
}

/// One loop looks at all pull requests. Keys are those of known repositories, so that there are few.
#[derive(Debug, Default)]
struct Pulls {
    wake: Wake,
    called: Mutex<BTreeSet<String>>,
}

#[derive(Debug)]
struct Wakes<K>(Mutex<HashMap<K, Wake>>);

impl<K> Default for Wakes<K> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<K: Eq + Hash> Wakes<K> {
    fn register(&self, key: K) -> Wake {
        locked(&self.0).entry(key).or_default().clone()
    }

    fn activate<Q>(&self, key: &Q)
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if let Some(wake) = locked(&self.0).get(key) {
            wake.activate();
        }
    }

    fn forget<Q>(&self, key: &Q)
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        locked(&self.0).remove(key);
    }
}

/// The content, also after a panic elsewhere: every map here is valid after each single change.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
