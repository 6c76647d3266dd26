//! The event log: order, visibility, pruning.

use crate::database::Db;
use crate::fixture::at;
use lockstep_types::event::{EventKind, Subject};
use server::store::event;

on_both!(
    a_reader_after_seq_loses_nothing_under_concurrent_writers,
    nothing_of_a_dropped_write_is_told,
    the_same_subject_is_told_once_per_write,
    pruning_keeps_the_newest_and_tells_who_is_too_late,
);

fn cluster(name: impl std::fmt::Display) -> Subject {
    Subject::Cluster(name.to_string())
}

async fn a_reader_after_seq_loses_nothing_under_concurrent_writers(db: &Db) {
    const WRITERS: usize = 12;
    const EACH: usize = 15;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = db.store.clone();
        writers.spawn(async move {
            for number in 0..EACH {
                let mut tx = store.begin().await.unwrap();
                // Announced early, so that a number taken early would show out of order.
                tx.announce(cluster(format!("{writer}-{number}")), EventKind::Changed);
                tx.announce(
                    cluster(format!("{writer}-{number}-again")),
                    EventKind::Changed,
                );
                tokio::task::yield_now().await;
                tx.commit().await.unwrap();
            }
        });
    }
    let store = db.store.clone();
    let reader = tokio::spawn(async move {
        let mut committed = store.committed();
        let (mut seen, mut position) = (Vec::new(), 0);
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
        while seen.len() < WRITERS * EACH * 2 {
            for event in event::after(&store, position, 7).await.unwrap() {
                // A gap here would be an event that became visible later and was never read.
                assert_eq!(event.seq, position + 1);
                position = event.seq;
                seen.push(event.subject);
            }
            let complete = seen.len() == WRITERS * EACH * 2;
            if !complete && event::head(&store).await.unwrap() == position {
                tokio::time::timeout_at(deadline, committed.changed())
                    .await
                    .expect("all events in time")
                    .unwrap();
            }
        }
        (seen, position)
    });
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    let (mut seen, position) = reader.await.unwrap();
    assert_eq!(position, event::head(&db.store).await.unwrap());
    seen.sort_by_key(|subject| format!("{subject:?}"));
    seen.dedup();
    assert_eq!(seen.len(), WRITERS * EACH * 2);
}

async fn nothing_of_a_dropped_write_is_told(db: &Db) {
    let mut tx = db.store.begin().await.unwrap();
    tx.announce(cluster("eu"), EventKind::Changed);
    drop(tx);
    let mut tx = db.store.begin().await.unwrap();
    tx.announce(cluster("us"), EventKind::Changed);
    tx.roll_back().await.unwrap();
    assert_eq!(event::head(&db.store).await.unwrap(), 0);
    assert_eq!(db.store.begin().await.unwrap().commit().await.unwrap(), 0);
}

async fn the_same_subject_is_told_once_per_write(db: &Db) {
    let mut tx = db.store.begin_at(at(3)).await.unwrap();
    for kind in [EventKind::Changed, EventKind::Changed, EventKind::Ended] {
        tx.announce(cluster("eu"), kind);
    }
    assert_eq!(tx.commit().await.unwrap(), 2);
    let told = event::after(&db.store, 0, 10).await.unwrap();
    let told: Vec<_> = told
        .iter()
        .map(|event| (event.seq, event.at, event.kind))
        .collect();
    assert_eq!(
        told,
        [(1, at(3), EventKind::Changed), (2, at(3), EventKind::Ended)]
    );
}

async fn pruning_keeps_the_newest_and_tells_who_is_too_late(db: &Db) {
    assert_eq!(event::oldest(&db.store).await.unwrap(), None);
    assert!(
        event::reaches(&db.store, 0).await.unwrap(),
        "an empty log has nothing to miss"
    );
    for number in 1..=10 {
        let mut tx = db.store.begin_at(at(number)).await.unwrap();
        tx.announce(cluster(number), EventKind::Changed);
        tx.commit().await.unwrap();
    }
    assert_eq!(
        event::prune(&db.store, at(5), 3).await.unwrap(),
        4,
        "those before second 5"
    );
    assert_eq!(event::oldest(&db.store).await.unwrap(), Some(5));
    for (after, reaches) in [(0, false), (3, false), (4, true), (10, true), (11, false)] {
        assert_eq!(
            event::reaches(&db.store, after).await.unwrap(),
            reaches,
            "after {after}"
        );
    }
    event::prune(&db.store, at(100), 3).await.unwrap();
    assert_eq!(
        event::oldest(&db.store).await.unwrap(),
        Some(8),
        "the newest three stay"
    );
    event::prune(&db.store, at(100), 0).await.unwrap();
    assert!(event::reaches(&db.store, 10).await.unwrap());
    assert!(!event::reaches(&db.store, 9).await.unwrap());
}
