//! Browser sessions. Saving is an update, never an upsert: a request that was in flight while its session was revoked
//! must not bring it back.

use super::columns::Column;
use super::entity::session;
use super::error::Doing;
use super::{Read, Store, StoreError, Tx};
use lockstep_types::Micros;
use lockstep_types::event::{EventKind, Subject};
use lockstep_types::id::UserId;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use std::fmt;

/// A session as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// What the cookie names; secret.
    pub id: String,
    /// Who is logged in by it.
    pub user: Option<UserId>,
    /// What the session layer keeps, in its own form.
    pub data: String,
    pub created_at: Micros,
    pub last_seen_at: Micros,
    pub expires_at: Micros,
}

impl fmt::Debug for SessionRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRow")
            .field("user", &self.user)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

fn row(row: session::Model) -> Result<SessionRow, StoreError> {
    Ok(SessionRow {
        id: row.id,
        user: Column("session", "user_id").maybe_id(row.user_id.as_deref())?,
        data: row.data,
        created_at: Micros(row.created_at),
        last_seen_at: Micros(row.last_seen_at),
        expires_at: Micros(row.expires_at),
    })
}

/// Stores a new session; `false` when its id is taken.
///
/// # Errors
/// When the database cannot be written.
pub async fn create(store: &Store, new: &SessionRow) -> Result<bool, StoreError> {
    let model = session::Model {
        id: new.id.clone(),
        user_id: new.user.map(|user| user.to_string()),
        data: new.data.clone(),
        created_at: new.created_at.0,
        last_seen_at: new.last_seen_at.0,
        expires_at: new.expires_at.0,
    };
    let written = session::Entity::insert(model.into_active_model())
        .on_conflict(
            OnConflict::column(session::Column::Id)
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(store.writer())
        .await
        .doing("begin a session")?;
    Ok(written > 0)
}

/// The session, unless it has expired.
///
/// # Errors
/// When the database cannot be read.
pub async fn load(db: &impl Read, id: &str, now: Micros) -> Result<Option<SessionRow>, StoreError> {
    let found = session::Entity::find_by_id(id)
        .filter(session::Column::ExpiresAt.gt(now.0))
        .one(&db.executor())
        .await
        .doing("read a session")?;
    found.map(row).transpose()
}

/// Saves data, user and expiry of a session that is still there; `false` when it is not.
///
/// # Errors
/// When the database cannot be written.
pub async fn save(store: &Store, changed: &SessionRow) -> Result<bool, StoreError> {
    let done = session::Entity::update_many()
        .col_expr(
            session::Column::UserId,
            Expr::value(changed.user.map(|user| user.to_string())),
        )
        .col_expr(session::Column::Data, Expr::value(changed.data.as_str()))
        .col_expr(
            session::Column::LastSeenAt,
            Expr::value(changed.last_seen_at.0),
        )
        .col_expr(
            session::Column::ExpiresAt,
            Expr::value(changed.expires_at.0),
        )
        .filter(session::Column::Id.eq(changed.id.as_str()))
        .exec(store.writer())
        .await
        .doing("save a session")?;
    Ok(done.rows_affected > 0)
}

/// Notes a use and moves the expiry, for a session that is still there; `false` when it is not.
///
/// # Errors
/// When the database cannot be written.
pub async fn touch(
    store: &Store,
    id: &str,
    seen_at: Micros,
    expires_at: Micros,
) -> Result<bool, StoreError> {
    let done = session::Entity::update_many()
        .col_expr(session::Column::LastSeenAt, Expr::value(seen_at.0))
        .col_expr(session::Column::ExpiresAt, Expr::value(expires_at.0))
        .filter(session::Column::Id.eq(id))
        .exec(store.writer())
        .await
        .doing("note the use of a session")?;
    Ok(done.rows_affected > 0)
}

/// Ends a session. Returns whether there was one.
///
/// # Errors
/// When the database cannot be written.
pub async fn delete(store: &Store, id: &str) -> Result<bool, StoreError> {
    let done = session::Entity::delete_by_id(id)
        .exec(store.writer())
        .await
        .doing("end a session")?;
    Ok(done.rows_affected > 0)
}

/// Ends all sessions of a person. Returns how many.
///
/// # Errors
/// When the database cannot be written.
pub async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<u64, StoreError> {
    let done = session::Entity::delete_many()
        .filter(session::Column::UserId.eq(user.to_string()))
        .exec(tx.db())
        .await
        .doing("end the sessions of a person")?;
    Ok(done.rows_affected)
}

/// Ends some sessions of a person. Returns how many.
///
/// # Errors
/// When the database cannot be written.
pub async fn delete_some(tx: &mut Tx, user: UserId, ids: &[&str]) -> Result<u64, StoreError> {
    let done = session::Entity::delete_many()
        .filter(session::Column::UserId.eq(user.to_string()))
        .filter(session::Column::Id.is_in(ids.iter().copied()))
        .exec(tx.db())
        .await
        .doing("end sessions of a person")?;
    tx.announce(Subject::Account, EventKind::Changed);
    Ok(done.rows_affected)
}

/// The sessions of a person that have not expired, latest use first.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_user(
    db: &impl Read,
    user: UserId,
    now: Micros,
) -> Result<Vec<SessionRow>, StoreError> {
    let rows = session::Entity::find()
        .filter(session::Column::UserId.eq(user.to_string()))
        .filter(session::Column::ExpiresAt.gt(now.0))
        .order_by_desc(session::Column::LastSeenAt)
        .all(&db.executor())
        .await;
    rows.doing("list the sessions of a person")?
        .into_iter()
        .map(row)
        .collect()
}

/// Drops expired sessions. Returns how many.
///
/// # Errors
/// When the database cannot be written.
pub async fn sweep(store: &Store, now: Micros) -> Result<u64, StoreError> {
    let done = session::Entity::delete_many()
        .filter(session::Column::ExpiresAt.lte(now.0))
        .exec(store.writer())
        .await
        .doing("drop expired sessions")?;
    Ok(done.rows_affected)
}
