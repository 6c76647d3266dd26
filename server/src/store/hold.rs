//! Holds: pauses of writes with owner, reason and end. When the time is over and something was held back, the hold stays
//! as "ended, waiting" until a person says yes: it never ends by deploying unseen.

use super::columns::Column;
use super::entity::hold;
use super::error::Doing;
use super::{Read, StoreError, Tx, target};
use lockstep_types::Micros;
use lockstep_types::application::{Hold, HoldKind};
use lockstep_types::event::EventKind;
use lockstep_types::id::{HoldId, TargetId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Select};
use std::collections::BTreeMap;
use uuid::Uuid;

fn row(row: hold::Model) -> Result<(TargetId, Hold), StoreError> {
    let target = Column("hold", "target_id").id(&row.target_id)?;
    let hold = Hold {
        id: Column("hold", "id").id(&row.id)?,
        kind: Column("hold", "kind").word(HoldKind::from_word(&row.kind))?,
        owner: row.owner,
        reason: row.reason,
        from: Micros(row.from_at),
        until: Micros(row.until_at),
        ended_waiting: row.ended_waiting,
    };
    Ok((target, hold))
}

fn unended_rows() -> Select<hold::Entity> {
    hold::Entity::find()
        .filter(hold::Column::EndedAt.is_null())
        .order_by_asc(hold::Column::FromAt)
}

async fn announce(tx: &mut Tx, target: TargetId) -> Result<(), StoreError> {
    let row = target::get(tx, target).await?;
    tx.announce(target::subject(&row), EventKind::Changed);
    Ok(())
}

/// Holds a target from now on. An earlier hold of it ends.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such target.
pub async fn insert(
    tx: &mut Tx,
    target: TargetId,
    kind: HoldKind,
    owner: &str,
    reason: &str,
    until: Micros,
) -> Result<Hold, StoreError> {
    for (_, earlier) in list(
        tx,
        unended_rows().filter(hold::Column::TargetId.eq(target.to_string())),
    )
    .await?
    {
        end(tx, earlier.id, owner).await?;
    }
    let model = hold::Model {
        id: Uuid::now_v7().to_string(),
        target_id: target.to_string(),
        kind: kind.word().to_owned(),
        owner: owner.to_owned(),
        reason: reason.to_owned(),
        from_at: tx.now().0,
        until_at: until.0,
        ended_waiting: false,
        ended_at: None,
        ended_by: None,
    };
    announce(tx, target).await?;
    let added = model.clone().into_active_model();
    hold::Entity::insert(added)
        .exec_without_returning(tx.db())
        .await
        .doing("hold a target")?;
    row(model).map(|(_, hold)| hold)
}

async fn list(
    db: &impl Read,
    select: Select<hold::Entity>,
) -> Result<Vec<(TargetId, Hold)>, StoreError> {
    select
        .all(&db.executor())
        .await
        .doing("list holds")?
        .into_iter()
        .map(row)
        .collect()
}

/// Holds that nobody has ended, by target; those whose time is over among them.
///
/// # Errors
/// When the database cannot be read.
pub async fn unended(db: &impl Read) -> Result<BTreeMap<TargetId, Hold>, StoreError> {
    Ok(list(db, unended_rows()).await?.into_iter().collect())
}

/// The hold of a target that nobody has ended. While it is there nothing is written, even when its time is over and it waits.
///
/// # Errors
/// When the database cannot be read.
pub async fn unended_of(db: &impl Read, target: TargetId) -> Result<Option<Hold>, StoreError> {
    let found = list(
        db,
        unended_rows().filter(hold::Column::TargetId.eq(target.to_string())),
    )
    .await?;
    Ok(found.into_iter().next_back().map(|(_, hold)| hold))
}

/// One hold and its target.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(db: &impl Read, id: HoldId) -> Result<(TargetId, Hold), StoreError> {
    let found = hold::Entity::find_by_id(id.to_string())
        .one(&db.executor())
        .await
        .doing("read a hold")?;
    row(found.ok_or_else(|| StoreError::not_found("hold", id))?)
}

/// Holds whose time is over and about which nothing was decided yet: [`end`] those that held nothing back, and
/// [`set_ended_waiting`] the others.
///
/// # Errors
/// When the database cannot be read.
pub async fn over(db: &impl Read, now: Micros) -> Result<Vec<(TargetId, Hold)>, StoreError> {
    let select = unended_rows()
        .filter(hold::Column::EndedWaiting.eq(false))
        .filter(hold::Column::UntilAt.lte(now.0));
    list(db, select).await
}

/// Notes that the time is over and something waits for a person.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set_ended_waiting(tx: &mut Tx, id: HoldId) -> Result<(), StoreError> {
    let (target, _) = get(tx, id).await?;
    hold::Entity::update_many()
        .col_expr(hold::Column::EndedWaiting, Expr::value(true))
        .filter(hold::Column::Id.eq(id.to_string()))
        .filter(hold::Column::EndedAt.is_null())
        .exec(tx.db())
        .await
        .doing("end a hold")?;
    announce(tx, target).await
}

/// Lets the time of a hold be over now: the reconciler ends it when it holds nothing back, else it waits for a person.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn expire(tx: &mut Tx, id: HoldId) -> Result<(), StoreError> {
    let (target, _) = get(tx, id).await?;
    hold::Entity::update_many()
        .col_expr(hold::Column::UntilAt, Expr::value(tx.now().0))
        .filter(hold::Column::Id.eq(id.to_string()))
        .filter(hold::Column::EndedAt.is_null())
        .filter(hold::Column::UntilAt.gt(tx.now().0))
        .exec(tx.db())
        .await
        .doing("end a hold")?;
    announce(tx, target).await
}

/// Ends a hold; `false` when it had ended before.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn end(tx: &mut Tx, id: HoldId, by: &str) -> Result<bool, StoreError> {
    let (target, _) = get(tx, id).await?;
    let done = hold::Entity::update_many()
        .col_expr(hold::Column::EndedAt, Expr::value(tx.now().0))
        .col_expr(hold::Column::EndedBy, Expr::value(by))
        .filter(hold::Column::Id.eq(id.to_string()))
        .filter(hold::Column::EndedAt.is_null())
        .exec(tx.db())
        .await
        .doing("end a hold")?;
    announce(tx, target).await?;
    Ok(done.rows_affected > 0)
}
