//! Attacks on the reader of definitions, by their number, and its fuzz target.

use super::*;

#[test]
fn attack_21_spans_of_time_that_cannot_be_meant() {
    for written in [
        "0",
        "0s",
        "0ms",
        "-5m",
        "-1",
        "NaN",
        "inf",
        "1e3s",
        "8766000h",
        "31557600000",
        "18446744073709551615",
        "99999999999999999999999999h",
        "5 m",
        "5d",
        "h",
        "1.2.3s",
    ] {
        let argo = SHOP_WITH_RETRY.replace("WRITTEN", written);
        let flux = FLUX_WITH_TIMEOUT.replace("WRITTEN", written);
        let good = SHOP_WITH_RETRY
            .replace("WRITTEN", "5s")
            .replace("name: shop", "name: good");
        let (applications, problems) = read(
            &files(&[
                ("argo.yaml", &argo),
                ("flux.yaml", &flux),
                ("good.yaml", &good),
            ]),
            "home",
        );
        let of = |path: &str| problems.iter().any(|problem| problem.path == path);
        assert!(
            of("argo.yaml") && of("flux.yaml"),
            "{written}: {}",
            lines(&problems)
        );
        // Nobody else suffers.
        assert!(!of("good.yaml"), "{written}: {}", lines(&problems));
        assert!(
            applications
                .iter()
                .any(|one| one.key.to_string().contains("good")),
            "{written}"
        );
    }
}

const SHOP_WITH_RETRY: &str = "apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec:
  project: default
  destination: {name: in-cluster, namespace: shop}
  source: {repoURL: 'https://git.example.org/a.git', path: app, targetRevision: main}
  syncPolicy:
    automated: {}
    retry: {backoff: {duration: \"WRITTEN\"}}
";

const FLUX_WITH_TIMEOUT: &str = "apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: a, namespace: flux-system}
spec: {url: 'https://git.example.org/a.git', ref: {branch: main}, interval: 5m}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: b, namespace: flux-system}
spec:
  interval: 5m
  path: ./app
  prune: true
  timeout: \"WRITTEN\"
  sourceRef: {kind: GitRepository, name: a}
";

#[test]
fn attack_22_expressions_that_never_end_are_read_and_never_run() {
    let endless = SHOP_WITH_RETRY.replace("WRITTEN", "5s")
        + "  ignoreDifferences:\n  - {kind: ConfigMap, jqPathExpressions: ['def f: f; f', '[repeat(1)]']}\n";
    let start = std::time::Instant::now();
    let (applications, problems) = read(&files(&[("a.yaml", &endless)]), "home");
    assert!(start.elapsed() < std::time::Duration::from_secs(1));
    assert_eq!(
        (applications.len(), problems.len()),
        (1, 0),
        "{}",
        lines(&problems)
    );
    let noted = &applications[0].ignored_fields;
    assert!(
        noted
            .iter()
            .any(|(field, _)| field.contains("jqPathExpressions")),
        "{noted:?}"
    );
}

#[test]
fn attack_32_a_definition_that_asks_for_signatures_is_not_synced_without_them() {
    let verified = FLUX_WITH_TIMEOUT.replace("WRITTEN", "5m").replace(
        "interval: 5m}",
        "interval: 5m, verify: {mode: HEAD, secretRef: {name: keys}}}",
    );
    let (applications, problems) = read(&files(&[("a.yaml", &verified)]), "home");
    assert!(applications.is_empty(), "{applications:?}");
    assert!(
        lines(&problems).contains("[spec.verify]"),
        "{}",
        lines(&problems)
    );
}

#[test]
fn fuzz_definitions() {
    let seeds = [SHOP, SHOP_WITH_RETRY, FLUX_WITH_TIMEOUT].map(str::as_bytes);
    crate::fuzzing::run("definitions", &seeds, |bytes| {
        let file = DefinitionFile {
            path: "a.yaml".to_owned(),
            bytes: bytes.to_vec(),
        };
        let found = crate::definition::read(&[file], "home");
        assert!(found.problems.iter().all(|problem| problem.line >= 1));
    });
}
