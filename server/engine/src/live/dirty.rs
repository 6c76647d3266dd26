//! Which targets changed since somebody last looked. Marks coalesce: a burst of events is one wake-up.

use super::Live;
use lockstep_types::id::TargetId;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// The marks of one cluster.
#[derive(Default)]
pub(super) struct Marks {
    targets: Mutex<BTreeSet<TargetId>>,
    woken: Notify,
}

impl Marks {
    /// Adds targets and wakes the consumer.
    pub(super) fn add(&self, targets: BTreeSet<TargetId>) {
        if targets.is_empty() {
            return;
        }
        self.targets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(targets);
        self.woken.notify_one();
    }

    fn take(&self) -> BTreeSet<TargetId> {
        std::mem::take(&mut *self.targets.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Receives sets of changed targets. One consumer per cluster: what one takes, another does not see.
pub struct Dirty {
    live: Arc<Live>,
}

impl Dirty {
    pub(super) fn new(live: Arc<Live>) -> Self {
        Self { live }
    }

    /// Waits for the next non-empty set. Cancel-safe: nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> BTreeSet<TargetId> {
        loop {
            let taken = self.live.dirty.take();
            if !taken.is_empty() {
                return taken;
            }
            self.live.dirty.woken.notified().await;
        }
    }
}
