//! Links that let somebody in once, for those who cannot log in otherwise. Only hashes are stored.

use super::columns::Column;
use super::entity::entry_link;
use super::error::Doing;
use super::{Store, StoreError, Tx};
use lockstep_types::Micros;
use lockstep_types::id::UserId;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

/// Stores the hash of a link; earlier ones of the same person become worthless.
///
/// # Errors
/// When the database cannot be written.
pub async fn put(
    tx: &mut Tx,
    user: UserId,
    hash: &str,
    expires_at: Micros,
) -> Result<(), StoreError> {
    entry_link::Entity::delete_many()
        .filter(entry_link::Column::UserId.eq(user.to_string()))
        .exec(tx.db())
        .await
        .doing("void earlier links")?;
    let model = entry_link::Model {
        hash: hash.to_owned(),
        user_id: user.to_string(),
        expires_at: expires_at.0,
    };
    entry_link::Entity::insert(model.into_active_model())
        .exec_without_returning(tx.db())
        .await
        .doing("store a link")?;
    Ok(())
}

/// Uses a link up: whose it was, or `None` when it is unknown, used or expired.
///
/// # Errors
/// When the database cannot be written.
pub async fn take(tx: &mut Tx, hash: &str) -> Result<Option<UserId>, StoreError> {
    let found = entry_link::Entity::find_by_id(hash.to_owned())
        .filter(entry_link::Column::ExpiresAt.gt(tx.now().0))
        .one(tx.db())
        .await
        .doing("read a link")?;
    let Some(found) = found else {
        return Ok(None);
    };
    let done = entry_link::Entity::delete_by_id(hash.to_owned())
        .exec(tx.db())
        .await
        .doing("use a link")?;
    // Two at once: one deletes it.
    if done.rows_affected == 0 {
        return Ok(None);
    }
    Column("entry_link", "user_id").id(&found.user_id).map(Some)
}

/// Drops links that have expired.
///
/// # Errors
/// When the database cannot be written.
pub async fn sweep(store: &Store, now: Micros) -> Result<(), StoreError> {
    entry_link::Entity::delete_many()
        .filter(entry_link::Column::ExpiresAt.lte(now.0))
        .exec(store.writer())
        .await
        .doing("drop expired links")?;
    Ok(())
}
