//! Argo CD's override files: `.argocd-source.yaml` beside the manifests changes the source of every application of that
//! folder, `.argocd-source-NAME.yaml` that of one, and is the stronger. Tools that write image tags back to Git write
//! them there, so an application read without them would be another one.
//!
//! Pure: bytes in, a source out. As in Argo CD a file is merged into the source as a JSON merge patch (RFC 7396), and
//! changes neither repository, path, chart nor revision.

use super::argo;
use super::fields::{Place, Report};
use super::{DefinedSource, DirectoryOptions, HelmOptions, KustomizeOptions};
use crate::yaml;
use lockstep_types::application::Dialect;
use serde_json::{Map, Value, json};

const START: &str = ".argocd-source";
/// What a file may say without changing it.
const FIXED: [&str; 6] = ["chart", "name", "path", "ref", "repoURL", "targetRevision"];
/// Larger files are no overrides.
const MAX_BYTES: usize = 1024 * 1024;

/// The files that override a source of an application, the weaker one first; none where the source is no folder of an
/// Argo CD application.
pub fn override_files(source: &DefinedSource, application: &str) -> Vec<String> {
    if source.dialect != Dialect::ArgoApplication || source.only_lends || !source.chart.is_empty() {
        return Vec::new();
    }
    let mut names = vec![format!("{START}.yaml")];
    // No name of an application leads out of its folder.
    if !application.is_empty() && !application.contains(['/', '\\']) {
        names.push(format!("{START}-{application}.yaml"));
    }
    names
        .into_iter()
        .map(|name| super::below(&source.path, &name))
        .collect()
}

/// Whether a file is one that overrides a source.
pub fn is_override_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_prefix(START)
        .and_then(|rest| rest.strip_suffix(".yaml"))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// What is wrong with an override file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverrideProblem {
    /// 1-based; `None` when it is of a field as it comes out.
    pub line: Option<u32>,
    pub message: String,
}

/// The source with a file merged into it, and what the file says without effect.
///
/// # Errors
/// When the file is no YAML map, or what comes out is no source.
pub fn overridden(
    source: &DefinedSource,
    bytes: &[u8],
) -> Result<(DefinedSource, Vec<String>), OverrideProblem> {
    let of_file = |error: yaml::YamlError| OverrideProblem {
        line: error.line,
        message: error.message,
    };
    let wrong = |message: &str| OverrideProblem {
        line: None,
        message: message.to_owned(),
    };
    if bytes.len() > MAX_BYTES {
        return Err(wrong("it is larger than 1 MiB"));
    }
    let text = yaml::text_of(bytes).map_err(of_file)?;
    let documents = yaml::documents(text).map_err(of_file)?;
    let patch = match documents.as_slice() {
        [] => return Ok((source.clone(), Vec::new())),
        [one] => one.value().map_err(of_file)?,
        _ => return Err(wrong("it holds several documents")),
    };
    let mut patch = match patch {
        Value::Null => return Ok((source.clone(), Vec::new())),
        Value::Object(patch) => patch,
        _ => return Err(wrong("it is no map of fields of a source")),
    };
    let mut said = Vec::new();
    for name in FIXED {
        if patch.remove(name).is_some() {
            said.push(format!("{name} has no effect in an override file"));
        }
    }
    let before = read(&written(source));
    let mut merged = written(source);
    json_patch::merge(&mut merged, &Value::Object(patch));
    let (read, problems, ignored) = read(&merged);
    if let Some((field, message)) = problems.first() {
        return Err(wrong(&format!("{field}: {message}")));
    }
    // Of the definition itself that is said already.
    let news = ignored.into_iter().filter(|one| !before.2.contains(one));
    said.extend(news.map(|(field, why)| format!("{field}: {why}")));
    let changed = DefinedSource {
        helm: read.helm,
        kustomize: read.kustomize,
        directory: read.directory,
        ..source.clone()
    };
    Ok((changed, said))
}

type Said = Vec<(String, String)>;

