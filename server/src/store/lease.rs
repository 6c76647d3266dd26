//! Leases: which replica acts for a cluster (`cluster:ID`) or reads definitions (`definitions`).
//!
//! A lease carries a fence that only ever rises. Whoever writes for a cluster gives its fence along, so a replica that
//! was frozen and comes back is refused.

use super::columns::{big, number};
use super::entity::lease;
use super::error::Doing;
use super::{Read, Store, StoreError, Tx};
use lockstep_types::Micros;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter};

/// A lease as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub name: String,
    pub owner: String,
    /// Where the owner's internal route answers.
    pub address: String,
    pub fence: u64,
    pub expires_at: Micros,
}

impl From<lease::Model> for Lease {
    fn from(row: lease::Model) -> Self {
        Self {
            name: row.name,
            owner: row.owner,
            address: row.address,
            fence: number(row.fence),
            expires_at: Micros(row.expires_at),
        }
    }
}

/// Takes the lease when it is free, over, or ours; `None` while another holds it. Taking it from another, or anew
/// after it was over, raises the fence.
///
/// # Errors
/// When the database cannot be written.
pub async fn acquire(
    store: &Store,
    name: &str,
    owner: &str,
    address: &str,
    now: Micros,
    seconds: i64,
) -> Result<Option<Lease>, StoreError> {
    let doing = "take a lease";
    let row = lease::Model {
        name: name.to_owned(),
        owner: owner.to_owned(),
        address: address.to_owned(),
        fence: 1,
        expires_at: now.plus_seconds(seconds).0,
    };
    let old = |column: lease::Column| Expr::col((lease::Entity, column));
    let free = Condition::any().add(old(lease::Column::ExpiresAt).lte(now.0));
    let conflict = OnConflict::column(lease::Column::Name)
        .value(lease::Column::Fence, old(lease::Column::Fence).add(1))
        .update_columns([
            lease::Column::Owner,
            lease::Column::Address,
            lease::Column::ExpiresAt,
        ])
        .action_cond_where(free)
        .to_owned();
    let tx = store.begin_at(now).await?;
    let written = lease::Entity::insert(row.into_active_model())
        .on_conflict(conflict)
        .exec_without_returning(tx.db())
        .await;
    let mine = written.doing(doing)? > 0 || extend(&tx, name, owner, now, seconds).await?;
    let row = lease::Entity::find_by_id(name)
        .one(tx.db())
        .await
        .doing(doing)?;
    tx.commit().await?;
    Ok(row.filter(|_| mine).map(Lease::from))
}

async fn extend(
    tx: &Tx,
    name: &str,
    owner: &str,
    now: Micros,
    seconds: i64,
) -> Result<bool, StoreError> {
    let done = lease::Entity::update_many()
        .col_expr(
            lease::Column::ExpiresAt,
            Expr::value(now.plus_seconds(seconds).0),
        )
        .filter(lease::Column::Name.eq(name))
        .filter(lease::Column::Owner.eq(owner))
        .filter(lease::Column::ExpiresAt.gt(now.0))
        .exec(tx.db())
        .await
        .doing("extend a lease")?;
    Ok(done.rows_affected > 0)
}

/// Gives a lease back; nothing happens when it is another's.
///
/// # Errors
/// When the database cannot be written.
pub async fn release(store: &Store, name: &str, owner: &str, fence: u64) -> Result<(), StoreError> {
    // The row stays: its fence must never start again.
    lease::Entity::update_many()
        .col_expr(lease::Column::ExpiresAt, Expr::value(0_i64))
        .filter(lease::Column::Name.eq(name))
        .filter(lease::Column::Owner.eq(owner))
        .filter(lease::Column::Fence.eq(big(fence)))
        .exec(store.writer())
        .await
        .doing("give back a lease")?;
    Ok(())
}

/// The lease, whoever holds it, over or not.
///
/// # Errors
/// When the database cannot be read.
pub async fn get(db: &impl Read, name: &str) -> Result<Option<Lease>, StoreError> {
    let row = lease::Entity::find_by_id(name)
        .one(&db.executor())
        .await
        .doing("read a lease")?;
    Ok(row.map(Lease::from))
}

/// Refuses unless `fence` is still the newest of this lease and not over at the time of `tx`. The row stays locked until the
/// transaction ends, so nobody takes the lease in between.
///
/// # Errors
/// [`StoreError::Stale`] when another has it now.
pub async fn require(tx: &mut Tx, name: &str, fence: u64) -> Result<(), StoreError> {
    let touched = lease::Entity::update_many()
        .col_expr(lease::Column::Fence, Expr::col(lease::Column::Fence))
        .filter(lease::Column::Name.eq(name))
        .filter(lease::Column::Fence.eq(big(fence)))
        .filter(lease::Column::ExpiresAt.gt(tx.now().0))
        .exec(tx.db())
        .await
        .doing("check a lease")?;
    if touched.rows_affected > 0 {
        return Ok(());
    }
    let have = get(tx, name).await?.map_or(0, |lease| lease.fence);
    Err(StoreError::Stale {
        subject: format!("the lease {name}"),
        have,
        given: fence,
    })
}
