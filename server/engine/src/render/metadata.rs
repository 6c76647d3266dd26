//! Labels and annotations that a Flux `Kustomization` gives every object (`spec.commonMetadata`): after building, patches
//! and variables, over what the object says itself, and never below the object's own metadata.

use super::objects::Document;
use crate::definition::{DefinedSource, KustomizeOptions};
use lockstep_types::application::Dialect;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Whether they are set here and not by Kustomize, whose annotations reach templates of pods too.
pub(super) fn is_ours(source: &DefinedSource) -> bool {
    source.dialect == Dialect::FluxKustomization
}

/// What Kustomize is asked for: everything but what is set here.
pub(super) fn without(options: &KustomizeOptions) -> KustomizeOptions {
    KustomizeOptions {
        common_labels: BTreeMap::new(),
        common_annotations: BTreeMap::new(),
        ..options.clone()
    }
}

/// Sets them on every object.
pub(super) fn set(documents: &mut [Document], options: &KustomizeOptions) {
    for (field, common) in [
        ("labels", &options.common_labels),
        ("annotations", &options.common_annotations),
    ] {
        if common.is_empty() {
            continue;
        }
        for document in documents.iter_mut() {
            let Some(body) = document.body.as_object_mut() else {
                continue;
            };
            within(body, "metadata", |metadata| {
                within(metadata, field, |entries| {
                    for (name, value) in common {
                        entries.insert(name.clone(), Value::String(value.clone()));
                    }
                });
            });
        }
    }
}

/// Changes the map below `field`, made where there is none.
fn within(
    body: &mut Map<String, Value>,
    field: &str,
    change: impl FnOnce(&mut Map<String, Value>),
) {
    let value = body.entry(field).or_insert(Value::Null);
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    if let Some(map) = value.as_object_mut() {
        change(map);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn common_metadata_wins_and_stays_at_the_top() {
        let options = KustomizeOptions {
            common_labels: [("team".to_owned(), "web".to_owned())].into(),
            common_annotations: [("owner".to_owned(), "${NAME}".to_owned())].into(),
            ..KustomizeOptions::default()
        };
        let template = json!({"template": {"metadata": {"labels": {"app": "a"}}}});
        for (name, metadata, expected) in [
            (
                "nothing",
                json!({"name": "a"}),
                json!({"name": "a", "labels": {"team": "web"}, "annotations": {"owner": "${NAME}"}}),
            ),
            (
                "others",
                json!({"name": "a", "labels": {"app": "a"}, "annotations": {"x": "y"}}),
                json!({"name": "a", "labels": {"app": "a", "team": "web"}, "annotations": {"x": "y", "owner": "${NAME}"}}),
            ),
            (
                "the same",
                json!({"name": "a", "labels": {"team": "cart"}, "annotations": {"owner": "cart"}}),
                json!({"name": "a", "labels": {"team": "web"}, "annotations": {"owner": "${NAME}"}}),
            ),
            (
                "empty ones",
                json!({"name": "a", "labels": null, "annotations": null}),
                json!({"name": "a", "labels": {"team": "web"}, "annotations": {"owner": "${NAME}"}}),
            ),
        ] {
            let body = json!({"kind": "Deployment", "metadata": metadata, "spec": template});
            let mut documents = [Document { body, origin: None }];
            set(&mut documents, &options);
            let wanted = json!({"kind": "Deployment", "metadata": expected, "spec": template});
            assert_eq!(documents[0].body, wanted, "{name}");
        }
    }
}
