//! API tokens and the token that makes the first administrator. Only hashes are stored, so a copy of the database lets
//! nobody in.

use super::columns::{Column, maybe_json};
use super::entity::{account, api_token, setup_token};
use super::error::Doing;
use super::user::UserRow;
use super::{Read, Store, StoreError, Tx, user};
use lockstep_types::Micros;
use lockstep_types::account::TokenView;
use lockstep_types::event::{EventKind, Subject};
use lockstep_types::id::{TokenId, UserId};
use lockstep_types::policy::TokenScope;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};
use uuid::Uuid;

/// A last use is noted at most this often.
const USE_SECONDS: i64 = 60;

/// Stores a new token by the hash of its text.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such person.
pub async fn create(
    tx: &mut Tx,
    user: UserId,
    label: &str,
    hash: &str,
    expires_at: Option<Micros>,
    scope: Option<&TokenScope>,
) -> Result<TokenId, StoreError> {
    user::get(tx, user).await?;
    let id = TokenId(Uuid::now_v7());
    let model = api_token::Model {
        id: id.to_string(),
        user_id: user.to_string(),
        label: label.to_owned(),
        hash: hash.to_owned(),
        created_at: tx.now().0,
        expires_at: expires_at.map(|at| at.0),
        last_used_at: None,
        revoked_at: None,
        scope: maybe_json("the scope of a token", scope)?,
        replaced_at: None,
    };
    api_token::Entity::insert(model.into_active_model())
        .exec_without_returning(tx.db())
        .await
        .doing("store a token")?;
    tx.announce(Subject::Account, EventKind::Changed);
    Ok(id)
}

/// A token that opens the door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub token: TokenId,
    pub user: UserRow,
    pub scope: Option<TokenScope>,
}

/// Whose token this hash is; `None` when it is unknown, revoked, expired, or its owner is disabled.
///
/// # Errors
/// When the database cannot be read.
pub async fn holder(db: &impl Read, hash: &str, now: Micros) -> Result<Option<Holder>, StoreError> {
    let found = api_token::Entity::find()
        .filter(api_token::Column::Hash.eq(hash))
        .filter(api_token::Column::RevokedAt.is_null())
        .filter(
            Condition::any()
                .add(api_token::Column::ExpiresAt.is_null())
                .add(api_token::Column::ExpiresAt.gt(now.0)),
        )
        .one(&db.executor())
        .await
        .doing("look a token up")?;
    let Some(found) = found else {
        return Ok(None);
    };
    let owner = user::get(db, Column("api_token", "user_id").id(&found.user_id)?).await?;
    if owner.disabled {
        return Ok(None);
    }
    Ok(Some(Holder {
        token: Column("api_token", "id").id(&found.id)?,
        user: owner,
        scope: Column("api_token", "scope").maybe_json(found.scope.as_deref())?,
    }))
}

/// Notes a use, at most once a minute.
///
/// # Errors
/// When the database cannot be written.
pub async fn used(store: &Store, id: TokenId, now: Micros) -> Result<(), StoreError> {
    let long_ago = now.plus_seconds(-USE_SECONDS);
    api_token::Entity::update_many()
        .col_expr(api_token::Column::LastUsedAt, Expr::value(now.0))
        .filter(api_token::Column::Id.eq(id.to_string()))
        .filter(
            Condition::any()
                .add(api_token::Column::LastUsedAt.is_null())
                .add(api_token::Column::LastUsedAt.lt(long_ago.0)),
        )
        .exec(store.writer())
        .await
        .doing("note the use of a token")?;
    Ok(())
}

/// Tokens of one person, or of all; newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(db: &impl Read, of: Option<UserId>) -> Result<Vec<TokenView>, StoreError> {
    let owned: sea_orm::RelationDef = api_token::Entity::belongs_to(account::Entity)
        .from(api_token::Column::UserId)
        .to(account::Column::Id)
        .into();
    let mut select = sea_orm::QuerySelect::join(
        api_token::Entity::find(),
        sea_orm::JoinType::InnerJoin,
        owned,
    )
    .order_by_desc(api_token::Column::CreatedAt)
    .order_by_desc(api_token::Column::Id);
    if let Some(user) = of {
        select = select.filter(api_token::Column::UserId.eq(user.to_string()));
    }
    let rows = sea_orm::QuerySelect::column_as(select, account::Column::Name, "owner")
        .into_model::<Owned>()
        .all(&db.executor())
        .await
        .doing("list tokens")?;
    rows.into_iter()
        .map(|row| {
            Ok(TokenView {
                id: Column("api_token", "id").id(&row.id)?,
                user: row.owner,
                label: row.label,
                created_at: Micros(row.created_at),
                last_used: row.last_used_at.map(Micros),
                expires_at: row.expires_at.map(Micros),
                revoked: row.revoked_at.is_some(),
                scope: Column("api_token", "scope").maybe_json(row.scope.as_deref())?,
                replaced: row.replaced_at.is_some(),
            })
        })
        .collect()
}

#[derive(sea_orm::FromQueryResult)]
struct Owned {
    id: String,
    label: String,
    created_at: i64,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
    scope: Option<String>,
    replaced_at: Option<i64>,
    owner: String,
}

