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