/// A source as the reader of definitions has it, with problems and ignored fields.
fn read(written: &Value) -> (DefinedSource, Said, Said) {
    let report = Report::default();
    let text = written.to_string();
    // JSON is YAML, and what was just made of values is sound.
    let node = yaml::documents(&text)
        .ok()
        .and_then(|documents| documents.first()?.node().ok());
    let Some(node) = node else {
        let nothing = vec![(String::new(), "it cannot be read".to_owned())];
        return (DefinedSource::default(), nothing, Vec::new());
    };
    let source = argo::read_source(&Place::root(&report, &node));
    let (problems, ignored) = report.into_parts();
    let problems = problems
        .into_iter()
        .map(|problem| (problem.field, problem.message))
        .collect();
    (source, problems, ignored)
}

/// The source as Argo CD writes it, as far as a file can change it.
fn written(source: &DefinedSource) -> Value {
    // No file changes it; that it is there is not the question here.
    let mut fields = Map::from_iter([("repoURL".to_owned(), json!("/"))]);
    if let Some(options) = &source.helm {
        fields.insert("helm".to_owned(), helm(options));
    }
    if let Some(options) = &source.kustomize {
        fields.insert("kustomize".to_owned(), kustomize(options));
    }
    if let Some(options) = &source.directory {
        fields.insert("directory".to_owned(), directory(options));
    }
    Value::Object(fields)
}

/// Without what says nothing: a patch that only adds leaves the rest unsaid, as it was.
fn said(fields: Value) -> Value {
    let Value::Object(mut fields) = fields else {
        return fields;
    };
    fields.retain(|_, value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
        _ => true,
    });
    Value::Object(fields)
}

fn helm(options: &HelmOptions) -> Value {
    // Values that were given as an object are kept as JSON.
    let object = serde_json::from_str::<Value>(&options.values)
        .ok()
        .filter(Value::is_object);
    let text = if object.is_some() {
        ""
    } else {
        &options.values
    };
    let parameters: Vec<Value> = options
        .parameters
        .iter()
        .map(|one| json!({"name": one.name, "value": one.value, "forceString": one.force_string}))
        .collect();
    let files: Vec<Value> = options
        .file_parameters
        .iter()
        .map(|(name, path)| json!({"name": name, "path": path}))
        .collect();
    said(json!({
        "releaseName": options.release_name,
        "namespace": options.namespace,
        "valueFiles": options.value_files,
        "ignoreMissingValueFiles": options.ignore_missing_value_files,
        "values": text,
        "valuesObject": object,
        "parameters": parameters,
        "fileParameters": files,
        "skipCrds": options.skip_crds,
        "skipSchemaValidation": options.skip_schema_validation,
        "kubeVersion": options.kube_version,
        "apiVersions": options.api_versions,
    }))
}

fn kustomize(options: &KustomizeOptions) -> Value {
    let images: Vec<String> = options
        .images
        .iter()
        .map(|image| {
            let part = |before: &str, text: &str| match text {
                "" => String::new(),
                text => format!("{before}{text}"),
            };
            format!(
                "{}{}{}{}",
                image.name,
                part("=", &image.new_name),
                part(":", &image.new_tag),
                part("@", &image.digest)
            )
        })
        .collect();
    let replicas: Vec<Value> = options
        .replicas
        .iter()
        .map(|(name, count)| json!({"name": name, "count": count}))
        .collect();
    said(json!({
        "namespace": options.namespace,
        "namePrefix": options.name_prefix,
        "nameSuffix": options.name_suffix,
        "images": images,
        "replicas": replicas,
        "commonLabels": options.common_labels,
        "commonAnnotations": options.common_annotations,
        "commonAnnotationsEnvsubst": options.annotations_are_filled,
        "labelWithoutSelector": options.label_without_selector,
        "labelIncludeTemplates": options.label_include_templates,
        "components": options.components,
        "ignoreMissingComponents": options.ignore_missing_components,
        "patches": options.patches,
    }))
}

fn directory(options: &DirectoryOptions) -> Value {
    said(json!({
        "recurse": options.recurse,
        "include": options.include,
        "exclude": options.exclude,
    }))
}

#[cfg(test)]
mod tests;
