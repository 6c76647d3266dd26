//! What was refused, as rows of the audit log: permissions that were missing, failed logins, strangers at the doors, and
//! logouts.
//!
//! The first refusals of an hour are rows; those that follow are counted, and their number is a row when the hour is over.

mod tally;

pub(super) use tally::Tally;

use super::{AccountService, now, refusal};
use crate::store::audit::{self, Act};
use crate::store::{StoreError, user};
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::id::UserId;
use std::net::IpAddr;
use std::sync::Arc;
use tally::{Refusal, Sum, Whom};

/// Failed logins from one address that are rows of their own in an hour. Names do not matter to it: whether a row is
/// written must not tell which accounts there are.
pub(super) const FAILED: usize = 10;
/// Longer addresses are cut.
const LONGEST: usize = 200;

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
            kind: &asked,
            rows: 1,
            label: &asked,
        };
        let act = Act::by(actor, "denied", &asked).because(why);
        said(self.note(&refused, act).await);
    }

    /// Notes that somebody whom nobody knows came with something that opens no door. What it was is not kept.
    pub async fn note_stranger(&self, with: &str, address: IpAddr) {
        let from = super::login::neighbourhood(address);
        tracing::info!(address = %from, with, "somebody unknown was refused");
        let act = Act::unattended("unknown name", "log in failed", format!("from {from}"));
        said(self.note_at_door(1, with, &from, act.because(with)).await);
    }

    /// Notes a login that failed.
    pub(super) async fn note_failed(
        &self,
        name: &str,
        why: &str,
        from: &str,
        act: Act,
    ) -> Result<(), StoreError> {
        let label = format!("{name} from {from}: {why}");
        let refused = Refusal {
            whom: Whom::Stranger,
            kind: from,
            rows: FAILED,
            label: &label,
        };
        self.note(&refused, act).await
    }

    /// Notes something at the doors that has `rows` rows of its own for each address.
    pub(super) async fn note_at_door(
        &self,
        rows: usize,
        what: &str,
        from: &str,
        act: Act,
    ) -> Result<(), StoreError> {
        let label = format!("{what}, from {from}");
        let refused = Refusal {
            whom: Whom::Stranger,
            kind: &label,
            rows,
            label: &label,
        };
        self.note(&refused, act).await
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

    async fn note(&self, refused: &Refusal<'_>, act: Act) -> Result<(), StoreError> {
        let seconds = now().0 / 1_000_000;
        self.write_refusals(self.noted.over(seconds)).await;
        if !self.noted.takes(refused, seconds) {
            return Ok(());
        }
        let written = async {
            let mut tx = self.store.begin().await?;
            tx.record(act);
            tx.commit().await.map(|_| ())
        };
        let written = written.await;
        if written.is_err() {
            self.noted.count(refused, seconds);
        }
        written
    }

    /// Writes the numbers of the last hour, if it is over. For a timer.
    pub(super) async fn sum_refusals(&self) {
        self.write_refusals(self.noted.over(now().0 / 1_000_000))
            .await;
    }

    /// Writes what was only counted so far: the server ends.
    pub async fn end_refusals(&self) {
        self.write_refusals(self.noted.end()).await;
    }

    async fn write_refusals(&self, sums: Vec<Sum>) {
        if sums.is_empty() {
            return;
        }
        let (store, noted) = (self.store.clone(), Arc::clone(&self.noted));
        // Apart from whoever asks at this moment: their address is not that of those who were refused.
        let written = tokio::spawn(async move {
            let written = async {
                let mut tx = store.begin().await?;
                for sum in &sums {
                    tx.record(sum.act());
                }
                tx.commit().await.map(|_| ())
            };
            let written = written.await;
            if written.is_err() {
                noted.again(sums);
            }
            said(written);
        });
        // Also when nobody waits for it any more.
        let _ = written.await;
    }
}

/// The answer is a refusal whether this can be written or not.
fn said(written: Result<(), StoreError>) {
    if let Err(error) = written {
        tracing::error!(event.name = "audit.unwritten", %error, "a refusal could not be written to the audit log");
    }
}
