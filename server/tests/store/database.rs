//! A fresh, migrated database for one test.

use crate::postgres;
use sea_orm::{ConnectionTrait, Database, DatabaseBackend, DatabaseConnection, Statement};
use server::store::Store;
use std::time::Duration;
use uuid::Uuid;

/// Store and address of a database that only this test uses.
pub struct Db {
    pub store: Store,
    pub url: String,
    /// The folder of an SQLite file.
    _dir: Option<tempfile::TempDir>,
    /// The name of a PostgreSQL database.
    name: Option<String>,
}

impl Db {
    pub async fn sqlite() -> Self {
        let db = Self::empty_sqlite().await;
        db.store.migrate().await.unwrap();
        db
    }

    pub async fn empty_sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("lockstep.db").display());
        Self {
            store: Store::open(&url).await.unwrap(),
            url,
            _dir: Some(dir),
            name: None,
        }
    }

    pub async fn postgres() -> Self {
        let db = Self::empty_postgres().await;
        db.store.migrate().await.unwrap();
        db
    }

    pub async fn empty_postgres() -> Self {
        let name = format!("lockstep_{}", Uuid::now_v7().simple());
        admin()
            .await
            .execute_unprepared(&format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
        let url = in_database(postgres::url(), &name);
        Self {
            store: Store::open(&url).await.unwrap(),
            url,
            _dir: None,
            name: Some(name),
        }
    }

    /// A connection beside the store, for looking and for tampering.
    pub async fn raw(&self) -> DatabaseConnection {
        Database::connect(&self.url).await.unwrap()
    }

    /// Until a statement of this PostgreSQL database waits for another to let go of a row.
    pub async fn until_somebody_waits(&self) {
        let raw = self.raw().await;
        let text = "SELECT count(*) FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        loop {
            let query = Statement::from_string(DatabaseBackend::Postgres, text);
            let row = raw.query_one_raw(query).await.unwrap().unwrap();
            if row.try_get_by_index::<i64>(0).unwrap() > 0 {
                return;
            }
            assert!(std::time::Instant::now() < deadline, "nobody waits");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn is_sqlite(&self) -> bool {
        self.name.is_none()
    }

    /// Closes and removes the database.
    pub async fn end(self) {
        self.store.close().await;
        if let Some(name) = &self.name {
            admin()
                .await
                .execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)"))
                .await
                .unwrap();
        }
    }
}

async fn admin() -> DatabaseConnection {
    // The server may still be starting.
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        match Database::connect(postgres::url()).await {
            Ok(connection) => return connection,
            Err(error) if std::time::Instant::now() > deadline => {
                panic!("PostgreSQL does not answer: {error}")
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// The same server, another database.
fn in_database(url: &str, name: &str) -> String {
    let (place, parameters) = url.split_once('?').unwrap_or((url, ""));
    let (server, _) = place
        .rsplit_once('/')
        .expect("a database in LOCKSTEP_TEST_POSTGRES");
    format!("{server}/{name}?{parameters}")
}
