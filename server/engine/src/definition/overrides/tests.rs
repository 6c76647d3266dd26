use super::*;
use crate::definition::{DefinitionFile, read as read_definitions};

/// The first source of an application that says this of it.
fn source(said: &str) -> DefinedSource {
    let text = format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: shop}}\nspec:\n  project: default\n  destination: {{server: https://kubernetes.default.svc, namespace: web}}\n  source: {{repoURL: 'https://git.example.org/a', path: shop, targetRevision: main, {said}}}\n"
    );
    let file = DefinitionFile {
        path: "a.yaml".to_owned(),
        bytes: text.into_bytes(),
    };
    let read = read_definitions(&[file], "home");
    assert_eq!(read.problems, [], "{said}");
    read.applications[0].source.clone()
}

/// Each case: the source in the definition, the file, and the source that a definition would have to say for the same.
#[test]
fn a_file_changes_a_source_as_a_merge_patch_does() {
    for (before, file, after) in [
        ("", "", ""),
        ("", "# nothing\n", ""),
        (
            "",
            "kustomize:\n  images: ['shop:v2']\n",
            "kustomize: {images: ['shop:v2']}",
        ),
        // Lists are replaced, maps are merged.
        (
            "kustomize: {images: ['shop=reg.example.org/shop:v1', 'cart:v1'], namePrefix: a-, commonLabels: {a: b}}",
            "kustomize: {images: ['shop=reg.example.org/shop:v2@sha256:00'], commonLabels: {c: d}}\n",
            "kustomize: {images: ['shop=reg.example.org/shop:v2@sha256:00'], namePrefix: a-, commonLabels: {a: b, c: d}}",
        ),
        (
            "helm: {parameters: [{name: image.tag, value: v1}], valueFiles: [a.yaml], releaseName: shop}",
            "helm: {parameters: [{name: image.tag, value: v2, forceString: true}]}\n",
            "helm: {parameters: [{name: image.tag, value: v2, forceString: true}], valueFiles: [a.yaml], releaseName: shop}",
        ),
        (
            "helm: {valuesObject: {image: {tag: v1, name: shop}}}",
            "helm: {valuesObject: {image: {tag: v2}}}\n",
            "helm: {valuesObject: {image: {tag: v2, name: shop}}}",
        ),
        (
            "helm: {values: 'image: v1', skipCrds: true}",
            "helm: {values: 'image: v2'}\n",
            "helm: {values: 'image: v2', skipCrds: true}",
        ),
        // Null takes away.
        (
            "helm: {fileParameters: [{name: a, path: b}], releaseName: shop}",
            "helm: {fileParameters: null}\n",
            "helm: {releaseName: shop}",
        ),
        (
            "directory: {recurse: true, include: '*.yaml'}",
            "directory: {exclude: old.yaml}\n",
            "directory: {recurse: true, include: '*.yaml', exclude: old.yaml}",
        ),
        (
            "kustomize: {replicas: [{name: web, count: 2}], patches: [{patch: 'a: b'}], components: [../c]}",
            "kustomize: {replicas: [{name: web, count: 3}]}\n",
            "kustomize: {replicas: [{name: web, count: 3}], patches: [{patch: 'a: b'}], components: [../c]}",
        ),
    ] {
        let (found, said) = overridden(&source(before), file.as_bytes()).unwrap();
        assert_eq!(found, source(after), "{file}");
        assert!(said.is_empty(), "{said:?}");
    }
}

#[test]
fn what_has_no_effect_is_said_and_what_is_wrong_refused() {
    let of = |file: &str| match overridden(&source("helm: {version: v3}"), file.as_bytes()) {
        Ok((_, said)) => said.join("; "),
        Err(problem) => format!(
            "{}{}",
            problem
                .line
                .map_or(String::new(), |line| format!("line {line}: ")),
            problem.message
        ),
    };
    let text = [
        "repoURL: https://elsewhere.example.org/a\nhelm: {skipTests: true}\n",
        "targetRevision: v2\npath: ../other\n",
        "helm: {imageTag: v2}\n",
        "plugin: {name: x}\n",
        "kustomize: {images: ['a:b']}\n",
        "helm: {parameters: 3}\n",
        "- a\n",
        "a: b\n---\nc: d\n",
        "a: b\na: c\n",
    ]
    .map(of)
    .join("\n");
    insta::assert_snapshot!(text, @r"
    repoURL has no effect in an override file; helm.skipTests: tests are never applied
    path has no effect in an override file; targetRevision has no effect in an override file
    helm.imageTag: Lockstep does not know this field
    plugin: it is not supported yet
    helm: helm, kustomize and directory exclude each other
    helm.parameters: it is a number and must be a list
    it is no map of fields of a source
    it holds several documents
    line 2: duplicate mapping key: a
    ");
}

#[test]
fn only_folders_of_argo_cd_have_such_files() {
    let folder = source("");
    assert_eq!(
        override_files(&folder, "shop"),
        ["shop/.argocd-source.yaml", "shop/.argocd-source-shop.yaml"]
    );
    assert_eq!(override_files(&folder, "../x").len(), 1);
    for other in [
        DefinedSource {
            dialect: Dialect::FluxKustomization,
            ..folder.clone()
        },
        DefinedSource {
            chart: "web".to_owned(),
            ..folder.clone()
        },
        DefinedSource {
            only_lends: true,
            ..folder
        },
    ] {
        assert_eq!(override_files(&other, "shop"), [""; 0]);
    }
    for (path, is_one) in [
        ("a/.argocd-source.yaml", true),
        (".argocd-source-shop.yaml", true),
        ("a/argocd-source.yaml", false),
        (".argocd-sources.yaml", false),
        (".argocd-source.yaml/a.yaml", false),
    ] {
        assert_eq!(is_override_file(path), is_one, "{path}");
    }
}
