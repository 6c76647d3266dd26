//! `engine::apply` against a real API server.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod cluster;

use cluster::{Cluster, Running, unique};
use engine::apply::{
    Applier, ApplyError, ApplyOptions, Deleted, Deletion, EventNote, Propagation, Window,
};
use engine::manifest::Manifest;
use engine::tracking;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

struct Bench {
    cluster: Cluster,
    running: Running,
    applier: Applier,
}

impl Bench {
    async fn new(test: &str) -> Self {
        let cluster = Cluster::new(test).await;
        let running = Running::connected(cluster.settings()).await;
        let client = running.live.client().unwrap();
        let applier = Applier::new(client, Arc::clone(&running.live) as _, Window::new(32));
        Self {
            cluster,
            running,
            applier,
        }
    }

    fn manifest(&self, mut body: Value) -> Manifest {
        body["metadata"]["namespace"] = json!(self.cluster.namespace);
        Manifest::new(body, None).unwrap()
    }

    fn config_map(&self, name: &str, data: Value) -> Manifest {
        self.manifest(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}))
    }

    fn deployment(&self, name: &str, replicas: u32, app: &str) -> Manifest {
        self.manifest(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": app}},
                "template": {"metadata": {"labels": {"app": app}}, "spec": {"containers": [{"name": "main", "image": "web:1"}]}}}}))
    }

    async fn apply(&self, manifest: &Manifest) -> Result<engine::apply::Applied, ApplyError> {
        self.applier.apply(manifest, &ApplyOptions::default()).await
    }

    async fn end(self) {
        self.running.stop().await;
        self.cluster.end().await;
    }
}

fn force() -> ApplyOptions {
    ApplyOptions {
        force: true,
        uid: None,
        lax: false,
        part: String::new(),
    }
}

#[tokio::test]
async fn applies_once_and_a_dry_run_changes_nothing() {
    let bench = Bench::new("apply").await;
    let map = bench.config_map("settings", json!({"a": "1"}));
    let first = bench.apply(&map).await.unwrap();
    assert_eq!(
        bench.apply(&map).await.unwrap(),
        first,
        "the same again leaves the same version"
    );
    let changed = bench.config_map("settings", json!({"a": "2"}));
    let predicted = bench
        .applier
        .dry_run(&changed, &ApplyOptions::default())
        .await
        .unwrap();
    assert_eq!(predicted["data"]["a"], "2");
    let live = bench
        .cluster
        .get(&bench.cluster.core("configmaps/settings"))
        .await
        .unwrap();
    assert_eq!(
        (
            live["data"]["a"].as_str(),
            live["metadata"]["resourceVersion"].as_str()
        ),
        (Some("1"), Some(first.resource_version.as_str()))
    );
    assert_eq!(live["metadata"]["managedFields"][0]["manager"], "lockstep");
    let after = bench.apply(&changed).await.unwrap();
    assert_eq!(after.uid, first.uid);
    assert_ne!(after.resource_version, first.resource_version);
    bench.end().await;
}

