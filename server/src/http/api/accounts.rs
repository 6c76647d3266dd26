//! People, tokens, and the login of the command line.

use super::{Reply, document::Done, done};
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

/// A name and a password for a token, which is shown once.
#[utoipa::path(
    post,
    path = "/login",
    operation_id = "accounts_log_in",
    tag = "accounts",
    request_body = LoginBody,
    responses((status = 200, description = "What was asked for.", body = LoggedIn)),
    security(()),
)]
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

/// Who asks, and what they may.
#[utoipa::path(
    get,
    path = "/me",
    operation_id = "accounts_me",
    tag = "accounts",
    responses((status = 200, description = "What was asked for.", body = Actor)),
)]
pub(super) async fn me(Caller(actor): Caller) -> Json<Actor> {
    Json(actor)
}

/// The version of the server.
#[utoipa::path(
    get,
    path = "/version",
    operation_id = "accounts_version",
    tag = "accounts",
    responses((status = 200, description = "What was asked for.", body = VersionAnswer)),
)]
pub(super) async fn version(Caller(_): Caller) -> Json<VersionAnswer> {
    Json(VersionAnswer {
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// All accounts.
#[utoipa::path(
    get,
    path = "/users",
    operation_id = "accounts_users",
    tag = "accounts",
    responses((status = 200, description = "What was asked for.", body = Vec<UserView>)),
)]
pub(super) async fn users(State(web): State<Web>, Caller(actor): Caller) -> Reply<Vec<UserView>> {
    Ok(Json(web.plane.accounts.users(&actor).await?))
}

/// A new account.
#[utoipa::path(
    post,
    path = "/users",
    operation_id = "accounts_create_user",
    tag = "accounts",
    request_body = UserBody,
    responses((status = 200, description = "What was asked for.", body = Created<UserId>)),
)]
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

/// Shuts an account or opens it again. Its sessions and tokens end.
#[utoipa::path(
    post,
    path = "/users/{id}/disabled",
    operation_id = "accounts_set_disabled",
    tag = "accounts",
    params(("id" = UserId, Path)),
    request_body = DisabledBody,
    responses((status = 200, description = "Done.", body = Done)),
)]
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

/// A new password. One's own needs the old one.
#[utoipa::path(
    post,
    path = "/users/{id}/password",
    operation_id = "accounts_set_password",
    tag = "accounts",
    params(("id" = UserId, Path)),
    request_body = PasswordBody,
    responses((status = 200, description = "Done.", body = Done)),
)]
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

/// One's own tokens.
#[utoipa::path(
    get,
    path = "/tokens",
    operation_id = "accounts_tokens",
    tag = "accounts",
    responses((status = 200, description = "What was asked for.", body = Vec<TokenView>)),
)]
pub(super) async fn tokens(State(web): State<Web>, Caller(actor): Caller) -> Reply<Vec<TokenView>> {
    Ok(Json(web.plane.accounts.tokens(&actor).await?))
}

/// A new token, which is shown once.
#[utoipa::path(
    post,
    path = "/tokens",
    operation_id = "accounts_create_token",
    tag = "accounts",
    request_body = TokenBody,
    responses((status = 200, description = "What was asked for.", body = NewToken)),
)]
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

/// Ends a token.
#[utoipa::path(
    delete,
    path = "/tokens/{id}",
    operation_id = "accounts_revoke_token",
    tag = "accounts",
    params(("id" = TokenId, Path)),
    responses((status = 200, description = "Done.", body = Done)),
)]
pub(super) async fn revoke_token(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<TokenId>,
) -> Reply<Value> {
    web.plane.accounts.revoke_token(&actor, id).await?;
    Ok(done())
}

/// A new secret for a token; the one before works for so many minutes more.
#[utoipa::path(
    post,
    path = "/tokens/{id}/rotate",
    operation_id = "accounts_rotate_token",
    tag = "accounts",
    params(("id" = TokenId, Path)),
    request_body = RotateBody,
    responses((status = 200, description = "What was asked for.", body = NewToken)),
)]
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

