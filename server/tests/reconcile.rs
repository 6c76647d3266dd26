//! The whole loop against a real API server and a real repository: commit to cluster, drift, prune, observe, crash.
//!
//! Needs the rig: `LOCKSTEP_RIG` names its `rig.json`. Without it these tests do nothing but say so. Each test has its own
//! namespace, repository and database, so that they run side by side.

#[path = "reconcile/world.rs"]
mod world;

use lockstep_types::diff::SyncStatus;
use lockstep_types::drift::{DriftQuery, DriftState};
use lockstep_types::health::HealthStatus;
use lockstep_types::reason::ReasonCode;
use lockstep_types::source::Mode;
use lockstep_types::sync::{StartedBy, SyncPhase};
use server::store;
use world::World;

const AUTOMATED: &str = "automated: {prune: true, selfHeal: false}";
const HEALING: &str = "automated: {prune: true, selfHeal: true}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_becomes_live_objects_and_the_next_one_changes_them() {
    let Some(world) = World::start("commit", Mode::Managed, AUTOMATED).await else { return };
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
    let seen = store::commit::page(world.store(), "shop", None, 10).await.unwrap();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|commit| commit.applications.contains(&world.application())), "{seen:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_is_shown_with_who_did_it_and_left_alone() {
    let Some(world) = World::start("drift", Mode::Managed, AUTOMATED).await else { return };
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
    let Some(world) = World::start("heal", Mode::Managed, HEALING).await else { return };
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
    let Some(world) = World::start("prune", Mode::Managed, AUTOMATED).await else { return };
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
    let Some(world) = World::start("observe", Mode::Observe, HEALING).await else { return };
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
    let Some(world) = World::start("refused", Mode::Managed, AUTOMATED).await else { return };
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
    let Some(world) = World::start("restart", Mode::Managed, AUTOMATED).await else { return };
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
