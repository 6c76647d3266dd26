//! What was refused, as rows of the audit log: permissions that were missing, failed logins, strangers at the doors, and
//! logouts.
//!
//! The first refusals of an hour are rows; those that follow are counted, and their number is a row when the hour is over.
//! Rows are written by tasks of their own: whoever is refused and leaves is in the log all the same.

mod tally;

use super::{AccountService, now, refusal};
use crate::store::StoreError;
use crate::store::audit::{self, Act};
use crate::store::user::{self, UserRow};
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::id::UserId;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tally::{Refusal, Sum, Tally, Whom};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Failed logins from one address that are rows of their own in an hour. Names do not matter to it: whether a row is
/// written must not tell which accounts there are.
pub(super) const FAILED: usize = 10;
/// Failed logins at one account from one address that are rows of their own in an hour.
const FAILED_AT_ONE: usize = 5;
/// Rows that are being written at one time; what comes meanwhile is counted.
const WRITING: u32 = 32;
/// How long a row may take to be written; it is counted then.
const LONGEST_WRITE: Duration = Duration::from_secs(60);
/// How long the end of the server waits for rows that are being written.
const LAST_WRITES: Duration = Duration::from_secs(10);
/// Longer addresses are cut.
const LONGEST: usize = 200;

/// Why a login came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// It was checked, and this was wrong.
    Refused(&'static str),
    /// There were too many guesses: nothing was checked.
    Throttled,
}

impl Failure {
    /// What is done in the audit log.
    fn action(self) -> &'static str {
        match self {
            Self::Refused(_) => "log in failed",
            Self::Throttled => "log in throttled",
        }
    }

    /// Rows of its own in an hour, from one address.
    fn rows(self, known: bool) -> usize {
        match self {
            // Said once in a window, and once in an hour is enough.
            Self::Throttled => 1,
            Self::Refused(_) if known => FAILED_AT_ONE,
            Self::Refused(_) => FAILED,
        }
    }
}

/// What was refused, and what of it is being written.
pub(super) struct Refusals {
    tally: Tally,
    writing: Arc<Semaphore>,
}

impl Default for Refusals {
    fn default() -> Self {
        Self {
            tally: Tally::default(),
            writing: Arc::new(Semaphore::new(WRITING as usize)),
        }
    }
}

impl AccountService {
    /// Carries out what a caller asks for: every act that is recorded meanwhile says where they were.
    pub async fn asked_from<T>(address: IpAddr, work: impl Future<Output = T>) -> T {
        audit::asked_from(address, work).await
    }

    /// Notes that somebody was refused for want of a permission. What was asked for is a method and a path.
    pub async fn note_denied(&self, actor: &Actor, asked: &str, permission: Option<&str>) {
        let asked: String = asked.chars().take(LONGEST).collect();
        let why = permission.map_or_else(
            || "a permission is missing".to_owned(),
            |permission| format!("the permission {permission} is missing"),
        );
        let refused = Refusal {
            whom: Whom::Account(actor.user, actor.name.clone()),
            kind: asked.clone(),
            rows: 1,
            label: asked.clone(),
        };
        let act = Act::by(actor, "denied", &asked).because(why);
        done(self.note(refused, act)).await;
    }

    /// Notes that somebody whom nobody knows came with something that opens no door. What it was is not kept.
    pub async fn note_stranger(&self, with: &str, address: IpAddr) {
        let from = super::login::neighbourhood(address);
        tracing::info!(address = %from, with, "somebody unknown was refused");
        let act = Act::unattended("unknown name", "log in failed", format!("from {from}"));
        self.note_at_door(None, 1, with, &from, act.because(with))
            .await;
    }

    /// Notes a login that failed, at an account that there is or not. Nobody waits for it: how long an answer takes must
    /// not tell which accounts there are.
    pub(super) fn note_failed(&self, known: Option<&UserRow>, failure: Failure, from: &str) {
        let name = known.map_or("unknown name", |row| row.name.as_str());
        let action = failure.action();
        let mut act = Act::unattended(name, action, format!("from {from}"));
        act.actor_id = known.map(|row| row.id);
        let (act, what) = match failure {
            Failure::Refused(why) => (act.because(why), why),
            Failure::Throttled => (act, action),
        };
        let refused = Refusal {
            whom: whom(known),
            kind: format!("{action} {from}"),
            rows: failure.rows(known.is_some()),
            label: format!("{name} from {from}: {what}"),
        };
        drop(self.note(refused, act));
    }

