//! Sources, clusters and their credentials.

use crate::database::Db;
use crate::fixture::{applications, at, fields, revision};
use lockstep_types::revision::Revision;
use lockstep_types::source::{Mode, Problem};
use server::store::cluster::{self, ClusterFields};
use server::store::source;
use server::store::{StoreError, application, credential, event, installation, target};
use std::collections::BTreeMap;

on_both!(
    a_source_lives,
    the_file_wins,
    a_cluster_keeps_its_identity,
    credentials_go_with_their_owner,
    facts_and_epoch,
);

async fn a_source_lives(db: &Db) {
    let (source, applications) = applications(&db.store, &["shop", "cart"]).await;
    let mut tx = db.store.begin_at(at(5)).await.unwrap();
    target::ensure(&mut tx, applications[0], "eu", Mode::Observe)
        .await
        .unwrap();
    let taken = source::create(&mut tx, &fields("root")).await.unwrap_err();
    assert_eq!(taken.to_string(), "the source root exists already");
    let problem = Problem {
        source: Some(source),
        source_name: "root".to_owned(),
        application: None,
        cluster: None,
        stage: "definition".to_owned(),
        path: "apps/x.yaml".to_owned(),
        line: Some(3),
        field: "spec.source".to_owned(),
        message: "missing".to_owned(),
        next: "add it".to_owned(),
        since: at(5),
    };
    source::set_error(&mut tx, source, "the host does not answer")
        .await
        .unwrap();
    assert_eq!(
        source::get(&tx, source).await.unwrap().error,
        "the host does not answer"
    );
    source::set_read(
        &mut tx,
        source,
        &revision('b'),
        std::slice::from_ref(&problem),
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    source::touch_read(&db.store, source, at(9)).await.unwrap();

    let row = source::get(&db.store, source).await.unwrap();
    assert_eq!(
        (row.mode, row.error.as_str(), row.last_read),
        (Mode::Observe, "", Some(at(9)))
    );
    assert_eq!(
        (row.revision, row.problems),
        (Some(revision('b')), vec![problem])
    );

    let mut tx = db.store.begin_at(at(10)).await.unwrap();
    source::set_mode(&mut tx, source, Mode::Managed)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let targets = target::of_application(&db.store, applications[0])
        .await
        .unwrap();
    assert_eq!(
        targets[0].mode,
        Mode::Managed,
        "the targets follow their source"
    );

    let mut tx = db.store.begin_at(at(11)).await.unwrap();
    source::delete(&mut tx, source).await.unwrap();
    tx.commit().await.unwrap();
    assert!(source::list(&db.store).await.unwrap().is_empty());
    let gone = application::get(&db.store, applications[0]).await.unwrap();
    assert_eq!(
        (gone.gone_at, gone.source),
        (Some(at(11)), None),
        "the application stays, for its history"
    );
    assert!(target::list(&db.store).await.unwrap().is_empty());
}

async fn the_file_wins(db: &Db) {
    let mut tx = db.store.begin().await.unwrap();
    let made = source::create(&mut tx, &fields("root")).await.unwrap();
    source::set_read(&mut tx, made.id, &Revision("c".repeat(40)), &[])
        .await
        .unwrap();
    let declared = source::declare(&mut tx, &fields("root")).await.unwrap();
    assert_eq!((declared.id, declared.from_file), (made.id, true));
    assert!(
        declared.revision.is_some(),
        "the place is the same, so what was read stays"
    );
    let moved = source::declare(
        &mut tx,
        &source::SourceFields {
            path: "other".to_owned(),
            ..fields("root")
        },
    )
    .await
    .unwrap();
    assert_eq!((moved.id, moved.revision), (made.id, None));
    tx.commit().await.unwrap();
    let head = event::head(&db.store).await.unwrap();
    let mut tx = db.store.begin().await.unwrap();
    source::declare(
        &mut tx,
        &source::SourceFields {
            path: "other".to_owned(),
            ..fields("root")
        },
    )
    .await
    .unwrap();
    assert_eq!(
        tx.commit().await.unwrap(),
        0,
        "declaring the same again tells nobody"
    );
    assert_eq!(event::head(&db.store).await.unwrap(), head);
}

async fn a_cluster_keeps_its_identity(db: &Db) {
    let fields = ClusterFields {
        name: "eu".to_owned(),
        labels: BTreeMap::from([("region".to_owned(), "eu".to_owned())]),
        server: "https://eu.example:6443".to_owned(),
    };
    let mut tx = db.store.begin().await.unwrap();
    let eu = cluster::create(&mut tx, &fields).await.unwrap();
    assert!(matches!(
        cluster::create(&mut tx, &fields).await,
        Err(StoreError::Exists { .. })
    ));
    cluster::set_identity(&mut tx, eu.id, "uid-1")
        .await
        .unwrap();
    cluster::set_identity(&mut tx, eu.id, "uid-1")
        .await
        .unwrap();
    let other = cluster::set_identity(&mut tx, eu.id, "uid-2")
        .await
        .unwrap_err();
    assert!(
        other.to_string().contains("another cluster answers"),
        "{other}"
    );
    let moved = ClusterFields {
        server: "https://new:6443".to_owned(),
        ..fields.clone()
    };
    let declared = cluster::declare(&mut tx, &moved).await.unwrap();
    assert_eq!(
        (
            declared.id,
            declared.from_file,
            declared.identity.as_deref()
        ),
        (eu.id, true, Some("uid-1"))
    );
    assert_eq!(declared.labels, fields.labels);
    tx.commit().await.unwrap();
    assert_eq!(
        cluster::by_name(&db.store, "eu")
            .await
            .unwrap()
            .map(|row| row.server)
            .as_deref(),
        Some("https://new:6443")
    );
    let mut tx = db.store.begin().await.unwrap();
    cluster::delete(&mut tx, eu.id).await.unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(
        cluster::get(&db.store, eu.id).await,
        Err(StoreError::NotFound { .. })
    ));
}

