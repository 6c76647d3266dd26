//! Messages on their way out, what was told to whom, and what Git hosts know of commits. A message is written together
//! with the note that it tells something, so that nothing is told twice, whatever ends the server.

mod status;

pub use status::{ToldStatus, give_up_status, set_status, statuses};

use super::columns::{Column, ROWS_AT_ONCE, column, count};
use super::entity::{commit_status, incident, message, told};
use super::error::Doing;
use super::{Read, Store, StoreError, Tx};
use lockstep_types::Micros;
use lockstep_types::event::{EventKind, Subject};
use lockstep_types::id::{IncidentId, MessageId, ReceiverId};
use lockstep_types::notify::{MessageState, MessageView};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What an incident's receiver is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    Opened,
    Resolved,
}

impl News {
    /// The word in the database and in messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Resolved => "resolved",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Opened, Self::Resolved]
            .into_iter()
            .find(|news| news.word() == word)
    }
}

/// A message to queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// `alerts`, `test`, `status` or `comment`.
    pub kind: &'static str,
    /// The receiver, or the host for commit statuses.
    pub owner: Uuid,
    pub to: String,
    pub what: String,
    /// What the sender needs; holds no secret.
    pub body: String,
    /// Said in the log at once: a template that failed.
    pub note: String,
    /// The other side knows it when it comes again, so that an attempt cut short is repeated.
    pub tries_twice: bool,
}

/// A message that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueMessage {
    pub id: MessageId,
    pub kind: String,
    pub owner: Uuid,
    pub body: String,
    pub attempts: u32,
    pub note: String,
    pub created_at: Micros,
}

/// A message was queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    pub id: MessageId,
    /// Bodies of the messages that were given up for it.
    pub dropped: Vec<String>,
}

/// Queues a message. When `limit` of its kind wait already, the oldest of them is given up: commit statuses never push an
/// alert out.
///
/// # Errors
/// When the database cannot be written.
pub async fn queue(tx: &mut Tx, new: &NewMessage, limit: u64) -> Result<Queued, StoreError> {
    let doing = "queue a message";
    let waiting = message::Entity::find()
        .filter(message::Column::State.eq(MessageState::Queued.word()))
        .filter(message::Column::Kind.eq(new.kind))
        .count(tx.db())
        .await
        .doing(doing)?;
    let mut dropped = Vec::new();
    if waiting >= limit {
        let oldest = message::Entity::find()
            .filter(message::Column::State.eq(MessageState::Queued.word()))
            .filter(message::Column::Kind.eq(new.kind))
            .order_by_asc(message::Column::CreatedAt)
            .limit(waiting - limit + 1)
            .all(tx.db())
            .await
            .doing(doing)?;
        for row in oldest {
            let id = Column("message", "id").id(&row.id)?;
            end(tx, id, MessageState::Dropped, "too many messages waited").await?;
            dropped.push(row.body);
        }
    }
    let id = MessageId(Uuid::now_v7());
    let row = message::Model {
        id: id.to_string(),
        kind: new.kind.to_owned(),
        owner_id: new.owner.to_string(),
        to_words: new.to.clone(),
        what: new.what.clone(),
        body: new.body.clone(),
        state: MessageState::Queued.word().to_owned(),
        attempts: 0,
        next_at: tx.now().0,
        created_at: tx.now().0,
        done_at: None,
        error: new.note.clone(),
        tries_twice: new.tries_twice,
    };
    message::Entity::insert(row.into_active_model())
        .exec_without_returning(tx.db())
        .await
        .doing(doing)?;
    tx.announce(Subject::Alerts, EventKind::Changed);
    Ok(Queued { id, dropped })
}

/// Messages to one receiver or host that may be on their way at once: one that hangs holds up its own and nobody else's.
pub const AT_ONCE_TO_ONE: usize = 3;

/// Alerts to a receiver that keeps state.
fn in_order() -> Condition {
    Condition::all()
        .add(message::Column::Kind.eq("alerts"))
        .add(message::Column::TriesTwice.eq(true))
}

/// An attempt is over long before.
const LOST_SECONDS: i64 = 120;

/// Who is being told something now.
#[derive(Default)]
struct Busy {
    /// Messages on their way, by owner.
    number: BTreeMap<String, usize>,
    /// Owners that are told one thing after the other, and are being told one.
    in_order: BTreeSet<String>,
}

