//! People, tokens, and the login of the command line.

use super::{Reply, document::Done, done};
use crate::http::Web;
use crate::http::extract::{At, Body, Caller};
use crate::http::login::{Asking, refused};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use client::wire::{
    Created, DisabledBody, LoggedIn, LoginBody, NewToken, PasswordBody, TokenBody, UserBody,
    VersionAnswer,
};
use lockstep_types::account::{self, Actor, TokenView, UserView};
use lockstep_types::id::{TokenId, UserId};
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
    let actor = web
        .accounts
        .log_in(&body.name, &password, asking.address)
        .await
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
                scope: None,
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
