use super::super::{DefinitionFile, DestinationCluster, SourceKind, read as read_files};
use super::*;

fn file(path: &str, text: &str) -> DefinitionFile {
    DefinitionFile {
        path: path.to_owned(),
        bytes: text.as_bytes().to_vec(),
    }
}

const SOURCES: &str = "apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: podinfo, namespace: flux-system}
spec: {url: https://charts.example.org, interval: 5m}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: registry, namespace: flux-system}
spec: {type: oci, url: 'oci://registry.example.org/charts', insecure: true}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: cache, namespace: apps}
spec: {url: 'oci://registry.example.org/charts/cache', ref: {semver: 1.x, tag: latest}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: team, namespace: apps}
spec: {url: 'https://git.example.org/team.git', ref: {branch: main}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: shared, namespace: apps}
data:
  values.yaml: |
    replicas: 2
    image: {tag: old, name: web}
  host: web.example.org
";

const RELEASES: &str = "apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: podinfo, namespace: apps}
spec:
  interval: 10m
  chart: {spec: {chart: podinfo, version: '>=6 <7', sourceRef: {kind: HelmRepository, name: podinfo, namespace: flux-system}}}
  targetNamespace: web
  install: {createNamespace: true, crds: Skip, remediation: {retries: 3}}
  upgrade: {remediation: {retries: 3}}
  valuesFrom:
    - {kind: ConfigMap, name: shared}
    - {kind: ConfigMap, name: shared, valuesKey: host, targetPath: ingress.host, literal: true}
    - {kind: ConfigMap, name: elsewhere, optional: true}
  values: {image: {tag: new}}
  driftDetection: {mode: enabled, ignore: [{paths: [/spec/replicas], target: {kind: Deployment}}]}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: registry, namespace: apps}
spec:
  chart: {spec: {chart: web, sourceRef: {kind: HelmRepository, name: registry, namespace: flux-system}}}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: cache, namespace: apps}
spec:
  chartRef: {kind: OCIRepository, name: cache}
  suspend: true
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: team, namespace: apps}
spec:
  releaseName: crew
  chart: {spec: {chart: ./charts/team, valuesFiles: [./values/prod.yaml], sourceRef: {kind: GitRepository, name: team}}}
";

#[test]
fn reads_charts_from_repositories_registries_and_git() {
    let read = read_files(
        &[
            file("a/sources.yaml", SOURCES),
            file("b/releases.yaml", RELEASES),
        ],
        "home",
    );
    assert!(read.problems.is_empty(), "{:#?}", read.problems);
    let lines: Vec<String> = read
        .applications
        .iter()
        .map(|one| {
            let source = &one.source;
            let helm = source.helm.as_ref().unwrap();
            assert_eq!(one.destination.cluster, DestinationCluster::Home);
            let kind = match source.kind {
                SourceKind::Git => "git",
                SourceKind::HelmRepository => "repository",
                SourceKind::Oci => "registry",
            };
            format!(
                "{}: {kind} {} chart={} path={} revision={}\n    release {} in {}{}{}{}{}\n    files {:?} values {}\n    ignored: {}\n    {}",
                one.name,
                source.repo_url,
                source.chart,
                source.path,
                source.target_revision.0,
                helm.release_name,
                one.destination.namespace,
                if helm.skip_crds { ", without CRDs" } else { "" },
                if one.policy.create_namespace { ", namespace made" } else { "" },
                if one.policy.self_heal { ", healed" } else { "" },
                if one.policy.suspend { ", suspended" } else { "" },
                helm.value_files,
                helm.values,
                one.ignore_differences
                    .iter()
                    .map(|rule| format!("{} {:?}", rule.kind, rule.json_pointers))
                    .collect::<Vec<_>>()
                    .join(" "),
                one.ignored_fields
                    .iter()
                    .map(|(field, why)| format!("{field}: {why}"))
                    .collect::<Vec<_>>()
                    .join("\n    "),
            )
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn what_cannot_be_rendered_is_named_with_the_line() {
    let broken = "apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: nowhere, namespace: apps}
spec:
  chart: {spec: {chart: web, sourceRef: {kind: HelmRepository, name: gone}}}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: both, namespace: apps}
spec:
  chart: {spec: {chart: ./a, sourceRef: {kind: GitRepository, name: team}}}
  chartRef: {kind: OCIRepository, name: cache}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: secret, namespace: apps}
spec:
  chartRef: {kind: OCIRepository, name: cache}
  valuesFrom:
    - {kind: Secret, name: token}
    - {kind: ConfigMap, name: shared, valuesKey: none}
    - {kind: ConfigMap, name: shared, targetPath: 'a[0]'}
  postRenderers: [{exec: {}}, {kustomize: {patches: [{path: a.yaml}]}}]
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: bucket, namespace: apps}
spec:
  chart: {spec: {chart: web, sourceRef: {kind: Bucket, name: b}}}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: artifact, namespace: apps}
spec:
  chartRef: {kind: ExternalArtifact, name: b}
  kubeConfig: {secretRef: {name: elsewhere}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: Bucket
metadata: {name: b, namespace: apps}
spec: {bucketName: b, endpoint: example.org}
";
    let read = read_files(
        &[
            file("a/sources.yaml", SOURCES),
            file("b/broken.yaml", broken),
        ],
        "home",
    );
    assert!(read.applications.is_empty());
    let lines: Vec<String> = read
        .problems
        .iter()
        .map(|problem| {
            format!(
                "{}:{} [{}] {} → {}",
                problem.path, problem.line, problem.field, problem.message, problem.next
            )
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn steps_after_the_chart_are_read_in_their_order() {
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web, namespace: apps}
spec:
  chart: {spec: {chart: ./charts/web, sourceRef: {kind: GitRepository, name: team}}}
  postRenderers:
    - kustomize:
        images: [{name: web, newTag: '2'}]
        patches: [{target: {kind: Deployment}, patch: 'x'}]
    - kustomize: {}
    - kustomize: {images: [{name: web, newName: other}]}
";
    let read = read_files(
        &[file("a/sources.yaml", SOURCES), file("b/web.yaml", release)],
        "home",
    );
    assert_eq!(read.problems, []);
    let steps = &read.applications[0].source.post_renderers;
    let told: Vec<_> = steps
        .iter()
        .map(|step| (step.images[0].new_tag.as_str(), step.patches.len()))
        .collect();
    assert_eq!(told, [("2", 1), ("", 0)]);
}

#[test]
fn names_of_releases_fit_helm() {
    assert_eq!(release_name("", "", "web"), "web");
    assert_eq!(release_name("", "shop", "web"), "shop-web");
    assert_eq!(release_name("given", "shop", "web"), "given");
    let long = release_name(
        "",
        "a-namespace-with-a-long-name",
        "an-application-with-a-long-name",
    );
    assert_eq!(long.len(), LONGEST_NAME);
    assert!(long.starts_with("a-namespace-with-a-long-name-an-applicat-"));
}
