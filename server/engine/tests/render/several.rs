use crate::bench::{Bench, bodies, config, helm, listing, recursive};
use engine::definition::{DefinedSource, HelmOptions};
use engine::render::{MoreSource, RenderInput};
use engine::source::Credential;
use engine::testing::Repository;
use lockstep_types::revision::TargetRevision;

const CHART: [(&str, &str); 3] = [
    (
        "cart/Chart.yaml",
        "apiVersion: v2\nname: cart\nversion: 1.0.0\n",
    ),
    ("cart/values.yaml", "size: 1\nnotes: ''\n"),
    (
        "cart/templates/settings.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata:\n  size: {{ .Values.size | quote }}\n  notes: {{ .Values.notes | quote }}\n",
    ),
];

fn lends(name: &str) -> DefinedSource {
    DefinedSource {
        reference: name.to_owned(),
        only_lends: true,
        ..DefinedSource::default()
    }
}

fn with_values(files: &[&str]) -> DefinedSource {
    helm(
        "cart",
        HelmOptions {
            value_files: files.iter().map(|file| (*file).to_owned()).collect(),
            ..HelmOptions::default()
        },
    )
}

async fn more(bench: &Bench, repository: &Repository, source: DefinedSource) -> MoreSource {
    let main = TargetRevision("main".to_owned());
    let url = repository.url();
    let found = bench
        .mirrors
        .fetch(&url, &Credential::None, std::slice::from_ref(&main))
        .await
        .unwrap();
    MoreSource {
        repo_url: url,
        revision: found[&main].clone().unwrap(),
        source,
    }
}

async fn input(bench: &Bench, first: DefinedSource, others: Vec<MoreSource>) -> RenderInput {
    RenderInput {
        more: others,
        ..bench.input(first).await
    }
}

#[tokio::test]
async fn value_files_come_from_another_repository() {
    let bench = Bench::new(&CHART);
    let (values, _) = Repository::with(&[
        ("eu/cart.yaml", "size: 7\n"),
        ("eu/notes.txt", "a, b"),
        ("eu/unused.yaml", "size: 9\n"),
    ]);
    let mut source = with_values(&["$values/eu/cart.yaml"]);
    if let Some(options) = &mut source.helm {
        options.file_parameters = vec![("notes".to_owned(), "$values/eu/notes.txt".to_owned())];
    }
    let lent = more(&bench, &values, lends("values")).await;
    let both = input(&bench, source.clone(), vec![lent]).await;
    let complete = bench.render_input(&both).await.unwrap();
    insta::assert_snapshot!(format!("{}{}", listing(&complete), bodies(&complete)));
    let inputs = bench.inputs_of(&both).await.unwrap();
    assert_eq!(inputs.paths_of(1), ["eu/cart.yaml", "eu/notes.txt"]);
    assert!(inputs.paths_of(0).contains(&"cart/Chart.yaml".to_owned()));

    // A commit that none of the borrowed files is part of changes nothing: the key is of contents.
    values.write("eu/unused.yaml", "size: 10\n");
    values.commit("unused");
    let moved = more(&bench, &values, lends("values")).await;
    let moved = input(&bench, source.clone(), vec![moved]).await;
    assert_eq!(bench.inputs_of(&moved).await.unwrap().key, inputs.key);
    values.write("eu/cart.yaml", "size: 8\n");
    values.commit("larger");
    let moved = more(&bench, &values, lends("values")).await;
    let moved = input(&bench, source, vec![moved]).await;
    assert_ne!(bench.inputs_of(&moved).await.unwrap().key, inputs.key);
    let larger = bench.render_input(&moved).await.unwrap();
    assert!(bodies(&larger).contains("\"size\": \"8\""));
}

#[tokio::test]
async fn objects_of_all_sources_are_one_render_and_the_later_one_counts() {
    let mut files = CHART.to_vec();
    let first = config("settings");
    files.push(("plain/settings.yaml", &first));
    let own = config("own");
    files.push(("plain/own.yaml", &own));
    let bench = Bench::new(&files);
    let other = config("other");
    let (elsewhere, _) = Repository::with(&[("more/other.yaml", &other)]);
    let chart = MoreSource {
        source: with_values(&[]),
        repo_url: bench.repository.url(),
        revision: bench.repository.head(),
    };
    let others = vec![chart, more(&bench, &elsewhere, recursive("more")).await];
    let all = input(&bench, recursive("plain"), others).await;
    let complete = bench.render_input(&all).await.unwrap();
    let last = bench.repository.path().file_name().unwrap();
    let far = elsewhere.path().file_name().unwrap();
    let text = format!("{}{}\n", listing(&complete), complete.warnings.join("\n"))
        .replace(&*last.to_string_lossy(), "REPOSITORY")
        .replace(&*far.to_string_lossy(), "ELSEWHERE");
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn what_cannot_be_put_together_is_an_error() {
    let bench = Bench::new(&CHART);
    let (values, _) = Repository::with(&[("eu/cart.yaml", "size: 7\n")]);
    let lent = || async { more(&bench, &values, lends("values")).await };
    let mut said = String::new();
    for files in [
        vec!["$values/missing.yaml"],
        vec!["$values/../../etc/passwd"],
        vec!["$values/eu"],
        vec!["$other/eu/cart.yaml"],
        vec!["$values"],
    ] {
        let both = input(&bench, with_values(&files), vec![lent().await]).await;
        let error = bench.render_input(&both).await.unwrap_err();
        said.push_str(&format!("{} → {error}\n", files[0]));
    }
    // Half of an application is never rendered.
    let broken = more(&bench, &values, recursive("nowhere")).await;
    let both = input(&bench, with_values(&[]), vec![broken]).await;
    let url = values.url();
    let error = bench.render_input(&both).await.unwrap_err().to_string();
    said.push_str(&format!(
        "a broken second source → {}\n",
        error.replace(&url, "URL")
    ));
    let both = input(&bench, lends("a"), vec![lent().await]).await;
    let error = bench.render_input(&both).await.unwrap_err();
    said.push_str(&format!("nothing to render → {error}\n"));
    let revision = values.head();
    insta::assert_snapshot!(said.replace(revision.short(), "REVISION"));
}

#[tokio::test]
async fn every_commit_counts_where_sources_lend_each_other_files() {
    let bench = Bench::new(&CHART);
    let values = Repository::new();
    values.write("prod/values.yaml", "size: 2\n");
    values.commit("values");
    let lent = more(&bench, &values, lends("values")).await;
    let several = input(
        &bench,
        with_values(&["$values/prod/values.yaml"]),
        vec![lent],
    )
    .await;
    let inputs = bench.inputs_of(&several).await.unwrap();
    assert!(inputs.reach().is_everything());

    // A single source that borrows from itself.
    bench.repository.write("prod/values.yaml", "size: 3\n");
    bench.repository.commit("own values");
    let own = DefinedSource {
        reference: "own".to_owned(),
        ..with_values(&["$own/prod/values.yaml"])
    };
    let single = bench.input(own).await;
    let inputs = bench.inputs_of(&single).await.unwrap();
    assert!(inputs.reach().is_everything());

    let alone = bench.input(with_values(&[])).await;
    let inputs = bench.inputs_of(&alone).await.unwrap();
    assert!(!inputs.reach().is_everything());
}
