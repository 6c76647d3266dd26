//! Browser sessions: kept in the database, named by a cookie, ended by deleting their row.
//!
//! The row's id is a hash of the cookie, so the database alone logs nobody in. Saving is an update and never brings a
//! deleted row back: a request in flight cannot revive a session that was just ended.

use super::Web;
use crate::accounts::{KEY, SignedIn, session_id};
use crate::store::{Store, session as rows};
use async_trait::async_trait;
use lockstep_types::account::Actor;
use lockstep_types::id::{SessionId, UserId};
use lockstep_types::{Micros, PortError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::time::Duration;
use time::OffsetDateTime;
use tower_sessions::cookie::SameSite;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};
use tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore};

/// What has no login yet must come back within.
const BRIEFLY: time::Duration = time::Duration::minutes(10);
/// Under this key a session that was given another id holds when it began.
const BEGAN: &str = "began";
/// A session that was used so many seconds ago is not written again.
const FRESH: u64 = 60;

/// What people are told; the log has the cause.
const SILENT: &str = "the database does not answer; try again in a moment";

/// Cookie and store as the address of the server asks for.
pub fn layer(web: &Web) -> SessionManagerLayer<Sessions> {
    let https = web.settings.public_url.is_https();
    let idle = time::Duration::try_from(web.settings.session.idle).unwrap_or(time::Duration::HOUR);
    SessionManagerLayer::new(Sessions {
        store: web.accounts.store().clone(),
        absolute: web.settings.session.absolute,
    })
    // Browsers take the prefix only with Secure, which plain http cannot have.
    .with_name(if https { "__Host-lockstep" } else { "lockstep" })
    .with_secure(https)
    .with_http_only(true)
    .with_same_site(SameSite::Lax)
    .with_path("/")
    .with_expiry(Expiry::OnInactivity(idle))
}

/// Who is behind a session; `None` for an anonymous one.
///
/// # Errors
/// The database does not answer.
pub async fn signed_in(session: &Session) -> std::result::Result<Option<SignedIn>, PortError> {
    session.get::<SignedIn>(KEY).await.map_err(unavailable)
}

/// Puts a person into the session, under a new id and with nothing else in it.
///
/// # Errors
/// The database does not answer.
pub async fn begin(session: &Session, signed_in: SignedIn) -> std::result::Result<(), PortError> {
    session.cycle_id().await.map_err(unavailable)?;
    session.clear().await;
    session.insert(KEY, signed_in).await.map_err(unavailable)
}

/// Gives the session of a person another id; the one before is worth nothing from then on. It ends when it would have ended.
///
/// # Errors
/// The database does not answer.
pub async fn renew(store: &Store, session: &Session) -> std::result::Result<(), PortError> {
    let (Some(_), Some(id)) = (signed_in(session).await?, session.id()) else {
        return Ok(());
    };
    let id = row_id(id);
    let row = rows::load(store, &id, now()).await.map_err(silent)?;
    let Some(row) = row else {
        return Ok(());
    };
    // Of several requests at once one renews it, and what somebody ended meanwhile stays ended.
    if !rows::delete(store, &id).await.map_err(silent)? {
        return Ok(());
    }
    session
        .insert(BEGAN, row.created_at)
        .await
        .map_err(unavailable)?;
    session.cycle_id().await.map_err(unavailable)
}

/// Keeps something for an anonymous session that must come back soon, under a new id.
///
/// # Errors
/// The database does not answer.
pub async fn keep_briefly<T: Serialize + Send + Sync>(
    session: &Session,
    key: &str,
    value: &T,
) -> std::result::Result<(), PortError> {
    session.cycle_id().await.map_err(unavailable)?;
    if session.get_value(KEY).await.map_err(unavailable)?.is_none() {
        session.set_expiry(Some(Expiry::OnInactivity(BRIEFLY)));
    }
    session.insert(key, value).await.map_err(unavailable)
}

/// Takes what was kept, for good: it is gone from the database before this returns, so that nothing is taken twice.
///
/// # Errors
/// The database does not answer.
pub async fn take<T: DeserializeOwned>(
    session: &Session,
    key: &str,
) -> std::result::Result<Option<T>, PortError> {
    if session.get_value(key).await.map_err(unavailable)?.is_none() {
        return Ok(None);
    }
    let taken = session.remove::<T>(key).await;
    session.save().await.map_err(unavailable)?;
    // What an older release left is nothing.
    Ok(taken.unwrap_or_default())
}

/// The name of this session in lists.
pub fn id_in_lists(session: &Session) -> Option<SessionId> {
    session.id().map(|id| session_id(&row_id(id)))
}

