//! `engine::live` when the cluster freezes, breaks, or refuses.

#![expect(clippy::panic, reason = "a helper of tests fails by panicking")]

mod cluster;

use cluster::{Cluster, Mode, Relay, Running, target, until, want};
use engine::live::{LiveSettings, Lookup, Timing};
use lockstep_types::Micros;
use lockstep_types::cluster::Connection;
use lockstep_types::resource::ResourceKey;
use secrecy::SecretString;
use serde_json::json;
use std::time::{Duration, Instant};

fn error_of(connection: Connection) -> String {
    match connection {
        Connection::Unreachable { error, .. } => error,
        other => panic!("{other:?}"),
    }
}

/// With the timing that operators get.
#[tokio::test]
async fn a_frozen_server_is_seen_within_ten_seconds_and_its_return_too() {
    let cluster = Cluster::new("frozen").await;
    cluster.config_map("kept", json!({"a": "1"})).await;
    let relay = Relay::before(&cluster.server).await;
    let running = Running::connected(LiveSettings {
        timing: Timing::default(),
        ..cluster.settings_through(&relay)
    })
    .await;
    let live = &running.live;
    let key = cluster.key("", "ConfigMap", "kept");
    live.want(target(1), &[want(&key, "v1")]);
    until("settled", || {
        live.unsettled(target(1)).is_none().then_some(())
    })
    .await;
    relay.set(Mode::Frozen);
    let begun = Instant::now();
    // Answers that were on their way when the relay froze may still count.
    let latest = Micros::from(jiff::Timestamp::now()).plus_seconds(1);
    let error = error_of(
        running
            .until_connection("unreachable", |now| {
                matches!(now, Connection::Unreachable { .. })
            })
            .await,
    );
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    assert!(error.contains("does not answer in time"), "{error}");
    let compared = live.last_compared(target(1)).unwrap();
    assert!(compared <= latest, "{compared:?} is after the freeze");
    assert!(live.client().is_none() && live.unsettled(target(1)).is_some());
    assert!(
        matches!(live.get(&key), Lookup::Present(_)),
        "what was known stays known"
    );
    cluster
        .patch(
            &cluster.core("configmaps/kept"),
            json!({"data": {"a": "2"}}),
        )
        .await;
    cluster.config_map("new", json!({})).await;
    assert_eq!(
        live.last_compared(target(1)),
        Some(compared),
        "the time of the last comparison does not move"
    );

    relay.set(Mode::Open);
    let begun = Instant::now();
    running
        .until_connection("connected", |now| matches!(now, Connection::Connected))
        .await;
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    until("what changed meanwhile", || match live.get(&key) {
        Lookup::Present(object) if object.body()["data"]["a"] == "2" => Some(()),
        _ => None,
    })
    .await;
    until("settled again", || {
        live.unsettled(target(1)).is_none().then_some(())
    })
    .await;
    assert!(live.last_compared(target(1)).unwrap() > compared);
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    running.stop().await;
    cluster.end().await;
}

#[tokio::test]
async fn broken_connections_are_made_anew_without_losing_events() {
    let cluster = Cluster::new("broken").await;
    let relay = Relay::before(&cluster.server).await;
    let running = Running::connected(cluster.settings_through(&relay)).await;
    let live = &running.live;
    let keys: Vec<ResourceKey> = (0..5)
        .map(|number| cluster.key("", "ConfigMap", &format!("map-{number}")))
        .collect();
    let wanted: Vec<_> = keys.iter().map(|key| want(key, "v1")).collect();
    live.want(target(1), &wanted);
    until("settled", || {
        live.unsettled(target(1)).is_none().then_some(())
    })
    .await;
    for key in &keys {
        relay.set(Mode::Broken);
        cluster.config_map(&key.name, json!({})).await;
        let error = error_of(
            running
                .until_connection("unreachable", |now| {
                    matches!(now, Connection::Unreachable { .. })
                })
                .await,
        );
        assert!(
            error.contains("broke the connection off") || error.contains("refuses connections"),
            "{error}"
        );
        relay.set(Mode::Open);
        until("the object made while nobody watched", || {
            matches!(live.get(key), Lookup::Present(_)).then_some(())
        })
        .await;
    }
    running.stop().await;
    cluster.end().await;
}

