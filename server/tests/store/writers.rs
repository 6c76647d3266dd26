//! Many writers at once.

use crate::database::Db;
use crate::fixture::{applications, at, sync_of};
use lockstep_types::source::Mode;
use server::store::audit::{self, Act};
use server::store::{Store, event, operation, target};

on_both!(fifty_writers_lose_nothing);

async fn fifty_writers_lose_nothing(db: &Db) {
    let (_, applications) = applications(&db.store, &["shop"]).await;
    let mut tx = db.store.begin().await.unwrap();
    let target = target::ensure(&mut tx, applications[0], "eu", Mode::Managed)
        .await
        .unwrap()
        .id;
    tx.commit().await.unwrap();
    let before = event::head(&db.store).await.unwrap();
    // Half of them through a second store, as another process would come.
    let other = Store::open(&db.url).await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..50 {
        let store = if writer % 2 == 0 {
            db.store.clone()
        } else {
            other.clone()
        };
        writers.spawn(async move {
            let mut tx = store.begin_at(at(writer)).await?;
            operation::insert(&mut tx, &sync_of(target, Some(&writer.to_string()))).await?;
            target::claim(&mut tx, target).await?;
            let row = target::get(&tx, target).await?;
            tx.announce(
                target::subject(&row),
                lockstep_types::event::EventKind::Changed,
            );
            tx.record(Act::unattended(format!("writer {writer}"), "sync", "shop"));
            tx.commit().await
        });
    }
    let mut seqs = Vec::new();
    while let Some(done) = writers.join_next().await {
        seqs.push(done.unwrap().unwrap());
    }
    seqs.sort_unstable();
    let expected: Vec<u64> = (before + 1..=before + 50).collect();
    assert_eq!(seqs, expected);
    assert_eq!(
        operation::pending(&db.store, target).await.unwrap().len(),
        50
    );
    assert_eq!(target::get(&db.store, target).await.unwrap().generation, 50);
    let chain = audit::check_chain(&db.store).await.unwrap();
    assert_eq!((chain.sound, chain.broken), (50, None));
    other.close().await;
}
