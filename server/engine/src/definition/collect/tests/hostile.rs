//! Attacks on the reader of definitions, by their number, and its fuzz target.

use super::*;
use lockstep_types::revision::TargetRevision;

/// Said with file, line and field, and nothing is made of the definition.
#[test]
fn attack_04_addresses_and_revisions_that_are_options() {
    let argo = |source: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: shop, namespace: argocd}}\nspec:\n  project: default\n  destination: {{name: in-cluster, namespace: shop}}\n  source: {source}\n"
        )
    };
    let flux = |from: &str, to: &str| FLUX_WITH_TIMEOUT.replace("WRITTEN", "5m").replace(from, to);
    let fleet = |spec: &str| {
        format!(
            "apiVersion: fleet.cattle.io/v1alpha1\nkind: GitRepo\nmetadata: {{name: web, namespace: fleet-local}}\nspec: {spec}\n"
        )
    };
    let set = |git: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {{name: all, namespace: argocd}}\nspec:\n  generators: [{{git: {git}}}]\n  template: {{metadata: {{name: x}}, spec: {{project: default, destination: {{name: in-cluster}}, source: {{repoURL: 'https://git.example.org/a.git', path: a}}}}}}\n"
        )
    };
    let chart = |spec: &str| {
        format!(
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {{name: charts, namespace: flux-system}}\nspec: {spec}\n"
        )
    };
    for (field, text) in [
        (
            "spec.source.targetRevision",
            argo(
                "{repoURL: 'https://git.example.org/a.git', path: a, targetRevision: '--upload-pack=id'}",
            ),
        ),
        (
            "spec.source.targetRevision",
            argo(
                "{repoURL: 'https://git.example.org/a.git', path: a, targetRevision: 'refs/heads/--upload-pack=id'}",
            ),
        ),
        (
            "spec.source.targetRevision",
            argo(
                "{repoURL: 'https://git.example.org/a.git', path: a, targetRevision: \"main\\n--upload-pack=id\"}",
            ),
        ),
        (
            "spec.source.repoURL",
            argo("{repoURL: '--upload-pack=id', path: a}"),
        ),
        (
            "spec.source.repoURL",
            argo("{repoURL: 'https://git.example.org/a.git?ref=--upload-pack=id', path: a}"),
        ),
        (
            "spec.source.repoURL",
            argo("{repoURL: 'ssh://-oProxyCommand=id/a.git', path: a}"),
        ),
        (
            "spec.source.chart",
            argo(
                "{repoURL: 'https://charts.example.org', chart: '--post-renderer=id', targetRevision: 1.0.0}",
            ),
        ),
        (
            "spec.source.targetRevision",
            argo(
                "{repoURL: 'https://charts.example.org', chart: a, targetRevision: '--post-renderer=id'}",
            ),
        ),
        (
            "spec.url",
            flux("https://git.example.org/a.git", "--upload-pack=id"),
        ),
        (
            "spec.ref.branch",
            flux("branch: main", "branch: --upload-pack=id"),
        ),
        (
            "spec.ref.tag",
            flux("branch: main", "tag: --upload-pack=id"),
        ),
        (
            "spec.ref.commit",
            flux("branch: main", "commit: --upload-pack=id"),
        ),
        (
            "spec.ref.name",
            flux("branch: main", "name: refs/heads/--upload-pack=id"),
        ),
        (
            "spec.ref.semver",
            flux("branch: main", "semver: --upload-pack=id"),
        ),
        ("spec.repo", fleet("{repo: '--upload-pack=id'}")),
        (
            "spec.branch",
            fleet("{repo: 'https://git.example.org/a.git', branch: '--upload-pack=id'}"),
        ),
        (
            "spec.revision",
            fleet("{repo: 'https://git.example.org/a.git', revision: '--upload-pack=id'}"),
        ),
        (
            "spec.generators[0].git.repoURL",
            set("{repoURL: '--upload-pack=id', directories: [{path: a}]}"),
        ),
        (
            "spec.generators[0].git.revision",
            set(
                "{repoURL: 'https://git.example.org/a.git', revision: '--upload-pack=id', directories: [{path: a}]}",
            ),
        ),
        ("spec.url", chart("{url: '--post-renderer=id'}")),
    ] {
        let root = "https://git.example.org/root.git";
        let main = TargetRevision("main".to_owned());
        let found = read_source(&files(&[("a.yaml", &text)]), "home", root, &main);
        assert!(
            found.applications.is_empty() && found.sets.iter().all(|set| set.broken),
            "{text}: {found:?}"
        );
        let said = lines(&found.problems);
        assert!(
            said.contains(&format!("[{field}]"))
                && said.contains("begins with a dash")
                && said.contains("a.yaml:"),
            "{text}: {said}"
        );
    }
    // A dash elsewhere is none of an option's.
    for text in [
        argo("{repoURL: 'https://git.example.org/a-b.git', path: a, targetRevision: feature/x-y}"),
        argo("{repoURL: 'https://charts.example.org', chart: a-b, targetRevision: 1.0.0 - 2.0.0}"),
    ] {
        let (applications, problems) = read(&files(&[("a.yaml", &text)]), "home");
        assert_eq!(
            (applications.len(), lines(&problems)),
            (1, String::new()),
            "{text}"
        );
    }
}

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

