//! Operations and runs: at most once, fenced, paged.

use crate::database::Db;
use crate::fixture::{at, key, operation, plan, revision, sync_of, target};
use lockstep_types::id::{OperationId, RunId, TargetId};
use lockstep_types::plan::{Action, PlanPhase};
use lockstep_types::sync::{OperationKind, StartedBy, StepOutcome, StepStatus, SyncPhase};
use serde_json::json;
use server::store::operation::{self as operations, Inserted, NewOperation};
use server::store::run::{self, NewRun, RunCounts};
use server::store::{Store, StoreError};

on_both!(
    a_key_starts_one_operation,
    an_operation_is_taken_once,
    a_run_lives,
    a_zombie_cannot_write,
    runs_page_without_gaps,
    counts_tell_what_happened,
);

async fn a_key_starts_one_operation(db: &Db) {
    let target = target(&db.store).await;
    // A hundred clicks at once.
    let mut clicks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let store = db.store.clone();
        clicks.spawn(async move {
            let mut tx = store.begin().await.unwrap();
            let inserted = operations::insert(&mut tx, &sync_of(target, Some("click")))
                .await
                .unwrap();
            tx.commit().await.unwrap();
            (
                inserted.operation().id,
                matches!(inserted, Inserted::New(_)),
            )
        });
    }
    let clicks = clicks.join_all().await;
    assert_eq!(clicks.iter().filter(|(_, new)| *new).count(), 1);
    assert!(clicks.iter().all(|(id, _)| *id == clicks[0].0));
    let mut tx = db.store.begin().await.unwrap();
    let other = NewOperation {
        kind: OperationKind::Refresh,
        ..sync_of(target, Some("click"))
    };
    assert!(matches!(
        operations::insert(&mut tx, &other).await,
        Err(StoreError::Conflict { .. })
    ));
    // Nor does a dry run stand for the sync, or the other way round.
    let dry = NewOperation {
        parameters: json!({"prune": true, "once": {"dry_run": true}}),
        ..sync_of(target, Some("click"))
    };
    assert!(matches!(
        operations::insert(&mut tx, &dry).await,
        Err(StoreError::Conflict { .. })
    ));
    let same = NewOperation {
        parameters: json!({"prune": true, "once": {}}),
        ..sync_of(target, Some("click"))
    };
    assert!(matches!(
        operations::insert(&mut tx, &same).await.unwrap(),
        Inserted::Known(_)
    ));
    let jon = NewOperation {
        actor: "jon".to_owned(),
        ..sync_of(target, Some("click"))
    };
    assert!(
        matches!(
            operations::insert(&mut tx, &jon).await.unwrap(),
            Inserted::New(_)
        ),
        "keys are each person's own"
    );
    for _ in 0..2 {
        assert!(matches!(
            operations::insert(&mut tx, &sync_of(target, None))
                .await
                .unwrap(),
            Inserted::New(_)
        ));
    }
    tx.commit().await.unwrap();
    assert_eq!(
        operations::pending(&db.store, target).await.unwrap().len(),
        4
    );
    assert_eq!(
        operations::targets_waiting(&db.store).await.unwrap(),
        [target]
    );
}

async fn an_operation_is_taken_once(db: &Db) {
    let target = target(&db.store).await;
    let id = operation(&db.store, target).await;
    let other = Store::open(&db.url).await.unwrap();
    let mut takers = tokio::task::JoinSet::new();
    for number in 0..10 {
        let store = if number % 2 == 0 {
            db.store.clone()
        } else {
            other.clone()
        };
        takers.spawn(async move {
            let mut tx = store.begin_at(at(number)).await.unwrap();
            let taken = operations::take(&mut tx, id).await.unwrap();
            tx.commit().await.unwrap();
            taken
        });
    }
    assert_eq!(
        takers
            .join_all()
            .await
            .into_iter()
            .filter(|taken| *taken)
            .count(),
        1
    );
    assert!(
        operations::pending(&db.store, target)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        operations::unfinished(&db.store).await.unwrap()[0].id,
        id,
        "a restart finds it"
    );
    let mut tx = db.store.begin_at(at(20)).await.unwrap();
    assert!(operations::end(&mut tx, id, "done").await.unwrap());
    assert!(!operations::end(&mut tx, id, "again").await.unwrap());
    assert!(!operations::take(&mut tx, id).await.unwrap());
    tx.commit().await.unwrap();
    let row = operations::get(&db.store, id).await.unwrap();
    assert_eq!(
        (
            row.ended_at,
            row.message.as_str(),
            row.parameters["prune"].as_bool()
        ),
        (Some(at(20)), "done", Some(true))
    );
    assert!(operations::unfinished(&db.store).await.unwrap().is_empty());
    other.close().await;
}

