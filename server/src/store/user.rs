//! People with a login. Names are unique whatever their case. Passwords are stored as their owner module hashes them.

use super::columns::{Column, asked, big, number};
use super::entity::account;
use super::error::Doing;
use super::{Read, Store, StoreError, Tx, factor, session, token};
use lockstep_types::Micros;
use lockstep_types::account::{Role, UserView};
use lockstep_types::event::{EventKind, Subject};
use lockstep_types::id::UserId;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder};
use std::fmt;
use uuid::Uuid;

/// An account as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct UserRow {
    pub id: UserId,
    pub name: String,
    pub role: Role,
    /// PHC string; `None` when there is no password login.
    pub password_hash: Option<String>,
    pub disabled: bool,
    pub created_at: Micros,
    pub last_seen_at: Option<Micros>,
    /// Newest event this person has been shown.
    pub last_seen_seq: u64,
}

impl fmt::Debug for UserRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserRow")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("role", &self.role)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

impl UserRow {
    /// A program's account: there is no way for a person to log in, neither a password nor a provider.
    pub fn is_automation(&self, by_provider: bool) -> bool {
        !by_provider && self.password_hash.is_none()
    }

    /// As the list of people shows it.
    pub fn view(&self) -> UserView {
        UserView {
            id: self.id,
            name: self.name.clone(),
            role: self.role,
            disabled: self.disabled,
            created_at: self.created_at,
            last_seen: self.last_seen_at,
            provider: None,
            factor: false,
            automation: false,
        }
    }
}

fn row(row: account::Model) -> Result<UserRow, StoreError> {
    Ok(UserRow {
        id: Column("account", "id").id(&row.id)?,
        name: row.name,
        role: Column("account", "role").word(Role::from_word(&row.role))?,
        password_hash: row.password_hash,
        disabled: row.disabled,
        created_at: Micros(row.created_at),
        last_seen_at: row.last_seen_at.map(Micros),
        last_seen_seq: number(row.last_seen_seq),
    })
}

/// The form of a name that is compared.
pub(super) fn name_key(name: &str) -> String {
    asked(name).trim().to_lowercase()
}

/// Makes an account.
///
/// # Errors
/// [`StoreError::Exists`] when the name is taken, in whatever case.
pub async fn create(
    tx: &mut Tx,
    name: &str,
    role: Role,
    password_hash: Option<&str>,
) -> Result<UserRow, StoreError> {
    let model = account::Model {
        id: Uuid::now_v7().to_string(),
        name: name.trim().to_owned(),
        name_key: name_key(name),
        role: role.word().to_owned(),
        password_hash: password_hash.map(str::to_owned),
        disabled: false,
        created_at: tx.now().0,
        last_seen_at: None,
        last_seen_seq: 0,
    };
    let once = OnConflict::column(account::Column::NameKey)
        .do_nothing()
        .to_owned();
    let written = account::Entity::insert(model.clone().into_active_model())
        .on_conflict(once)
        .exec_without_returning(tx.db())
        .await
        .doing("make an account")?;
    if written == 0 {
        return Err(StoreError::Exists {
            subject: format!("the account {}", model.name),
        });
    }
    tx.announce(Subject::Account, EventKind::Changed);
    row(model)
}

/// All accounts by name.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(db: &impl Read) -> Result<Vec<UserRow>, StoreError> {
    let rows = account::Entity::find()
        .order_by_asc(account::Column::NameKey)
        .all(&db.executor())
        .await;
    rows.doing("list accounts")?.into_iter().map(row).collect()
}

/// How many accounts there are; none means that the first administrator is still to be made.
///
/// # Errors
/// When the database cannot be read.
pub async fn count(db: &impl Read) -> Result<u64, StoreError> {
    account::Entity::find()
        .count(&db.executor())
        .await
        .doing("count accounts")
}

