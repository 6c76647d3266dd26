use crate::bench::{Bench, config, flux, helm, recursive, source};
use engine::definition::{DefinedSource, HelmOptions, KustomizeOptions};
use std::time::{Duration, Instant};

#[tokio::test]
async fn attack_01_links_that_leave_are_named_and_not_followed() {
    let bench = Bench::new(&[
        ("app/a.yaml", &config("a")),
        ("secret.yaml", &config("s")),
        (
            "chart/Chart.yaml",
            "apiVersion: v2\nname: c\nversion: 1.0.0\n",
        ),
    ]);
    let repository = &bench.repository;
    repository.link("inside/link.yaml", "real.yaml");
    repository.write("inside/real.yaml", &config("r"));
    repository.link("absolute/link.yaml", "/etc/passwd");
    repository.link("outside/link.yaml", "../secret.yaml");
    repository.link("chain/a.yaml", "b.yaml");
    repository.link("chain/b.yaml", "../../../../etc/passwd");
    repository.link("loop/a.yaml", "b.yaml");
    repository.link("loop/b.yaml", "a.yaml");
    repository.link("folder/link", "..");
    repository.write("folder/a.yaml", &config("a"));
    repository.link("chart/templates/x.yaml", "../../secret.yaml");
    repository.write("built/kustomization.yaml", "resources: [link.yaml]\n");
    repository.link("built/link.yaml", "../secret.yaml");
    repository.link("app-link", "app");
    repository.commit("links");
    for (source, link) in [
        (source("absolute"), "absolute/link.yaml"),
        (source("outside"), "outside/link.yaml"),
        (source("chain"), "chain/b.yaml"),
        (source("loop"), "loop/a.yaml"),
        (recursive("folder"), "folder/link"),
        (source("chart"), "chart/templates/x.yaml"),
        (source("built"), "built/link.yaml"),
        (flux("outside"), "outside/link.yaml"),
        (source("app-link"), "app-link"),
    ] {
        let error = bench.error(source).await;
        assert!(
            error.starts_with(link) && error.contains("symbolic link"),
            "{link}: {error}"
        );
    }
    let complete = bench.render(source("inside")).await;
    // The link is a second name of the same object.
    assert!(complete.unwrap_err().to_string().contains("declared twice"));
}

#[tokio::test]
async fn attack_02_values_come_from_the_repository_only() {
    let bench = Bench::new(&[
        ("c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        ("c/templates/a.yaml", &config("a")),
    ]);
    for file in [
        "../../../../etc/passwd",
        "/../etc/passwd",
        "file:///etc/passwd",
        "https://example.org/values.yaml",
        "%2e%2e/%2e%2e/etc/passwd",
        "..\\..\\x",
        "a\nb",
        "",
    ] {
        let options = HelmOptions {
            value_files: vec![file.to_owned()],
            ..HelmOptions::default()
        };
        let error = bench.render(helm("c", options)).await.unwrap_err();
        assert!(
            matches!(error, engine::render::RenderError::Refused { .. }),
            "{file:?}: {error}"
        );
        assert!(!error.to_string().contains("root:"), "{error}");
    }
    let options = HelmOptions {
        value_files: vec!["gone.yaml".to_owned()],
        ..HelmOptions::default()
    };
    assert_eq!(
        bench.error(helm("c", options)).await,
        "c names c/gone.yaml, which does not exist in the repository"
    );
    let options = HelmOptions {
        release_name: "--post-renderer=/bin/sh".to_owned(),
        ..HelmOptions::default()
    };
    assert!(
        bench
            .error(helm("c", options))
            .await
            .contains("no release name")
    );
}

#[tokio::test]
async fn attack_03_kustomizations_stay_in_the_repository() {
    for (name, body, expected) in [
        (
            "remote",
            "resources: ['https://github.com/a/b//c?ref=main']",
            "never fetched",
        ),
        (
            "ssh",
            "resources: ['git@github.com:a/b.git']",
            "never fetched",
        ),
        ("absolute", "resources: [/etc/passwd]", "no path inside"),
        ("up", "resources: [../../../etc/passwd]", "no path inside"),
        (
            "sibling",
            "resources: [../secret.yaml]",
            "in or below the folder",
        ),
        (
            "patch",
            "resources: [a.yaml]\npatches: [{path: ../secret.yaml}]",
            "in or below the folder",
        ),
        (
            "generator",
            "resources: [a.yaml]\nsecretGenerator: [{name: x, files: ['k=../secret.yaml']}]",
            "in or below the folder",
        ),
        (
            "remote-patch",
            "resources: [a.yaml]\npatches: [{path: 'https://example.org/p.yaml'}]",
            "never fetched",
        ),
        ("several", "a: 1\n---\nb: 2", "single document"),
    ] {
        let bench = Bench::new(&[
            ("secret.yaml", &config("s")),
            ("app/kustomization.yaml", &format!("{body}\n")),
            ("app/a.yaml", &config("a")),
        ]);
        let error = bench.error(source("app")).await;
        assert!(error.contains(expected), "{name}: {error}");
    }
    let bench = Bench::new(&[
        ("app/kustomization.yaml", "resources: [a.yaml]\n"),
        ("app/a.yaml", &config("a")),
    ]);
    let options = KustomizeOptions {
        components: vec!["https://github.com/a/b".to_owned()],
        ..KustomizeOptions::default()
    };
    let error = bench
        .error(DefinedSource {
            kustomize: Some(options),
            ..source("app")
        })
        .await;
    assert!(error.contains("never fetched"), "{error}");
}

#[tokio::test]
async fn attack_06_circles_and_crowds_end_soon() {
    let mut files = vec![
        (
            "self/kustomization.yaml".to_owned(),
            "resources: [.]\n".to_owned(),
        ),
        (
            "one/kustomization.yaml".to_owned(),
            "resources: [../two]\n".to_owned(),
        ),
        (
            "two/kustomization.yaml".to_owned(),
            "resources: [../one]\n".to_owned(),
        ),
    ];
    let mut names = Vec::new();
    for index in 0..10_000 {
        files.push((
            format!("many/{index}/kustomization.yaml"),
            "resources: []\n".to_owned(),
        ));
        names.push(format!("../many/{index}"));
    }
    files.push((
        "crowd/kustomization.yaml".to_owned(),
        format!("resources: [{}]\n", names.join(", ")),
    ));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let bench = Bench::new(&files);
    for (path, expected) in [
        ("self", "circle"),
        ("one", "circle"),
        ("crowd", "2000 kustomizations"),
    ] {
        let input = bench.input(source(path)).await;
        let start = Instant::now();
        let error = bench.render_input(&input).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{path}: {error}");
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "{path} took {:?}",
            start.elapsed()
        );
    }
}

#[tokio::test]
async fn content_that_is_elsewhere_is_named() {
    let bench = Bench::new(&[
        (
            "lfs/a.yaml",
            "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        ),
        ("sub/a.yaml", &config("a")),
    ]);
    let head = bench.repository.head();
    bench.repository.git(&[
        "update-index",
        "--add",
        "--cacheinfo",
        &format!("160000,{head},sub/module"),
    ]);
    bench
        .repository
        .git(&["commit", "--quiet", "-m", "a submodule"]);
    assert!(
        bench
            .error(source("lfs"))
            .await
            .starts_with("lfs/a.yaml is a Git LFS pointer")
    );
    assert!(
        bench
            .error(recursive("sub"))
            .await
            .starts_with("sub/module is a Git submodule")
    );
}
