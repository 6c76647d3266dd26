mod hostile;
mod options;
mod schema;

use super::*;
use insta::{assert_debug_snapshot, assert_snapshot};

fn files(files: &[(&str, &str)]) -> Vec<DefinitionFile> {
    files
        .iter()
        .map(|(path, text)| DefinitionFile {
            path: (*path).to_owned(),
            bytes: text.as_bytes().to_vec(),
        })
        .collect()
}

fn read(files: &[DefinitionFile], home: &str) -> (Vec<Definition>, Vec<DefinitionProblem>) {
    let Definitions {
        applications,
        problems,
        ..
    } = super::read(files, home);
    (applications, problems)
}

/// Problems as a person would list them.
fn lines(problems: &[DefinitionProblem]) -> String {
    problems
        .iter()
        .map(|problem| {
            let key = problem
                .key
                .as_ref()
                .map_or("-".to_owned(), ToString::to_string);
            format!(
                "{}:{} [{}] {} → {} ({key})\n",
                problem.path, problem.line, problem.field, problem.message, problem.next
            )
        })
        .collect()
}

const SHOP: &str = "apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: shop
  namespace: argocd
  labels: {team: cart}
  annotations:
    link.example.org/runbook: https://example.org/runbook
  finalizers: [resources-finalizer.argocd.argoproj.io]
spec:
  project: web
  source:
    repoURL: https://example.org/shop.git
    targetRevision: main
    path: ./deploy//shop/
    helm:
      releaseName: shop
      valueFiles: [values-prod.yaml]
      values: |
        a: 1
      valuesObject:
        a: 2
      parameters:
        - {name: image.tag, value: '1.4', forceString: true}
      version: v3
  destination:
    name: prod-eu
    namespace: shop
  syncPolicy:
    automated: {prune: true, selfHeal: true}
    syncOptions: [CreateNamespace=true, ServerSideApply=true, Validate=false]
    retry: {limit: 3, backoff: {duration: 10s, maxDuration: 1m30s}}
    managedNamespaceMetadata: {labels: {team: cart}}
  ignoreDifferences:
    - {group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}
    - {group: '*', kind: ConfigMap, jqPathExpressions: ['.data | keys']}
  info:
    - {name: Runbook, value: 'https://example.org/runbook'}
  revisionHistoryLimit: 3
  brandNew: 1
";

#[test]
fn reads_an_application_as_it_is() {
    let (definitions, problems) = read(&files(&[("apps/shop.yaml", SHOP)]), "home");
    assert_eq!(lines(&problems), "");
    assert_debug_snapshot!(Definition {
        yaml: String::new(),
        ..definitions[0].clone()
    });
    assert_eq!(definitions[0].yaml, SHOP);
}

const FLUX: &str = "---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata:
  name: flux-system
  namespace: flux-system
spec:
  interval: 1m0s
  ref:
    branch: main
    tag: v1.0.0
  secretRef: {name: flux-system}
  url: https://example.org/fleet
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata:
  name: apps
  namespace: flux-system
spec:
  interval: 10m0s
  dependsOn: [{name: infra}]
  path: ./apps/production
  prune: true
  wait: true
  targetNamespace: web
  images:
    - {name: podinfo, newTag: 6.0.0}
  patches:
    - patch: |
        - op: remove
          path: /spec/replicas
      target: {kind: Deployment}
  commonMetadata:
    labels: {team: web}
  sourceRef: {kind: GitRepository, name: flux-system}
";

#[test]
fn reads_a_kustomization_with_its_repository() {
    let (definitions, problems) = read(&files(&[("clusters/prod/sync.yaml", FLUX)]), "prod");
    assert_eq!(lines(&problems), "");
    assert_debug_snapshot!(Definition {
        yaml: String::new(),
        ..definitions[0].clone()
    });
}

#[test]
fn automated_means_what_argo_cd_means() {
    for (policy, automated) in [
        ("{}", false),
        ("{automated: {}}", true),
        ("{automated: null}", false),
        ("{automated: {enabled: null}}", true),
        ("{automated: {enabled: true}}", true),
        ("{automated: {enabled: false}}", false),
    ] {
        let text = minimal("a", &format!("  syncPolicy: {policy}\n"));
        let (definitions, problems) = read(&files(&[("a.yaml", &text)]), "home");
        assert_eq!(lines(&problems), "");
        assert_eq!(definitions[0].policy.automated, automated, "{policy}");
    }
}

const SEVERAL: &str = "apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: several}
spec:
  sources:
    - repoURL: https://charts.example.org
      chart: prometheus
      targetRevision: 15.*
      helm: {valueFiles: [$values/prod/prometheus.yaml]}
    - {repoURL: 'https://example.org/values', targetRevision: main, ref: values}
    - {repoURL: registry.example.org/charts, chart: extra, targetRevision: 1.0.0}
    - {repoURL: 'oci://registry.example.org/manifests', targetRevision: v1, path: .}
  destination: {name: prod, namespace: monitoring}
  syncPolicy:
    syncOptions: [Replace=true, Validate=false, PruneLast=true, PrunePropagationPolicy=orphan, RespectIgnoreDifferences=true, FailOnSharedResource=true, SkipDryRunOnMissingResource=true]
    retry: {}
";

#[test]
fn reads_several_sources_charts_and_every_option() {
    let (definitions, problems) = read(&files(&[("a.yaml", SEVERAL)]), "home");
    assert_eq!(lines(&problems), "");
    let definition = &definitions[0];
    let sources: String = std::iter::once(&definition.source)
        .chain(&definition.more_sources)
        .map(|source| {
            format!(
                "{:?} {} chart={} path={} ref={} at {}\n",
                source.kind,
                source.repo_url,
                source.chart,
                source.path,
                source.reference,
                source.target_revision.0
            )
        })
        .collect();
    assert_snapshot!(format!("{sources}{:#?}", definition.sync_options));
}

