//! The guard against guessing: failed logins per name and address within a window. Counting is one statement, so that a
//! hundred guesses at once are a hundred failures.

use super::columns::{column, count};
use super::entity::login_attempt;
use super::error::Doing;
use super::user::name_key;
use super::{Read, Store, StoreError};
use lockstep_types::Micros;
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, OnConflict, Query};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

/// Counts a failed login and returns how many there were in the window that it belongs to, this one included. A window
/// begins with its first failure and lasts `seconds`.
///
/// # Errors
/// When the database cannot be written.
pub async fn fail(
    store: &Store,
    name: &str,
    address: &str,
    now: Micros,
    seconds: i64,
) -> Result<u32, StoreError> {
    use login_attempt::Column as C;
    let doing = "count a failed login";
    let old = |column: C| Expr::col((login_attempt::Entity, column));
    let over = || old(C::WindowFrom).lte(now.plus_seconds(-seconds).0);
    let anew_or = |anew: Expr, else_: Expr| -> Expr {
        CaseStatement::new()
            .case(over(), anew)
            .finally(else_)
            .into()
    };
    let insert = Query::insert()
        .into_table(login_attempt::Entity)
        .columns([
            C::NameKey,
            C::Address,
            C::Failures,
            C::WindowFrom,
            C::LastAt,
        ])
        .values_panic([
            name_key(name).into(),
            address.into(),
            1.into(),
            now.0.into(),
            now.0.into(),
        ])
        .on_conflict(
            OnConflict::columns([C::NameKey, C::Address])
                .value(
                    C::Failures,
                    anew_or(Expr::value(1), old(C::Failures).add(1)),
                )
                .value(
                    C::WindowFrom,
                    anew_or(Expr::value(now.0), old(C::WindowFrom)),
                )
                .value(C::LastAt, Expr::value(now.0))
                .to_owned(),
        )
        .returning_col(C::Failures)
        .take();
    let row = store.writer().query_one(&insert).await.doing(doing)?;
    let failures = row
        .map(|row| row.try_get_by_index::<i32>(0))
        .transpose()
        .doing(doing)?;
    Ok(failures.map_or(1, count))
}

/// Failures of this name from this address in the present window.
///
/// # Errors
/// When the database cannot be read.
pub async fn failures(
    db: &impl Read,
    name: &str,
    address: &str,
    now: Micros,
    seconds: i64,
) -> Result<u32, StoreError> {
    let found = login_attempt::Entity::find_by_id((name_key(name), address.to_owned()))
        .filter(login_attempt::Column::WindowFrom.gt(now.plus_seconds(-seconds).0))
        .one(&db.executor())
        .await
        .doing("read failed logins")?;
    Ok(found.map_or(0, |row| count(row.failures)))
}

/// Whether an address has failed with at least `names` different names in the window: it tries one password on many.
///
/// # Errors
/// When the database cannot be read.
pub async fn sprays(
    db: &impl Read,
    address: &str,
    now: Micros,
    seconds: i64,
    names: u32,
) -> Result<bool, StoreError> {
    let found = login_attempt::Entity::find()
        .filter(login_attempt::Column::Address.eq(address))
        .filter(login_attempt::Column::LastAt.gt(now.plus_seconds(-seconds).0))
        .all(&db.executor())
        .await
        .doing("read failed logins")?;
    Ok(i32::try_from(found.len()).unwrap_or(i32::MAX) >= column(names))
}

/// Forgets the failures of a name from an address, after a login that succeeded.
///
/// # Errors
/// When the database cannot be written.
pub async fn clear(store: &Store, name: &str, address: &str) -> Result<(), StoreError> {
    login_attempt::Entity::delete_by_id((name_key(name), address.to_owned()))
        .exec(store.writer())
        .await
        .doing("forget failed logins")?;
    Ok(())
}

/// Drops what is older than `before`. Returns how many.
///
/// # Errors
/// When the database cannot be written.
pub async fn sweep(store: &Store, before: Micros) -> Result<u64, StoreError> {
    let done = login_attempt::Entity::delete_many()
        .filter(login_attempt::Column::LastAt.lt(before.0))
        .exec(store.writer())
        .await
        .doing("drop old failed logins")?;
    Ok(done.rows_affected)
}
