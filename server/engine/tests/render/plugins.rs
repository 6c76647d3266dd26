use crate::bench::{Bench, bodies, config, source};

const EXEC: &str = "apiVersion: v1\nkind: X\nmetadata:\n  name: x\n  annotations:\n    config.kubernetes.io/function: |\n      exec: {path: ./run.sh}\n";
const CONTAINER: &str = "apiVersion: v1\nkind: X\nmetadata:\n  name: x\n  annotations:\n    config.kubernetes.io/function: |\n      container: {image: example.org/x}\n";
/// The name of the annotation is only there once the text is read.
const HIDDEN: &str = "apiVersion: builtin\nkind: LabelTransformer\nmetadata:\n  name: x\n  annotations:\n    \"config.kubernetes.io\\x2ffunction\": 'exec: {path: ./run.sh}'\n";
const LEGACY: &str =
    "apiVersion: team.example.org/v1\nkind: Runner\nmetadata: {name: x}\nargsOneLiner: id\n";
const CHARTS: &str = "apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: x}\nname: x\nrepo: https://example.org\nconfigHome: ./home\n";
const LABELS: &str = "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: x}\nlabels: {team: web}\nfieldSpecs: [{path: metadata/labels, create: true}]\n";

#[tokio::test]
async fn attack_05_plugins_and_charts_of_kustomizations_are_refused() {
    for plugin in [EXEC, CONTAINER, HIDDEN, LEGACY, CHARTS] {
        for field in ["generators", "transformers", "validators"] {
            let inline = plugin.replace('\n', "\n    ");
            for entry in [
                "plugin.yaml",
                "plugins",
                &format!("|-\n    {}", inline.trim_end()),
            ] {
                let body = format!("resources: [a.yaml]\n{field}:\n  - {entry}\n");
                let bench = Bench::new(&[
                    ("app/kustomization.yaml", &body),
                    ("app/a.yaml", &config("a")),
                    ("app/plugin.yaml", plugin),
                    ("app/plugins/kustomization.yaml", "resources: [x.yaml]\n"),
                    ("app/plugins/x.yaml", plugin),
                    ("app/run.sh", "#!/bin/sh\nid\n"),
                ]);
                let error = bench.error(source("app")).await;
                assert!(
                    error.starts_with("app/")
                        && error.contains(&format!("{field}: "))
                        && (error.contains("never run") || error.contains("never done")),
                    "{body}: {error}"
                );
            }
        }
    }
    for (field, more) in [
        (
            "helmCharts",
            "helmCharts: [{name: x, repo: 'https://example.org'}]\nhelmGlobals: {configHome: ./home, chartHome: ./charts}\n",
        ),
        (
            "helmChartInflationGenerator",
            "helmChartInflationGenerator: [{chartName: x, helmBin: ./run.sh, helmHome: ./home}]\n",
        ),
    ] {
        let bench = Bench::new(&[
            (
                "app/kustomization.yaml",
                &format!("resources: [a.yaml]\n{more}"),
            ),
            ("app/a.yaml", &config("a")),
            ("app/run.sh", "#!/bin/sh\nid\n"),
        ]);
        let error = bench.error(source("app")).await;
        assert!(
            error.starts_with(&format!("app/kustomization.yaml: {field} "))
                && error.contains("never done"),
            "{error}"
        );
    }
}

/// Seen first as a resource, where such an annotation does nothing, and then as what runs.
#[tokio::test]
async fn attack_05_a_plugin_that_a_patch_makes_is_refused() {
    for (name, plugins) in [
        (
            "annotations",
            "resources: [x.yaml]\ncommonAnnotations: {\"config.kubernetes.io\\x2ffunction\": 'exec: {path: ./run.sh}'}\n",
        ),
        (
            "patch",
            "resources: [x.yaml]\npatches:\n  - target: {kind: LabelTransformer}\n    patch: '[{\"op\": \"add\", \"path\": \"/metadata/annotations/config.kubernetes.io~1function\", \"value\": \"exec: {path: ./run.sh}\"}]'\n",
        ),
        (
            "patch file",
            "resources: [x.yaml]\npatches: [{path: patch.yaml}]\n",
        ),
    ] {
        let bench = Bench::new(&[
            (
                "app/kustomization.yaml",
                "resources: [a.yaml]\ntransformers: [plugins]\n",
            ),
            ("app/a.yaml", &config("a")),
            ("app/plugins/kustomization.yaml", plugins),
            ("app/plugins/x.yaml", LABELS),
            ("app/plugins/patch.yaml", EXEC),
        ]);
        let error = bench.error(source("app")).await;
        assert!(error.contains("never run"), "{name}: {error}");
    }
}

#[tokio::test]
async fn what_kustomize_has_in_itself_still_works() {
    let bench = Bench::new(&[
        (
            "app/kustomization.yaml",
            "resources: [a.yaml]\ntransformers: [labels.yaml]\n",
        ),
        ("app/a.yaml", &config("a")),
        ("app/labels.yaml", LABELS),
    ]);
    let complete = bench.render(source("app")).await.unwrap();
    assert!(bodies(&complete).contains("\"team\": \"web\""));
}

/// Where Helm would look for plugins and configuration if a repository could put them there.
#[tokio::test]
async fn attack_05_plugins_of_helm_in_a_repository_are_nothing_but_files() {
    const CHART: &str = "apiVersion: v2\nname: c\nversion: 1.0.0\n";
    const PLUGIN: &str = "name: evil\nversion: 1.0.0\ncommand: $HELM_PLUGIN_DIR/run.sh\nhooks: {install: run.sh}\ndownloaders: [{command: run.sh, protocols: [evil]}]\n";
    let plain = [("c/Chart.yaml", CHART), ("c/templates/a.yaml", "")];
    let template = config("{{ .Release.Name }}");
    let mut files = plain.to_vec();
    files[1].1 = &template;
    let expected = Bench::new(&files).render(source("c")).await.unwrap();
    for folder in ["home/plugins", "home/data/plugins", "c/plugins", "plugins"] {
        let (plugin, program) = (
            format!("{folder}/evil/plugin.yaml"),
            format!("{folder}/evil/run.sh"),
        );
        let mut files = files.clone();
        files.push((&plugin, PLUGIN));
        files.push((&program, "#!/bin/sh\necho changed\n"));
        files.push((
            "home/config/repositories.yaml",
            "repositories: [{name: a, url: 'evil://x'}]\n",
        ));
        let complete = Bench::new(&files).render(source("c")).await.unwrap();
        assert_eq!(complete.digest, expected.digest, "{folder}");
    }
}
