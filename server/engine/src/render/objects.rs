//! From documents to checked manifests: lists opened, what only clusters may set taken out, limits kept,
//! nothing declared twice.

use super::{Complete, RenderError, secrecy};
use crate::manifest::{GENERATED_NAME, Manifest, hex};
use lockstep_types::resource::{Origin, ResourceKey};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

const MAX_TOTAL: usize = 10 * 1024 * 1024;
const MAX_OBJECT: usize = 3 * 512 * 1024;
/// The API server's own limit.
const MAX_ANNOTATIONS: usize = 256 * 1024;
/// Lists in lists.
const MAX_NESTING: usize = 4;

/// Set by clusters, never by Git.
const SERVER_SET: [&str; 9] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generateName",
    "generation",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "uid",
];

/// Annotations that make an object a hook.
const HOOKS: [&str; 2] = ["argocd.argoproj.io/hook", "helm.sh/hook"];

/// A rendered document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Document {
    pub body: Value,
    pub origin: Option<Origin>,
}

/// Checks everything and builds the result. `namespace` is where objects go that name none.
pub(super) fn complete(
    key: &str,
    subject: &str,
    namespace: &str,
    documents: Vec<Document>,
    mut warnings: Vec<String>,
) -> Result<Complete, RenderError> {
    let mut flat = Vec::new();
    for document in documents {
        flatten(document, 0, &mut flat)?;
    }
    let mut objects: Vec<Manifest> = Vec::with_capacity(flat.len());
    let mut encrypted = Vec::new();
    let mut seen: HashMap<ResourceKey, Option<Origin>> = HashMap::new();
    let mut total = 0;
    for mut document in flat {
        let place = place(document.origin.as_ref(), subject);
        name_hook(&mut document.body);
        strip(&mut document.body, &place, &mut warnings);
        let is_encrypted = secrecy::is_encrypted(&document.body);
        let manifest = Manifest::new(document.body, document.origin.clone()).map_err(|error| RenderError::Invalid {
            path: document.origin.as_ref().map_or(subject, |origin| &origin.path).to_owned(),
            line: document.origin.as_ref().and_then(|origin| origin.line),
            message: match error.0 {
                "metadata.name" => "the object has no metadata.name; only hooks may have metadata.generateName instead".to_owned(),
                _ => error.to_string(),
            },
        })?;
        total += check_size(&manifest, &place)?;
        if total > MAX_TOTAL {
            return Err(RenderError::TooLarge {
                subject: format!("all manifests of {subject} together"),
                limit: "10 MiB".to_owned(),
            });
        }
        let mut unique = manifest.key.clone();
        if unique.namespace.is_empty() {
            namespace.clone_into(&mut unique.namespace);
        }
        if let Some(first) = seen.insert(unique, document.origin.clone()) {
            return Err(RenderError::Duplicate {
                object: manifest.key.short(),
                first: self::place(first.as_ref(), subject),
                second: place,
            });
        }
        if is_encrypted {
            warnings.push(format!(
                "{place}: {} is encrypted; it is neither applied nor compared",
                manifest.key.short()
            ));
            encrypted.push(manifest.key);
        } else {
            objects.push(manifest);
        }
    }
    let digest = digest(&objects);
    Ok(Complete {
        key: key.to_owned(),
        objects,
        encrypted,
        digest,
        warnings,
    })
}

fn place(origin: Option<&Origin>, subject: &str) -> String {
    match origin {
        Some(Origin {
            path,
            line: Some(line),
        }) => format!("{path}:{line}"),
        Some(Origin { path, line: None }) => path.clone(),
        None => subject.to_owned(),
    }
}

/// Opens lists.
pub(super) fn flatten(
    document: Document,
    depth: usize,
    flat: &mut Vec<Document>,
) -> Result<(), RenderError> {
    let is_list = document
        .body
        .get("kind")
        .and_then(Value::as_str)
        .is_some_and(|kind| {
            kind == "List"
                || (kind.ends_with("List") && document.body.pointer("/metadata/name").is_none())
        })
        && document.body.get("items").is_some_and(Value::is_array);
    if !is_list {
        flat.push(document);
        return Ok(());
    }
    if depth >= MAX_NESTING {
        let path = document
            .origin
            .as_ref()
            .map(|origin| origin.path.clone())
            .unwrap_or_default();
        let line = document.origin.and_then(|origin| origin.line);
        return Err(RenderError::Invalid {
            path,
            line,
            message: "lists are nested too deeply".to_owned(),
        });
    }
    let Document { mut body, origin } = document;
    if let Some(Value::Array(items)) = body.get_mut("items").map(Value::take) {
        for body in items {
            flatten(
                Document {
                    body,
                    origin: origin.clone(),
                },
                depth + 1,
                flat,
            )?;
        }
    }
    Ok(())
}