async fn credentials_go_with_their_owner(db: &Db) {
    let mut tx = db.store.begin_at(at(1)).await.unwrap();
    let owner = source::create(&mut tx, &fields("root")).await.unwrap().id;
    credential::put(&mut tx, owner.0, "k1", &[0, 255, 7])
        .await
        .unwrap();
    credential::put(&mut tx, owner.0, "k2", &[1, 2])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let stored = credential::get(&db.store, owner.0).await.unwrap().unwrap();
    assert_eq!(
        (
            stored.key_id.as_str(),
            stored.bytes.as_slice(),
            stored.updated_at
        ),
        ("k2", &[1_u8, 2][..], at(1))
    );
    assert!(
        !format!("{stored:?}").contains("bytes"),
        "sealed bytes are not for logs"
    );
    assert_eq!(
        credential::sealed_otherwise(&db.store, "k2")
            .await
            .unwrap()
            .len(),
        0
    );
    assert_eq!(
        credential::sealed_otherwise(&db.store, "k3")
            .await
            .unwrap()
            .len(),
        1
    );
    assert!(
        credential::owners(&db.store)
            .await
            .unwrap()
            .contains(&owner.0)
    );
    let mut tx = db.store.begin().await.unwrap();
    source::delete(&mut tx, owner).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(credential::get(&db.store, owner.0).await.unwrap(), None);
}

async fn facts_and_epoch(db: &Db) {
    assert_eq!(installation::epoch(&db.store).await.unwrap(), 0);
    let mut tx = db.store.begin().await.unwrap();
    installation::set(&mut tx, "name", "one").await.unwrap();
    installation::set(&mut tx, "name", "two").await.unwrap();
    assert_eq!(installation::advance_epoch(&mut tx).await.unwrap(), 1);
    assert_eq!(installation::advance_epoch(&mut tx).await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert_eq!(
        installation::get(&db.store, "name")
            .await
            .unwrap()
            .as_deref(),
        Some("two")
    );
    assert_eq!(installation::epoch(&db.store).await.unwrap(), 2);
    assert_eq!(installation::all(&db.store).await.unwrap().len(), 2);
}
