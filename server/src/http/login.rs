//! Logging in and out, and the first administrator: plain forms, so that they work before any script.
//!
//! `POST /login` takes `name`, `password`, `next`; `POST /setup` takes `token`, `name`, `password`; `POST /logout`
//! takes nothing. What went wrong comes back to the page as a word in the address (`?error=…`), never as text that
//! somebody else could have put there.

use super::Web;
use super::gate;
use super::problem::{Refusal, problem};
use super::session::SignedIn;
use crate::accounts::LoginRefusal;
use axum::extract::{Form, FromRequestParts, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use secrecy::SecretString;
use serde::Deserialize;
use std::net::IpAddr;
use tower_sessions::Session;

/// Where a login comes from, for the throttle.
pub struct Asking {
    pub address: IpAddr,
}

impl FromRequestParts<Web> for Asking {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Self::Rejection> {
        Ok(Self {
            address: gate::address(web, parts),
        })
    }
}

/// The form of the login page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginForm {
    name: String,
    password: SecretString,
    #[serde(default)]
    next: String,
}

/// The form of the setup page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetupForm {
    token: SecretString,
    name: String,
    password: SecretString,
}

/// Starts a session under a new id and goes on to `next`.
pub async fn log_in(
    State(web): State<Web>,
    session: Session,
    asking: Asking,
    Form(form): Form<LoginForm>,
) -> Response {
    let next = gate::safe_next(&form.next);
    match web
        .accounts
        .log_in(&form.name, &form.password, asking.address)
        .await
    {
        Ok(actor) => enter(&session, &actor, next).await,
        Err(LoginRefusal::Wrong) => {
            let next = if next == "/" {
                String::new()
            } else {
                format!("&next={}", gate::escape(next))
            };
            Redirect::to(&format!("/login?error=invalid{next}")).into_response()
        }
        Err(LoginRefusal::Wait { seconds }) => {
            let mut response = refused(LoginRefusal::Wait { seconds });
            // The status is for programs; a browser goes on to the page that says the same.
            let page = HeaderValue::from_static("0; url=/login?error=throttled");
            response.headers_mut().insert(header::REFRESH, page);
            response
        }
        Err(refusal) => refused(refusal),
    }
}

async fn enter(session: &Session, actor: &Actor, next: &str) -> Response {
    match SignedIn::begin(session, actor.user).await {
        Ok(()) => Redirect::to(next).into_response(),
        Err(error) => Refusal(error).into_response(),
    }
}

/// Why a login failed, for programs and for the throttled.
pub fn refused(refusal: LoginRefusal) -> Response {
    match refusal {
        LoginRefusal::Wrong => problem(StatusCode::UNAUTHORIZED, "name or password is wrong"),
        LoginRefusal::Wait { seconds } => {
            let text = format!("too many attempts; try again in {seconds} seconds");
            let mut response = problem(StatusCode::TOO_MANY_REQUESTS, &text);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
        LoginRefusal::Port(error) => Refusal(error).into_response(),
    }
}

/// Ends the session.
pub async fn log_out(session: Session) -> Response {
    match session.flush().await {
        Ok(()) => Redirect::to("/login").into_response(),
        Err(error) => {
            tracing::error!(%error, "a session cannot be ended");
            problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "the session could not be ended; try again",
            )
        }
    }
}

/// Makes the first administrator, once, for whoever holds the link that the server printed.
pub async fn set_up(
    State(web): State<Web>,
    session: Session,
    Form(form): Form<SetupForm>,
) -> Response {
    match web
        .accounts
        .set_up(&form.token, &form.name, &form.password)
        .await
    {
        Ok(actor) => enter(&session, &actor, "/").await,
        Err(PortError::Invalid { field, .. }) => {
            let field = if field == "name" { "name" } else { "password" };
            let token = gate::escape(secrecy::ExposeSecret::expose_secret(&form.token));
            Redirect::to(&format!("/setup?error={field}&token={token}")).into_response()
        }
        Err(PortError::NotFound(_)) => Redirect::to("/setup?error=invalid").into_response(),
        Err(PortError::Conflict(_)) => Redirect::to("/setup?error=done").into_response(),
        Err(error) => Refusal(error).into_response(),
    }
}
