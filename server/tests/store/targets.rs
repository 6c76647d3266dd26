//! The state of targets: one writer, intervals over time, summaries.

use crate::database::Db;
use crate::fixture::{applications, at, operation, revision, target};
use lockstep_types::application::HoldKind;
use lockstep_types::diff::SyncStatus;
use lockstep_types::event::EventKind;
use lockstep_types::health::{Health, HealthStatus};
use lockstep_types::id::TargetId;
use lockstep_types::source::Mode;
use lockstep_types::sync::{StartedBy, SyncPhase};
use server::store::run::{self, NewRun};
use server::store::status::{self, Axis};
use server::store::target::{Deployed, TargetState, Which};
use server::store::{StoreError, application, event, hold, pin, target as targets};

on_both!(
    a_stale_writer_is_refused,
    intervals_follow_the_state,
    the_last_good_revision_is_known,
    comparisons_are_noted_without_events,
    summaries_say_what_runs_and_what_holds,
    ensuring_twice_makes_one,
    an_untouched_verdict_is_carried_over,
);

fn state(sync: SyncStatus, health: HealthStatus, digit: char) -> TargetState {
    TargetState {
        sync,
        health: Health::new(health, ""),
        revision: Some(revision(digit)),
        render_key: Some(format!("render-{digit}")),
        objects: 3,
        ..TargetState::unknown()
    }
}

async fn record(
    db: &Db,
    id: TargetId,
    generation: u64,
    second: i64,
    new: &TargetState,
) -> Result<bool, StoreError> {
    let mut tx = db.store.begin_at(at(second)).await?;
    let changed = targets::record(&mut tx, id, generation, new).await?;
    tx.commit().await?;
    Ok(changed)
}

async fn claim(db: &Db, id: TargetId) -> u64 {
    let mut tx = db.store.begin().await.unwrap();
    let generation = targets::claim(&mut tx, id).await.unwrap();
    tx.commit().await.unwrap();
    generation
}

async fn a_stale_writer_is_refused(db: &Db) {
    let id = target(&db.store).await;
    let older = claim(db, id).await;
    let newer = claim(db, id).await;
    assert!(newer > older);
    let good = state(SyncStatus::Synced, HealthStatus::Healthy, 'a');
    assert!(record(db, id, newer, 1, &good).await.unwrap());
    let bad = state(SyncStatus::OutOfSync, HealthStatus::Degraded, 'b');
    let refused = record(db, id, older, 2, &bad).await.unwrap_err();
    assert!(
        matches!(
            refused,
            StoreError::Stale {
                have: 2,
                given: 1,
                ..
            }
        ),
        "{refused}"
    );
    assert_eq!(targets::get(&db.store, id).await.unwrap().state, good);
    let mut tx = db.store.begin().await.unwrap();
    let deployed = Deployed {
        revision: revision('b'),
        render_key: "r".to_owned(),
        images: Vec::new(),
    };
    assert!(matches!(
        targets::set_deployed(&mut tx, id, older, &deployed).await,
        Err(StoreError::Stale { .. })
    ));
    assert!(
        targets::require_generation(&mut tx, id, older)
            .await
            .is_err()
    );
    targets::require_generation(&mut tx, id, newer)
        .await
        .unwrap();
    let nobody = TargetId(uuid::Uuid::nil());
    assert!(matches!(
        targets::require_generation(&mut tx, nobody, 0).await,
        Err(StoreError::NotFound { .. })
    ));
}

async fn intervals_follow_the_state(db: &Db) {
    let id = target(&db.store).await;
    let generation = claim(db, id).await;
    let synced = state(SyncStatus::Synced, HealthStatus::Healthy, 'a');
    assert!(record(db, id, generation, 10, &synced).await.unwrap());
    let head = event::head(&db.store).await.unwrap();
    assert!(
        !record(db, id, generation, 15, &synced).await.unwrap(),
        "nothing differs"
    );
    assert_eq!(
        event::head(&db.store).await.unwrap(),
        head,
        "and nobody is told"
    );
    let degraded = state(SyncStatus::Synced, HealthStatus::Degraded, 'a');
    assert!(record(db, id, generation, 20, &degraded).await.unwrap());
    let told = event::after(&db.store, head, 10).await.unwrap();
    assert_eq!(
        told.iter().map(|event| event.kind).collect::<Vec<_>>(),
        [EventKind::Changed]
    );
    assert!(
        record(
            db,
            id,
            generation,
            30,
            &state(SyncStatus::OutOfSync, HealthStatus::Degraded, 'b')
        )
        .await
        .unwrap()
    );

    let all = status::list(&db.store, id, at(0), at(100)).await.unwrap();
    let of = |axis: Axis| -> Vec<(String, _, _)> {
        let on_axis = all.iter().filter(|interval| interval.axis == axis);
        on_axis
            .map(|interval| (interval.value.clone(), interval.from, interval.to))
            .collect()
    };
    assert_eq!(
        of(Axis::Sync),
        [
            ("Unknown".to_owned(), at(0), Some(at(10))),
            ("Synced".to_owned(), at(10), Some(at(30))),
            ("OutOfSync".to_owned(), at(30), None),
        ]
    );
    assert_eq!(
        of(Axis::Health),
        [
            ("Unknown".to_owned(), at(0), Some(at(10))),
            ("Healthy".to_owned(), at(10), Some(at(20))),
            ("Degraded".to_owned(), at(20), None),
        ]
    );
    assert_eq!(
        of(Axis::Revision),
        [
            (revision('a').0, at(10), Some(at(30))),
            (revision('b').0, at(30), None)
        ]
    );

    let then = status::at(&db.store, at(15), None).await.unwrap();
    let mut then: Vec<_> = then
        .iter()
        .map(|interval| interval.value.as_str())
        .collect();
    then.sort_unstable();
    assert_eq!(then, ["Healthy", "Synced", revision('a').0.as_str()]);
    assert_eq!(
        status::list(&db.store, id, at(21), at(29))
            .await
            .unwrap()
            .len(),
        3,
        "only what touches the range"
    );

    // A clock that goes back must not make intervals overlap.
    assert!(record(db, id, generation, 25, &synced).await.unwrap());
    let last = status::list(&db.store, id, at(0), at(100))
        .await
        .unwrap()
        .pop()
        .unwrap();
    assert!(last.from > at(30) && last.to.is_none());
}

