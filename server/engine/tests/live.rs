//! `engine::live` against a real API server.

mod cluster;

use cluster::{Cluster, Running, target, until, want};
use engine::live::{LogRequest, Lookup, Scope, Timing};
use futures::StreamExt;
use lockstep_types::cluster::Connection;
use lockstep_types::resource::ResourceKey;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

fn deployment(name: &str, replicas: u32, image: &str) -> serde_json::Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main", "image": image}]}}}})
}

#[tokio::test]
async fn objects_come_change_and_go_with_their_trees() {
    let cluster = Cluster::new("tree").await;
    let running = Running::connected(cluster.settings()).await;
    let live = &running.live;
    let mut dirty = live.dirty();
    let key = cluster.key("apps", "Deployment", "web");
    live.want(target(1), &[want(&key, "apps/v1")]);
    until("an answer instead of unknown", || {
        matches!(live.get(&key), Lookup::Absent).then_some(())
    })
    .await;
    until("nothing unsettled", || {
        live.unsettled(target(1)).is_none().then_some(())
    })
    .await;

    cluster
        .post(
            &cluster.apis("apps/v1", "deployments"),
            deployment("web", 2, "web:1"),
        )
        .await;
    let object = until("the deployment with its whole body", || {
        match live.get(&key) {
            Lookup::Present(object) => Some(object),
            _ => None,
        }
    })
    .await;
    assert!(object.is_whole() && object.hash().is_some());
    assert!(
        object.body().pointer("/metadata/managedFields").is_some(),
        "managed fields are needed to compare"
    );
    let pods = until("two running pods below a replica set", || {
        let set = live
            .children(&object.uid)
            .into_iter()
            .find(|child| child.key.kind == "ReplicaSet")?;
        let pods = live.children(&set.uid);
        let ready = pods
            .iter()
            .filter(|pod| engine::health::health(&pod.body()).status.word() == "Healthy")
            .count();
        (ready == 2).then_some(pods)
    })
    .await;
    assert!(
        !pods[0].is_whole(),
        "pods that nobody declares are kept pruned"
    );
    assert!(pods[0].body().pointer("/metadata/managedFields").is_none());

    let seen = tokio::time::timeout(Duration::from_secs(5), dirty.next())
        .await
        .unwrap();
    assert_eq!(seen, BTreeSet::from([target(1)]));
    let stats = live.stats();
    assert!(
        stats.watches >= 3
            && stats.objects > 0
            && stats.bytes > 0
            && stats.latency_millis.is_some(),
        "{stats:?}"
    );

    // A change of a pod alone reaches the target.
    until("the marks to be quiet", || {
        (live.children(&object.uid).len() == 1).then_some(())
    })
    .await;
    while tokio::time::timeout(Duration::from_millis(300), dirty.next())
        .await
        .is_ok()
    {}
    cluster
        .patch(
            &cluster.core(&format!("pods/{}", pods[0].key.name)),
            json!({"metadata": {"labels": {"touched": "yes"}}}),
        )
        .await;
    assert!(
        tokio::time::timeout(Duration::from_secs(5), dirty.next())
            .await
            .is_ok()
    );

    cluster
        .delete(&cluster.apis("apps/v1", "deployments/web"))
        .await;
    until("the deployment to be absent", || {
        matches!(live.get(&key), Lookup::Absent).then_some(())
    })
    .await;
    running.stop().await;
    cluster.end().await;
}

#[tokio::test]
async fn what_is_wanted_later_is_read_then() {
    let cluster = Cluster::new("later").await;
    for name in ["first", "second"] {
        cluster.config_map(name, json!({"a": "b"})).await;
    }
    let running = Running::connected(cluster.settings()).await;
    let live = &running.live;
    let (first, second) = (
        cluster.key("", "ConfigMap", "first"),
        cluster.key("", "ConfigMap", "second"),
    );
    live.want(target(1), &[want(&first, "v1")]);
    until("the first", || {
        matches!(live.get(&first), Lookup::Present(_)).then_some(())
    })
    .await;
    assert!(
        matches!(live.get(&second), Lookup::Unknown(_)),
        "a body that is not held is neither there nor absent"
    );
    live.want(target(2), &[want(&second, "v1")]);
    until("the second", || {
        matches!(live.get(&second), Lookup::Present(_)).then_some(())
    })
    .await;
    live.forget(target(2));
    assert!(!live.peek(&second).unwrap().is_whole());
    live.forget(target(1));
    until("the watch to end", || {
        live.peek(&first).is_none().then_some(())
    })
    .await;
    running.stop().await;
    cluster.end().await;
}

#[tokio::test]
async fn a_kind_that_is_defined_later_is_found() {
    let cluster = Cluster::new("crd").await;
    let kind = format!("Widget{}", cluster.namespace.replace('-', ""));
    let plural = kind.to_lowercase();
    let running = Running::connected(cluster.settings()).await;
    let live = &running.live;
    let key = ResourceKey::new("test.lockstep.dev", &kind, &cluster.namespace, "one");
    live.want(target(1), &[want(&key, "test.lockstep.dev/v1")]);
    until("absent, as nothing defines it", || {
        matches!(live.get(&key), Lookup::Absent).then_some(())
    })
    .await;
    let definition = format!(
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.test.lockstep.dev"
    );
    cluster
        .post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{plural}.test.lockstep.dev")},
            "spec": {"group": "test.lockstep.dev", "scope": "Namespaced", "names": {"kind": kind, "plural": plural},
                "versions": [{"name": "v1", "served": true, "storage": true,
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}}))
        .await;
    until("the kind to be discovered", || {
        (live.scope("test.lockstep.dev/v1", &kind) == Some(Scope::Namespaced)).then_some(())
    })
    .await;
    until("its schema to be read", || {
        live.schema()
            .knows("test.lockstep.dev/v1", &kind)
            .then_some(())
    })
    .await;
    cluster
        .post(&cluster.apis("test.lockstep.dev/v1", &plural), json!({"apiVersion": "test.lockstep.dev/v1", "kind": kind, "metadata": {"name": "one"}}))
        .await;
    until("the object", || {
        matches!(live.get(&key), Lookup::Present(_)).then_some(())
    })
    .await;
    cluster.delete(&definition).await;
    until("absent again, with its kind", || {
        (live.scope("test.lockstep.dev/v1", &kind).is_none()
            && matches!(live.get(&key), Lookup::Absent))
        .then_some(())
    })
    .await;
    running.stop().await;
    cluster.end().await;
}

