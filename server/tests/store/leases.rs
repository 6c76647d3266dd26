//! Leases and their fences.

use crate::database::Db;
use crate::fixture::at;
use server::store::{StoreError, lease};

on_both!(
    one_holds_it_and_the_fence_rises,
    many_at_once_and_one_gets_it
);

async fn one_holds_it_and_the_fence_rises(db: &Db) {
    let acquire = async |owner: &str, second| {
        let taken = lease::acquire(&db.store, "cluster:eu", owner, "10.0.0.1:9", at(second), 30)
            .await
            .unwrap();
        taken.map(|lease| (lease.fence, lease.expires_at))
    };
    assert_eq!(acquire("a", 0).await, Some((1, at(30))));
    assert_eq!(acquire("b", 10).await, None);
    assert_eq!(
        acquire("a", 20).await,
        Some((1, at(50))),
        "extending keeps the fence"
    );
    let mut tx = db.store.begin_at(at(49)).await.unwrap();
    lease::require(&mut tx, "cluster:eu", 1).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = db.store.begin_at(at(50)).await.unwrap();
    assert!(
        matches!(
            lease::require(&mut tx, "cluster:eu", 1).await,
            Err(StoreError::Stale { .. })
        ),
        "it is over"
    );
    tx.roll_back().await.unwrap();
    assert_eq!(acquire("b", 50).await, Some((2, at(80))));
    assert_eq!(
        acquire("a", 51).await,
        None,
        "the zombie does not get it back"
    );
    lease::release(&db.store, "cluster:eu", "a", 1)
        .await
        .unwrap();
    assert_eq!(
        lease::get(&db.store, "cluster:eu")
            .await
            .unwrap()
            .map(|lease| lease.owner)
            .as_deref(),
        Some("b")
    );
    lease::release(&db.store, "cluster:eu", "b", 2)
        .await
        .unwrap();
    assert_eq!(
        acquire("b", 52).await,
        Some((3, at(82))),
        "who gave it back takes it anew"
    );
    assert_eq!(lease::get(&db.store, "cluster:us").await.unwrap(), None);
}

async fn many_at_once_and_one_gets_it(db: &Db) {
    let mut takers = tokio::task::JoinSet::new();
    for owner in 0..10 {
        let store = db.store.clone();
        takers.spawn(async move {
            lease::acquire(&store, "definitions", &owner.to_string(), "", at(0), 30)
                .await
                .unwrap()
                .is_some()
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
}
