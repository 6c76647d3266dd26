//! What was refused, as rows of the audit log: permissions that were missing, strangers at the doors, and logouts.
//!
//! A refusal costs a row once a minute: whoever asks again and again fills the log of the program, and not this one.

use super::{AccountService, now, refusal};
use crate::store::audit::{self, Act};
use crate::store::{StoreError, user};
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::id::UserId;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Seconds in which the same refusal is noted once.
const APART_SECONDS: i64 = 60;
/// Different refusals of one person that are noted in that time.
const OF_ONE: usize = 30;
/// Strangers at the doors that are noted in that time, all together.
const STRANGERS: usize = 60;
/// Longer addresses are cut.
const LONGEST: usize = 200;

/// Who the refusals of strangers are counted for.
const NOBODY: &str = "";

/// What was noted lately.
#[derive(Debug, Default)]
pub(super) struct Noted {
    lately: Mutex<Lately>,
}

#[derive(Debug, Default)]
struct Lately {
    since: i64,
    of: HashMap<String, HashSet<String>>,
}

impl Noted {
    /// Whether this is to be noted now: it was not within the last while, and there were not too many others.
    fn is_news(&self, who: &str, what: &str, at: i64) -> bool {
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        if at >= lately.since + APART_SECONDS || at < lately.since {
            *lately = Lately {
                since: at,
                of: HashMap::new(),
            };
        }
        let most = if who == NOBODY { STRANGERS } else { OF_ONE };
        let known = lately.of.entry(who.to_owned()).or_default();
        known.len() < most && known.insert(what.to_owned())
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
        let seconds = now().0 / 1_000_000;
        if !self.noted.is_news(&actor.user.to_string(), &asked, seconds) {
            return;
        }
        let why = permission.map_or_else(
            || "a permission is missing".to_owned(),
            |permission| format!("the permission {permission} is missing"),
        );
        self.note(Act::by(actor, "denied", asked).because(why))
            .await;
    }

    /// Notes that somebody whom nobody knows came with something that opens no door. What it was is not kept.
    pub async fn note_stranger(&self, with: &str, address: IpAddr) {
        let from = super::login::neighbourhood(address);
        tracing::info!(address = %from, with, "somebody unknown was refused");
        let seconds = now().0 / 1_000_000;
        if self
            .noted
            .is_news(NOBODY, &format!("{with} {from}"), seconds)
        {
            let act = Act::unattended("unknown name", "log in failed", format!("from {from}"));
            self.note(act.because(with)).await;
        }
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

    /// The answer is a refusal whether this can be written or not.
    async fn note(&self, act: Act) {
        let written = async {
            let mut tx = self.store.begin().await?;
            tx.record(act);
            tx.commit().await.map(|_| ())
        };
        if let Err(error) = written.await {
            tracing::error!(event.name = "audit.unwritten", %error, "a refusal could not be written to the audit log");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_refusal_is_noted_once_a_minute_and_a_crowd_ends() {
        let noted = Noted::default();
        assert!(noted.is_news("maria", "POST /a", 100));
        assert!(!noted.is_news("maria", "POST /a", 159));
        assert!(noted.is_news("jon", "POST /a", 159));
        assert!(noted.is_news("maria", "POST /a", 160));
        let crowd = (0..1_000).filter(|number| noted.is_news("maria", &number.to_string(), 161));
        assert_eq!(crowd.count(), OF_ONE - 1);
        let crowd = (0..1_000).filter(|number| noted.is_news(NOBODY, &number.to_string(), 161));
        assert_eq!(crowd.count(), STRANGERS);
        // A clock that was set back stops nothing.
        assert!(noted.is_news("maria", "POST /a", 5));
    }
}
