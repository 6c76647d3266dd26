//! The tree of a target: what Git declares, and below it what controllers made of it, by owner references.
//!
//! Pure over a [`Graph`]: live state in the server, a few objects in tests. Parents come before their children,
//! siblings by kind and name.

use engine::health;
use engine::live::{Live, LiveObject};
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::Health;
use lockstep_types::resource::{ResourceKey, ResourceNode};
use lockstep_types::time::Micros;
use serde_json::Value;
use std::collections::BTreeSet;

/// More than a page can lay out with sense.
const NODES: usize = 20_000;
/// Deeper chains of owners are somebody's mistake.
const DEPTH: usize = 32;

/// A live object as the tree needs it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub key: ResourceKey,
    pub uid: String,
    pub created_at: Option<Micros>,
    /// As much as is held.
    pub body: Value,
}

/// Where live objects come from.
pub(super) trait Graph {
    /// The object of this name, if it is there.
    fn find(&self, key: &ResourceKey) -> Option<Seen>;
    /// Objects that name this UID as their owner.
    fn below(&self, uid: &str) -> Vec<Seen>;
}

impl From<&LiveObject> for Seen {
    fn from(object: &LiveObject) -> Self {
        Self {
            key: object.key.clone(),
            uid: object.uid.clone(),
            created_at: object.created_at,
            body: object.body(),
        }
    }
}

impl Graph for Live {
    fn find(&self, key: &ResourceKey) -> Option<Seen> {
        self.peek(key).map(|object| Seen::from(object.as_ref()))
    }

    fn below(&self, uid: &str) -> Vec<Seen> {
        self.children(uid)
            .iter()
            .map(|object| Seen::from(object.as_ref()))
            .collect()
    }
}

/// A cluster that is not being watched.
pub(super) struct Nothing;

impl Graph for Nothing {
    fn find(&self, _key: &ResourceKey) -> Option<Seen> {
        None
    }

    fn below(&self, _uid: &str) -> Vec<Seen> {
        Vec::new()
    }
}

/// An object below the application itself.
#[derive(Debug, Clone)]
pub(super) struct Root {
    pub key: ResourceKey,
    /// In Git; otherwise left over from an earlier sync.
    pub declared: bool,
    pub sync: SyncStatus,
    pub health: Health,
}

/// Lays the nodes out. `unknown` says why live state must not be trusted now; then no health is claimed.
pub(super) fn nodes(
    roots: Vec<Root>,
    graph: &dyn Graph,
    culprit: Option<&ResourceKey>,
    unknown: Option<&str>,
) -> Vec<ResourceNode> {
    let mut roots = roots;
    roots.sort_by(|one, other| order(&one.key, &other.key));
    let own: BTreeSet<ResourceKey> = roots.iter().map(|root| root.key.clone()).collect();
    let mut walk = Walk {
        graph,
        culprit,
        unknown,
        own,
        seen: BTreeSet::new(),
        nodes: Vec::new(),
    };
    for root in roots {
        walk.root(root);
    }
    walk.nodes
}

fn order(one: &ResourceKey, other: &ResourceKey) -> std::cmp::Ordering {
    (&one.kind, &one.name, &one.namespace, &one.group).cmp(&(
        &other.kind,
        &other.name,
        &other.namespace,
        &other.group,
    ))
}

struct Walk<'a> {
    graph: &'a dyn Graph,
    culprit: Option<&'a ResourceKey>,
    unknown: Option<&'a str>,
    own: BTreeSet<ResourceKey>,
    /// UIDs, so that a circle of owners ends.
    seen: BTreeSet<String>,
    nodes: Vec<ResourceNode>,
}

impl Walk<'_> {
    fn root(&mut self, root: Root) {
        let live = self.graph.find(&root.key);
        let (sync, health) = match self.unknown {
            Some(why) => (SyncStatus::Unknown, health::unknown(why)),
            None => (root.sync, root.health),
        };
        self.nodes.push(ResourceNode {
            cause: self.is_cause(&root.key),
            uid: live.as_ref().map(|live| live.uid.clone()),
            parent: None,
            declared: root.declared,
            sync: Some(sync),
            health,
            created_at: live.as_ref().and_then(|live| live.created_at),
            detail: live
                .as_ref()
                .map(|live| health::detail(&live.body))
                .unwrap_or_default(),
            key: root.key.clone(),
        });
        if let Some(live) = live {
            self.below(&root.key, &live.uid, 1);
        }
    }

    fn below(&mut self, parent: &ResourceKey, uid: &str, depth: usize) {
        if depth > DEPTH || !self.seen.insert(uid.to_owned()) {
            return;
        }
        let mut children = self.graph.below(uid);
        children.sort_by(|one, other| order(&one.key, &other.key));
        for child in children {
            // What is declared hangs below the application, whoever owns it.
            if self.nodes.len() >= NODES
                || self.own.contains(&child.key)
                || self.seen.contains(&child.uid)
            {
                continue;
            }
            self.nodes.push(ResourceNode {
                cause: self.is_cause(&child.key),
                uid: Some(child.uid.clone()),
                parent: Some(parent.clone()),
                declared: false,
                sync: None,
                health: match self.unknown {
                    Some(why) => health::unknown(why),
                    None => health::health(&child.body),
                },
                created_at: child.created_at,
                detail: health::detail(&child.body),
                key: child.key.clone(),
            });
            self.below(&child.key, &child.uid, depth + 1);
        }
    }

    fn is_cause(&self, key: &ResourceKey) -> bool {
        self.culprit == Some(key)
    }
}

#[cfg(test)]
mod tests;
