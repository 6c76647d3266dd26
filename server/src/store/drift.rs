//! The drift ledger: one row per deviation of one field, from first seen to its end. While a row is open, the same
//! deviation seen again updates it. Values come masked.

use super::columns::{Column, anywhere, maybe_json};
use super::counted::counted;
use super::entity::{application, drift, target as target_table};
use super::error::Doing;
use super::visible::{Only, of_applications};
use super::{Read, StoreError, Tx, target};
use lockstep_types::Micros;
use lockstep_types::application::TargetRef;
use lockstep_types::drift::{DriftQuery, DriftRow, DriftState};
use lockstep_types::event::EventKind;
use lockstep_types::id::{DriftId, TargetId};
use lockstep_types::resource::{Origin, ResourceKey};
use sea_orm::sea_query::{Expr, ExprTrait, Func, LikeExpr, Query};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel, JoinType, QueryFilter, QueryOrder,
    QuerySelect, Select,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A deviation as a comparison found it.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundDrift {
    pub key: ResourceKey,
    pub path: String,
    pub declared: Option<Value>,
    pub live: Option<Value>,
    pub manager: Option<String>,
    pub operation: Option<String>,
    pub origin: Option<Origin>,
}

/// What a comparison changed in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LedgerChange {
    pub opened: u32,
    pub updated: u32,
    pub closed: u32,
}

fn row(row: drift::Model, target: TargetRef) -> Result<DriftRow, StoreError> {
    Ok(DriftRow {
        id: Column("drift", "id").id(&row.id)?,
        target,
        key: Column("drift", "object_key").word(ResourceKey::parse(&row.object_key))?,
        path: row.path,
        declared: Column("drift", "declared").maybe_json(row.declared.as_deref())?,
        live: Column("drift", "live").maybe_json(row.live.as_deref())?,
        manager: row.manager,
        operation: row.operation,
        baseline: row.baseline,
        opened_at: Micros(row.opened_at),
        closed_at: row.closed_at.map(Micros),
        state: Column("drift", "state").word(DriftState::from_word(&row.state))?,
        origin: Column("drift", "origin").maybe_json(row.origin.as_deref())?,
    })
}

/// Makes the open rows of a target be exactly `found`: opens what is new (as `baseline` at the first comparison), updates
/// what has other values, and closes the rest as `ending` says.
///
/// # Errors
/// When the database cannot be written.
pub async fn reconcile(
    tx: &mut Tx,
    target: TargetId,
    found: &[FoundDrift],
    baseline: bool,
    ending: impl Fn(&DriftRow) -> DriftState,
) -> Result<LedgerChange, StoreError> {
    let mut change = LedgerChange::default();
    let mut open: BTreeMap<(String, String), DriftRow> = open_of(tx, target)
        .await?
        .into_iter()
        .map(|row| ((row.key.to_string(), row.path.clone()), row))
        .collect();
    let mut seen = BTreeSet::new();
    for found in found {
        let place = (found.key.to_string(), found.path.clone());
        if !seen.insert(place.clone()) {
            continue;
        }
        match open.remove(&place) {
            None => {
                insert(tx, target, found, baseline).await?;
                change.opened += 1;
            }
            Some(known)
                if known.live != found.live
                    || known.declared != found.declared
                    || known.manager != found.manager =>
            {
                update(tx, known.id, found).await?;
                change.updated += 1;
            }
            Some(_) => {}
        }
    }
    for gone in open.values() {
        close(tx, gone.id, ending(gone)).await?;
        change.closed += 1;
    }
    if change != LedgerChange::default() {
        let row = target::get(tx, target).await?;
        tx.announce(target::subject(&row), EventKind::Changed);
    }
    Ok(change)
}

async fn insert(
    tx: &mut Tx,
    target: TargetId,
    found: &FoundDrift,
    baseline: bool,
) -> Result<(), StoreError> {
    let model = drift::Model {
        id: Uuid::now_v7().to_string(),
        target_id: target.to_string(),
        object_key: found.key.to_string(),
        path: found.path.clone(),
        declared: maybe_json("a declared value", found.declared.as_ref())?,
        live: maybe_json("a live value", found.live.as_ref())?,
        manager: found.manager.clone(),
        operation: found.operation.clone(),
        baseline,
        opened_at: tx.now().0,
        closed_at: None,
        state: DriftState::Open.word().to_owned(),
        origin: maybe_json("an origin", found.origin.as_ref())?,
    };
    drift::Entity::insert(model.into_active_model())
        .exec_without_returning(tx.db())
        .await
        .doing("record drift")?;
    Ok(())
}

