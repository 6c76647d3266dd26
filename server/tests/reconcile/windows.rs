//! Sync windows and the end of holds: what waits, says why, and begins by itself when it may.

use crate::AUTOMATED;
use crate::editing::maria;
use crate::world::{WITHIN, World};
use lockstep_types::application::HoldKind;
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::reason::ReasonCode;
use lockstep_types::rollback::RollbackRequest;
use lockstep_types::source::Mode;
use lockstep_types::sync::{OperationKind, StartedBy, SyncPhase};
use serde_json::json;
use server::store::operation::NewOperation;
use server::store::{self, target::TargetState};
use std::time::{Duration, Instant};

/// A window of the project `default` that began at the present minute and lasts for `seconds` from now on.
fn project(kind: &str, seconds: i64, more: &str) -> String {
    let now = jiff::Timestamp::now();
    let begin = now.strftime("%M %H %d %m *").to_string();
    let duration = now.as_second().rem_euclid(60) + seconds;
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: default, namespace: argocd}}\nspec:\n  sourceRepos: ['*']\n  destinations: [{{server: '*', namespace: '*'}}, {{name: '*', namespace: '*'}}]\n  clusterResourceWhitelist: [{{group: '*', kind: '*'}}]\n  syncWindows:\n  - {{kind: {kind}, schedule: '{begin}', duration: {duration}s, applications: [shop], {more}}}\n"
    )
}

