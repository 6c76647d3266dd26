use crate::bench::{Bench, config, flux, helm, source};
use engine::definition::{DefinedSource, HelmOptions, KustomizeOptions};

/// A name that Git would take for an option, were it ever given to it.
const REMOTE: &str = "github.com/a/b?ref=--upload-pack=id";

#[tokio::test]
async fn attack_04_references_that_carry_options_are_refused_with_file_and_field() {
    for (field, body) in [
        ("resources", format!("resources: ['{REMOTE}']")),
        ("bases", format!("bases: ['{REMOTE}']")),
        ("components", format!("components: ['{REMOTE}']")),
        (
            "resources",
            "resources: ['https://example.org/a/b.git?ref=--upload-pack=id']".to_owned(),
        ),
        (
            "resources",
            "resources: ['git@example.org:a/b?ref=--upload-pack=id']".to_owned(),
        ),
        (
            "resources",
            "resources: ['ssh://git@example.org/a?version=--upload-pack=id']".to_owned(),
        ),
        (
            "crds",
            "resources: [a.yaml]\ncrds: ['https://example.org/c.yaml?ref=--upload-pack=id']"
                .to_owned(),
        ),
        ("generators", format!("generators: ['{REMOTE}']")),
        ("transformers", format!("transformers: ['{REMOTE}']")),
        ("validators", format!("validators: ['{REMOTE}']")),
    ] {
        let bench = Bench::new(&[
            ("app/kustomization.yaml", &format!("{body}\n")),
            ("app/a.yaml", &config("a")),
            // Of that very name, and yet Kustomize would ask the host.
            (
                &format!("app/{REMOTE}/kustomization.yaml"),
                "resources: [a.yaml]\n",
            ),
            (&format!("app/{REMOTE}/a.yaml"), &config("b")),
        ]);
        let error = bench.error(source("app")).await;
        assert!(
            error.starts_with(&format!("app/kustomization.yaml: {field}: "))
                && error.contains("--upload-pack=id")
                && error.contains("never fetched"),
            "{body}: {error}"
        );
    }
}

#[tokio::test]
async fn attack_04_definitions_add_no_references_that_carry_options() {
    let bench = Bench::new(&[
        ("app/kustomization.yaml", "resources: [a.yaml]\n"),
        ("app/a.yaml", &config("a")),
        (
            &format!("app/{REMOTE}/kustomization.yaml"),
            "kind: Component\n",
        ),
    ]);
    for component in [REMOTE, "https://github.com/a/b?ref=--upload-pack=id"] {
        let options = KustomizeOptions {
            components: vec![component.to_owned()],
            ..KustomizeOptions::default()
        };
        for source in [source("app"), flux("app")] {
            let error = bench
                .error(DefinedSource {
                    kustomize: Some(options.clone()),
                    ..source
                })
                .await;
            assert!(
                error.starts_with("the definition: components: ")
                    && error.contains("never fetched"),
                "{error}"
            );
        }
    }
}

#[tokio::test]
async fn components_that_may_be_missing_are_left_out_and_named() {
    let bench = Bench::new(&[
        ("app/kustomization.yaml", "resources: [a.yaml]\n"),
        ("app/a.yaml", &config("a")),
        (
            "parts/labels/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nlabels: [{pairs: {team: web}}]\n",
        ),
        ("parts/empty/readme.md", "x"),
    ]);
    let with = |dialect: &DefinedSource, ignore: bool, components: &[&str]| DefinedSource {
        kustomize: Some(KustomizeOptions {
            ignore_missing_components: ignore,
            components: components.iter().map(|name| (*name).to_owned()).collect(),
            ..KustomizeOptions::default()
        }),
        ..dialect.clone()
    };
    for dialect in [source("app"), flux("app")] {
        let both = ["../parts/labels", "../parts/gone"];
        let complete = bench.render(with(&dialect, true, &both)).await.unwrap();
        assert_eq!(
            complete.warnings,
            [
                "the component ../parts/gone was left out: its folder does not exist, and the definition says to ignore that"
            ]
        );
        assert_eq!(
            complete.objects[0].body["metadata"]["labels"]["team"],
            "web"
        );
        let all = bench
            .render(with(&dialect, true, &["../parts/gone"]))
            .await
            .unwrap();
        assert_eq!(all.objects.len(), 1);
        // The same render of other words is another one.
        let other = with(&dialect, true, &["../parts/away"]);
        assert_ne!(bench.inputs(other).await.unwrap().key, all.key);
        for (ignore, components, word) in [
            (false, ["../parts/gone"], "does not exist"),
            // A folder that is there and is no component is a mistake all the same.
            (true, ["../parts/empty"], "does not exist"),
            (true, ["../../elsewhere"], "no path inside the repository"),
            (true, ["https://github.com/a/b"], "never fetched"),
        ] {
            let error = bench.error(with(&dialect, ignore, &components)).await;
            assert!(error.contains(word), "{components:?}: {error}");
        }
    }
    // It appears: the render is looked at again.
    let before = bench
        .inputs(with(&source("app"), true, &["../parts/late"]))
        .await
        .unwrap();
    let change = lockstep_types::revision::PathChange {
        path: "parts/late/kustomization.yaml".to_owned(),
        kind: lockstep_types::revision::PathChangeKind::Added,
    };
    assert!(before.reach().is_touched(&[change]));
}

#[tokio::test]
async fn attack_04_a_parameter_of_helm_names_no_second_file() {
    let bench = Bench::new(&[
        ("c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        ("c/templates/a.yaml", &config("a")),
        ("c/x.txt", "x"),
    ]);
    for name in ["a=/etc/passwd,b", "a,b", "a=b"] {
        let options = HelmOptions {
            file_parameters: vec![(name.to_owned(), "x.txt".to_owned())],
            ..HelmOptions::default()
        };
        let error = bench.error(helm("c", options)).await;
        assert!(
            error.starts_with("the definition: helm.fileParameters: ") && error.contains("comma"),
            "{name}: {error}"
        );
    }
}
