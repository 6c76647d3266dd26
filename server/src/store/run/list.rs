//! Runs as pages list them: newest first, a page at a time.

use super::super::columns::Column;
use super::super::counted::MOST_COUNTED;
use super::super::entity::run;
use super::super::error::Doing;
use super::super::visible::{Only, few_targets, newest_of_each, of_targets};
use super::super::{Read, StoreError, target};
use super::{RunRow, row};
use lockstep_types::Micros;
use lockstep_types::id::{OperationId, RunId, TargetId};
use lockstep_types::revision::Revision;
use lockstep_types::sync::{RunSummary, StartedBy, SyncPhase};
use lockstep_types::sync_once::SyncOnce;
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use std::collections::BTreeSet;

/// What happened since somebody looked last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunCounts {
    pub syncs: u32,
    pub failures: u32,
    pub heals: u32,
    pub rollbacks: u32,
    /// More ended than were counted.
    pub more: bool,
}

async fn summaries(db: &impl Read, rows: Vec<RunRow>) -> Result<Vec<RunSummary>, StoreError> {
    let targets: BTreeSet<TargetId> = rows.iter().map(|row| row.target).collect();
    let refs = target::refs(db, &targets).await?;
    rows.into_iter()
        .map(|row| {
            let target = refs
                .get(&row.target)
                .cloned()
                .ok_or(Column("run", "target_id").unreadable())?;
            Ok(RunSummary {
                id: row.id,
                operation: row.operation,
                target,
                revision: row.revision,
                commit: row.commit,
                started_by: row.started_by,
                phase: row.phase,
                message: row.message,
                started_at: row.started_at,
                ended_at: row.ended_at,
                counts: row.counts,
                once: row.once,
            })
        })
        .collect()
}

async fn rows(db: &impl Read, select: Select<run::Entity>) -> Result<Vec<RunRow>, StoreError> {
    select
        .all(&db.executor())
        .await
        .doing("list runs")?
        .into_iter()
        .map(row)
        .collect()
}

fn newest_first() -> Select<run::Entity> {
    run::Entity::find()
        .order_by_desc(run::Column::StartedAt)
        .order_by_desc(run::Column::Id)
}

/// A row of history.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn summary(db: &impl Read, id: RunId) -> Result<RunSummary, StoreError> {
    let row = super::get(db, id).await?;
    summaries(db, vec![row])
        .await?
        .pop()
        .ok_or_else(|| StoreError::not_found("run", id))
}

/// Runs of a target that began before `before`, newest first. The next page begins before the last one's start.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_target(
    db: &impl Read,
    target: TargetId,
    before: Option<Micros>,
    limit: u64,
) -> Result<Vec<RunSummary>, StoreError> {
    let mut select = newest_first()
        .filter(run::Column::TargetId.eq(target.to_string()))
        .limit(limit);
    if let Some(before) = before {
        select = select.filter(run::Column::StartedAt.lt(before.0));
    }
    let rows = rows(db, select).await?;
    summaries(db, rows).await
}

/// Runs of all targets that began before `before`, newest first. Runs that began at the same time are never torn apart:
/// a page may be a little longer than `limit`, and the next one begins before its last start.
///
/// # Errors
/// When the database cannot be read.
pub async fn page(
    db: &impl Read,
    before: Option<Micros>,
    limit: u64,
) -> Result<Vec<RunSummary>, StoreError> {
    page_of(db, before, limit, None).await
}

/// The same of some applications only.
///
/// # Errors
/// When the database cannot be read.
pub async fn page_of(
    db: &impl Read,
    before: Option<Micros>,
    limit: u64,
    only: Only<'_>,
) -> Result<Vec<RunSummary>, StoreError> {
    let newest = || newest_first().filter(of_targets(run::Column::TargetId, only));
    let mut found = match few_targets(db, only).await? {
        Some(targets) => newest_of(db, &targets, before, limit).await?,
        None => {
            let mut select = newest().limit(limit);
            if let Some(before) = before {
                select = select.filter(run::Column::StartedAt.lt(before.0));
            }
            rows(db, select).await?
        }
    };
    if let Some(last) = found.last().map(|last| last.started_at) {
        let tied = newest().filter(run::Column::StartedAt.eq(last.0));
        let tied = rows(db, tied).await?;
        found.retain(|run| run.started_at != last);
        found.extend(tied);
    }
    summaries(db, found).await
}