async fn update(tx: &mut Tx, id: DriftId, found: &FoundDrift) -> Result<(), StoreError> {
    drift::Entity::update_many()
        .col_expr(
            drift::Column::Declared,
            Expr::value(maybe_json("a declared value", found.declared.as_ref())?),
        )
        .col_expr(
            drift::Column::Live,
            Expr::value(maybe_json("a live value", found.live.as_ref())?),
        )
        .col_expr(drift::Column::Manager, Expr::value(found.manager.clone()))
        .col_expr(
            drift::Column::Operation,
            Expr::value(found.operation.clone()),
        )
        .col_expr(
            drift::Column::Origin,
            Expr::value(maybe_json("an origin", found.origin.as_ref())?),
        )
        .filter(drift::Column::Id.eq(id.to_string()))
        .exec(tx.db())
        .await
        .doing("record drift")?;
    Ok(())
}

/// Closes a deviation; `false` when it was closed before. The caller announces the target.
///
/// # Errors
/// When the database cannot be written.
pub async fn close(tx: &mut Tx, id: DriftId, ending: DriftState) -> Result<bool, StoreError> {
    let done = drift::Entity::update_many()
        .col_expr(drift::Column::ClosedAt, Expr::value(tx.now().0))
        .col_expr(drift::Column::State, Expr::value(ending.word()))
        .filter(drift::Column::Id.eq(id.to_string()))
        .filter(drift::Column::ClosedAt.is_null())
        .exec(tx.db())
        .await
        .doing("close drift")?;
    Ok(done.rows_affected > 0)
}

/// Sets the state of a target's open deviations: healing while a run undoes them, held while a hold keeps them, open
/// again. Returns how many changed.
///
/// # Errors
/// When the database cannot be written.
pub async fn set_open_state(
    tx: &mut Tx,
    target: TargetId,
    state: DriftState,
) -> Result<u64, StoreError> {
    let done = drift::Entity::update_many()
        .col_expr(drift::Column::State, Expr::value(state.word()))
        .filter(drift::Column::TargetId.eq(target.to_string()))
        .filter(drift::Column::ClosedAt.is_null())
        .filter(drift::Column::State.ne(state.word()))
        .exec(tx.db())
        .await
        .doing("change the state of drift")?;
    if done.rows_affected > 0 {
        let row = target::get(tx, target).await?;
        tx.announce(target::subject(&row), EventKind::Changed);
    }
    Ok(done.rows_affected)
}

async fn rows(db: &impl Read, select: Select<drift::Entity>) -> Result<Vec<DriftRow>, StoreError> {
    let models = select
        .all(&db.executor())
        .await
        .doing("read the drift ledger")?;
    let mut targets = BTreeSet::new();
    for model in &models {
        targets.insert(Column("drift", "target_id").id(&model.target_id)?);
    }
    let refs = target::refs(db, &targets).await?;
    models
        .into_iter()
        .map(|model| {
            let id: TargetId = Column("drift", "target_id").id(&model.target_id)?;
            let target = refs
                .get(&id)
                .cloned()
                .ok_or(Column("drift", "target_id").unreadable())?;
            row(model, target)
        })
        .collect()
}

/// The open deviations of a target.
///
/// # Errors
/// When the database cannot be read.
pub async fn open_of(db: &impl Read, target: TargetId) -> Result<Vec<DriftRow>, StoreError> {
    let select = drift::Entity::find()
        .filter(drift::Column::TargetId.eq(target.to_string()))
        .filter(drift::Column::ClosedAt.is_null())
        .order_by_asc(drift::Column::ObjectKey)
        .order_by_asc(drift::Column::Path);
    rows(db, select).await
}

fn to_target() -> sea_orm::RelationDef {
    drift::Entity::belongs_to(target_table::Entity)
        .from(drift::Column::TargetId)
        .to(target_table::Column::Id)
        .into()
}

fn to_application() -> sea_orm::RelationDef {
    target_table::Entity::belongs_to(application::Entity)
        .from(target_table::Column::ApplicationId)
        .to(application::Column::Id)
        .into()
}

/// Deviations whose application, cluster, object, field or manager has every word of the filter; newest first, open ones
/// unless closed ones are asked for too, or those that were open at a moment.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(
    db: &impl Read,
    query: &DriftQuery,
    limit: u64,
) -> Result<Vec<DriftRow>, StoreError> {
    list_of(db, query, limit, None).await
}

