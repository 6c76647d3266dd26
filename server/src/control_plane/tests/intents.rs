use super::bench::{App, Bench, actor};
use crate::store;
use crate::store::operation::NewOperation;
use crate::store::run::NewRun;
use lockstep_types::PortError;
use lockstep_types::account::Role;
use lockstep_types::application::HoldKind;
use lockstep_types::ask::PinOutcome;
use lockstep_types::id::TargetId;
use lockstep_types::plan::{GateFinding, Plan};
use lockstep_types::ports::{Rollbacks, Sources, Syncs};
use lockstep_types::rollback::PinRequest;
use lockstep_types::source::Mode;
use lockstep_types::sync::{OperationKind, StartedBy, SyncPhase, SyncRequest};
use lockstep_types::sync_once::SyncOnce;

fn request(target: TargetId, key: Option<&str>) -> SyncRequest {
    SyncRequest {
        target,
        prune: true,
        idempotency_key: key.map(str::to_owned),
        once: SyncOnce::default(),
    }
}

#[tokio::test]
async fn a_sync_is_written_down_once_per_key() {
    let bench = Bench::new().await;
    let target = bench.define(&[App::new("cart", "prod-eu")]).await.remove(0);
    let operator = actor(Role::Operator);
    let first = bench
        .plane
        .sync(&operator, &request(target, Some("k")))
        .await
        .unwrap();
    assert_eq!(
        bench
            .plane
            .sync(&operator, &request(target, Some("k")))
            .await,
        Ok(first)
    );
    let waiting = store::operation::pending(bench.store(), target)
        .await
        .unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(
        (waiting[0].kind, waiting[0].parameters.clone()),
        (OperationKind::Sync, serde_json::json!({"prune": true}))
    );
    assert_eq!(waiting[0].started_by, StartedBy::Person("maria".to_owned()));
    assert_eq!(bench.plane.run_of(&operator, first).await, Ok(None));
    let log = store::audit::list(
        bench.store(),
        &store::audit::AuditQuery {
            limit: 10,
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let acts: Vec<_> = log
        .iter()
        .map(|entry| (entry.act.action.as_str(), entry.act.subject.as_str()))
        .collect();
    assert_eq!(acts, [("sync", "cart on prod-eu")]);
}

#[tokio::test]
async fn what_one_sync_is_asked_to_do_differently_is_kept_with_it() {
    let bench = Bench::new().await;
    let target = bench.define(&[App::new("cart", "prod-eu")]).await.remove(0);
    let operator = actor(Role::Operator);
    let resources = ["apps/Deployment:shop/cart".to_owned()];
    let once = SyncOnce {
        dry_run: true,
        ..SyncOnce::select(&resources, &["tier=web".to_owned()]).unwrap()
    };
    let mut asked = SyncRequest {
        once: once.clone(),
        ..request(target, None)
    };
    bench.plane.sync(&operator, &asked).await.unwrap();
    let waiting = store::operation::pending(bench.store(), target)
        .await
        .unwrap();
    assert_eq!(waiting[0].once().unwrap(), once);
    // What cannot be read is never taken for a sync of everything.
    let mut spoiled = waiting[0].clone();
    spoiled.parameters = serde_json::json!({"prune": true, "once": {"dry_run": "yes"}});
    assert!(spoiled.once().is_err());

    // Each run of it says so, in lists as well.
    let mut tx = bench.store().begin().await.unwrap();
    let new = NewRun {
        operation: waiting[0].id,
        target,
        fence: 1,
        revision: crate::control_plane::example::revision('a'),
        commit: None,
        started_by: StartedBy::Person("maria".to_owned()),
    };
    let run = store::run::create(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(run.once, once);
    let listed = store::run::of_target(bench.store(), target, None, 9)
        .await
        .unwrap();
    assert_eq!(listed[0].once, once);

    asked.once.labels = (0..3_000)
        .map(|number| (number.to_string(), String::new()))
        .collect();
    let refused = bench.plane.sync(&operator, &asked).await;
    assert!(
        matches!(&refused, Err(PortError::Invalid { field, .. }) if field == "labels"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_would_be_refused_later_is_refused_now() {
    let bench = Bench::new().await;
    let target = bench.define(&[App::new("cart", "prod-eu")]).await.remove(0);
    let operator = actor(Role::Operator);
    let hold = bench
        .plane
        .hold(&operator, target, HoldKind::Both, "load test", 4)
        .await
        .unwrap();
    let held = bench
        .plane
        .sync(&operator, &request(target, None))
        .await
        .unwrap_err();
    assert!(
        matches!(&held, PortError::Conflict(why) if why.contains("maria holds all writes") && why.contains("load test")),
        "{held:?}"
    );
    bench.plane.release(&operator, hold.id, true).await.unwrap();
    let mut tx = bench.store().begin().await.unwrap();
    store::target::set_mode(&mut tx, target, Mode::Observe)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let observed = bench
        .plane
        .sync(&operator, &request(target, None))
        .await
        .unwrap_err();
    assert!(
        matches!(&observed, PortError::Conflict(why) if why.contains("only observed")),
        "{observed:?}"
    );
    for hours in [0, 10_000] {
        assert!(matches!(
            bench
                .plane
                .hold(&operator, target, HoldKind::Both, "x", hours)
                .await,
            Err(PortError::Invalid { .. })
        ));
    }
    assert!(matches!(
        bench
            .plane
            .hold(&operator, target, HoldKind::Both, " ", 1)
            .await,
        Err(PortError::Invalid { .. })
    ));
}

#[tokio::test]
async fn a_hold_never_ends_by_deploying_unseen() {
    let bench = Bench::new().await;
    let manual = App {
        automated: false,
        ..App::new("manual", "prod-us")
    };
    let targets = bench.define(&[App::new("cart", "prod-eu"), manual]).await;
    let operator = actor(Role::Operator);
    let store = bench.store();
    // What syncs by itself would go on at once: the time is over, and the comparison finds out what waits.
    let hold = bench
        .plane
        .hold(&operator, targets[0], HoldKind::Both, "x", 4)
        .await
        .unwrap();
    bench
        .plane
        .release(&operator, hold.id, false)
        .await
        .unwrap();
    let left = store::hold::unended_of(store, targets[0])
        .await
        .unwrap()
        .unwrap();
    assert!(left.id == hold.id && left.until < hold.until, "{left:?}");
    assert!(
        store::operation::pending(store, targets[0])
            .await
            .unwrap()
            .is_empty()
    );
    let mut tx = store.begin().await.unwrap();
    store::hold::set_ended_waiting(&mut tx, hold.id)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(
        bench.plane.release(&operator, hold.id, false).await,
        Err(PortError::Conflict(_))
    ));
    bench.plane.release(&operator, hold.id, true).await.unwrap();
    assert_eq!(
        store::hold::unended_of(store, targets[0]).await.unwrap(),
        None
    );
    assert_eq!(
        store::operation::pending(store, targets[0])
            .await
            .unwrap()
            .len(),
        1
    );
    assert!(matches!(
        bench.plane.release(&operator, hold.id, true).await,
        Err(PortError::Conflict(_))
    ));
    // What waits for a person anyway just ends.
    let hold = bench
        .plane
        .hold(&operator, targets[1], HoldKind::Both, "x", 4)
        .await
        .unwrap();
    bench
        .plane
        .release(&operator, hold.id, false)
        .await
        .unwrap();
    assert_eq!(
        store::hold::unended_of(store, targets[1]).await.unwrap(),
        None
    );
    assert!(
        store::operation::pending(store, targets[1])
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_pin_goes_to_the_history_of_the_branch_only() {
    let bench = Bench::new().await;
    let target = bench.define(&[App::new("cart", "prod-eu")]).await.remove(0);
    let commits = bench.commits();
    let operator = actor(Role::Operator);
    bench
        .repository
        .git(&["checkout", "--quiet", "-b", "elsewhere"]);
    bench.repository.write("apps/cart/config.yaml", "x: y\n");
    let foreign = bench.repository.commit("foreign");
    bench.fetch("elsewhere").await;
    let ask = |to| PinRequest {
        target,
        to,
        reason: "incident".to_owned(),
        hours: 4,
        overrides: Vec::new(),
        digest: String::new(),
    };
    assert!(matches!(
        bench.plane.pin(&operator, &ask(foreign)).await,
        Err(PortError::Invalid { .. })
    ));
    let pin = bench
        .plane
        .pin(&operator, &ask(commits[0].clone()))
        .await
        .unwrap();
    let PinOutcome::Pinned(pin) = pin else {
        unreachable!("{pin:?}")
    };
    assert_eq!(
        (pin.behind, pin.owner.as_str(), &pin.revision),
        (2, "maria", &commits[0])
    );
    bench.plane.unpin(&operator, pin.id, true).await.unwrap();
    assert_eq!(
        store::pin::unended_of(bench.store(), target).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn an_approval_is_for_one_plan_and_one_use() {
    let bench = Bench::new().await;
    let target = bench.define(&[App::new("cart", "prod-eu")]).await.remove(0);
    let operator = actor(Role::Operator);
    let mut tx = bench.store().begin().await.unwrap();
    let intent = NewOperation {
        kind: OperationKind::Sync,
        target,
        actor: "maria".to_owned(),
        started_by: StartedBy::AutoSync,
        idempotency_key: None,
        parameters: serde_json::Value::Null,
    };
    let operation = store::operation::insert(&mut tx, &intent)
        .await
        .unwrap()
        .operation()
        .id;
    let revision = bench.commits().remove(2);
    let new = NewRun {
        operation,
        target,
        fence: 1,
        revision: revision.clone(),
        commit: None,
        started_by: StartedBy::AutoSync,
    };
    let run = store::run::create(&mut tx, &new).await.unwrap();
    let finding = GateFinding {
        rule: "G4".to_owned(),
        message: "1 Namespace would go".to_owned(),
        objects: Vec::new(),
    };
    let plan = Plan {
        target,
        revision,
        steps: Vec::new(),
        gate: vec![finding],
        digest: "d1".to_owned(),
        report: Vec::new(),
    };
    store::run::put_plan(&mut tx, run.id, 1, &plan, "key")
        .await
        .unwrap();
    store::run::set_phase(
        &mut tx,
        run.id,
        1,
        SyncPhase::Pending,
        SyncPhase::AwaitingApproval,
        "",
    )
    .await
    .unwrap();
    store::approval::ask(&mut tx, run.id, &plan).await.unwrap();
    tx.commit().await.unwrap();

    let view = bench.plane.run(&operator, run.id).await.unwrap();
    assert_eq!(
        view.waiting_for,
        "It waits for a yes to this plan: 1 Namespace would go."
    );
    assert!(view.may_terminate && !view.may_retry);
    assert!(
        !bench
            .plane
            .run(&actor(Role::Viewer), run.id)
            .await
            .unwrap()
            .may_terminate
    );
    let asked = bench.plane.approvals(&operator).await.unwrap().remove(0);
    let stale = bench
        .plane
        .decide(&operator, asked.id, "d0", true)
        .await
        .unwrap_err();
    assert!(
        matches!(&stale, PortError::Conflict(why) if why.contains("has changed")),
        "{stale:?}"
    );
    bench
        .plane
        .decide(&operator, asked.id, "d1", true)
        .await
        .unwrap();
    assert!(matches!(
        bench.plane.decide(&operator, asked.id, "d1", true).await,
        Err(PortError::Conflict(_))
    ));
    assert!(bench.plane.approvals(&operator).await.unwrap().is_empty());
    bench.plane.terminate(&operator, run.id).await.unwrap();
    bench.plane.terminate(&operator, run.id).await.unwrap();
    let ends = store::operation::pending(bench.store(), target)
        .await
        .unwrap();
    assert_eq!(
        ends.iter()
            .filter(|operation| operation.kind == OperationKind::Terminate)
            .count(),
        1
    );
}

#[tokio::test]
async fn taking_over_is_bound_to_what_was_shown() {
    let bench = Bench::new().await;
    let admin = actor(Role::Admin);
    let mut tx = bench.store().begin().await.unwrap();
    store::source::set_mode(&mut tx, bench.source, Mode::Observe)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    bench.define(&[App::new("cart", "prod-eu")]).await;
    let preview = bench
        .plane
        .take_over_preview(&admin, bench.source)
        .await
        .unwrap();
    assert_eq!(
        (preview.targets.len(), preview.targets[0].plan.is_none()),
        (1, true)
    );
    // Without an answer from the cluster nobody knows whether another controller is at work there.
    assert!(
        preview.refusals[0].contains("It cannot be told whether Argo CD on prod-eu"),
        "{:?}",
        preview.refusals
    );
    let refused = bench
        .plane
        .take_over(&admin, bench.source, &preview.digest)
        .await;
    assert!(
        matches!(refused, Err(PortError::Conflict(_))),
        "{refused:?}"
    );
    assert_eq!(
        store::source::get(bench.store(), bench.source)
            .await
            .unwrap()
            .mode,
        Mode::Observe
    );
}