/// An account for programs: it has tokens and no login.
#[utoipa::path(
    post,
    path = "/automation",
    operation_id = "accounts_create_automation",
    tag = "accounts",
    request_body = AutomationBody,
    responses((status = 200, description = "What was asked for.", body = Created<UserId>)),
)]
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

/// Who one is, and how one gets in.
#[utoipa::path(
    get,
    path = "/account",
    operation_id = "accounts_own_account",
    tag = "accounts",
    responses((status = 200, description = "What was asked for.", body = OwnAccount)),
)]
pub(super) async fn own_account(
    State(web): State<Web>,
    Caller(actor): Caller,
) -> Reply<OwnAccount> {
    Ok(Json(web.plane.accounts.own_account(&actor).await?))
}

/// One's own sessions.
#[utoipa::path(
    get,
    path = "/sessions",
    operation_id = "accounts_sessions",
    tag = "accounts",
    responses((status = 200, description = "What was asked for.", body = Vec<SessionView>)),
)]
pub(super) async fn sessions(
    State(web): State<Web>,
    Caller(actor): Caller,
) -> Reply<Vec<SessionView>> {
    let sessions = web.plane.accounts.sessions(&actor, actor.user).await?;
    Ok(Json(sessions))
}

/// Ends one of one's own sessions.
#[utoipa::path(
    delete,
    path = "/sessions/{id}",
    operation_id = "accounts_end_session",
    tag = "accounts",
    params(("id" = SessionId, Path)),
    responses((status = 200, description = "Done.", body = Done)),
)]
pub(super) async fn end_session(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<SessionId>,
) -> Reply<Value> {
    let accounts = &web.plane.accounts;
    accounts.end_session(&actor, actor.user, id).await?;
    Ok(done())
}

/// Ends all of one's own sessions.
#[utoipa::path(
    delete,
    path = "/sessions",
    operation_id = "accounts_end_sessions",
    tag = "accounts",
    responses((status = 200, description = "What was asked for.", body = Ended)),
)]
pub(super) async fn end_sessions(State(web): State<Web>, Caller(actor): Caller) -> Reply<Ended> {
    let accounts = &web.plane.accounts;
    let ended = accounts.end_sessions(&actor, actor.user, None).await?;
    Ok(Json(Ended { ended }))
}

/// The sessions of somebody.
#[utoipa::path(
    get,
    path = "/users/{id}/sessions",
    operation_id = "accounts_sessions_of",
    tag = "accounts",
    params(("id" = UserId, Path)),
    responses((status = 200, description = "What was asked for.", body = Vec<SessionView>)),
)]
pub(super) async fn sessions_of(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<UserId>,
) -> Reply<Vec<SessionView>> {
    Ok(Json(web.plane.accounts.sessions(&actor, id).await?))
}

/// Ends all sessions of somebody.
#[utoipa::path(
    delete,
    path = "/users/{id}/sessions",
    operation_id = "accounts_end_sessions_of",
    tag = "accounts",
    params(("id" = UserId, Path)),
    responses((status = 200, description = "What was asked for.", body = Ended)),
)]
pub(super) async fn end_sessions_of(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<UserId>,
) -> Reply<Ended> {
    let accounts = &web.plane.accounts;
    let ended = accounts.end_sessions(&actor, id, None).await?;
    Ok(Json(Ended { ended }))
}

/// Takes the second factor of somebody away, who has lost it.
#[utoipa::path(
    delete,
    path = "/users/{id}/factor",
    operation_id = "accounts_remove_factor",
    tag = "accounts",
    params(("id" = UserId, Path)),
    responses((status = 200, description = "Done.", body = Done)),
)]
pub(super) async fn remove_factor(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<UserId>,
) -> Reply<Value> {
    web.plane.accounts.remove_factor(&actor, id, "").await?;
    Ok(done())
}
