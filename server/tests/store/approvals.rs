//! What waits for a person: approvals, holds, pins.

use crate::database::Db;
use crate::fixture::{at, commit, operation, plan, revision, target};
use lockstep_types::application::{HoldKind, TargetRef};
use lockstep_types::ask::AskWay;
use lockstep_types::id::{RunId, TargetId, UserId};
use lockstep_types::plan::GateFinding;
use lockstep_types::rollback::RollbackPreview;
use lockstep_types::sync::StartedBy;
use server::store::ask::{self, NewAsk};
use server::store::run::{self, NewRun};
use server::store::{StoreError, approval, hold, pin, target as targets};
use std::collections::BTreeSet;

on_both!(
    a_yes_is_for_one_use_of_one_plan,
    a_newer_plan_withdraws_the_question,
    a_hold_ends_by_a_person,
    a_pin_ends_by_a_person,
    a_rollback_is_asked_and_decided_once_in_time,
);

async fn run_of(db: &Db, target: TargetId) -> RunId {
    let operation = operation(&db.store, target).await;
    let mut tx = db.store.begin_at(at(1)).await.unwrap();
    let new = NewRun {
        operation,
        target,
        fence: 1,
        revision: revision('b'),
        commit: None,
        started_by: StartedBy::AutoSync,
    };
    let run = run::create(&mut tx, &new).await.unwrap().id;
    tx.commit().await.unwrap();
    run
}

async fn a_yes_is_for_one_use_of_one_plan(db: &Db) {
    let target = target(&db.store).await;
    let run = run_of(db, target).await;
    let mut gated = plan(target, "d1");
    gated.gate = vec![GateFinding {
        rule: "G2".to_owned(),
        message: "empty".to_owned(),
        objects: Vec::new(),
    }];
    let mut tx = db.store.begin_at(at(2)).await.unwrap();
    let id = approval::ask(&mut tx, run, &gated).await.unwrap();
    assert_eq!(
        approval::ask(&mut tx, run, &gated).await.unwrap(),
        id,
        "asked once"
    );
    tx.commit().await.unwrap();
    let waiting = approval::waiting(&db.store).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(
        (
            waiting[0].gate.clone(),
            waiting[0].counts.create,
            waiting[0].run
        ),
        (gated.gate, 1, run)
    );

    let mut tx = db.store.begin_at(at(3)).await.unwrap();
    assert!(
        !approval::use_up(&mut tx, target, "d1", run).await.unwrap(),
        "nobody has said yes"
    );
    let other = approval::decide(&mut tx, id, "d2", true, "maria")
        .await
        .unwrap_err();
    assert!(
        other
            .to_string()
            .contains("it has changed since it was shown"),
        "{other}"
    );
    approval::decide(&mut tx, id, "d1", true, "maria")
        .await
        .unwrap();
    let again = approval::decide(&mut tx, id, "d1", false, "jon")
        .await
        .unwrap_err();
    assert!(
        again
            .to_string()
            .contains("it was approved by maria already"),
        "{again}"
    );
    assert!(!approval::use_up(&mut tx, target, "d2", run).await.unwrap());
    tx.commit().await.unwrap();
    // Two at once: one gets it.
    let mut users = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let store = db.store.clone();
        users.spawn(async move {
            let mut tx = store.begin().await.unwrap();
            let used = approval::use_up(&mut tx, target, "d1", run).await.unwrap();
            tx.commit().await.unwrap();
            used
        });
    }
    assert_eq!(
        users
            .join_all()
            .await
            .into_iter()
            .filter(|used| *used)
            .count(),
        1
    );
    assert!(approval::waiting(&db.store).await.unwrap().is_empty());
    let row = approval::of_run(&db.store, run).await.unwrap().unwrap();
    assert_eq!(
        (row.yes, row.decided_by.as_deref(), row.used_at.is_some()),
        (Some(true), Some("maria"), true)
    );
}

