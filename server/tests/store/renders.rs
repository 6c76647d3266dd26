//! Renders by content.

use crate::database::Db;
use crate::fixture::{at, key, operation, plan, revision, target};
use lockstep_types::resource::Origin;
use lockstep_types::sync::StartedBy;
use sea_orm::{ConnectionTrait, Statement};
use server::store::render::{self, StoredObject};
use server::store::run::{self, NewRun};
use server::store::target as targets;

on_both!(
    a_render_is_stored_once,
    bodies_are_shared,
    a_revision_leads_to_its_render
);

pub fn object(name: &str, body: &str) -> StoredObject {
    StoredObject {
        key: key(name),
        api_version: "apps/v1".to_owned(),
        hash: format!("hash of {body}"),
        body: body.as_bytes().to_vec(),
        origin: Some(Origin {
            path: format!("{name}.yaml"),
            line: Some(4),
        }),
    }
}

pub async fn put(db: &Db, second: i64, render_key: &str, objects: &[StoredObject]) {
    let mut tx = db.store.begin_at(at(second)).await.unwrap();
    render::put(&mut tx, render_key, "digest", objects)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

pub async fn bodies(db: &Db) -> i64 {
    let raw = db.raw().await;
    let count = Statement::from_string(
        raw.get_database_backend(),
        "SELECT COUNT(*) FROM object_body",
    );
    raw.query_one_raw(count)
        .await
        .unwrap()
        .unwrap()
        .try_get_by_index(0)
        .unwrap()
}

async fn a_render_is_stored_once(db: &Db) {
    let many: Vec<_> = (0..1100)
        .map(|number| object(&format!("web-{number}"), &format!("body {number}")))
        .collect();
    put(db, 1, "k", &many).await;
    put(db, 2, "k", &[object("other", "other")]).await;
    assert_eq!(
        render::objects(&db.store, "k").await.unwrap(),
        Some(many),
        "order and all"
    );
    assert_eq!(
        render::digest(&db.store, "k").await.unwrap().as_deref(),
        Some("digest")
    );
    assert_eq!(render::objects(&db.store, "none").await.unwrap(), None);
    put(db, 3, "empty", &[]).await;
    assert_eq!(
        render::objects(&db.store, "empty").await.unwrap(),
        Some(Vec::new()),
        "empty is not absent"
    );
    assert_eq!(
        render::body(&db.store, "hash of body 7")
            .await
            .unwrap()
            .as_deref(),
        Some("body 7".as_bytes())
    );
}

async fn bodies_are_shared(db: &Db) {
    put(db, 1, "k1", &[object("web", "same"), object("api", "old")]).await;
    put(
        db,
        2,
        "k2",
        &[
            object("web", "same"),
            object("api", "new"),
            object("copy", "same"),
        ],
    )
    .await;
    assert_eq!(bodies(db).await, 3);
    // The same at once from many sides.
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..10 {
        let store = db.store.clone();
        writers.spawn(async move {
            let mut objects: Vec<_> = (0..20)
                .map(|number| object(&format!("o{number}"), &format!("b{number}")))
                .collect();
            objects.rotate_left(writer);
            let mut tx = store.begin().await.unwrap();
            render::put(&mut tx, &format!("many-{writer}"), "digest", &objects)
                .await
                .unwrap();
            tx.commit().await.unwrap();
        });
    }
    writers.join_all().await;
    assert_eq!(bodies(db).await, 23);
}

async fn a_revision_leads_to_its_render(db: &Db) {
    let id = target(&db.store).await;
    let mut tx = db.store.begin_at(at(1)).await.unwrap();
    let generation = targets::claim(&mut tx, id).await.unwrap();
    let state = targets::TargetState {
        revision: Some(revision('b')),
        render_key: Some("compared".to_owned()),
        ..targets::TargetState::unknown()
    };
    targets::record(&mut tx, id, generation, &state)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        render::key_of(&db.store, id, &revision('b'))
            .await
            .unwrap()
            .as_deref(),
        Some("compared")
    );
    let operation = operation(&db.store, id).await;
    let mut tx = db.store.begin_at(at(2)).await.unwrap();
    let new = NewRun {
        operation,
        target: id,
        fence: 1,
        revision: revision('b'),
        commit: None,
        started_by: StartedBy::AutoSync,
    };
    let run = run::create(&mut tx, &new).await.unwrap();
    run::put_plan(&mut tx, run.id, 1, &plan(id, "d"), "applied")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        render::key_of(&db.store, id, &revision('b'))
            .await
            .unwrap()
            .as_deref(),
        Some("applied")
    );
    assert_eq!(
        render::key_of(&db.store, id, &revision('c')).await.unwrap(),
        None
    );
}
