use super::super::wants::WantedObject;
use super::*;
use serde_json::{Value, json};
use uuid::Uuid;

const WRITER: u64 = 7;

fn target(number: u128) -> TargetId {
    TargetId(Uuid::from_u128(number))
}

fn kind_of(kind: &str) -> GroupKind {
    GroupKind::new(if kind == "Pod" { "" } else { "apps" }, kind)
}

fn body(name: &str, uid: &str, version: u32, owner: Option<&str>) -> Value {
    let owners = owner
        .map(|uid| json!([{"uid": uid, "kind": "X", "name": "x", "controller": true}]))
        .unwrap_or(json!([]));
    json!({"metadata": {"name": name, "namespace": "shop", "uid": uid, "resourceVersion": version.to_string(),
        "ownerReferences": owners}, "spec": {"replicas": 1}})
}

fn object(
    store: &Store,
    kind: &str,
    name: &str,
    uid: &str,
    version: u32,
    owner: Option<&str>,
) -> LiveObject {
    let kind = kind_of(kind);
    let key = ResourceKey::new(&kind.group, &kind.kind, "shop", name);
    let keep = store.keep(&key, owner.is_some());
    LiveObject::take(
        body(name, uid, version, owner),
        &kind.group,
        &kind.kind,
        "v1",
        keep,
    )
    .unwrap()
}

fn upsert(
    store: &mut Store,
    kind: &str,
    name: &str,
    uid: &str,
    version: u32,
    owner: Option<&str>,
) -> Vec<TargetId> {
    let object = object(store, kind, name, uid, version, owner);
    store
        .upsert(&kind_of(kind), WRITER, object)
        .into_iter()
        .collect()
}

/// A Deployment `web` wanted by target 1, its ReplicaSet and one Pod.
fn grown() -> Store {
    let mut store = Store::default();
    for kind in ["Deployment", "ReplicaSet", "Pod"] {
        store.begin(&kind_of(kind), WRITER);
        store.replace(&kind_of(kind), WRITER, Vec::new(), Micros(1));
    }
    store.wants.set(
        target(1),
        &[WantedObject::new(
            ResourceKey::new("apps", "Deployment", "shop", "web"),
            "apps/v1",
        )],
    );
    assert_eq!(
        upsert(&mut store, "Deployment", "web", "d", 10, None),
        [target(1)]
    );
    assert_eq!(
        upsert(&mut store, "ReplicaSet", "web-1", "r", 11, Some("d")),
        [target(1)]
    );
    assert_eq!(
        upsert(&mut store, "Pod", "web-1-a", "p", 12, Some("r")),
        [target(1)]
    );
    store
}

#[test]
fn a_change_deep_in_the_tree_touches_the_target() {
    let mut store = grown();
    assert_eq!(
        upsert(&mut store, "Pod", "web-1-a", "p", 13, Some("r")),
        [target(1)]
    );
    assert_eq!(upsert(&mut store, "Pod", "other", "q", 14, None), []);
    let gone = object(&store, "Pod", "web-1-a", "p", 15, Some("r"));
    assert_eq!(
        store.remove(&kind_of("Pod"), WRITER, &gone),
        BTreeSet::from([target(1)])
    );
    assert!(store.children("r").is_empty());
}

#[test]
fn keeps_wanted_whole_trees_pruned_and_the_rest_as_entries() {
    let mut store = grown();
    upsert(&mut store, "Deployment", "other", "o", 20, None);
    let held = |store: &Store, kind: &str, name: &str| {
        let kind = kind_of(kind);
        let object = Arc::clone(
            store
                .object(&ResourceKey::new(kind.group, kind.kind, "shop", name))
                .unwrap(),
        );
        (object.is_whole(), object.body().get("spec").is_some())
    };
    assert_eq!(held(&store, "Deployment", "web"), (true, true));
    assert_eq!(held(&store, "ReplicaSet", "web-1"), (false, true));
    assert_eq!(held(&store, "Deployment", "other"), (false, false));
    let released = store.wants.set(target(1), &[]);
    store.release(&released);
    assert_eq!(held(&store, "Deployment", "web"), (false, false));
    let (objects, _) = store.size();
    assert_eq!(objects, 4);
}

#[test]
fn an_object_wanted_later_is_asked_for() {
    let mut store = grown();
    upsert(&mut store, "Deployment", "other", "o", 20, None);
    let key = ResourceKey::new("apps", "Deployment", "shop", "other");
    store
        .wants
        .set(target(2), &[WantedObject::new(key.clone(), "apps/v1")]);
    assert_eq!(store.missing(&kind_of("Deployment")), [key]);
    // The same version again, now whole, counts as a change: it can be compared at last.
    assert_eq!(
        upsert(&mut store, "Deployment", "other", "o", 20, None),
        [target(2)]
    );
    assert!(store.missing(&kind_of("Deployment")).is_empty());
}

#[test]
fn late_news_does_not_undo_newer_ones() {
    let mut store = grown();
    upsert(&mut store, "Pod", "web-1-a", "p", 30, Some("r"));
    assert_eq!(upsert(&mut store, "Pod", "web-1-a", "p", 29, Some("r")), []);
    let gone = object(&store, "Pod", "web-1-a", "p", 29, Some("r"));
    assert!(store.remove(&kind_of("Pod"), WRITER, &gone).is_empty());
    assert_eq!(store.children("r").len(), 1);
}

#[test]
fn a_stopped_watch_writes_nothing() {
    let mut store = grown();
    let late = object(&store, "Pod", "late", "l", 40, Some("r"));
    assert!(store.upsert(&kind_of("Pod"), WRITER + 1, late).is_empty());
    assert!(
        store
            .replace(&kind_of("Pod"), WRITER + 1, Vec::new(), Micros(9))
            .is_empty()
    );
    assert_eq!(store.children("r").len(), 1);
}

#[test]
fn a_new_list_replaces_all_even_with_older_versions() {
    let mut store = grown();
    let restored = vec![object(&store, "Pod", "web-1-b", "p2", 5, Some("r"))];
    assert_eq!(
        store.replace(&kind_of("Pod"), WRITER, restored, Micros(2)),
        BTreeSet::from([target(1)])
    );
    let names: Vec<String> = store
        .children("r")
        .iter()
        .map(|child| child.key.name.clone())
        .collect();
    assert_eq!(names, ["web-1-b"]);
}

#[test]
fn counts_what_it_holds() {
    let mut store = grown();
    let (_, before) = store.size();
    upsert(&mut store, "Pod", "more", "m", 50, None);
    assert!(store.size().1 > before);
    let gone = object(&store, "Pod", "more", "m", 51, None);
    store.remove(&kind_of("Pod"), WRITER, &gone);
    assert_eq!(store.size(), (3, before));
    for kind in ["Deployment", "ReplicaSet", "Pod"] {
        store.drop_kind(&kind_of(kind));
    }
    assert_eq!(store.size(), (0, 0));
}

#[test]
fn a_circle_of_owners_ends() {
    let mut store = grown();
    upsert(&mut store, "Pod", "a", "a", 60, Some("b"));
    upsert(&mut store, "Pod", "b", "b", 61, Some("a"));
    assert_eq!(upsert(&mut store, "Pod", "a", "a", 62, Some("b")), []);
}