async fn the_last_good_revision_is_known(db: &Db) {
    let id = target(&db.store).await;
    let generation = claim(db, id).await;
    for (second, sync, health, digit) in [
        (1, SyncStatus::Synced, HealthStatus::Healthy, 'a'),
        (2, SyncStatus::OutOfSync, HealthStatus::Healthy, 'b'),
        (3, SyncStatus::Synced, HealthStatus::Progressing, 'b'),
        (4, SyncStatus::Synced, HealthStatus::Healthy, 'b'),
        (5, SyncStatus::OutOfSync, HealthStatus::Healthy, 'c'),
        (6, SyncStatus::Synced, HealthStatus::Degraded, 'c'),
    ] {
        record(db, id, generation, second, &state(sync, health, digit))
            .await
            .unwrap();
    }
    let last = status::last_good(&db.store, id, None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (last.revision, last.good_at, last.render_key.as_deref()),
        (revision('b'), Some(at(4)), Some("render-b"))
    );
    let before = status::last_good(&db.store, id, Some(&revision('b')))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(before.revision, revision('a'));
    let all = status::revisions(&db.store, id, 10).await.unwrap();
    assert_eq!(
        all.iter()
            .map(|row| row.revision.clone())
            .collect::<Vec<_>>(),
        [revision('c'), revision('b'), revision('a')]
    );
    assert_eq!(
        status::revision(&db.store, id, &revision('c'))
            .await
            .unwrap()
            .unwrap()
            .good_at,
        None
    );
}

async fn comparisons_are_noted_without_events(db: &Db) {
    let id = target(&db.store).await;
    let head = event::head(&db.store).await.unwrap();
    targets::touch_compared(&db.store, &[(id, at(50))])
        .await
        .unwrap();
    targets::touch_compared(&db.store, &[(id, at(40))])
        .await
        .unwrap();
    assert_eq!(
        targets::get(&db.store, id).await.unwrap().last_compared,
        Some(at(50)),
        "never back"
    );
    assert_eq!(event::head(&db.store).await.unwrap(), head);
    targets::touch_compared(&db.store, &[]).await.unwrap();
}

