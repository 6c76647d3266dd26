//! API tokens: making, replacing and ending them. What they look like is in [`super::token`].

use super::{AccountService, act, internal, now, refusal, token};
use crate::store::token as rows;
use crate::store::{identity, user};
use lockstep_types::account::{Actor, NewToken, Permission, TokenView};
use lockstep_types::id::{TokenId, UserId};
use lockstep_types::policy::{self, TokenScope};
use lockstep_types::ports::Answer;
use lockstep_types::{Micros, PortError};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

/// Tokens of one person that are in force.
const TOKENS: usize = 100;
const LONGEST_LABEL: usize = 100;
/// Projects that one token names.
const PROJECTS: usize = 50;
/// Ten years.
const LONGEST_DAYS: u32 = 3650;
/// A replaced token works at most a week more.
const LONGEST_MINUTES: u32 = 7 * 24 * 60;

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

fn check_label(label: &str) -> Answer<()> {
    if label.is_empty()
        || label.chars().count() > LONGEST_LABEL
        || label.chars().any(char::is_control)
    {
        return Err(PortError::invalid(
            "label",
            "must be 1 to 100 characters on one line",
        ));
    }
    Ok(())
}

fn unknown() -> PortError {
    PortError::NotFound("the token".to_owned())
}

impl AccountService {
    pub(super) async fn make_token(&self, actor: &Actor, new: &NewToken) -> Answer<String> {
        if actor.rights.scope.is_some() {
            return Err(PortError::Conflict(
                "a token that is limited makes no others; log in, or use one that is not"
                    .to_owned(),
            ));
        }
        let owner = new.of.unwrap_or(actor.user);
        if owner != actor.user {
            self.check_automation(actor, owner).await?;
        }
        let (label, days) = (new.label.trim(), new.days);
        if let Some(scope) = &new.scope {
            check_scope(scope)?;
        }
        check_label(label)?;
        if days.is_some_and(|days| days == 0 || days > LONGEST_DAYS) {
            return Err(PortError::invalid(
                "days",
                "must be 1 to 3650, or left out for a token that does not expire",
            ));
        }
        let now = now();
        let present = rows::list(&self.store, Some(owner))
            .await
            .map_err(refusal)?;
        let in_force =
            |token: &&TokenView| !token.revoked && token.expires_at.is_none_or(|at| at > now);
        if present.iter().filter(in_force).count() >= TOKENS {
            return Err(PortError::Conflict(
                "there are 100 tokens; revoke one first".to_owned(),
            ));
        }
        let secret = token::generate().map_err(|error| internal(&error))?;
        let mut tx = self.store.begin().await.map_err(refusal)?;
        let expires_at = days.map(|days| tx.now().plus_seconds(i64::from(days) * 24 * 3600));
        let digest = token::digest(&secret);
        rows::create(
            &mut tx,
            owner,
            label,
            &digest,
            expires_at,
            new.scope.as_ref(),
        )
        .await
        .map_err(refusal)?;
        let of = (owner != actor.user).then(|| owner.to_string());
        let detail = json!({ "days": days, "scope": new.scope, "of": of });
        tx.record(act(actor, "create token", label).with(detail));
        tx.commit().await.map_err(refusal)?;
        Ok(secret.expose_secret().to_owned())
    }

    /// Tokens for somebody else are for automation accounts alone, and for those who may administer them.
    async fn check_automation(&self, actor: &Actor, owner: UserId) -> Answer<()> {
        if !actor.may(Permission::Account) {
            return Err(PortError::denied(Permission::Account));
        }
        let row = user::get(&self.store, owner).await.map_err(refusal)?;
        self.require_over(actor, &row.name, row.role).await?;
        let person = row.password_hash.is_some()
            || identity::of_user(&self.store, owner)
                .await
                .map_err(refusal)?
                .is_some();
        if person {
            return Err(PortError::Conflict(format!(
                "{} is a person, and makes tokens without help; only automation accounts get them from others",
                row.name
            )));
        }
        Ok(())
    }

    pub(super) async fn replace_token(
        &self,
        actor: &Actor,
        id: TokenId,
        minutes: u32,
    ) -> Answer<String> {
        if minutes > LONGEST_MINUTES {
            return Err(PortError::invalid(
                "minutes",
                "must be 0 to 10080, which is a week",
            ));
        }
        let now = now();
        let owner = match rows::owner(&self.store, id).await.map_err(refusal) {
            Err(PortError::NotFound(_)) => return Err(unknown()),
            other => other?,
        };
        if owner == actor.user {
            // A token that is limited replaces itself alone: its successor may no more than it.
            if actor.rights.scope.is_some() && actor.token != Some(id) {
                return Err(PortError::Conflict(
                    "a token that is limited replaces only itself".to_owned(),
                ));
            }
        } else if actor.may(Permission::Account) && actor.rights.scope.is_none() {
            self.check_automation(actor, owner).await?;
        } else {
            // Somebody else's token looks like none at all.
            return Err(unknown());
        }
        let Some(old) = rows::replaceable(&self.store, id, now)
            .await
            .map_err(refusal)?
        else {
            return Err(PortError::Conflict(
                "this token is revoked, expired or replaced already; make a new one".to_owned(),
            ));
        };
        let secret = token::generate().map_err(|error| internal(&error))?;
        let mut tx = self.store.begin().await.map_err(refusal)?;
        // As long as the old one was made for.
        let expires_at = old
            .expires_at
            .map(|at| Micros(tx.now().0 + (at.0 - old.created_at.0)));
        let until = tx.now().plus_seconds(i64::from(minutes) * 60);
        if !rows::replace(&mut tx, id, until).await.map_err(refusal)? {
            return Err(PortError::Conflict(
                "this token was just replaced or revoked".to_owned(),
            ));
        }
        let digest = token::digest(&secret);
        let new = rows::create(
            &mut tx,
            owner,
            &old.label,
            &digest,
            expires_at,
            old.scope.as_ref(),
        )
        .await
        .map_err(refusal)?;
        let detail = json!({ "new": new.to_string(), "minutes": minutes });
        tx.record(act(actor, "rotate token", old.label).with(detail));
        tx.commit().await.map_err(refusal)?;
        Ok(SecretString::expose_secret(&secret).to_owned())
    }

    pub(super) async fn end_token(&self, actor: &Actor, id: TokenId) -> Answer<()> {
        let owner = match rows::owner(&self.store, id).await.map_err(refusal) {
            Err(PortError::NotFound(_)) => return Err(unknown()),
            other => other?,
        };
        // Somebody else's token looks like none at all.
        if owner != actor.user && !actor.may(Permission::Account) {
            return Err(unknown());
        }
        let mut tx = self.store.begin().await.map_err(refusal)?;
        if rows::revoke(&mut tx, id).await.map_err(refusal)? {
            tx.record(act(actor, "revoke token", id.to_string()));
        }
        tx.commit().await.map(|_| ()).map_err(refusal)
    }
}