#[tokio::test]
async fn a_conflict_names_field_and_manager_and_force_takes_it() {
    let bench = Bench::new("conflict").await;
    bench
        .apply(&bench.deployment("web", 2, "web"))
        .await
        .unwrap();
    let path = bench
        .cluster
        .apis("apps/v1", "deployments/web?fieldManager=autoscaler");
    bench
        .cluster
        .patch(&path, json!({"spec": {"replicas": 5}}))
        .await;
    let wanted = bench.deployment("web", 3, "web");
    let error = bench.apply(&wanted).await.unwrap_err();
    let ApplyError::Conflict { conflicts, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(
        (conflicts[0].field.as_str(), conflicts[0].manager.as_str()),
        (".spec.replicas", "autoscaler")
    );
    bench.applier.apply(&wanted, &force()).await.unwrap();
    let live = bench
        .cluster
        .get(&bench.cluster.apis("apps/v1", "deployments/web"))
        .await
        .unwrap();
    assert_eq!(live["spec"]["replicas"], 3);
    bench.end().await;
}

#[tokio::test]
async fn refusals_are_typed_and_name_what_is_wrong() {
    let bench = Bench::new("refusals").await;
    bench
        .apply(&bench.deployment("web", 1, "web"))
        .await
        .unwrap();
    let immutable = bench
        .apply(&bench.deployment("web", 1, "other"))
        .await
        .unwrap_err();
    let ApplyError::Immutable { fields, .. } = &immutable else {
        panic!("{immutable:?}")
    };
    assert_eq!(fields, &["spec.selector"]);

    let mut elsewhere = bench.config_map("x", json!({}));
    elsewhere = elsewhere.in_namespace(&unique("nowhere"));
    let error = bench.apply(&elsewhere).await.unwrap_err();
    assert!(
        matches!(error, ApplyError::NotFound { .. }) && error.to_string().contains("nowhere"),
        "{error}"
    );

    let quota = bench.manifest(json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"secrets": "0"}}}));
    bench.apply(&quota).await.unwrap();
    let secret = bench.manifest(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": "s3cret-value"}}));
    let forbidden = loop {
        // The quota counts only once its controller has seen it.
        match bench.apply(&secret).await {
            Ok(_) => bench.cluster.delete(&bench.cluster.core("secrets/s")).await,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(forbidden, ApplyError::Forbidden { .. }),
        "{forbidden:?}"
    );
    assert!(
        !format!("{forbidden} {forbidden:?}").contains("s3cret"),
        "{forbidden:?}"
    );
    bench.end().await;
}

#[tokio::test]
async fn attack_19_unknown_fields_wrong_types_and_unknown_kinds() {
    let bench = Bench::new("odd").await;
    for (body, named) in [
        (json!({"kind": "ConfigMap", "dta": {}}), "dta"),
        (json!({"kind": "ConfigMap", "data": {"a": 1}}), "data"),
        (json!({"kind": "ConfigMap", "data": ["a"]}), "data"),
        (
            json!({"kind": "Service", "spec": {"ports": "http"}}),
            "ports",
        ),
        (
            json!({"kind": "Pod", "spec": {"containers": [{"name": "a", "image": "a", "imagee": "b"}]}}),
            "imagee",
        ),
    ] {
        let mut body = body;
        body["apiVersion"] = json!("v1");
        body["metadata"] = json!({"name": "odd"});
        let error = bench
            .apply(&bench.manifest(body.clone()))
            .await
            .unwrap_err();
        assert!(error.to_string().contains(named), "{body}: {error}");
    }
    let unserved = bench.manifest(
        json!({"apiVersion": "nothing.dev/v1", "kind": "Nothing", "metadata": {"name": "odd"}}),
    );
    assert!(matches!(
        bench.apply(&unserved).await,
        Err(ApplyError::UnknownKind { .. })
    ));
    // None of it is there, and what is right still goes through.
    bench
        .apply(&bench.config_map("odd", json!({"a": "b"})))
        .await
        .unwrap();
    bench.end().await;
}

#[tokio::test]
async fn attack_37_an_answer_that_quotes_a_secret() {
    let bench = Bench::new("quoted").await;
    for data in [
        json!({"data": {"k": "s3cret-value!"}}),
        json!({"data": {"k": ["s3cret-value"]}}),
        json!({"stringData": {"k": {"s3cret": "s3cret-value"}}}),
        json!({"type": "kubernetes.io/tls", "stringData": {"tls.crt": "s3cret-value"}}),
        json!({"type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": "s3cret-value"}}),
    ] {
        let mut body = data;
        body["apiVersion"] = json!("v1");
        body["kind"] = json!("Secret");
        body["metadata"] = json!({"name": "t"});
        let error = bench.apply(&bench.manifest(body)).await.unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("s3cret"),
            "{error:?}"
        );
    }
    bench.end().await;
}

