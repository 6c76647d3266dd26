//! What a browser session knows of its login, and the sessions of a person as they see them. Cookies are the HTTP
//! layer's.

use super::{AccountService, act, now, refusal};
use crate::secrets::Sealed;
use crate::store::session::{self as rows, SessionRow};
use crate::store::user;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::id::{SessionId, UserId};
use lockstep_types::login::SessionView;
use lockstep_types::ports::Answer;
use lockstep_types::{Micros, PortError};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Under this key a session holds its [`SignedIn`].
pub const KEY: &str = "signed_in";
const LONGEST_BROWSER: usize = 200;

/// Who is behind a session, and how they came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedIn {
    pub user: UserId,
    /// When the session was last used, to about a minute.
    pub seen: Micros,
    #[serde(default)]
    pub by: Entry,
    /// Where the login came from.
    #[serde(default)]
    pub address: String,
    /// What the browser said of itself.
    #[serde(default)]
    pub browser: String,
}

/// How somebody got in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Entry {
    #[default]
    Password,
    /// A one-time link.
    Link,
    /// Single sign-on.
    Provider {
        name: String,
        /// What this login said; another login may say otherwise.
        groups: Vec<String>,
        /// The ID token, sealed for this person: a provider asks for it at the logout. Id of the key, and the rest in
        /// base64.
        hint: Option<(String, String)>,
    },
}

impl Entry {
    fn word(&self) -> &str {
        match self {
            Self::Password => "password",
            Self::Link => "link",
            Self::Provider { name, .. } => name,
        }
    }
}

impl AccountService {
    /// Seals the ID token of a login for its session; `None` without a vault.
    pub fn seal_hint(&self, user: UserId, token: &SecretString) -> Option<(String, String)> {
        let plain = token.expose_secret().as_bytes();
        let sealed = self.vault.as_ref()?.seal(&hint_of(user), plain).ok()?;
        Some((sealed.key_id, STANDARD.encode(sealed.blob)))
    }

    /// Opens what [`AccountService::seal_hint`] made; `None` when it cannot.
    pub fn open_hint(&self, user: UserId, hint: &(String, String)) -> Option<SecretString> {
        let sealed = Sealed {
            key_id: hint.0.clone(),
            blob: STANDARD.decode(&hint.1).ok()?,
        };
        let plain = self.vault.as_ref()?.open_sealed(&hint_of(user), &sealed);
        let text = String::from_utf8(plain.ok()?.expose_secret().to_vec()).ok()?;
        Some(SecretString::from(text))
    }
}

fn hint_of(user: UserId) -> String {
    format!("logout hint:{user}")
}

/// What a browser says of itself, made fit for a list.
pub fn browser_of(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(LONGEST_BROWSER)
        .collect()
}

/// The name of a session in lists: it cannot be turned back into what opens it.
pub fn session_id(row: &str) -> SessionId {
    let digest = Sha256::digest(format!("session in lists\n{row}"));
    let mut id = [0_u8; 16];
    for (to, from) in id.iter_mut().zip(digest) {
        *to = from;
    }
    SessionId(uuid::Uuid::from_bytes(id))
}

fn view(row: &SessionRow) -> SessionView {
    let data: serde_json::Value = serde_json::from_str(&row.data).unwrap_or_default();
    let signed_in: Option<SignedIn> = data
        .get(KEY)
        .and_then(|value| serde_json::from_value(value.clone()).ok());
    let (address, browser, by) = signed_in.map_or_else(Default::default, |signed_in| {
        let by = signed_in.by.word().to_owned();
        (signed_in.address, signed_in.browser, by)
    });
    SessionView {
        id: session_id(&row.id),
        began_at: row.created_at,
        last_used: row.last_seen_at,
        expires_at: row.expires_at,
        address,
        browser,
        by,
    }
}

impl AccountService {
    pub(super) async fn list_sessions(
        &self,
        actor: &Actor,
        user: UserId,
    ) -> Answer<Vec<SessionView>> {
        self.check_sessions_of(actor, user).await?;
        let rows = rows::of_user(&self.store, user, now())
            .await
            .map_err(refusal)?;
        Ok(rows.iter().map(view).collect())
    }

    /// Ends those sessions of a person that `ends` picks. Returns how many.
    pub(super) async fn end_sessions_that(
        &self,
        actor: &Actor,
        user: UserId,
        ends: impl Fn(SessionId) -> bool,
    ) -> Answer<u32> {
        let name = self.check_sessions_of(actor, user).await?;
        let open = rows::of_user(&self.store, user, now())
            .await
            .map_err(refusal)?;
        let ending: Vec<&str> = open
            .iter()
            .map(|row| row.id.as_str())
            .filter(|id| ends(session_id(id)))
            .collect();
        if ending.is_empty() {
            return Ok(0);
        }
        let mut tx = self.store.begin().await.map_err(refusal)?;
        let ended = rows::delete_some(&mut tx, user, &ending)
            .await
            .map_err(refusal)?;
        let ended = u32::try_from(ended).unwrap_or(u32::MAX);
        tx.record(act(actor, "end sessions", name).with(serde_json::json!({ "sessions": ended })));
        tx.commit().await.map_err(refusal)?;
        Ok(ended)
    }

    /// One's own, or those of an account over which one has the right. Gives the name.
    async fn check_sessions_of(&self, actor: &Actor, user: UserId) -> Answer<String> {
        if actor.user == user {
            if actor.rights.scope.is_some() {
                return Err(PortError::Conflict(
                    "a token that is limited sees and ends no sessions; log in for that".to_owned(),
                ));
            }
            return Ok(actor.name.clone());
        }
        if !actor.may(Permission::Account) {
            return Err(PortError::denied(Permission::Account));
        }
        let row = user::get(&self.store, user).await.map_err(refusal)?;
        self.require_over(actor, &row.name, row.role).await?;
        Ok(row.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_from_before_are_read_and_lists_give_no_way_in() {
        let old = format!("{{\"user\":\"{}\",\"seen\":5}}", uuid::Uuid::nil());
        let read: SignedIn = serde_json::from_str(&old).unwrap();
        assert_eq!((read.by, read.address.as_str()), (Entry::Password, ""));
        assert_ne!(session_id("abc").to_string(), "abc");
        assert_ne!(session_id("abc"), session_id("abd"));
        assert_eq!(browser_of("a\r\nb"), "ab");
        assert_eq!(browser_of(&"x".repeat(5000)).len(), LONGEST_BROWSER);
    }
}