/// The newest runs of a few targets.
async fn newest_of(
    db: &impl Read,
    targets: &[String],
    before: Option<Micros>,
    limit: u64,
) -> Result<Vec<RunRow>, StoreError> {
    use run::Column as C;
    let of_each = |target: &String| {
        let mut select = Query::select();
        select
            .columns([C::Id, C::StartedAt])
            .from(run::Entity)
            .and_where(Expr::col(C::TargetId).eq(target.as_str()))
            .order_by(C::StartedAt, Order::Desc);
        if let Some(before) = before {
            select.and_where(Expr::col(C::StartedAt).lt(before.0));
        }
        select
    };
    let parts: Vec<SelectStatement> = targets.iter().map(of_each).collect();
    let newest = newest_of_each(db, &parts, limit, |row| {
        Ok((row.try_get("", "started_at")?, row.try_get("", "id")?))
    });
    let newest: BTreeSet<(i64, String)> = newest.await.doing("list runs")?;
    let ids = newest.into_iter().map(|(_, id)| id);
    rows(db, newest_first().filter(C::Id.is_in(ids))).await
}

/// Runs that carried a revision, newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn of_revision(
    db: &impl Read,
    revision: &Revision,
    limit: u64,
) -> Result<Vec<RunSummary>, StoreError> {
    let select = newest_first()
        .filter(run::Column::Revision.eq(revision.0.as_str()))
        .limit(limit);
    let rows = rows(db, select).await?;
    summaries(db, rows).await
}

/// Runs that have not ended: at start, what a crash may have interrupted.
///
/// # Errors
/// When the database cannot be read.
pub async fn open(db: &impl Read) -> Result<Vec<RunRow>, StoreError> {
    rows(db, newest_first().filter(run::Column::EndedAt.is_null())).await
}

/// The newest run of a target that has not ended.
///
/// # Errors
/// When the database cannot be read.
pub async fn active_of_target(
    db: &impl Read,
    target: TargetId,
) -> Result<Option<RunRow>, StoreError> {
    let select = newest_first()
        .filter(run::Column::TargetId.eq(target.to_string()))
        .filter(run::Column::EndedAt.is_null())
        .limit(1);
    Ok(rows(db, select).await?.pop())
}

/// The newest run that an operation started; `None` while it waits.
///
/// # Errors
/// When the database cannot be read.
pub async fn newest_of_operation(
    db: &impl Read,
    operation: OperationId,
) -> Result<Option<RunRow>, StoreError> {
    let select = run::Entity::find()
        .filter(run::Column::OperationId.eq(operation.to_string()))
        .order_by_desc(run::Column::Attempt)
        .limit(1);
    Ok(rows(db, select).await?.pop())
}

/// What ended since `since`: the newest [`MOST_COUNTED`] runs of it. Dry runs and syncs of some objects only are left out.
///
/// # Errors
/// When the database cannot be read.
pub async fn counts_since(db: &impl Read, since: Micros) -> Result<RunCounts, StoreError> {
    let ended: Vec<(String, String, Option<String>)> = run::Entity::find()
        .select_only()
        .columns([
            run::Column::Phase,
            run::Column::StartedBy,
            run::Column::Once,
        ])
        .filter(run::Column::EndedAt.gte(since.0))
        .order_by_desc(run::Column::EndedAt)
        .limit(u64::from(MOST_COUNTED))
        .into_tuple()
        .all(&db.executor())
        .await
        .doing("count runs")?;
    let mut counts = RunCounts {
        more: u32::try_from(ended.len()).is_ok_and(|ended| ended >= MOST_COUNTED),
        ..RunCounts::default()
    };
    for (phase, started_by, once) in ended {
        let once: Option<SyncOnce> = Column("run", "once").maybe_json(once.as_deref())?;
        if once.is_some_and(|once| once.is_partial()) {
            continue;
        }
        match Column("run", "phase").word(SyncPhase::from_word(&phase))? {
            SyncPhase::Failed => counts.failures += 1,
            SyncPhase::Succeeded => match Column("run", "started_by").json(&started_by)? {
                StartedBy::SelfHeal => counts.heals += 1,
                StartedBy::Rollback(_) => counts.rollbacks += 1,
                StartedBy::Person(_) | StartedBy::AutoSync => counts.syncs += 1,
            },
            _ => {}
        }
    }
    Ok(counts)
}
