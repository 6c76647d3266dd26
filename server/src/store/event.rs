//! The event log: what changed, in order. Rows are thin; they say what to read again, never what to add up.
//!
//! Written only by [`Tx::commit`](super::Tx::commit).

use super::columns::{Column, big, json, number};
use super::entity::{event, event_head};
use super::error::Doing;
use super::{Read, Store, StoreError};
use lockstep_types::Micros;
use lockstep_types::event::{Event, EventKind, Subject};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};

fn word(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Changed => "changed",
        EventKind::Started => "started",
        EventKind::Ended => "ended",
        EventKind::Removed => "removed",
    }
}

fn from_word(word: &str) -> Option<EventKind> {
    Some(match word {
        "changed" => EventKind::Changed,
        "started" => EventKind::Started,
        "ended" => EventKind::Ended,
        "removed" => EventKind::Removed,
        _ => return None,
    })
}

/// Appends as the last thing of a transaction and returns the newest number; 0 for nothing to append.
pub(super) async fn append(
    db: &DatabaseTransaction,
    now: Micros,
    events: &[(Subject, EventKind)],
) -> Result<u64, StoreError> {
    if events.is_empty() {
        return Ok(0);
    }
    let doing = "append to the event log";
    let added = i64::try_from(events.len()).unwrap_or(i64::MAX);
    let take = Query::update()
        .table(event_head::Entity)
        .value(
            event_head::Column::Seq,
            Expr::col(event_head::Column::Seq).add(added),
        )
        .returning_col(event_head::Column::Seq)
        .take();
    let row = db
        .query_one(&take)
        .await
        .doing(doing)?
        .ok_or(Column("event_head", "seq").unreadable())?;
    let last: i64 = row.try_get_by_index(0).doing(doing)?;
    let mut rows = Vec::with_capacity(events.len());
    for (seq, (subject, kind)) in (last - added + 1..).zip(events) {
        let row = event::Model {
            seq,
            at: now.0,
            subject: json("an event", subject)?,
            kind: word(*kind).to_owned(),
        };
        rows.push(row.into_active_model());
    }
    for rows in rows.chunks(super::columns::ROWS_AT_ONCE) {
        event::Entity::insert_many(rows.to_vec())
            .exec_without_returning(db)
            .await
            .doing(doing)?;
    }
    Ok(number(last))
}

/// The newest sequence number; 0 before the first event. Read it before the data of a page.
///
/// # Errors
/// When the database cannot be read.
pub async fn head(db: &impl Read) -> Result<u64, StoreError> {
    let row = event_head::Entity::find()
        .one(&db.executor())
        .await
        .doing("read the head of the event log")?;
    Ok(row.map_or(0, |row| number(row.seq)))
}

/// The oldest event still in the log; `None` when it holds none.
///
/// # Errors
/// When the database cannot be read.
pub async fn oldest(db: &impl Read) -> Result<Option<u64>, StoreError> {
    let row = event::Entity::find()
        .order_by_asc(event::Column::Seq)
        .one(&db.executor())
        .await;
    Ok(row.doing("read the event log")?.map(|row| number(row.seq)))
}

/// Whether everything after `after` is still in the log. If not, the reader must load its page again.
///
/// # Errors
/// When the database cannot be read.
pub async fn reaches(db: &impl Read, after: u64) -> Result<bool, StoreError> {
    let head = head(db).await?;
    if after >= head {
        // A number from the future comes from a database that was restored since.
        return Ok(after == head);
    }
    Ok(oldest(db).await?.is_some_and(|oldest| oldest <= after + 1))
}

/// Up to `limit` events after `after`, oldest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn after(db: &impl Read, after: u64, limit: u64) -> Result<Vec<Event>, StoreError> {
    let rows = event::Entity::find()
        .filter(event::Column::Seq.gt(big(after)))
        .order_by_asc(event::Column::Seq)
        .limit(limit)
        .all(&db.executor())
        .await
        .doing("read the event log")?;
    rows.into_iter()
        .map(|row| {
            Ok(Event {
                seq: number(row.seq),
                at: Micros(row.at),
                subject: Column("event", "subject").json(&row.subject)?,
                kind: Column("event", "kind").word(from_word(&row.kind))?,
            })
        })
        .collect()
}

/// Drops events older than `before`, but never the newest `keep`. Returns how many.
///
/// # Errors
/// When the database cannot be written.
pub async fn prune(store: &Store, before: Micros, keep: u64) -> Result<u64, StoreError> {
    let keep_from = head(store).await?.saturating_sub(keep);
    let done = event::Entity::delete_many()
        .filter(event::Column::At.lt(before.0))
        .filter(event::Column::Seq.lte(big(keep_from)))
        .exec(store.writer())
        .await
        .doing("prune the event log")?;
    Ok(done.rows_affected)
}