#[tokio::test]
async fn learns_version_kinds_schema_and_identity() {
    let cluster = Cluster::new("facts").await;
    let running = Running::connected(cluster.settings()).await;
    let live = &running.live;
    let facts = live.facts().unwrap();
    assert!(facts.version.starts_with("v1."), "{}", facts.version);
    for needed in ["v1", "apps/v1", "apps/v1/Deployment"] {
        assert!(
            facts.api_versions.iter().any(|known| known == needed),
            "{needed}"
        );
    }
    assert!(facts.uid.is_some());
    assert_eq!(live.scope("v1", "Namespace"), Some(Scope::Cluster));
    assert_eq!(live.scope("v1", "ConfigMap"), Some(Scope::Namespaced));
    assert_eq!(live.scope("nothing.dev/v1", "Nothing"), None);
    live.want(
        target(1),
        &[want(&cluster.key("apps", "Deployment", "x"), "apps/v1")],
    );
    until("the schema of deployments", || {
        live.schema().knows("apps/v1", "Deployment").then_some(())
    })
    .await;
    running.stop().await;

    let mut settings = cluster.settings();
    settings.expected_uid = Some("00000000-0000-0000-0000-000000000000".to_owned());
    let running = Running::start(settings);
    let refused = running
        .until_connection("refused", |connection| {
            matches!(connection, Connection::Unreachable { .. })
        })
        .await;
    let Connection::Unreachable { error, .. } = refused else {
        panic!("refused")
    };
    assert!(error.contains("is another cluster now"), "{error}");
    assert!(
        running.live.client().is_none(),
        "nothing may be written to another cluster"
    );
    running.stop().await;
    cluster.end().await;
}

#[tokio::test]
async fn reads_events_logs_and_objects_on_demand() {
    let cluster = Cluster::new("demand").await;
    let running = Running::connected(cluster.settings()).await;
    let live = &running.live;
    cluster
        .post(
            &cluster.apis("apps/v1", "deployments"),
            deployment("web", 1, "web:1"),
        )
        .await;
    let key = cluster.key("apps", "Deployment", "web");
    live.want(target(1), &[want(&key, "apps/v1")]);
    let object = until("the deployment", || match live.get(&key) {
        Lookup::Present(object) => Some(object),
        _ => None,
    })
    .await;
    let pod = until("a running pod", || {
        let set = live.children(&object.uid).into_iter().next()?;
        live.children(&set.uid)
            .into_iter()
            .find(|pod| pod.body()["status"]["phase"] == "Running")
    })
    .await;
    let events = live.events_of(&key, Some(&object.uid)).await.unwrap();
    assert!(
        events
            .iter()
            .any(|event| event.reason == "ScalingReplicaSet" && event.kind == "Normal"),
        "{events:?}"
    );
    let wanted = LogRequest {
        namespace: cluster.namespace.clone(),
        pod: pod.key.name.clone(),
        tail: 5,
        ..LogRequest::default()
    };
    let lines: Vec<_> = live.log(&wanted).await.unwrap().collect().await;
    assert!(
        (1..=5).contains(&lines.len())
            && lines
                .iter()
                .all(|line| line.as_ref().is_ok_and(|line| line.at.is_some())),
        "{lines:?}"
    );
    let missing = LogRequest {
        pod: "no-such-pod".to_owned(),
        ..wanted
    };
    let refused = live.log(&missing).await.err().unwrap();
    assert_eq!(refused.code(), Some(404));
    assert!(live.read_now(&key, "apps/v1").await.unwrap().is_some());
    assert!(
        live.read_now(&cluster.key("apps", "Deployment", "none"), "apps/v1")
            .await
            .unwrap()
            .is_none()
    );
    running.stop().await;
    cluster.end().await;
}

#[tokio::test]
async fn bookmarks_move_the_last_comparison() {
    let cluster = Cluster::new("bookmark").await;
    let mut settings = cluster.settings();
    settings.timing = Timing {
        watch_for: Duration::from_secs(4),
        nudge_after: Duration::from_millis(500),
        ..settings.timing
    };
    let running = Running::connected(settings).await;
    let live = &running.live;
    // Nothing of this kind changes, so only bookmarks can move the time.
    let key = ResourceKey::new(
        "scheduling.k8s.io",
        "PriorityClass",
        "",
        "system-node-critical",
    );
    live.want(target(1), &[want(&key, "scheduling.k8s.io/v1")]);
    let first = until("a first comparison", || live.last_compared(target(1))).await;
    until("a later one without any event", || {
        live.last_compared(target(1)).filter(|at| *at > first)
    })
    .await;
    assert!(matches!(live.get(&key), Lookup::Present(_)));
    running.stop().await;
    cluster.end().await;
}
