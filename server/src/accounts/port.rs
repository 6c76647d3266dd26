//! The [`Accounts`] port.

use super::login::LONGEST_NAME;
use super::{AccountService, LoginRefusal, internal, password, refusal, token};
use crate::store::audit::Act;
use crate::store::token as tokens;
use crate::store::user::{self, UserRow};
use async_trait::async_trait;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, NewToken, Permission, Role, TokenView, UserView};
use lockstep_types::id::{TokenId, UserId};
use lockstep_types::policy::{self, TokenScope};
use lockstep_types::ports::{Accounts, Answer};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::sync::atomic::Ordering;

/// Tokens of one person that are in force.
const TOKENS: usize = 100;
const LONGEST_LABEL: usize = 100;
/// Projects that one token names.
const PROJECTS: usize = 50;
/// Ten years.
const LONGEST_DAYS: u32 = 3650;

fn require(actor: &Actor, permission: Permission) -> Answer<()> {
    require_on(actor, permission, policy::ANYTHING)
}

/// A person's token may be limited to a role and to projects.
fn check_scope(scope: &TokenScope) -> Answer<()> {
    if scope.projects.len() > PROJECTS {
        return Err(PortError::invalid(
            "projects",
            format!("name at most {PROJECTS}"),
        ));
    }
    for project in &scope.projects {
        if project.is_empty() || project.contains('/') || policy::Glob::new(project).is_err() {
            return Err(PortError::invalid(
                "projects",
                format!("“{project}” is no name or pattern of a project"),
            ));
        }
    }
    Ok(())
}

/// Whoever may administer accounts by a policy does not thereby get at those of administrators.
fn require_over(actor: &Actor, row: &UserRow) -> Answer<()> {
    require_on(actor, Permission::Account, &row.name)?;
    if row.role == Role::Admin {
        require(actor, Permission::Policy)?;
    }
    Ok(())
}

fn require_on(actor: &Actor, permission: Permission, object: &str) -> Answer<()> {
    if actor.may_on(permission, object) {
        Ok(())
    } else {
        Err(PortError::denied(permission))
    }
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

/// An act of a person with an account, or of whoever sits at the database.
fn act(actor: &Actor, action: &str, subject: impl Into<String>) -> Act {
    if actor.user.0.is_nil() {
        Act::unattended(actor.name.clone(), action, subject)
    } else {
        Act::by(actor, action, subject)
    }
}

impl AccountService {
    async fn others_who_rule(&self, than: UserId) -> Answer<bool> {
        let rows = user::list(&self.store).await.map_err(refusal)?;
        Ok(rows
            .iter()
            .any(|row| row.id != than && row.role == Role::Admin && !row.disabled))
    }

    async fn check_old(&self, row: &UserRow, old: &SecretString) -> Answer<()> {
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
            Err(PortError::invalid("old", "is not your password"))
        }
    }
}

#[async_trait]
impl Accounts for AccountService {
    async fn users(&self, actor: &Actor) -> Answer<Vec<UserView>> {
        require(actor, Permission::Account)?;
        let rows = user::list(&self.store).await.map_err(refusal)?;
        Ok(rows.iter().map(UserRow::view).collect())
    }

    async fn create_user(
        &self,
        actor: &Actor,
        name: &str,
        password: &str,
        role: Role,
    ) -> Answer<UserId> {
        require_on(actor, Permission::Account, name)?;
        if role == Role::Admin {
            require(actor, Permission::Policy)?;
        }
        check_name(name)?;
        let password = SecretString::from(password);
        password::check_new(name, &password)?;
        let hash = self
            .passwords
            .hash(&password)
            .await
            .map_err(|error| internal(&error))?;
        let mut tx = self.store.begin().await.map_err(refusal)?;
        let row = user::create(&mut tx, name, role, Some(&hash))
            .await
            .map_err(refusal)?;
        tx.record(act(actor, "create user", row.name.clone()).with(json!({ "role": role.word() })));
        tx.commit().await.map_err(refusal)?;
        self.setup_pending.store(false, Ordering::Relaxed);
        Ok(row.id)
    }

    async fn set_disabled(&self, actor: &Actor, user: UserId, disabled: bool) -> Answer<()> {
        require(actor, Permission::Account)?;
        let row = user::get(&self.store, user).await.map_err(refusal)?;
        require_over(actor, &row)?;
        if disabled && row.role == Role::Admin && !self.others_who_rule(user).await? {
            return Err(PortError::Conflict(format!(
                "{} is the last administrator; make another one first",
                row.name
            )));
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
            require_over(actor, &row)?;
        } else if actor.rights.scope.is_some() {
            return Err(PortError::Conflict(
                "a token that is limited changes no password; log in for that".to_owned(),
            ));
        }
        let new = SecretString::from(new);
        password::check_new(&row.name, &new)?;
        if actor.user == user {
            self.check_old(&row, &SecretString::from(old)).await?;
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
        if actor.rights.scope.is_some() {
            return Err(PortError::Conflict(
                "a token that is limited makes no others; log in, or use one that is not"
                    .to_owned(),
            ));
        }
        let (label, days) = (new.label.trim(), new.days);
        if let Some(scope) = &new.scope {
            check_scope(scope)?;
        }
        if label.is_empty()
            || label.chars().count() > LONGEST_LABEL
            || label.chars().any(char::is_control)
        {
            return Err(PortError::invalid(
                "label",
                "must be 1 to 100 characters on one line",
            ));
        }
        if days.is_some_and(|days| days == 0 || days > LONGEST_DAYS) {
            return Err(PortError::invalid(
                "days",
                "must be 1 to 3650, or left out for a token that does not expire",
            ));
        }
        let now = super::now();
        let present = tokens::list(&self.store, Some(actor.user))
            .await
            .map_err(refusal)?;
        let in_force =
            |token: &&TokenView| !token.revoked && token.expires_at.is_none_or(|at| at > now);
        if present.iter().filter(in_force).count() >= TOKENS {
            return Err(PortError::Conflict(
                "you have 100 tokens; revoke one first".to_owned(),
            ));
        }
        let secret = token::generate().map_err(|error| internal(&error))?;
        let expires_at = days.map(|days| now.plus_seconds(i64::from(days) * 24 * 3600));
        let mut tx = self.store.begin().await.map_err(refusal)?;
        let digest = token::digest(&secret);
        tokens::create(
            &mut tx,
            actor.user,
            label,
            &digest,
            expires_at,
            new.scope.as_ref(),
        )
        .await
        .map_err(refusal)?;
        let detail = json!({ "days": days, "scope": new.scope });
        tx.record(act(actor, "create token", label).with(detail));
        tx.commit().await.map_err(refusal)?;
        Ok(secret.expose_secret().to_owned())
    }

    async fn revoke_token(&self, actor: &Actor, token: TokenId) -> Answer<()> {
        let unknown = || PortError::NotFound("the token".to_owned());
        let owner = match tokens::owner(&self.store, token).await.map_err(refusal) {
            Err(PortError::NotFound(_)) => return Err(unknown()),
            other => other?,
        };
        // Somebody else's token looks like none at all.
        if owner != actor.user && !actor.may(Permission::Account) {
            return Err(unknown());
        }
        let mut tx = self.store.begin().await.map_err(refusal)?;
        if tokens::revoke(&mut tx, token).await.map_err(refusal)? {
            tx.record(act(actor, "revoke token", token.to_string()));
        }
        tx.commit().await.map(|_| ()).map_err(refusal)
    }
}
