//! The drift ledger.

use crate::database::Db;
use crate::fixture::{at, key, target};
use lockstep_types::drift::{DriftQuery, DriftState};
use lockstep_types::id::TargetId;
use serde_json::{Value, json};
use server::store::drift::{self, FoundDrift, LedgerChange};
use server::store::event;

on_both!(
    a_deviation_is_one_row_while_it_lasts,
    the_filter_matches_every_word,
    counts_and_times
);

fn found(name: &str, path: &str, live: Value) -> FoundDrift {
    FoundDrift {
        key: key(name),
        path: path.to_owned(),
        declared: Some(json!(2)),
        live: Some(live),
        manager: Some("kubectl-edit".to_owned()),
        operation: Some("Update".to_owned()),
        origin: None,
    }
}

async fn reconcile(
    db: &Db,
    id: TargetId,
    second: i64,
    list: &[FoundDrift],
    baseline: bool,
) -> LedgerChange {
    let mut tx = db.store.begin_at(at(second)).await.unwrap();
    let ending = |_: &_| DriftState::Reverted;
    let change = drift::reconcile(&mut tx, id, list, baseline, ending)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    change
}

async fn a_deviation_is_one_row_while_it_lasts(db: &Db) {
    let id = target(&db.store).await;
    let twice = [
        found("web", "spec.replicas", json!(5)),
        found("web", "spec.replicas", json!(5)),
    ];
    assert_eq!(
        reconcile(db, id, 1, &twice, true).await,
        LedgerChange {
            opened: 1,
            ..LedgerChange::default()
        }
    );
    let head = event::head(&db.store).await.unwrap();
    assert_eq!(
        reconcile(db, id, 2, &twice, false).await,
        LedgerChange::default()
    );
    assert_eq!(
        event::head(&db.store).await.unwrap(),
        head,
        "the same again tells nobody"
    );
    let more = [
        found("web", "spec.replicas", json!(9)),
        found("web", "metadata.labels.x", json!(null)),
    ];
    assert_eq!(
        reconcile(db, id, 3, &more, false).await,
        LedgerChange {
            opened: 1,
            updated: 1,
            closed: 0
        }
    );
    let open = drift::open_of(&db.store, id).await.unwrap();
    assert_eq!(
        (
            open.len(),
            open[1].live.clone(),
            open[1].opened_at,
            open[1].baseline
        ),
        (2, Some(json!(9)), at(1), true)
    );
    assert_eq!(
        open[0].live,
        Some(json!(null)),
        "null in the cluster is not absence"
    );

    let mut tx = db.store.begin_at(at(4)).await.unwrap();
    assert_eq!(
        drift::set_open_state(&mut tx, id, DriftState::Healing)
            .await
            .unwrap(),
        2
    );
    assert_eq!(
        drift::set_open_state(&mut tx, id, DriftState::Healing)
            .await
            .unwrap(),
        0
    );
    assert!(
        drift::close(&mut tx, open[0].id, DriftState::Healed)
            .await
            .unwrap()
    );
    assert!(
        !drift::close(&mut tx, open[0].id, DriftState::Accepted)
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    assert_eq!(
        reconcile(db, id, 5, &[], false).await,
        LedgerChange {
            closed: 1,
            ..LedgerChange::default()
        }
    );
    let closed = drift::get(&db.store, open[0].id).await.unwrap();
    assert_eq!(
        (closed.state, closed.closed_at),
        (DriftState::Healed, Some(at(4)))
    );
    // It comes back: a new row, and the old one keeps its story.
    assert_eq!(reconcile(db, id, 6, &twice, false).await.opened, 1);
    let query = DriftQuery {
        include_closed: true,
        ..DriftQuery::default()
    };
    assert_eq!(drift::list(&db.store, &query, 10).await.unwrap().len(), 3);
    let then = drift::open_at(&db.store, id, at(3)).await.unwrap();
    assert_eq!(then.len(), 2, "as it stood at that time");
}

async fn the_filter_matches_every_word(db: &Db) {
    let id = target(&db.store).await;
    let list = [
        found("web", "spec.replicas", json!(5)),
        found("api_1", "spec.paused", json!(true)),
    ];
    reconcile(db, id, 1, &list, false).await;
    for (filter, count) in [
        ("", 2),
        ("SHOP eu", 2),
        ("web replicas", 1),
        ("web paused", 0),
        ("Kubectl-Edit", 2),
        ("deployment", 2),
        ("100%", 0),
        ("_1", 1),
        ("i_1", 1),
        ("x_1", 0),
        ("\\", 0),
    ] {
        let query = DriftQuery {
            filter: filter.to_owned(),
            include_closed: false,
            ..DriftQuery::default()
        };
        assert_eq!(
            drift::list(&db.store, &query, 10).await.unwrap().len(),
            count,
            "{filter}"
        );
    }
    assert_eq!(
        drift::list(&db.store, &DriftQuery::default(), 1)
            .await
            .unwrap()
            .len(),
        1
    );
}

async fn counts_and_times(db: &Db) {
    let id = target(&db.store).await;
    assert!(drift::open_counts(&db.store).await.unwrap().is_empty());
    reconcile(db, id, 1, &[found("web", "a", json!(1))], true).await;
    reconcile(
        db,
        id,
        5,
        &[found("web", "a", json!(1)), found("web", "b", json!(1))],
        false,
    )
    .await;
    assert_eq!(
        drift::open_counts(&db.store).await.unwrap().get(&id),
        Some(&2)
    );
    assert_eq!(
        drift::opened_since(&db.store, at(0)).await.unwrap(),
        1,
        "what was there at first is not news"
    );
    assert_eq!(drift::opened_since(&db.store, at(6)).await.unwrap(), 0);
}
