//! A chart in one repository of the rig's Git host, its values in another: both are followed, recorded and kept.

use crate::AUTOMATED;
use crate::editing::maria;
use crate::world::World;
use engine::testing::Repository;
use lockstep_types::diff::SyncStatus;
use lockstep_types::fleet::RolloutState;
use lockstep_types::revision::Revision;
use lockstep_types::source::Mode;
use lockstep_types::sync::SyncPhase;
use serde_json::{Value, json};
use server::store;

/// A repository on the Git host, with a clone that is pushed to it.
struct Hosted {
    clone: Repository,
    url: String,
    push_url: String,
}

impl Hosted {
    async fn new(gitea: &Value, name: &str) -> Self {
        let text = |key: &str| gitea[key].as_str().expect("a word").to_owned();
        let (host, user, token) = (text("url"), text("adminUser"), text("adminToken"));
        let answer = reqwest::Client::new()
            .post(format!("{host}api/v1/user/repos"))
            .basic_auth(&user, Some(&token))
            .header("content-type", "application/json")
            .body(json!({"name": name, "private": false, "default_branch": "main"}).to_string())
            .send()
            .await
            .expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
        let url = format!("{host}{user}/{name}.git");
        let push_url = url.replacen("://", &format!("://{user}:{token}@"), 1);
        Self {
            clone: Repository::new(),
            url,
            push_url,
        }
    }

