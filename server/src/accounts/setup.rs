//! The first administrator: made by whoever holds the link that the server prints when nobody has an account. There is
//! no default password.

use super::port::check_name;
use super::{AccountService, internal, now, password, refusal, token};
use crate::store::audit::Act;
use crate::store::token as rows;
use crate::store::user;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Role};
use secrecy::SecretString;
use std::sync::atomic::Ordering;

/// How long a link lasts.
const LINK_SECONDS: i64 = 24 * 3600;

impl AccountService {
    /// A new one-time token when nobody has an account; earlier ones become worthless.
    ///
    /// # Errors
    /// The database does not answer, or there are no random bytes.
    pub async fn begin_setup(&self) -> Result<Option<SecretString>, PortError> {
        if user::count(&self.store).await.map_err(refusal)? > 0 {
            self.setup_pending.store(false, Ordering::Relaxed);
            return Ok(None);
        }
        let token = token::generate().map_err(|error| internal(&error))?;
        let mut tx = self.store.begin().await.map_err(refusal)?;
        rows::void_setups(&mut tx).await.map_err(refusal)?;
        tx.commit().await.map_err(refusal)?;
        let expires_at = now().plus_seconds(LINK_SECONDS);
        rows::put_setup(&self.store, &token::digest(&token), now(), expires_at)
            .await
            .map_err(refusal)?;
        Ok(Some(token))
    }

    /// Makes the administrator and uses the token up, both or neither.
    ///
    /// # Errors
    /// [`PortError::Invalid`] for name or password, [`PortError::NotFound`] for the token, [`PortError::Conflict`] when
    /// somebody has an account already.
    pub async fn set_up(
        &self,
        token: &SecretString,
        name: &str,
        password: &SecretString,
    ) -> Result<Actor, PortError> {
        let done = || PortError::Conflict("setup is done; log in".to_owned());
        if user::count(&self.store).await.map_err(refusal)? > 0 {
            return Err(done());
        }
        check_name(name)?;
        password::check_new(name, password)?;
        let hash = self
            .passwords
            .hash(password)
            .await
            .map_err(|error| internal(&error))?;
        let mut tx = self.store.begin().await.map_err(refusal)?;
        if !rows::use_setup(&mut tx, &token::digest(token))
            .await
            .map_err(refusal)?
        {
            return Err(PortError::NotFound("this setup link".to_owned()));
        }
        if user::count(&tx).await.map_err(refusal)? > 0 {
            return Err(done());
        }
        let row = user::create(&mut tx, name, Role::Admin, Some(&hash))
            .await
            .map_err(refusal)?;
        let actor = self.actor(&row, &[], row.role, None).await?;
        tx.record(Act::by(
            &actor,
            "set up",
            format!("first administrator {}", actor.name),
        ));
        tx.commit().await.map_err(refusal)?;
        self.setup_pending.store(false, Ordering::Relaxed);
        Ok(actor)
    }
}
