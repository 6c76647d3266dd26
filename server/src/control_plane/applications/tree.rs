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
mod tests {
    use super::*;
    use lockstep_types::health::HealthStatus;
    use serde_json::json;
    use std::collections::BTreeMap;

    /// Objects by UID, with the UID of their owner.
    struct Few(BTreeMap<&'static str, (ResourceKey, &'static str)>);

    impl Few {
        fn seen(&self, uid: &str) -> Option<Seen> {
            let (key, _) = self.0.get(uid)?;
            let body =
                json!({"kind": key.kind, "apiVersion": "v1", "metadata": {"name": key.name}});
            Some(Seen {
                key: key.clone(),
                uid: uid.to_owned(),
                created_at: Some(Micros(1)),
                body,
            })
        }
    }

    impl Graph for Few {
        fn find(&self, key: &ResourceKey) -> Option<Seen> {
            let uid = self.0.iter().find(|(_, (known, _))| known == key)?.0;
            self.seen(uid)
        }

        fn below(&self, uid: &str) -> Vec<Seen> {
            self.0
                .iter()
                .filter(|(_, (_, owner))| *owner == uid)
                .filter_map(|(uid, _)| self.seen(uid))
                .collect()
        }
    }

    fn key(kind: &str, name: &str) -> ResourceKey {
        ResourceKey::new("", kind, "shop", name)
    }

    fn root(kind: &str, name: &str) -> Root {
        Root {
            key: key(kind, name),
            declared: true,
            sync: SyncStatus::Synced,
            health: Health::healthy(),
        }
    }

    fn graph() -> Few {
        Few(BTreeMap::from([
            ("d", (key("Deployment", "web"), "")),
            ("r2", (key("ReplicaSet", "web-2"), "d")),
            ("r1", (key("ReplicaSet", "web-1"), "d")),
            ("p", (key("Pod", "web-2-x"), "r2")),
            ("s", (key("Service", "web"), "d")),
        ]))
    }

    fn text(nodes: &[ResourceNode]) -> Vec<String> {
        nodes
            .iter()
            .map(|node| {
                let parent = node
                    .parent
                    .as_ref()
                    .map(|parent| format!(" < {}", parent.name))
                    .unwrap_or_default();
                format!(
                    "{}{parent}{}",
                    node.key.short(),
                    if node.cause { " !" } else { "" }
                )
            })
            .collect()
    }

    #[test]
    fn parents_come_before_children() {
        let culprit = key("Pod", "web-2-x");
        let nodes = nodes(
            vec![root("Service", "web"), root("Deployment", "web")],
            &graph(),
            Some(&culprit),
            None,
        );
        assert_eq!(
            text(&nodes),
            [
                "Deployment web",
                "ReplicaSet web-1 < web",
                "ReplicaSet web-2 < web",
                "Pod web-2-x < web-2 !",
                // Declared, so it does not hang below the Deployment that owns it.
                "Service web"
            ]
        );
        assert_eq!(nodes[0].sync, Some(SyncStatus::Synced));
        assert_eq!((nodes[1].sync, nodes[1].declared), (None, false));
    }

    #[test]
    fn a_circle_of_owners_ends() {
        let circle = Few(BTreeMap::from([
            ("a", (key("A", "a"), "b")),
            ("b", (key("B", "b"), "a")),
        ]));
        assert_eq!(
            text(&nodes(vec![root("A", "a")], &circle, None, None)),
            ["A a", "B b < a"]
        );
    }

    #[test]
    fn nothing_is_claimed_of_what_is_not_known() {
        let nodes = nodes(
            vec![root("Deployment", "web")],
            &graph(),
            None,
            Some("the cluster does not answer"),
        );
        assert!(
            nodes
                .iter()
                .all(|node| node.health.status == HealthStatus::Unknown)
        );
        assert_eq!(nodes[0].sync, Some(SyncStatus::Unknown));
        let gone = super::nodes(vec![root("Deployment", "web")], &Nothing, None, None);
        assert_eq!((gone.len(), gone[0].uid.clone()), (1, None));
    }
}
