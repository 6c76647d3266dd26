//! Strategic merge of Kubernetes' own kinds: maps are merged, and lists whose entries have a key are merged by it.
//!
//! Which lists those are is part of the API of the kinds (`patchMergeKey` in its types); the table holds the ones that
//! manifests are patched in.

use serde_json::Value;

/// Lists of maps by their name, with the keys that tell entries apart: the first that the patch's entries have counts.
const KEYS: &[(&str, &[&str])] = &[
    ("containers", &["name"]),
    ("initContainers", &["name"]),
    ("ephemeralContainers", &["name"]),
    ("env", &["name"]),
    ("volumes", &["name"]),
    ("volumeMounts", &["mountPath"]),
    ("volumeDevices", &["devicePath"]),
    ("imagePullSecrets", &["name"]),
    ("secrets", &["name"]),
    ("hostAliases", &["ip"]),
    ("resourceClaims", &["name"]),
    ("ports", &["containerPort", "port"]),
    ("topologySpreadConstraints", &["topologyKey"]),
    ("ownerReferences", &["uid"]),
    ("webhooks", &["name"]),
    ("conditions", &["type"]),
];
/// Lists of texts that are united.
const UNITED: [&str; 1] = ["finalizers"];
/// Groups whose kinds are Kubernetes' own.
const GROUPS: [&str; 12] = [
    "",
    "apps",
    "batch",
    "autoscaling",
    "policy",
    "admissionregistration.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "networking.k8s.io",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];
const DIRECTIVE: &str = "$patch";

/// Whether the object is of one of Kubernetes' own kinds; others are merged as plain JSON.
pub(super) fn is_known(body: &Value) -> bool {
    body.get("apiVersion")
        .and_then(Value::as_str)
        .is_some_and(|version| GROUPS.contains(&crate::manifest::group_of(version)))
}

/// Merges a patch into an object.
///
/// # Errors
/// What the patch asks for and cannot be done.
pub(super) fn merge(body: &mut Value, patch: &Value) -> Result<(), String> {
    let Value::Object(entries) = patch else {
        *body = patch.clone();
        return Ok(());
    };
    match entries.get(DIRECTIVE).and_then(Value::as_str) {
        Some("replace") => {
            *body = without_directive(patch);
            return Ok(());
        }
        Some("delete") => {
            *body = Value::Null;
            return Ok(());
        }
        Some("merge") | None => {}
        Some(other) => return Err(format!("$patch: {other} is not known")),
    }
    if !body.is_object() {
        *body = Value::Object(serde_json::Map::new());
    }
    let Some(object) = body.as_object_mut() else {
        return Ok(());
    };
    for (name, change) in entries {
        if name == DIRECTIVE {
            continue;
        }
        if name.starts_with('$') {
            return Err(format!("{name} is not supported; write the list out"));
        }
        match change {
            Value::Null => {
                object.remove(name);
            }
            Value::Array(items) => {
                let old = object.entry(name.clone()).or_insert(Value::Null);
                list(name, old, items)?;
            }
            Value::Object(_) => {
                let inner = object.entry(name.clone()).or_insert(Value::Null);
                merge(inner, change)?;
                if inner.is_null() {
                    object.remove(name);
                }
            }
            _ => {
                object.insert(name.clone(), change.clone());
            }
        }
    }
    Ok(())
}

fn list(name: &str, old: &mut Value, items: &[Value]) -> Result<(), String> {
    let Some(known) = old.as_array_mut() else {
        *old = Value::Array(items.iter().map(without_directive).collect());
        return Ok(());
    };
    if UNITED.contains(&name) {
        for item in items {
            if !known.contains(item) {
                known.push(item.clone());
            }
        }
        return Ok(());
    }
    if items
        .iter()
        .any(|item| item.get(DIRECTIVE).and_then(Value::as_str) == Some("replace"))
    {
        *known = items
            .iter()
            .filter(|item| item.get(DIRECTIVE).is_none())
            .cloned()
            .collect();
        return Ok(());
    }
    let key = KEYS
        .iter()
        .find(|(list, _)| *list == name)
        .and_then(|(_, keys)| {
            keys.iter()
                .find(|key| items.iter().all(|item| item.get(**key).is_some()))
        });
    let Some(key) = key else {
        *known = items.iter().map(without_directive).collect();
        return Ok(());
    };
    for item in items {
        let at = known
            .iter()
            .position(|known| known.get(*key) == item.get(*key));
        let deletes = item.get(DIRECTIVE).and_then(Value::as_str) == Some("delete");
        match (at, deletes) {
            (Some(at), true) => {
                known.remove(at);
            }
            (None, true) => {}
            (Some(at), false) => {
                if let Some(entry) = known.get_mut(at) {
                    merge(entry, item)?;
                }
            }
            (None, false) => known.push(without_directive(item)),
        }
    }
    Ok(())
}

fn without_directive(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(entries) = value.as_object_mut() {
        entries.remove(DIRECTIVE);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_are_merged_by_their_keys() {
        let mut body = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 1, "paused": true, "template": {"spec": {
            "containers": [
                {"name": "web", "image": "a", "args": ["x"], "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}], "ports": [{"containerPort": 80}]},
                {"name": "gone", "image": "b"}
            ],
            "tolerations": [{"key": "old"}]
        }}}});
        let patch = json!({"spec": {"replicas": 3, "paused": null, "template": {"spec": {
            "containers": [
                {"name": "web", "args": ["y"], "env": [{"name": "B", "value": "3"}], "ports": [{"containerPort": 81}]},
                {"name": "gone", "$patch": "delete"},
                {"name": "new", "image": "c"}
            ],
            "tolerations": [{"key": "new"}]
        }}}});
        assert!(is_known(&body));
        assert_eq!(merge(&mut body, &patch), Ok(()));
        assert_eq!(
            body,
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 3, "template": {"spec": {
                "containers": [
                    {"name": "web", "image": "a", "args": ["y"], "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "3"}], "ports": [{"containerPort": 80}, {"containerPort": 81}]},
                    {"name": "new", "image": "c"}
                ],
                "tolerations": [{"key": "new"}]
            }}}})
        );
    }

    #[test]
    fn directives_are_kept_or_refused() {
        let mut body = json!({"apiVersion": "v1", "data": {"a": "1", "b": "2"}});
        let replace = json!({"data": {"$patch": "replace", "c": "3"}});
        assert_eq!(merge(&mut body, &replace), Ok(()));
        assert_eq!(body, json!({"apiVersion": "v1", "data": {"c": "3"}}));
        assert!(merge(&mut body, &json!({"$retainKeys": ["a"]})).is_err());
        assert!(!is_known(&json!({"apiVersion": "example.com/v1"})));
    }
}