fn new(operation: OperationId, target: TargetId) -> NewRun {
    NewRun {
        operation,
        target,
        fence: 7,
        revision: revision('b'),
        commit: Some(crate::fixture::commit('b', 0, "Bump")),
        started_by: StartedBy::Person("maria".to_owned()),
    }
}

async fn begin(db: &Db, second: i64, new: &NewRun) -> RunId {
    let mut tx = db.store.begin_at(at(second)).await.unwrap();
    let run = run::create(&mut tx, new).await.unwrap();
    tx.commit().await.unwrap();
    run.id
}

async fn finish(db: &Db, second: i64, id: RunId, phase: SyncPhase) {
    let mut tx = db.store.begin_at(at(second)).await.unwrap();
    run::finish(&mut tx, id, 7, phase, "").await.unwrap();
    tx.commit().await.unwrap();
}

fn outcome(index: u32, status: StepStatus) -> StepOutcome {
    StepOutcome {
        index,
        key: key(&format!("web-{index}")),
        action: Action::Skip("not now".to_owned()),
        status,
        message: String::new(),
        started_at: Some(at(3)),
        ended_at: None,
        phase: PlanPhase::PostSync,
        wave: -1,
        uid: Some("0a1b".to_owned()),
    }
}

async fn a_run_lives(db: &Db) {
    let target = target(&db.store).await;
    let operation = operation(&db.store, target).await;
    assert_eq!(
        run::newest_of_operation(&db.store, operation)
            .await
            .unwrap(),
        None
    );
    let id = begin(db, 1, &new(operation, target)).await;
    assert_eq!(run::open(&db.store).await.unwrap()[0].id, id);
    let mut tx = db.store.begin_at(at(2)).await.unwrap();
    assert!(
        run::set_phase(&mut tx, id, 7, SyncPhase::Pending, SyncPhase::Planning, "")
            .await
            .unwrap()
    );
    assert!(
        !run::set_phase(&mut tx, id, 7, SyncPhase::Pending, SyncPhase::Planning, "")
            .await
            .unwrap()
    );
    run::put_plan(&mut tx, id, 7, &plan(target, "d1"), "render")
        .await
        .unwrap();
    run::put_plan(&mut tx, id, 7, &plan(target, "d1"), "render")
        .await
        .unwrap();
    assert!(matches!(
        run::put_plan(&mut tx, id, 7, &plan(target, "d2"), "r").await,
        Err(StoreError::Conflict { .. })
    ));
    let waiting: Vec<_> = (0..700)
        .map(|index| outcome(index, StepStatus::Waiting))
        .collect();
    run::put_steps(&mut tx, id, 7, &waiting).await.unwrap();
    run::put_steps(&mut tx, id, 7, &[outcome(1, StepStatus::Done)])
        .await
        .unwrap();
    assert!(
        run::set_phase(&mut tx, id, 7, SyncPhase::Planning, SyncPhase::Failed, "")
            .await
            .is_err()
    );
    assert!(
        run::finish(&mut tx, id, 7, SyncPhase::Applying, "")
            .await
            .is_err()
    );
    tx.commit().await.unwrap();

    assert_eq!(
        run::plan(&db.store, id).await.unwrap(),
        Some(plan(target, "d1"))
    );
    let steps = run::steps(&db.store, id).await.unwrap();
    assert_eq!(steps.len(), 700);
    assert_eq!(steps[1], outcome(1, StepStatus::Done));
    finish(db, 9, id, SyncPhase::Succeeded).await;
    let summary = run::summary(&db.store, id).await.unwrap();
    assert_eq!(
        (summary.phase, summary.ended_at, summary.counts.create),
        (SyncPhase::Succeeded, Some(at(9)), 1)
    );
    assert_eq!(
        (
            summary.target.cluster.as_str(),
            summary.commit.map(|commit| commit.subject)
        ),
        ("eu", Some("Bump".to_owned()))
    );
    assert!(
        run::active_of_target(&db.store, target)
            .await
            .unwrap()
            .is_none()
    );
    let again = begin(db, 10, &new(operation, target)).await;
    let newest = run::newest_of_operation(&db.store, operation)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((newest.id, newest.attempt), (again, 2));
}

