//! Reconciling what a source defines.

use crate::database::Db;
use crate::fixture::{applications, at, revision, seen};
use server::store::application::{self, Reconciled, SeenApplication};

on_both!(
    a_list_is_reconciled,
    a_rename_keeps_the_id,
    a_thousand_at_once
);

async fn reconcile(
    db: &Db,
    source: lockstep_types::id::SourceId,
    second: i64,
    digit: char,
    list: &[SeenApplication],
) -> Reconciled {
    let mut tx = db.store.begin_at(at(second)).await.unwrap();
    let result = application::reconcile(&mut tx, source, &revision(digit), list)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    result
}

async fn a_list_is_reconciled(db: &Db) {
    let (source, ids) = applications(&db.store, &["shop", "cart"]).await;
    let moved = SeenApplication {
        line: 9,
        ..seen("cart")
    };
    let result = reconcile(db, source, 10, 'b', &[moved.clone(), seen("mail")]).await;
    assert_eq!(
        result,
        Reconciled {
            added: vec![seen("mail").id],
            changed: vec![ids[1]],
            gone: vec![ids[0]]
        }
    );

    let rows = application::list(&db.store, false).await.unwrap();
    let names: Vec<_> = rows
        .iter()
        .map(|row| (row.name.as_str(), row.line, row.revision.clone()))
        .collect();
    assert_eq!(
        names,
        [("cart", 9, revision('b')), ("mail", 1, revision('b'))]
    );
    assert_eq!(rows[0].first_seen, at(0), "changing does not make it new");
    let gone = application::get(&db.store, ids[0]).await.unwrap();
    assert_eq!((gone.gone_at, gone.revision), (Some(at(10)), revision('a')));

    let result = reconcile(
        db,
        source,
        20,
        'c',
        &[moved.clone(), seen("mail"), seen("shop")],
    )
    .await;
    assert_eq!(
        result,
        Reconciled {
            added: vec![ids[0]],
            ..Reconciled::default()
        }
    );
    let back = application::get(&db.store, ids[0]).await.unwrap();
    assert_eq!((back.gone_at, back.first_seen), (None, at(0)));

    let result = reconcile(db, source, 30, 'd', &[moved, seen("mail"), seen("shop")]).await;
    assert_eq!(result, Reconciled::default());
    let same = application::get(&db.store, ids[1]).await.unwrap();
    assert_eq!(
        same.revision,
        revision('d'),
        "unchanged ones follow the revision"
    );
    assert_eq!(
        application::by_group(&db.store, "shop", "mail")
            .await
            .unwrap()
            .len(),
        1
    );
}

async fn a_rename_keeps_the_id(db: &Db) {
    let (source, ids) = applications(&db.store, &["shop"]).await;
    let renamed = SeenApplication {
        name: "store".to_owned(),
        ..seen("store")
    };
    let mut tx = db.store.begin().await.unwrap();
    application::adopt(&mut tx, ids[0], &renamed.key)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let result = reconcile(db, source, 10, 'b', &[renamed]).await;
    assert_eq!(
        result,
        Reconciled {
            changed: vec![ids[0]],
            ..Reconciled::default()
        }
    );
    let rows = application::list(&db.store, true).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].id, rows[0].name.as_str()), (ids[0], "store"));
}

async fn a_thousand_at_once(db: &Db) {
    let (source, _) = applications(&db.store, &[]).await;
    let many: Vec<SeenApplication> = (0..1200)
        .map(|number| seen(&format!("app-{number:04}")))
        .collect();
    assert_eq!(reconcile(db, source, 1, 'b', &many).await.added.len(), 1200);
    assert_eq!(
        reconcile(db, source, 2, 'c', &many).await,
        Reconciled::default()
    );
    assert_eq!(reconcile(db, source, 3, 'd', &[]).await.gone.len(), 1200);
    assert!(
        application::by_source(&db.store, source)
            .await
            .unwrap()
            .is_empty()
    );
}
