//! Folders of manifests as Fleet reads them: everything below, apart from what belongs to another bundle, with the
//! chosen folders below `overlays/` laid over it file by file.

use super::super::RenderError;
use super::super::objects::Document;
use super::super::reader::{Reader, is_within, parent, shown};
use super::super::stage::Staged;
use super::strategic;
use crate::source::Snapshot;
use crate::yaml;
use globset::{GlobBuilder, GlobMatcher};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const OVERLAYS: &str = "overlays";
const IGNORE: &str = ".fleetignore";
/// A file `a_patch.yaml` changes `a.yaml`.
const PATCH: &str = "_patch.";

fn is_fleet_yaml(path: &str) -> bool {
    matches!(name(path), "fleet.yaml" | "fleet.yml")
}

fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn below<'p>(path: &'p str, folder: &str) -> &'p str {
    path.get(folder.len()..)
        .unwrap_or_default()
        .trim_start_matches('/')
}

/// Collects the manifests of a bundle and of the overlays that are used.
pub(super) fn collect(
    reader: &mut Reader,
    path: &str,
    overlays: &[String],
) -> Result<(), RenderError> {
    let all = reader.all(path)?;
    let others: BTreeSet<String> = all
        .iter()
        .filter(|staged| is_fleet_yaml(&staged.path) && parent(&staged.path) != path)
        .map(|staged| parent(&staged.path).to_owned())
        .collect();
    let mut ignored = Vec::new();
    for staged in all.iter().filter(|staged| name(&staged.path) == IGNORE) {
        let text = String::from_utf8_lossy(&reader.read(&staged.file)?).into_owned();
        for line in text.lines().map(str::trim) {
            if !line.is_empty() && !line.starts_with('#') {
                let glob = glob(&staged.path, line)?;
                ignored.push((parent(&staged.path).to_owned(), glob));
            }
        }
    }
    let mut selected = 0;
    let mut used = BTreeSet::new();
    for staged in all {
        let inside = below(&staged.path, path);
        let hidden = inside.split('/').any(|part| part.starts_with('.'));
        let is_yaml = inside.ends_with(".yaml") || inside.ends_with(".yml");
        if hidden
            || !is_yaml
            || is_fleet_yaml(inside)
            || others.iter().any(|other| is_within(&staged.path, other))
            || ignored
                .iter()
                .any(|(folder, glob)| is_ignored(&staged.path, folder, glob))
        {
            continue;
        }
        if let Some(rest) = inside
            .strip_prefix(OVERLAYS)
            .and_then(|rest| rest.strip_prefix('/'))
        {
            let Some(overlay) = overlays.iter().find(|overlay| is_within(rest, overlay)) else {
                continue;
            };
            used.insert(overlay.clone());
        } else {
            selected += 1;
        }
        reader.need(&staged.path, staged.file);
    }
    if let Some(missing) = overlays.iter().find(|overlay| !used.contains(*overlay)) {
        return Err(RenderError::Missing {
            path: format!("the bundle {}", shown(path)),
            missing: format!("{path}/{OVERLAYS}/{missing}")
                .trim_start_matches('/')
                .to_owned(),
        });
    }
    if selected == 0 && used.is_empty() {
        return Err(RenderError::Nothing {
            path: shown(path).to_owned(),
            why: "there is no file that ends in .yaml or .yml in it, apart from other bundles and overlays"
                .to_owned(),
        });
    }
    Ok(())
}

fn glob(path: &str, pattern: &str) -> Result<GlobMatcher, RenderError> {
    GlobBuilder::new(pattern.trim_end_matches('/'))
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| RenderError::Invalid {
            path: path.to_owned(),
            line: None,
            message: format!("{pattern} is no glob: {}", error.kind()),
        })
}

/// Patterns hold for names and for paths below their own folder; an ignored folder takes all of its files along.
fn is_ignored(path: &str, folder: &str, glob: &GlobMatcher) -> bool {
    if !is_within(path, folder) {
        return false;
    }
    let mut part = below(path, folder);
    while !part.is_empty() {
        if glob.is_match(part) || glob.is_match(name(part)) {
            return true;
        }
        part = parent(part);
    }
    false
}