/// Hooks may leave their name to the cluster. Theirs is made from their content instead, so that a second
/// attempt finds what the first one made. Everything else must have a name.
fn name_hook(body: &mut Value) {
    let pointer = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    let is_hook = HOOKS.iter().any(|name| {
        body.pointer("/metadata/annotations")
            .is_some_and(|all| all.get(name).is_some())
    });
    let (None, Some(beginning), true) = (
        pointer("/metadata/name"),
        pointer("/metadata/generateName"),
        is_hook,
    ) else {
        return;
    };
    let hash = crate::manifest::hash_of(body);
    let name = format!("{beginning}{}", hash.get(..10).unwrap_or(&hash));
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        let beginning = metadata.remove("generateName").unwrap_or_default();
        metadata.insert("name".to_owned(), Value::String(name));
        if let Some(annotations) = metadata
            .get_mut("annotations")
            .and_then(Value::as_object_mut)
        {
            annotations.insert(GENERATED_NAME.to_owned(), beginning);
        }
    }
}

/// Takes out what a cluster sets. Empty leftovers of tools go silently.
fn strip(body: &mut Value, place: &str, warnings: &mut Vec<String>) {
    let is_empty =
        |value: &Value| value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
    let is_schema = body.get("kind").and_then(Value::as_str) == Some("CustomResourceDefinition");
    let mut gone = Vec::new();
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        let named = metadata.get("name").is_some_and(Value::is_string);
        for field in SERVER_SET {
            // Without a name it is the name that is missing, and that is said elsewhere.
            if field == "generateName" && !named {
                continue;
            }
            if let Some(value) = metadata.remove(field)
                && !is_empty(&value)
            {
                gone.push(format!("metadata.{field}"));
            }
        }
        metadata.remove("selfLink");
        for field in ["annotations", "labels", "namespace"] {
            if metadata.get(field).is_some_and(Value::is_null) {
                metadata.remove(field);
            }
        }
    }
    // Generators of schemas leave a status behind in every one.
    if let Some(value) = body
        .as_object_mut()
        .and_then(|object| object.remove("status"))
        && !is_empty(&value)
        && !is_schema
    {
        gone.push("status".to_owned());
    }
    if !gone.is_empty() {
        warnings.push(format!(
            "{place}: {} left out, because only the cluster sets it",
            gone.join(", ")
        ));
    }
}

fn check_size(manifest: &Manifest, place: &str) -> Result<usize, RenderError> {
    let size = manifest.body.to_string().len();
    let subject = |what: &str| format!("{what}{} ({place})", manifest.key.short());
    if size > MAX_OBJECT {
        return Err(RenderError::TooLarge {
            subject: subject(""),
            limit: "1.5 MiB".to_owned(),
        });
    }
    let annotations = manifest
        .body
        .pointer("/metadata/annotations")
        .and_then(Value::as_object);
    let length: usize = annotations
        .map(|all| {
            all.iter()
                .map(|(name, value)| name.len() + value.as_str().map_or(0, str::len))
                .sum()
        })
        .unwrap_or(0);
    if length > MAX_ANNOTATIONS {
        return Err(RenderError::TooLarge {
            subject: subject("the annotations of "),
            limit: "256 KiB".to_owned(),
        });
    }
    Ok(size)
}

/// Refuses manifests that are too large together.
pub(super) fn check_total(objects: &[Manifest], subject: &str) -> Result<(), RenderError> {
    let total: usize = objects
        .iter()
        .map(|manifest| manifest.body.to_string().len())
        .sum();
    if total > MAX_TOTAL {
        return Err(RenderError::TooLarge {
            subject: format!("all manifests of {subject} together"),
            limit: "10 MiB".to_owned(),
        });
    }
    Ok(())
}

