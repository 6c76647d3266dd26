//! The database: what Git cannot hold. History, drift, inventory, intents, accounts, sealed credentials, and the
//! event log that tells pages what to read again.
//!
//! One file of functions per aggregate. Reading functions take anything that can read ([`Store`] or an open [`Tx`]);
//! what a person or page can see is written through a [`Tx`], which carries the events and audit entries of the
//! change and commits all of it at once. Housekeeping that nobody is told about (a token's last use, a session's
//! expiry) takes the [`Store`] itself.
//!
//! SQLite by default, PostgreSQL by another address; every function behaves alike on both. The store must not know
//! clusters, Git or HTTP, and holds no unmasked secret: credentials come sealed, diffs and plans come masked.

mod columns;
mod connect;
mod counted;
mod entity;
mod error;
mod schema_state;
mod transaction;
mod visible;

pub mod application;
pub mod approval;
pub mod ask;
pub mod audit;
pub mod beside;
pub mod cluster;
pub mod commit;
pub mod credential;
pub mod drift;
pub mod entry;
pub mod event;
pub mod factor;
pub mod hold;
pub mod identity;
pub mod incident;
pub mod installation;
pub mod inventory;
pub mod lease;
pub mod login;
pub mod mark;
pub mod message;
pub mod operation;
pub mod past;
pub mod pin;
pub mod policy;
pub mod pull_comment;
pub mod receiver;
pub mod reestablish;
pub mod render;
pub mod retention;
pub mod run;
pub mod session;
pub mod source;
pub mod status;
pub mod target;
pub mod token;
pub mod user;

pub use counted::MOST_COUNTED;
pub use error::StoreError;
pub use schema_state::SchemaState;
pub use transaction::{Read, Tx};
pub use visible::Only;

use connect::Connections;
use lockstep_types::Micros;
use std::sync::Arc;
use tokio::sync::watch;

/// An open database. Cheap to clone; the last clone closes it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    connections: Connections,
    /// The newest sequence number this process has committed: a wake-up for whoever follows the log.
    committed: watch::Sender<u64>,
}

impl Store {
    /// Opens `sqlite:PATH`, `sqlite::memory:` or `postgres://…`. Creates a missing SQLite file (never its folder) and
    /// leaves the schema alone: see [`Store::migrate`].
    ///
    /// An in-memory database has one connection: a read through the store waits for an open [`Tx`] to end.
    ///
    /// # Errors
    /// When the address is wrong, or the database cannot be reached, created, written, or is damaged.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let connections = connect::open(url).await?;
        let (committed, _) = watch::channel(0);
        Ok(Self {
            shared: Arc::new(Shared {
                connections,
                committed,
            }),
        })
    }

    /// Where the database is, for logs and messages: a path, or an address without its password.
    pub fn subject(&self) -> &str {
        &self.shared.connections.subject
    }

    /// Starts a write at the present time. Nothing is kept until [`Tx::commit`].
    ///
    /// # Errors
    /// When another process keeps the database locked, or it cannot be written.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        self.begin_at(Micros::from(jiff::Timestamp::now())).await
    }

    /// Starts a write that is dated `now`.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn begin_at(&self, now: Micros) -> Result<Tx, StoreError> {
        let inner = connect::begin(&self.shared.connections).await?;
        Ok(Tx::new(inner, now, self.shared.committed.clone()))
    }

    /// Changes when this process commits events. Other replicas' events do not show here: also look at the log now
    /// and then.
    pub fn committed(&self) -> watch::Receiver<u64> {
        self.shared.committed.subscribe()
    }

    /// Asks the database for a sign of life.
    ///
    /// # Errors
    /// When it gives none.
    pub async fn ping(&self) -> Result<(), StoreError> {
        error::Doing::doing(
            self.shared.connections.reader.ping().await,
            "reach the database",
        )
    }

    /// Looks for damage (SQLite only; PostgreSQL has checksums for that).
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the first finding.
    pub async fn verify(&self) -> Result<(), StoreError> {
        connect::verify(&self.shared.connections).await
    }

    /// Copies a SQLite file as it is now, while others read and write it. The copy must not be there yet.
    ///
    /// # Errors
    /// When the database cannot be read or the copy not be written.
    pub async fn copy_to(&self, path: &std::path::Path) -> Result<(), StoreError> {
        connect::copy_to(&self.shared.connections, path).await
    }

    /// Puts what is in SQLite's write-ahead log into the file and empties the log: what was overwritten in the file must not
    /// lie there until somebody writes enough. Waits for nobody, and says whether the log is empty; `true` for PostgreSQL.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn empty_log(&self) -> Result<bool, StoreError> {
        connect::empty_log(&self.shared.connections).await
    }

    /// Closes a SQLite file for good: all that is in its log goes into the file, and it can be moved.
    ///
    /// # Errors
    /// When another process has it open.
    pub async fn close_alone(&self) -> Result<(), StoreError> {
        connect::close_alone(&self.shared.connections).await
    }

    /// Waits for running statements and closes all connections.
    pub async fn close(&self) {
        self.shared.connections.close().await;
    }

    fn writer(&self) -> &sea_orm::DatabaseConnection {
        &self.shared.connections.writer
    }

    fn reader(&self) -> &sea_orm::DatabaseConnection {
        &self.shared.connections.reader
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("subject", &self.subject())
            .finish_non_exhaustive()
    }
}
