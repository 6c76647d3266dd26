//! Kustomizations that are built as they are: nothing goes on top, and Kustomize is not asked where objects come from.
//!
//! Both cost it much: on 4,000 objects, a level more is a fifth of the time, and origins are another. Where nothing of a
//! kustomization changes names or makes objects, the files themselves say who declares what. If even one object is not
//! found in exactly one of them, the whole is built again in the usual way.

use super::objects::Document;
use super::stage::Staged;
use crate::source::Snapshot;
use crate::yaml;
use lockstep_types::resource::Origin;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// Files that declare resources.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Plain {
    pub(super) resources: BTreeSet<String>,
}

/// Fields that neither make objects nor change their names.
const HARMLESS: [&str; 15] = [
    "apiVersion",
    "kind",
    "metadata",
    "resources",
    "bases",
    "namespace",
    "labels",
    "commonLabels",
    "commonAnnotations",
    "images",
    "replicas",
    "patches",
    "patchesStrategicMerge",
    "patchesJson6902",
    "sortOptions",
];

/// Whether a kustomization leaves every object the name that its file gives it.
pub(super) fn keeps_names(body: &Value) -> bool {
    let is_nothing = |value: &Value| match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    };
    let renames = |patch: &Value| {
        patch
            .get("options")
            .is_some_and(|options| !is_nothing(options))
    };
    body.as_object().is_some_and(|fields| {
        fields
            .iter()
            .all(|(name, value)| HARMLESS.contains(&name.as_str()) || is_nothing(value))
    }) && body.get("kind").and_then(Value::as_str) != Some("Component")
        && !body
            .get("patches")
            .and_then(Value::as_array)
            .is_some_and(|patches| patches.iter().any(renames))
}

/// A document of a file: its namespace and place.
struct Declared<'f> {
    namespace: String,
    path: &'f str,
    line: u32,
}

/// Says of every object which file declares it; `false` when that is not certain for all of them.
pub(super) fn find(
    documents: &mut [Document],
    plain: &Plain,
    snapshot: &Snapshot,
    files: &[Staged],
) -> bool {
    let Some(declared) = declared(plain, snapshot, files) else {
        return false;
    };
    for document in documents {
        let text = |pointer: &str| text(&document.body, pointer);
        let key = (text("/apiVersion"), text("/kind"), text("/metadata/name"));
        let Some(found) = declared.get(&key) else {
            return false;
        };
        let place = match found.as_slice() {
            [one] => one,
            several => {
                let namespace = text("/metadata/namespace");
                let mut same = several.iter().filter(|one| one.namespace == namespace);
                match (same.next(), same.next()) {
                    (Some(one), None) => one,
                    _ => return false,
                }
            }
        };
        document.origin = Some(Origin {
            path: place.path.to_owned(),
            line: Some(place.line),
        });
    }
    true
}

type ByKey<'f> = HashMap<(String, String, String), Vec<Declared<'f>>>;

fn declared<'f>(plain: &'f Plain, snapshot: &Snapshot, files: &[Staged]) -> Option<ByKey<'f>> {
    let files: HashMap<&str, &Staged> = files
        .iter()
        .map(|staged| (staged.path.as_str(), staged))
        .collect();
    let mut found = ByKey::new();
    for path in &plain.resources {
        let staged = files.get(path.as_str())?;
        let bytes = snapshot.read(&staged.file).ok()?;
        for document in yaml::documents(yaml::text_of(&bytes).ok()?).ok()? {
            let body = document.value().ok()?;
            // Lists are opened by Kustomize; their items have no line of their own here.
            if text(&body, "/kind").ends_with("List") {
                return None;
            }
            let key = (
                text(&body, "/apiVersion"),
                text(&body, "/kind"),
                text(&body, "/metadata/name"),
            );
            found.entry(key).or_default().push(Declared {
                namespace: text(&body, "/metadata/namespace"),
                path,
                line: document.line,
            });
        }
    }
    Some(found)
}

fn text(body: &Value, pointer: &str) -> String {
    body.pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whatever_could_change_a_name_is_not_plain() {
        for (body, plain) in [
            (json!({"resources": ["a.yaml"]}), true),
            (
                json!({"resources": ["a.yaml"], "namespace": "shop", "images": [{"name": "a", "newTag": "b"}]}),
                true,
            ),
            (
                json!({"resources": ["a.yaml"], "patches": [{"path": "p.yaml"}]}),
                true,
            ),
            (
                json!({"resources": ["a.yaml"], "configMapGenerator": []}),
                true,
            ),
            (
                json!({"resources": ["a.yaml"], "patches": [{"path": "p.yaml", "options": {"allowNameChange": true}}]}),
                false,
            ),
            (json!({"resources": ["a.yaml"], "namePrefix": "x-"}), false),
            (
                json!({"resources": ["a.yaml"], "configMapGenerator": [{"name": "a"}]}),
                false,
            ),
            (
                json!({"resources": ["a.yaml"], "components": ["../c"]}),
                false,
            ),
            (
                json!({"resources": ["a.yaml"], "replacements": [{}]}),
                false,
            ),
            (
                json!({"resources": ["a.yaml"], "transformers": ["t.yaml"]}),
                false,
            ),
            (
                json!({"resources": ["a.yaml"], "buildMetadata": ["originAnnotations"]}),
                false,
            ),
            (
                json!({"resources": ["a.yaml"], "somethingNew": true}),
                false,
            ),
            (json!({"kind": "Component", "resources": ["a.yaml"]}), false),
        ] {
            assert_eq!(keeps_names(&body), plain, "{body}");
        }
    }
}