#[tokio::test]
async fn replacing_leaves_nothing_of_others_and_a_field_that_leaves_git_later_goes() {
    let bench = Bench::new("replace").await;
    let first = bench
        .apply(&bench.config_map("settings", json!({"a": "1", "b": "1"})))
        .await
        .unwrap();
    let path = bench.cluster.core("configmaps/settings");
    let theirs = json!({"data": {"theirs": "yes"}, "metadata": {"labels": {"theirs": "yes"}, "finalizers": ["test.lockstep.dev/hold"]}});
    bench.cluster.patch(&path, theirs).await;
    let wanted = bench.config_map("settings", json!({"a": "2", "c": "1"}));
    let options = ApplyOptions {
        uid: Some(first.uid.clone()),
        ..ApplyOptions::default()
    };
    let replaced = bench.applier.replace(&wanted, &options).await.unwrap();
    assert_eq!(replaced.uid, first.uid);
    let live = bench.cluster.get(&path).await.unwrap();
    assert_eq!(live["data"], json!({"a": "2", "c": "1"}));
    assert_eq!(live["metadata"]["labels"], Value::Null);
    // What somebody else still has to do before it may go is not taken from them.
    assert_eq!(
        live["metadata"]["finalizers"],
        json!(["test.lockstep.dev/hold"])
    );
    assert_eq!(
        live["metadata"]["resourceVersion"],
        json!(replaced.resource_version)
    );
    let owners: Vec<(&str, &str)> = live["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let text = |field: &str| entry[field].as_str().unwrap();
            (text("manager"), text("operation"))
        })
        .collect();
    assert!(
        owners.contains(&("lockstep", "Apply")) && !owners.contains(&("lockstep", "Update")),
        "{owners:?}"
    );
    bench
        .apply(&bench.config_map("settings", json!({"a": "2"})))
        .await
        .unwrap();
    let live = bench.cluster.get(&path).await.unwrap();
    assert_eq!(live["data"], json!({"a": "2"}));

    let another = ApplyOptions {
        uid: Some("another".to_owned()),
        ..ApplyOptions::default()
    };
    let error = bench.applier.replace(&wanted, &another).await.unwrap_err();
    assert!(
        matches!(error, ApplyError::PreconditionFailed { .. }),
        "{error:?}"
    );
    let none = json!({"metadata": {"finalizers": null}});
    bench.cluster.patch(&path, none).await;
    bench.end().await;
}

#[tokio::test]
async fn an_object_made_anew_is_not_touched() {
    let bench = Bench::new("anew").await;
    let map = bench.config_map("settings", json!({"a": "1"}));
    let planned = bench.apply(&map).await.unwrap();
    let path = bench.cluster.core("configmaps/settings");
    bench.cluster.delete(&path).await;
    let theirs = bench
        .cluster
        .config_map("settings", json!({"theirs": "yes"}))
        .await;

    let options = ApplyOptions {
        uid: Some(planned.uid.clone()),
        ..force()
    };
    let error = bench.applier.apply(&map, &options).await.unwrap_err();
    assert!(
        matches!(error, ApplyError::PreconditionFailed { .. }),
        "{error:?}"
    );
    let deletion = Deletion {
        key: map.key.clone(),
        api_version: "v1".to_owned(),
        uid: planned.uid.clone(),
        tracking_id: None,
        propagation: Propagation::Background,
    };
    let error = bench.applier.delete(&deletion).await.unwrap_err();
    assert!(
        matches!(error, ApplyError::PreconditionFailed { .. }),
        "{error:?}"
    );
    let live = bench.cluster.get(&path).await.unwrap();
    assert_eq!(live, theirs, "the new object survives untouched");

    bench.cluster.delete(&path).await;
    let error = bench.applier.apply(&map, &options).await.unwrap_err();
    assert!(
        matches!(error, ApplyError::PreconditionFailed { .. }),
        "an object that is gone is not made anew: {error:?}"
    );
    assert_eq!(
        bench.applier.delete(&deletion).await.unwrap(),
        Deleted::Gone
    );
    bench.end().await;
}

