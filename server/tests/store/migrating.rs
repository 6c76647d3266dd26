//! Schema steps forward and back, on empty and on filled databases.

use crate::database::Db;
use crate::fixture::{at, commit, key, plan, revision, sync_of, target};
use lockstep_types::account::Role;
use lockstep_types::application::HoldKind;
use migrations::{Migrator, MigratorTrait};
use server::store::audit::Act;
use server::store::run::{self, NewRun};
use server::store::{SchemaState, approval, commit as commits, hold, inventory, operation, user};
use std::collections::BTreeSet;

on_both!(
    every_step_goes_back_and_forth,
    a_filled_database_goes_back_and_forth,
    two_starts_at_once_migrate_once,
);

fn steps() -> u32 {
    u32::try_from(Migrator::migrations().len()).unwrap()
}

async fn every_step_goes_back_and_forth(db: &Db) {
    for back in 1..=steps() {
        db.store.migrate_back(back).await.unwrap();
        let missing = usize::try_from(back).unwrap();
        match db.store.schema_state().await.unwrap() {
            SchemaState::Empty => assert_eq!(back, steps()),
            SchemaState::Behind { missing: names } => assert_eq!(names.len(), missing),
            other => panic!("{other:?} after going back {back}"),
        }
        assert_eq!(db.store.migrate().await.unwrap().len(), missing);
        assert_eq!(db.store.schema_state().await.unwrap(), SchemaState::Current);
    }
    assert!(
        db.store.migrate().await.unwrap().is_empty(),
        "nothing is left to do"
    );
}

async fn a_filled_database_goes_back_and_forth(db: &Db) {
    let target = target(&db.store).await;
    let mut tx = db.store.begin_at(at(1)).await.unwrap();
    let operation = operation::insert(&mut tx, &sync_of(target, Some("k")))
        .await
        .unwrap()
        .operation()
        .id;
    let new = NewRun {
        operation,
        target,
        fence: 1,
        revision: revision('b'),
        commit: None,
        started_by: lockstep_types::sync::StartedBy::AutoSync,
    };
    let run = run::create(&mut tx, &new).await.unwrap();
    run::put_plan(&mut tx, run.id, 1, &plan(target, "d"), "r")
        .await
        .unwrap();
    approval::ask(&mut tx, run.id, &plan(target, "d"))
        .await
        .unwrap();
    hold::insert(&mut tx, target, HoldKind::Both, "maria", "audit", at(100))
        .await
        .unwrap();
    inventory::write_ahead(&mut tx, target, &[(key("web"), "apps/v1".to_owned())])
        .await
        .unwrap();
    let touched = BTreeSet::from([lockstep_types::id::ApplicationId(
        server::store::target::get(&tx, target)
            .await
            .unwrap()
            .application
            .0,
    )]);
    commits::see(
        &mut tx,
        "https://git.example/shop.git",
        &[(commit('b', 1, "Bump"), touched)],
    )
    .await
    .unwrap();
    user::create(&mut tx, "maria", Role::Admin, None)
        .await
        .unwrap();
    tx.record(Act::unattended("lockstep", "seed", "everything"));
    tx.commit().await.unwrap();

    db.store.migrate_back(steps()).await.unwrap();
    assert_eq!(db.store.schema_state().await.unwrap(), SchemaState::Empty);
    db.store.migrate().await.unwrap();
    assert!(user::list(&db.store).await.unwrap().is_empty());
}

async fn two_starts_at_once_migrate_once(db: &Db) {
    db.store.migrate_back(steps()).await.unwrap();
    let other = server::store::Store::open(&db.url).await.unwrap();
    let (one, two) = tokio::join!(db.store.migrate(), other.migrate());
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.len() + two.len(), usize::try_from(steps()).unwrap());
    assert!(one.is_empty() || two.is_empty());
    other.close().await;
}