#[tokio::test]
async fn a_kind_that_may_not_be_listed_is_unknown_until_it_may() {
    let cluster = Cluster::new("rights").await;
    let name = cluster.namespace.clone();
    cluster.config_map("there", json!({})).await;
    cluster
        .post(
            &cluster.core("serviceaccounts"),
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader"}}),
        )
        .await;
    let role = |kinds: &[&str]| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name},
            "rules": [{"apiGroups": [""], "resources": kinds, "verbs": ["get", "list", "watch"]}]})
    };
    let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
    cluster.post(roles, role(&["persistentvolumeclaims"])).await;
    cluster
        .post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": name}]}))
        .await;
    let token = cluster
        .post(
            &cluster.core("serviceaccounts/reader/token"),
            json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}),
        )
        .await;
    let mut kubeconfig: serde_json::Value = serde_saphyr::from_str(&cluster.kubeconfig).unwrap();
    kubeconfig["users"][0]["user"] = json!({"token": token["status"]["token"]});
    let settings = LiveSettings {
        kubeconfig: SecretString::from(kubeconfig.to_string()),
        ..cluster.settings()
    };
    let running = Running::connected(settings).await;
    let live = &running.live;
    let (map, claim) = (
        cluster.key("", "ConfigMap", "there"),
        cluster.key("", "PersistentVolumeClaim", "none"),
    );
    live.want(target(1), &[want(&map, "v1"), want(&claim, "v1")]);
    let why = until("forbidden, in words", || match live.get(&map) {
        Lookup::Unknown(why) if why.contains("403") => Some(why),
        _ => None,
    })
    .await;
    assert!(why.contains("ConfigMap"), "{why}");
    until("the kind beside it", || {
        matches!(live.get(&claim), Lookup::Absent).then_some(())
    })
    .await;
    assert!(live.unsettled(target(1)).is_some() && live.last_compared(target(1)).is_none());
    assert_eq!(live.troubles().len(), 1);

    cluster
        .patch(
            &format!("{roles}/{name}"),
            role(&["persistentvolumeclaims", "configmaps"]),
        )
        .await;
    until("the object, once allowed", || {
        matches!(live.get(&map), Lookup::Present(_)).then_some(())
    })
    .await;
    until("settled", || {
        live.unsettled(target(1)).is_none().then_some(())
    })
    .await;
    running.stop().await;
    cluster.delete(&format!("{roles}/{name}")).await;
    cluster
        .delete(&format!(
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{name}"
        ))
        .await;
    cluster.end().await;
}

#[tokio::test]
async fn what_cannot_be_reached_is_said_in_words() {
    let cluster = Cluster::new("words").await;
    let wrong_token = {
        let mut kubeconfig: serde_json::Value =
            serde_saphyr::from_str(&cluster.kubeconfig).unwrap();
        kubeconfig["users"][0]["user"] = json!({"token": "wr0ng-t0ken"});
        kubeconfig.to_string()
    };
    let wrong_authority = {
        let mut kubeconfig: serde_json::Value =
            serde_saphyr::from_str(&cluster.kubeconfig).unwrap();
        if let Some(cluster) = kubeconfig["clusters"][0]["cluster"].as_object_mut() {
            cluster.remove("certificate-authority-data");
        }
        kubeconfig.to_string()
    };
    let closed_port = cluster
        .kubeconfig
        .replace(&cluster.server, "https://127.0.0.1:1");
    for (kubeconfig, said) in [
        (wrong_token, "refuses the credentials (401)"),
        (wrong_authority, "is not trusted"),
        (closed_port, "https://127.0.0.1:1 refuses connections"),
    ] {
        let running = Running::start(LiveSettings {
            kubeconfig: SecretString::from(kubeconfig),
            ..cluster.settings()
        });
        let error = error_of(
            running
                .until_connection("unreachable", |now| {
                    matches!(now, Connection::Unreachable { .. })
                })
                .await,
        );
        assert!(
            error.contains(said) && !error.contains("wr0ng-t0ken"),
            "{error}"
        );
        running.stop().await;
    }
    // A public-looking name that leads to this machine is refused when it is looked up, not only when it is written.
    let named = cluster
        .kubeconfig
        .replace("https://127.0.0.1", "https://ip6-localhost-test.invalid");
    let settings = LiveSettings {
        kubeconfig: SecretString::from(named),
        policy: Default::default(),
        ..cluster.settings()
    };
    let running = Running::start(settings);
    let error = error_of(
        running
            .until_connection("unreachable", |now| {
                matches!(now, Connection::Unreachable { .. })
            })
            .await,
    );
    assert!(error.contains("cannot be resolved"), "{error}");
    running.stop().await;
    cluster.end().await;
}

#[tokio::test]
async fn a_group_that_does_not_answer_is_unknown_and_disturbs_no_other() {
    let cluster = Cluster::new("group").await;
    let group = format!("{}.lockstep.dev", cluster.namespace);
    let service = format!("/apis/apiregistration.k8s.io/v1/apiservices/v1.{group}");
    cluster
        .post(
            "/apis/apiregistration.k8s.io/v1/apiservices",
            json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": format!("v1.{group}")},
                "spec": {"group": group, "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100,
                    "insecureSkipTLSVerify": true, "service": {"name": "nobody", "namespace": cluster.namespace}}}),
        )
        .await;
    let running = Running::connected(cluster.settings()).await;
    let live = &running.live;
    let there = cluster.key("", "ConfigMap", "none");
    let broken = ResourceKey::new(&group, "Metric", &cluster.namespace, "one");
    live.want(target(1), &[want(&there, "v1")]);
    live.want(target(2), &[want(&broken, &format!("{group}/v1"))]);
    let why = until("unknown, naming the group", || match live.get(&broken) {
        Lookup::Unknown(why) if why.contains(&group) => Some(why),
        _ => None,
    })
    .await;
    assert!(why.contains("does not answer"), "{why}");
    assert!(live.unsettled(target(2)).is_some() && live.last_compared(target(2)).is_none());
    until("the other target", || {
        live.unsettled(target(1)).is_none().then_some(())
    })
    .await;
    cluster.delete(&service).await;
    until("absent once nobody claims the group", || {
        matches!(live.get(&broken), Lookup::Absent).then_some(())
    })
    .await;
    running.stop().await;
    cluster.end().await;
}
