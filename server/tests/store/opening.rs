//! Opening a database: what is refused, and in which words.

use crate::database::Db;
use sea_orm::{ConnectionTrait, TransactionTrait};
use server::store::{SchemaState, Store, StoreError, installation};
use std::os::unix::fs::PermissionsExt;

on_both!(a_newer_schema_is_refused, an_older_schema_is_told, answers);

async fn refusal(url: &str) -> String {
    let error = Store::open(url).await.unwrap_err();
    error.to_string()
}

#[tokio::test]
async fn wrong_addresses_are_named_without_passwords() {
    for url in [
        "lockstep.db",
        "mysql://root:s3cret@db/lockstep",
        "sqlite:",
        "postgres:db",
        "",
    ] {
        let message = refusal(url).await;
        assert!(
            message.contains("use sqlite:PATH or postgres://"),
            "{url}: {message}"
        );
        assert!(!message.contains("s3cret"), "{message}");
    }
    let message = refusal("postgres://lockstep:s3cret@127.0.0.1:1/lockstep").await;
    assert!(
        message.contains("does not answer (postgres://lockstep@127.0.0.1:1/lockstep)"),
        "{message}"
    );
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(
        path("text"),
        "this is not a database, it is a text about one, and long enough for a header\n".repeat(20),
    )
    .unwrap();
    std::fs::create_dir(path("folder")).unwrap();
    std::fs::write(path("locked"), "").unwrap();
    std::fs::set_permissions(path("locked"), std::fs::Permissions::from_mode(0o444)).unwrap();
    for (name, expected) in [
        ("nowhere/lockstep.db", "does not exist; create it"),
        ("folder", "it is a folder"),
        ("locked", "the file is marked read-only"),
        ("text", "is damaged or is not a database"),
    ] {
        let message = refusal(&format!("sqlite:{}", path(name).display())).await;
        assert!(
            message.contains(expected) && message.contains(name.rsplit('/').next().unwrap_or(name)),
            "{name}: {message}"
        );
    }
    assert_eq!(
        std::fs::metadata(path("locked")).unwrap().len(),
        0,
        "nothing was written"
    );
}

#[tokio::test]
async fn a_damaged_page_is_found() {
    let db = Db::sqlite().await;
    let path = db.url.strip_prefix("sqlite:").unwrap().to_owned();
    db.store.verify().await.unwrap();
    // Everything into the main file, then spoil the middle of it.
    let raw = db.raw().await;
    raw.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)")
        .await
        .unwrap();
    raw.close().await.unwrap();
    db.store.close().await;
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let refused = match Store::open(&db.url).await {
        Ok(store) => store.verify().await.unwrap_err(),
        Err(error) => error,
    };
    assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_outlasts_a_short_lock_of_another_process() {
    let db = Db::sqlite().await;
    let other = db.raw().await;
    let lock = other.begin().await.unwrap();
    lock.execute_unprepared("UPDATE event_head SET seq = seq")
        .await
        .unwrap();
    let store = db.store.clone();
    let write = tokio::spawn(async move {
        let mut tx = store.begin().await?;
        installation::set(&mut tx, "name", "rig").await?;
        tx.commit().await
    });
    // The write has to wait; the lock goes when it surely does.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(!write.is_finished());
    lock.commit().await.unwrap();
    write.await.unwrap().unwrap();
    assert_eq!(
        installation::get(&db.store, "name")
            .await
            .unwrap()
            .as_deref(),
        Some("rig")
    );
}

#[tokio::test]
async fn memory_holds_a_whole_database() {
    let store = Store::open("sqlite::memory:").await.unwrap();
    assert_eq!(store.schema_state().await.unwrap(), SchemaState::Empty);
    store.migrate().await.unwrap();
    let mut tx = store.begin().await.unwrap();
    installation::set(&mut tx, "name", "rig").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        installation::get(&store, "name").await.unwrap().as_deref(),
        Some("rig")
    );
}

async fn answers(db: &Db) {
    db.store.ping().await.unwrap();
    db.store.verify().await.unwrap();
    assert_eq!(db.store.schema_state().await.unwrap(), SchemaState::Current);
    db.store.require_current_schema().await.unwrap();
    let journal = if db.is_sqlite() { "wal" } else { "" };
    if db.is_sqlite() {
        let row = db.raw().await;
        let mode = row
            .query_one_raw(sea_orm::Statement::from_string(
                sea_orm::DbBackend::Sqlite,
                "PRAGMA journal_mode",
            ))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(mode.try_get_by_index::<String>(0).unwrap(), journal);
    }
}

async fn a_newer_schema_is_refused(db: &Db) {
    let raw = db.raw().await;
    raw.execute_unprepared("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20990101_000000_from_the_future', 0)")
        .await
        .unwrap();
    for error in [
        db.store.migrate().await.unwrap_err(),
        db.store.require_current_schema().await.unwrap_err(),
    ] {
        let message = error.to_string();
        assert!(matches!(error, StoreError::NewerSchema { .. }), "{message}");
        assert!(
            message.contains("the database is from a newer Lockstep"),
            "{message}"
        );
        assert!(
            message.contains("m20990101_000000_from_the_future"),
            "{message}"
        );
    }
}

async fn an_older_schema_is_told(db: &Db) {
    db.store.migrate_back(1).await.unwrap();
    let error = db.store.require_current_schema().await.unwrap_err();
    assert!(
        error.to_string().contains("Run `lockstep migrate`"),
        "{error}"
    );
    let applied = db.store.migrate().await.unwrap();
    assert_eq!(applied.len(), 1, "{applied:?}");
}
