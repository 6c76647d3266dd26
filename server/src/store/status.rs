//! What was true when: intervals of sync, health and revision per target, and the revisions a target has been at. They
//! answer for any time in the past and cannot be backfilled, so [`target`](super::target) writes them with the state.

use super::columns::{Column, ROWS_AT_ONCE, maybe_json};
use super::entity::{status_interval, target, target_revision};
use super::error::Doing;
use super::{Read, StoreError, Tx};
use lockstep_types::Micros;
use lockstep_types::id::TargetId;
use lockstep_types::reason::Reason;
use lockstep_types::revision::Revision;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, OnConflict, Query};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel, JoinType, QueryFilter, QueryOrder,
    QuerySelect,
};
use std::collections::{BTreeMap, BTreeSet};

/// What an interval is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Axis {
    /// The word of a `SyncStatus`.
    Sync,
    /// The word of a `HealthStatus`.
    Health,
    /// The revision that the tracked one resolved to.
    Revision,
    /// The revision that the last successful sync applied.
    Deployed,
}

impl Axis {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sync, Self::Health, Self::Revision, Self::Deployed];

    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Health => "health",
            Self::Revision => "revision",
            Self::Deployed => "deployed",
        }
    }

    /// Reads what [`Axis::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|axis| axis.word() == word)
    }
}

/// A value and how long it held.
#[derive(Debug, Clone, PartialEq)]
pub struct Interval {
    pub target: TargetId,
    pub axis: Axis,
    pub value: String,
    pub reason: Option<Reason>,
    pub from: Micros,
    /// `None` while it holds.
    pub to: Option<Micros>,
}

/// A revision that a target was compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetRevisionRow {
    pub revision: Revision,
    pub render_key: Option<String>,
    pub first_at: Micros,
    pub last_at: Micros,
    /// When it was last Synced and Healthy here.
    pub good_at: Option<Micros>,
}

fn interval(row: status_interval::Model) -> Result<Interval, StoreError> {
    Ok(Interval {
        target: Column("status_interval", "target_id").id(&row.target_id)?,
        axis: Column("status_interval", "axis").word(Axis::from_word(&row.axis))?,
        value: row.value,
        reason: Column("status_interval", "reason").maybe_json(row.reason.as_deref())?,
        from: Micros(row.from_at),
        to: row.to_at.map(Micros),
    })
}

/// Closes the open interval of the axis and opens the next. Nothing happens when the value is the same.
pub(super) async fn turn(
    tx: &mut Tx,
    target: TargetId,
    axis: Axis,
    value: &str,
    reason: Option<&Reason>,
) -> Result<(), StoreError> {
    let doing = "record a change of status";
    let newest = status_interval::Entity::find()
        .filter(status_interval::Column::TargetId.eq(target.to_string()))
        .filter(status_interval::Column::Axis.eq(axis.word()))
        .order_by_desc(status_interval::Column::FromAt)
        .one(tx.db())
        .await
        .doing(doing)?;
    let mut from = tx.now().0;
    if let Some(newest) = newest {
        if newest.to_at.is_none() && newest.value == value {
            return Ok(());
        }
        // Clocks go back at times; intervals never overlap.
        from = Ord::max(from, newest.from_at + 1);
        if newest.to_at.is_none() {
            status_interval::Entity::update_many()
                .col_expr(status_interval::Column::ToAt, Expr::value(from))
                .filter(status_interval::Column::TargetId.eq(target.to_string()))
                .filter(status_interval::Column::Axis.eq(axis.word()))
                .filter(status_interval::Column::ToAt.is_null())
                .exec(tx.db())
                .await
                .doing(doing)?;
        }
    }
    let row = status_interval::Model {
        target_id: target.to_string(),
        axis: axis.word().to_owned(),
        from_at: from,
        to_at: None,
        value: value.to_owned(),
        reason: maybe_json("a reason", reason)?,
    };
    status_interval::Entity::insert(row.into_active_model())
        .exec_without_returning(tx.db())
        .await
        .doing(doing)?;
    Ok(())
}

