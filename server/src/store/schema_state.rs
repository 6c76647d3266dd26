//! Whether the schema fits this version, and bringing it up to date.

use super::error::{Doing, StoreError};
use super::{Store, connect};
use migrations::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult, Statement, TransactionTrait,
};
use sea_orm_migration::SchemaManager;

/// How the schema of a database stands to this version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaState {
    /// No step was ever applied.
    Empty,
    /// These steps are missing, oldest first.
    Behind { missing: Vec<String> },
    /// It fits.
    Current,
    /// A newer version has applied these steps.
    Newer { unknown: Vec<String> },
}

/// Any number, the same in every version: it keeps two starting replicas from migrating at once.
const MIGRATION_LOCK: i64 = 0x10c5_7e90;

impl Store {
    /// Compares the schema with what this version needs; writes nothing.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn schema_state(&self) -> Result<SchemaState, StoreError> {
        state(self.reader()).await
    }

    /// Refuses unless the schema is exactly what this version needs.
    ///
    /// # Errors
    /// [`StoreError::NewerSchema`] or [`StoreError::OlderSchema`].
    pub async fn require_current_schema(&self) -> Result<(), StoreError> {
        let all = || known().join(", ");
        match self.schema_state().await? {
            SchemaState::Current => Ok(()),
            SchemaState::Empty => Err(StoreError::OlderSchema { missing: all() }),
            SchemaState::Behind { missing } => Err(StoreError::OlderSchema {
                missing: missing.join(", "),
            }),
            SchemaState::Newer { unknown } => Err(newer(&unknown)),
        }
    }

    /// Applies all missing steps in one transaction: a start that is killed half-way changes nothing, and of two
    /// starts at once the second waits and finds nothing left to do. Returns the steps applied.
    ///
    /// # Errors
    /// When the database is from a newer version, locked, or a step fails; nothing was changed then.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        let tx = self.begin_migration().await?;
        let missing = match state(&tx).await? {
            SchemaState::Current => return Ok(Vec::new()),
            SchemaState::Newer { unknown } => return Err(newer(&unknown)),
            SchemaState::Empty => known(),
            SchemaState::Behind { missing } => missing,
        };
        Migrator::up(&tx, None)
            .await
            .doing("bring the database schema up to date")?;
        tx.commit()
            .await
            .doing("bring the database schema up to date")?;
        Ok(missing)
    }

    /// Takes back the newest `steps`. Their tables are dropped with all that is in them.
    ///
    /// # Errors
    /// As [`Store::migrate`].
    pub async fn migrate_back(&self, steps: u32) -> Result<(), StoreError> {
        let tx = self.begin_migration().await?;
        if let SchemaState::Newer { unknown } = state(&tx).await? {
            return Err(newer(&unknown));
        }
        Migrator::down(&tx, Some(steps))
            .await
            .doing("take back steps of the database schema")?;
        tx.commit()
            .await
            .doing("take back steps of the database schema")
    }

    async fn begin_migration(&self) -> Result<DatabaseTransaction, StoreError> {
        let tx = connect::begin(&self.shared.connections).await?;
        if tx.get_database_backend() == DbBackend::Postgres {
            let lock = Statement::from_string(
                DbBackend::Postgres,
                format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"),
            );
            tx.execute_raw(lock)
                .await
                .doing("lock the database schema")?;
        }
        Ok(tx)
    }
}

fn newer(unknown: &[String]) -> StoreError {
    StoreError::NewerSchema {
        unknown: unknown.join(", "),
    }
}

fn known() -> Vec<String> {
    Migrator::migrations()
        .iter()
        .map(|step| step.name().to_owned())
        .collect()
}

#[derive(FromQueryResult)]
struct Applied {
    version: String,
}

async fn state<C>(db: &C) -> Result<SchemaState, StoreError>
where
    C: ConnectionTrait + TransactionTrait,
    for<'c> &'c C: sea_orm::IntoDatabaseExecutor<'c>,
{
    let doing = "read the version of the database schema";
    let has_table = SchemaManager::new(db)
        .has_table("seaql_migrations")
        .await
        .doing(doing)?;
    if !has_table {
        return Ok(SchemaState::Empty);
    }
    let query = Statement::from_string(
        db.get_database_backend(),
        "SELECT version FROM seaql_migrations ORDER BY version",
    );
    let applied = Applied::find_by_statement(query)
        .all(db)
        .await
        .doing(doing)?;
    let known = known();
    let unknown: Vec<String> = applied
        .iter()
        .map(|step| step.version.clone())
        .filter(|version| !known.contains(version))
        .collect();
    let missing: Vec<String> = known
        .iter()
        .filter(|name| applied.iter().all(|step| step.version != **name))
        .cloned()
        .collect();
    Ok(if !unknown.is_empty() {
        SchemaState::Newer { unknown }
    } else if applied.is_empty() {
        SchemaState::Empty
    } else if missing.is_empty() {
        SchemaState::Current
    } else {
        SchemaState::Behind { missing }
    })
}
