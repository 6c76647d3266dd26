//! People: who they are, what they know, how long that counts.
//!
//! Owns the rules of names, passwords, tokens and the login throttle; rows are the store's, cookies and headers those
//! of [`crate::http`]. Every act leaves a row in the audit log in the same transaction.

mod entry;
mod factor;
mod login;
mod password;
mod port;
mod refusals;
mod session;
mod setup;
mod sign_on;
mod token;
mod tokens;

pub use entry::LINK_MINUTES;
pub use login::LoginRefusal;
pub use password::Passwords;
pub use session::{Entry, KEY, SignedIn, browser_of, session_id};
pub use sign_on::{Person, SignOnRefusal};

use crate::authority::Authority;
use crate::config::LoginRules;
use crate::secrets::Vault;
use crate::store::audit::Act;
use crate::store::identity::{self, IdentityRow};
use crate::store::{Store, StoreError, user};
use lockstep_types::account::{Actor, Role};
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
    rules: Arc<LoginRules>,
    vault: Option<Vault>,
    setup_pending: Arc<AtomicBool>,
    noted: Arc<refusals::Refusals>,
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
            rules: Arc::default(),
            vault: None,
            setup_pending: Arc::new(AtomicBool::new(empty)),
            noted: Arc::default(),
        })
    }

    /// With what the operator decided about logins.
    #[must_use]
    pub fn with_rules(mut self, rules: LoginRules) -> Self {
        self.rules = Arc::new(rules);
        self
    }

    /// With the vault, which second factors need.
    #[must_use]
    pub fn with_vault(mut self, vault: Vault) -> Self {
        self.vault = Some(vault);
        self
    }

    /// What the operator decided about logins.
    pub fn rules(&self) -> &LoginRules {
        &self.rules
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

    /// The person as they are now, for what they do without being here; `None` when there is no such account, it is
    /// disabled, or its last login at a provider is too long ago.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn actor_of_user(&self, id: UserId) -> Result<Option<Actor>, PortError> {
        match self.usable(id).await? {
            Some(row) => self.actor_now(&row, None).await,
            None => Ok(None),
        }
    }

    /// The person behind a session as they are now; `None` when the login no longer holds.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn actor_of_login(&self, signed_in: &SignedIn) -> Result<Option<Actor>, PortError> {
        let Some(row) = self.usable(signed_in.user).await? else {
            return Ok(None);
        };
        match &signed_in.by {
            Entry::Password | Entry::Link => self.actor(&row, &[], row.role, None).await.map(Some),
            Entry::Provider { name, groups, .. } => {
                self.actor_of_groups(&row, name, groups, None).await
            }
        }
    }

    async fn usable(&self, id: UserId) -> Result<Option<user::UserRow>, PortError> {
        match user::get(&self.store, id).await {
            Ok(row) => Ok(Some(row).filter(|row| !row.disabled)),
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
        let actor = self.actor_now(&holder.user, holder.scope).await?;
        Ok(actor.map(|actor| Actor {
            token: Some(holder.token),
            ..actor
        }))
    }

    /// Somebody by what is known of them without a session.
    async fn actor_now(
        &self,
        row: &user::UserRow,
        scope: Option<TokenScope>,
    ) -> Result<Option<Actor>, PortError> {
        match identity::of_user(&self.store, row.id)
            .await
            .map_err(refusal)?
        {
            None => self.actor(row, &[], row.role, scope).await.map(Some),
            Some(identity) if identity.fresh_until <= now() => Ok(None),
            Some(IdentityRow {
                provider, groups, ..
            }) => self.actor_of_groups(row, &provider, &groups, scope).await,
        }
    }

    /// Somebody who came by single sign-on: the configuration as it is now makes a role of the groups. Where it makes
    /// none, only a policy can give rights, and without one the login does not hold.
    async fn actor_of_groups(
        &self,
        row: &user::UserRow,
        provider: &str,
        groups: &[String],
        scope: Option<TokenScope>,
    ) -> Result<Option<Actor>, PortError> {
        let Some(entry) = self.rules.provider(provider) else {
            return Ok(None);
        };
        let role = match entry.role_of(groups) {
            Some(role) => role,
            None if self.policy_decides().await? => Role::Viewer,
            None => return Ok(None),
        };
        self.actor(row, groups, role, scope).await.map(Some)
    }

    /// Whether a policy is in force.
    async fn policy_decides(&self) -> Result<bool, PortError> {
        let in_force = self.authority.in_force().await.map_err(refusal)?;
        Ok(in_force.policy.is_some())
    }

    /// Somebody with the rights that they have now.
    async fn actor(
        &self,
        row: &user::UserRow,
        groups: &[String],
        role: Role,
        scope: Option<TokenScope>,
    ) -> Result<Actor, PortError> {
        let rights = self.authority.rights(&row.name, groups, role, scope).await;
        Ok(Actor {
            user: row.id,
            name: row.name.clone(),
            role,
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
        self.sum_refusals().await;
        crate::store::session::sweep(&self.store, now()).await?;
        crate::store::entry::sweep(&self.store, now()).await?;
        crate::store::login::sweep(&self.store, now().plus_seconds(-login::WINDOW_SECONDS)).await?;
        Ok(())
    }
}

/// An act of a person with an account, or of whoever sits at the database.
fn act(actor: &Actor, action: &str, subject: impl Into<String>) -> Act {
    if actor.user.0.is_nil() {
        Act::unattended(actor.name.clone(), action, subject)
    } else {
        Act::by(actor, action, subject)
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
