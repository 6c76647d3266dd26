//! Passwords: which are accepted, and their argon2id hashes.
//!
//! Hashing takes 19 MiB and tens of milliseconds on purpose, so it runs beside the async threads and only a few at
//! a time; a crowd of guesses waits in line instead of taking the memory.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use lockstep_types::PortError;
use secrecy::{ExposeSecret, SecretString};
use std::sync::{Arc, OnceLock};
use tokio::sync::Semaphore;

/// Fewer characters are refused.
pub const SHORTEST: usize = 8;
/// More characters are refused before anything is computed.
pub const LONGEST: usize = 128;
/// Hashes computed at the same time.
const AT_ONCE: usize = 4;

/// The most used passwords of public collections that are long enough to reach this list, one a line.
const COMMON: &str = include_str!("common_passwords.txt");

/// Makes and checks hashes.
#[derive(Debug, Clone)]
pub struct Passwords {
    permits: Arc<Semaphore>,
}

/// Why no hash could be made or checked. Holds no password.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    #[error("the password hash could not be computed: {0}")]
    Compute(String),
    #[error("the hashing task was stopped")]
    Stopped,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }
}

impl Passwords {
    /// The PHC string to store.
    ///
    /// # Errors
    /// The computation failed or the server is stopping.
    pub async fn hash(&self, password: &SecretString) -> Result<String, HashError> {
        let password = password.clone();
        self.beside(move || {
            Argon2::default()
                .hash_password(password.expose_secret().as_bytes())
                .map(|hash: PasswordHash| hash.to_string())
                .map_err(|error| HashError::Compute(error.to_string()))
        })
        .await
    }

    /// Whether `password` is the one behind `stored`. Without a stored hash the answer is no, after the same work:
    /// an unknown name must not answer faster than a known one.
    ///
    /// # Errors
    /// The computation could not run.
    pub async fn verify(
        &self,
        password: &SecretString,
        stored: Option<String>,
    ) -> Result<bool, HashError> {
        if password.expose_secret().chars().count() > LONGEST {
            return Ok(false);
        }
        let password = password.clone();
        self.beside(move || {
            let known = stored.is_some();
            let stored = match stored {
                Some(stored) => stored,
                None => nobody()?,
            };
            let hash = PasswordHash::new(&stored)
                .map_err(|error| HashError::Compute(error.to_string()))?;
            let right = Argon2::default()
                .verify_password(password.expose_secret().as_bytes(), &hash)
                .is_ok();
            Ok(right && known)
        })
        .await
    }

    async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| HashError::Stopped)?;
        tokio::task::spawn_blocking(move || {
            // Held by the work, not by the request: a client that hangs up frees nothing early.
            let _permit = permit;
            work()
        })
        .await
        .map_err(|_| HashError::Stopped)?
    }
}

/// A hash of nothing anybody knows, made once with the parameters in use.
fn nobody() -> Result<String, HashError> {
    static NOBODY: OnceLock<String> = OnceLock::new();
    if let Some(hash) = NOBODY.get() {
        return Ok(hash.clone());
    }
    let hash: PasswordHash = Argon2::default()
        .hash_password(&rand::random::<[u8; 32]>())
        .map_err(|error| HashError::Compute(error.to_string()))?;
    Ok(NOBODY.get_or_init(|| hash.to_string()).clone())
}

/// Whether a new password may be used.
///
/// # Errors
/// Too short, too long, too common, or the account's own name.
pub fn check_new(name: &str, password: &SecretString) -> Result<(), PortError> {
    let refuse = |why: &str| Err(PortError::invalid("password", why));
    let text = password.expose_secret();
    // Bytes first: counting the characters of a megabyte is work already.
    if text.len() > LONGEST * 4 || text.chars().count() > LONGEST {
        return refuse("must have at most 128 characters");
    }
    if text.chars().count() < SHORTEST {
        return refuse("must have at least 8 characters");
    }
    let lower = text.to_lowercase();
    if COMMON.lines().any(|common| common == lower) {
        return refuse("is among the most used passwords; choose another");
    }
    let mut letters = lower.chars();
    let first = letters.next();
    if letters.all(|letter| Some(letter) == first) {
        return refuse("must not be one character repeated");
    }
    if lower == name.to_lowercase() {
        return refuse("must not be the name");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(password: &str) -> bool {
        check_new("alexandra", &SecretString::from(password)).is_ok()
    }

    #[test]
    fn long_and_uncommon_ones_are_accepted() {
        assert!(accepted("correct horse"));
        assert!(accepted("пароль-мой-17"));
        assert!(accepted(&"ab".repeat(64)));
        for bad in [
            "",
            "short17",
            "password",
            "Password1",
            "123456789",
            "qwertyuiop",
            "aaaaaaaaaaaa",
            "Alexandra",
            &"ab".repeat(65),
            &"x".repeat(1_000_000),
        ] {
            assert!(!accepted(bad), "{:.20}", bad);
        }
    }

    #[tokio::test]
    async fn only_the_right_password_of_a_known_name_verifies() {
        let passwords = Passwords::default();
        let right = SecretString::from("correct horse");
        let stored = passwords.hash(&right).await.unwrap();
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        assert!(
            passwords
                .verify(&right, Some(stored.clone()))
                .await
                .unwrap()
        );
        let wrong = SecretString::from("wrong horse");
        assert!(!passwords.verify(&wrong, Some(stored)).await.unwrap());
        assert!(!passwords.verify(&right, None).await.unwrap());
    }
}
