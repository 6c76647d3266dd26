//! Flux's `include`: files of other repositories among those of one.

use crate::bench::{Bench, config, flux, helm, listing};
use engine::definition::{DefinedSource, HelmOptions, Include};
use engine::render::{MoreSource, RenderInput};
use engine::source::Credential;
use engine::testing::Repository;
use lockstep_types::revision::TargetRevision;

fn include(source: usize, from: &str, to: &str) -> Include {
    Include {
        source,
        from: from.to_owned(),
        to: to.to_owned(),
    }
}

fn including(source: DefinedSource, include: &[Include]) -> DefinedSource {
    DefinedSource {
        include: include.to_vec(),
        excluded: Some(String::new()),
        ..source
    }
}

/// A repository that is only included.
fn lent(excluded: &str, include: &[Include]) -> DefinedSource {
    DefinedSource {
        only_lends: true,
        excluded: Some(excluded.to_owned()),
        include: include.to_vec(),
        ..DefinedSource::default()
    }
}

async fn input(
    bench: &Bench,
    first: DefinedSource,
    others: &[(&Repository, DefinedSource)],
) -> RenderInput {
    let main = TargetRevision("main".to_owned());
    let mut more = Vec::new();
    for (repository, source) in others {
        let url = repository.url();
        let found = bench
            .mirrors
            .fetch(&url, &Credential::None, std::slice::from_ref(&main))
            .await
            .unwrap();
        more.push(MoreSource {
            repo_url: url,
            revision: found[&main].clone().unwrap(),
            source: source.clone(),
        });
    }
    RenderInput {
        more,
        ..bench.input(first).await
    }
}

/// Repositories by their names instead of the folders that they are in.
fn named(text: &str, repositories: &[(&Repository, &str)]) -> String {
    repositories
        .iter()
        .fold(text.to_owned(), |text, (repository, name)| {
            let folder = repository.path().file_name().unwrap().to_string_lossy();
            text.replace(&repository.url(), name)
                .replace(&*folder, name)
        })
}

