//! The kustomization on top: what a definition adds in Kustomize's own terms, and origins for every object.

use super::RenderError;
use super::reader::{Reader, Target, is_within, join, shown};
use crate::definition::KustomizeOptions;
use serde_json::{Map, Value, json};

/// Where it lies, beside `files/`.
pub(super) const FOLDER: &str = "overlay";
/// Added by Kustomize for us, and taken out again.
pub(super) const ORIGIN: &str = "config.kubernetes.io/origin";

pub(super) fn build(
    reader: &mut Reader,
    path: &str,
    options: &KustomizeOptions,
) -> Result<Value, RenderError> {
    let below = |name: &str| format!("../files/{name}").trim_end_matches('/').to_owned();
    let mut overlay = Map::new();
    let mut set = |name: &str, value: Value| {
        overlay.insert(name.to_owned(), value);
    };
    set("apiVersion", json!("kustomize.config.k8s.io/v1beta1"));
    set("kind", json!("Kustomization"));
    set("buildMetadata", json!(["originAnnotations"]));
    set("resources", json!([below(path)]));
    let mut components = Vec::new();
    for component in &options.components {
        let inside = join(path, component).ok_or_else(|| RenderError::Refused {
            path: shown(path).to_owned(),
            why: format!(
                "the component {} is no path inside the repository",
                component.escape_debug()
            ),
        })?;
        components.push(below(&inside));
    }
    set("components", json!(components));
    for (name, text) in [
        ("namespace", &options.namespace),
        ("namePrefix", &options.name_prefix),
        ("nameSuffix", &options.name_suffix),
    ] {
        if !text.is_empty() {
            set(name, json!(text));
        }
    }
    set("images", json!(images(options)));
    set(
        "replicas",
        options
            .replicas
            .iter()
            .map(|(name, count)| json!({"name": name, "count": count}))
            .collect(),
    );
    if !options.common_labels.is_empty() {
        set(
            "labels",
            json!([{
                "pairs": options.common_labels,
                "includeSelectors": !options.label_without_selector,
                "includeTemplates": options.label_include_templates || !options.label_without_selector,
            }]),
        );
    }
    if !options.common_annotations.is_empty() {
        set("commonAnnotations", json!(options.common_annotations));
    }
    let patches: Vec<Value> = options
        .patches
        .iter()
        .map(|entry| patch(reader, path, entry))
        .collect::<Result<_, _>>()?;
    set("patches", json!(patches));
    Ok(Value::Object(overlay))
}

/// Kustomize takes a component at the top by itself, and never among the resources of another.
pub(super) fn list_as_component(overlay: &mut Value) {
    let Some(overlay) = overlay.as_object_mut() else {
        return;
    };
    let Some(Value::Array(mut first)) = overlay.insert("resources".to_owned(), json!([])) else {
        return;
    };
    if let Some(Value::Array(others)) = overlay.remove("components") {
        first.extend(others);
    }
    overlay.insert("components".to_owned(), Value::Array(first));
}

/// Entries of Kustomize's `images`.
pub(super) fn images(options: &KustomizeOptions) -> Vec<Value> {
    options
        .images
        .iter()
        .map(|image| {
            let mut entry = Map::from_iter([("name".to_owned(), json!(image.name))]);
            for (name, text) in [
                ("newName", &image.new_name),
                ("newTag", &image.new_tag),
                ("digest", &image.digest),
            ] {
                if !text.is_empty() {
                    entry.insert(name.to_owned(), json!(text));
                }
            }
            Value::Object(entry)
        })
        .collect()
}

/// A patch in a file becomes inline: the overlay lies elsewhere.
fn patch(reader: &mut Reader, path: &str, entry: &Value) -> Result<Value, RenderError> {
    let mut entry = entry.clone();
    let Some(name) = entry.get("path").and_then(Value::as_str).map(str::to_owned) else {
        return Ok(entry);
    };
    let refuse = |why: &str| RenderError::Refused {
        path: shown(path).to_owned(),
        why: format!("the patch {}: {why}", name.escape_debug()),
    };
    let file = join(path, &name)
        .filter(|file| is_within(file, path))
        .ok_or_else(|| refuse("it must be in or below the path"))?;
    let Target::File(found) = reader.find(&file, path)? else {
        return Err(RenderError::Missing {
            path: shown(path).to_owned(),
            missing: file,
        });
    };
    let text = String::from_utf8(reader.read(&found)?).map_err(|_| refuse("it is not UTF-8"))?;
    reader.need(&file, found);
    if let Some(entry) = entry.as_object_mut() {
        entry.remove("path");
        entry.insert("patch".to_owned(), Value::String(text));
    }
    Ok(entry)
}
