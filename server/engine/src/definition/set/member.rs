//! From a filled template to an application, read as if it stood in Git itself.

use super::super::collect::{Ours, read_argo};
use super::super::fields::FieldProblem;
use super::super::{Definition, DefinitionKey, SetMember, argo};
use super::language::{Language, Stop};
use super::{ApplicationSet, Generator, Parameters, combine};
use crate::yaml::{self, Kind, Node};
use serde_json::{Value, json};

/// One application with what is wrong in it. Its row is not known yet.
pub(super) struct Member {
    pub key: DefinitionKey,
    pub definition: Option<Definition>,
    pub problems: Vec<FieldProblem>,
    pub parameters: Parameters,
}

/// The template of the set with that of the generator over it.
pub(super) fn template(set: &ApplicationSet, generator: &Generator) -> Value {
    let (Some(Value::Object(over)), Value::Object(of_set)) = (&generator.template, &set.template)
    else {
        return set.template.clone();
    };
    let (mut merged, mut under) = (over.clone(), Value::Object(of_set.clone()));
    // Values are one thing: they are not mixed.
    let values = "/spec/source/helm/valuesObject";
    let given = generator
        .template
        .as_ref()
        .and_then(|template| template.pointer(values));
    if given.is_some_and(|given| !given.is_null())
        && let Some(helm) = under
            .pointer_mut("/spec/source/helm")
            .and_then(Value::as_object_mut)
    {
        helm.remove("valuesObject");
    }
    if let Value::Object(under) = under {
        combine::fill_in(&mut merged, under);
    }
    Value::Object(merged)
}

/// Fills the template and reads the result.
pub(super) fn member(
    set: &ApplicationSet,
    template: &Value,
    parameters: Parameters,
    language: &Language<'_>,
) -> Result<Member, Stop> {
    let written = json!({ "template": template, "patch": set.template_patch });
    // Without parameters Argo CD leaves the template as it is.
    let filled = if parameters.is_empty() {
        written
    } else {
        language.fill(&written, &parameters)?
    };
    let part = |pointer: &str| filled.pointer(pointer).cloned().unwrap_or_default();
    let mut application = json!({
        "apiVersion": format!("{}/v1alpha1", argo::API_GROUP),
        "kind": argo::KIND,
        "metadata": part("/template/metadata"),
        "spec": part("/template/spec"),
    });
    if let Some(text) = filled.get("patch").and_then(Value::as_str) {
        patch(&mut application, text)?;
    }
    let name = application
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    check_name(&name)?;
    if let Some(metadata) = application
        .get_mut("metadata")
        .and_then(Value::as_object_mut)
    {
        metadata.insert("namespace".to_owned(), Value::String(set.namespace.clone()));
    }
    let lines = set
        .document
        .get("spec")
        .and_then(|spec| spec.get("template"));
    let document = Ours {
        group: argo::API_GROUP.to_owned(),
        kind: argo::KIND.to_owned(),
        namespace: set.namespace.clone(),
        name,
        path: set.path.clone(),
        line: set.line,
        yaml: yaml::text(&application),
        node: node(&application, lines, set.line),
    };
    let (key, definition, problems) = read_argo(&document);
    let definition = definition.map(|mut definition| {
        let of_set = set
            .ignored_fields
            .iter()
            .map(|(field, why)| (format!("{}: {field}", super::KIND), why.clone()));
        definition.ignored_fields.extend(of_set);
        let rollout = set.strategy.as_ref().map(|strategy| {
            let says_prune = application
                .pointer("/spec/syncPolicy/automated/prune")
                .is_some_and(Value::is_boolean);
            Box::new(strategy.apply(&mut definition, says_prune))
        });
        definition.set = Some(SetMember {
            set: set.title(),
            row: String::new(),
            parameters: Value::Object(parameters.clone()),
            rollout,
        });
        definition
    });
    Ok(Member {
        key,
        definition,
        problems,
        parameters,
    })
}

fn check_name(name: &str) -> Result<(), Stop> {
    let field = "template.metadata.name";
    let next = "Correct the template; `normalize` or a parameter like nameNormalized helps.";
    if name.is_empty() {
        return Err(Stop::wrong(field, "the name comes out empty", next));
    }
    let end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let allowed = name.len() <= 253
        && name.starts_with(end)
        && name.ends_with(end)
        && name.chars().all(|c| end(c) || matches!(c, '-' | '.'));
    if allowed {
        return Ok(());
    }
    let shown: String = name.escape_debug().take(100).collect();
    let message = format!("“{shown}” is no name that Kubernetes allows");
    Err(Stop::wrong(field, message, next))
}

/// A JSON patch when it is a list, else a patch to merge. The project never changes by it, as in Argo CD.
fn patch(application: &mut Value, text: &str) -> Result<(), Stop> {
    let wrong = |message: String| {
        let next = "Correct the patch; it is YAML to merge, or a list of JSON patch operations.";
        Stop::wrong("templatePatch", message, next)
    };
    let documents = yaml::documents(text).map_err(|error| wrong(error.message))?;
    let Some(document) = documents.first() else {
        return Ok(());
    };
    let project = application.pointer("/spec/project").cloned();
    match document.value().map_err(|error| wrong(error.message))? {
        Value::Null => return Ok(()),
        Value::Array(operations) => {
            let operations: json_patch::Patch = serde_json::from_value(Value::Array(operations))
                .map_err(|error| wrong(format!("it is no JSON patch: {error}")))?;
            json_patch::patch(application, &operations)
                .map_err(|error| wrong(format!("it cannot be applied: {error}")))?;
        }
        Value::Object(merge) => json_patch::merge(application, &Value::Object(merge)),
        _ => return Err(wrong("it is neither a map nor a list".to_owned())),
    }
    if let Some(spec) = application.get_mut("spec").and_then(Value::as_object_mut) {
        match project {
            Some(project) => spec.insert("project".to_owned(), project),
            None => spec.remove("project"),
        };
    }
    Ok(())
}

/// The application with the lines of the template it comes from.
fn node(value: &Value, written: Option<&Node>, line: u32) -> Node {
    let line = written.map_or(line, |node| node.line);
    let kind = match value {
        Value::Null => Kind::Null,
        Value::Bool(value) => Kind::Bool(*value),
        Value::Number(value) => Kind::Number(value.clone()),
        Value::String(text) => Kind::Text(text.clone()),
        Value::Array(items) => {
            let written = match written.map(|node| &node.kind) {
                Some(Kind::List(written)) => written.as_slice(),
                _ => &[],
            };
            let of = |(index, item)| node(item, written.get(index), line);
            Kind::List(items.iter().enumerate().map(of).collect())
        }
        Value::Object(entries) => Kind::Map(
            entries
                .iter()
                .map(|(key, value)| {
                    let written = written.and_then(|node| node.get(key));
                    (key.clone(), node(value, written, line))
                })
                .collect(),
        ),
    };
    Node { line, kind }
}
