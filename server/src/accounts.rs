//! People: who they are, what they know, how long that counts.
//!
//! Owns the rules of names, passwords, tokens and the login throttle; rows are the store's, cookies and headers those
//! of [`crate::http`]. Every act leaves a row in the audit log in the same transaction.

mod login;
mod password;
mod port;
mod setup;
mod token;

pub use login::LoginRefusal;
pub use password::Passwords;

use crate::authority::Authority;
use crate::store::{Store, StoreError, session, user};
use lockstep_types::account::Actor;
use lockstep_types::id::UserId;
use lockstep_types::policy::{Rights, TokenScope};
use lockstep_types::{Micros, PortError};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use uuid::Uuid;

/// Accounts over one database. Cheap to clone.
#[derive(Clone)]
pub struct AccountService {
    store: Store,
    authority: Authority,
    passwords: Passwords,
    setup_pending: Arc<AtomicBool>,
}

impl AccountService {
    /// Looks whether anybody has an account yet.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn open(store: Store) -> Result<Self, StoreError> {
        let empty = user::count(&store).await? == 0;
        Ok(Self {
            authority: Authority::new(store.clone()),
            store,
            passwords: Passwords::default(),
            setup_pending: Arc::new(AtomicBool::new(empty)),
        })
    }

    /// The database behind it.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Whether the first administrator is still to be made.
    pub fn setup_pending(&self) -> bool {
        self.setup_pending.load(Ordering::Relaxed)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.store.ping().await
    }

    /// The person as they are now; `None` when there is no such account or it is disabled.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn actor_of_user(&self, id: UserId) -> Result<Option<Actor>, PortError> {
        match user::get(&self.store, id).await {
            Ok(row) if row.disabled => Ok(None),
            Ok(row) => Ok(Some(self.actor(&row, None).await?)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(refusal(error)),
        }
    }

    /// Whose token this is; `None` when it is unknown, revoked or expired.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn actor_of_token(&self, token: &SecretString) -> Result<Option<Actor>, PortError> {
        if !token::is_well_formed(token.expose_secret()) {
            return Ok(None);
        }
        let digest = token::digest(token);
        let Some(holder) = crate::store::token::holder(&self.store, &digest, now())
            .await
            .map_err(refusal)?
        else {
            return Ok(None);
        };
        crate::store::token::used(&self.store, holder.token, now())
            .await
            .map_err(refusal)?;
        let actor = self.actor(&holder.user, holder.scope).await?;
        Ok(Some(Actor {
            token: Some(holder.token),
            ..actor
        }))
    }

    /// Somebody with the rights that they have now.
    pub(crate) async fn actor(
        &self,
        row: &user::UserRow,
        scope: Option<TokenScope>,
    ) -> Result<Actor, PortError> {
        let rights = self.authority.rights(&row.name, &[], row.role, scope).await;
        Ok(Actor {
            user: row.id,
            name: row.name.clone(),
            role: row.role,
            token: None,
            rights: rights.map_err(refusal)?,
        })
    }

    /// The actor of an earlier answer, if it still holds.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn still(&self, earlier: &Actor) -> Result<Option<Actor>, PortError> {
        let Some(now_actor) = self.actor_of_user(earlier.user).await? else {
            return Ok(None);
        };
        let Some(id) = earlier.token else {
            return Ok(Some(now_actor));
        };
        let tokens = crate::store::token::list(&self.store, Some(earlier.user))
            .await
            .map_err(refusal)?;
        let held = tokens.into_iter().find(|token| {
            token.id == id && !token.revoked && token.expires_at.is_none_or(|at| at > now())
        });
        Ok(held.map(|token| Actor {
            token: Some(id),
            rights: Rights {
                scope: token.scope,
                ..now_actor.rights.clone()
            },
            ..now_actor
        }))
    }

    /// Notes that a person is here.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn seen(&self, actor: &Actor) -> Result<(), PortError> {
        let row = user::get(&self.store, actor.user).await.map_err(refusal)?;
        // What they have been shown is for the pages to say.
        user::saw(&self.store, row.id, row.last_seen_seq, now())
            .await
            .map_err(refusal)
    }

    /// The account of this name, in whatever case.
    ///
    /// # Errors
    /// [`PortError::NotFound`].
    pub async fn user_named(&self, name: &str) -> Result<UserId, PortError> {
        let found = user::by_name(&self.store, name).await.map_err(refusal)?;
        found
            .map(|row| row.id)
            .ok_or_else(|| PortError::NotFound(format!("the account {name}")))
    }

    /// Drops what has expired. For a timer.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        session::sweep(&self.store, now()).await?;
        crate::store::login::sweep(&self.store, now().plus_seconds(-login::WINDOW_SECONDS)).await?;
        Ok(())
    }
}

fn now() -> Micros {
    jiff::Timestamp::now().into()
}

/// What callers may know of a failure of the database; the log has the rest.
fn refusal(error: StoreError) -> PortError {
    match error {
        StoreError::NotFound { subject } => PortError::NotFound(subject),
        StoreError::Exists { .. } | StoreError::Conflict { .. } | StoreError::Stale { .. } => {
            PortError::Conflict(error.to_string())
        }
        error if error.is_transient() => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the database does not answer"
            );
            PortError::Unavailable("the database does not answer; try again in a moment".to_owned())
        }
        error => internal(&error),
    }
}

/// Logs the cause under an id and gives the id alone.
fn internal(error: &(dyn std::error::Error + 'static)) -> PortError {
    let id = Uuid::now_v7().to_string();
    tracing::error!(error, error_id = %id, "an account request failed");
    PortError::Internal(id)
}
