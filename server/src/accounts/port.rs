//! The [`Accounts`] port.

use super::login::LONGEST_NAME;
use super::{AccountService, LoginRefusal, act, internal, password, refusal};
use crate::store::token as tokens;
use crate::store::user::{self, UserRow};
use crate::store::{factor, identity};
use async_trait::async_trait;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, NewToken, Permission, Role, TokenView, UserView};
use lockstep_types::id::{SessionId, TokenId, UserId};
use lockstep_types::login::{Enrolment, OwnAccount, SessionView};
use lockstep_types::policy;
use lockstep_types::ports::{Accounts, Answer};
use secrecy::SecretString;
use serde_json::json;
use std::collections::HashMap;
use std::sync::atomic::Ordering;

fn require(actor: &Actor, permission: Permission) -> Answer<()> {
    require_on(actor, permission, policy::ANYTHING)
}

fn require_on(actor: &Actor, permission: Permission, object: &str) -> Answer<()> {
    if actor.may_on(permission, object) {
        Ok(())
    } else {
        Err(PortError::denied(permission))
    }
}

fn last_administrator(name: &str) -> PortError {
    PortError::Conflict(format!(
        "{name} is the last administrator; make another one first"
    ))
}

/// Names are shown everywhere and typed into command lines.
pub(super) fn check_name(name: &str) -> Answer<()> {
    let plain = |c: char| c.is_alphanumeric() || "-_.@+".contains(c);
    if name.is_empty() || name.chars().count() > LONGEST_NAME || !name.chars().all(plain) {
        return Err(PortError::invalid(
            "name",
            "must be 1 to 64 letters, digits, dots, dashes, underscores, @ or +",
        ));
    }
    Ok(())
}

impl AccountService {
    /// Whoever may administer accounts does not thereby get rights that they lack: neither those that the account has by
    /// its role nor those that the policy gives to its name.
    pub(super) async fn require_over(&self, actor: &Actor, name: &str, role: Role) -> Answer<()> {
        require_on(actor, Permission::Account, name)?;
        if actor.may(Permission::Policy) {
            return Ok(());
        }
        let theirs = self
            .authority
            .rights_of(name, role)
            .await
            .map_err(refusal)?;
        if role < Role::Admin && actor.rights.cover(actor.role, &theirs, role) {
            Ok(())
        } else {
            Err(PortError::denied(Permission::Policy))
        }
    }

    async fn others_who_rule(&self, than: UserId) -> Answer<bool> {
        let rows = user::list(&self.store).await.map_err(refusal)?;
        Ok(rows
            .iter()
            .any(|row| row.id != than && row.role == Role::Admin && !row.disabled))
    }

    /// Whether this is the account's password, for what a stolen session alone must not do. `field` is to blame when not.
    pub(super) async fn check_own_password(
        &self,
        field: &str,
        row: &UserRow,
        old: &SecretString,
    ) -> Answer<()> {
        // A stolen session must not become a place to guess.
        match self.count_guess(&row.name, "own password").await {
            Ok(()) => {}
            Err(LoginRefusal::Port(error)) => return Err(error),
            Err(_) => {
                return Err(PortError::Conflict(
                    "too many attempts; try again in five minutes".to_owned(),
                ));
            }
        }
        let right = self.passwords.verify(old, row.password_hash.clone()).await;
        if right.map_err(|error| internal(&error))? {
            let cleared = crate::store::login::clear(&self.store, &row.name, "own password").await;
            cleared.map_err(refusal)
        } else {
            Err(PortError::invalid(field, "is not your password"))
        }
    }

    /// Deletes an account; for whoever sits at the database.
    ///
    /// # Errors
    /// No such account, or the last administrator.
    pub async fn remove_user(&self, actor: &Actor, name: &str) -> Answer<()> {
        let id = self.user_named(name).await?;
        let row = user::get(&self.store, id).await.map_err(refusal)?;
        self.require_over(actor, &row.name, row.role).await?;
        if row.role == Role::Admin && !self.others_who_rule(id).await? {
            return Err(last_administrator(&row.name));
        }
        let mut tx = self.store.begin().await.map_err(refusal)?;
        user::delete(&mut tx, id).await.map_err(refusal)?;
        tx.record(act(actor, "delete user", row.name));
        tx.commit().await.map(|_| ()).map_err(refusal)
    }

    /// Makes an account; without a hash it has no login.
    async fn make_user(
        &self,
        actor: &Actor,
        name: &str,
        role: Role,
        hash: Option<&str>,
    ) -> Answer<UserId> {
        let mut tx = self.store.begin().await.map_err(refusal)?;
        let row = user::create(&mut tx, name, role, hash)
            .await
            .map_err(refusal)?;
        let detail = json!({ "role": role.word(), "automation": hash.is_none() });
        tx.record(act(actor, "create user", row.name.clone()).with(detail));
        tx.commit().await.map_err(refusal)?;
        Ok(row.id)
    }
}

#[async_trait]
impl Accounts for AccountService {
    async fn users(&self, actor: &Actor) -> Answer<Vec<UserView>> {
        require(actor, Permission::Account)?;
        let rows = user::list(&self.store).await.map_err(refusal)?;
        let identities = identity::list(&self.store).await.map_err(refusal)?;
        let mut providers: HashMap<UserId, String> = identities
            .into_iter()
            .map(|identity| (identity.user, identity.provider))
            .collect();
        let factors = factor::confirmed(&self.store).await.map_err(refusal)?;
        Ok(rows
            .iter()
            .map(|row| {
                let provider = providers.remove(&row.id);
                UserView {
                    factor: factors.contains_key(&row.id.to_string()),
                    automation: row.is_automation(provider.is_some()),
                    provider,
                    ..row.view()
                }
            })
            .collect())
    }

