//! Every line of what the real Kustomize renders is found in the files again, and Git says who wrote it there.

use super::bench::{Bench, flux, source};
use engine::definition::{DefinedSource, KustomizeImage, KustomizeOptions};
use engine::render::{Place, StatedField, StatedLine, stated, stated_field};
use lockstep_types::resource::Origin;
use lockstep_types::revision::Revision;

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  labels: {app: cart}
spec:
  replicas: 2
  selector:
    matchLabels: {app: cart}
  template:
    metadata:
      labels:
        app: cart
    spec:
      containers:
        - name: web
          image: registry.example.com/cart:1.0
          args: [--port, \"80\"]
          env:
            - name: MODE
              value: plain
            - name: SIZE
              value: small
          envFrom:
            - configMapRef:
                name: settings
";

const BASE: &str = "resources:
  - deployment.yaml
configMapGenerator:
  - name: settings
    literals:
      - level=info
    files:
      - app.conf
";

const OVERLAY: &str = "namespace: shop
resources:
  - ../base
components:
  - ../traced
images:
  - name: registry.example.com/cart
    newTag: \"1.4\"
replicas:
  - name: cart
    count: 5
labels:
  - pairs:
      team: web
patches:
  - path: size.yaml
  - target: {kind: Deployment, name: cart}
    patch: |-
      - op: add
        path: /spec/minReadySeconds
        value: 7
";

const SIZE: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
spec:
  template:
    spec:
      containers:
        - name: web
          env:
            - name: SIZE
              value: large
";

const TRACED: &str = "kind: Component
apiVersion: kustomize.config.k8s.io/v1alpha1
patches:
  - patch: |-
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: cart
        annotations:
          trace: \"on\"
";

fn shop() -> Bench {
    Bench::new(&[
        ("base/deployment.yaml", DEPLOYMENT),
        ("base/kustomization.yaml", BASE),
        ("base/app.conf", "one=1\ntwo=2\n"),
        ("prod/kustomization.yaml", OVERLAY),
        ("prod/size.yaml", SIZE),
        ("traced/kustomization.yaml", TRACED),
    ])
}

async fn lines(bench: &Bench, source: DefinedSource, kind: &str) -> Vec<StatedLine> {
    let input = bench.input(source).await;
    let complete = bench.render_input(&input).await.unwrap();
    let manifest = complete.objects.iter().find(|it| it.key.kind == kind);
    let manifest = manifest.unwrap();
    let origin = manifest.origin.clone().unwrap();
    let (alone, origin) = input.declared_in(&origin);
    let snapshot = bench.mirrors.snapshot(&alone.repo_url, &alone.revision);
    let snapshot = snapshot.await.unwrap();
    let text = engine::diff::manifest_yaml(manifest, &engine::masking::MaskingRules::default());
    stated(&snapshot, &alone.source, manifest, &origin, &text)
}

fn table(lines: &[StatedLine]) -> String {
    lines
        .iter()
        .map(|line| {
            let place = match &line.place {
                None => String::new(),
                Some(Place::Definition) => "definition".to_owned(),
                Some(Place::File(Origin { path, line })) => {
                    let line = line.map_or_else(|| "?".to_owned(), |line| line.to_string());
                    format!("{path}:{line}")
                }
            };
            format!("{place:<32} {}\n", line.text)
        })
        .collect()
}

#[tokio::test]
async fn every_line_of_an_overlay_is_found() {
    let lines = lines(&shop(), source("prod"), "Deployment").await;
    insta::assert_snapshot!(table(&lines));
}

#[tokio::test]
async fn generated_contents_are_found_in_their_files() {
    let lines = lines(&shop(), source("prod"), "ConfigMap").await;
    insta::assert_snapshot!(table(&lines));
}

#[tokio::test]
async fn what_the_definition_adds_is_ascribed_to_it() {
    let bench = Bench::new(&[("app/a.yaml", DEPLOYMENT)]);
    let options = KustomizeOptions {
        images: vec![KustomizeImage {
            name: "registry.example.com/cart".to_owned(),
            new_tag: "2.0".to_owned(),
            ..KustomizeImage::default()
        }],
        ..KustomizeOptions::default()
    };
    let source = DefinedSource {
        kustomize: Some(options),
        ..flux("app")
    };
    let lines = lines(&bench, source, "Deployment").await;
    let of = |path: &str| {
        let line = lines.iter().find(|line| line.path == path);
        line.unwrap().place.clone()
    };
    let image = "spec.template.spec.containers[name=web].image";
    assert_eq!(of(image), Some(Place::Definition));
    let file = |line| {
        Some(Place::File(Origin {
            path: "app/a.yaml".to_owned(),
            line: Some(line),
        }))
    };
    assert_eq!(of("spec.replicas"), file(7));
}

/// Each value is set in a commit of its own; each line of the render must be blamed on the commit that set its value.
#[tokio::test]
async fn each_field_is_blamed_on_the_commit_that_set_it() {
    let bench = shop();
    let sets = [
        (
            "base/deployment.yaml",
            "--port",
            "--listen",
            "spec.template.spec.containers[name=web].args[0]",
        ),
        (
            "base/deployment.yaml",
            "plain",
            "fancy",
            "spec.template.spec.containers[name=web].env[name=MODE].value",
        ),
        (
            "prod/size.yaml",
            "large",
            "huge",
            "spec.template.spec.containers[name=web].env[name=SIZE].value",
        ),
        (
            "prod/kustomization.yaml",
            "1.4",
            "1.5",
            "spec.template.spec.containers[name=web].image",
        ),
        (
            "prod/kustomization.yaml",
            "count: 5",
            "count: 6",
            "spec.replicas",
        ),
        (
            "prod/kustomization.yaml",
            "value: 7",
            "value: 8",
            "spec.minReadySeconds",
        ),
        (
            "prod/kustomization.yaml",
            "team: web",
            "team: shop",
            "metadata.labels.team",
        ),
        (
            "prod/kustomization.yaml",
            "namespace: shop",
            "namespace: market",
            "metadata.namespace",
        ),
        (
            "traced/kustomization.yaml",
            "\"on\"",
            "\"off\"",
            "metadata.annotations.trace",
        ),
    ];
    let mut commits: Vec<(&str, Revision)> = Vec::new();
    for (file, from, to, path) in sets {
        let text = std::fs::read_to_string(bench.repository.path().join(file)).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{from} in {file}");
        bench.repository.write(file, &text.replace(from, to));
        commits.push((path, bench.repository.commit(path)));
    }
    let input = bench.input(source("prod")).await;
    let complete = bench.render_input(&input).await.unwrap();
    let manifest = complete
        .objects
        .iter()
        .find(|it| it.key.kind == "Deployment");
    let manifest = manifest.unwrap();
    let snapshot = bench.mirrors.snapshot(&input.repo_url, &input.revision);
    let snapshot = snapshot.await.unwrap();
    let origin = manifest.origin.clone().unwrap();
    for (path, revision) in commits {
        let place = stated_field(&snapshot, &input.source, manifest, &origin, path);
        let Some(StatedField {
            place:
                Place::File(Origin {
                    path: file,
                    line: Some(line),
                }),
            ..
        }) = place
        else {
            unreachable!("{path} is stated at {place:?}");
        };
        let blamed = bench
            .mirrors
            .blame(&input.repo_url, &input.revision, &file, line..=line);
        assert_eq!(
            blamed.await.unwrap()[0].revision,
            revision,
            "{path} at {file}:{line}"
        );
    }
}

/// What is said of `cart` is not said of `cart-worker`.
#[tokio::test]
async fn names_that_hold_another_name_are_told_apart() {
    let worker = DEPLOYMENT.replace("name: cart\n", "name: cart-worker\n");
    let bench = Bench::new(&[
        ("base/cart.yaml", DEPLOYMENT),
        ("base/worker.yaml", &worker),
        (
            "base/kustomization.yaml",
            "resources: [cart.yaml, worker.yaml]\n",
        ),
        (
            "prod/kustomization.yaml",
            "resources: [../base]\nnamePrefix: eu-\nreplicas:\n  - name: cart\n    count: 2\n",
        ),
    ]);
    let input = bench.input(source("prod")).await;
    let complete = bench.render_input(&input).await.unwrap();
    let snapshot = bench.mirrors.snapshot(&input.repo_url, &input.revision);
    let snapshot = snapshot.await.unwrap();
    for (name, file, line) in [
        ("eu-cart", "prod/kustomization.yaml", 5),
        ("eu-cart-worker", "base/worker.yaml", 7),
    ] {
        let manifest = complete
            .objects
            .iter()
            .find(|it| it.key.name == name)
            .unwrap();
        let origin = manifest.origin.clone().unwrap();
        let found = stated_field(&snapshot, &input.source, manifest, &origin, "spec.replicas");
        let found = found.unwrap();
        assert_eq!(
            found.place,
            Place::File(Origin {
                path: file.to_owned(),
                line: Some(line),
            }),
            "{name}"
        );
        assert_eq!(found.name, name.trim_start_matches("eu-"));
    }
}
