//! What among the files of a root source is material of a kustomization or a chart: a patch, a template, a base that
//! another definition renders. Read raw, it would be taken for something that nobody deploys.
//!
//! Pure. A kustomization is followed over its `resources`, `bases` and `components` as far as the files are known.

use super::{DefinitionFile, repo_path};
use crate::yaml;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Kustomizations and charts among the files.
#[derive(Debug, Default)]
pub(super) struct Built {
    /// By folder.
    kustomizations: BTreeMap<String, Kustomization>,
    /// Files that kustomizations apply to others.
    patches: BTreeSet<String>,
    /// Folders of charts.
    charts: BTreeSet<String>,
    files: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Kustomization {
    /// Files and folders in the repository that it takes in.
    names: Vec<String>,
}

impl Built {
    pub(super) fn read(files: &[DefinitionFile]) -> Self {
        let mut built = Self {
            files: files.iter().map(|file| file.path.clone()).collect(),
            ..Self::default()
        };
        for file in files {
            let (folder, name) = split(&file.path);
            match name {
                "Chart.yaml" => {
                    built.charts.insert(folder.to_owned());
                }
                "kustomization.yaml" | "kustomization.yml" => built.kustomization(folder, file),
                _ => {}
            }
        }
        built
    }

    /// A kustomization that cannot be read says so when it is rendered.
    fn kustomization(&mut self, folder: &str, file: &DefinitionFile) {
        let Ok(text) = yaml::text_of(&file.bytes) else {
            return;
        };
        let documents = yaml::documents(text).unwrap_or_default();
        let Some(Ok(body)) = documents.first().map(yaml::Document::value) else {
            return;
        };
        if body
            .get("apiVersion")
            .and_then(Value::as_str)
            .is_some_and(|version| !version.starts_with("kustomize.config.k8s.io/"))
        {
            return;
        }
        let texts = |field: &str| -> Vec<&str> {
            body.get(field)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect()
        };
        let names = ["resources", "bases", "components"]
            .into_iter()
            .flat_map(texts)
            .filter_map(|name| join(folder, name))
            .collect();
        let in_maps = ["patches", "patchesJson6902"]
            .into_iter()
            .flat_map(|field| {
                body.get(field)
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(|patch| patch.get("path").and_then(Value::as_str))
            });
        let as_texts = [
            "patchesStrategicMerge",
            "configurations",
            "transformers",
            "generators",
        ]
        .into_iter()
        .flat_map(texts);
        self.patches.extend(
            in_maps
                .chain(as_texts)
                .filter_map(|name| join(folder, name)),
        );
        self.kustomizations
            .insert(folder.to_owned(), Kustomization { names });
    }

    /// Whether a file is never a definition by itself: a patch, or a template of a chart.
    pub(super) fn is_material(&self, path: &str) -> bool {
        self.patches.contains(path) || self.is_template(path)
    }

    fn is_template(&self, path: &str) -> bool {
        let mut folder = split(path).0;
        loop {
            let (above, name) = split(folder);
            if name == "templates" && self.charts.contains(above) {
                return true;
            }
            if folder.is_empty() {
                return false;
            }
            folder = above;
        }
    }

    /// Files that kustomizations written by hand bring into a render of `folder`. Where the folder has none itself, Flux
    /// makes one that takes in those below it; files that only the made one names come out as they are.
    pub(super) fn taken_in(&self, folder: &str) -> BTreeSet<String> {
        let mut taken = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut left: Vec<&str> = if self.kustomizations.contains_key(folder) {
            vec![folder]
        } else {
            self.kustomizations
                .keys()
                .map(String::as_str)
                .filter(|below| is_below(below, folder))
                .collect()
        };
        while let Some(folder) = left.pop() {
            let Some(kustomization) = self.kustomizations.get(folder) else {
                continue;
            };
            if !seen.insert(folder) {
                continue;
            }
            for name in &kustomization.names {
                if self.files.contains(name) {
                    taken.insert(name.clone());
                } else {
                    left.push(name);
                }
            }
        }
        taken
    }
}

/// `a/b/c.yaml` → `a/b` and `c.yaml`.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
}

/// Where `name` leads from `folder`; `None` outside the repository or on another host.
fn join(folder: &str, name: &str) -> Option<String> {
    if name.contains("://") || name.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    repo_path(&parts.join("/")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> Vec<DefinitionFile> {
        files
            .iter()
            .map(|(path, text)| DefinitionFile {
                path: (*path).to_owned(),
                bytes: text.as_bytes().to_vec(),
            })
            .collect()
    }

    #[test]
    fn follows_kustomizations_and_knows_patches_and_templates() {
        let built = Built::read(&files(&[
            (
                "apps/prod/kustomization.yaml",
                "resources: [../base, extra.yaml]\npatches: [{path: size.yaml}]\ncomponents: [../debug]\n",
            ),
            ("apps/prod/extra.yaml", ""),
            ("apps/prod/size.yaml", ""),
            (
                "apps/base/kustomization.yaml",
                "resources: [web.yaml, https://example.org/x]\n",
            ),
            ("apps/base/web.yaml", ""),
            (
                "apps/debug/kustomization.yaml",
                "kind: Component\nresources: [../prod, debug.yaml]\npatchesStrategicMerge: [more.yaml]\n",
            ),
            ("apps/debug/debug.yaml", ""),
            ("apps/debug/more.yaml", ""),
            ("chart/Chart.yaml", "name: c\n"),
            ("chart/templates/sub/app.yaml", ""),
            ("chart/values.yaml", ""),
            ("other/templates/app.yaml", ""),
        ]));
        let expected = [
            "apps/base/web.yaml",
            "apps/debug/debug.yaml",
            "apps/prod/extra.yaml",
        ];
        for folder in ["apps/prod", "apps", ""] {
            assert!(
                built.taken_in(folder).iter().eq(expected),
                "{folder}: {:?}",
                built.taken_in(folder)
            );
        }
        assert!(
            built
                .taken_in("apps/base")
                .iter()
                .eq(["apps/base/web.yaml"])
        );
        assert!(built.taken_in("chart").is_empty());
        let material: Vec<&str> = built
            .files
            .iter()
            .map(String::as_str)
            .filter(|path| built.is_material(path))
            .collect();
        assert_eq!(
            material,
            [
                "apps/debug/more.yaml",
                "apps/prod/size.yaml",
                "chart/templates/sub/app.yaml"
            ]
        );
    }
}
