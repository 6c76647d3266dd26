//! How the store fails: one variant per thing that a caller or operator does something else about. Messages never
//! hold a password or a stored value.

use sea_orm::sqlx;
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    #[error(
        "the database address “{address}” is not understood: use sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME"
    )]
    WrongUrl { address: String },
    #[error("the database file {path} cannot be created: {why}")]
    CannotCreate { path: String, why: String },
    #[error(
        "the database {subject} cannot be written: {why}. Give the account that runs Lockstep write access to the file and its folder"
    )]
    ReadOnly { subject: String, why: String },
    #[error("the database does not answer ({subject}); check its address, its log and the network")]
    Unreachable {
        subject: String,
        #[source]
        source: DbErr,
    },
    #[error(
        "cannot {doing}: another process keeps the database locked. Find it (a backup, a second Lockstep, a database shell) and try again"
    )]
    Locked {
        doing: &'static str,
        #[source]
        source: DbErr,
    },
    #[error("cannot {doing}: all connections to the database are in use")]
    Busy { doing: &'static str },
    #[error(
        "cannot {doing}: no space is left for the database. Nothing was changed; free some and try again"
    )]
    Full {
        doing: &'static str,
        #[source]
        source: DbErr,
    },
    #[error(
        "the database {subject} is damaged or is not a database: {finding}. Nothing was changed; restore a backup, or move the file away to start anew"
    )]
    Damaged { subject: String, finding: String },
    #[error(
        "the database is from a newer Lockstep: it has the schema steps {unknown}, which this version does not know. Start the newer version, or restore a backup made before the upgrade"
    )]
    NewerSchema { unknown: String },
    #[error(
        "the database schema is older than this version needs: the steps {missing} are missing. Run `lockstep migrate`"
    )]
    OlderSchema { missing: String },
    #[error("{subject} was not found")]
    NotFound { subject: String },
    #[error("{subject} exists already")]
    Exists { subject: String },
    #[error("{subject}: {why}")]
    Conflict { subject: String, why: String },
    /// A slower writer came after a newer one: what it knew is out of date, so nothing was written.
    #[error(
        "{subject} has moved on (it is at {have}, the write was made for {given}); nothing was written"
    )]
    Stale {
        subject: String,
        have: u64,
        given: u64,
    },
    #[error(
        "the column {table}.{column} holds what this version cannot read; restore a backup or start the version that wrote it"
    )]
    Unreadable {
        table: &'static str,
        column: &'static str,
    },
    #[error("{what} cannot be written as JSON")]
    Unwritable {
        what: &'static str,
        #[source]
        source: serde_json::Error,
    },
    /// The connection was lost while committing. Read again before trying again: it may be done.
    #[error(
        "the connection to the database was lost while committing; it is not known whether the change is kept"
    )]
    Unsure {
        #[source]
        source: DbErr,
    },
    #[error("cannot {doing}")]
    Failed {
        doing: &'static str,
        #[source]
        source: DbErr,
    },
}

impl StoreError {
    /// A missing object, by kind and name.
    pub(crate) fn not_found(kind: &str, name: impl std::fmt::Display) -> Self {
        Self::NotFound {
            subject: format!("{kind} {name}"),
        }
    }

    /// Waiting and trying again may help.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Locked { .. } | Self::Busy { .. } | Self::Full { .. } | Self::Unreachable { .. }
        )
    }
}

/// Says what was being done when the driver failed.
pub(super) trait Doing<T> {
    /// `doing` continues “cannot …”.
    fn doing(self, doing: &'static str) -> Result<T, StoreError>;
}

impl<T> Doing<T> for Result<T, DbErr> {
    fn doing(self, doing: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| match kind_of(&source) {
            Kind::Locked => StoreError::Locked { doing, source },
            Kind::Busy => StoreError::Busy { doing },
            Kind::Full => StoreError::Full { doing, source },
            Kind::ReadOnly => StoreError::ReadOnly {
                subject: format!("needed to {doing}"),
                why: "it is read-only".to_owned(),
            },
            Kind::Lost => StoreError::Unreachable {
                subject: format!("it was needed to {doing}"),
                source,
            },
            Kind::Damaged => StoreError::Damaged {
                subject: format!("needed to {doing}"),
                finding: source.to_string(),
            },
            Kind::Duplicate => StoreError::Conflict {
                subject: format!("cannot {doing}"),
                why: "the same exists already".to_owned(),
            },
            Kind::NoSuchFile | Kind::Other => StoreError::Failed { doing, source },
        })
    }
}

/// What a driver's error means, across both databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Locked,
    Busy,
    Full,
    ReadOnly,
    Lost,
    Damaged,
    Duplicate,
    NoSuchFile,
    Other,
}

/// Reads the driver's error codes.
pub(super) fn kind_of(error: &DbErr) -> Kind {
    let runtime = match error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => return Kind::Busy,
        DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed) => return Kind::Lost,
        DbErr::Conn(runtime) | DbErr::Exec(runtime) | DbErr::Query(runtime) => runtime,
        _ => return Kind::Other,
    };
    let RuntimeErr::SqlxError(driver) = runtime else {
        return Kind::Other;
    };
    match &**driver {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            match code.parse::<u32>() {
                // SQLSTATEs have five characters, SQLite's extended codes at most four digits.
                Ok(number) if code.len() < 5 => sqlite_kind(number),
                _ => postgres_kind(&code),
            }
        }
        sqlx::Error::Io(_)
        | sqlx::Error::PoolClosed
        | sqlx::Error::Tls(_)
        | sqlx::Error::WorkerCrashed => Kind::Lost,
        sqlx::Error::PoolTimedOut => Kind::Busy,
        _ => Kind::Other,
    }
}

fn sqlite_kind(extended: u32) -> Kind {
    match extended {
        // Unique and primary key; other constraint failures are our fault.
        2067 | 1555 => Kind::Duplicate,
        _ => match extended & 0xff {
            5 | 6 => Kind::Locked,
            8 => Kind::ReadOnly,
            11 | 26 => Kind::Damaged,
            13 => Kind::Full,
            14 => Kind::NoSuchFile,
            _ => Kind::Other,
        },
    }
}

fn postgres_kind(state: &str) -> Kind {
    match state {
        "23505" => Kind::Duplicate,
        // Lock timeout, deadlock, serialisation failure.
        "55P03" | "40P01" | "40001" => Kind::Locked,
        "53300" => Kind::Busy,
        "53100" => Kind::Full,
        "25006" => Kind::ReadOnly,
        "XX001" | "XX002" => Kind::Damaged,
        _ if state.starts_with("08") || state.starts_with("57P") => Kind::Lost,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn driver_codes_are_told_apart() {
        for (code, kind) in [
            (5, Kind::Locked),
            (517, Kind::Locked),
            (2067, Kind::Duplicate),
            (787, Kind::Other),
            (1032, Kind::ReadOnly),
            (26, Kind::Damaged),
        ] {
            assert_eq!(sqlite_kind(code), kind, "{code}");
        }
        for (state, kind) in [
            ("23505", Kind::Duplicate),
            ("57P01", Kind::Lost),
            ("08006", Kind::Lost),
            ("40P01", Kind::Locked),
            ("23503", Kind::Other),
        ] {
            assert_eq!(postgres_kind(state), kind, "{state}");
        }
    }
}
