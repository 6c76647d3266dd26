//! Go templates of sets, filled by the real Helm.

use engine::definition::set::{ApplicationSet, Known, Need, SetCluster, TemplateRun};
use engine::definition::{DefinitionFile, read};
use engine::render::{Renderer, SandboxSettings};
use engine::testing::renderers;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn renderer(work: &std::path::Path) -> Renderer {
    let settings = SandboxSettings::new(env!("CARGO_BIN_EXE_render-child").into());
    Renderer::new(renderers(), settings, work.to_owned())
}

async fn fill(texts: &[&str], parameters: Value, strict: bool) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    // Every text is a run of its own: one failure hides no other.
    let runs: Vec<TemplateRun> = texts
        .iter()
        .map(|text| TemplateRun {
            texts: vec![(*text).to_owned()],
            parameters: parameters.as_object().unwrap().clone(),
            strict,
        })
        .collect();
    renderer(dir.path())
        .fill_templates(&runs)
        .await
        .unwrap()
        .into_iter()
        .map(|result| match result {
            Ok(texts) => texts.join("|"),
            Err(error) => format!("ERROR {error}"),
        })
        .collect()
}

#[tokio::test]
async fn functions_and_lookups_are_those_of_argo_cd() {
    let parameters = json!({
        "name": "Prod_EU", "path": {"path": "apps/shop", "basename": "shop", "segments": ["apps", "shop"]},
        "metadata": {"labels": {"my/label": "x"}}, "number": 1_234_567, "nothing": null,
        "branch": "feature/the-long-way-home", "files": ["a.yaml", "b.yaml"],
    });
    let texts = [
        "{{.path.path}} {{ index .path.segments 1 }} {{ base .path.path }}",
        "{{ index .metadata.labels \"my/label\" }}",
        "{{ .name | normalize }} {{ normalize .name }}",
        "{{ .branch | slugify }} {{ .branch | slugify 15 }} {{ slugify 15 false .branch }}",
        "{{ .number }} {{ .number | int }}",
        "{{ .missing }} {{ .nothing }}",
        "{{ dig \"nameSuffix\" \"none\" . }}",
        "{{- range $file := .files }}{{ $file }};{{ end }}",
        "{{ toYaml .path.segments }} {{ (fromYaml \"a: 1\").a }}",
        "{{ with .path }}{{ .basename }}{{ end }}",
        "{{ required \"x\" .name }}",
        "{{ frobnicate .name }}",
        "{{ .path.segments.x }}",
        "{{ upper .nothing }}",
        "{{ if .name }}yes",
        "<a & b> \"{{ .name }}\" é\n---\nkind: x",
    ];
    let mut shown = String::new();
    for strict in [false, true] {
        shown += &format!("strict: {strict}\n");
        for (text, filled) in texts
            .iter()
            .zip(fill(&texts, parameters.clone(), strict).await)
        {
            shown += &format!("{text:?}\n    {filled:?}\n");
        }
    }
    insta::assert_snapshot!(shown);
}

const SET: &str = "apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: guestbook, namespace: argocd}
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
  - matrix:
      generators:
      - list:
          elements:
          - {app: shop, autoSync: true, prune: false, valueFiles: [values.large.yaml, values.debug.yaml]}
          - {app: cart, autoSync: false}
      - clusters:
          selector: {matchExpressions: [{key: tier, operator: Exists}]}
          values: {title: '{{ .app | upper }}'}
  template:
    metadata:
      name: '{{ .app }}-{{ .nameNormalized }}'
      annotations: {tier: '{{ index .metadata.labels \"tier\" }} {{ .values.title }}'}
    spec:
      source:
        repoURL: https://example.org/apps.git
        path: 'apps/{{ .app }}'
        helm: {valuesObject: {app: '{{ .app }}', 'key-{{ .app }}': [1, '{{ .server }}']}}
      destination: {server: '{{ .server }}', namespace: '{{ .app }}'}
  templatePatch: |
    {{- if .autoSync }}
    spec:
      source:
        helm:
          valueFiles:
          {{- range $file := .valueFiles }}
            - {{ $file }}
          {{- end }}
      syncPolicy:
        automated:
          prune: {{ .prune }}
    {{- end }}
";

async fn expand(set: &ApplicationSet, clusters: Vec<SetCluster>) -> (String, usize) {
    let dir = tempfile::tempdir().unwrap();
    let renderer = renderer(dir.path());
    let mut known = Known {
        clusters,
        ..Known::default()
    };
    for round in 0.. {
        let expansion = set.expand(&known);
        if expansion.needs.is_empty() {
            let mut text = String::new();
            for member in &expansion.members {
                let member_set = member.set.as_ref().unwrap();
                text += &format!("row {}\n{}", member_set.row, member.yaml);
            }
            for problem in &expansion.problems {
                text += &format!(
                    "! {} {}: {} → {}\n",
                    problem.line, problem.field, problem.message, problem.next
                );
            }
            return (text, round);
        }
        let runs: Vec<TemplateRun> = expansion
            .needs
            .into_iter()
            .filter_map(|need| match need {
                Need::Texts(run) => Some(run),
                _ => None,
            })
            .collect();
        let filled = renderer.fill_templates(&runs).await.unwrap();
        known
            .texts
            .extend(runs.iter().map(TemplateRun::key).zip(filled));
    }
    unreachable!()
}

fn clusters() -> Vec<SetCluster> {
    ["eu", "us"]
        .map(|name| SetCluster {
            name: format!("Prod_{name}"),
            server: format!("https://{name}.example.org"),
            labels: BTreeMap::from([("tier".to_owned(), "gold".to_owned())]),
            home: false,
        })
        .to_vec()
}

fn set(text: &str) -> ApplicationSet {
    let file = DefinitionFile {
        path: "set.yaml".to_owned(),
        bytes: text.as_bytes().to_vec(),
    };
    let mut read = read(&[file], "hub");
    assert_eq!(read.problems, []);
    read.sets.remove(0)
}

#[tokio::test]
async fn a_whole_set_with_go_templates() {
    let (shown, rounds) = expand(&set(SET), clusters()).await;
    assert_eq!(
        rounds, 2,
        "one run of Helm for each step, however many parameters"
    );
    for part in [
        "row guestbook/shop",
        "row guestbook/cart",
        "name: shop-prod-eu",
        "name: cart-prod-us",
        "tier: gold SHOP",
        "path: apps/shop",
        "- values.large.yaml",
        "prune: false",
        "key-cart:",
        "server: https://us.example.org",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
}

#[tokio::test]
async fn one_set_of_parameters_that_fails_hides_no_other() {
    let text = SET
        .replace("apps/{{ .app }}", "{{ .folder }}/{{ .app }}")
        .replace(
            "{app: cart, autoSync: false}",
            "{app: cart, autoSync: false, folder: apps}",
        );
    let (shown, _) = expand(&set(&text), clusters()).await;
    let problems: Vec<&str> = shown.lines().filter(|line| line.starts_with('!')).collect();
    insta::assert_snapshot!(problems.join("\n"));
    assert!(shown.contains("name: cart-prod-eu") && shown.contains("name: cart-prod-us"));
}