async fn a_zombie_cannot_write(db: &Db) {
    let target = target(&db.store).await;
    let operation = operation(&db.store, target).await;
    let id = begin(db, 1, &new(operation, target)).await;
    let mut tx = db.store.begin().await.unwrap();
    assert!(matches!(
        run::take_over(&mut tx, id, 7).await,
        Err(StoreError::Stale { .. })
    ));
    assert_eq!(run::take_over(&mut tx, id, 8).await.unwrap().fence, 8);
    tx.commit().await.unwrap();
    let mut tx = db.store.begin().await.unwrap();
    let refusals = [
        run::set_phase(&mut tx, id, 7, SyncPhase::Pending, SyncPhase::Planning, "")
            .await
            .map(|_| ()),
        run::put_steps(&mut tx, id, 7, &[outcome(0, StepStatus::Done)]).await,
        run::put_plan(&mut tx, id, 7, &plan(target, "d"), "r").await,
        run::finish(&mut tx, id, 7, SyncPhase::Succeeded, "").await,
    ];
    for refused in refusals {
        assert!(
            matches!(
                refused,
                Err(StoreError::Stale {
                    have: 8,
                    given: 7,
                    ..
                })
            ),
            "{refused:?}"
        );
    }
    run::finish(
        &mut tx,
        id,
        8,
        SyncPhase::Interrupted,
        "the server was restarted",
    )
    .await
    .unwrap();
    let ended = run::finish(&mut tx, id, 8, SyncPhase::Succeeded, "")
        .await
        .unwrap_err();
    assert!(
        ended.to_string().contains("it has ended as Interrupted"),
        "{ended}"
    );
    tx.commit().await.unwrap();
}

async fn runs_page_without_gaps(db: &Db) {
    let target = target(&db.store).await;
    let mut begun = Vec::new();
    // Five in one and the same write, so all at one time.
    let mut tx = db.store.begin_at(at(1)).await.unwrap();
    for _ in 0..5 {
        let operation = operations::insert(&mut tx, &sync_of(target, None))
            .await
            .unwrap()
            .operation()
            .id;
        begun.push(
            run::create(&mut tx, &new(operation, target))
                .await
                .unwrap()
                .id,
        );
    }
    tx.commit().await.unwrap();
    for second in 2..10 {
        let operation = operation(&db.store, target).await;
        begun.push(begin(db, second, &new(operation, target)).await);
    }
    begun.reverse();
    for of_target in [true, false] {
        let (mut paged, mut before) = (Vec::new(), None);
        loop {
            let page = if of_target {
                run::of_target(&db.store, target, before, 4).await.unwrap()
            } else {
                run::page(&db.store, before, 4).await.unwrap()
            };
            let Some(last) = page.last() else { break };
            before = Some(last.started_at);
            paged.extend(page.into_iter().map(|run| run.id));
        }
        assert_eq!(paged, begun, "of one target: {of_target}");
    }
    assert_eq!(
        run::of_revision(&db.store, &revision('b'), 100)
            .await
            .unwrap()
            .len(),
        13
    );
}

async fn counts_tell_what_happened(db: &Db) {
    let target = target(&db.store).await;
    for (second, started_by, phase) in [
        (1, StartedBy::AutoSync, SyncPhase::Succeeded),
        (10, StartedBy::AutoSync, SyncPhase::Succeeded),
        (11, StartedBy::SelfHeal, SyncPhase::Succeeded),
        (
            12,
            StartedBy::Rollback("maria".to_owned()),
            SyncPhase::Succeeded,
        ),
        (13, StartedBy::AutoSync, SyncPhase::Failed),
        (14, StartedBy::AutoSync, SyncPhase::Superseded),
    ] {
        let operation = operation(&db.store, target).await;
        let id = begin(
            db,
            second,
            &NewRun {
                started_by,
                ..new(operation, target)
            },
        )
        .await;
        finish(db, second, id, phase).await;
    }
    // A dry run and a sync of one object are neither syncs nor failures of the target.
    for (second, once, phase) in [
        (15, json!({"dry_run": true}), SyncPhase::Failed),
        (16, json!({"labels": {"app": "cart"}}), SyncPhase::Succeeded),
    ] {
        let mut tx = db.store.begin_at(at(0)).await.unwrap();
        let asked = NewOperation {
            parameters: json!({"once": once}),
            ..sync_of(target, None)
        };
        let asked = operations::insert(&mut tx, &asked).await.unwrap();
        tx.commit().await.unwrap();
        let asked = new(asked.operation().id, target);
        let id = begin(db, second, &asked).await;
        finish(db, second, id, phase).await;
    }
    let counts = run::counts_since(&db.store, at(5)).await.unwrap();
    assert_eq!(
        counts,
        RunCounts {
            syncs: 1,
            failures: 1,
            heals: 1,
            rollbacks: 1,
            more: false,
        }
    );
}
