//! From a chart in a Helm repository to objects, and to the next version when the range allows it. The rig's Git host
//! is the repository of charts.

use crate::AUTOMATED;
use crate::world::World;
use lockstep_types::diff::SyncStatus;
use lockstep_types::source::Mode;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Packs a chart that declares one object.
fn packed(name: &str, version: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let chart = folder.path().join(name);
    std::fs::create_dir_all(chart.join("templates")).expect("folders");
    let write = |path: &Path, text: String| std::fs::write(path, text).expect("a file");
    write(
        &chart.join("Chart.yaml"),
        format!("apiVersion: v2\nname: {name}\nversion: {version}\n"),
    );
    write(&chart.join("values.yaml"), "greeting: default\n".to_owned());
    write(
        &chart.join("templates/settings.yaml"),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata:\n  greeting: {{ .Values.greeting }}\n  chart: {{ .Chart.Version | quote }}\n".to_owned(),
    );
    let output = Command::new("tar")
        .args(["-czf", "-", name])
        .current_dir(folder.path())
        .output()
        .expect("tar");
    assert!(output.status.success());
    output.stdout
}

async fn publish(gitea: &Value, name: &str, version: &str) {
    let text = |key: &str| gitea[key].as_str().expect("a word").to_owned();
    let answer = reqwest::Client::new()
        .post(format!(
            "{}api/packages/{}/helm/api/charts",
            text("url"),
            text("adminUser")
        ))
        .basic_auth(text("adminUser"), Some(text("adminToken")))
        .body(packed(name, version))
        .send()
        .await
        .expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chart_from_a_helm_repository_is_deployed_and_follows_its_range() {
    let path = std::env::var_os("LOCKSTEP_RIG").expect("LOCKSTEP_RIG names the rig's rig.json");
    let rig: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("rig.json"))
        .expect("rig.json is JSON");
    let gitea = &rig["gitea"];
    let world = World::start("chart", Mode::Managed, AUTOMATED).await;
    let name = format!("c{}", world.namespace().replace('-', ""));
    publish(gitea, &name, "1.2.0").await;
    let repository = format!(
        "{}api/packages/{}/helm",
        gitea["url"].as_str().expect("a URL"),
        gitea["adminUser"].as_str().expect("a name")
    );
    world.repository.write("apps/shop.yaml", &format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: shop, namespace: argocd}}\nspec:\n  project: default\n  source:\n    repoURL: '{repository}'\n    chart: {name}\n    targetRevision: 1.*\n    helm: {{valuesObject: {{greeting: hello}}}}\n  destination: {{name: {}, namespace: {}}}\n  syncPolicy:\n    {AUTOMATED}\n",
        world.cluster(), world.namespace()
    ));
    world.push("a chart");
    world
        .until("synced", |state| state.sync == SyncStatus::Synced)
        .await;
    let shown = |field: &str| {
        let path = format!("jsonpath={{.data.{field}}}");
        world.kubectl(&["get", "configmap", "shop", "-o", &path])
    };
    assert_eq!(
        (shown("greeting"), shown("chart")),
        ("hello".to_owned(), "1.2.0".to_owned())
    );

    publish(gitea, &name, "1.10.0").await;
    publish(gitea, &name, "2.0.0").await;
    world.wake_repository(&engine::source::chart_address(&repository, &name));
    world
        .until_kubectl(
            "the highest version of the range is live",
            &["get", "configmap", "shop", "-o", "jsonpath={.data.chart}"],
            "1.10.0",
        )
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flux_release_deploys_its_chart_with_values_of_a_config_map() {
    let path = std::env::var_os("LOCKSTEP_RIG").expect("LOCKSTEP_RIG names the rig's rig.json");
    let rig: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("rig.json"))
        .expect("rig.json is JSON");
    let gitea = &rig["gitea"];
    let world = World::start("release", Mode::Managed, AUTOMATED).await;
    let name = format!("c{}", world.namespace().replace('-', ""));
    publish(gitea, &name, "1.0.0").await;
    let repository = format!(
        "{}api/packages/{}/helm",
        gitea["url"].as_str().expect("a URL"),
        gitea["adminUser"].as_str().expect("a name")
    );
    world.repository.write("apps/release.yaml", &format!(
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: HelmRepository\nmetadata: {{name: charts, namespace: team}}\nspec: {{url: '{repository}'}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: shared, namespace: team}}\ndata: {{values.yaml: 'greeting: from the map'}}\n---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: extra, namespace: team}}\nspec:\n  releaseName: flux\n  targetNamespace: {}\n  chart: {{spec: {{chart: {name}, version: 1.x, sourceRef: {{kind: HelmRepository, name: charts}}}}}}\n  valuesFrom: [{{kind: ConfigMap, name: shared}}]\n",
        world.namespace()
    ));
    world.push("a release");
    world
        .until_kubectl(
            "the chart is live",
            &[
                "get",
                "configmap",
                "flux",
                "--ignore-not-found",
                "-o",
                "jsonpath={.data.greeting} {.data.chart}",
            ],
            "from the map 1.0.0",
        )
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_chart_in_git_is_made_of_is_fetched_where_the_project_permits_it() {
    let path = std::env::var_os("LOCKSTEP_RIG").expect("LOCKSTEP_RIG names the rig's rig.json");
    let rig: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("rig.json"))
        .expect("rig.json is JSON");
    let gitea = &rig["gitea"];
    let world = World::start("made", Mode::Managed, AUTOMATED).await;
    let name = format!("c{}", world.namespace().replace('-', ""));
    for version in ["1.2.0", "1.3.0"] {
        publish(gitea, &name, version).await;
    }
    let repository = format!(
        "{}api/packages/{}/helm",
        gitea["url"].as_str().expect("a URL"),
        gitea["adminUser"].as_str().expect("a name")
    );
    let project = |denied: &str| {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: default, namespace: argocd}}\nspec:\n  sourceRepos: ['*', '{denied}']\n  destinations: [{{name: '*', namespace: '*'}}]\n"
        )
    };
    let write = |path: &str, text: String| world.repository.write(path, &text);
    write("apps/project.yaml", project(&format!("!{repository}")));
    write(
        "chart/Chart.yaml",
        format!(
            "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies: [{{name: {name}, version: 1.x, repository: '{repository}', alias: part}}]\n"
        ),
    );
    write(
        "chart/values.yaml",
        "part: {greeting: from the parent}\n".to_owned(),
    );
    write(
        "apps/shop.yaml",
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: shop, namespace: argocd}}\nspec:\n  project: default\n  source: {{repoURL: '{}', path: chart, targetRevision: main}}\n  destination: {{name: {}, namespace: {}}}\n  syncPolicy:\n    {AUTOMATED}\n",
            world.repository.url(),
            world.cluster(),
            world.namespace()
        ),
    );
    world.push("a chart that is made of another");
    world
        .until("the project refuses where it is from", |state| {
            state.reason.as_ref().is_some_and(|reason| {
                reason.cause.contains("chart/Chart.yaml")
                    && reason.cause.contains("denies the repository")
            })
        })
        .await;
    write("apps/project.yaml", project("!https://nowhere.example.org"));
    world.push("permitted");
    let shown = [
        "get",
        "configmap",
        "shop",
        "--ignore-not-found",
        "-o",
        "jsonpath={.data.greeting} {.data.chart}",
    ];
    world
        .until_kubectl(
            "the highest version is live",
            &shown,
            "from the parent 1.3.0",
        )
        .await;
    // A lock decides.
    write(
        "chart/Chart.lock",
        format!("dependencies: [{{name: {name}, version: 1.2.0, repository: '{repository}'}}]\n"),
    );
    world.push("locked");
    world
        .until_kubectl(
            "the locked version is live",
            &shown,
            "from the parent 1.2.0",
        )
        .await;
    world.end().await;
}
