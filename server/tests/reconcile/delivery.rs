//! From a commit to objects: applied, changed, refused, pruned, and through children.

use crate::AUTOMATED;
use crate::world::World;
use lockstep_types::diff::SyncStatus;
use lockstep_types::reason::ReasonCode;
use lockstep_types::source::Mode;
use lockstep_types::sync::{StartedBy, SyncPhase};
use server::store;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_becomes_live_objects_and_the_next_one_changes_them() {
    let world = World::start("commit", Mode::Managed, AUTOMATED).await;
    let first = world.commit_shop("one", 2);
    let state = world.until_deployed(&first).await;
    assert_eq!(state.state.reason, None);
    assert_eq!(state.deployed.as_ref(), Some(&first));
    assert_eq!(state.images, ["web:1.0"]);
    assert_eq!(
        world.kubectl(&[
            "get",
            "configmap",
            "settings",
            "-o",
            "jsonpath={.data.greeting}"
        ]),
        "one"
    );
    let runs = store::run::of_target(world.store(), world.target(), None, 10)
        .await
        .unwrap();
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert_eq!(
        (runs[0].phase, &runs[0].started_by),
        (SyncPhase::Succeeded, &StartedBy::AutoSync)
    );
    assert_eq!(
        runs[0]
            .commit
            .as_ref()
            .map(|commit| commit.subject.as_str()),
        Some("shop one")
    );
    let inventory = store::inventory::of_target(world.store(), world.target())
        .await
        .unwrap();
    assert!(
        inventory
            .iter()
            .all(|row| row.uid.is_some() && row.applied_hash.is_some()),
        "{inventory:?}"
    );

    let generation = world.kubectl(&[
        "get",
        "deployment",
        "web",
        "-o",
        "jsonpath={.metadata.generation}",
    ]);
    let second = world.commit_shop("two", 2);
    world
        .until_row("the second commit is live", |row| {
            row.deployed.as_ref() == Some(&second)
        })
        .await;
    assert_eq!(
        world.kubectl(&[
            "get",
            "configmap",
            "settings",
            "-o",
            "jsonpath={.data.greeting}"
        ]),
        "two"
    );
    // What did not change was not sent.
    assert_eq!(
        world.kubectl(&[
            "get",
            "deployment",
            "web",
            "-o",
            "jsonpath={.metadata.generation}"
        ]),
        generation
    );

    // A commit that changes nothing here is live at once, without a run.
    world.repository.write("README.md", "words");
    let third = world.push("words");
    world
        .until_row("a commit without effect is live", |row| {
            row.deployed.as_ref() == Some(&third)
        })
        .await;
    assert_eq!(
        store::run::of_target(world.store(), world.target(), None, 10)
            .await
            .unwrap()
            .len(),
        2
    );
    let seen = world
        .until_commits("shop", |seen| {
            seen.len() == 2
                && seen
                    .iter()
                    .all(|commit| commit.applications.contains(&world.application()))
        })
        .await;
    assert_eq!(seen[0].info.subject, "shop two");
    let words = store::commit::page(world.store(), "words", None, 10)
        .await
        .unwrap();
    assert!(words[0].applications.is_empty(), "{words:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_object_fails_the_run_and_says_which() {
    let world = World::start("refused", Mode::Managed, AUTOMATED).await;
    world.repository.write("manifests/bad.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: bad, labels: {app: shop}}\nspec:\n  replicas: 1\n  selector: {matchLabels: {app: one}}\n  template:\n    metadata: {labels: {app: other}}\n    spec: {containers: [{name: c, image: web:1.0}]}\n");
    world.commit_shop("one", 1);
    let runs = world
        .until_runs("a failure", |runs| {
            runs.iter().any(|run| run.phase == SyncPhase::Failed)
        })
        .await;
    let failed = runs
        .iter()
        .find(|run| run.phase == SyncPhase::Failed)
        .unwrap();
    assert!(
        failed.message.contains("Deployment bad"),
        "{}",
        failed.message
    );
    let state = world
        .until("the failure is the reason", |state| {
            state
                .reason
                .as_ref()
                .is_some_and(|reason| reason.code == ReasonCode::ApplyFailed)
        })
        .await
        .state;
    let reason = state.reason.unwrap();
    assert_eq!(reason.object.map(|key| key.name), Some("bad".to_owned()));
    assert!(reason.next.contains("Attempt"), "{}", reason.next);

    world.repository.remove("manifests/bad.yaml");
    let mended = world.push("mended");
    world
        .until_row("mended", |row| row.deployed.as_ref() == Some(&mended))
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applications_that_an_application_renders_are_its_children() {
    let world = World::start("children", Mode::Managed, AUTOMATED).await;
    world.repository.write("manifests/child.yaml", &format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: child, namespace: argocd}}\nspec:\n  project: default\n  source: {{repoURL: '{}', path: child, targetRevision: main}}\n  destination: {{name: {}, namespace: {}}}\n  syncPolicy:\n    {AUTOMATED}\n",
        world.repository.url(), world.cluster(), world.namespace()
    ));
    world.repository.write(
        "child/c.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: of-child}\n",
    );
    let first = world.commit_shop("one", 1);
    world.until_deployed(&first).await;
    world
        .until_kubectl(
            "the child's object",
            &[
                "get",
                "configmap",
                "of-child",
                "--ignore-not-found",
                "-o",
                "name",
            ],
            "configmap/of-child",
        )
        .await;
    let all = store::application::list(world.store(), false)
        .await
        .unwrap();
    let child = all
        .iter()
        .find(|row| row.name == "child")
        .expect("the child is registered");
    assert_eq!(child.parent, Some(world.application()));
    // It left the render: its definition is gone, what it deployed stays and is listed as left behind.
    world.repository.remove("manifests/child.yaml");
    world.push("no child any more");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while store::inventory::leftovers(world.store(), None)
        .await
        .unwrap()
        .is_empty()
    {
        assert!(
            std::time::Instant::now() < deadline,
            "the child is still defined"
        );
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(
        world.kubectl(&["get", "configmap", "of-child", "-o", "name"]),
        "configmap/of-child"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leaves_git_goes_after_a_second_render_and_an_empty_render_deletes_nothing() {
    let world = World::start("prune", Mode::Managed, AUTOMATED).await;
    let first = world.commit_shop("one", 1);
    world.until_deployed(&first).await;
    world.repository.remove("manifests/extra.yaml");
    let without = world.push("without the extra");
    world
        .until_row("the extra is gone", |row| {
            row.deployed.as_ref() == Some(&without) && row.state.sync == SyncStatus::Synced
        })
        .await;
    assert_eq!(
        world.kubectl(&[
            "get",
            "configmap",
            "extra",
            "--ignore-not-found",
            "-o",
            "name"
        ]),
        ""
    );
    let inventory = store::inventory::of_target(world.store(), world.target())
        .await
        .unwrap();
    assert!(
        !inventory.iter().any(|row| row.key.name == "extra"),
        "{inventory:?}"
    );

    world.repository.remove("manifests/settings.yaml");
    world.repository.remove("manifests/web.yaml");
    world.repository.write("manifests/.gitkeep", "");
    world.push("everything is gone");
    let state = world
        .until("the empty render is noticed", |state| {
            state.reason.as_ref().is_some_and(|reason| {
                matches!(
                    reason.code,
                    ReasonCode::RenderFailed | ReasonCode::EmptyRender
                )
            })
        })
        .await
        .state;
    assert!(state.reason.is_some_and(|reason| reason.stalled));
    assert_eq!(
        world
            .kubectl(&[
                "get",
                "configmap,deployment",
                "-l",
                "app=shop",
                "-o",
                "name"
            ])
            .lines()
            .count(),
        2
    );
    world.end().await;
}
