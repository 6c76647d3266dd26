//! Pins: targets that stay at a revision, with owner, reason and end. Like a pin, a pin whose time is over stays as
//! "ended, waiting" until a person says yes when it held something back.

use super::columns::{Column, column, count};
use super::entity::pin;
use super::error::Doing;
use super::{Read, StoreError, Tx, target};
use lockstep_types::Micros;
use lockstep_types::application::Pin;
use lockstep_types::event::EventKind;
use lockstep_types::id::{PinId, TargetId};
use lockstep_types::revision::Revision;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Select};
use std::collections::BTreeMap;
use uuid::Uuid;

fn row(row: pin::Model) -> Result<(TargetId, Pin), StoreError> {
    let target = Column("pin", "target_id").id(&row.target_id)?;
    let pin = Pin {
        id: Column("pin", "id").id(&row.id)?,
        revision: Revision(row.revision),
        owner: row.owner,
        reason: row.reason,
        from: Micros(row.from_at),
        until: Micros(row.until_at),
        behind: count(row.behind),
        ended_waiting: row.ended_waiting,
    };
    Ok((target, pin))
}

fn unended_rows() -> Select<pin::Entity> {
    pin::Entity::find()
        .filter(pin::Column::EndedAt.is_null())
        .order_by_asc(pin::Column::FromAt)
}

async fn announce(tx: &mut Tx, target: TargetId) -> Result<(), StoreError> {
    let row = target::get(tx, target).await?;
    tx.announce(target::subject(&row), EventKind::Changed);
    Ok(())
}

/// Pins a target to a revision from now on. An earlier pin of it ends.
///
/// # Errors
/// [`StoreError::NotFound`] when there is no such target.
pub async fn insert(
    tx: &mut Tx,
    target: TargetId,
    revision: &Revision,
    owner: &str,
    reason: &str,
    until: Micros,
) -> Result<Pin, StoreError> {
    for (_, earlier) in list(
        tx,
        unended_rows().filter(pin::Column::TargetId.eq(target.to_string())),
    )
    .await?
    {
        end(tx, earlier.id, owner).await?;
    }
    let model = pin::Model {
        id: Uuid::now_v7().to_string(),
        target_id: target.to_string(),
        revision: revision.0.clone(),
        owner: owner.to_owned(),
        reason: reason.to_owned(),
        from_at: tx.now().0,
        until_at: until.0,
        behind: 0,
        ended_waiting: false,
        ended_at: None,
        ended_by: None,
    };
    announce(tx, target).await?;
    let added = model.clone().into_active_model();
    pin::Entity::insert(added)
        .exec_without_returning(tx.db())
        .await
        .doing("pin a target")?;
    row(model).map(|(_, pin)| pin)
}

async fn list(
    db: &impl Read,
    select: Select<pin::Entity>,
) -> Result<Vec<(TargetId, Pin)>, StoreError> {
    select
        .all(&db.executor())
        .await
        .doing("list pins")?
        .into_iter()
        .map(row)
        .collect()
}

/// Pins that nobody has ended, by target; those whose time is over among them.
///
/// # Errors
/// When the database cannot be read.
pub async fn unended(db: &impl Read) -> Result<BTreeMap<TargetId, Pin>, StoreError> {
    Ok(list(db, unended_rows()).await?.into_iter().collect())
}

/// The pin of a target that nobody has ended. While it is there the target stays at its revision, even when its time is over and it waits.
///
/// # Errors
/// When the database cannot be read.
pub async fn unended_of(db: &impl Read, target: TargetId) -> Result<Option<Pin>, StoreError> {
    let found = list(
        db,
        unended_rows().filter(pin::Column::TargetId.eq(target.to_string())),
    )
    .await?;
    Ok(found.into_iter().next_back().map(|(_, pin)| pin))
}

/// One pin and its target.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(db: &impl Read, id: PinId) -> Result<(TargetId, Pin), StoreError> {
    let found = pin::Entity::find_by_id(id.to_string())
        .one(&db.executor())
        .await
        .doing("read a pin")?;
    row(found.ok_or_else(|| StoreError::not_found("pin", id))?)
}

/// Pins whose time is over and about which nothing was decided yet: [`end`] those that held nothing back, and
/// [`set_ended_waiting`] the others.
///
/// # Errors
/// When the database cannot be read.
pub async fn over(db: &impl Read, now: Micros) -> Result<Vec<(TargetId, Pin)>, StoreError> {
    let select = unended_rows()
        .filter(pin::Column::EndedWaiting.eq(false))
        .filter(pin::Column::UntilAt.lte(now.0));
    list(db, select).await
}

/// Notes that the time is over and something waits for a person.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set_ended_waiting(tx: &mut Tx, id: PinId) -> Result<(), StoreError> {
    let (target, _) = get(tx, id).await?;
    pin::Entity::update_many()
        .col_expr(pin::Column::EndedWaiting, Expr::value(true))
        .filter(pin::Column::Id.eq(id.to_string()))
        .filter(pin::Column::EndedAt.is_null())
        .exec(tx.db())
        .await
        .doing("end a pin")?;
    announce(tx, target).await
}

/// Lets the time of a pin be over now: the reconciler ends it when it holds nothing back, else it waits for a person.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn expire(tx: &mut Tx, id: PinId) -> Result<(), StoreError> {
    let (target, _) = get(tx, id).await?;
    pin::Entity::update_many()
        .col_expr(pin::Column::UntilAt, Expr::value(tx.now().0))
        .filter(pin::Column::Id.eq(id.to_string()))
        .filter(pin::Column::EndedAt.is_null())
        .filter(pin::Column::UntilAt.gt(tx.now().0))
        .exec(tx.db())
        .await
        .doing("end a pin")?;
    announce(tx, target).await
}

/// Ends a pin; `false` when it had ended before.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn end(tx: &mut Tx, id: PinId, by: &str) -> Result<bool, StoreError> {
    let (target, _) = get(tx, id).await?;
    let done = pin::Entity::update_many()
        .col_expr(pin::Column::EndedAt, Expr::value(tx.now().0))
        .col_expr(pin::Column::EndedBy, Expr::value(by))
        .filter(pin::Column::Id.eq(id.to_string()))
        .filter(pin::Column::EndedAt.is_null())
        .exec(tx.db())
        .await
        .doing("end a pin")?;
    announce(tx, target).await?;
    Ok(done.rows_affected > 0)
}

/// Notes how many commits the pin is behind the tracked revision. Announces only a change.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set_behind(tx: &mut Tx, id: PinId, behind: u32) -> Result<(), StoreError> {
    let (target, pin) = get(tx, id).await?;
    if pin.behind == behind {
        return Ok(());
    }
    pin::Entity::update_many()
        .col_expr(pin::Column::Behind, Expr::value(column(behind)))
        .filter(pin::Column::Id.eq(id.to_string()))
        .exec(tx.db())
        .await
        .doing("note how far a pin is behind")?;
    announce(tx, target).await
}