/// Notes that a target was compared with a revision, and whether it was Synced and Healthy.
pub(super) async fn at_revision(
    tx: &mut Tx,
    target: TargetId,
    revision: &Revision,
    render_key: Option<&str>,
    good: bool,
) -> Result<(), StoreError> {
    use target_revision::Column::{
        GoodAt, LastAt, RenderKey, Revision as RevisionColumn, TargetId,
    };
    let now = tx.now().0;
    let row = target_revision::Model {
        target_id: target.to_string(),
        revision: revision.0.clone(),
        render_key: render_key.map(str::to_owned),
        first_at: now,
        last_at: now,
        good_at: good.then_some(now),
    };
    let mut conflict = OnConflict::columns([TargetId, RevisionColumn]);
    conflict.update_column(LastAt);
    if render_key.is_some() {
        conflict.update_column(RenderKey);
    }
    if good {
        conflict.update_column(GoodAt);
    }
    target_revision::Entity::insert(row.into_active_model())
        .on_conflict(conflict)
        .exec_without_returning(tx.db())
        .await
        .doing("record the revision of a target")?;
    Ok(())
}

/// Intervals of a target that touch the time from `since` to `until`, oldest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn list(
    db: &impl Read,
    target: TargetId,
    since: Micros,
    until: Micros,
) -> Result<Vec<Interval>, StoreError> {
    let rows = status_interval::Entity::find()
        .filter(status_interval::Column::TargetId.eq(target.to_string()))
        .filter(status_interval::Column::FromAt.lt(until.0))
        .filter(
            Condition::any()
                .add(status_interval::Column::ToAt.is_null())
                .add(status_interval::Column::ToAt.gt(since.0)),
        )
        .order_by_asc(status_interval::Column::FromAt)
        .order_by_asc(status_interval::Column::Axis)
        .all(&db.executor())
        .await;
    rows.doing("read the status of a target over time")?
        .into_iter()
        .map(interval)
        .collect()
}

/// The intervals that held at one moment, of all targets or of one. For each target and axis the newest beginning is
/// looked up in the key, so the length of the history does not count.
///
/// # Errors
/// When the database cannot be read.
pub async fn at(
    db: &impl Read,
    moment: Micros,
    only: Option<TargetId>,
) -> Result<Vec<Interval>, StoreError> {
    use status_interval::Column::{Axis as AxisColumn, FromAt, TargetId as OfTarget, ToAt};
    let begun = Alias::new("begun");
    let mut found = Vec::new();
    for axis in Axis::ALL {
        let newest = Query::select()
            .expr(Expr::col((begun.clone(), FromAt)).max())
            .from_as(status_interval::Entity, begun.clone())
            .and_where(
                Expr::col((begun.clone(), OfTarget)).equals((target::Entity, target::Column::Id)),
            )
            .and_where(Expr::col((begun.clone(), AxisColumn)).eq(axis.word()))
            .and_where(Expr::col((begun.clone(), FromAt)).lte(moment.0))
            .take();
        let mut select = status_interval::Entity::find()
            .join(JoinType::InnerJoin, to_target())
            .filter(AxisColumn.eq(axis.word()))
            .filter(
                Expr::col((status_interval::Entity, FromAt))
                    .eq(Expr::SubQuery(None, Box::new(newest.into()))),
            )
            .filter(Condition::any().add(ToAt.is_null()).add(ToAt.gt(moment.0)));
        if let Some(only) = only {
            select = select.filter(target::Column::Id.eq(only.to_string()));
        }
        let rows = select
            .all(&db.executor())
            .await
            .doing("read the status of targets at a time")?;
        for row in rows {
            found.push(interval(row)?);
        }
    }
    Ok(found)
}

fn to_target() -> sea_orm::RelationDef {
    status_interval::Entity::belongs_to(target::Entity)
        .from(status_interval::Column::TargetId)
        .to(target::Column::Id)
        .into()
}

