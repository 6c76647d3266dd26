//! A fresh, migrated database for one test.

use crate::postgres;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
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