/// One account.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(db: &impl Read, id: UserId) -> Result<UserRow, StoreError> {
    let found = account::Entity::find_by_id(id.to_string())
        .one(&db.executor())
        .await
        .doing("read an account")?;
    row(found.ok_or_else(|| StoreError::not_found("account", id))?)
}

/// The account of this name, in whatever case.
///
/// # Errors
/// When the database cannot be read.
pub async fn by_name(db: &impl Read, name: &str) -> Result<Option<UserRow>, StoreError> {
    let found = account::Entity::find()
        .filter(account::Column::NameKey.eq(name_key(name)))
        .one(&db.executor())
        .await;
    found.doing("read an account")?.map(row).transpose()
}

async fn update(
    tx: &mut Tx,
    id: UserId,
    column: account::Column,
    value: Expr,
) -> Result<(), StoreError> {
    let done = account::Entity::update_many()
        .col_expr(column, value)
        .filter(account::Column::Id.eq(id.to_string()))
        .exec(tx.db())
        .await
        .doing("change an account")?;
    if done.rows_affected == 0 {
        return Err(StoreError::not_found("account", id));
    }
    tx.announce(Subject::Account, EventKind::Changed);
    Ok(())
}

/// Disables or enables an account. Disabling ends all its sessions; its tokens are refused as long as it is disabled.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set_disabled(tx: &mut Tx, id: UserId, disabled: bool) -> Result<(), StoreError> {
    update(tx, id, account::Column::Disabled, Expr::value(disabled)).await?;
    if disabled {
        session::delete_of_user(tx, id).await?;
    }
    Ok(())
}

/// Sets the hash of a password and ends all sessions of that person.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set_password_hash(tx: &mut Tx, id: UserId, hash: &str) -> Result<(), StoreError> {
    update(tx, id, account::Column::PasswordHash, Expr::value(hash)).await?;
    session::delete_of_user(tx, id).await?;
    Ok(())
}

/// Replaces a hash by one of the same password with stronger parameters: nobody is logged out, and nothing happens when
/// the password was changed meanwhile.
///
/// # Errors
/// When the database cannot be written.
pub async fn rehash(store: &Store, id: UserId, old: &str, new: &str) -> Result<(), StoreError> {
    account::Entity::update_many()
        .col_expr(account::Column::PasswordHash, Expr::value(new))
        .filter(account::Column::Id.eq(id.to_string()))
        .filter(account::Column::PasswordHash.eq(old))
        .exec(store.writer())
        .await
        .doing("strengthen a password hash")?;
    Ok(())
}

/// Sets the role.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set_role(tx: &mut Tx, id: UserId, role: Role) -> Result<(), StoreError> {
    update(tx, id, account::Column::Role, Expr::value(role.word())).await
}

/// Deletes an account with its sessions and tokens. What it did stays in the audit log.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn delete(tx: &mut Tx, id: UserId) -> Result<(), StoreError> {
    session::delete_of_user(tx, id).await?;
    token::delete_of_user(tx, id).await?;
    factor::delete(tx, id).await?;
    let done = account::Entity::delete_by_id(id.to_string())
        .exec(tx.db())
        .await
        .doing("delete an account")?;
    if done.rows_affected == 0 {
        return Err(StoreError::not_found("account", id));
    }
    tx.announce(Subject::Account, EventKind::Removed);
    Ok(())
}

/// Notes what a person has been shown and when. Never goes back.
///
/// # Errors
/// When the database cannot be written.
pub async fn saw(store: &Store, id: UserId, seq: u64, at: Micros) -> Result<(), StoreError> {
    account::Entity::update_many()
        .col_expr(account::Column::LastSeenSeq, Expr::value(big(seq)))
        .col_expr(account::Column::LastSeenAt, Expr::value(at.0))
        .filter(account::Column::Id.eq(id.to_string()))
        .filter(account::Column::LastSeenSeq.lte(big(seq)))
        .exec(store.writer())
        .await
        .doing("note what a person has seen")?;
    Ok(())
}