/// The same for the same objects in any order.
pub(super) fn digest(objects: &[Manifest]) -> String {
    let mut hashes: Vec<&str> = objects.iter().map(|object| object.hash.as_str()).collect();
    hashes.sort_unstable();
    let mut sum = Sha256::new();
    for hash in hashes {
        sum.update(hash.as_bytes());
    }
    hex(&sum.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(body: Value, line: u32) -> Document {
        Document {
            body,
            origin: Some(Origin {
                path: "a.yaml".to_owned(),
                line: Some(line),
            }),
        }
    }

    fn config(name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}})
    }

    fn run(documents: Vec<Document>) -> Result<Complete, RenderError> {
        complete("key", "app", "shop", documents, Vec::new())
    }

    #[test]
    fn opens_lists_and_keeps_the_order() {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [
            config("a"),
            {"apiVersion": "v1", "kind": "ConfigMapList", "items": [config("b")]},
        ]});
        let complete = run(vec![document(list, 1), document(config("c"), 9)]).unwrap();
        let names: Vec<&str> = complete
            .objects
            .iter()
            .map(|object| object.key.name.as_str())
            .collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn attack_15_what_only_clusters_set() {
        let mut body = config("a");
        for field in [
            "uid",
            "resourceVersion",
            "deletionTimestamp",
            "generateName",
        ] {
            body["metadata"][field] = json!("1");
        }
        for field in ["ownerReferences", "managedFields"] {
            body["metadata"][field] = json!([{}]);
        }
        body["metadata"]["creationTimestamp"] = json!(null);
        body["status"] = json!({"a": 1});
        let complete = run(vec![document(body, 3)]).unwrap();
        assert_eq!(*complete.objects[0].body, config("a"));
        assert_eq!(
            complete.warnings,
            [
                "a.yaml:3: metadata.deletionTimestamp, metadata.generateName, metadata.managedFields, metadata.ownerReferences, metadata.resourceVersion, metadata.uid, status left out, because only the cluster sets it"
            ]
        );
    }

    #[test]
    fn a_generated_name_is_no_name() {
        let body = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "a-"}});
        let error = run(vec![document(body, 7)]).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("a.yaml:7: the object has no metadata.name"),
            "{error}"
        );
    }

    #[test]
    fn hooks_get_the_same_name_every_time() {
        let hook = |data: &str| {
            let metadata = json!({"generateName": "migrate-", "annotations": {"argocd.argoproj.io/hook": "PreSync"}});
            let body = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"x": data}});
            run(vec![document(body, 1)]).unwrap().objects[0]
                .key
                .name
                .clone()
        };
        assert!(hook("a").starts_with("migrate-") && hook("a").len() == 18);
        assert_eq!(hook("a"), hook("a"));
        assert_ne!(hook("a"), hook("b"));
    }

    #[test]
    fn attack_18_the_same_object_twice() {
        let mut here = config("a");
        here["metadata"]["namespace"] = json!("shop");
        let error = run(vec![document(config("a"), 1), document(here, 5)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "ConfigMap a is declared twice: in a.yaml:1 and in a.yaml:5"
        );
    }

    #[test]
    fn attack_09_objects_annotations_and_applications_too_large() {
        let big = |bytes: usize| {
            let mut body = config("a");
            body["data"] = json!({"x": "x".repeat(bytes)});
            body
        };
        assert!(matches!(
            run(vec![document(big(2_000_000), 1)]),
            Err(RenderError::TooLarge { .. })
        ));
        let many = (0..9)
            .map(|index| {
                let mut body = big(1_400_000);
                body["metadata"]["name"] = json!(format!("a{index}"));
                document(body, index)
            })
            .collect();
        assert!(matches!(run(many), Err(RenderError::TooLarge { .. })));
        let mut annotated = config("a");
        annotated["metadata"]["annotations"] = json!({"x": "x".repeat(300 * 1024)});
        assert!(matches!(
            run(vec![document(annotated, 1)]),
            Err(RenderError::TooLarge { .. })
        ));
    }

    #[test]
    fn attack_20_ciphertext_is_set_aside_and_plain_text_said() {
        let mut secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
        secret["sops"] = json!({"mac": "ENC[…]"});
        let complete = run(vec![document(secret, 1), document(config("a"), 2)]).unwrap();
        assert_eq!(complete.objects.len(), 1);
        assert_eq!(complete.encrypted[0].short(), "Secret s");
        // A block that got lost on the way makes it no less encrypted.
        let secret = |value: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": value}});
        let complete = run(vec![document(secret("ENC[AES256_GCM,data:x]"), 1)]).unwrap();
        assert!(complete.objects.is_empty() && complete.encrypted.len() == 1);
        let complete = run(vec![document(secret("hunter2"), 1)]).unwrap();
        assert_eq!(complete.objects.len(), 1);
        let warnings = secrecy::plain_text(&complete.objects);
        assert!(
            warnings.len() == 1
                && warnings[0].starts_with("a.yaml:1: Secret s is in Git in plain text")
                && !warnings[0].contains("hunter2"),
            "{warnings:?}"
        );
        let empty = run(vec![document(secret(""), 1), document(config("a"), 2)]).unwrap();
        assert!(secrecy::plain_text(&empty.objects).is_empty());
    }

    #[test]
    fn digest_is_of_the_objects_alone() {
        let both = |first: &str, second: &str| {
            run(vec![
                document(config(first), 1),
                document(config(second), 2),
            ])
            .unwrap()
            .digest
        };
        assert_eq!(both("a", "b"), both("b", "a"));
        assert_ne!(both("a", "b"), both("a", "c"));
    }
}