impl Busy {
    async fn read(db: &impl Read, now: Micros) -> Result<Self, StoreError> {
        let rows: Vec<(String, String, bool)> = message::Entity::find()
            .filter(message::Column::State.eq(MessageState::Sending.word()))
            // What became of an older one could not be written down: nobody waits for it.
            .filter(message::Column::NextAt.gt(now.plus_seconds(-LOST_SECONDS).0))
            .select_only()
            .column(message::Column::OwnerId)
            .column(message::Column::Kind)
            .column(message::Column::TriesTwice)
            .into_tuple()
            .all(&db.executor())
            .await
            .doing("read the queue of messages")?;
        let mut busy = Self::default();
        for (owner, kind, tries_twice) in rows {
            busy.begin(owner, &kind, tries_twice);
        }
        Ok(busy)
    }

    /// Counts one more to this owner; false when it has to wait.
    fn begin(&mut self, owner: String, kind: &str, tries_twice: bool) -> bool {
        let number = self.number.entry(owner.clone()).or_default();
        if *number >= AT_ONCE_TO_ONE {
            return false;
        }
        if kind == "alerts" && tries_twice && !self.in_order.insert(owner) {
            return false;
        }
        *number += 1;
        true
    }

    /// What has to wait whenever it is due.
    fn waits(&self) -> Condition {
        let full = self
            .number
            .iter()
            .filter(|(_, number)| **number >= AT_ONCE_TO_ONE)
            .map(|(owner, _)| owner.as_str());
        let one_by_one = self.in_order.iter().map(String::as_str);
        Condition::any()
            .add(message::Column::OwnerId.is_in(full))
            .add(in_order().add(message::Column::OwnerId.is_in(one_by_one)))
    }
}

/// Takes the next messages that are due: an attempt is counted before it is made. A receiver that keeps state (which is
/// told twice without harm) gets its alerts one after the other, so that an end never overtakes its beginning; nobody gets
/// more than [`AT_ONCE_TO_ONE`] at once.
///
/// # Errors
/// When the database cannot be written.
pub async fn take(tx: &mut Tx, limit: u64) -> Result<Vec<DueMessage>, StoreError> {
    let doing = "take messages from the queue";
    let mut busy = Busy::read(tx, tx.now()).await?;
    let rows = message::Entity::find()
        .filter(message::Column::State.eq(MessageState::Queued.word()))
        .filter(message::Column::NextAt.lte(tx.now().0))
        .filter(busy.waits().not())
        .order_by_asc(message::Column::NextAt)
        .order_by_asc(message::Column::CreatedAt)
        .limit(limit)
        .all(tx.db())
        .await
        .doing(doing)?;
    let mut due = Vec::with_capacity(rows.len());
    for row in rows {
        if !busy.begin(row.owner_id.clone(), &row.kind, row.tries_twice) {
            continue;
        }
        let attempts = count(row.attempts) + 1;
        message::Entity::update_many()
            .col_expr(
                message::Column::State,
                Expr::value(MessageState::Sending.word()),
            )
            .col_expr(message::Column::Attempts, Expr::value(column(attempts)))
            .col_expr(message::Column::NextAt, Expr::value(tx.now().0))
            .filter(message::Column::Id.eq(row.id.as_str()))
            .exec(tx.db())
            .await
            .doing(doing)?;
        due.push(DueMessage {
            id: Column("message", "id").id(&row.id)?,
            kind: row.kind,
            owner: Column("message", "owner_id").id(&row.owner_id)?,
            body: row.body,
            attempts,
            note: row.error,
            created_at: Micros(row.created_at),
        });
    }
    Ok(due)
}

/// When the next message is due that need not wait for an earlier one; `None` when there is none.
///
/// # Errors
/// When the database cannot be read.
pub async fn next_due(db: &impl Read, now: Micros) -> Result<Option<Micros>, StoreError> {
    let busy = Busy::read(db, now).await?;
    let row = message::Entity::find()
        .filter(message::Column::State.eq(MessageState::Queued.word()))
        .filter(busy.waits().not())
        .order_by_asc(message::Column::NextAt)
        .one(&db.executor())
        .await
        .doing("read the queue of messages")?;
    Ok(row.map(|row| Micros(row.next_at)))
}

/// Bodies of alerts to the same receiver that were queued after this one and were not given up.
///
/// # Errors
/// When the database cannot be read.
pub async fn later(
    db: &impl Read,
    owner: Uuid,
    than: MessageId,
) -> Result<Vec<String>, StoreError> {
    let given_up = [MessageState::Failed, MessageState::Dropped].map(MessageState::word);
    message::Entity::find()
        // Ids grow with time.
        .filter(message::Column::Id.gt(than.to_string()))
        .filter(message::Column::OwnerId.eq(owner.to_string()))
        .filter(message::Column::Kind.eq("alerts"))
        .filter(message::Column::State.is_not_in(given_up))
        .select_only()
        .column(message::Column::Body)
        .into_tuple()
        .all(&db.executor())
        .await
        .doing("read the queue of messages")
}