#[tokio::test]
async fn deletes_only_what_carries_the_mark_and_waits_for_finalizers() {
    let bench = Bench::new("mark").await;
    let map = tracking::stamp(
        &bench.config_map("settings", json!({})),
        Uuid::from_u128(1),
        "shop@rig",
    );
    let applied = bench.apply(&map).await.unwrap();
    let mark = map.body["metadata"]["annotations"][tracking::TRACKING_ANNOTATION]
        .as_str()
        .map(str::to_owned);
    let deletion = Deletion {
        key: map.key.clone(),
        api_version: "v1".to_owned(),
        uid: applied.uid.clone(),
        tracking_id: mark,
        propagation: Propagation::Background,
    };
    let path = bench.cluster.core("configmaps/settings");
    let annotate =
        |value: Value| json!({"metadata": {"annotations": {tracking::TRACKING_ANNOTATION: value}}});
    bench.cluster.patch(&path, annotate(Value::Null)).await;
    let error = bench.applier.delete(&deletion).await.unwrap_err();
    assert!(error.to_string().contains("tracking id"), "{error}");

    bench
        .cluster
        .patch(&path, annotate(json!(deletion.tracking_id)))
        .await;
    bench
        .cluster
        .patch(
            &path,
            json!({"metadata": {"finalizers": ["test.lockstep.dev/hold"]}}),
        )
        .await;
    let going = Deleted::Going {
        finalizers: vec!["test.lockstep.dev/hold".to_owned()],
    };
    assert_eq!(bench.applier.delete(&deletion).await.unwrap(), going);
    let version = |live: &Value| live["metadata"]["resourceVersion"].clone();
    let before = version(&bench.cluster.get(&path).await.unwrap());
    assert_eq!(
        bench.applier.delete(&deletion).await.unwrap(),
        going,
        "it is not deleted twice"
    );
    assert_eq!(version(&bench.cluster.get(&path).await.unwrap()), before);
    bench
        .cluster
        .patch(&path, json!({"metadata": {"finalizers": []}}))
        .await;
    assert_eq!(
        bench.applier.delete(&deletion).await.unwrap(),
        Deleted::Gone
    );
    bench.end().await;
}

#[tokio::test]
async fn a_dying_namespace_is_said_as_such() {
    let bench = Bench::new("dying").await;
    let held = bench.manifest(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["test.lockstep.dev/hold"]}}));
    bench.apply(&held).await.unwrap();
    bench
        .cluster
        .delete(&format!("/api/v1/namespaces/{}", bench.cluster.namespace))
        .await;
    let error = bench
        .apply(&bench.config_map("late", json!({})))
        .await
        .unwrap_err();
    assert!(
        matches!(error, ApplyError::NamespaceTerminating { .. }) && error.transient(),
        "{error:?}"
    );
    bench
        .cluster
        .patch(
            &bench.cluster.core("configmaps/held"),
            json!({"metadata": {"finalizers": []}}),
        )
        .await;
    bench.end().await;
}

#[tokio::test]
async fn records_events_that_describe_shows() {
    let bench = Bench::new("events").await;
    let map = bench.config_map("settings", json!({}));
    let applied = bench.apply(&map).await.unwrap();
    let note = EventNote {
        object: map.key.clone(),
        api_version: "v1".to_owned(),
        uid: applied.uid.clone(),
        reason: "Synced".to_owned(),
        message: "applied 1a2b3c4".to_owned(),
        warning: false,
    };
    bench.applier.record_event(&note).await.unwrap();
    let events = bench
        .running
        .live
        .events_of(&map.key, Some(&applied.uid))
        .await
        .unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (
            events[0].reason.as_str(),
            events[0].message.as_str(),
            events[0].kind.as_str()
        ),
        ("Synced", "applied 1a2b3c4", "Normal")
    );
    assert!(events[0].last_seen.0 > 0);
    bench.end().await;
}

#[tokio::test]
async fn many_objects_go_through_one_window() {
    let bench = Arc::new(Bench::new("many").await);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200 {
        let bench = Arc::clone(&bench);
        tasks.spawn(async move {
            bench
                .apply(
                    &bench.config_map(&format!("map-{number}"), json!({"n": number.to_string()})),
                )
                .await
        });
    }
    while let Some(applied) = tasks.join_next().await {
        applied.unwrap().unwrap();
    }
    let list = bench
        .cluster
        .get(&bench.cluster.core("configmaps?labelSelector=!x"))
        .await
        .unwrap();
    let ours = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|map| {
            map["metadata"]["name"]
                .as_str()
                .unwrap()
                .starts_with("map-")
        })
        .count();
    assert_eq!(ours, 200);
    Arc::into_inner(bench).unwrap().end().await;
}
