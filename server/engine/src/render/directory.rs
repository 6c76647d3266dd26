//! Plain directories: which files count, and their documents. No program is needed for this.

mod fleet;
mod strategic;

use super::RenderError;
use super::objects::Document;
use super::reader::{Reader, shown};
use super::stage::Staged;
use crate::definition::{DirectoryOptions, is_override_file};
use crate::source::Snapshot;
use crate::yaml;
use globset::{GlobBuilder, GlobMatcher};
use lockstep_types::resource::Origin;
use serde_json::Value;

/// A file with this anywhere in it is left out, as in Argo CD.
const SKIP: &[u8] = b"+argocd:skip-file-rendering";

/// Collects the files that the options select.
pub(super) fn collect(
    reader: &mut Reader,
    path: &str,
    options: &DirectoryOptions,
) -> Result<(), RenderError> {
    if let Some(overlays) = &options.overlays {
        return fleet::collect(reader, path, overlays);
    }
    let include = glob(path, "include", &options.include)?;
    let exclude = glob(path, "exclude", &options.exclude)?;
    let mut endings = 0;
    let mut selected = 0;
    let files = if options.recurse {
        reader.all(path)?
    } else {
        reader.right_in(path)?
    };
    for staged in files {
        let below = staged
            .path
            .get(path.len()..)
            .unwrap_or_default()
            .trim_start_matches('/');
        let ending = below.rsplit_once('.').map_or("", |(_, ending)| ending);
        if ending == "jsonnet" {
            let why =
                "Jsonnet is not rendered here; put the rendered manifests into Git".to_owned();
            return Err(RenderError::Refused {
                path: staged.path,
                why,
            });
        }
        if !matches!(ending, "yaml" | "yml" | "json") || is_override_file(&staged.path) {
            continue;
        }
        endings += 1;
        let wanted = include.as_ref().is_none_or(|glob| glob.is_match(below))
            && !exclude.as_ref().is_some_and(|glob| glob.is_match(below));
        if wanted {
            selected += 1;
            reader.need(&staged.path, staged.file);
        }
    }
    let why = match (endings, selected) {
        (0, _) if options.recurse => "there is no file that ends in .yaml, .yml or .json",
        (0, _) => {
            "there is no file that ends in .yaml, .yml or .json right in it, and subfolders are not read without directory.recurse"
        }
        (_, 0) => "include and exclude leave no file",
        _ => return Ok(()),
    };
    Err(RenderError::Nothing {
        path: shown(path).to_owned(),
        why: why.to_owned(),
    })
}

/// As in Argo CD, `*` also matches slashes.
fn glob(path: &str, field: &str, pattern: &str) -> Result<Option<GlobMatcher>, RenderError> {
    if pattern.is_empty() {
        return Ok(None);
    }
    GlobBuilder::new(pattern)
        .literal_separator(false)
        .build()
        .map(|glob| Some(glob.compile_matcher()))
        .map_err(|error| RenderError::Invalid {
            path: shown(path).to_owned(),
            line: None,
            message: format!("directory.{field} is no glob: {}", error.kind()),
        })
}

/// The documents of the files, with their lines.
pub(super) fn documents(
    snapshot: &Snapshot,
    path: &str,
    files: &[Staged],
    overlays: Option<&[String]>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Document>, RenderError> {
    if let Some(overlays) = overlays {
        return fleet::documents(snapshot, path, files, overlays, warnings);
    }
    let mut found = Vec::new();
    for staged in files
        .iter()
        .filter(|staged| !is_override_file(&staged.path))
    {
        let bytes = snapshot.read(&staged.file)?;
        if bytes.windows(SKIP.len()).any(|window| window == SKIP) {
            continue;
        }
        file(&staged.path, &bytes, &mut found, warnings)?;
    }
    if found.is_empty() {
        let why = "none of its files holds a Kubernetes object".to_owned();
        return Err(RenderError::Nothing {
            path: shown(path).to_owned(),
            why,
        });
    }
    Ok(found)
}

fn file(
    path: &str,
    bytes: &[u8],
    found: &mut Vec<Document>,
    warnings: &mut Vec<String>,
) -> Result<(), RenderError> {
    let invalid = |error: yaml::YamlError| RenderError::Invalid {
        path: path.to_owned(),
        line: error.line,
        message: error.message,
    };
    let text = yaml::text_of(bytes).map_err(invalid)?;
    for document in yaml::documents(text).map_err(invalid)? {
        let body = match document.value() {
            Ok(Value::Null) => continue,
            Ok(body) => body,
            // A values file or a template beside the manifests is not ours to judge.
            Err(_) if !looks_like_an_object(document.text) => {
                warnings.push(format!(
                    "{path}:{}: left out, because it is no YAML and no Kubernetes object",
                    document.line
                ));
                continue;
            }
            Err(error) => return Err(invalid(error)),
        };
        let is_object = ["apiVersion", "kind", "metadata"]
            .iter()
            .any(|name| body.get(name).is_some());
        if is_object {
            found.push(Document {
                body,
                origin: Some(Origin {
                    path: path.to_owned(),
                    line: Some(document.line),
                }),
            });
        } else {
            warnings.push(format!(
                "{path}:{}: left out, because it is no Kubernetes object",
                document.line
            ));
        }
    }
    Ok(())
}

fn looks_like_an_object(text: &str) -> bool {
    ["apiVersion", "kind", "metadata"]
        .iter()
        .all(|name| text.contains(name))
}

#[cfg(test)]
mod oracle;
