//! Second factors and the codes in place of a lost one. The secret of a factor is a sealed credential of the account.

use super::entity::{recovery_code, second_factor};
use super::error::Doing;
use super::{Read, StoreError, Tx, credential};
use lockstep_types::Micros;
use lockstep_types::event::{EventKind, Subject};
use lockstep_types::id::UserId;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};
use std::collections::BTreeMap;

/// A second factor as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactorRow {
    /// `None`: begun, and not asked for at the login.
    pub confirmed_at: Option<Micros>,
    /// Of the last code that was taken, in steps since 1970.
    pub last_step: i64,
}

fn row(row: &second_factor::Model) -> FactorRow {
    FactorRow {
        confirmed_at: row.confirmed_at.map(Micros),
        last_step: row.last_step,
    }
}

/// The second factor of an account.
///
/// # Errors
/// When the database cannot be read.
pub async fn get(db: &impl Read, user: UserId) -> Result<Option<FactorRow>, StoreError> {
    let found = second_factor::Entity::find_by_id(user.to_string())
        .one(&db.executor())
        .await
        .doing("read a second factor")?;
    Ok(found.as_ref().map(row))
}

/// Who has a second factor, and since when.
///
/// # Errors
/// When the database cannot be read.
pub async fn confirmed(db: &impl Read) -> Result<BTreeMap<String, Micros>, StoreError> {
    let rows = second_factor::Entity::find()
        .filter(second_factor::Column::ConfirmedAt.is_not_null())
        .all(&db.executor())
        .await
        .doing("list second factors")?;
    Ok(rows
        .into_iter()
        .filter_map(|row| Some((row.user_id, Micros(row.confirmed_at?))))
        .collect())
}

/// Begins an enrolment in place of an earlier one that was not confirmed; `false` when one is confirmed.
///
/// # Errors
/// When the database cannot be written.
pub async fn begin(
    tx: &mut Tx,
    user: UserId,
    key_id: &str,
    sealed: &[u8],
) -> Result<bool, StoreError> {
    if get(tx, user)
        .await?
        .is_some_and(|row| row.confirmed_at.is_some())
    {
        return Ok(false);
    }
    let model = second_factor::Model {
        user_id: user.to_string(),
        confirmed_at: None,
        last_step: 0,
    };
    second_factor::Entity::insert(model.into_active_model())
        .on_conflict(
            OnConflict::column(second_factor::Column::UserId)
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(tx.db())
        .await
        .doing("begin a second factor")?;
    credential::put(tx, user.0, key_id, sealed).await?;
    Ok(true)
}

/// Takes a code of this step, once: `false` when one of it or of a later step was taken before.
///
/// # Errors
/// When the database cannot be written.
pub async fn take_step(tx: &mut Tx, user: UserId, step: i64) -> Result<bool, StoreError> {
    let done = second_factor::Entity::update_many()
        .col_expr(second_factor::Column::LastStep, Expr::value(step))
        .filter(second_factor::Column::UserId.eq(user.to_string()))
        .filter(second_factor::Column::LastStep.lt(step))
        .exec(tx.db())
        .await
        .doing("take a code")?;
    Ok(done.rows_affected > 0)
}

/// The factor counts from now on, with these codes in place of a lost one; `false` when it did before.
///
/// # Errors
/// When the database cannot be written.
pub async fn confirm(tx: &mut Tx, user: UserId, hashes: &[String]) -> Result<bool, StoreError> {
    let done = second_factor::Entity::update_many()
        .col_expr(
            second_factor::Column::ConfirmedAt,
            Expr::value(Some(tx.now().0)),
        )
        .filter(second_factor::Column::UserId.eq(user.to_string()))
        .filter(second_factor::Column::ConfirmedAt.is_null())
        .exec(tx.db())
        .await
        .doing("confirm a second factor")?;
    if done.rows_affected == 0 {
        return Ok(false);
    }
    let codes = hashes.iter().map(|hash| {
        recovery_code::Model {
            hash: hash.clone(),
            user_id: user.to_string(),
        }
        .into_active_model()
    });
    recovery_code::Entity::insert_many(codes)
        .exec_without_returning(tx.db())
        .await
        .doing("store recovery codes")?;
    tx.announce(Subject::Account, EventKind::Changed);
    Ok(true)
}

/// Uses a recovery code up; `false` when there is none of this hash.
///
/// # Errors
/// When the database cannot be written.
pub async fn use_recovery(tx: &mut Tx, user: UserId, hash: &str) -> Result<bool, StoreError> {
    let done = recovery_code::Entity::delete_many()
        .filter(recovery_code::Column::Hash.eq(hash))
        .filter(recovery_code::Column::UserId.eq(user.to_string()))
        .exec(tx.db())
        .await
        .doing("use a recovery code")?;
    Ok(done.rows_affected > 0)
}

/// How many recovery codes are left.
///
/// # Errors
/// When the database cannot be read.
pub async fn recovery_left(db: &impl Read, user: UserId) -> Result<u64, StoreError> {
    recovery_code::Entity::find()
        .filter(recovery_code::Column::UserId.eq(user.to_string()))
        .count(&db.executor())
        .await
        .doing("count recovery codes")
}

/// Takes the second factor away with its secret and codes; `false` when there was none.
///
/// # Errors
/// When the database cannot be written.
pub async fn delete(tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    let text = user.to_string();
    recovery_code::Entity::delete_many()
        .filter(recovery_code::Column::UserId.eq(text.as_str()))
        .exec(tx.db())
        .await
        .doing("forget recovery codes")?;
    let done = second_factor::Entity::delete_by_id(text)
        .exec(tx.db())
        .await
        .doing("forget a second factor")?;
    credential::delete(tx, user.0).await?;
    tx.announce(Subject::Account, EventKind::Changed);
    Ok(done.rows_affected > 0)
}
