//! Name and password, and the throttle before them.
//!
//! A guess is counted before it is checked, in one statement, so that a crowd of guesses at once gains nothing. The
//! count is per name *and* address: failing on purpose locks nobody out from elsewhere.

use super::{AccountService, internal, refusal};
use crate::store::audit::Act;
use crate::store::{login, user};
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::Ordering;

/// Guesses in one window.
const GUESSES: u32 = 5;
/// How long a window lasts.
pub(super) const WINDOW_SECONDS: i64 = 300;
/// Names that one address may fail with in a window.
const NAMES: u32 = 30;
/// Longer names cannot exist; see [`super::port`].
pub(super) const LONGEST_NAME: usize = 64;

/// Why nobody was let in. Unknown name, wrong password and disabled account are one case on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginRefusal {
    Wrong,
    /// Too many guesses.
    Wait {
        seconds: u32,
    },
    /// Not the person's fault.
    Port(PortError),
}

impl From<PortError> for LoginRefusal {
    fn from(error: PortError) -> Self {
        Self::Port(error)
    }
}

impl AccountService {
    /// Who this is. The caller makes the session or the token.
    ///
    /// # Errors
    /// See [`LoginRefusal`].
    pub async fn log_in(
        &self,
        name: &str,
        password: &SecretString,
        address: IpAddr,
    ) -> Result<Actor, LoginRefusal> {
        let from = neighbourhood(address);
        let key = counted(name);
        self.count_guess(&key, &from).await?;
        let known = user::by_name(&self.store, &key).await.map_err(refusal)?;
        let usable = known.filter(|row| !row.disabled);
        let hash = usable.as_ref().and_then(|row| row.password_hash.clone());
        let right = self
            .passwords
            .verify(password, hash)
            .await
            .map_err(|error| internal(&error))?;
        let (Some(row), true) = (usable, right) else {
            tracing::info!(address = %from, "a login failed");
            return Err(LoginRefusal::Wrong);
        };
        login::clear(&self.store, &key, &from)
            .await
            .map_err(refusal)?;
        self.setup_pending.store(false, Ordering::Relaxed);
        let actor = self.actor(&row, None).await?;
        let mut tx = self.store.begin().await.map_err(refusal)?;
        tx.record(Act::by(&actor, "log in", format!("from {from}")));
        tx.commit().await.map_err(refusal)?;
        Ok(actor)
    }

    /// Counts before anything is checked.
    pub(super) async fn count_guess(&self, key: &str, from: &str) -> Result<(), LoginRefusal> {
        let wait = || {
            tracing::warn!(address = %from, "logins from this address are throttled");
            LoginRefusal::Wait {
                seconds: u32::try_from(WINDOW_SECONDS).unwrap_or(u32::MAX),
            }
        };
        let now = super::now();
        // One password on many names; checked first, so that a sprayer adds no more rows.
        if login::sprays(&self.store, from, now, WINDOW_SECONDS, NAMES)
            .await
            .map_err(refusal)?
        {
            let known = login::failures(&self.store, key, from, now, WINDOW_SECONDS)
                .await
                .map_err(refusal)?;
            if known == 0 {
                return Err(wait());
            }
        }
        let guesses = login::fail(&self.store, key, from, now, WINDOW_SECONDS)
            .await
            .map_err(refusal)?;
        if guesses > GUESSES {
            Err(wait())
        } else {
            Ok(())
        }
    }
}

/// The name as it is counted and looked up: whatever cannot be a name shares no key with one.
fn counted(name: &str) -> String {
    let name = name.trim();
    if name.chars().count() <= LONGEST_NAME && !name.contains('\0') {
        return name.to_owned();
    }
    let digest = Sha256::digest(name.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("?{hex}")
}

/// One subscriber has a whole /64 of IPv6.
fn neighbourhood(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_count_together() {
        let text = |address: &str| neighbourhood(address.parse().unwrap());
        assert_eq!(text("2001:db8::1"), text("2001:db8::ffff:1"));
        assert_ne!(text("2001:db8:0:1::1"), text("2001:db8:0:2::1"));
        assert_eq!(text("::ffff:192.0.2.7"), "192.0.2.7");
    }

    #[test]
    fn endless_names_have_short_keys() {
        assert_eq!(counted(" ada "), "ada");
        assert!(counted(&"x".repeat(1_000_000)).len() < 70);
        assert_ne!(counted(&"x".repeat(100)), counted(&"y".repeat(100)));
    }
}