/// The documents of a bundle, with its overlays.
pub(super) fn documents(
    snapshot: &Snapshot,
    path: &str,
    files: &[Staged],
    overlays: &[String],
    warnings: &mut Vec<String>,
) -> Result<Vec<Document>, RenderError> {
    let mut layers: BTreeMap<String, Vec<Document>> = BTreeMap::new();
    let in_overlays = format!("{OVERLAYS}/");
    for staged in files {
        let inside = below(&staged.path, path);
        if !inside.starts_with(&in_overlays) {
            let mut found = Vec::new();
            super::file(
                &staged.path,
                &snapshot.read(&staged.file)?,
                &mut found,
                warnings,
            )?;
            layers.insert(inside.to_owned(), found);
        }
    }
    for overlay in overlays {
        let folder = format!("{in_overlays}{overlay}");
        let mut patches = Vec::new();
        for staged in files {
            let inside = below(&staged.path, path);
            if !is_within(inside, &folder) {
                continue;
            }
            let target = below(inside, &folder);
            if name(target).contains(PATCH) {
                patches.push((target, staged));
                continue;
            }
            let mut found = Vec::new();
            super::file(
                &staged.path,
                &snapshot.read(&staged.file)?,
                &mut found,
                warnings,
            )?;
            layers.insert(target.to_owned(), found);
        }
        // What the overlay replaces comes before what it patches.
        for (target, staged) in patches {
            let target = target.replacen(PATCH, ".", 1);
            let layer = layers
                .get_mut(&target)
                .ok_or_else(|| RenderError::Missing {
                    path: staged.path.clone(),
                    missing: target.clone(),
                })?;
            patch(&staged.path, &snapshot.read(&staged.file)?, &target, layer)?;
        }
    }
    let found: Vec<Document> = layers.into_values().flatten().collect();
    if found.is_empty() {
        return Err(RenderError::Nothing {
            path: shown(path).to_owned(),
            why: "none of its files holds a Kubernetes object".to_owned(),
        });
    }
    Ok(found)
}

fn patch(
    path: &str,
    bytes: &[u8],
    target: &str,
    layer: &mut [Document],
) -> Result<(), RenderError> {
    let invalid = |line: Option<u32>, message: String| RenderError::Invalid {
        path: path.to_owned(),
        line,
        message,
    };
    let read = |error: yaml::YamlError| invalid(error.line, error.message);
    let text = yaml::text_of(bytes).map_err(read)?;
    for document in yaml::documents(text).map_err(read)? {
        let patch = document.value().map_err(read)?;
        let line = Some(document.line);
        let meant = |body: &Value| {
            ["/kind", "/metadata/name"].iter().all(|pointer| {
                patch.pointer(pointer).is_some() && patch.pointer(pointer) == body.pointer(pointer)
            })
        };
        let one = layer.len() == 1;
        let found = layer
            .iter_mut()
            .find(|document| one || meant(&document.body))
            .ok_or_else(|| {
                invalid(
                    line,
                    format!("{target} holds several objects, and none has the kind and name of this patch"),
                )
            })?;
        match &patch {
            Value::Null => {}
            Value::Array(_) => {
                let operations: json_patch::Patch = serde_json::from_value(patch.clone())
                    .map_err(|error| invalid(line, format!("it is no JSON patch: {error}")))?;
                json_patch::patch(&mut found.body, &operations).map_err(|error| {
                    invalid(line, format!("the patch does not fit {target}: {error}"))
                })?;
            }
            Value::Object(_) if strategic::is_known(&found.body) => {
                strategic::merge(&mut found.body, &patch).map_err(|why| {
                    invalid(line, format!("the patch does not fit {target}: {why}"))
                })?;
            }
            Value::Object(_) => json_patch::merge(&mut found.body, &patch),
            _ => return Err(invalid(line, "it is no patch".to_owned())),
        }
    }
    Ok(())
}