/// Moves the idle end on, about once a minute.
///
/// # Errors
/// The database does not answer.
pub async fn keep_alive(
    web: &Web,
    session: &Session,
    signed_in: SignedIn,
    actor: &Actor,
) -> std::result::Result<(), PortError> {
    let fresh = FRESH.min(web.settings.session.idle.as_secs() / 4);
    if now().seconds_since(signed_in.seen) < i64::try_from(fresh).unwrap_or(0) {
        return Ok(());
    }
    let signed_in = SignedIn {
        seen: now(),
        ..signed_in
    };
    session.insert(KEY, signed_in).await.map_err(unavailable)?;
    web.accounts.seen(actor).await
}

fn now() -> Micros {
    jiff::Timestamp::now().into()
}

fn unavailable(error: tower_sessions::session::Error) -> PortError {
    tracing::error!(%error, "sessions cannot be read or written");
    PortError::Unavailable(SILENT.to_owned())
}

fn silent(error: crate::store::StoreError) -> PortError {
    backend(error);
    PortError::Unavailable(SILENT.to_owned())
}

/// Session rows for `tower-sessions`.
#[derive(Debug, Clone)]
pub struct Sessions {
    store: Store,
    absolute: Duration,
}

fn row_id(id: Id) -> String {
    let digest = Sha256::digest(id.0.to_le_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn expiry(record: &Record) -> Micros {
    Micros::from_seconds(record.expiry_date.unix_timestamp())
}

fn text(record: &Record) -> Result<String> {
    serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))
}

fn backend(error: crate::store::StoreError) -> Error {
    tracing::error!(
        error = &error as &dyn std::error::Error,
        "the session table does not answer"
    );
    Error::Backend(error.to_string())
}

fn user(record: &Record) -> Option<UserId> {
    let signed_in = record.data.get(KEY)?.clone();
    serde_json::from_value::<SignedIn>(signed_in)
        .ok()
        .map(|signed_in| signed_in.user)
}

impl Sessions {
    fn row(&self, record: &Record, created_at: Micros) -> Result<rows::SessionRow> {
        let end =
            created_at.plus_seconds(i64::try_from(self.absolute.as_secs()).unwrap_or(i64::MAX));
        Ok(rows::SessionRow {
            id: row_id(record.id),
            user: user(record),
            data: text(record)?,
            created_at,
            last_seen_at: now(),
            expires_at: expiry(record).min(end),
        })
    }

    async fn find(&self, id: Id) -> Result<Option<rows::SessionRow>> {
        let found = rows::load(&self.store, &row_id(id), now())
            .await
            .map_err(backend)?;
        // Checked here too: an operator may have made the limit shorter since.
        let limit = i64::try_from(self.absolute.as_secs()).unwrap_or(i64::MAX);
        Ok(found.filter(|row| now() < row.created_at.plus_seconds(limit)))
    }
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        let began = record.data.get(BEGAN).cloned();
        let began = began.and_then(|began| serde_json::from_value(began).ok());
        loop {
            let row = self.row(record, began.unwrap_or_else(now))?;
            if rows::create(&self.store, &row).await.map_err(backend)? {
                return Ok(());
            }
            // The id is taken, which happens once in 2^128: draw another.
            record.id = Id::default();
        }
    }

    async fn save(&self, record: &Record) -> Result<()> {
        // A session that was ended meanwhile stays ended.
        let Some(present) = self.find(record.id).await? else {
            return Ok(());
        };
        let row = self.row(record, present.created_at)?;
        rows::save(&self.store, &row).await.map_err(backend)?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some(row) = self.find(*id).await? else {
            return Ok(None);
        };
        let data: HashMap<String, serde_json::Value> =
            serde_json::from_str(&row.data).map_err(|error| Error::Decode(error.to_string()))?;
        let expiry_date =
            OffsetDateTime::from_unix_timestamp(row.expires_at.0.div_euclid(1_000_000))
                .map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record {
            id: *id,
            data,
            expiry_date,
        }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        rows::delete(&self.store, &row_id(*id))
            .await
            .map(|_| ())
            .map_err(backend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever a cookie holds: an id that nobody has, or none.
    #[test]
    fn fuzz_cookies() {
        let good = Id::default().to_string();
        let seeds: [&[u8]; 3] = [good.as_bytes(), b"AAAAAAAAAAAAAAAAAAAAAA", b"%00\"a=b; c"];
        engine::fuzzing::run("cookies", &seeds, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            if let Ok(id) = text.parse::<Id>() {
                assert_eq!(row_id(id).len(), 64);
            }
        });
    }
}
