//! Manifests of the table in short: a ConfigMap unless `kind` says otherwise, with the annotations that scenarios are
//! about as fields of their own.

use serde_json::{Map, Value, json};

/// The manifest that a short form stands for, as text for a file.
pub fn manifest(name: &str, short: &Value) -> String {
    if let Some(text) = short.as_str() {
        return text.to_owned();
    }
    let empty = Map::new();
    let short = short.as_object().unwrap_or(&empty);
    let text = |field: &str| short.get(field).and_then(Value::as_str);
    let kind = text("kind").unwrap_or("ConfigMap");
    let mut body = body(kind, short, name);
    let metadata = metadata(short, name);
    body["metadata"] = metadata;
    body["kind"] = json!(kind);
    if let Some(api) = text("api") {
        body["apiVersion"] = json!(api);
    }
    for (field, value) in short {
        let known = KNOWN.contains(&field.as_str());
        assert!(known, "{name}: {field} is no field of the short form");
        if matches!(field.as_str(), "data" | "spec" | "status" | "stringData") {
            body[field.as_str()] = value.clone();
        }
    }
    serde_json::to_string_pretty(&body).expect("JSON")
}

const KNOWN: [&str; 24] = [
    "kind",
    "api",
    "name",
    "generateName",
    "namespace",
    "wave",
    "hook",
    "delete",
    "options",
    "compare",
    "helm",
    "weight",
    "annotations",
    "labels",
    "finalizers",
    "data",
    "spec",
    "status",
    "stringData",
    "replicas",
    "image",
    "pods",
    "delay",
    "deadline",
];

fn metadata(short: &Map<String, Value>, name: &str) -> Value {
    let mut annotations = short
        .get("annotations")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    for (field, annotation) in [
        ("wave", "argocd.argoproj.io/sync-wave"),
        ("hook", "argocd.argoproj.io/hook"),
        ("delete", "argocd.argoproj.io/hook-delete-policy"),
        ("options", "argocd.argoproj.io/sync-options"),
        ("compare", "argocd.argoproj.io/compare-options"),
        ("helm", "helm.sh/hook"),
        ("weight", "helm.sh/hook-weight"),
    ] {
        if let Some(value) = short.get(field) {
            let value = value.as_str().map_or(value.to_string(), str::to_owned);
            annotations.insert(annotation.to_owned(), json!(value));
        }
    }
    let mut metadata = Map::new();
    match short.get("generateName") {
        Some(beginning) => metadata.insert("generateName".to_owned(), beginning.clone()),
        None => metadata.insert(
            "name".to_owned(),
            short.get("name").cloned().unwrap_or_else(|| json!(name)),
        ),
    };
    if !annotations.is_empty() {
        metadata.insert("annotations".to_owned(), Value::Object(annotations));
    }
    for field in ["labels", "finalizers", "namespace"] {
        if let Some(value) = short.get(field) {
            metadata.insert(field.to_owned(), value.clone());
        }
    }
    Value::Object(metadata)
}

/// What a kind needs beside its metadata. `pods` is what the rig's pods are to be, `delay` how long they take.
fn body(kind: &str, short: &Map<String, Value>, name: &str) -> Value {
    let text = |field: &str| short.get(field).and_then(Value::as_str);
    let mut labels = Map::from_iter([("app".to_owned(), json!(name))]);
    if let Some(pods) = text("pods") {
        labels.insert("rig.lockstep.dev/pod".to_owned(), json!(pods));
    }
    let image = text("image").unwrap_or("registry.example.org/team/main:1.0");
    let delay = text("delay").unwrap_or("1s");
    let pod = json!({"labels": labels, "annotations": {"rig.lockstep.dev/delay": delay}});
    let containers = json!([{"name": "main", "image": image}]);
    match kind {
        "ConfigMap" => json!({"apiVersion": "v1", "data": {"a": "b"}}),
        "Secret" | "Namespace" | "ServiceAccount" | "PersistentVolumeClaim" | "Pod" => {
            json!({"apiVersion": "v1"})
        }
        "Service" => {
            json!({"apiVersion": "v1", "spec": {"selector": {"app": name}, "ports": [{"port": 80}]}})
        }
        "Job" => {
            let mut spec = json!({
                "backoffLimit": 0,
                "template": {"metadata": pod, "spec": {"restartPolicy": "Never", "containers": containers}},
            });
            if let Some(deadline) = short.get("deadline") {
                spec["activeDeadlineSeconds"] = deadline.clone();
            }
            json!({"apiVersion": "batch/v1", "spec": spec})
        }
        "Deployment" | "StatefulSet" => json!({"apiVersion": "apps/v1", "spec": {
            "replicas": short.get("replicas").cloned().unwrap_or(json!(1)),
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": pod, "spec": {"containers": containers}},
        }}),
        "Role" => json!({"apiVersion": "rbac.authorization.k8s.io/v1", "rules": [
            {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
        ]}),
        _ => json!({}),
    }
}
