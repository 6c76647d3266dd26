//! Ways in, sessions and the second factor.

use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::id::{SessionId, UserId};
use lockstep_types::login::{Doors, Enrolment, OwnAccount, SessionView};
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// The sessions of somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    pub list: Vec<SessionView>,
    /// The one that asks, when it is among them.
    pub this: Option<SessionId>,
}

/// What the login page offers. Needs no login.
#[server(prefix = "/sfn", endpoint = "doors", input = Json)]
pub async fn read_doors() -> Result<Doors, ApiError> {
    Ok(use_context::<Doors>().unwrap_or_default())
}

/// One's own account.
#[server(prefix = "/sfn", endpoint = "own_account", input = Json)]
pub async fn read_own_account() -> Result<OwnAccount, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.accounts.own_account(&desk.actor).await)
}

/// One's own sessions, or those of `user`.
#[server(prefix = "/sfn", endpoint = "sessions", input = Json)]
pub async fn read_sessions(#[server(default)] user: Option<UserId>) -> Result<Sessions, ApiError> {
    let desk = crate::context::desk()?;
    let this = use_context::<crate::context::ThisSession>().map(|this| this.0);
    let user = user.unwrap_or(desk.actor.user);
    let list = desk.answer(desk.plane.accounts.sessions(&desk.actor, user).await)?;
    Ok(Sessions { list, this })
}

/// Ends a session of `user`.
#[server(prefix = "/sfn", endpoint = "end_session")]
pub async fn end_session(user: UserId, session: SessionId) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    let ended = desk
        .plane
        .accounts
        .end_session(&desk.actor, user, session)
        .await;
    desk.answer(ended)
}

/// Ends all sessions of `user` but the one that asks.
#[server(prefix = "/sfn", endpoint = "end_sessions")]
pub async fn end_sessions(user: UserId) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    let this = use_context::<crate::context::ThisSession>().map(|this| this.0);
    let ended = desk
        .plane
        .accounts
        .end_sessions(&desk.actor, user, this)
        .await;
    desk.answer(ended).map(|_| ())
}

/// A secret for a second factor; the answer is the only time it can be seen.
#[server(prefix = "/sfn", endpoint = "begin_factor")]
pub async fn begin_factor(password: String) -> Result<Enrolment, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .accounts
            .begin_factor(&desk.actor, &password)
            .await,
    )
}

/// The second factor counts from now on; the recovery codes are shown this once.
#[server(prefix = "/sfn", endpoint = "confirm_factor")]
pub async fn confirm_factor(code: String) -> Result<Vec<String>, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.accounts.confirm_factor(&desk.actor, &code).await)
}

/// Takes the second factor of `user` away; one's own with the password.
#[server(prefix = "/sfn", endpoint = "remove_factor")]
pub async fn remove_factor(
    user: UserId,
    #[server(default)] password: String,
) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    let removed = desk
        .plane
        .accounts
        .remove_factor(&desk.actor, user, &password)
        .await;
    desk.answer(removed)
}