async fn summaries_say_what_runs_and_what_holds(db: &Db) {
    let (source, ids) = applications(&db.store, &["shop", "cart"]).await;
    let mut tx = db.store.begin_at(at(1)).await.unwrap();
    let shop_eu = targets::ensure(&mut tx, ids[0], "eu", Mode::Managed)
        .await
        .unwrap()
        .id;
    let shop_us = targets::ensure(&mut tx, ids[0], "us", Mode::Managed)
        .await
        .unwrap()
        .id;
    targets::ensure(&mut tx, ids[1], "eu", Mode::Observe)
        .await
        .unwrap();
    hold::insert(&mut tx, shop_us, HoldKind::Both, "maria", "audit", at(100))
        .await
        .unwrap();
    pin::insert(&mut tx, shop_eu, &revision('a'), "jon", "broken", at(100))
        .await
        .unwrap();
    let generation = targets::claim(&mut tx, shop_eu).await.unwrap();
    let images = vec!["shop:1.2".to_owned()];
    let deployed = Deployed {
        revision: revision('a'),
        render_key: "r".to_owned(),
        images: images.clone(),
    };
    targets::set_deployed(&mut tx, shop_eu, generation, &deployed)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let operation = operation(&db.store, shop_eu).await;
    let mut tx = db.store.begin_at(at(2)).await.unwrap();
    let new = NewRun {
        operation,
        target: shop_eu,
        fence: 1,
        revision: revision('b'),
        commit: None,
        started_by: StartedBy::AutoSync,
    };
    let run = run::create(&mut tx, &new).await.unwrap().id;
    tx.commit().await.unwrap();

    let all = targets::summaries(&db.store, &Which::All).await.unwrap();
    let places: Vec<_> = all
        .iter()
        .map(|row| {
            (
                row.target.application.name.as_str(),
                row.target.cluster.as_str(),
            )
        })
        .collect();
    assert_eq!(places, [("cart", "eu"), ("shop", "eu"), ("shop", "us")]);
    let eu = &all[1];
    assert_eq!(
        (eu.running, eu.phase, &eu.images, &eu.deployed),
        (
            Some(run),
            Some(SyncPhase::Pending),
            &images,
            &Some(revision('a'))
        )
    );
    assert_eq!(eu.pin.as_ref().map(|pin| pin.owner.as_str()), Some("jon"));
    assert_eq!(
        all[2].hold.as_ref().map(|hold| hold.reason.as_str()),
        Some("audit")
    );
    for (which, count) in [
        (Which::Cluster("eu".to_owned()), 2),
        (Which::Applications(vec![ids[0]]), 2),
        (Which::Source(source), 3),
        (Which::These(vec![shop_us]), 1),
        (Which::Applications(Vec::new()), 0),
    ] {
        assert_eq!(
            targets::summaries(&db.store, &which).await.unwrap().len(),
            count,
            "{which:?}"
        );
    }
    // Gone from Git: no longer in the fleet, still to be had by its link.
    let mut tx = db.store.begin_at(at(3)).await.unwrap();
    application::reconcile(&mut tx, source, &revision('b'), &[])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(
        targets::summaries(&db.store, &Which::All)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        targets::summary(&db.store, shop_us)
            .await
            .unwrap()
            .target
            .cluster,
        "us"
    );
}

async fn ensuring_twice_makes_one(db: &Db) {
    let id = target(&db.store).await;
    let row = targets::get(&db.store, id).await.unwrap();
    let mut tx = db.store.begin().await.unwrap();
    let again = targets::ensure(&mut tx, row.application, "eu", Mode::Observe)
        .await
        .unwrap();
    assert_eq!(again, row, "the mode of a target that is there stays");
    assert_eq!(targets::id_of(row.application, "eu"), id);
    assert_eq!(tx.commit().await.unwrap(), 0);
    let mut tx = db.store.begin().await.unwrap();
    let nobody = lockstep_types::id::ApplicationId(uuid::Uuid::nil());
    assert!(
        targets::ensure(&mut tx, nobody, "eu", Mode::Observe)
            .await
            .is_err(),
        "a target needs its application"
    );
}

async fn an_untouched_verdict_is_carried_over(db: &Db) {
    let (_, ids) = applications(&db.store, &["fine", "drifted", "pinned", "elsewhere"]).await;
    let mut made = Vec::new();
    for (application, sync) in ids.iter().zip([
        SyncStatus::Synced,
        SyncStatus::OutOfSync,
        SyncStatus::Synced,
        SyncStatus::Synced,
    ]) {
        let mut tx = db.store.begin_at(at(0)).await.unwrap();
        let id = targets::ensure(&mut tx, *application, "eu", Mode::Managed)
            .await
            .unwrap()
            .id;
        let generation = targets::claim(&mut tx, id).await.unwrap();
        let deployed = Deployed {
            revision: revision('a'),
            render_key: "render-a".to_owned(),
            images: Vec::new(),
        };
        targets::set_deployed(&mut tx, id, generation, &deployed)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let digit = if made.len() == 3 { 'c' } else { 'a' };
        record(
            db,
            id,
            generation,
            1,
            &state(sync, HealthStatus::Healthy, digit),
        )
        .await
        .unwrap();
        made.push(id);
    }
    let mut tx = db.store.begin_at(at(2)).await.unwrap();
    let until = at(1000);
    pin::insert(&mut tx, made[2], &revision('a'), "maria", "wait", until)
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let mut tx = db.store.begin_at(at(3)).await.unwrap();
    let carried = targets::carry(&mut tx, &made, &revision('a'), &revision('b'))
        .await
        .unwrap();
    assert!(tx.commit().await.unwrap() > 0, "pages are told");
    assert_eq!(carried, [(made[0], true)]);
    let row = targets::get(&db.store, made[0]).await.unwrap();
    assert_eq!(row.state.revision, Some(revision('b')));
    assert_eq!(row.state.render_key.as_deref(), Some("render-a"));
    assert_eq!(row.deployed, Some(revision('b')));
    for id in &made[1..3] {
        let row = targets::get(&db.store, *id).await.unwrap();
        assert_eq!(row.state.revision, Some(revision('a')));
    }
    let good = status::revision(&db.store, made[0], &revision('b'))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(good.good_at, Some(at(3)));
    let open: Vec<String> = status::at(&db.store, at(4), None)
        .await
        .unwrap()
        .into_iter()
        .filter(|interval| interval.target == made[0] && interval.axis == Axis::Revision)
        .map(|interval| interval.value)
        .collect();
    assert_eq!(open, [revision('b').0]);
}
