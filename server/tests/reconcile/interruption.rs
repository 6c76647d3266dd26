//! What stops or delays a run: a restart, a gate, a hold, a cluster that is away.

use crate::AUTOMATED;
use crate::world::World;
use lockstep_types::application::HoldKind;
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;
use lockstep_types::reason::ReasonCode;
use lockstep_types::source::Mode;
use lockstep_types::sync::{OperationKind, SyncPhase};
use server::store;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_finds_everything_as_it_was() {
    let world = World::start("restart", Mode::Managed, AUTOMATED).await;
    let first = world.commit_shop("one", 1);
    world.until_deployed(&first).await;
    let before = world.kubectl(&[
        "get",
        "deployment,configmap",
        "-l",
        "app=shop",
        "-o",
        "jsonpath={.items[*].metadata.generation}{.items[*].metadata.resourceVersion}",
    ]);
    let world = world.restart().await;
    world.until_compared_again().await;
    let after = world.kubectl(&[
        "get",
        "deployment,configmap",
        "-l",
        "app=shop",
        "-o",
        "jsonpath={.items[*].metadata.generation}{.items[*].metadata.resourceVersion}",
    ]);
    assert_eq!(before, after);
    assert_eq!(
        store::run::of_target(world.store(), world.target(), None, 10)
            .await
            .unwrap()
            .len(),
        1
    );
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
    let runs = world
        .until_runs("the run applies", |runs| {
            runs.iter().any(|run| run.phase == SyncPhase::Applying)
        })
        .await;
    let before = world.until_steps_done(runs[0].id, 20).await;
    assert!(before < OBJECTS, "it was too fast to be cut off");
    let world = world.restart().await;
    let done = world
        .until_runs("the run has ended", |runs| {
            runs.iter().any(|run| run.phase.is_final())
        })
        .await;
    assert_eq!(
        (done.len(), done[0].id, done[0].phase),
        (1, runs[0].id, SyncPhase::Succeeded),
        "{done:?}"
    );
    let steps = store::run::steps(world.store(), runs[0].id).await.unwrap();
    assert!(
        steps
            .iter()
            .all(|step| step.status == lockstep_types::sync::StepStatus::Done)
    );
    let writes = world.writes_of_config_maps();
    assert_eq!(writes.len(), OBJECTS);
    let twice: Vec<_> = writes.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "written more than once: {twice:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_the_last_workload_waits_for_a_yes_to_exactly_that_plan() {
    let world = World::start("approve", Mode::Managed, AUTOMATED).await;
    let first = world.commit_shop("one", 1);
    world.until_deployed(&first).await;
    world.repository.remove("manifests/web.yaml");
    world.push("no workload any more");
    let state = world
        .until("it waits", |state| {
            state
                .reason
                .as_ref()
                .is_some_and(|reason| reason.code == ReasonCode::AwaitingApproval)
        })
        .await
        .state;
    assert!(
        state
            .reason
            .is_some_and(|reason| reason.stalled && reason.cause.contains("last workload"))
    );
    assert_eq!(
        world.kubectl(&["get", "deployment", "-o", "name"]),
        "deployment.apps/web"
    );
    let waiting = store::approval::waiting(world.store()).await.unwrap();
    assert_eq!(waiting.len(), 1);
    let mut tx = world.store().begin().await.unwrap();
    assert!(
        store::approval::decide(&mut tx, waiting[0].id, "another plan", true, "maria")
            .await
            .is_err()
    );
    tx.roll_back().await.unwrap();
    let mut tx = world.store().begin().await.unwrap();
    store::approval::decide(&mut tx, waiting[0].id, &waiting[0].digest, true, "maria")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    world.wake();
    world
        .until_runs("approved and done", |runs| {
            runs.first()
                .is_some_and(|run| run.id == waiting[0].run && run.phase == SyncPhase::Succeeded)
        })
        .await;
    assert_eq!(world.kubectl(&["get", "deployment", "-o", "name"]), "");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_stops_writes_and_a_request_says_so() {
    let world = World::start("hold", Mode::Managed, AUTOMATED).await;
    let first = world.commit_shop("one", 1);
    world.until_deployed(&first).await;
    let mut tx = world.store().begin().await.unwrap();
    let until = tx.now().plus_seconds(3600);
    let hold = store::hold::insert(
        &mut tx,
        world.target(),
        HoldKind::Both,
        "maria",
        "release freeze",
        until,
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let second = world.commit_shop("two", 1);
    world
        .until("held", |state| {
            state
                .reason
                .as_ref()
                .is_some_and(|reason| reason.code == ReasonCode::Held)
        })
        .await;
    world.ask(OperationKind::Sync, serde_json::json!({})).await;
    let runs = world
        .until_runs("refused", |runs| {
            runs.first()
                .is_some_and(|run| run.phase == SyncPhase::Failed)
        })
        .await;
    assert!(
        runs[0].message.contains("release freeze"),
        "{}",
        runs[0].message
    );
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
    let mut tx = world.store().begin().await.unwrap();
    store::hold::end(&mut tx, hold.id, "maria").await.unwrap();
    tx.commit().await.unwrap();
    world.wake();
    world
        .until_row("released", |row| row.deployed.as_ref() == Some(&second))
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_does_not_answer_is_unknown_and_says_since_when() {
    let world = World::start_unreachable("away").await;
    world.commit_shop("one", 1);
    let state = world
        .until("unreachable", |state| {
            state.reason.as_ref().is_some_and(|reason| {
                reason.code == ReasonCode::ClusterUnreachable
                    && reason.cause.contains("does not answer")
            })
        })
        .await
        .state;
    assert_eq!(
        (state.sync, state.health.status),
        (SyncStatus::Unknown, HealthStatus::Unknown)
    );
    let since = state.reason.map(|reason| reason.since);
    world.wake();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let again = world
        .until("still unreachable", |state| state.reason.is_some())
        .await
        .state;
    assert_eq!(again.reason.map(|reason| reason.since), since);
    world.leave().await;
}
