//! Whom an account is at a provider of single sign-on, and what its last login there said.

use super::columns::{Column, json};
use super::entity::identity;
use super::error::Doing;
use super::{Read, StoreError, Tx};
use lockstep_types::Micros;
use lockstep_types::account::Role;
use lockstep_types::id::UserId;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

/// An identity as stored. Issuer and subject together name a person; nothing else does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityRow {
    pub issuer: String,
    pub subject: String,
    pub user: UserId,
    /// The provider's name in the configuration.
    pub provider: String,
    /// Of the last login.
    pub groups: Vec<String>,
    /// What the configuration made of the groups; `None` when nothing.
    pub role: Option<Role>,
    /// So long groups and role count where nobody is logged in: for tokens, and for what was asked for.
    pub fresh_until: Micros,
}

fn row(row: identity::Model) -> Result<IdentityRow, StoreError> {
    let role = row
        .role
        .as_deref()
        .map(|word| Column("identity", "role").word(Role::from_word(word)))
        .transpose()?;
    Ok(IdentityRow {
        issuer: row.issuer,
        subject: row.subject,
        user: Column("identity", "user_id").id(&row.user_id)?,
        provider: row.provider,
        groups: Column("identity", "groups").json(&row.groups)?,
        role,
        fresh_until: Micros(row.fresh_until),
    })
}

/// The identity of this person at this issuer.
///
/// # Errors
/// When the database cannot be read.
pub async fn find(
    db: &impl Read,
    issuer: &str,
    subject: &str,
) -> Result<Option<IdentityRow>, StoreError> {
    let found = identity::Entity::find_by_id((issuer.to_owned(), subject.to_owned()))
        .one(&db.executor())
        .await;
    found.doing("read an identity")?.map(row).transpose()
}

/// The identity of this account; `None` for a local one.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_user(db: &impl Read, user: UserId) -> Result<Option<IdentityRow>, StoreError> {
    let found = identity::Entity::find()
        .filter(identity::Column::UserId.eq(user.to_string()))
        .one(&db.executor())
        .await;
    found.doing("read an identity")?.map(row).transpose()
}

/// All identities.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(db: &impl Read) -> Result<Vec<IdentityRow>, StoreError> {
    let rows = identity::Entity::find().all(&db.executor()).await;
    rows.doing("list identities")?
        .into_iter()
        .map(row)
        .collect()
}

/// Notes a login: makes the identity, or renews what its last login said. An identity never moves to another account:
/// `false` when it belongs to one.
///
/// # Errors
/// When the database cannot be written.
pub async fn put(tx: &mut Tx, new: &IdentityRow) -> Result<bool, StoreError> {
    use identity::Column as C;
    let model = identity::Model {
        issuer: new.issuer.clone(),
        subject: new.subject.clone(),
        user_id: new.user.to_string(),
        provider: new.provider.clone(),
        groups: json("the groups of a login", &new.groups)?,
        role: new.role.map(|role| role.word().to_owned()),
        fresh_until: new.fresh_until.0,
    };
    let once = OnConflict::columns([C::Issuer, C::Subject])
        .do_nothing()
        .to_owned();
    let made = identity::Entity::insert(model.clone().into_active_model())
        .on_conflict(once)
        .exec_without_returning(tx.db())
        .await
        .doing("note an identity")?;
    if made > 0 {
        return Ok(true);
    }
    let renewed = identity::Entity::update_many()
        .col_expr(C::Provider, Expr::value(model.provider))
        .col_expr(C::Groups, Expr::value(model.groups))
        .col_expr(C::Role, Expr::value(model.role))
        .col_expr(C::FreshUntil, Expr::value(model.fresh_until))
        .filter(C::Issuer.eq(model.issuer))
        .filter(C::Subject.eq(model.subject))
        .filter(C::UserId.eq(model.user_id))
        .exec(tx.db())
        .await
        .doing("note an identity")?;
    Ok(renewed.rows_affected > 0)
}