fn minimal(name: &str, more: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}}}\nspec:\n  source: {{repoURL: 'https://example.org/a'}}\n  destination: {{server: 'https://kubernetes.default.svc'}}\n{more}"
    )
}

#[test]
fn names_clusters_in_every_way() {
    use super::super::DestinationCluster::{Home, Name, Server};
    for (written, cluster) in [
        ("{name: in-cluster}", Home),
        ("{server: 'https://kubernetes.default.svc'}", Home),
        ("{name: prod}", Name("prod".to_owned())),
        (
            "{server: 'https://10.0.0.1:6443/'}",
            Server("https://10.0.0.1:6443".to_owned()),
        ),
    ] {
        let text = minimal("a", "").replace("{server: 'https://kubernetes.default.svc'}", written);
        let (definitions, problems) = read(&files(&[("a.yaml", &text)]), "home");
        assert_eq!(lines(&problems), "");
        assert_eq!(definitions[0].destination.cluster, cluster);
    }
}

#[test]
fn argo_images_are_taken_apart() {
    let text = minimal("a", "").replace(
        "{repoURL: 'https://example.org/a'}",
        "{repoURL: 'https://example.org/a', kustomize: {images: ['nginx:1.2', 'old=host:5000/new', 'a@sha256:00', 'x=y:1@sha256:11']}}",
    );
    let (definitions, _) = read(&files(&[("a.yaml", &text)]), "home");
    let images: Vec<String> = definitions[0]
        .source
        .kustomize
        .iter()
        .flat_map(|options| &options.images)
        .map(|image| {
            format!(
                "{}|{}|{}|{}",
                image.name, image.new_name, image.new_tag, image.digest
            )
        })
        .collect();
    assert_eq!(
        images,
        [
            "nginx||1.2|",
            "old|host:5000/new||",
            "a|||sha256:00",
            "x|y|1|sha256:11"
        ]
    );
}

#[test]
fn broken_documents_never_hide_good_ones() {
    let text = format!(
        "{}---\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: b}}\nmetadata: {{name: c}}\n---\n{}",
        minimal("a", ""),
        minimal("d", "")
    );
    let other = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {{ .Values.name }}\n";
    let (definitions, problems) = read(
        &files(&[
            ("all.yaml", &text),
            ("template.yaml", other),
            ("unrelated.yaml", "a: [\n"),
            ("notes.md", "argoproj.io/ ["),
        ]),
        "home",
    );
    let names: Vec<&str> = definitions
        .iter()
        .map(|definition| definition.name.as_str())
        .collect();
    assert_eq!(names, ["a", "d"]);
    assert_snapshot!(lines(&problems));
}

#[test]
fn every_problem_names_file_line_and_field() {
    let several = "apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: several
spec:
  source: {repoURL: 'https://example.org/a'}
  sources:
    - repoURL: https://example.org/a
      ref: values
      helm: {valueFiles: [$values/a.yaml, $nobody/b.yaml]}
    - {repoURL: registry.example.org/charts, chart: x, ref: values, kustomize: {}}
  destination:
    name: a
    server: https://b
";
    let types = "# a comment above
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: types}
spec:
  source:
    repoURL: https://example.org/a
    targetRevision: 1.0
    path: ../../etc
    chart: x
  destination: {namespace: a}
  syncPolicy:
    automated: true
    syncOptions: [x, Replace=maybe, PrunePropagationPolicy=sideways, Brand=true]
    retry: {backoff: {duration: soon, factor: 0}}
";
    let flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: a, namespace: flux-system}
spec:
  sourceRef: {kind: GitRepository, name: nowhere}
  postBuild:
    substitute: {a: b}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: b, namespace: flux-system}
spec:
  sourceRef: {kind: OCIRepository, name: x}
";
    let (definitions, problems) = read(
        &files(&[
            ("flux.yaml", flux),
            ("several.yaml", several),
            ("types.yaml", types),
        ]),
        "home",
    );
    assert_eq!(definitions, []);
    assert_snapshot!(lines(&problems));
}

#[test]
fn the_same_key_twice_is_nobody() {
    let (definitions, problems) = read(
        &files(&[
            ("a.yaml", &minimal("shop", "")),
            ("b.yaml", &format!("# note\n{}", minimal("shop", ""))),
            ("c.yaml", &minimal("cart", "")),
        ]),
        "home",
    );
    assert_eq!(definitions.len(), 1);
    assert_snapshot!(lines(&problems));
}

#[test]
fn kustomizations_without_source_take_the_usual_one() {
    let text = FLUX.replace(
        "  sourceRef: {kind: GitRepository, name: flux-system}\n",
        "",
    );
    let (definitions, problems) = read(&files(&[("a.yaml", &text)]), "home");
    assert_eq!(lines(&problems), "");
    assert_eq!(definitions[0].source.repo_url, "https://example.org/fleet");
}

#[test]
fn the_bootstrap_repository_is_the_source_itself() {
    let text = FLUX.split("---\n").nth(2).unwrap();
    let (definitions, problems) = read(&files(&[("a.yaml", text)]), "home");
    assert_eq!((definitions.len(), problems.len()), (0, 1));
    let main = TargetRevision("main".to_owned());
    let Definitions {
        applications: definitions,
        problems,
        ..
    } = read_source(
        &files(&[("a.yaml", text)]),
        "home",
        "https://example.org/root",
        &main,
    );
    assert_eq!(lines(&problems), "");
    assert_eq!(
        (
            definitions[0].source.repo_url.as_str(),
            &definitions[0].source.target_revision
        ),
        ("https://example.org/root", &main)
    );
}
