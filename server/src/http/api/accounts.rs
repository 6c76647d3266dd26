//! People, tokens, and the login of the command line.

use super::{Reply, done};
use crate::accounts::LoginRefusal;
use crate::http::Web;
use crate::http::extract::{At, Body, Caller};
use crate::http::login::{Asking, refused};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use client::wire::{
    AutomationBody, Created, DisabledBody, Ended, LoggedIn, LoginBody, NewToken, PasswordBody,
    RotateBody, TokenBody, UserBody, VersionAnswer,
};
use lockstep_types::account::{self, Actor, TokenView, UserView};
use lockstep_types::id::{SessionId, TokenId, UserId};
use lockstep_types::login::{OwnAccount, SessionView};
use secrecy::SecretString;
use serde_json::Value;

/// A name and a password for a token.
pub(super) async fn log_in(
    State(web): State<Web>,
    asking: Asking,
    Body(body): Body<LoginBody>,
) -> Result<Json<LoggedIn>, Response> {
    let password = SecretString::from(body.password);
    let half = web
        .accounts
        .log_in(&body.name, &password, asking.address)
        .await;
    let actor = match (half, body.code) {
        (Err(LoginRefusal::CodeNeeded { user }), Some(code)) => {
            let code = SecretString::from(code);
            web.accounts
                .log_in_with_code(user, &code, asking.address)
                .await
        }
        (half, _) => half,
    }
    .map_err(refused)?;
    let label = if body.label.is_empty() {
        "command line"
    } else {
        &body.label
    };
    let token = web
        .plane
        .accounts
        .create_token(
            &actor,
            &account::NewToken {
                label: label.to_owned(),
                days: body.days,
                ..account::NewToken::default()
            },
        )
        .await;
    let token = token.map_err(|error| crate::http::problem::Refusal(error).into_response())?;
    Ok(Json(LoggedIn {
        token,
        name: actor.name,
        role: actor.role,
    }))
}

pub(super) async fn me(Caller(actor): Caller) -> Json<Actor> {
    Json(actor)
}

pub(super) async fn version(Caller(_): Caller) -> Json<VersionAnswer> {
    Json(VersionAnswer {
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

pub(super) async fn users(State(web): State<Web>, Caller(actor): Caller) -> Reply<Vec<UserView>> {
    Ok(Json(web.plane.accounts.users(&actor).await?))
}

pub(super) async fn create_user(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(body): Body<UserBody>,
) -> Reply<Created<UserId>> {
    let accounts = &web.plane.accounts;
    let id = accounts
        .create_user(&actor, &body.name, &body.password, body.role)
        .await?;
    Ok(Json(Created { id }))
}

pub(super) async fn set_disabled(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<UserId>,
    Body(body): Body<DisabledBody>,
) -> Reply<Value> {
    web.plane
        .accounts
        .set_disabled(&actor, id, body.disabled)
        .await?;
    Ok(done())
}

pub(super) async fn set_password(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<UserId>,
    Body(body): Body<PasswordBody>,
) -> Reply<Value> {
    web.plane
        .accounts
        .set_password(&actor, id, &body.old, &body.new)
        .await?;
    Ok(done())
}

pub(super) async fn tokens(State(web): State<Web>, Caller(actor): Caller) -> Reply<Vec<TokenView>> {
    Ok(Json(web.plane.accounts.tokens(&actor).await?))
}

pub(super) async fn create_token(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(body): Body<TokenBody>,
) -> Reply<NewToken> {
    let token = web
        .plane
        .accounts
        .create_token(
            &actor,
            &account::NewToken {
                label: body.label,
                days: body.days,
                scope: body.scope,
                of: body.of,
            },
        )
        .await?;
    Ok(Json(NewToken { token }))
}

pub(super) async fn revoke_token(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<TokenId>,
) -> Reply<Value> {
    web.plane.accounts.revoke_token(&actor, id).await?;
    Ok(done())
}

pub(super) async fn rotate_token(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<TokenId>,
    Body(body): Body<RotateBody>,
) -> Reply<NewToken> {
    let accounts = &web.plane.accounts;
    let token = accounts.rotate_token(&actor, id, body.minutes).await?;
    Ok(Json(NewToken { token }))
}

pub(super) async fn create_automation(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(body): Body<AutomationBody>,
) -> Reply<Created<UserId>> {
    let accounts = &web.plane.accounts;
    let id = accounts
        .create_automation(&actor, &body.name, body.role)
        .await?;
    Ok(Json(Created { id }))
}

pub(super) async fn own_account(
    State(web): State<Web>,
    Caller(actor): Caller,
) -> Reply<OwnAccount> {
    Ok(Json(web.plane.accounts.own_account(&actor).await?))
}

pub(super) async fn sessions(
    State(web): State<Web>,
    Caller(actor): Caller,
) -> Reply<Vec<SessionView>> {
    let sessions = web.plane.accounts.sessions(&actor, actor.user).await?;
    Ok(Json(sessions))
}

pub(super) async fn end_session(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<SessionId>,
) -> Reply<Value> {
    let accounts = &web.plane.accounts;
    accounts.end_session(&actor, actor.user, id).await?;
    Ok(done())
}

pub(super) async fn end_sessions(State(web): State<Web>, Caller(actor): Caller) -> Reply<Ended> {
    let accounts = &web.plane.accounts;
    let ended = accounts.end_sessions(&actor, actor.user, None).await?;
    Ok(Json(Ended { ended }))
}

pub(super) async fn sessions_of(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<UserId>,
) -> Reply<Vec<SessionView>> {
    Ok(Json(web.plane.accounts.sessions(&actor, id).await?))
}

pub(super) async fn end_sessions_of(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<UserId>,
) -> Reply<Ended> {
    let accounts = &web.plane.accounts;
    let ended = accounts.end_sessions(&actor, id, None).await?;
    Ok(Json(Ended { ended }))
}

pub(super) async fn remove_factor(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<UserId>,
) -> Reply<Value> {
    web.plane.accounts.remove_factor(&actor, id, "").await?;
    Ok(done())
}
