//! Opening connections and beginning writes, for both databases.
//!
//! SQLite: one connection writes, four read, all in WAL. `synchronous` is FULL, not NORMAL: a plan and an inventory
//! are written down *before* the first write to a cluster, and NORMAL may lose the last commits when power fails.

use super::error::{Doing, Kind, StoreError, kind_of};
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a statement waits for another process's lock.
const LOCK_WAIT: Duration = Duration::from_secs(10);
/// Memory for pages that are written, in KiB with a minus, as SQLite wants it.
const WRITER_CACHE: &str = "-65536";
/// Pages beside the file until they are written into it: 64 MiB.
const WAL_PAGES: &str = "16384";
/// What stays of the write-ahead log when it begins anew: nothing, for it may hold what was sealed since.
const WAL_BYTES: &str = "0";
/// How long the beginning of a write is tried: a person's act outlives a backup that locks the file for 30 seconds.
const BEGIN_WAIT: Duration = Duration::from_secs(45);
/// How long to wait for our own writers.
const TURN_WAIT: Duration = Duration::from_secs(60);
const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;

/// The connections of one database.
pub(super) struct Connections {
    pub(super) writer: DatabaseConnection,
    pub(super) reader: DatabaseConnection,
    pub(super) subject: String,
}

impl Connections {
    pub(super) async fn close(&self) {
        // Closing a pool twice is harmless, and the only error is that it is closed.
        let _ = self.reader.close_by_ref().await;
        let _ = self.writer.close_by_ref().await;
    }
}

/// Opens the database at `url`.
pub(super) async fn open(url: &str) -> Result<Connections, StoreError> {
    match url.split_once(':') {
        Some(("sqlite", ":memory:")) => open_memory().await,
        Some(("sqlite", path)) => {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path.starts_with(':') {
                return Err(wrong(url));
            }
            open_file(Path::new(path)).await
        }
        Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
            open_postgres(url).await
        }
        _ => Err(wrong(url)),
    }
}

fn wrong(url: &str) -> StoreError {
    StoreError::WrongUrl {
        address: without_password(url),
    }
}

/// The address with what stands between `:` and `@` left out.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let Some((login, place)) = rest.rsplit_once('@') else {
        return without_query(url);
    };
    let user = login.split_once(':').map_or(login, |(user, _)| user);
    without_query(&format!("{scheme}://{user}@{place}"))
}

/// Passwords may also stand among the parameters.
fn without_query(url: &str) -> String {
    url.split_once('?')
        .map_or(url, |(place, _)| place)
        .to_owned()
}

async fn open_file(path: &Path) -> Result<Connections, StoreError> {
    let subject = path.display().to_string();
    refuse_early(path, &subject)?;
    let writer = sqlite(path, 1, |options| {
        options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // Keys that come in no order land on pages all over a long history: in memory, and in the file less often.
            .pragma("cache_size", WRITER_CACHE)
            .pragma("wal_autocheckpoint", WAL_PAGES)
            // Nor does it stay beside the file.
            .pragma("journal_size_limit", WAL_BYTES)
            // What is overwritten is gone: Secrets that were sealed later leave nothing behind.
            .pragma("secure_delete", "ON")
    });
    let writer = Database::connect(writer)
        .await
        .map_err(|source| opening(&subject, source))?;
    let reader = sqlite(path, SQLITE_READERS, |options| {
        options.pragma("query_only", "ON")
    });
    let reader = Database::connect(reader)
        .await
        .map_err(|source| opening(&subject, source))?;
    Ok(Connections {
        writer,
        reader,
        subject,
    })
}

