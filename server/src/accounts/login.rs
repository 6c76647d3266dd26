//! Name and password, the code of a second factor after them, and the throttle before both.
//!
//! A guess is counted before it is checked, in one statement, so that a crowd of guesses at once gains nothing. The
//! count is per name *and* address: failing on purpose locks nobody out from elsewhere. Codes count with passwords, and
//! besides per name alone: whoever has the password must not go on guessing from other addresses.

use super::refusals::Failure;
use super::{AccountService, internal, refusal};
use crate::store::audit::Act;
use crate::store::user::UserRow;
use crate::store::{factor, identity, login, user};
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::id::UserId;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::Ordering;

/// Guesses in one window.
const GUESSES: u32 = 5;
/// The address under which the codes of an account are counted together.
const CODES: &str = "second factor";
/// How long a window lasts.
pub(super) const WINDOW_SECONDS: i64 = 300;
/// Logins at providers that one address may begin in a window: a whole office can be behind it.
const BEGUN: u32 = 200;
/// Names that one address may fail with in a window.
const NAMES: u32 = 30;
/// Longer names cannot exist; see [`super::port`].
pub(super) const LONGEST_NAME: usize = 64;

/// Why nobody was let in. Unknown name, wrong password and disabled account are one case on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginRefusal {
    Wrong,
    /// The password is right, and a second factor is asked for.
    CodeNeeded {
        user: UserId,
    },
    WrongCode,
    /// This server takes no passwords.
    SingleSignOnOnly,
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
        if !self.rules.local {
            return Err(LoginRefusal::SingleSignOnOnly);
        }
        let from = neighbourhood(address);
        let key = counted(name);
        self.count_guess(&key, &from).await?;
        let known = user::by_name(&self.store, &key).await.map_err(refusal)?;
        let usable = known.as_ref().filter(|row| !row.disabled);
        let hash = usable.and_then(|row| row.password_hash.clone());
        let right = self
            .passwords
            .verify(password, hash)
            .await
            .map_err(|error| internal(&error))?;
        let (Some(row), true) = (usable, right) else {
            self.note_failure(known.as_ref(), "name or password is wrong", &from);
            return Err(LoginRefusal::Wrong);
        };
        let asked = factor::get(&self.store, row.id).await.map_err(refusal)?;
        if asked.is_some_and(|factor| factor.confirmed_at.is_some()) {
            // The guess stays counted until the code was right.
            return Err(LoginRefusal::CodeNeeded { user: row.id });
        }
        self.let_in(row, &key, &from, "").await
    }

    /// The second half of a login whose password was right.
    ///
    /// # Errors
    /// See [`LoginRefusal`].
    pub async fn log_in_with_code(
        &self,
        user: UserId,
        code: &SecretString,
        address: IpAddr,
    ) -> Result<Actor, LoginRefusal> {
        if !self.rules.local {
            return Err(LoginRefusal::SingleSignOnOnly);
        }
        let row = match user::get(&self.store, user).await {
            Ok(row) if !row.disabled => row,
            Ok(_) | Err(crate::store::StoreError::NotFound { .. }) => {
                return Err(LoginRefusal::Wrong);
            }
            Err(error) => return Err(refusal(error).into()),
        };
        let from = neighbourhood(address);
        let key = counted(&row.name);
        self.count_guess(&key, &from).await?;
        self.count_code(&key).await?;
        match self.take_code(&row, code).await? {
            Some(which) => {
                login::clear(&self.store, &key, CODES)
                    .await
                    .map_err(refusal)?;
                self.let_in(&row, &key, &from, which).await
            }
            None => {
                self.note_failure(Some(&row), "the code is wrong", &from);
                Err(LoginRefusal::WrongCode)
            }
        }
    }

    async fn let_in(
        &self,
        row: &UserRow,
        key: &str,
        from: &str,
        with: &str,
    ) -> Result<Actor, LoginRefusal> {
        // Whoever comes by single sign-on has no password; should one be there, it opens nothing.
        if identity::of_user(&self.store, row.id)
            .await
            .map_err(refusal)?
            .is_some()
        {
            return Err(LoginRefusal::Wrong);
        }
        login::clear(&self.store, key, from)
            .await
            .map_err(refusal)?;
        self.setup_pending.store(false, Ordering::Relaxed);
        let actor = self.actor(row, &[], row.role, None).await?;
        let mut tx = self.store.begin().await.map_err(refusal)?;
        tx.record(Act::by(&actor, "log in", format!("{with}from {from}")));
        tx.commit().await.map_err(refusal)?;
        Ok(actor)
    }

    /// A row in the audit log, or one more that is counted there, with the name only when there is such an account: people
    /// type passwords into the wrong field.
    fn note_failure(&self, known: Option<&UserRow>, why: &'static str, from: &str) {
        tracing::info!(address = %from, "a login failed");
        self.note_failed(known, Failure::Refused(why), from);
    }

    /// Counts a login that is begun at a provider; `false` when there were too many from this address.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn count_begin(&self, address: IpAddr) -> Result<bool, PortError> {
        let from = neighbourhood(address);
        // No name has a space in it.
        let begun = login::fail(
            &self.store,
            "single sign-on",
            &from,
            super::now(),
            WINDOW_SECONDS,
        );
        Ok(begun.await.map_err(refusal)? <= BEGUN)
    }

    /// Codes of one account, wherever they come from.
    pub(super) async fn count_code(&self, key: &str) -> Result<(), LoginRefusal> {
        let guesses = login::fail(&self.store, key, CODES, super::now(), WINDOW_SECONDS)
            .await
            .map_err(refusal)?;
        if guesses > GUESSES {
            return Err(wait(CODES));
        }
        Ok(())
    }

    /// Counts before anything is checked.
    pub(super) async fn count_guess(&self, key: &str, from: &str) -> Result<(), LoginRefusal> {
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
                return Err(wait(from));
            }
        }
        let guesses = login::fail(&self.store, key, from, now, WINDOW_SECONDS)
            .await
            .map_err(refusal)?;
        if guesses == GUESSES + 1 {
            // Once in a window: a crowd of refusals must not fill the log.
            let known = user::by_name(&self.store, key).await.map_err(refusal)?;
            self.note_failed(known.as_ref(), Failure::Throttled, from);
        }
        if guesses > GUESSES {
            Err(wait(from))
        } else {
            Ok(())
        }
    }
}

fn wait(from: &str) -> LoginRefusal {
    tracing::warn!(address = %from, "logins from this address are throttled");
    LoginRefusal::Wait {
        seconds: u32::try_from(WINDOW_SECONDS).unwrap_or(u32::MAX),
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
pub(super) fn neighbourhood(address: IpAddr) -> String {
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