fn waits(state: &TargetState) -> bool {
    state
        .reason
        .as_ref()
        .is_some_and(|reason| reason.code == ReasonCode::WaitingForWindow)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_window_holds_a_sync_back_and_lets_it_go_when_it_opens() {
    let world = World::start("window", Mode::Managed, AUTOMATED).await;
    let first = world.commit_shop("one", 1);
    world.until_deployed(&first).await;
    // Comparing by the clock comes every three minutes: that it goes on earlier is the waking.
    world
        .repository
        .write("apps/project.yaml", &project("deny", 20, ""));
    let second = world.commit_shop("two", 1);
    let row = world.until("waiting for the window", waits).await;
    let reason = row.state.reason.expect("a reason");
    assert!(
        reason.cause.starts_with("Waits for window 'deny ")
            && reason
                .cause
                .contains("UTC' of project default: opens at 20"),
        "{}",
        reason.cause
    );
    world.ask(OperationKind::Sync, serde_json::json!({})).await;
    let runs = world
        .until_runs("refused", |runs| {
            runs.first()
                .is_some_and(|run| run.phase == SyncPhase::Failed)
        })
        .await;
    assert!(
        runs[0].message.contains("Waits for window"),
        "{}",
        runs[0].message
    );
    assert_eq!(greeting(&world), "one");
    world.until_deployed(&second).await;
    assert_eq!(greeting(&world), "two");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_pass_a_closed_window_that_lets_them() {
    let world = World::start("windowman", Mode::Managed, AUTOMATED).await;
    world.repository.write(
        "apps/project.yaml",
        &project("deny", 600, "manualSync: true"),
    );
    let first = world.commit_shop("one", 1);
    world.until("waiting for the window", waits).await;
    world.ask(OperationKind::Sync, serde_json::json!({})).await;
    world.until_deployed(&first).await;
    let runs = world.until_runs("one run", |runs| !runs.is_empty()).await;
    assert_eq!(runs[0].started_by, StartedBy::Person("maria".to_owned()));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_that_ends_lets_a_person_say_yes_to_what_it_held_back() {
    let world = World::start("holdend", Mode::Managed, AUTOMATED).await;
    let first = world.commit_shop("one", 1);
    world.until_deployed(&first).await;
    let mut tx = world.store().begin().await.unwrap();
    let until = tx.now().plus_seconds(8);
    store::hold::insert(
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
    let code = |code: ReasonCode| {
        move |state: &TargetState| {
            state
                .reason
                .as_ref()
                .is_some_and(|reason| reason.code == code)
        }
    };
    world.until("held", code(ReasonCode::Held)).await;
    world
        .until("awaiting a yes", code(ReasonCode::AwaitingApproval))
        .await;
    let hold = store::hold::unended_of(world.store(), world.target())
        .await
        .unwrap()
        .expect("the hold is still there");
    assert!(hold.ended_waiting);
    assert_eq!(greeting(&world), "one");
    world.ask(OperationKind::Sync, serde_json::json!({})).await;
    world
        .until_row("deployed with the yes", |row| {
            row.deployed.as_ref() == Some(&second)
        })
        .await;
    assert_eq!(greeting(&world), "two");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_waits_for_a_window_and_a_hold_unless_they_are_overridden() {
    let world = World::start("override", Mode::Managed, AUTOMATED).await;
    let first = world.commit_shop("one", 1);
    world.until_deployed(&first).await;
    let second = world.commit_shop("two", 1);
    world.until_deployed(&second).await;
    world
        .repository
        .write("apps/project.yaml", &project("deny", 600, ""));
    world.commit_shop("three", 1);
    world.until("waiting for the window", waits).await;
    let ports = world.ports().await;
    let target = world.target();
    ports
        .rollbacks
        .hold(&maria(), target, HoldKind::Both, "the sale runs", 4)
        .await
        .expect("a hold");
    let preview = ports.rollbacks.preview(&maria(), target, &first).await;
    let preview = preview.expect("a preview");
    let names: Vec<String> = preview
        .obstacles
        .iter()
        .map(|obstacle| obstacle.name.clone())
        .collect();
    assert_eq!(names.len(), 2, "{:?}", preview.obstacles);
    let request = RollbackRequest {
        target,
        to: first.clone(),
        digest: preview.digest,
        reason: "orders are lost".to_owned(),
        propose: false,
        undo: false,
        overrides: names.clone(),
    };
    let outcome = ports.rollbacks.roll_back(&maria(), &request).await;
    let Ok(CommitOutcome::Committed { revision }) = outcome else {
        unreachable!("{outcome:?}")
    };
    world
        .until_row("deployed at once", |row| {
            row.deployed.as_ref() == Some(&revision)
        })
        .await;
    assert_eq!(greeting(&world), "one");
    let hold = store::hold::unended_of(world.store(), target)
        .await
        .unwrap();
    assert!(hold.is_some(), "the hold stays for all that follows");

    // The next one overrides nothing: the commit is there, and the sync waits.
    let preview = ports.rollbacks.preview(&maria(), target, &second).await;
    let request = RollbackRequest {
        to: second,
        digest: preview.expect("a preview").digest,
        overrides: Vec::new(),
        ..request
    };
    let outcome = ports.rollbacks.roll_back(&maria(), &request).await;
    let Ok(CommitOutcome::Committed { revision }) = outcome else {
        unreachable!("{outcome:?}")
    };
    world
        .until("held", |state| {
            let code = state.reason.as_ref().map(|reason| reason.code);
            state.revision.as_ref() == Some(&revision) && code == Some(ReasonCode::Held)
        })
        .await;
    assert_eq!(greeting(&world), "one");

    // What was overridden for another commit lets nothing pass.
    let stale = NewOperation {
        kind: OperationKind::Rollback,
        target,
        actor: "maria".to_owned(),
        started_by: StartedBy::Rollback("maria".to_owned()),
        idempotency_key: None,
        parameters: json!({"prune": false, "revision": first, "overrides": names}),
    };
    let mut tx = world.store().begin().await.expect("a transaction");
    let stale = store::operation::insert(&mut tx, &stale).await;
    stale.expect("a request");
    tx.commit().await.expect("a request");
    world.wake();
    let begun = Instant::now();
    loop {
        let pending = store::operation::pending(world.store(), target).await;
        if pending.expect("requests").is_empty() {
            break;
        }
        assert!(begun.elapsed() < WITHIN, "the request still waits");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(greeting(&world), "one");
    world.end().await;
}

fn greeting(world: &World) -> String {
    world.kubectl(&[
        "get",
        "configmap",
        "settings",
        "-o",
        "jsonpath={.data.greeting}",
    ])
}
