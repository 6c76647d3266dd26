//! Facts about this installation that no file and no repository holds: settings made in the browser, and the epoch by
//! which a cluster recognises a database that was restored from a backup.

use super::columns::Column;
use super::entity::fact;
use super::error::Doing;
use super::{Read, StoreError, Tx};
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, IntoActiveModel};
use std::collections::BTreeMap;

const EPOCH: &str = "epoch";

/// A fact; `None` when it was never set.
///
/// # Errors
/// When the database cannot be read.
pub async fn get(db: &impl Read, key: &str) -> Result<Option<String>, StoreError> {
    let row = fact::Entity::find_by_id(key)
        .one(&db.executor())
        .await
        .doing("read a fact of the installation")?;
    Ok(row.map(|row| row.value))
}

/// All facts.
///
/// # Errors
/// When the database cannot be read.
pub async fn all(db: &impl Read) -> Result<BTreeMap<String, String>, StoreError> {
    let rows = fact::Entity::find()
        .all(&db.executor())
        .await
        .doing("read the facts of the installation")?;
    Ok(rows.into_iter().map(|row| (row.key, row.value)).collect())
}

/// Sets a fact.
///
/// # Errors
/// When the database cannot be written.
pub async fn set(tx: &mut Tx, key: &str, value: &str) -> Result<(), StoreError> {
    let row = fact::Model {
        key: key.to_owned(),
        value: value.to_owned(),
    };
    fact::Entity::insert(row.into_active_model())
        .on_conflict(
            OnConflict::column(fact::Column::Key)
                .update_column(fact::Column::Value)
                .to_owned(),
        )
        .exec_without_returning(tx.db())
        .await
        .doing("write a fact of the installation")?;
    Ok(())
}

/// Forgets a fact.
///
/// # Errors
/// When the database cannot be written.
pub async fn unset(tx: &mut Tx, key: &str) -> Result<(), StoreError> {
    fact::Entity::delete_by_id(key)
        .exec(tx.db())
        .await
        .doing("forget a fact of the installation")?;
    Ok(())
}

/// The epoch; 0 before the first write to any cluster. A cluster that has seen a later one tells that this database
/// was restored.
///
/// # Errors
/// When the database cannot be read.
pub async fn epoch(db: &impl Read) -> Result<u64, StoreError> {
    match get(db, EPOCH).await? {
        Some(text) => text
            .parse()
            .map_err(|_| Column("fact", "value").unreadable()),
        None => Ok(0),
    }
}

/// Moves the epoch on and returns the new one. Commit it before the first write to a cluster.
///
/// # Errors
/// When the database cannot be written.
pub async fn advance_epoch(tx: &mut Tx) -> Result<u64, StoreError> {
    let next = epoch(tx).await? + 1;
    set_epoch(tx, next).await?;
    Ok(next)
}

/// Takes over an epoch that a cluster has seen, after a person confirmed that the database was restored.
///
/// # Errors
/// When the database cannot be written.
pub async fn set_epoch(tx: &mut Tx, epoch: u64) -> Result<(), StoreError> {
    set(tx, EPOCH, &epoch.to_string()).await
}
