//! Repositories that include others: what becomes a further source, and what is wrong by name.

use crate::definition::{DefinitionFile, Definitions, read};

/// Kustomization `apps` that reads `main`, beside the given repositories: name and the rest of its `spec`.
fn reading(repositories: &[(&str, &str)]) -> Definitions {
    let mut text = "apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: team}
spec: {path: ./apps, prune: true, sourceRef: {kind: GitRepository, name: main}}
"
    .to_owned();
    for (name, rest) in repositories {
        text.push_str(&format!(
            "---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {{name: {name}, namespace: team}}
spec:
  url: https://git.example.org/{name}
  ref: {{branch: {name}}}
{rest}"
        ));
    }
    let file = DefinitionFile {
        path: "team.yaml".to_owned(),
        bytes: text.into_bytes(),
    };
    read(&[file], "home")
}

/// The sources in their order with what they include, or the problems.
fn told(read: &Definitions) -> Vec<String> {
    if !read.problems.is_empty() {
        let problems = read.problems.iter();
        return problems
            .map(|problem| format!("{}: {}", problem.line, problem.message))
            .collect();
    }
    let Some(definition) = read.applications.first() else {
        return Vec::new();
    };
    std::iter::once(&definition.source)
        .chain(&definition.more_sources)
        .map(|source| {
            let name = source
                .repo_url
                .trim_start_matches("https://git.example.org/");
            let include: Vec<String> = source
                .include
                .iter()
                .map(|one| format!("{}:{}→{}", one.source, one.from, one.to))
                .collect();
            let lends = if source.only_lends { " lends" } else { "" };
            format!(
                "{name}@{}{lends} {}",
                source.target_revision.0,
                include.join(" ")
            )
            .trim_end()
            .to_owned()
        })
        .collect()
}

#[test]
fn what_is_included_is_a_further_source() {
    let include = |entries: &str| format!("  include: [{entries}]\n");
    let base = include("{repository: {name: base}}");
    for (repositories, expected) in [
        (
            vec![("main", base.clone()), ("base", String::new())],
            vec!["main@main 1:→base", "base@base lends"],
        ),
        (
            vec![
                (
                    "main",
                    include(
                        "{repository: {name: base}, fromPath: ./deploy/, toPath: shared/deploy}",
                    ),
                ),
                ("base", String::new()),
            ],
            vec!["main@main 1:deploy→shared/deploy", "base@base lends"],
        ),
        // What is included includes another one, and the first another two.
        (
            vec![
                (
                    "main",
                    include("{repository: {name: base}}, {repository: {name: more}}"),
                ),
                ("base", include("{repository: {name: more}, toPath: x}")),
                ("more", String::new()),
            ],
            vec![
                "main@main 1:→base 3:→more",
                "base@base lends 2:→x",
                "more@more lends",
                "more@more lends",
            ],
        ),
        (
            vec![("main", base.clone())],
            vec![
                "12: GitRepository main: there is no GitRepository team/base in this source",
                "4: Kustomization apps: the GitRepository team/main has problems of its own",
            ],
        ),
        (
            vec![
                ("main", base.clone()),
                ("base", include("{repository: {name: main}}")),
            ],
            vec![
                "4: Kustomization apps: the GitRepository team/main has problems of its own",
                "12: GitRepository main: GitRepositories include each other: main → base → main",
                "20: GitRepository base: GitRepositories include each other: base → main → base",
            ],
        ),
        (
            vec![
                (
                    "main",
                    include("{repository: {name: base}, fromPath: ../x}, {repository: {}}"),
                ),
                ("base", include("{repository: {name: main}, toPath: ./}")),
            ],
            vec![
                "4: Kustomization apps: the GitRepository team/main has problems of its own",
                "12: GitRepository main: spec.include[0].fromPath leaves the repository",
                "12: GitRepository main: spec.include[1].repository.name is missing",
                "20: GitRepository base: spec.include[0].toPath would replace the whole repository",
            ],
        ),
    ] {
        let repositories: Vec<(&str, &str)> = repositories
            .iter()
            .map(|(name, rest)| (*name, rest.as_str()))
            .collect();
        let mut found = told(&reading(&repositories));
        let mut expected = expected;
        found.sort();
        expected.sort_unstable();
        assert_eq!(found, expected, "{repositories:?}");
    }
}

#[test]
fn suspending_what_is_included_suspends_the_application() {
    let include = "  include: [{repository: {name: base}}]\n";
    for (rest, suspended) in [("", false), ("  suspend: true\n", true)] {
        let read = reading(&[("main", include), ("base", rest)]);
        assert_eq!(told(&read).len(), 2, "{:?}", read.problems);
        assert_eq!(read.applications[0].policy.suspend, suspended);
    }
}

#[test]
fn a_chart_may_stand_among_included_files() {
    let text = "apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web, namespace: team}
spec: {chart: {spec: {chart: charts/web, sourceRef: {kind: GitRepository, name: main}}}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: main, namespace: team}
spec: {url: 'https://git.example.org/main', include: [{repository: {name: base}, toPath: charts}]}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: base, namespace: team}
spec: {url: 'https://git.example.org/base', ref: {branch: base}}
";
    let file = DefinitionFile {
        path: "team.yaml".to_owned(),
        bytes: text.as_bytes().to_vec(),
    };
    assert_eq!(
        told(&read(&[file], "home")),
        ["main@master 1:→charts", "base@base lends"]
    );
}