async fn a_newer_plan_withdraws_the_question(db: &Db) {
    let target = target(&db.store).await;
    let run = run_of(db, target).await;
    let mut tx = db.store.begin_at(at(2)).await.unwrap();
    let old = approval::ask(&mut tx, run, &plan(target, "d1"))
        .await
        .unwrap();
    approval::decide(&mut tx, old, "d1", true, "maria")
        .await
        .unwrap();
    approval::ask(&mut tx, run, &plan(target, "d2"))
        .await
        .unwrap();
    assert!(
        !approval::use_up(&mut tx, target, "d1", run).await.unwrap(),
        "an unused yes is void as well"
    );
    assert!(matches!(
        approval::decide(&mut tx, old, "d1", true, "jon").await,
        Err(StoreError::Conflict { .. })
    ));
    tx.commit().await.unwrap();
    let waiting = approval::waiting(&db.store).await.unwrap();
    assert_eq!(
        waiting
            .iter()
            .map(|view| view.digest.as_str())
            .collect::<Vec<_>>(),
        ["d2"]
    );
    let mut tx = db.store.begin().await.unwrap();
    assert_eq!(approval::withdraw(&mut tx, target).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert!(approval::waiting(&db.store).await.unwrap().is_empty());
}

async fn a_hold_ends_by_a_person(db: &Db) {
    let target = target(&db.store).await;
    let mut tx = db.store.begin_at(at(1)).await.unwrap();
    let first = hold::insert(&mut tx, target, HoldKind::Both, "maria", "audit", at(50))
        .await
        .unwrap();
    let second = hold::insert(&mut tx, target, HoldKind::Both, "jon", "longer", at(100))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        hold::unended_of(&db.store, target)
            .await
            .unwrap()
            .map(|hold| hold.id),
        Some(second.id)
    );
    assert!(hold::over(&db.store, at(99)).await.unwrap().is_empty());
    let mut tx = db.store.begin_at(at(60)).await.unwrap();
    hold::expire(&mut tx, second.id).await.unwrap();
    assert_eq!(hold::over(&tx, at(60)).await.unwrap().len(), 1);
    tx.roll_back().await.unwrap();
    assert_eq!(
        hold::over(&db.store, at(100)).await.unwrap(),
        [(target, second.clone())]
    );
    let mut tx = db.store.begin_at(at(101)).await.unwrap();
    hold::set_ended_waiting(&mut tx, second.id).await.unwrap();
    assert!(
        !hold::end(&mut tx, first.id, "jon").await.unwrap(),
        "the second one ended it"
    );
    tx.commit().await.unwrap();
    assert!(
        hold::over(&db.store, at(200)).await.unwrap().is_empty(),
        "it was looked at"
    );
    let summary = targets::summary(&db.store, target).await.unwrap();
    assert!(
        summary.hold.is_some_and(|hold| hold.ended_waiting),
        "it shows until a person says yes"
    );
    let mut tx = db.store.begin_at(at(201)).await.unwrap();
    assert!(hold::end(&mut tx, second.id, "maria").await.unwrap());
    assert!(tx.commit().await.unwrap() > 0, "pages are told");
    assert_eq!(hold::unended_of(&db.store, target).await.unwrap(), None);
}

async fn a_pin_ends_by_a_person(db: &Db) {
    let target = target(&db.store).await;
    let mut tx = db.store.begin_at(at(1)).await.unwrap();
    let made = pin::insert(&mut tx, target, &revision('c'), "maria", "broken", at(50))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let mut tx = db.store.begin_at(at(2)).await.unwrap();
    pin::set_behind(&mut tx, made.id, 3).await.unwrap();
    assert!(tx.commit().await.unwrap() > 0);
    let mut tx = db.store.begin_at(at(3)).await.unwrap();
    pin::set_behind(&mut tx, made.id, 3).await.unwrap();
    assert_eq!(tx.commit().await.unwrap(), 0);
    let found = pin::unended_of(&db.store, target).await.unwrap().unwrap();
    assert_eq!(
        (found.revision, found.behind, found.until),
        (revision('c'), 3, at(50))
    );
    assert_eq!(pin::over(&db.store, at(60)).await.unwrap().len(), 1);
    let mut tx = db.store.begin_at(at(20)).await.unwrap();
    pin::expire(&mut tx, made.id).await.unwrap();
    tx.commit().await.unwrap();
    let over = pin::over(&db.store, at(20)).await.unwrap();
    assert_eq!(
        over[0].1.until,
        at(20),
        "ended early by hand, and still there to be looked at"
    );
    let mut tx = db.store.begin_at(at(61)).await.unwrap();
    pin::expire(&mut tx, made.id).await.unwrap();
    assert_eq!(
        pin::get(&tx, made.id).await.unwrap().1.until,
        at(20),
        "never later than it was"
    );
    pin::set_ended_waiting(&mut tx, made.id).await.unwrap();
    assert!(pin::end(&mut tx, made.id, "maria").await.unwrap());
    tx.commit().await.unwrap();
    assert!(pin::unended(&db.store).await.unwrap().is_empty());
}

