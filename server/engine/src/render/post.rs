//! Kustomize steps over what a chart gave, as `postRenderers` of Flux asks for: images and patches, step after step.
//!
//! Each object lies in a file of its own, so that Kustomize's own account of where an object came from leads back to
//! the template, whatever the steps renamed. Custom resource definitions of a chart's `crds/` are left alone, as Helm
//! does; so are hooks whose name is still to be made.

use super::objects::Document;
use super::tools::Tool;
use super::{RenderError, Renderer, blocking, metadata, origin, overlay, reader, sandbox, stage};
use crate::definition::{DefinedSource, KustomizeOptions};
use crate::yaml;
use lockstep_types::resource::Origin;
use serde_json::{Value, json};

/// Beside `files/`.
const FOLDER: &str = "post";

/// Carries out the steps. Objects keep their order, those that no step sees come first.
pub(super) async fn steps(
    renderer: &Renderer,
    source: &DefinedSource,
    documents: Vec<Document>,
) -> Result<Vec<Document>, RenderError> {
    let (mut seen, mut left): (Vec<Document>, Vec<Document>) =
        documents.into_iter().partition(is_seen);
    let steps: Vec<KustomizeOptions> = source
        .post_renderers
        .iter()
        .filter(|step| !step.images.is_empty() || !step.patches.is_empty())
        .cloned()
        .collect();
    if !steps.is_empty() && !seen.is_empty() {
        seen = built(renderer, source, steps, seen).await?;
    }
    // Labels and annotations for all of them come last, and never reach what is below.
    for step in &source.post_renderers {
        metadata::set(&mut seen, step);
    }
    left.append(&mut seen);
    Ok(left)
}

/// What Kustomize makes of the objects, step after step.
async fn built(
    renderer: &Renderer,
    source: &DefinedSource,
    steps: Vec<KustomizeOptions>,
    seen: Vec<Document>,
) -> Result<Vec<Document>, RenderError> {
    let origins: Vec<Option<Origin>> = seen
        .iter()
        .map(|document| document.origin.clone())
        .collect();
    let work_dir = renderer.work_dir.clone();
    let last = steps.len().saturating_sub(1);
    let folder = blocking(move || {
        let folder = stage::Folder::new(&work_dir)?;
        for (index, document) in seen.iter().enumerate() {
            // JSON is YAML.
            let text = document.body.to_string();
            folder.put(&format!("{FOLDER}/0/{}", file(index)), text.as_bytes())?;
        }
        for (index, step) in steps.iter().enumerate() {
            let resources = match index.checked_sub(1) {
                None => (0..seen.len()).map(file).collect(),
                Some(before) => vec![format!("../{before}")],
            };
            let text = kustomization(step, &resources).to_string();
            folder.put(
                &format!("{FOLDER}/{index}/kustomization.yaml"),
                text.as_bytes(),
            )?;
        }
        Ok(folder)
    })
    .await?;
    let subject = reader::shown(&source.path);
    let program = renderer.tools.path(Tool::Kustomize)?;
    let arguments = vec!["build".to_owned(), format!("./{FOLDER}/{last}")];
    let printed = sandbox::run(
        &renderer.sandbox,
        Tool::Kustomize,
        program,
        &folder,
        arguments,
        subject,
    )
    .await;
    // Removing many files takes its time.
    blocking(move || {
        drop(folder);
        Ok(())
    })
    .await?;
    let mut made = origin::printed(&printed?, subject, |_| None)?;
    for document in &mut made {
        let index = origin::take_annotation(&mut document.body, overlay::ORIGIN)
            .and_then(|annotation| index_of(&annotation));
        document.origin = index.and_then(|index| origins.get(index).cloned().flatten());
    }
    Ok(made)
}

fn is_seen(document: &Document) -> bool {
    let named = document
        .body
        .pointer("/metadata/name")
        .is_some_and(Value::is_string);
    let list = document.body.get("items").is_some_and(Value::is_array);
    let definition = document
        .origin
        .as_ref()
        .is_some_and(|origin| origin.path.split('/').any(|part| part == "crds"))
        && document.body.get("kind").and_then(Value::as_str) == Some("CustomResourceDefinition");
    (named || list) && !definition
}

fn file(index: usize) -> String {
    format!("object-{index}.yaml")
}

fn index_of(annotation: &str) -> Option<usize> {
    let said = yaml::documents(annotation).ok()?.first()?.value().ok()?;
    let path = said.get("path").and_then(Value::as_str)?;
    let name = path.rsplit('/').next()?;
    name.strip_prefix("object-")?
        .strip_suffix(".yaml")?
        .parse()
        .ok()
}

fn kustomization(step: &KustomizeOptions, resources: &[String]) -> Value {
    json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "buildMetadata": ["originAnnotations"],
        "resources": resources,
        "images": overlay::images(step),
        "patches": step.patches,
    })
}