/// The keys must be there, and what asks for something that is not checked here lets nothing through.
#[test]
fn attack_32_a_definition_that_asks_for_signatures_is_not_read_without_keys() {
    const KEY: &str = include_str!("../../../signature/tests/allowed_signers");
    let keys = |kind: &str, field: &str| {
        format!(
            "---\napiVersion: v1\nkind: {kind}\nmetadata: {{name: keys, namespace: flux-system}}\n{field}:\n  signers: |\n    {}",
            KEY.replace('\n', "\n    ")
        )
    };
    let encoded = {
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(KEY);
        format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: keys}}\ndata: {{signers: {encoded}}}\n"
        )
    };
    let private = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: keys, namespace: flux-system}\nstringData: {identity: '-----BEGIN OPENSSH PRIVATE KEY-----'}\n";
    for (verify, more, problem) in [
        (
            "{mode: HEAD, secretRef: {name: keys}}",
            keys("Secret", "stringData"),
            "",
        ),
        (
            "{mode: HEAD, secretRef: {name: keys}}",
            keys("ConfigMap", "data"),
            "",
        ),
        ("{secretRef: {name: keys}}", encoded.clone(), ""),
        (
            "{mode: TagAndHEAD, secretRef: {name: keys}}, ref: {tag: v1}",
            encoded.clone(),
            "",
        ),
        (
            "{mode: Tag, secretRef: {name: keys}}, ref: {semver: 1.x}",
            encoded.clone(),
            "",
        ),
        (
            "{mode: Tag, secretRef: {name: keys}}, ref: {name: refs/tags/v1}",
            encoded.clone(),
            "",
        ),
        (
            "{mode: Tag, secretRef: {name: keys}}, ref: {branch: main}",
            encoded.clone(),
            "[spec.verify.mode] GitRepository a: Tag asks for the signature of a tag, and ref follows none",
        ),
        (
            "{mode: TagAndHEAD, secretRef: {name: keys}}, ref: {commit: '1234567', tag: v1}",
            encoded.clone(),
            "[spec.verify.mode]",
        ),
        (
            "{mode: HEAD, secretRef: {name: keys}}",
            String::new(),
            "[spec.verify.secretRef]",
        ),
        (
            "{mode: HEAD, secretRef: {name: others}}",
            encoded.clone(),
            "[spec.verify.secretRef]",
        ),
        (
            "{mode: HEAD, secretRef: {name: keys}}",
            private.to_owned(),
            "[spec.verify.secretRef]",
        ),
        (
            "{mode: HEAD}",
            encoded.clone(),
            "[spec.verify.secretRef.name]",
        ),
        (
            "{mode: Never, secretRef: {name: keys}}",
            encoded.clone(),
            "[spec.verify.mode]",
        ),
        (
            "{provider: cosign, secretRef: {name: keys}}",
            encoded.clone(),
            "[spec.verify.provider]",
        ),
    ] {
        let follows = if verify.contains(", ref: ") {
            ""
        } else {
            "ref: {branch: main}, "
        };
        let verified = FLUX_WITH_TIMEOUT.replace("WRITTEN", "5m").replace(
            "ref: {branch: main}, interval: 5m}",
            &format!("{follows}interval: 5m, verify: {verify}}}"),
        );
        let text = format!("{}\n{more}", verified.trim_end());
        let (applications, problems) = read(&files(&[("a.yaml", &text)]), "home");
        if problem.is_empty() {
            assert_eq!(lines(&problems), "", "{verify}");
            let asked = applications[0]
                .source
                .verify
                .as_ref()
                .expect("it is asked for");
            assert_eq!(asked.keys.len(), 1, "{verify}: {asked:?}");
            assert!(asked.asked_by.contains("(a.yaml:"), "{asked:?}");
            assert_eq!(asked.tag, verify.contains("Tag"));
        } else {
            assert!(applications.is_empty(), "{verify}: {applications:?}");
            assert!(
                lines(&problems).contains(problem),
                "{verify}: {}",
                lines(&problems)
            );
        }
    }
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