/// Whose token this is, revoked or not.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn owner(db: &impl Read, id: TokenId) -> Result<UserId, StoreError> {
    let found = api_token::Entity::find_by_id(id.to_string())
        .one(&db.executor())
        .await
        .doing("read a token")?;
    let found = found.ok_or_else(|| StoreError::not_found("token", id))?;
    Column("api_token", "user_id").id(&found.user_id)
}

/// Revokes a token; `false` when it was revoked before.
///
/// # Errors
/// When the database cannot be written.
pub async fn revoke(tx: &mut Tx, id: TokenId) -> Result<bool, StoreError> {
    let done = api_token::Entity::update_many()
        .col_expr(api_token::Column::RevokedAt, Expr::value(tx.now().0))
        .filter(api_token::Column::Id.eq(id.to_string()))
        .filter(api_token::Column::RevokedAt.is_null())
        .exec(tx.db())
        .await
        .doing("revoke a token")?;
    tx.announce(Subject::Account, EventKind::Changed);
    Ok(done.rows_affected > 0)
}

/// What a new token takes over from the one that it replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaceable {
    pub user: UserId,
    pub label: String,
    pub scope: Option<TokenScope>,
    pub created_at: Micros,
    pub expires_at: Option<Micros>,
}

/// A token that is in force and was not replaced yet; `None` otherwise.
///
/// # Errors
/// When the database cannot be read.
pub async fn replaceable(
    db: &impl Read,
    id: TokenId,
    now: Micros,
) -> Result<Option<Replaceable>, StoreError> {
    let found = api_token::Entity::find_by_id(id.to_string())
        .filter(api_token::Column::RevokedAt.is_null())
        .filter(api_token::Column::ReplacedAt.is_null())
        .one(&db.executor())
        .await
        .doing("read a token")?;
    let Some(found) = found.filter(|row| row.expires_at.is_none_or(|at| at > now.0)) else {
        return Ok(None);
    };
    Ok(Some(Replaceable {
        user: Column("api_token", "user_id").id(&found.user_id)?,
        label: found.label,
        scope: Column("api_token", "scope").maybe_json(found.scope.as_deref())?,
        created_at: Micros(found.created_at),
        expires_at: found.expires_at.map(Micros),
    }))
}

/// Marks a token as replaced and ends it at `until`, never later than it ends anyway; `false` when it was replaced or
/// revoked before.
///
/// # Errors
/// When the database cannot be written.
pub async fn replace(tx: &mut Tx, id: TokenId, until: Micros) -> Result<bool, StoreError> {
    use api_token::Column as C;
    let ends = |id: TokenId| {
        api_token::Entity::update_many()
            .filter(C::Id.eq(id.to_string()))
            .filter(C::RevokedAt.is_null())
    };
    let done = ends(id)
        .col_expr(C::ReplacedAt, Expr::value(Some(tx.now().0)))
        .filter(C::ReplacedAt.is_null())
        .exec(tx.db())
        .await
        .doing("replace a token")?;
    ends(id)
        .col_expr(C::ExpiresAt, Expr::value(Some(until.0)))
        .filter(
            Condition::any()
                .add(C::ExpiresAt.is_null())
                .add(C::ExpiresAt.gt(until.0)),
        )
        .exec(tx.db())
        .await
        .doing("replace a token")?;
    Ok(done.rows_affected > 0)
}

pub(super) async fn delete_of_user(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    api_token::Entity::delete_many()
        .filter(api_token::Column::UserId.eq(user.to_string()))
        .exec(tx.db())
        .await
        .doing("delete the tokens of a person")?;
    Ok(())
}

/// Stores the hash of a setup token.
///
/// # Errors
/// When the database cannot be written.
pub async fn put_setup(
    store: &Store,
    hash: &str,
    now: Micros,
    expires_at: Micros,
) -> Result<(), StoreError> {
    let model = setup_token::Model {
        hash: hash.to_owned(),
        created_at: now.0,
        expires_at: expires_at.0,
        used_at: None,
    };
    setup_token::Entity::insert(model.into_active_model())
        .on_conflict(
            OnConflict::column(setup_token::Column::Hash)
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(store.writer())
        .await
        .doing("store a setup token")?;
    Ok(())
}

/// Uses a setup token up; `false` when it is unknown, used or expired. In the same transaction the account is made.
///
/// # Errors
/// When the database cannot be written.
pub async fn use_setup(tx: &mut Tx, hash: &str) -> Result<bool, StoreError> {
    let done = setup_token::Entity::update_many()
        .col_expr(setup_token::Column::UsedAt, Expr::value(tx.now().0))
        .filter(setup_token::Column::Hash.eq(hash))
        .filter(setup_token::Column::UsedAt.is_null())
        .filter(setup_token::Column::ExpiresAt.gt(tx.now().0))
        .exec(tx.db())
        .await
        .doing("use a setup token")?;
    Ok(done.rows_affected > 0)
}

/// Makes all unused setup tokens worthless.
///
/// # Errors
/// When the database cannot be written.
pub async fn void_setups(tx: &mut Tx) -> Result<(), StoreError> {
    setup_token::Entity::delete_many()
        .filter(setup_token::Column::UsedAt.is_null())
        .exec(tx.db())
        .await
        .doing("void setup tokens")?;
    Ok(())
}
