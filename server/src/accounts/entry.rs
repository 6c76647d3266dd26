//! A way back in for an administrator who is locked out: a link for one use, made by whoever sits at the database.

use super::{AccountService, internal, refusal, token};
use crate::store::audit::Act;
use crate::store::{entry, identity, user};
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::ports::Answer;
use secrecy::SecretString;
use std::net::IpAddr;

/// How long a link lasts.
pub const LINK_MINUTES: i64 = 15;

impl AccountService {
    /// The token of a link that lets a local account in once. Earlier ones become worthless.
    ///
    /// # Errors
    /// No such account, it is disabled, or it comes by single sign-on.
    pub async fn make_link(&self, actor: &Actor, name: &str) -> Answer<SecretString> {
        let id = self.user_named(name).await?;
        let row = user::get(&self.store, id).await.map_err(refusal)?;
        if row.disabled {
            let why = format!("{} is disabled; enable the account first", row.name);
            return Err(PortError::Conflict(why));
        }
        if identity::of_user(&self.store, id)
            .await
            .map_err(refusal)?
            .is_some()
        {
            let why = format!(
                "{} comes by single sign-on; links are for local accounts",
                row.name
            );
            return Err(PortError::Conflict(why));
        }
        let token = token::generate().map_err(|error| internal(&error))?;
        let mut tx = self.store.begin().await.map_err(refusal)?;
        let expires_at = tx.now().plus_seconds(LINK_MINUTES * 60);
        entry::put(&mut tx, id, &token::digest(&token), expires_at)
            .await
            .map_err(refusal)?;
        tx.record(super::act(actor, "make login link", row.name));
        tx.commit().await.map_err(refusal)?;
        Ok(token)
    }

    /// Whom the link lets in; it is used up.
    ///
    /// # Errors
    /// [`PortError::NotFound`]: unknown, used or expired.
    pub async fn enter_by_link(&self, token: &SecretString, address: IpAddr) -> Answer<Actor> {
        let unknown = || PortError::NotFound("this login link".to_owned());
        if !token::is_well_formed(secrecy::ExposeSecret::expose_secret(token)) {
            return Err(unknown());
        }
        let mut tx = self.store.begin().await.map_err(refusal)?;
        let Some(id) = entry::take(&mut tx, &token::digest(token))
            .await
            .map_err(refusal)?
        else {
            return Err(unknown());
        };
        let row = user::get(&tx, id).await.map_err(refusal)?;
        if row.disabled {
            return Err(unknown());
        }
        let actor = self.actor(&row, &[], row.role, None).await?;
        let from = super::login::neighbourhood(address);
        tx.record(Act::by(&actor, "log in", format!("by link from {from}")));
        tx.commit().await.map_err(refusal)?;
        Ok(actor)
    }
}
