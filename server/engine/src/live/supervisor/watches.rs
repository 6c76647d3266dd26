//! Which watches run: those that are wanted, no others.

use super::{NEAR, Supervisor, Watcher};
use crate::live::kinds::{GroupKind, Resource};
use crate::live::watching::{MOST, Watching};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::time::Instant;

impl Supervisor {
    /// Makes the watches be those that are wanted.
    pub(super) fn adjust(&mut self) {
        let Some(kinds) = self.live.known().kinds.clone() else {
            return;
        };
        let mut wanted: BTreeMap<GroupKind, (Resource, bool)> = BTreeMap::new();
        let mut unserved = false;
        // Their changes tell that the served kinds change.
        for (group, kind) in [
            ("apiextensions.k8s.io", "CustomResourceDefinition"),
            ("apiregistration.k8s.io", "APIService"),
        ] {
            let kind = GroupKind::new(group, kind);
            if let Some(resource) = kinds.preferred(&kind) {
                wanted.insert(kind, (resource.clone(), true));
            }
        }
        for (kind, version) in self.live.store().wants.kinds() {
            let exact = version
                .as_deref()
                .and_then(|version| kinds.exact(version, &kind.kind));
            match exact
                .or_else(|| kinds.preferred(&kind))
                .filter(|resource| resource.watchable)
            {
                Some(resource) => {
                    wanted.insert(kind, (resource.clone(), false));
                }
                None => unserved = true,
            }
        }
        let soon = Instant::now() + NEAR;
        if unserved && !self.discoveries.iter().any(|at| *at <= soon) {
            self.discoveries.push(soon);
        }
        let unwanted: Vec<GroupKind> = self
            .watchers
            .iter()
            .filter(|(kind, watcher)| {
                wanted.get(*kind) != Some(&(watcher.resource.clone(), watcher.metadata_only))
            })
            .map(|(kind, _)| kind.clone())
            .collect();
        for kind in unwanted {
            self.stop(&kind);
        }
        for (kind, (resource, metadata_only)) in wanted {
            match self.watchers.get(&kind) {
                Some(watcher) => {
                    if !self.live.store().missing(&kind).is_empty() {
                        watcher.fill.notify_one();
                    }
                }
                None => self.watch(kind, resource, metadata_only),
            }
        }
        self.schemas.notify_one();
    }

    fn watch(&mut self, kind: GroupKind, resource: Resource, metadata_only: bool) {
        self.writer += 1;
        self.live.store_mut().begin(&kind, self.writer);
        let fill = Arc::new(Notify::new());
        let watching = Watching {
            live: Arc::clone(&self.live),
            client: self.client.clone(),
            kind: kind.clone(),
            resource: resource.clone(),
            metadata_only,
            writer: self.writer,
            most: MOST,
            fill: Arc::clone(&fill),
        };
        let cancel = self.cancel.child_token();
        let stop = cancel.clone();
        self.tasks.spawn(async move {
            let _ = stop.run_until_cancelled(watching.run()).await;
        });
        self.watchers.insert(
            kind,
            Watcher {
                resource,
                metadata_only,
                fill,
                cancel,
            },
        );
    }

    fn stop(&mut self, kind: &GroupKind) {
        if let Some(watcher) = self.watchers.remove(kind) {
            watcher.cancel.cancel();
        }
        let touched = self.live.store_mut().drop_kind(kind);
        self.live.dirty.add(touched);
    }

    pub(super) fn stop_all(&mut self) {
        let all: Vec<GroupKind> = self.watchers.keys().cloned().collect();
        for kind in all {
            self.stop(&kind);
        }
    }
}