    fn push(&self, files: &[(&str, &str)]) -> Revision {
        for (path, text) in files {
            self.clone.write(path, text);
        }
        let revision = self.clone.commit("a change");
        self.clone
            .git(&["push", "--quiet", "--force", &self.push_url, "main"]);
        revision
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_to_the_values_alone_is_rendered_recorded_and_survives_a_restart() {
    let path = std::env::var_os("LOCKSTEP_RIG").expect("LOCKSTEP_RIG names the rig's rig.json");
    let rig: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("rig.json"))
        .expect("rig.json is JSON");
    let world = World::start("several", Mode::Managed, AUTOMATED).await;
    let charts = Hosted::new(&rig["gitea"], &format!("charts-{}", world.namespace())).await;
    let values = Hosted::new(&rig["gitea"], &format!("values-{}", world.namespace())).await;
    let chart = charts.push(&[
        ("cart/Chart.yaml", "apiVersion: v2\nname: cart\nversion: 1.0.0\n"),
        ("cart/values.yaml", "greeting: default\n"),
        (
            "cart/templates/settings.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {greeting: {{ .Values.greeting }}}\n",
        ),
    ]);
    let first = values.push(&[("eu/cart.yaml", "greeting: one\n")]);
    world.repository.write("apps/shop.yaml", &format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: shop, namespace: argocd}}\nspec:\n  project: default\n  sources:\n    - {{repoURL: '{}', path: cart, targetRevision: main, helm: {{valueFiles: [$values/eu/cart.yaml]}}}}\n    - {{repoURL: '{}', targetRevision: main, ref: values}}\n  destination: {{name: {}, namespace: {}}}\n  syncPolicy:\n    {AUTOMATED}\n",
        charts.url, values.url, world.cluster(), world.namespace()
    ));
    world.push("two sources");
    let row = world
        .until_row("the chart is live with the values", |row| {
            row.state.sync == SyncStatus::Synced && row.deployed.as_ref() == Some(&chart)
        })
        .await;
    let before = row.deployed_render;
    let greeting = || {
        let path = "jsonpath={.data.greeting}";
        world.kubectl(&["get", "configmap", "settings", "-o", path])
    };
    assert_eq!(greeting(), "one");

    // The chart stays where it is; the values move, and that alone is a reason to render and to sync.
    let second = values.push(&[("eu/cart.yaml", "greeting: two\n")]);
    world.wake_repository(&values.url);
    let row = world
        .until_row("the new values are live", |row| {
            row.state.sync == SyncStatus::Synced && row.deployed_render != before
        })
        .await;
    assert_eq!(
        (greeting().as_str(), row.deployed.as_ref()),
        ("two", Some(&chart))
    );
    let runs = world
        .until_runs("both syncs succeeded", |runs| {
            runs.len() == 2 && runs.iter().all(|run| run.phase == SyncPhase::Succeeded)
        })
        .await;
    let ids: Vec<_> = runs.iter().map(|run| run.id).collect();
    let beside = store::beside::of_runs(world.store(), world.target(), &ids)
        .await
        .unwrap();
    let of = |index: usize| {
        let sources = &beside[&runs[index].id];
        assert_eq!(sources.len(), 1);
        assert_eq!(sources[0].repo_url, values.url);
        (runs[index].revision.clone(), sources[0].revision.clone())
    };
    assert_eq!(of(0), (chart.clone(), second.clone()));
    assert_eq!(of(1), (chart.clone(), first));
    world
        .until_commits("a change", |seen| {
            let touching = seen
                .iter()
                .filter(|commit| commit.applications.contains(&world.application()));
            // The commit of the chart and both of the values.
            touching.count() == 3
        })
        .await;

    // It is live as a commit of the values, although the application's own revision has not moved.
    let ports = world.ports().await;
    let rollout = ports
        .fleet
        .rollout(&maria(), &second.0)
        .await
        .expect("the rollout of the values");
    assert_eq!(
        rollout
            .targets
            .iter()
            .map(|on| on.state)
            .collect::<Vec<_>>(),
        [RolloutState::Live],
        "{rollout:#?}"
    );

    // A commit that touches nothing that is borrowed changes what is recorded, and nothing else.
    let third = values.push(&[("us/cart.yaml", "greeting: us\n")]);
    world.wake_repository(&values.url);
    let deadline = std::time::Instant::now() + crate::world::WITHIN;
    loop {
        let now = store::beside::of_revision(world.store(), world.target(), &chart)
            .await
            .unwrap();
        if now[0].revision == third {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{now:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }

    // Both earlier states can be shown without their hosts, also after a restart.
    let world = world.restart().await;
    world.until_compared_again().await;
    let row = world
        .until("still synced", |state| state.sync == SyncStatus::Synced)
        .await;
    assert_eq!(row.deployed_render, row.state.render_key);
    for run in &runs {
        let stored = store::run::get(world.store(), run.id).await.unwrap();
        let objects = store::render::objects(world.store(), &stored.render_key.unwrap())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(objects.len(), 1);
    }
    let after = store::run::of_target(world.store(), world.target(), None, 10)
        .await
        .unwrap();
    assert_eq!(after.len(), 2, "nothing was synced again: {after:#?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_to_an_included_repository_is_rendered_and_deployed() {
    let path = std::env::var_os("LOCKSTEP_RIG").expect("LOCKSTEP_RIG names the rig's rig.json");
    let rig: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("rig.json"))
        .expect("rig.json is JSON");
    let world = World::start("included", Mode::Managed, AUTOMATED).await;
    let base = Hosted::new(&rig["gitea"], &format!("base-{}", world.namespace())).await;
    let settings = |value: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\ndata: {{value: {value}}}\n"
        )
    };
    base.push(&[("deploy/settings.yaml", &settings("one"))]);
    world.repository.remove("apps/shop.yaml");
    world.repository.write("apps/infra.yaml", &format!(
        "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {{name: main, namespace: team}}\nspec:\n  url: '{}'\n  ref: {{branch: main}}\n  include: [{{repository: {{name: base}}, fromPath: deploy, toPath: shared}}]\n---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {{name: base, namespace: team}}\nspec: {{url: '{}', ref: {{branch: main}}}}\n---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: infra, namespace: team}}\nspec: {{path: ./shared, prune: true, targetNamespace: {}, sourceRef: {{kind: GitRepository, name: main}}}}\n",
        world.repository.url(), base.url, world.namespace()
    ));
    world.push("an included repository");
    let shown = [
        "get",
        "configmap",
        "settings",
        "--ignore-not-found",
        "-o",
        "jsonpath={.data.value}",
    ];
    world.until_kubectl("it is live", &shown, "one").await;
    // The first repository stays where it is; the included one moves.
    base.push(&[("deploy/settings.yaml", &settings("two"))]);
    world.wake_repository(&base.url);
    world
        .until_kubectl("the change is live", &shown, "two")
        .await;
    world.end().await;
}