#[tokio::test]
async fn included_files_are_built_like_the_own_ones_and_every_commit_of_theirs_counts() {
    let bench = Bench::new(&[
        (
            "apps/kustomization.yaml",
            "resources: [own.yaml, ../shared/web]\n",
        ),
        ("apps/own.yaml", &config("own")),
        // Of the first repository, beside what is included.
        ("shared/readme.md", "x"),
    ]);
    let (base, _) = Repository::with(&[
        (
            "deploy/kustomization.yaml",
            "resources: [a.yaml, lib/b.yaml]\nnamePrefix: base-\n",
        ),
        ("deploy/a.yaml", &config("a")),
        ("deploy/drafts/c.yaml", &config("c")),
        ("other/d.yaml", &config("d")),
    ]);
    let (lib, _) = Repository::with(&[("b.yaml", &config("b"))]);
    let first = including(flux("apps"), &[include(1, "deploy", "shared/web")]);
    let others = [
        (
            &base,
            lent("/deploy/drafts/", &[include(2, "", "deploy/lib")]),
        ),
        (&lib, lent("", &[])),
    ];
    let all = input(&bench, first.clone(), &others).await;
    let complete = bench.render_input(&all).await.unwrap();
    let text = named(&listing(&complete), &[(&base, "BASE"), (&lib, "LIB")]);
    insta::assert_snapshot!(text, @r"
    /ConfigMap:/base-a ← BASE · deploy/a.yaml:1
    /ConfigMap:/base-b ← LIB · b.yaml:1
    /ConfigMap:/own ← apps/own.yaml:1
    ");
    let inputs = bench.inputs_of(&all).await.unwrap();
    assert_eq!(
        inputs.paths(),
        ["apps/kustomization.yaml", "apps/own.yaml"],
        "a rollback of the first repository touches none of the others"
    );
    assert_eq!(
        inputs.paths_of(1),
        ["deploy/a.yaml", "deploy/kustomization.yaml"]
    );
    assert_eq!(inputs.paths_of(2), ["b.yaml"]);
    assert!(inputs.reach().is_everything());

    // What is not looked at changes nothing; what is included does.
    lib.write("unused.yaml", "x: 1\n");
    lib.commit("unused");
    let moved = input(&bench, first.clone(), &others).await;
    assert_ne!(moved.more[1].revision, all.more[1].revision);
    assert_eq!(bench.inputs_of(&moved).await.unwrap().key, inputs.key);
    lib.write("b.yaml", &format!("{}data: {{x: y}}\n", config("b")));
    lib.commit("changed");
    let moved = input(&bench, first, &others).await;
    assert_ne!(bench.inputs_of(&moved).await.unwrap().key, inputs.key);
}

#[tokio::test]
async fn rules_for_files_hold_for_what_is_included_too() {
    let bench = Bench::new(&[("apps/own.yaml", &config("own"))]);
    let (base, _) = Repository::with(&[
        ("a.yaml", &config("a")),
        ("b.yaml", &config("b")),
        ("logo.png", "x"),
    ]);
    let names = |rules: &str| DefinedSource {
        excluded: Some(rules.to_owned()),
        ..including(flux("apps"), &[include(1, "", "apps/base")])
    };
    for (own, theirs, expected) in [
        ("", "", vec!["base/a.yaml", "base/b.yaml", "own.yaml"]),
        ("/apps/base/a.yaml", "", vec!["base/b.yaml", "own.yaml"]),
        ("", "b.yaml", vec!["base/a.yaml", "own.yaml"]),
    ] {
        let all = input(&bench, names(own), &[(&base, lent(theirs, &[]))]).await;
        let found = bench.inputs_of(&all).await.unwrap();
        let base = found.paths_of(1).into_iter();
        let mut paths: Vec<String> = base.map(|path| format!("base/{path}")).collect();
        paths.extend(
            found
                .paths_of(0)
                .iter()
                .map(|path| path.replace("apps/", "")),
        );
        assert_eq!(paths, expected, "{own} {theirs}");
    }
}

#[tokio::test]
async fn charts_read_included_files() {
    let bench = Bench::new(&[("values/prod.yaml", "size: 2\n")]);
    let (charts, _) = Repository::with(&[
        (
            "web/Chart.yaml",
            "apiVersion: v2\nname: web\nversion: 1.0.0\n",
        ),
        (
            "web/templates/a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {size: '{{ .Values.size }}'}\n",
        ),
    ]);
    let options = HelmOptions {
        value_files: vec!["/values/prod.yaml".to_owned()],
        ..HelmOptions::default()
    };
    let first = including(helm("charts/web", options), &[include(1, "", "charts")]);
    let all = input(&bench, first, &[(&charts, lent("", &[]))]).await;
    let complete = bench.render_input(&all).await.unwrap();
    assert_eq!(complete.objects[0].body["data"]["size"], "2");
    assert_eq!(
        named(&listing(&complete), &[(&charts, "CHARTS")]),
        "/ConfigMap:/web ← CHARTS · web/templates/a.yaml\n"
    );
    let inputs = bench.inputs_of(&all).await.unwrap();
    assert_eq!(inputs.paths(), ["values/prod.yaml"]);
    assert_eq!(
        inputs.history_paths("charts/web"),
        ["charts/web", "values/prod.yaml"]
    );
}

#[tokio::test]
async fn what_cannot_be_included_is_an_error_that_names_it() {
    let bench = Bench::new(&[
        ("apps/a.yaml", &config("a")),
        ("file.yaml", &config("file")),
    ]);
    let (base, _) = Repository::with(&[("deploy/b.yaml", &config("b"))]);
    for (entry, rules, expected) in [
        (
            include(1, "", "apps"),
            "",
            "apps: files of BASE are to be included here, and it exists already; include them elsewhere by toPath",
        ),
        (
            include(1, "", "file.yaml/deep"),
            "",
            "file.yaml/deep: files of BASE are to be included here, and it exists already; include them elsewhere by toPath",
        ),
        (
            include(1, "gone", "base"),
            "",
            "there is no gone in BASE at REVISION",
        ),
        (
            include(1, "deploy", "base"),
            "/*",
            "deploy of BASE gives no manifests: it is to be included, and the rules of its repository leave nothing of it",
        ),
    ] {
        let first = including(flux("apps"), &[entry]);
        let all = input(&bench, first, &[(&base, lent(rules, &[]))]).await;
        let error = bench.render_input(&all).await.unwrap_err().to_string();
        let revision = base.head();
        let text = named(&error, &[(&base, "BASE")]).replace(revision.short(), "REVISION");
        assert_eq!(text, expected);
    }
}