/// What the driver would say less clearly, or (as root) not at all.
fn refuse_early(path: &Path, subject: &str) -> Result<(), StoreError> {
    let cannot = |why: String| StoreError::CannotCreate {
        path: subject.to_owned(),
        why,
    };
    match path.metadata() {
        Ok(found) if found.is_dir() => Err(cannot("it is a folder".to_owned())),
        Ok(found) if found.permissions().readonly() => Err(StoreError::ReadOnly {
            subject: subject.to_owned(),
            why: "the file is marked read-only".to_owned(),
        }),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty())
                .unwrap_or(Path::new("."));
            match folder.metadata() {
                Ok(found) if found.is_dir() => Ok(()),
                Ok(_) => Err(cannot(format!("{} is not a folder", folder.display()))),
                Err(_) => Err(cannot(format!(
                    "the folder {} does not exist; create it",
                    folder.display()
                ))),
            }
        }
        Err(error) => Err(cannot(error.to_string())),
    }
}

fn opening(subject: &str, source: sea_orm::DbErr) -> StoreError {
    let subject = subject.to_owned();
    match kind_of(&source) {
        Kind::Locked => StoreError::Locked {
            doing: "open the database",
            source,
        },
        Kind::ReadOnly => StoreError::ReadOnly {
            subject,
            why: "the file system is read-only".to_owned(),
        },
        Kind::NoSuchFile => StoreError::CannotCreate {
            path: subject,
            why: source.to_string(),
        },
        Kind::Damaged => StoreError::Damaged {
            subject,
            finding: source.to_string(),
        },
        Kind::Full => StoreError::Full {
            doing: "open the database",
            source,
        },
        _ => StoreError::Unreachable { subject, source },
    }
}

async fn open_memory() -> Result<Connections, StoreError> {
    let subject = "sqlite::memory:".to_owned();
    let mut options = sqlite(Path::new(":memory:"), 1, |options| options.in_memory(true));
    // With its last connection the database would be gone.
    options.min_connections(1).acquire_timeout(LOCK_WAIT);
    let only = Database::connect(options)
        .await
        .map_err(|source| opening(&subject, source))?;
    Ok(Connections {
        writer: only.clone(),
        reader: only,
        subject,
    })
}

fn sqlite(
    path: &Path,
    connections: u32,
    also: impl Fn(SqliteConnectOptions) -> SqliteConnectOptions + Send + Sync + 'static,
) -> ConnectOptions {
    let mut options = ConnectOptions::new("sqlite::memory:");
    let path = path.to_owned();
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(TURN_WAIT)
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |_| {
            also(
                SqliteConnectOptions::new()
                    .filename(&path)
                    .busy_timeout(LOCK_WAIT)
                    .foreign_keys(true)
                    .synchronous(SqliteSynchronous::Full),
            )
        });
    options
}

async fn open_postgres(url: &str) -> Result<Connections, StoreError> {
    let subject = without_password(url);
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(LOCK_WAIT)
        .sqlx_logging(false)
        .map_sqlx_postgres_opts(|options| {
            options.application_name("lockstep").options([
                ("lock_timeout", "10s"),
                ("statement_timeout", "60s"),
                ("idle_in_transaction_session_timeout", "60s"),
            ])
        });
    let only = Database::connect(options)
        .await
        .map_err(|source| match &source {
            sea_orm::DbErr::Conn(sea_orm::RuntimeErr::SqlxError(driver))
                if matches!(**driver, sea_orm::sqlx::Error::Configuration(_)) =>
            {
                wrong(url)
            }
            _ => StoreError::Unreachable {
                subject: subject.clone(),
                source,
            },
        })?;
    Ok(Connections {
        writer: only.clone(),
        reader: only,
        subject,
    })
}

/// Begins a write: with the write lock on SQLite, so that it cannot fail half-way for want of it.
pub(super) async fn begin(connections: &Connections) -> Result<DatabaseTransaction, StoreError> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let started = Instant::now();
    loop {
        match connections.writer.begin_with_options(options).await {
            Err(error) if kind_of(&error) == Kind::Locked && started.elapsed() < BEGIN_WAIT => {
                // The driver has already waited for the lock; only ask again.
                tokio::task::yield_now().await;
            }
            other => {
                return other
                    .doing("begin a write")
                    .map_err(|error| named(error, connections));
            }
        }
    }
}

