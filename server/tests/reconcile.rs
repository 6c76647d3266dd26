//! The whole loop against a real API server and a real repository: commit to cluster, drift, prune, observe, crash.
//!
//! Needs the rig: `LOCKSTEP_RIG` names its `rig.json`. Each test has its own namespace, repository and database, so that
//! they run side by side.

#[path = "reconcile/world.rs"]
mod world;

use lockstep_types::diff::SyncStatus;
use lockstep_types::drift::{DriftQuery, DriftState};
use lockstep_types::health::HealthStatus;
use lockstep_types::reason::ReasonCode;
use lockstep_types::source::Mode;
use lockstep_types::sync::{OperationKind, StartedBy, SyncPhase};
use server::store;
use world::World;

const AUTOMATED: &str = "automated: {prune: true, selfHeal: false}";
const HEALING: &str = "automated: {prune: true, selfHeal: true}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_becomes_live_objects_and_the_next_one_changes_them() {
    let world = World::start("commit", Mode::Managed, AUTOMATED).await;
    let first = world.commit_shop("one", 2);
    let state = world.until("synced and healthy", |state| {
        state.sync == SyncStatus::Synced && state.health.status == HealthStatus::Healthy
    }).await;
    assert_eq!(state.state.reason, None);
    assert_eq!(state.deployed.as_ref(), Some(&first));
    assert_eq!(state.images, ["web:1.0"]);
    assert_eq!(world.kubectl(&["get", "configmap", "settings", "-o", "jsonpath={.data.greeting}"]), "one");
    let runs = store::run::of_target(world.store(), world.target(), None, 10).await.unwrap();
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert_eq!((runs[0].phase, &runs[0].started_by), (SyncPhase::Succeeded, &StartedBy::AutoSync));
    assert_eq!(runs[0].commit.as_ref().map(|commit| commit.subject.as_str()), Some("shop one"));
    let inventory = store::inventory::of_target(world.store(), world.target()).await.unwrap();
    assert!(inventory.iter().all(|row| row.uid.is_some() && row.applied_hash.is_some()), "{inventory:?}");

    let generation = world.kubectl(&["get", "deployment", "web", "-o", "jsonpath={.metadata.generation}"]);
    let second = world.commit_shop("two", 2);
    world.until_row("the second commit is live", |row| row.deployed.as_ref() == Some(&second)).await;
    assert_eq!(world.kubectl(&["get", "configmap", "settings", "-o", "jsonpath={.data.greeting}"]), "two");
    // What did not change was not sent.
    assert_eq!(world.kubectl(&["get", "deployment", "web", "-o", "jsonpath={.metadata.generation}"]), generation);

    // A commit that changes nothing here is live at once, without a run.
    world.repository.write("README.md", "words");
    let third = world.push("words");
    world.until_row("a commit without effect is live", |row| row.deployed.as_ref() == Some(&third)).await;
    assert_eq!(store::run::of_target(world.store(), world.target(), None, 10).await.unwrap().len(), 2);
    let seen = world.until_commits("shop", |seen| {
        seen.len() == 2 && seen.iter().all(|commit| commit.applications.contains(&world.application()))
    }).await;
    assert_eq!(seen[0].info.subject, "shop two");
    let words = store::commit::page(world.store(), "words", None, 10).await.unwrap();
    assert!(words[0].applications.is_empty(), "{words:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_is_shown_with_who_did_it_and_left_alone() {
    let world = World::start("drift", Mode::Managed, AUTOMATED).await;
    world.commit_shop("one", 2);
    world.until("synced", |state| state.sync == SyncStatus::Synced).await;
    world.kubectl(&["scale", "deployment", "web", "--replicas=3"]);
    let state = world.until("drifted", |state| state.drifted == 1).await.state;
    assert_eq!(state.sync, SyncStatus::OutOfSync);
    let reason = state.reason.expect("a reason");
    assert_eq!(reason.code, ReasonCode::Drifted, "{reason:?}");
    let open = store::drift::open_of(world.store(), world.target()).await.unwrap();
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(open[0].path, "spec.replicas");
    assert_eq!((open[0].declared.clone(), open[0].live.clone()), (Some(2.into()), Some(3.into())));
    assert!(open[0].manager.as_deref().is_some_and(|manager| manager.starts_with("kubectl")), "{open:?}");
    assert!(!open[0].baseline);
    assert_eq!(world.kubectl(&["get", "deployment", "web", "-o", "jsonpath={.spec.replicas}"]), "3");

    world.kubectl(&["scale", "deployment", "web", "--replicas=2"]);
    world.until("in line again", |state| state.sync == SyncStatus::Synced && state.drifted == 0).await;
    let all = store::drift::list(world.store(), &DriftQuery { include_closed: true, ..DriftQuery::default() }, 10).await.unwrap();
    assert_eq!((all.len(), all[0].state), (1, DriftState::Reverted));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn self_heal_puts_it_back_and_leaves_word() {
    let world = World::start("heal", Mode::Managed, HEALING).await;
    world.commit_shop("one", 2);
    world.until("synced", |state| state.sync == SyncStatus::Synced && state.health.status == HealthStatus::Healthy).await;
    world.kubectl(&["patch", "configmap", "settings", "--type=merge", "-p", r#"{"data":{"greeting":"hacked"}}"#]);
    world.until_runs("a heal", |runs| {
        runs.iter().any(|run| run.started_by == StartedBy::SelfHeal && run.phase == SyncPhase::Succeeded)
    }).await;
    assert_eq!(world.kubectl(&["get", "configmap", "settings", "-o", "jsonpath={.data.greeting}"]), "one");
    world.until("in line again", |state| state.sync == SyncStatus::Synced && state.drifted == 0).await;
    let all = store::drift::list(world.store(), &DriftQuery { include_closed: true, ..DriftQuery::default() }, 10).await.unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((all[0].path.as_str(), all[0].state), ("data.greeting", DriftState::Healed));
    let told = world.kubectl(&["get", "events", "--field-selector=reason=DriftUndone", "-o", "jsonpath={.items[*].message}{.items[*].note}"]);
    assert!(told.contains("data.greeting") && told.contains("manifests/settings.yaml"), "{told}");

    // A deleted object comes back too.
    world.kubectl(&["delete", "configmap", "settings"]);
    world.until_runs("another heal", |runs| {
        runs.iter().filter(|run| run.started_by == StartedBy::SelfHeal && run.phase == SyncPhase::Succeeded).count() == 2
    }).await;
    assert_eq!(world.kubectl(&["get", "configmap", "settings", "-o", "jsonpath={.data.greeting}"]), "one");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leaves_git_goes_after_a_second_render_and_an_empty_render_deletes_nothing() {
    let world = World::start("prune", Mode::Managed, AUTOMATED).await;
    world.commit_shop("one", 1);
    world.until("synced", |state| state.sync == SyncStatus::Synced && state.health.status == HealthStatus::Healthy).await;
    world.repository.remove("manifests/extra.yaml");
    let without = world.push("without the extra");
    world.until_row("the extra is gone", |row| row.deployed.as_ref() == Some(&without) && row.state.sync == SyncStatus::Synced).await;
    assert_eq!(world.kubectl(&["get", "configmap", "extra", "--ignore-not-found", "-o", "name"]), "");
    let inventory = store::inventory::of_target(world.store(), world.target()).await.unwrap();
    assert!(!inventory.iter().any(|row| row.key.name == "extra"), "{inventory:?}");

    world.repository.remove("manifests/settings.yaml");
    world.repository.remove("manifests/web.yaml");
    world.repository.write("manifests/.gitkeep", "");
    world.push("everything is gone");
    let state = world.until("the empty render is noticed", |state| {
        state.reason.as_ref().is_some_and(|reason| matches!(reason.code, ReasonCode::RenderFailed | ReasonCode::EmptyRender))
    }).await.state;
    assert!(state.reason.is_some_and(|reason| reason.stalled));
    assert_eq!(world.kubectl(&["get", "configmap,deployment", "-l", "app=shop", "-o", "name"]).lines().count(), 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn observing_writes_nothing() {
    let world = World::start("observe", Mode::Observe, HEALING).await;
    world.commit_shop("one", 1);
    let state = world.until("compared", |state| state.sync == SyncStatus::OutOfSync).await.state;
    assert_eq!(state.reason.map(|reason| reason.code), Some(ReasonCode::Observing));
    assert_eq!(state.health.status, HealthStatus::Missing);
    // Somebody else applies it: Synced, and what is changed later is drift that nobody heals.
    world.kubectl(&["apply", "-f", &world.repository.path().join("manifests").display().to_string()]);
    world.until("in line", |state| state.sync == SyncStatus::Synced && state.health.status == HealthStatus::Healthy).await;
    world.kubectl(&["scale", "deployment", "web", "--replicas=2"]);
    let state = world.until("drifted", |state| state.drifted == 1).await.state;
    assert_eq!(state.sync, SyncStatus::OutOfSync);
    assert_eq!(world.kubectl(&["get", "deployment", "web", "-o", "jsonpath={.spec.replicas}"]), "2");
    assert!(store::run::of_target(world.store(), world.target(), None, 10).await.unwrap().is_empty());
    assert_eq!(world.writes_by_lockstep(), 0);

    // Taken over, the drift goes and the objects are marked as ours.
    world.take_over().await;
    world.until_runs("the first sync", |runs| runs.iter().any(|run| run.phase == SyncPhase::Succeeded)).await;
    assert_eq!(world.kubectl(&["get", "deployment", "web", "-o", "jsonpath={.spec.replicas}"]), "1");
    assert!(world.kubectl(&["get", "deployment", "web", "-o", "jsonpath={.metadata.annotations}"]).contains("lockstep.dev/tracking-id"));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_object_fails_the_run_and_says_which() {
    let world = World::start("refused", Mode::Managed, AUTOMATED).await;
    world.repository.write("manifests/bad.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: bad, labels: {app: shop}}\nspec:\n  replicas: 1\n  selector: {matchLabels: {app: one}}\n  template:\n    metadata: {labels: {app: other}}\n    spec: {containers: [{name: c, image: web:1.0}]}\n");
    world.commit_shop("one", 1);
    let runs = world.until_runs("a failure", |runs| runs.iter().any(|run| run.phase == SyncPhase::Failed)).await;
    let failed = runs.iter().find(|run| run.phase == SyncPhase::Failed).unwrap();
    assert!(failed.message.contains("Deployment bad"), "{}", failed.message);
    let state = world.until("the failure is the reason", |state| {
        state.reason.as_ref().is_some_and(|reason| reason.code == ReasonCode::ApplyFailed)
    }).await.state;
    let reason = state.reason.unwrap();
    assert_eq!(reason.object.map(|key| key.name), Some("bad".to_owned()));
    assert!(reason.next.contains("Attempt"), "{}", reason.next);

    world.repository.remove("manifests/bad.yaml");
    let mended = world.push("mended");
    world.until_row("mended", |row| row.deployed.as_ref() == Some(&mended)).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_finds_everything_as_it_was() {
    let world = World::start("restart", Mode::Managed, AUTOMATED).await;
    world.commit_shop("one", 1);
    world.until("synced", |state| state.sync == SyncStatus::Synced && state.health.status == HealthStatus::Healthy).await;
    let before = world.kubectl(&["get", "deployment,configmap", "-l", "app=shop", "-o", "jsonpath={.items[*].metadata.generation}{.items[*].metadata.resourceVersion}"]);
    let world = world.restart().await;
    world.until_compared_again().await;
    let after = world.kubectl(&["get", "deployment,configmap", "-l", "app=shop", "-o", "jsonpath={.items[*].metadata.generation}{.items[*].metadata.resourceVersion}"]);
    assert_eq!(before, after);
    assert_eq!(store::run::of_target(world.store(), world.target(), None, 10).await.unwrap().len(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_cut_off_goes_on_without_writing_anything_twice() {
    let world = World::start("cut", Mode::Managed, AUTOMATED).await;
    const OBJECTS: usize = 400;
    for number in 0..OBJECTS {
        world.repository.write(
            &format!("manifests/many/c{number:03}.yaml"),
            &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{number:03}}}\ndata: {{a: b}}\n"),
        );
    }
    world.repository.write("apps/shop.yaml", &format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: shop, namespace: argocd}}\nspec:\n  project: default\n  source: {{repoURL: '{}', path: manifests, targetRevision: main, directory: {{recurse: true}}}}\n  destination: {{name: {}, namespace: {}}}\n  syncPolicy:\n    {AUTOMATED}\n",
        world.repository.url(), world.cluster(), world.namespace()
    ));
    world.push("many");
    let runs = world.until_runs("the run applies", |runs| runs.iter().any(|run| run.phase == SyncPhase::Applying)).await;
    let world = world.restart().await;
    let done = world.until_runs("the run has ended", |runs| runs.iter().any(|run| run.phase.is_final())).await;
    assert_eq!((done.len(), done[0].id, done[0].phase), (1, runs[0].id, SyncPhase::Succeeded), "{done:?}");
    let writes = world.writes_of_config_maps();
    assert_eq!(writes.len(), OBJECTS);
    assert!(writes.values().all(|times| *times == 1), "{writes:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_the_last_workload_waits_for_a_yes_to_exactly_that_plan() {
    let world = World::start("approve", Mode::Managed, AUTOMATED).await;
    world.commit_shop("one", 1);
    world.until("synced", |state| state.sync == SyncStatus::Synced && state.health.status == HealthStatus::Healthy).await;
    world.repository.remove("manifests/web.yaml");
    world.push("no workload any more");
    let state = world.until("it waits", |state| {
        state.reason.as_ref().is_some_and(|reason| reason.code == ReasonCode::AwaitingApproval)
    }).await.state;
    assert!(state.reason.is_some_and(|reason| reason.stalled && reason.cause.contains("last workload")));
    assert_eq!(world.kubectl(&["get", "deployment", "-o", "name"]), "deployment.apps/web");
    let waiting = store::approval::waiting(world.store()).await.unwrap();
    assert_eq!(waiting.len(), 1);
    let mut tx = world.store().begin().await.unwrap();
    assert!(store::approval::decide(&mut tx, waiting[0].id, "another plan", true, "maria").await.is_err());
    tx.roll_back().await.unwrap();
    let mut tx = world.store().begin().await.unwrap();
    store::approval::decide(&mut tx, waiting[0].id, &waiting[0].digest, true, "maria").await.unwrap();
    tx.commit().await.unwrap();
    world.wake();
    world.until_runs("approved and done", |runs| {
        runs.first().is_some_and(|run| run.id == waiting[0].run && run.phase == SyncPhase::Succeeded)
    }).await;
    assert_eq!(world.kubectl(&["get", "deployment", "-o", "name"]), "");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_stops_writes_and_a_request_says_so() {
    let world = World::start("hold", Mode::Managed, AUTOMATED).await;
    world.commit_shop("one", 1);
    world.until("synced", |state| state.sync == SyncStatus::Synced && state.health.status == HealthStatus::Healthy).await;
    let mut tx = world.store().begin().await.unwrap();
    let until = tx.now().plus_seconds(3600);
    let hold = store::hold::insert(&mut tx, world.target(), "maria", "release freeze", until).await.unwrap();
    tx.commit().await.unwrap();
    let second = world.commit_shop("two", 1);
    world.until("held", |state| state.reason.as_ref().is_some_and(|reason| reason.code == ReasonCode::Held)).await;
    world.ask(OperationKind::Sync, serde_json::json!({})).await;
    let runs = world.until_runs("refused", |runs| runs.first().is_some_and(|run| run.phase == SyncPhase::Failed)).await;
    assert!(runs[0].message.contains("release freeze"), "{}", runs[0].message);
    assert_eq!(world.kubectl(&["get", "configmap", "settings", "-o", "jsonpath={.data.greeting}"]), "one");
    let mut tx = world.store().begin().await.unwrap();
    store::hold::end(&mut tx, hold.id, "maria").await.unwrap();
    tx.commit().await.unwrap();
    world.wake();
    world.until_row("released", |row| row.deployed.as_ref() == Some(&second)).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applications_that_an_application_renders_are_its_children() {
    let world = World::start("children", Mode::Managed, AUTOMATED).await;
    world.repository.write("manifests/child.yaml", &format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: child, namespace: argocd}}\nspec:\n  project: default\n  source: {{repoURL: '{}', path: child, targetRevision: main}}\n  destination: {{name: {}, namespace: {}}}\n  syncPolicy:\n    {AUTOMATED}\n",
        world.repository.url(), world.cluster(), world.namespace()
    ));
    world.repository.write("child/c.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: of-child}\n");
    world.commit_shop("one", 1);
    world.until("synced", |state| state.sync == SyncStatus::Synced).await;
    world.until_kubectl("the child's object", &["get", "configmap", "of-child", "--ignore-not-found", "-o", "name"], "configmap/of-child").await;
    let all = store::application::list(world.store(), false).await.unwrap();
    let child = all.iter().find(|row| row.name == "child").expect("the child is registered");
    assert_eq!(child.parent, Some(world.application()));
    // It left the render: its definition is gone, what it deployed stays and is listed as left behind.
    world.repository.remove("manifests/child.yaml");
    world.push("no child any more");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while store::inventory::leftovers(world.store(), None).await.unwrap().is_empty() {
        assert!(std::time::Instant::now() < deadline, "the child is still defined");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(world.kubectl(&["get", "configmap", "of-child", "-o", "name"]), "configmap/of-child");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_does_not_answer_is_unknown_and_says_since_when() {
    let world = World::start_unreachable("away").await;
    world.commit_shop("one", 1);
    let state = world.until("unreachable", |state| {
        state.reason.as_ref().is_some_and(|reason| reason.code == ReasonCode::ClusterUnreachable && reason.cause.contains("does not answer"))
    }).await.state;
    assert_eq!((state.sync, state.health.status), (SyncStatus::Unknown, HealthStatus::Unknown));
    let since = state.reason.map(|reason| reason.since);
    world.wake();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let again = world.until("still unreachable", |state| state.reason.is_some()).await.state;
    assert_eq!(again.reason.map(|reason| reason.since), since);
    world.leave().await;
}
