use crate::bench::{Bench, config, listing, recursive, source};
use engine::definition::{DefinedSource, DirectoryOptions};

#[tokio::test]
async fn reads_the_folder_itself_unless_told_to_recurse() {
    let two = format!("# two objects\n{}---\n{}", config("a"), config("b"));
    let bench = Bench::new(&[
        ("app/two.yaml", &two),
        (
            "app/three.json",
            r#"{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "c"}}"#,
        ),
        ("app/notes.txt", "no"),
        ("app/values.yaml", "replicas: 3\n"),
        ("app/deep/more.yml", &config("d")),
        ("other/x.yaml", &config("x")),
    ]);
    let complete = bench.render(source("app")).await.unwrap();
    assert_eq!(
        listing(&complete),
        "/Secret:/c ← app/three.json:1\n/ConfigMap:/a ← app/two.yaml:2\n/ConfigMap:/b ← app/two.yaml:7\n"
    );
    assert_eq!(
        complete.warnings,
        ["app/values.yaml:1: left out, because it is no Kubernetes object"]
    );
    let complete = bench.render(recursive("app")).await.unwrap();
    assert!(listing(&complete).contains("/ConfigMap:/d ← app/deep/more.yml:1"));
}

#[tokio::test]
async fn include_and_exclude_choose_files() {
    let bench = Bench::new(&[
        ("a/x.yaml", &config("x1")),
        ("a/b/y.yaml", &config("x2")),
        ("a/b/z.yaml", &config("x3")),
    ]);
    for (include, exclude, expected) in [
        ("", "", "x1 x2 x3"),
        ("*.yaml", "", "x1 x2 x3"),
        ("b/*", "", "x2 x3"),
        ("{x.yaml,b/y.yaml}", "", "x1 x2"),
        ("", "b/z.yaml", "x1 x2"),
    ] {
        let options = DirectoryOptions {
            recurse: true,
            include: include.to_owned(),
            exclude: exclude.to_owned(),
            ..DirectoryOptions::default()
        };
        let complete = bench
            .render(DefinedSource {
                directory: Some(options),
                ..source("a")
            })
            .await
            .unwrap();
        let mut names: Vec<&str> = complete
            .objects
            .iter()
            .map(|object| object.key.name.as_str())
            .collect();
        names.sort_unstable();
        assert_eq!(names.join(" "), expected, "{include} {exclude}");
    }
}

#[tokio::test]
async fn the_key_follows_the_inputs_and_not_the_commit() {
    let bench = Bench::new(&[("app/a.yaml", &config("a")), ("other/b.yaml", &config("b"))]);
    let first = bench.inputs(source("app")).await.unwrap();
    assert_eq!(first.paths(), ["app/a.yaml"]);
    bench.repository.write("other/b.yaml", "changed: true\n");
    bench.repository.commit("elsewhere");
    assert_eq!(bench.inputs(source("app")).await.unwrap().key, first.key);
    assert_ne!(bench.inputs(recursive("app")).await.unwrap().key, first.key);
    bench.repository.write("app/a.yaml", &config("changed"));
    bench.repository.commit("here");
    assert_ne!(bench.inputs(source("app")).await.unwrap().key, first.key);
}

#[tokio::test]
async fn nothing_is_an_error_and_never_empty() {
    let bench = Bench::new(&[
        ("empty/readme.md", "x"),
        ("deep/x/a.yaml", &config("a")),
        ("blank/a.yaml", "# nothing\n---\n"),
        ("foreign/values.yaml", "a: 1\n"),
        ("file.yaml", &config("a")),
    ]);
    for (path, expected) in [
        ("gone", "there is no gone in"),
        (
            "empty",
            "empty gives no manifests: there is no file that ends in",
        ),
        ("deep", "subfolders are not read without directory.recurse"),
        (
            "blank",
            "blank gives no manifests: none of its files holds a Kubernetes object",
        ),
        (
            "foreign",
            "foreign gives no manifests: none of its files holds a Kubernetes object",
        ),
        (
            "file.yaml",
            "the definition's path is a file and must be a folder",
        ),
    ] {
        let error = bench.error(source(path)).await;
        assert!(error.contains(expected), "{path}: {error}");
    }
    let options = DirectoryOptions {
        exclude: "*".to_owned(),
        ..DirectoryOptions::default()
    };
    let error = bench
        .error(DefinedSource {
            directory: Some(options),
            ..source("deep/x")
        })
        .await;
    assert!(
        error.contains("include and exclude leave no file"),
        "{error}"
    );
}

#[tokio::test]
async fn errors_name_file_and_line() {
    let bench = Bench::new(&[(
        "a/a.yaml",
        &format!("{}---\n{}data:\n  x: 1\n  x: 2\n", config("a"), config("b")),
    )]);
    let error = bench.error(source("a")).await;
    assert!(
        error.starts_with("a/a.yaml:1") && error.contains("duplicate mapping key"),
        "{error}"
    );
}

#[tokio::test]
async fn attack_14_names_of_files_that_would_confuse() {
    let long = format!("{}.yaml", "n".repeat(240));
    let names = [
        "new\nline.yaml",
        "--recurse.yaml",
        "-.yaml",
        "\u{202e}lmay.yaml",
        "Case.yaml",
        "case.yaml",
        "e\u{301}.yaml",
        "\u{e9}.yaml",
        "$(id).yaml",
        "a;b & c.yaml",
        "'\".yaml",
        long.as_str(),
    ];
    let bodies: Vec<String> = (0..names.len())
        .map(|index| config(&format!("a{index}")))
        .collect();
    let paths: Vec<String> = names.iter().map(|name| format!("app/{name}")).collect();
    let files: Vec<(&str, &str)> = paths
        .iter()
        .zip(&bodies)
        .map(|(path, body)| (path.as_str(), body.as_str()))
        .collect();
    let bench = Bench::new(&files);
    let complete = bench.render(source("app")).await.unwrap();
    assert_eq!(complete.objects.len(), names.len());
    let mut found: Vec<&str> = complete
        .objects
        .iter()
        .map(|object| object.origin.as_ref().unwrap().path.as_str())
        .collect();
    let mut expected: Vec<&str> = paths.iter().map(String::as_str).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
}