/// The same of some applications only.
///
/// # Errors
/// When the database cannot be read.
pub async fn list_of(
    db: &impl Read,
    query: &DriftQuery,
    limit: u64,
    only: Only<'_>,
) -> Result<Vec<DriftRow>, StoreError> {
    let mut select = drift::Entity::find()
        .join(JoinType::InnerJoin, to_target())
        .join(JoinType::InnerJoin, to_application())
        .filter(of_applications(application::Column::Id, only))
        .order_by_desc(drift::Column::OpenedAt)
        .order_by_desc(drift::Column::Id)
        .limit(limit);
    if let Some(at) = query.at {
        select = select.filter(held_at(at));
    } else if !query.include_closed {
        select = select.filter(drift::Column::ClosedAt.is_null());
    }
    for word in query.filter.split_whitespace() {
        let has = |text: Expr| {
            Expr::expr(Func::lower(text)).like(LikeExpr::new(anywhere(word)).escape('\\'))
        };
        select = select.filter(
            Condition::any()
                .add(has(Expr::col((
                    application::Entity,
                    application::Column::Name,
                ))))
                .add(has(Expr::col((
                    target_table::Entity,
                    target_table::Column::Cluster,
                ))))
                .add(has(Expr::col((drift::Entity, drift::Column::ObjectKey))))
                .add(has(Expr::col((drift::Entity, drift::Column::Path))))
                .add(has(Expr::col((drift::Entity, drift::Column::Manager)))),
        );
    }
    rows(db, select).await
}

/// Deviations of a target that were open at a moment.
///
/// # Errors
/// When the database cannot be read.
pub async fn open_at(
    db: &impl Read,
    target: TargetId,
    moment: Micros,
) -> Result<Vec<DriftRow>, StoreError> {
    let select = drift::Entity::find()
        .filter(drift::Column::TargetId.eq(target.to_string()))
        .filter(held_at(moment))
        .order_by_asc(drift::Column::ObjectKey)
        .order_by_asc(drift::Column::Path);
    rows(db, select).await
}

/// Objects per target that had open deviations at a moment; of all targets or of one.
///
/// # Errors
/// When the database cannot be read.
pub async fn drifted_at(
    db: &impl Read,
    moment: Micros,
    only: Option<TargetId>,
) -> Result<BTreeMap<TargetId, u32>, StoreError> {
    let mut select = drift::Entity::find()
        .select_only()
        .column(drift::Column::TargetId)
        .column_as(
            Expr::expr(Func::count_distinct(Expr::col(drift::Column::ObjectKey))),
            "objects",
        )
        .filter(held_at(moment))
        .group_by(drift::Column::TargetId);
    if let Some(only) = only {
        select = select.filter(drift::Column::TargetId.eq(only.to_string()));
    }
    counts(select, db).await
}

fn held_at(moment: Micros) -> Condition {
    Condition::all()
        .add(drift::Column::OpenedAt.lte(moment.0))
        .add(
            Condition::any()
                .add(drift::Column::ClosedAt.is_null())
                .add(drift::Column::ClosedAt.gt(moment.0)),
        )
}

/// Open deviations per target.
///
/// # Errors
/// When the database cannot be read.
pub async fn open_counts(db: &impl Read) -> Result<BTreeMap<TargetId, u32>, StoreError> {
    let select = drift::Entity::find()
        .select_only()
        .column(drift::Column::TargetId)
        .column_as(drift::Column::Id.count(), "open")
        .filter(drift::Column::ClosedAt.is_null())
        .group_by(drift::Column::TargetId);
    counts(select, db).await
}

/// Rows of a target and a number.
async fn counts(
    select: Select<drift::Entity>,
    db: &impl Read,
) -> Result<BTreeMap<TargetId, u32>, StoreError> {
    let counted: Vec<(String, i64)> = select
        .into_tuple()
        .all(&db.executor())
        .await
        .doing("count drift")?;
    counted
        .iter()
        .map(|(target, open)| {
            Ok((
                Column("drift", "target_id").id(target)?,
                u32::try_from(*open).unwrap_or(u32::MAX),
            ))
        })
        .collect()
}

/// Deviations that began since `since`, without those found at a first comparison; counting ends at [`MOST_COUNTED`](super::MOST_COUNTED).
///
/// # Errors
/// When the database cannot be read.
pub async fn opened_since(db: &impl Read, since: Micros) -> Result<u32, StoreError> {
    let opened = Query::select()
        .expr(Expr::val(1))
        .from(drift::Entity)
        .and_where(Expr::col(drift::Column::OpenedAt).gte(since.0))
        .and_where(Expr::col(drift::Column::Baseline).eq(false))
        .to_owned();
    counted(db, opened).await.doing("count drift")
}

/// One deviation.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(db: &impl Read, id: DriftId) -> Result<DriftRow, StoreError> {
    let select = drift::Entity::find_by_id(id.to_string());
    rows(db, select)
        .await?
        .pop()
        .ok_or_else(|| StoreError::not_found("drift", id))
}