/// When a Git host took a commit status last.
///
/// # Errors
/// When the database cannot be read.
pub async fn answered(db: &impl Read, owner: Uuid) -> Result<Option<Micros>, StoreError> {
    let row: Option<Option<i64>> = message::Entity::find()
        .filter(message::Column::State.eq(MessageState::Sent.word()))
        .filter(message::Column::Kind.eq("status"))
        .filter(message::Column::OwnerId.eq(owner.to_string()))
        // What was outdated was not sent.
        .filter(message::Column::Error.eq(""))
        .select_only()
        .column_as(message::Column::DoneAt.max(), "last")
        .into_tuple()
        .one(&db.executor())
        .await
        .doing("read the log of messages")?;
    Ok(row.flatten().map(Micros))
}

/// Whether a message of this kind to this one is still on its way.
///
/// # Errors
/// When the database cannot be read.
pub async fn waits(db: &impl Read, kind: &str, to: &str) -> Result<bool, StoreError> {
    let states = [MessageState::Queued, MessageState::Sending].map(MessageState::word);
    let found = message::Entity::find()
        .filter(message::Column::State.is_in(states))
        .filter(message::Column::Kind.eq(kind))
        .filter(message::Column::ToWords.eq(to))
        .count(&db.executor())
        .await
        .doing("read the queue of messages")?;
    Ok(found > 0)
}

/// Ends a message.
///
/// # Errors
/// When the database cannot be written.
pub async fn end(
    tx: &mut Tx,
    id: MessageId,
    state: MessageState,
    error: &str,
) -> Result<(), StoreError> {
    message::Entity::update_many()
        .col_expr(message::Column::State, Expr::value(state.word()))
        .col_expr(message::Column::DoneAt, Expr::value(tx.now().0))
        .col_expr(message::Column::Error, Expr::value(error))
        .filter(message::Column::Id.eq(id.to_string()))
        .exec(tx.db())
        .await
        .doing("note what came of a message")?;
    tx.announce(Subject::Alerts, EventKind::Changed);
    Ok(())
}

/// Puts a message back into the queue.
///
/// # Errors
/// When the database cannot be written.
pub async fn again(
    tx: &mut Tx,
    id: MessageId,
    next: Micros,
    error: &str,
) -> Result<(), StoreError> {
    message::Entity::update_many()
        .col_expr(
            message::Column::State,
            Expr::value(MessageState::Queued.word()),
        )
        .col_expr(message::Column::NextAt, Expr::value(next.0))
        .col_expr(message::Column::Error, Expr::value(error))
        .filter(message::Column::Id.eq(id.to_string()))
        .exec(tx.db())
        .await
        .doing("put a message back into the queue")?;
    tx.announce(Subject::Alerts, EventKind::Changed);
    Ok(())
}

/// At the start: attempts of an earlier process. Those that may come twice are made again; of the others nobody knows
/// whether they arrived, and they are not.
///
/// # Errors
/// When the database cannot be written.
pub async fn cut_short(tx: &mut Tx) -> Result<(), StoreError> {
    let rows = message::Entity::find()
        .filter(message::Column::State.eq(MessageState::Sending.word()))
        .all(tx.db())
        .await
        .doing("read the queue of messages")?;
    for row in rows {
        let id = Column("message", "id").id(&row.id)?;
        let why = "the server ended while this was sent";
        if row.tries_twice {
            let now = tx.now();
            again(tx, id, now, why).await?;
        } else {
            end(tx, id, MessageState::Unsure, why).await?;
        }
    }
    Ok(())
}

/// The log, newest first.
///
/// # Errors
/// When the database cannot be read.
pub async fn log(db: &impl Read, limit: u64) -> Result<Vec<MessageView>, StoreError> {
    let rows = message::Entity::find()
        .order_by_desc(message::Column::CreatedAt)
        .order_by_desc(message::Column::Id)
        .limit(limit)
        .all(&db.executor())
        .await
        .doing("read the log of messages")?;
    rows.into_iter()
        .map(|row| {
            Ok(MessageView {
                id: Column("message", "id").id(&row.id)?,
                to: row.to_words,
                what: row.what,
                state: Column("message", "state").word(MessageState::from_word(&row.state))?,
                attempts: count(row.attempts),
                created_at: Micros(row.created_at),
                at: Micros(row.done_at.unwrap_or(row.next_at)),
                error: row.error,
            })
        })
        .collect()
}

