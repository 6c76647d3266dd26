//! One write: what changes, the events that tell of it and the audit entries that answer for it, together or not at all.
//!
//! Database sequences are handed out in another order than transactions commit, so a reader of "after seq" could miss
//! an event. Therefore the audit chain and then the one row of `event_head` are locked only at the very end, in this
//! order: whoever holds `event_head` commits next, and sequence numbers become visible in their own order.

use super::audit::{self, Act};
use super::error::{Doing, Kind, StoreError, kind_of};
use super::{Store, event};
use lockstep_types::Micros;
use lockstep_types::event::{EventKind, Subject};
use sea_orm::{DatabaseExecutor, DatabaseTransaction};
use tokio::sync::watch;

/// What reading functions take: the store, or a transaction that must see its own writes.
pub trait Read: Sync {
    /// Where statements go.
    fn executor(&self) -> DatabaseExecutor<'_>;
}

impl Read for Store {
    fn executor(&self) -> DatabaseExecutor<'_> {
        DatabaseExecutor::Connection(self.reader())
    }
}

impl Read for Tx {
    fn executor(&self) -> DatabaseExecutor<'_> {
        DatabaseExecutor::Transaction(&self.inner)
    }
}

/// An open write. Dropped without [`Tx::commit`], nothing of it is kept.
#[must_use = "nothing is kept without commit"]
pub struct Tx {
    inner: DatabaseTransaction,
    now: Micros,
    events: Vec<(Subject, EventKind)>,
    acts: Vec<Act>,
    committed: watch::Sender<u64>,
}

impl Tx {
    pub(super) fn new(
        inner: DatabaseTransaction,
        now: Micros,
        committed: watch::Sender<u64>,
    ) -> Self {
        Self {
            inner,
            now,
            events: Vec::new(),
            acts: Vec::new(),
            committed,
        }
    }

    /// The time that everything in this write is dated.
    pub fn now(&self) -> Micros {
        self.now
    }

    /// Tells pages, after the commit, to read `subject` again. The same twice is told once.
    pub fn announce(&mut self, subject: Subject, kind: EventKind) {
        let event = (subject, kind);
        if !self.events.contains(&event) {
            self.events.push(event);
        }
    }

    /// Puts an act into the audit log.
    pub fn record(&mut self, act: Act) {
        self.acts.push(act.with_caller());
    }

    pub(super) fn db(&self) -> &DatabaseTransaction {
        &self.inner
    }

    /// Keeps everything. Returns the sequence number of the last event, or 0 when there was none.
    ///
    /// # Errors
    /// [`StoreError::Unsure`] when the connection was lost meanwhile: read again before trying again. Otherwise
    /// nothing was kept.
    pub async fn commit(self) -> Result<u64, StoreError> {
        let Self {
            inner,
            now,
            events,
            acts,
            committed,
        } = self;
        audit::append(&inner, now, acts).await?;
        let seq = event::append(&inner, now, &events).await?;
        match inner.commit().await {
            Err(source) if kind_of(&source) == Kind::Lost => {
                return Err(StoreError::Unsure { source });
            }
            other => other.doing("commit")?,
        }
        if seq > 0 {
            committed.send_if_modified(|newest| {
                let newer = seq > *newest;
                *newest = seq.max(*newest);
                newer
            });
        }
        Ok(seq)
    }

    /// Gives everything up now; dropping does the same a little later.
    ///
    /// # Errors
    /// When the connection is lost; nothing was kept either way.
    pub async fn roll_back(self) -> Result<(), StoreError> {
        self.inner.rollback().await.doing("roll back")
    }
}
