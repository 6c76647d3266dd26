use super::*;
use serde_json::json;

fn observed(kind: &str, name: &str, health: Health, below: Vec<Observed>) -> Observed {
    let group = if matches!(kind, "Deployment" | "ReplicaSet") {
        "apps"
    } else {
        ""
    };
    Observed {
        key: ResourceKey::new(group, kind, "shop", name),
        health,
        body: Value::Null,
        below,
    }
}

fn pod(name: &str, status: Value) -> Observed {
    let body = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"containers": [{"name": "a", "image": "reg/checkout:2.9.1"}]}, "status": status});
    Observed {
        key: ResourceKey::new("", "Pod", "shop", name),
        health: super::super::health(&body),
        body,
        below: Vec::new(),
    }
}

fn unpullable(name: &str) -> Observed {
    pod(
        name,
        json!({"phase": "Pending", "containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}),
    )
}

fn running(name: &str) -> Observed {
    pod(
        name,
        json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}),
    )
}

fn progressing() -> Health {
    Health::new(
        HealthStatus::Progressing,
        "rolling out: 1 of 3 replicas updated",
    )
}

fn said(declared: &[Observed]) -> String {
    cause(declared)
        .map(|cause| format!("{}: {}", cause.key.short(), cause.message))
        .unwrap_or_default()
}

#[test]
fn pods_that_cannot_pull_are_one_sentence() {
    let set = observed(
        "ReplicaSet",
        "checkout-1",
        progressing(),
        vec![unpullable("a"), unpullable("b"), running("c")],
    );
    let declared = [
        observed("ConfigMap", "x", Health::healthy(), vec![]),
        observed("Deployment", "checkout", progressing(), vec![set]),
    ];
    assert_eq!(
        said(&declared),
        "Pod a: 2 of 3 pods cannot pull checkout:2.9.1"
    );
    assert_eq!(target(&declared).status, HealthStatus::Degraded);
}

#[test]
fn one_pod_alone_is_named_by_its_owner() {
    let declared = [observed(
        "Deployment",
        "checkout",
        progressing(),
        vec![unpullable("a")],
    )];
    assert_eq!(
        said(&declared),
        "Pod a: the pod of Deployment checkout cannot pull checkout:2.9.1"
    );
}

#[test]
fn the_most_frequent_trouble_is_told() {
    let crash = |name: &str| {
        pod(
            name,
            json!({"phase": "Running", "containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}]}),
        )
    };
    let declared = [observed(
        "Deployment",
        "checkout",
        progressing(),
        vec![unpullable("a"), crash("b"), crash("c")],
    )];
    assert_eq!(
        said(&declared),
        "Pod b: 2 of 3 pods keep crashing: container a exited with code 1"
    );
}

#[test]
fn pods_that_leave_do_not_count() {
    let mut leaving = unpullable("old");
    leaving.body["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let declared = [observed(
        "Deployment",
        "checkout",
        progressing(),
        vec![leaving, unpullable("new"), running("c")],
    )];
    assert_eq!(
        said(&declared),
        "Pod new: 1 of 2 pods cannot pull checkout:2.9.1"
    );
}

#[test]
fn the_worst_declared_object_counts_and_equals_are_counted() {
    let missing = || Health::new(HealthStatus::Missing, "it is not in the cluster");
    let declared = [
        observed("Deployment", "web", progressing(), vec![]),
        observed("ConfigMap", "a", missing(), vec![]),
        observed("ConfigMap", "b", missing(), vec![]),
    ];
    assert_eq!(
        said(&declared),
        "ConfigMap a: ConfigMap a is not in the cluster; 1 more like it"
    );
    assert_eq!(target(&declared).status, HealthStatus::Missing);
}

#[test]
fn health_below_a_healthy_object_is_no_cause() {
    let declared = [observed(
        "Deployment",
        "web",
        Health::healthy(),
        vec![unpullable("a")],
    )];
    assert_eq!(cause(&declared), None);
    assert_eq!(target(&declared), Health::new(HealthStatus::Healthy, ""));
}
