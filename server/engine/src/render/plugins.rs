//! Generators, transformers and validators of a kustomization: only those that Kustomize has in itself are let through.
//! Kustomize refuses the others by itself as long as nobody tells it otherwise; we do not rely on that.

use super::RenderError;
use crate::yaml;
use serde_json::Value;

/// Fields of a kustomization whose entries are plugins.
pub(super) const FIELDS: [&str; 3] = ["generators", "transformers", "validators"];

/// `apiVersion` of what Kustomize has in itself.
const BUILT_IN: &str = "builtin";
/// Fetches and renders charts, with a `helm` and a home that the kustomization chooses.
const CHARTS: &str = "HelmChartInflationGenerator";
/// Annotations that have a function run, as a program or a container; the second pair as JSON patches write them.
const FUNCTIONS: [&str; 4] = [
    "config.kubernetes.io/function",
    "config.k8s.io/function",
    "config.kubernetes.io~1function",
    "config.k8s.io~1function",
];

/// Checks every document of a plugin's configuration.
pub(super) fn check(file: &str, field: &str, bytes: &[u8]) -> Result<(), RenderError> {
    refuse_programs(file, field, bytes)?;
    let invalid = |error: yaml::YamlError| RenderError::Invalid {
        path: file.to_owned(),
        line: error.line,
        message: format!("{field}: {}", error.message),
    };
    for document in yaml::documents(yaml::text_of(bytes).map_err(invalid)?).map_err(invalid)? {
        let body = document.value().map_err(invalid)?;
        if body.is_null() {
            continue;
        }
        refuse_functions(file, field, &body)?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let (version, kind) = (text("apiVersion"), text("kind"));
        if kind == CHARTS || kind == "ChartInflator" {
            let why = "fetches charts while rendering, which is never done; use a Helm application, or commit the rendered chart";
            return refuse(file, field, &format!("{kind} {why}"));
        }
        if version != BUILT_IN {
            let named: String = format!("{version} {kind}")
                .escape_debug()
                .take(200)
                .collect();
            let why = "is a plugin of its own, which is never run; only the built-in ones of Kustomize are";
            return refuse(file, field, &format!("{} {why}", named.trim()));
        }
    }
    Ok(())
}

/// Refuses what names the annotation of a function as it is written.
pub(super) fn refuse_programs(file: &str, field: &str, bytes: &[u8]) -> Result<(), RenderError> {
    let text = String::from_utf8_lossy(bytes);
    if FUNCTIONS.iter().any(|name| text.contains(name)) {
        return refuse(file, field, PROGRAM);
    }
    Ok(())
}

/// The same once the text is read: escapes in YAML hide nothing.
pub(super) fn refuse_functions(file: &str, field: &str, body: &Value) -> Result<(), RenderError> {
    let is_function = |text: &str| FUNCTIONS.iter().any(|name| text.contains(name));
    let mut left = vec![body];
    while let Some(value) = left.pop() {
        let found = match value {
            Value::String(text) => is_function(text),
            Value::Array(items) => {
                left.extend(items);
                false
            }
            Value::Object(map) => {
                left.extend(map.values());
                map.keys().any(|key| is_function(key))
            }
            _ => false,
        };
        if found {
            return refuse(file, field, PROGRAM);
        }
    }
    Ok(())
}

const PROGRAM: &str = "it calls a program or container as plugin, which is never run";

fn refuse(file: &str, field: &str, why: &str) -> Result<(), RenderError> {
    Err(RenderError::Refused {
        path: file.to_owned(),
        why: format!("{field}: {why}"),
    })
}