fn named(error: StoreError, connections: &Connections) -> StoreError {
    match error {
        StoreError::ReadOnly { why, .. } => StoreError::ReadOnly {
            subject: connections.subject.clone(),
            why,
        },
        StoreError::Damaged { finding, .. } => StoreError::Damaged {
            subject: connections.subject.clone(),
            finding,
        },
        StoreError::Unreachable { source, .. } => StoreError::Unreachable {
            subject: connections.subject.clone(),
            source,
        },
        other => other,
    }
}

/// Copies a SQLite file: one read transaction, so that the copy is of one moment.
pub(super) async fn copy_to(connections: &Connections, path: &Path) -> Result<(), StoreError> {
    let quoted = path.display().to_string().replace('\'', "''");
    connections
        .writer
        .execute_unprepared(&format!("VACUUM INTO '{quoted}'"))
        .await
        .doing("copy the database")
        .map_err(|error| named(error, connections))?;
    Ok(())
}

/// Empties the write-ahead log. Somebody who reads keeps what they read of it: then it is left as it is, at once, however
/// long they read.
pub(super) async fn empty_log(connections: &Connections) -> Result<bool, StoreError> {
    if connections.writer.get_database_backend() != DbBackend::Sqlite {
        return Ok(true);
    }
    let doing = "empty the write-ahead log";
    // In one go on the one connection that writes, so that nobody else's write meets a lock without waiting for it.
    let wait = LOCK_WAIT.as_millis();
    let text = format!(
        "PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = {wait}"
    );
    let statement = Statement::from_string(DbBackend::Sqlite, text);
    let rows = connections.writer.query_all_raw(statement).await;
    if rows.is_err() {
        let again = format!("PRAGMA busy_timeout = {wait}");
        let _ = connections.writer.execute_unprepared(&again).await;
    }
    let rows = rows
        .doing(doing)
        .map_err(|error| named(error, connections))?;
    // Of the second statement: whether somebody was in the way.
    let busy = rows.get(1).map(|row| row.try_get_by_index::<i64>(0));
    Ok(busy.transpose().doing(doing)? == Some(0))
}

/// Leaves the write-ahead log, which SQLite allows only to the last that has the file open, and closes.
pub(super) async fn close_alone(connections: &Connections) -> Result<(), StoreError> {
    // Our own readers count too.
    let _ = connections.reader.close_by_ref().await;
    let left = connections
        .writer
        .execute_unprepared("PRAGMA journal_mode = DELETE")
        .await
        .doing("close the database");
    connections.close().await;
    left.map(|_| ()).map_err(|error| named(error, connections))
}

/// Reads every page of a SQLite file.
pub(super) async fn verify(connections: &Connections) -> Result<(), StoreError> {
    if connections.reader.get_database_backend() != DbBackend::Sqlite {
        return Ok(());
    }
    let statement = Statement::from_string(DbBackend::Sqlite, "PRAGMA quick_check(1)");
    let row = connections
        .reader
        .query_one_raw(statement)
        .await
        .doing("look for damage");
    let row = row.map_err(|error| named(error, connections))?;
    let finding = match row {
        Some(row) => row.try_get_by_index::<String>(0).doing("look for damage")?,
        None => "the check gave no answer".to_owned(),
    };
    if finding == "ok" {
        return Ok(());
    }
    Err(StoreError::Damaged {
        subject: connections.subject.clone(),
        finding,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_passwords() {
        for (url, shown) in [
            (
                "postgres://lockstep:s3cret@db:5432/lockstep",
                "postgres://lockstep@db:5432/lockstep",
            ),
            (
                "postgres://lockstep:p@ss@db/lockstep?password=x",
                "postgres://lockstep@db/lockstep",
            ),
            (
                "postgres://db/lockstep?user=a&password=x",
                "postgres://db/lockstep",
            ),
            ("mysql://root:pw@db/x", "mysql://root@db/x"),
            ("lockstep.db", "lockstep.db"),
        ] {
            assert_eq!(without_password(url), shown, "{url}");
        }
    }
}
