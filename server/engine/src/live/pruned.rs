//! What is kept of an object that only the tree and health need. Pure.

use serde_json::{Map, Value, json};

const METADATA: [&str; 9] = [
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "finalizers",
    "ownerReferences",
];

/// Annotations that health rules read.
const ANNOTATIONS: [&str; 1] = [crate::health::IGNORE_RESTART_POLICY];

/// Spec fields that health rules or the words on a card read, whatever the kind.
const SPEC: [&str; 18] = [
    "replicas",
    "paused",
    "suspend",
    "nodeName",
    "restartPolicy",
    "type",
    "completions",
    "parallelism",
    "volumeName",
    "updateStrategy",
    "minReadySeconds",
    "schedule",
    "podManagementPolicy",
    "minReplicas",
    "maxReplicas",
    "clusterIP",
    "externalName",
    "ports",
];

/// The object without everything that neither health nor a card of the tree reads.
pub(super) fn pruned(body: &Value) -> Value {
    let mut out = Map::new();
    for field in ["apiVersion", "kind"] {
        if let Some(value) = body.get(field) {
            out.insert(field.to_owned(), value.clone());
        }
    }
    let mut metadata = chosen(body.get("metadata"), &METADATA);
    let annotations = chosen(body.pointer("/metadata/annotations"), &ANNOTATIONS);
    if let (Some(metadata), false) = (metadata.as_object_mut(), annotations == json!({})) {
        metadata.insert("annotations".to_owned(), annotations);
    }
    out.insert("metadata".to_owned(), metadata);
    if let Some(spec) = body.get("spec") {
        let mut kept = chosen(Some(spec), &SPEC);
        for list in ["containers", "initContainers"] {
            if let (Some(containers), Some(kept)) = (
                spec.get(list).and_then(Value::as_array),
                kept.as_object_mut(),
            ) {
                let short = containers
                    .iter()
                    .map(|container| chosen(Some(container), &["name", "image"]))
                    .collect();
                kept.insert(list.to_owned(), Value::Array(short));
            }
        }
        out.insert("spec".to_owned(), kept);
    }
    for field in ["status", "endpoints", "ports"] {
        if let Some(value) = body.get(field) {
            out.insert(field.to_owned(), value.clone());
        }
    }
    Value::Object(out)
}

fn chosen(from: Option<&Value>, fields: &[&str]) -> Value {
    let mut out = Map::new();
    for field in fields {
        if let Some(value) = from.and_then(|from| from.get(field)) {
            out.insert((*field).to_owned(), value.clone());
        }
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_health_reads_and_drops_secrets_of_the_environment() {
        let pod = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "web", "uid": "u", "managedFields": [{"manager": "kubelet"}], "annotations": {"a": "b", "argocd.argoproj.io/ignore-restart-policy": "true"}},
            "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "web:1", "env": [{"name": "P", "value": "s3cret"}]}]},
            "status": {"phase": "Running"}});
        let kept = pruned(&pod);
        assert_eq!(
            kept,
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "uid": "u", "annotations": {"argocd.argoproj.io/ignore-restart-policy": "true"}},
            "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "web:1"}]}, "status": {"phase": "Running"}})
        );
    }
}
