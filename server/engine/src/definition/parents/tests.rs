//! A Flux repository as people lay it out: what is an application of its own, and what comes out of a kustomization.

use crate::definition::{DefinitionFile, Definitions, read_rendered, read_source, referred_to};
use lockstep_types::revision::TargetRevision;

const HERE: &str = "https://git.example.org/team/fleet.git";

fn files(files: &[(&str, &str)]) -> Vec<DefinitionFile> {
    files
        .iter()
        .map(|(path, text)| DefinitionFile {
            path: (*path).to_owned(),
            bytes: text.as_bytes().to_vec(),
        })
        .collect()
}

fn main() -> TargetRevision {
    TargetRevision("main".to_owned())
}

/// What was read, a line each.
fn told(read: &Definitions) -> String {
    let applications = read.applications.iter().map(|definition| {
        format!(
            "{} {}/{} from {} {} at {} ({}:{})\n",
            definition.dialect.words(),
            definition.namespace,
            definition.name,
            definition.source.repo_url,
            definition.source.path,
            definition.source.target_revision.0,
            definition.path,
            definition.line
        )
    });
    let problems = read
        .problems
        .iter()
        .map(|problem| format!("! {}:{} {}\n", problem.path, problem.line, problem.message));
    applications.chain(problems).collect()
}

fn kustomization(name: &str, source: &str, path: &str) -> String {
    format!(
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: {name}, namespace: flux-system}}\nspec:\n  {source}\n  path: {path}\n  prune: true\n"
    )
}

const GIT: &str = "sourceRef: {kind: GitRepository, name: flux-system}";
const RELEASE: &str = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: web}\nspec: {chart: {spec: {chart: web, sourceRef: {kind: HelmRepository, name: charts, namespace: flux-system}}}}\n";
const CHARTS: &str = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {name: charts, namespace: flux-system}\nspec: {url: https://charts.example.org, interval: 1h}\n";

#[test]
fn what_an_overlay_takes_in_is_read_from_its_render() {
    let apps = kustomization("apps", GIT, "./apps/prod");
    let bootstrap = kustomization("flux-system", GIT, "./clusters/prod");
    let read = read_source(
        &files(&[
            ("clusters/prod/apps.yaml", &apps),
            ("clusters/prod/flux-system/gotk-sync.yaml", &bootstrap),
            (
                "clusters/prod/flux-system/kustomization.yaml",
                "resources: [gotk-sync.yaml]\n",
            ),
            (
                "apps/prod/kustomization.yaml",
                "resources: [../base]\npatches: [{path: values.yaml}]\n",
            ),
            ("apps/prod/values.yaml", RELEASE),
            ("apps/base/kustomization.yaml", "resources: [web.yaml]\n"),
            ("apps/base/web.yaml", RELEASE),
            (
                "loose/web.yaml",
                &RELEASE.replace("name: web,", "name: loose,"),
            ),
            ("loose/charts.yaml", CHARTS),
        ]),
        "prod",
        HERE,
        &main(),
    );
    insta::assert_snapshot!(told(&read));
}

#[test]
fn artifacts_and_registries_are_sources_too() {
    let generator = "apiVersion: source.extensions.fluxcd.io/v1beta1
kind: ArtifactGenerator
metadata: {name: parts, namespace: flux-system}
spec:
  sources: [{alias: git, kind: GitRepository, name: flux-system}]
  artifacts:
    - name: apps
      copy:
        - {from: '@git/apps/base/**', to: '@artifact/base/'}
        - {from: '@git/apps/prod/**', to: '@artifact/prod/'}
    - name: mixed
      copy: [{from: '@git/apps/web/**', to: '@artifact/shop/'}]
";
    let registry = "apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: infra, namespace: flux-system}
spec: {url: 'oci://registry.example.org/team/infra', ref: {tag: stable}, interval: 1h}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: Bucket
metadata: {name: old}
---
apiVersion: fluxcd.controlplane.io/v1
kind: ResourceSet
metadata: {name: tenants}
";
    let external = |name: &str| format!("sourceRef: {{kind: ExternalArtifact, name: {name}}}");
    let read = read_source(
        &files(&[
            ("artifacts.yaml", generator),
            ("registry.yaml", registry),
            (
                "apps.yaml",
                &kustomization("apps", &external("apps"), "./prod"),
            ),
            (
                "mixed.yaml",
                &kustomization("mixed", &external("mixed"), "./"),
            ),
            ("none.yaml", &kustomization("none", &external("none"), "./")),
            (
                "infra.yaml",
                &kustomization(
                    "infra",
                    "sourceRef: {kind: OCIRepository, name: infra}",
                    "./x",
                ),
            ),
            ("apps/prod/kustomization.yaml", "resources: [web.yaml]\n"),
            ("apps/prod/web.yaml", RELEASE),
        ]),
        "prod",
        HERE,
        &main(),
    );
    insta::assert_snapshot!(told(&read));
}

#[test]
fn rendered_definitions_may_refer_to_what_others_bring() {
    let child = kustomization("child", GIT, "./child");
    let rendered = files(&[("apps/base", RELEASE), ("apps/base", &child)]);
    let alone = read_rendered(&rendered, &[], "prod", HERE, &main());
    let around = referred_to(&files(&[
        (
            "infra/charts.yaml",
            &format!("{CHARTS}---\n{child}---\na: 1\n"),
        ),
        ("infra/broken.yaml", "ConfigMap: [\n"),
    ]));
    assert_eq!(around.len(), 1, "only the source is referred to");
    let both = read_rendered(&rendered, &around, "prod", HERE, &main());
    insta::assert_snapshot!(format!(
        "alone\n{}\nwith sources\n{}",
        told(&alone),
        told(&both)
    ));
}
