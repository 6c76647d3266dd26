use crate::bench::{Bench, bodies, helm, listing, source};
use engine::definition::{
    DefinedSource, HelmOptions, HelmParameter, KustomizeImage, KustomizeOptions,
};
use serde_json::json;

const CHART: &str = "apiVersion: v2\nname: cart\nversion: 1.0.0\n";
const TEMPLATE: &str = "apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-settings
  namespace: {{ .Release.Namespace }}
data:
  size: {{ .Values.size | quote }}
  colour: {{ .Values.colour | quote }}
  list: {{ .Values.list | quote }}
  kube: {{ .Capabilities.KubeVersion.Version | quote }}
  widgets: {{ .Capabilities.APIVersions.Has \"example.org/v1/Widget\" | quote }}
  file: {{ .Files.Get \"notes.txt\" | quote }}
  outside: {{ .Files.Get \"../../../../../etc/passwd\" | quote }}
  host: {{ getHostByName \"localhost\" | quote }}
  cluster: {{ lookup \"v1\" \"Secret\" \"kube-system\" \"x\" | toJson | quote }}
  environment: {{ .Values.environment | quote }}
";

fn cart() -> Bench {
    Bench::new(&[
        ("cart/Chart.yaml", CHART),
        ("cart/values.yaml", "size: 1\ncolour: red\nlist: []\n"),
        ("cart/templates/settings.yaml", TEMPLATE),
        (
            "cart/templates/tests/test.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: t\n  annotations: {helm.sh/hook: test}\n",
        ),
        (
            "cart/crds/widgets.yaml",
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.org}\n",
        ),
        (
            "cart/charts/sub/Chart.yaml",
            "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
        ),
        (
            "cart/charts/sub/templates/s.yaml",
            "apiVersion: v1\nkind: Service\nmetadata: {name: sub}\n",
        ),
        ("cart/notes.txt", "hello"),
        ("values/prod.yaml", "size: 2\n"),
        ("values/prod-eu.yaml", "size: 3\n"),
    ])
}

#[tokio::test]
async fn renders_a_chart_with_everything_the_definition_says() {
    let bench = cart();
    let options = HelmOptions {
        value_files: vec![
            "../values/prod.yaml".to_owned(),
            "/values/*-eu.yaml".to_owned(),
            "missing.yaml".to_owned(),
        ],
        ignore_missing_value_files: true,
        values: "colour: blue\n".to_owned(),
        parameters: vec![HelmParameter {
            name: "list".to_owned(),
            value: "a,b".to_owned(),
            force_string: false,
        }],
        kube_version: "1.35.0".to_owned(),
        api_versions: vec!["example.org/v1/Widget".to_owned()],
        ..HelmOptions::default()
    };
    let source = helm("cart", options);
    let inputs = bench.inputs(source.clone()).await.unwrap();
    assert!(inputs.paths().contains(&"values/prod-eu.yaml".to_owned()));
    assert_eq!(
        inputs.history_paths("cart"),
        ["cart", "values/prod-eu.yaml", "values/prod.yaml"]
    );
    let complete = bench.render(source.clone()).await.unwrap();
    insta::assert_snapshot!(format!("{}{}", listing(&complete), bodies(&complete)));
    assert_eq!(bench.render(source).await.unwrap().digest, complete.digest);
}

#[tokio::test]
async fn the_cluster_is_part_of_the_key() {
    let bench = cart();
    let mut input = bench.input(source("cart")).await;
    let first = bench.render_input(&input).await.unwrap();
    assert!(
        listing(&first).contains("/ConfigMap:web/shop-settings ← cart/templates/settings.yaml"),
        "{}",
        listing(&first)
    );
    input.kube_version = "1.33.1".to_owned();
    let second = bench.render_input(&input).await.unwrap();
    assert_ne!(first.key, second.key);
    assert!(bodies(&second).contains("v1.33.1"));
}

#[tokio::test]
async fn a_chart_may_render_nothing() {
    let bench = Bench::new(&[
        ("c/Chart.yaml", CHART),
        (
            "c/templates/a.yaml",
            "{{ if .Values.on }}\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n{{ end }}\n",
        ),
    ]);
    assert_eq!(bench.render(source("c")).await.unwrap().objects, []);
}

#[tokio::test]
async fn errors_are_in_the_renderers_words_and_the_repositorys_paths() {
    let bench = Bench::new(&[
        ("c/Chart.yaml", CHART),
        ("c/templates/a.yaml", "a: {{ fail \"set size first\" }}\n"),
    ]);
    let error = bench.error(source("c")).await;
    assert!(
        error.starts_with("helm failed for c:") && error.contains("set size first"),
        "{error}"
    );
    assert!(
        !error.contains("/tmp") && !error.contains("render-"),
        "{error}"
    );
}

#[tokio::test]
async fn what_a_chart_needs_must_be_vendored() {
    let with = format!(
        "{CHART}dependencies:\n  - {{name: redis, version: 1.0.0, repository: 'https://charts.example.org'}}\n"
    );
    let bench = Bench::new(&[("c/Chart.yaml", &with), ("c/templates/a.yaml", "")]);
    let error = bench.error(source("c")).await;
    assert!(
        error.contains("its dependency redis from https://charts.example.org is not under charts/"),
        "{error}"
    );
    let bench = Bench::new(&[("c/values.yaml", "a: 1\n")]);
    let error = bench.error(helm("c", HelmOptions::default())).await;
    assert_eq!(
        error,
        "the chart c names c/Chart.yaml, which does not exist in the repository"
    );
}

#[tokio::test]
async fn steps_after_the_chart_patch_its_objects_and_keep_their_origins() {
    let bench = Bench::new(&[
        (
            "web/Chart.yaml",
            "apiVersion: v2\nname: web\nversion: 1.0.0\n",
        ),
        (
            "web/templates/web.yaml",
            "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web:1}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
",
        ),
        (
            "web/templates/job.yaml",
            "apiVersion: batch/v1
kind: Job
metadata: {generateName: migrate-, annotations: {helm.sh/hook: pre-install}}
",
        ),
        (
            "web/crds/widgets.yaml",
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.org}\n",
        ),
    ]);
    let patch = |text: &str| KustomizeOptions {
        patches: vec![json!({"target": {"kind": "Deployment"}, "patch": text})],
        ..KustomizeOptions::default()
    };
    let images = KustomizeOptions {
        images: vec![KustomizeImage {
            name: "web".to_owned(),
            new_name: "registry.example.org/web".to_owned(),
            new_tag: "2".to_owned(),
            digest: String::new(),
        }],
        ..KustomizeOptions::default()
    };
    let first = "- {op: add, path: /metadata/labels, value: {step: one}}";
    let second = "- {op: test, path: /metadata/labels/step, value: one}\n- {op: replace, path: /metadata/labels/step, value: two}";
    let source = DefinedSource {
        post_renderers: vec![images, patch(first), patch(second)],
        ..helm("web", HelmOptions::default())
    };
    let complete = bench.render(source.clone()).await.unwrap();
    insta::assert_snapshot!(format!("{}{}", listing(&complete), bodies(&complete)));
    let plain = helm("web", HelmOptions::default());
    let keys = [
        bench.inputs(source.clone()).await.unwrap().key,
        bench.inputs(plain).await.unwrap().key,
    ];
    assert_ne!(keys[0], keys[1]);

    // A step that cannot be carried out is an error, and nothing of the chart is left.
    let broken = DefinedSource {
        post_renderers: vec![patch("- {op: remove, path: /metadata/nothing}")],
        ..source
    };
    let error = bench.error(broken).await;
    assert!(error.contains("kustomize failed for web"), "{error}");
}

#[tokio::test]
async fn attack_10_templates_that_ask_for_time_chance_and_the_world() {
    let object = |data: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{v: {data}}}\n")
    };
    for varying in [
        "{{ randAlphaNum 20 | quote }}",
        "{{ now | date \"05.000000000\" | quote }}",
        "{{ uuidv4 }}",
        "{{ tpl (printf \"{{ %s 20 }}\" (print \"rand\" \"Alpha\")) . }}",
    ] {
        let bench = Bench::new(&[
            ("c/Chart.yaml", CHART),
            ("c/templates/a.yaml", &object(varying)),
        ]);
        assert_eq!(
            bench.error(source("c")).await,
            "c renders differently every time: data.v of ConfigMap a",
            "{varying}"
        );
    }
    // Asking is no crime as long as the answer stays the same.
    for fixed in [
        "{{ now | date \"2006\" | quote }}",
        "{{ lookup \"v1\" \"Secret\" \"a\" \"b\" | toJson | quote }}",
        "{{ getHostByName \"localhost\" | quote }}",
    ] {
        let bench = Bench::new(&[
            ("c/Chart.yaml", CHART),
            ("c/templates/a.yaml", &object(fixed)),
        ]);
        let complete = bench.render(source("c")).await.unwrap();
        assert!(!bodies(&complete).contains("127.0.0.1"), "{fixed}");
    }
    for gone in ["env", "expandenv"] {
        let call = format!("{{{{ {gone} \"HOME\" }}}}");
        let bench = Bench::new(&[
            ("c/Chart.yaml", CHART),
            ("c/templates/a.yaml", &object(&call)),
        ]);
        assert!(bench.error(source("c")).await.contains("not defined"));
    }
}

#[tokio::test]
async fn attack_13_schemas_that_point_away_or_at_themselves() {
    for schema in [
        r#"{"$ref": "https://example.org/schema.json"}"#,
        r#"{"$ref": "file:///etc/passwd"}"#,
        r##"{"$ref": "#/definitions/a", "definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"$ref": "#/definitions/a"}}}"##,
    ] {
        let bench = Bench::new(&[
            ("c/Chart.yaml", CHART),
            ("c/values.yaml", "a: 1\n"),
            ("c/values.schema.json", schema),
            (
                "c/templates/a.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
            ),
        ]);
        let start = std::time::Instant::now();
        let error = bench.error(source("c")).await;
        assert!(
            error.contains("c") && !error.contains("root:"),
            "{schema}: {error}"
        );
        assert!(start.elapsed() < std::time::Duration::from_secs(20));
    }
}