/// Messages in the queue and in the log, by kind and state.
///
/// # Errors
/// When the database cannot be read.
pub async fn counts(db: &impl Read) -> Result<Vec<(String, MessageState, u64)>, StoreError> {
    let rows: Vec<(String, String, i64)> = message::Entity::find()
        .select_only()
        .column(message::Column::Kind)
        .column(message::Column::State)
        .column_as(message::Column::Id.count(), "number")
        .group_by(message::Column::Kind)
        .group_by(message::Column::State)
        .into_tuple()
        .all(&db.executor())
        .await
        .doing("count messages")?;
    rows.into_iter()
        .map(|(kind, state, number)| {
            let state = Column("message", "state").word(MessageState::from_word(&state))?;
            Ok((kind, state, u64::try_from(number).unwrap_or(0)))
        })
        .collect()
}

/// How many were given up because too many waited.
///
/// # Errors
/// When the database cannot be read.
pub async fn dropped(db: &impl Read) -> Result<u32, StoreError> {
    let count = message::Entity::find()
        .filter(message::Column::State.eq(MessageState::Dropped.word()))
        .count(&db.executor())
        .await
        .doing("count messages")?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Forgets messages and incidents that were over before `before`, with who was told of them, and what Git hosts were told
/// before it.
///
/// # Errors
/// When the database cannot be written.
pub async fn prune(store: &Store, before: Micros) -> Result<(), StoreError> {
    message::Entity::delete_many()
        .filter(message::Column::DoneAt.lt(before.0))
        .exec(store.writer())
        .await
        .doing("prune the log of messages")?;
    incident::Entity::delete_many()
        .filter(incident::Column::ResolvedAt.lt(before.0))
        .exec(store.writer())
        .await
        .doing("prune incidents")?;
    commit_status::Entity::delete_many()
        .filter(commit_status::Column::At.lt(before.0))
        .exec(store.writer())
        .await
        .doing("prune commit statuses")?;
    Ok(())
}

/// Notes that a message to a receiver tells these things.
///
/// # Errors
/// When one of them was told before, or the database cannot be written.
pub async fn tell(
    tx: &mut Tx,
    receiver: ReceiverId,
    items: &[(IncidentId, News)],
) -> Result<(), StoreError> {
    for items in items.chunks(ROWS_AT_ONCE) {
        let rows = items.iter().map(|(incident, news)| {
            told::Model {
                receiver_id: receiver.to_string(),
                incident_id: incident.to_string(),
                news: news.word().to_owned(),
                at: tx.now().0,
            }
            .into_active_model()
        });
        told::Entity::insert_many(rows)
            .exec_without_returning(tx.db())
            .await
            .doing("note who was told")?;
    }
    Ok(())
}

/// What was told of these incidents, and when.
///
/// # Errors
/// When the database cannot be read.
pub async fn told(
    db: &impl Read,
    incidents: &[IncidentId],
) -> Result<BTreeSet<(ReceiverId, IncidentId, News)>, StoreError> {
    let mut found = BTreeSet::new();
    for ids in incidents.chunks(ROWS_AT_ONCE) {
        let rows = told::Entity::find()
            .filter(told::Column::IncidentId.is_in(ids.iter().map(ToString::to_string)))
            .all(&db.executor())
            .await
            .doing("read who was told")?;
        for row in rows {
            found.insert((
                Column("told", "receiver_id").id(&row.receiver_id)?,
                Column("told", "incident_id").id(&row.incident_id)?,
                Column("told", "news").word(News::from_word(&row.news))?,
            ));
        }
    }
    Ok(found)
}

/// When each receiver was told something last, of those that were since `since`.
///
/// # Errors
/// When the database cannot be read.
pub async fn last_told(
    db: &impl Read,
    since: Micros,
) -> Result<BTreeMap<ReceiverId, Micros>, StoreError> {
    let rows: Vec<(String, i64)> = told::Entity::find()
        .filter(told::Column::At.gte(since.0))
        .select_only()
        .column(told::Column::ReceiverId)
        .column_as(told::Column::At.max(), "last")
        .group_by(told::Column::ReceiverId)
        .into_tuple()
        .all(&db.executor())
        .await
        .doing("read who was told")?;
    rows.into_iter()
        .map(|(id, at)| Ok((Column("told", "receiver_id").id(&id)?, Micros(at))))
        .collect()
}
