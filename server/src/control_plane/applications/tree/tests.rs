use super::*;
use lockstep_types::health::HealthStatus;
use serde_json::json;
use std::collections::BTreeMap;

/// Objects by UID, with the UID of their owner.
struct Few(BTreeMap<&'static str, (ResourceKey, &'static str)>);

impl Few {
    fn seen(&self, uid: &str) -> Option<Seen> {
        let (key, _) = self.0.get(uid)?;
        let body = json!({"kind": key.kind, "apiVersion": "v1", "metadata": {"name": key.name}});
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

/// One Deployment with so many Pods, or a chain of so many owners.
struct Crowd {
    pods: usize,
    chain: usize,
}

impl Crowd {
    fn one(uid: String) -> Seen {
        Seen {
            key: key("Pod", &uid),
            created_at: None,
            body: json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": uid}}),
            uid,
        }
    }
}

impl Graph for Crowd {
    fn find(&self, _key: &ResourceKey) -> Option<Seen> {
        Some(Self::one("0".to_owned()))
    }

    fn below(&self, uid: &str) -> Vec<Seen> {
        let at: usize = uid.parse().unwrap();
        if at == 0 && self.pods > 0 {
            return (1..=self.pods)
                .map(|pod| Self::one(pod.to_string()))
                .collect();
        }
        if at < self.chain {
            return vec![Self::one((at + 1).to_string())];
        }
        Vec::new()
    }
}

#[test]
fn attack_56_a_tree_is_laid_out_soon_and_has_an_end() {
    let began = std::time::Instant::now();
    let of = |pods, chain| {
        nodes(
            vec![root("Deployment", "web")],
            &Crowd { pods, chain },
            None,
            None,
        )
    };
    assert_eq!(of(10_000, 0).len(), 10_001);
    assert_eq!(of(100_000, 0).len(), NODES);
    assert_eq!(of(0, 10_000).len(), DEPTH + 1);
    let took = began.elapsed();
    assert!(took < std::time::Duration::from_secs(20), "{took:?}");
}