    async fn create_user(
        &self,
        actor: &Actor,
        name: &str,
        password: &str,
        role: Role,
    ) -> Answer<UserId> {
        require_on(actor, Permission::Account, name)?;
        check_name(name)?;
        self.require_over(actor, name, role).await?;
        let password = SecretString::from(password);
        password::check_new(name, &password)?;
        let hash = self
            .passwords
            .hash(&password)
            .await
            .map_err(|error| internal(&error))?;
        let id = self.make_user(actor, name, role, Some(&hash)).await?;
        self.setup_pending.store(false, Ordering::Relaxed);
        Ok(id)
    }

    async fn create_automation(&self, actor: &Actor, name: &str, role: Role) -> Answer<UserId> {
        require_on(actor, Permission::Account, name)?;
        check_name(name)?;
        self.require_over(actor, name, role).await?;
        if actor.rights.scope.is_some() {
            return Err(PortError::Conflict(
                "a token that is limited makes no accounts".to_owned(),
            ));
        }
        self.make_user(actor, name, role, None).await
    }

    async fn set_disabled(&self, actor: &Actor, user: UserId, disabled: bool) -> Answer<()> {
        require(actor, Permission::Account)?;
        let row = user::get(&self.store, user).await.map_err(refusal)?;
        self.require_over(actor, &row.name, row.role).await?;
        if disabled && row.role == Role::Admin && !self.others_who_rule(user).await? {
            return Err(last_administrator(&row.name));
        }
        let mut tx = self.store.begin().await.map_err(refusal)?;
        user::set_disabled(&mut tx, user, disabled)
            .await
            .map_err(refusal)?;
        tx.record(act(
            actor,
            if disabled {
                "disable user"
            } else {
                "enable user"
            },
            row.name,
        ));
        tx.commit().await.map(|_| ()).map_err(refusal)
    }

    async fn set_password(&self, actor: &Actor, user: UserId, old: &str, new: &str) -> Answer<()> {
        if actor.user != user {
            require(actor, Permission::Account)?;
        }
        let row = user::get(&self.store, user).await.map_err(refusal)?;
        if actor.user != user {
            self.require_over(actor, &row.name, row.role).await?;
        } else if actor.rights.scope.is_some() {
            return Err(PortError::Conflict(
                "a token that is limited changes no password; log in for that".to_owned(),
            ));
        }
        if identity::of_user(&self.store, user)
            .await
            .map_err(refusal)?
            .is_some()
        {
            return Err(PortError::Conflict(format!(
                "{} comes by single sign-on and has no password here",
                row.name
            )));
        }
        let new = SecretString::from(new);
        password::check_new(&row.name, &new)?;
        if actor.user == user {
            self.check_own_password("old", &row, &SecretString::from(old))
                .await?;
        }
        let hash = self
            .passwords
            .hash(&new)
            .await
            .map_err(|error| internal(&error))?;
        let mut tx = self.store.begin().await.map_err(refusal)?;
        user::set_password_hash(&mut tx, user, &hash)
            .await
            .map_err(refusal)?;
        tx.record(act(actor, "set password", row.name));
        tx.commit().await.map(|_| ()).map_err(refusal)
    }

    async fn tokens(&self, actor: &Actor) -> Answer<Vec<TokenView>> {
        let of = (!actor.may(Permission::Account)).then_some(actor.user);
        tokens::list(&self.store, of).await.map_err(refusal)
    }

    async fn create_token(&self, actor: &Actor, new: &NewToken) -> Answer<String> {
        self.make_token(actor, new).await
    }

    async fn revoke_token(&self, actor: &Actor, token: TokenId) -> Answer<()> {
        self.end_token(actor, token).await
    }

    async fn rotate_token(&self, actor: &Actor, token: TokenId, minutes: u32) -> Answer<String> {
        self.replace_token(actor, token, minutes).await
    }

    async fn own_account(&self, actor: &Actor) -> Answer<OwnAccount> {
        self.own(actor).await
    }

    async fn sessions(&self, actor: &Actor, user: UserId) -> Answer<Vec<SessionView>> {
        self.list_sessions(actor, user).await
    }

    async fn end_session(&self, actor: &Actor, user: UserId, session: SessionId) -> Answer<()> {
        match self
            .end_sessions_that(actor, user, |id| id == session)
            .await?
        {
            0 => Err(PortError::NotFound("the session".to_owned())),
            _ => Ok(()),
        }
    }

    async fn end_sessions(
        &self,
        actor: &Actor,
        user: UserId,
        keep: Option<SessionId>,
    ) -> Answer<u32> {
        self.end_sessions_that(actor, user, |id| keep != Some(id))
            .await
    }

    async fn begin_factor(&self, actor: &Actor, password: &str) -> Answer<Enrolment> {
        self.enrol(actor, password).await
    }

    async fn confirm_factor(&self, actor: &Actor, code: &str) -> Answer<Vec<String>> {
        self.confirm(actor, code).await
    }

    async fn remove_factor(&self, actor: &Actor, user: UserId, password: &str) -> Answer<()> {
        if actor.user != user {
            require(actor, Permission::Account)?;
        }
        self.drop_factor(actor, user, password).await
    }
}
