//! The inventory is written ahead and shrinks only on the cluster's word.

use crate::database::Db;
use crate::fixture::{applications, at, key, revision, target};
use lockstep_types::source::Mode;
use server::store::inventory::{self, EntryState};
use server::store::{StoreError, application, target as targets};

on_both!(
    old_and_new_stand_together,
    what_was_not_written_ahead_is_not_confirmed,
    leftovers_and_holders_are_found
);

async fn old_and_new_stand_together(db: &Db) {
    let id = target(&db.store).await;
    let v1 = || "apps/v1".to_owned();
    let mut tx = db.store.begin_at(at(1)).await.unwrap();
    inventory::write_ahead(&mut tx, id, &[(key("web"), v1()), (key("old"), v1())])
        .await
        .unwrap();
    for (name, uid) in [("web", "u1"), ("old", "u2")] {
        inventory::confirm(&mut tx, id, &key(name), uid, "apps/v1", "h1")
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();

    // The next plan has `new` instead of `old`; a crash right after this line must find all three.
    let mut tx = db.store.begin_at(at(2)).await.unwrap();
    inventory::write_ahead(&mut tx, id, &[(key("web"), v1()), (key("new"), v1())])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let rows = inventory::of_target(&db.store, id).await.unwrap();
    let states: Vec<_> = rows
        .iter()
        .map(|row| (row.key.name.as_str(), row.state, row.uid.as_deref()))
        .collect();
    assert_eq!(
        states,
        [
            ("new", EntryState::Pending, None),
            ("old", EntryState::Applied, Some("u2")),
            ("web", EntryState::Applied, Some("u1")),
        ]
    );
    assert_eq!(
        rows[2].updated_at,
        at(1),
        "writing ahead does not touch what is there"
    );

    let mut tx = db.store.begin_at(at(3)).await.unwrap();
    inventory::confirm(&mut tx, id, &key("web"), "u9", "apps/v2", "h2")
        .await
        .unwrap();
    assert!(
        inventory::drop_entry(&mut tx, id, &key("old"))
            .await
            .unwrap()
    );
    assert!(
        !inventory::drop_entry(&mut tx, id, &key("old"))
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    let rows = inventory::of_target(&db.store, id).await.unwrap();
    assert_eq!(rows.len(), 2);
    let web = &rows[1];
    assert_eq!(
        (
            web.uid.as_deref(),
            web.api_version.as_str(),
            web.applied_hash.as_deref()
        ),
        (Some("u9"), "apps/v2", Some("h2"))
    );

    // Git came to say what the object already was; what was never applied stays so.
    let mut tx = db.store.begin_at(at(4)).await.unwrap();
    for name in ["web", "new"] {
        inventory::found_as(&mut tx, id, &key(name), "h3")
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let rows = inventory::of_target(&db.store, id).await.unwrap();
    let hashes: Vec<_> = rows.iter().map(|row| row.applied_hash.as_deref()).collect();
    assert_eq!(hashes, [None, Some("h3")]);
}

async fn what_was_not_written_ahead_is_not_confirmed(db: &Db) {
    let id = target(&db.store).await;
    let mut tx = db.store.begin().await.unwrap();
    let refused = inventory::confirm(&mut tx, id, &key("web"), "u", "apps/v1", "h").await;
    assert!(matches!(refused, Err(StoreError::NotFound { .. })));
    inventory::write_ahead(&mut tx, id, &[(key("web"), "apps/v1".to_owned())])
        .await
        .unwrap();
    drop(tx);
    assert!(
        inventory::of_target(&db.store, id)
            .await
            .unwrap()
            .is_empty(),
        "not committed, not there"
    );
}

async fn leftovers_and_holders_are_found(db: &Db) {
    let (source, ids) = applications(&db.store, &["shop", "cart"]).await;
    let mut tx = db.store.begin_at(at(1)).await.unwrap();
    let mut places = Vec::new();
    for (application, cluster) in [(ids[0], "eu"), (ids[1], "eu"), (ids[0], "us")] {
        let id = targets::ensure(&mut tx, application, cluster, Mode::Managed)
            .await
            .unwrap()
            .id;
        inventory::write_ahead(&mut tx, id, &[(key("web"), "apps/v1".to_owned())])
            .await
            .unwrap();
        places.push(id);
    }
    tx.commit().await.unwrap();
    let mut both = vec![places[0], places[1]];
    both.sort_by_key(ToString::to_string);
    assert_eq!(
        inventory::holders(&db.store, "eu", &key("web"))
            .await
            .unwrap(),
        both
    );
    assert!(
        inventory::holders(&db.store, "eu", &key("none"))
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        inventory::leftovers(&db.store, None)
            .await
            .unwrap()
            .is_empty()
    );
    let mut tx = db.store.begin_at(at(9)).await.unwrap();
    application::reconcile(
        &mut tx,
        source,
        &revision('b'),
        &[crate::fixture::seen("cart")],
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let left = inventory::leftovers(&db.store, Some("eu")).await.unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(
        (
            left[0].target,
            left[0].application.as_str(),
            left[0].gone_at
        ),
        (places[0], "shop", at(9))
    );
    assert_eq!(
        inventory::leftovers(&db.store, None).await.unwrap().len(),
        2
    );
}
