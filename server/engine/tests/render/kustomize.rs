use crate::bench::{Bench, bodies, config, flux, listing, source};
use engine::definition::{DefinedSource, KustomizeImage, KustomizeOptions};
use engine::render::Complete;
use serde_json::json;

const DEPLOYMENT: &str = "# the shop
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec:
      containers:
        - {name: cart, image: 'nginx:1.0'}
";

fn shop() -> Bench {
    Bench::new(&[
        (
            "base/kustomization.yaml",
            "resources: [all.yaml]\nconfigMapGenerator:\n  - name: settings\n    files: [app.conf, other=deep/x.conf]\n",
        ),
        (
            "base/all.yaml",
            &format!("{}---\n{DEPLOYMENT}", config("first")),
        ),
        ("base/app.conf", "a=1\n"),
        ("base/deep/x.conf", "b=1\n"),
        ("base/unused.yaml", "x\n"),
        (
            "prod/kustomization.yaml",
            "resources: [../base]\nnamePrefix: prod-\npatches:\n  - path: replicas.yaml\n",
        ),
        (
            "prod/replicas.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cart}\nspec: {replicas: 3}\n",
        ),
        (
            "prod/extra.yaml",
            "- op: add\n  path: /metadata/labels\n  value: {extra: 'yes'}\n",
        ),
    ])
}

#[tokio::test]
async fn builds_what_the_walker_found_with_origins() {
    let bench = shop();
    let inputs = bench.inputs(source("prod")).await.unwrap();
    assert_eq!(
        inputs.paths(),
        [
            "base/all.yaml",
            "base/app.conf",
            "base/deep/x.conf",
            "base/kustomization.yaml",
            "prod/kustomization.yaml",
            "prod/replicas.yaml"
        ]
    );
    assert_eq!(inputs.renderer(), "kustomize");
    let complete = bench.render(source("prod")).await.unwrap();
    insta::assert_snapshot!(listing(&complete));
    assert!(!bodies(&complete).contains("config.kubernetes.io/origin"));
    assert_eq!(bench.render(source("prod")).await.unwrap(), complete);
}

#[tokio::test]
async fn definitions_add_their_own() {
    let bench = shop();
    let options = KustomizeOptions {
        namespace: "web".to_owned(),
        name_suffix: "-eu".to_owned(),
        images: vec![KustomizeImage {
            name: "nginx".to_owned(),
            new_tag: "2.0".to_owned(),
            ..KustomizeImage::default()
        }],
        replicas: vec![("cart".to_owned(), 5)],
        common_annotations: [("owner".to_owned(), "web".to_owned())].into(),
        patches: vec![json!({"path": "extra.yaml", "target": {"kind": "Deployment"}})],
        ..KustomizeOptions::default()
    };
    let source = DefinedSource {
        kustomize: Some(options),
        ..source("prod")
    };
    assert!(
        bench
            .inputs(source.clone())
            .await
            .unwrap()
            .paths()
            .contains(&"prod/extra.yaml".to_owned())
    );
    let complete = bench.render(source).await.unwrap();
    insta::assert_snapshot!(bodies(&complete));
}

#[tokio::test]
async fn flux_builds_folders_without_kustomization() {
    let bench = Bench::new(&[
        ("apps/a.yaml", &config("a")),
        ("apps/deep/b.yml", &config("b")),
        (
            "apps/own/kustomization.yaml",
            "namePrefix: own-\nresources: [c.yaml]\n",
        ),
        ("apps/own/c.yaml", &config("c")),
        ("apps/own/unused.yaml", &config("d")),
        ("apps/readme.md", "x"),
    ]);
    let complete = bench.render(flux("apps")).await.unwrap();
    insta::assert_snapshot!(listing(&complete));
    let error = bench.error(source("apps/own/../gone")).await;
    assert!(error.contains("there is no"), "{error}");
}

#[tokio::test]
async fn only_an_empty_list_of_resources_is_empty() {
    let bench = Bench::new(&[
        ("none/kustomization.yaml", "resources: []\n"),
        ("blank/kustomization.yaml", "# nothing\n"),
        ("silent/kustomization.yaml", "namePrefix: a-\n"),
        (
            "deleted/kustomization.yaml",
            "resources: [a.yaml]\npatches:\n  - patch: |\n      $patch: delete\n      apiVersion: v1\n      kind: ConfigMap\n      metadata: {name: a}\n",
        ),
        ("deleted/a.yaml", &config("a")),
        ("gone/kustomization.yaml", "resources: [a.yaml]\n"),
        ("flux/readme.md", "x"),
    ]);
    let complete = bench.render(source("none")).await.unwrap();
    assert_eq!((complete.objects.len(), complete.warnings.len()), (0, 0));
    for path in ["blank", "silent", "deleted"] {
        let error = bench.error(source(path)).await;
        assert!(!error.is_empty(), "{path}");
    }
    assert_eq!(
        bench.error(source("gone")).await,
        "gone/kustomization.yaml names gone/a.yaml, which does not exist in the repository"
    );
    let error = bench.error(flux("flux")).await;
    assert!(
        error.contains("there is no kustomization and no file"),
        "{error}"
    );
}

#[tokio::test]
async fn files_that_flux_leaves_out_do_not_exist() {
    let (one, two, three) = (config("one"), config("two"), config("three"));
    let bench = Bench::new(&[
        ("apps/one.yaml", &one),
        ("apps/drafts/two.yaml", &two),
        ("apps/three.yaml", &three),
        (".sourceignore", "/apps/drafts/\n"),
        ("apps/.drone.yml", "not: ours\n"),
    ]);
    let with = |rules: &str| DefinedSource {
        excluded: Some(rules.to_owned()),
        ..flux("apps")
    };
    let names = |complete: &Complete| -> Vec<String> {
        complete
            .objects
            .iter()
            .map(|object| object.key.name.clone())
            .collect()
    };
    let found = bench.render(with("")).await.unwrap();
    assert_eq!(names(&found), ["one", "three"]);
    let found = bench
        .render(with("/apps/three.yaml\n!/apps/drafts/two.yaml"))
        .await
        .unwrap();
    assert_eq!(names(&found), ["one", "two"]);
    let error = bench.error(with("/*")).await;
    assert!(error.contains("no kustomization and no file"), "{error}");
}