fn preview(target: TargetRef) -> RollbackPreview {
    RollbackPreview {
        to: commit('a', 1, "old"),
        target,
        head: revision('b'),
        first_line: "one target".to_owned(),
        branch: "main".to_owned(),
        files: Vec::new(),
        patch: "+x".to_owned(),
        message: String::new(),
        targets: Vec::new(),
        undone: Vec::new(),
        cannot_undo: Vec::new(),
        commit_refused: String::new(),
        undo: false,
        conflicts: Vec::new(),
        obstacles: Vec::new(),
        second_person: vec!["shop".to_owned()],
        signed_with: String::new(),
        signature_refused: String::new(),
        digest: "shown".to_owned(),
    }
}

async fn a_rollback_is_asked_and_decided_once_in_time(db: &Db) {
    let target = target(&db.store).await;
    let of = targets::refs(&db.store, &BTreeSet::from([target]))
        .await
        .unwrap();
    let preview = preview(of[&target].clone());
    let jon = UserId(uuid::Uuid::from_u128(1));
    let to = revision('a');
    let new = |reason| NewAsk {
        way: AskWay::Commit,
        to: &to,
        digest: "shown",
        hours: 0,
        reason,
        overrides: &[],
        projects: &[],
        by: ("jon", jon),
        preview: &preview,
        until: at(100),
    };
    let mut tx = db.store.begin_at(at(1)).await.unwrap();
    let (id, _) = ask::ask(&mut tx, target, &new("x")).await.unwrap();
    assert_eq!(ask::ask(&mut tx, target, &new("x")).await.unwrap().0, id);
    let (other, _) = ask::ask(&mut tx, target, &new("y")).await.unwrap();
    assert_ne!(other, id);
    tx.commit().await.unwrap();
    let waiting = ask::waiting(&db.store, at(99)).await.unwrap();
    assert_eq!(waiting.len(), 2);
    assert_eq!((waiting[0].0.ask.id, &waiting[0].1), (id, &preview));
    assert!(ask::waiting(&db.store, at(100)).await.unwrap().is_empty());

    let decide = async |id, second, digest, yes| {
        let mut tx = db.store.begin_at(at(second)).await.unwrap();
        ask::decide(&mut tx, id, digest, (yes, "lena"), "").await?;
        tx.commit().await.map(|_| ())
    };
    let conflict = |answer: Result<(), StoreError>, says: &str| {
        let error = answer.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    };
    conflict(decide(id, 2, "other", true).await, "another one");
    conflict(decide(other, 100, "shown", true).await, "time was over");
    decide(id, 2, "shown", true).await.unwrap();
    conflict(
        decide(id, 3, "shown", false).await,
        "approved by lena already",
    );
    let row = ask::get(&db.store, id).await.unwrap();
    assert_eq!((row.yes, row.by), (Some(true), jon));
    assert_eq!(ask::waiting(&db.store, at(3)).await.unwrap().len(), 1);

    // What was shown goes with the time of the other one, and its record stays.
    let go = async |second| ask::let_previews_go(&db.store, at(second)).await.unwrap();
    assert_eq!(go(99).await, 0);
    assert_eq!(ask::waiting(&db.store, at(3)).await.unwrap().len(), 1);
    assert_eq!((go(100).await, go(101).await), (1, 0));
    assert_eq!(ask::get(&db.store, other).await.unwrap().ask.reason, "y");
}