/// When the oldest interval begins; `None` while nothing was recorded.
///
/// # Errors
/// When the database cannot be read.
pub async fn first(db: &impl Read) -> Result<Option<Micros>, StoreError> {
    let oldest: Option<i64> = status_interval::Entity::find()
        .select_only()
        .column(status_interval::Column::FromAt)
        .order_by_asc(status_interval::Column::FromAt)
        .limit(1)
        .into_tuple()
        .one(&db.executor())
        .await
        .doing("find the first record of a status")?;
    Ok(oldest.map(Micros))
}

fn revision_row(row: target_revision::Model) -> TargetRevisionRow {
    TargetRevisionRow {
        revision: Revision(row.revision),
        render_key: row.render_key,
        first_at: Micros(row.first_at),
        last_at: Micros(row.last_at),
        good_at: row.good_at.map(Micros),
    }
}

/// The revision at which the target was last Synced and Healthy, other than `except`.
///
/// # Errors
/// When the database cannot be read.
pub async fn last_good(
    db: &impl Read,
    target: TargetId,
    except: Option<&Revision>,
) -> Result<Option<TargetRevisionRow>, StoreError> {
    let mut select = target_revision::Entity::find()
        .filter(target_revision::Column::TargetId.eq(target.to_string()))
        .filter(target_revision::Column::GoodAt.is_not_null())
        .order_by_desc(target_revision::Column::GoodAt);
    if let Some(except) = except {
        select = select.filter(target_revision::Column::Revision.ne(except.0.as_str()));
    }
    let row = select
        .one(&db.executor())
        .await
        .doing("find the last good revision of a target")?;
    Ok(row.map(revision_row))
}

/// The revisions a target has been compared with, the latest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn revisions(
    db: &impl Read,
    target: TargetId,
    limit: u64,
) -> Result<Vec<TargetRevisionRow>, StoreError> {
    let rows = target_revision::Entity::find()
        .filter(target_revision::Column::TargetId.eq(target.to_string()))
        .order_by_desc(target_revision::Column::LastAt)
        .limit(limit)
        .all(&db.executor())
        .await
        .doing("list the revisions of a target")?;
    Ok(rows.into_iter().map(revision_row).collect())
}

/// The render of each of these revisions on each target that was compared with it.
///
/// # Errors
/// When the database cannot be read.
pub async fn renders(
    db: &impl Read,
    revisions: &BTreeSet<&Revision>,
) -> Result<BTreeMap<(TargetId, Revision), String>, StoreError> {
    let mut renders = BTreeMap::new();
    let revisions: Vec<&str> = revisions
        .iter()
        .map(|revision| revision.0.as_str())
        .collect();
    for revisions in revisions.chunks(ROWS_AT_ONCE) {
        let rows: Vec<(String, String, Option<String>)> = target_revision::Entity::find()
            .select_only()
            .columns([
                target_revision::Column::TargetId,
                target_revision::Column::Revision,
                target_revision::Column::RenderKey,
            ])
            .filter(target_revision::Column::Revision.is_in(revisions.iter().copied()))
            .into_tuple()
            .all(&db.executor())
            .await
            .doing("read the renders of revisions")?;
        for (target, revision, render) in rows {
            let target = Column("target_revision", "target_id").id(&target)?;
            renders.extend(render.map(|render| ((target, Revision(revision)), render)));
        }
    }
    Ok(renders)
}

/// What is known of one revision on one target.
///
/// # Errors
/// When the database cannot be read.
pub async fn revision(
    db: &impl Read,
    target: TargetId,
    revision: &Revision,
) -> Result<Option<TargetRevisionRow>, StoreError> {
    let row = target_revision::Entity::find_by_id((target.to_string(), revision.0.clone()))
        .one(&db.executor())
        .await;
    Ok(row.doing("read a revision of a target")?.map(revision_row))
}
