//! Which files have a say in what a root source defines, and where its documents lie. When in doubt a file has: one that
//! is wrongly left out would leave an old definition in place.

use super::DefinitionDocument;
use super::collect::{Ours, mentions_us};

/// Whether a file can have a say in what is defined: it holds a definition, values that definitions take up, or decides
/// what becomes of other files. A cheap look at the bytes that may say yes too often, never no.
pub fn may_define(path: &str, bytes: &[u8]) -> bool {
    let name = name_of(path);
    mentions_us(bytes)
        || has(bytes, b"ConfigMap")
        || has(bytes, b"fleet.cattle.io/")
        || has(bytes, b"lockstep.dev/v")
        || has(bytes, b"kustomize.config.k8s.io/")
        || name.starts_with("fleet.")
        || name.starts_with('.')
        // What lies in the templates of a chart is no definition.
        || name.to_ascii_lowercase().starts_with("chart.")
        || name.to_ascii_lowercase().starts_with("kustomization")
        // Escaped, a word is not found by its bytes; nor is it in another encoding.
        || (is_read(path) && (has(bytes, b"\\") && has(bytes, b"apiVersion") || bytes.contains(&0)))
}

/// Whether a file can make definitions out of other files: then those count as much as it does. As cheap and as cautious
/// as [`may_define`].
pub fn may_generate(path: &str, bytes: &[u8]) -> bool {
    has(bytes, b"ApplicationSet")
        || has(bytes, b"fleet.cattle.io/")
        || name_of(path).starts_with("fleet.")
}

fn is_read(path: &str) -> bool {
    [".yaml", ".yml", ".json"]
        .iter()
        .any(|ending| path.ends_with(ending))
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn has(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

pub(super) fn whereabouts(document: &Ours) -> DefinitionDocument {
    DefinitionDocument {
        rendered: false,
        path: document.path.clone(),
        line: document.line,
        group: document.group.clone(),
        kind: document.kind.clone(),
        namespace: document.namespace.clone(),
        name: document.name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_file_that_decides_what_is_defined_counts() {
        for (path, text) in [
            (
                "a.yaml",
                "apiVersion: argoproj.io/v1alpha1\nkind: Application",
            ),
            (
                "a.yaml",
                "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization",
            ),
            (
                "a.yaml",
                "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease",
            ),
            (
                "a.yaml",
                "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository",
            ),
            (
                "a.yaml",
                "apiVersion: fluxcd.controlplane.io/v1\nkind: ResourceSet",
            ),
            (
                "a.yaml",
                "apiVersion: fleet.cattle.io/v1alpha1\nkind: GitRepo",
            ),
            // Values of a HelmRelease or of postBuild.
            ("a.yaml", "apiVersion: v1\nkind: ConfigMap"),
            ("a/fleet.yaml", "namespace: a"),
            ("a/fleet.yml", ""),
            ("a/kustomization.yaml", "resources: [b.yaml]"),
            ("a/kustomization.yml", ""),
            ("a/Kustomization", ""),
            ("a/Chart.yaml", "name: a"),
            ("a/.sourceignore", "*"),
            ("a.json", "{\"apiVersion\": \"argoproj.io\\/v1alpha1\"}"),
        ] {
            assert!(may_define(path, text.as_bytes()), "{path}: {text}");
        }
        for (path, text) in [
            ("a/deploy.yaml", "apiVersion: apps/v1\nkind: Deployment"),
            ("a/values.yaml", "replicas: 2"),
            ("README.md", "read me"),
        ] {
            assert!(!may_define(path, text.as_bytes()), "{path}: {text}");
        }
    }

    #[test]
    fn where_files_make_definitions_of_other_files_all_of_them_count() {
        assert!(may_generate("a/fleet.yaml", b"namespace: a"));
        assert!(may_generate(
            "a.yaml",
            b"apiVersion: fleet.cattle.io/v1alpha1\nkind: GitRepo"
        ));
        assert!(may_generate("a.yaml", b"kind: ApplicationSet"));
        assert!(!may_generate(
            "a.yaml",
            b"apiVersion: argoproj.io/v1alpha1\nkind: Application"
        ));
    }
}