    /// Notes something at the doors that has `rows` rows of its own for each address.
    pub(super) async fn note_at_door(
        &self,
        known: Option<&UserRow>,
        rows: usize,
        what: &str,
        from: &str,
        act: Act,
    ) {
        let label = format!("{what}, from {from}");
        let refused = Refusal {
            whom: whom(known),
            kind: label.clone(),
            rows,
            label,
        };
        done(self.note(refused, act)).await;
    }

    /// Notes that a person ended their own session.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn note_log_out(&self, id: UserId, address: IpAddr) -> Result<(), PortError> {
        let row = match user::get(&self.store, id).await {
            Ok(row) => row,
            Err(StoreError::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(refusal(error)),
        };
        let from = super::login::neighbourhood(address);
        let mut act = Act::unattended(row.name, "log out", format!("from {from}"));
        act.actor_id = Some(row.id);
        let mut tx = self.store.begin().await.map_err(refusal)?;
        tx.record(act);
        tx.commit().await.map_err(refusal)?;
        Ok(())
    }

    /// Counts a refusal, and writes it where it becomes a row. All of it is settled before anybody waits: a caller who
    /// leaves takes nothing back.
    fn note(&self, refused: Refusal, act: Act) -> Option<JoinHandle<()>> {
        let seconds = now().0 / 1_000_000;
        let sums = self.noted.tally.over(seconds);
        let is_row = self.noted.tally.takes(&refused, seconds);
        if sums.is_empty() && !is_row {
            return None;
        }
        let Ok(place) = Arc::clone(&self.noted.writing).try_acquire_owned() else {
            self.noted.tally.again(sums);
            if is_row {
                self.noted.tally.count(&refused, seconds);
            }
            return None;
        };
        // Where they are is known here, and not in the task. The numbers of others are of other addresses.
        let (act, this) = (act.with_caller(), self.clone());
        Some(tokio::spawn(async move {
            let _place = place;
            this.write_sums(sums).await;
            if is_row && !this.write(vec![act]).await {
                this.noted.tally.count(&refused, seconds);
            }
        }))
    }

    /// Writes the numbers of the last hour, if it is over. For a timer.
    pub(super) async fn sum_refusals(&self) {
        self.write_sums(self.noted.tally.over(now().0 / 1_000_000))
            .await;
    }

    /// Waits until what is being written is written. Says whether it was.
    pub async fn refusals_are_written(&self) -> bool {
        let all = self.noted.writing.acquire_many(WRITING);
        tokio::time::timeout(LAST_WRITES, all).await.is_ok()
    }

    /// Writes what was only counted so far: the server ends.
    pub async fn end_refusals(&self) {
        if !self.refusals_are_written().await {
            tracing::error!(
                event.name = "audit.unwritten",
                "the server ends while refusals are being written to the audit log"
            );
        }
        self.write_sums(self.noted.tally.end()).await;
    }

    async fn write_sums(&self, sums: Vec<Sum>) {
        if !sums.is_empty() && !self.write(sums.iter().map(Sum::act).collect()).await {
            self.noted.tally.again(sums);
        }
    }

    /// Says whether it was written. The answer is a refusal whether it can be or not.
    async fn write(&self, acts: Vec<Act>) -> bool {
        let written = async {
            let mut tx = self.store.begin().await?;
            for act in acts {
                tx.record(act);
            }
            tx.commit().await.map(|_| ())
        };
        let unwritten = match tokio::time::timeout(LONGEST_WRITE, written).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the database was busy for too long".to_owned(),
        };
        tracing::error!(event.name = "audit.unwritten", error = %unwritten, "a refusal could not be written to the audit log");
        false
    }
}

/// As whom a stranger tried to come in.
fn whom(known: Option<&UserRow>) -> Whom {
    known.map_or(Whom::Stranger, |row| Whom::Tried(row.id, row.name.clone()))
}

/// Waits for a row. It is written whether anybody waits or not.
async fn done(writing: Option<JoinHandle<()>>) {
    if let Some(writing) = writing {
        // The task has no other way to end than its end.
        let _ = writing.await;
    }
}
