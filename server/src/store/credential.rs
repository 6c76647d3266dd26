//! Sealed secrets of sources and clusters. This module stores bytes; sealing and opening them is another's work, with
//! the owner's id and the key id as associated data.

use super::columns::Column;
use super::entity::credential;
use super::error::Doing;
use super::{Read, StoreError, Tx};
use lockstep_types::Micros;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};
use std::collections::BTreeSet;
use std::fmt;
use uuid::Uuid;

/// A sealed secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Id of the source or cluster it belongs to.
    pub owner: Uuid,
    /// Which key seals it.
    pub key_id: String,
    pub bytes: Vec<u8>,
    pub updated_at: Micros,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed")
            .field("owner", &self.owner)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

fn sealed(row: credential::Model) -> Result<Sealed, StoreError> {
    Ok(Sealed {
        owner: Column("credential", "owner_id").id(&row.owner_id)?,
        key_id: row.key_id,
        bytes: row.sealed,
        updated_at: Micros(row.updated_at),
    })
}

/// Stores the secret of `owner` in place of an earlier one.
///
/// # Errors
/// When the database cannot be written.
pub async fn put(tx: &mut Tx, owner: Uuid, key_id: &str, bytes: &[u8]) -> Result<(), StoreError> {
    use credential::Column::{KeyId, OwnerId, Sealed, UpdatedAt};
    let row = credential::Model {
        owner_id: owner.to_string(),
        key_id: key_id.to_owned(),
        sealed: bytes.to_vec(),
        updated_at: tx.now().0,
    };
    credential::Entity::insert(row.into_active_model())
        .on_conflict(
            OnConflict::column(OwnerId)
                .update_columns([KeyId, Sealed, UpdatedAt])
                .to_owned(),
        )
        .exec_without_returning(tx.db())
        .await
        .doing("store a credential")?;
    Ok(())
}

/// The secret of `owner`.
///
/// # Errors
/// When the database cannot be read.
pub async fn get(db: &impl Read, owner: Uuid) -> Result<Option<Sealed>, StoreError> {
    let row = credential::Entity::find_by_id(owner.to_string())
        .one(&db.executor())
        .await
        .doing("read a credential")?;
    row.map(sealed).transpose()
}

/// Who has a secret.
///
/// # Errors
/// When the database cannot be read.
pub async fn owners(db: &impl Read) -> Result<BTreeSet<Uuid>, StoreError> {
    let rows: Vec<String> = credential::Entity::find()
        .select_only()
        .column(credential::Column::OwnerId)
        .into_tuple()
        .all(&db.executor())
        .await
        .doing("list credentials")?;
    rows.iter()
        .map(|id| Column("credential", "owner_id").id(id))
        .collect()
}

/// Secrets sealed with another key than `key_id`, for changing keys.
///
/// # Errors
/// When the database cannot be read.
pub async fn sealed_otherwise(db: &impl Read, key_id: &str) -> Result<Vec<Sealed>, StoreError> {
    let rows = credential::Entity::find()
        .filter(credential::Column::KeyId.ne(key_id))
        .all(&db.executor())
        .await
        .doing("list credentials")?;
    rows.into_iter().map(sealed).collect()
}

/// Stores the same secret of `owner` as it is under another key: it counts as no older or newer than before.
///
/// # Errors
/// When the database cannot be written.
pub async fn reseal(
    tx: &mut Tx,
    owner: Uuid,
    key_id: &str,
    bytes: &[u8],
) -> Result<(), StoreError> {
    credential::Entity::update_many()
        .col_expr(credential::Column::KeyId, Expr::value(key_id))
        .col_expr(credential::Column::Sealed, Expr::value(bytes.to_vec()))
        .filter(credential::Column::OwnerId.eq(owner.to_string()))
        .exec(tx.db())
        .await
        .doing("seal a credential anew")?;
    Ok(())
}

/// Forgets the secret of `owner`.
///
/// # Errors
/// When the database cannot be written.
pub async fn delete(tx: &mut Tx, owner: Uuid) -> Result<(), StoreError> {
    credential::Entity::delete_by_id(owner.to_string())
        .exec(tx.db())
        .await
        .doing("forget a credential")?;
    Ok(())
}
