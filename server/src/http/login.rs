//! Logging in and out, and the first administrator: plain forms, so that they work before any script.
//!
//! `POST /login` takes `name`, `password`, `next`; `POST /login/code` the `code` of a second factor after it; `POST
//! /login/link` the `token` of a one-time link; `POST /setup` takes `token`, `name`, `password`; `POST /logout` takes
//! nothing. What went wrong comes back to the page as a word in the address (`?error=…`), never as text that
//! somebody else could have put there.

use super::Web;
use super::gate;
use super::problem::{Refusal, field_problem, problem};
use super::{session, sign_on};
use crate::accounts::{Entry, LoginRefusal, SignedIn, browser_of};
use axum::extract::{Form, FromRequestParts, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::id::UserId;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use tower_sessions::Session;

/// Under this key a session holds whose password was right, until the code of the second factor comes.
const HALF: &str = "half_signed_in";

/// Where a login comes from, for the throttle and for the list of sessions.
pub struct Asking {
    pub address: IpAddr,
    browser: String,
}

impl Asking {
    /// What a new session holds.
    pub fn signed_in(&self, actor: &Actor, by: Entry) -> SignedIn {
        SignedIn {
            user: actor.user,
            seen: jiff::Timestamp::now().into(),
            by,
            address: self.address.to_string(),
            browser: self.browser.clone(),
        }
    }
}

/// Half of a login.
#[derive(Serialize, Deserialize)]
struct Half {
    user: UserId,
    next: String,
}

impl FromRequestParts<Web> for Asking {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, Self::Rejection> {
        let browser = parts.headers.get(header::USER_AGENT);
        Ok(Self {
            address: gate::address(web, parts),
            browser: browser_of(
                browser
                    .and_then(|text| text.to_str().ok())
                    .unwrap_or_default(),
            ),
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
        Ok(actor) => enter(&session, &asking, &actor, Entry::Password, next).await,
        Err(LoginRefusal::CodeNeeded { user }) => {
            let half = Half {
                user,
                next: next.to_owned(),
            };
            match session::keep_briefly(&session, HALF, &half).await {
                Ok(()) => Redirect::to("/login?step=code").into_response(),
                Err(error) => Refusal(error).into_response(),
            }
        }
        Err(refusal) => back(refusal, next),
    }
}

/// The form again, with a word about what was wrong.
fn back(refusal: LoginRefusal, next: &str) -> Response {
    let next = if next == "/" {
        String::new()
    } else {
        format!("&next={}", gate::escape(next))
    };
    match refusal {
        LoginRefusal::Wrong => Redirect::to(&format!("/login?error=invalid{next}")).into_response(),
        LoginRefusal::WrongCode => Redirect::to("/login?step=code&error=code").into_response(),
        LoginRefusal::SingleSignOnOnly => {
            Redirect::to(&format!("/login?error=sso_only{next}")).into_response()
        }
        LoginRefusal::Wait { seconds } => {
            let mut response = refused(LoginRefusal::Wait { seconds });
            // The status is for programs; a browser goes on to the page that says the same.
            let page = HeaderValue::from_static("0; url=/login?error=throttled");
            response.headers_mut().insert(header::REFRESH, page);
            response
        }
        refusal => refused(refusal),
    }
}

/// The form of the second step.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeForm {
    code: SecretString,
}

/// Takes the code of a second factor after the password was right in this browser.
pub async fn give_code(
    State(web): State<Web>,
    session: Session,
    asking: Asking,
    Form(form): Form<CodeForm>,
) -> Response {
    let half: Half = match session::take(&session, HALF).await {
        Ok(Some(half)) => half,
        Ok(None) => return Redirect::to("/login?error=expired").into_response(),
        Err(error) => return Refusal(error).into_response(),
    };
    let given = web
        .accounts
        .log_in_with_code(half.user, &form.code, asking.address)
        .await;
    match given {
        Ok(actor) => {
            let next = gate::safe_next(&half.next);
            enter(&session, &asking, &actor, Entry::Password, next).await
        }
        Err(LoginRefusal::WrongCode) => match session::keep_briefly(&session, HALF, &half).await {
            Ok(()) => back(LoginRefusal::WrongCode, "/"),
            Err(error) => Refusal(error).into_response(),
        },
        Err(refusal) => back(refusal, "/"),
    }
}

/// The form behind a one-time link.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkForm {
    token: SecretString,
}

/// Lets in by a one-time link. A form, so that whatever opens links by itself uses none up.
pub async fn use_link(
    State(web): State<Web>,
    session: Session,
    asking: Asking,
    Form(form): Form<LinkForm>,
) -> Response {
    match web
        .accounts
        .enter_by_link(&form.token, asking.address)
        .await
    {
        Ok(actor) => enter(&session, &asking, &actor, Entry::Link, "/").await,
        Err(PortError::NotFound(_)) => {
            let with = "the link is unknown, used or expired";
            web.accounts.note_stranger(with, asking.address).await;
            Redirect::to("/login?error=link").into_response()
        }
        Err(error) => Refusal(error).into_response(),
    }
}

async fn enter(
    session: &Session,
    asking: &Asking,
    actor: &Actor,
    by: Entry,
    next: &str,
) -> Response {
    match session::begin(session, asking.signed_in(actor, by)).await {
        Ok(()) => Redirect::to(next).into_response(),
        Err(error) => Refusal(error).into_response(),
    }
}

/// Why a login failed, for programs and for the throttled.
pub fn refused(refusal: LoginRefusal) -> Response {
    match refusal {
        LoginRefusal::Wrong => problem(StatusCode::UNAUTHORIZED, "name or password is wrong"),
        LoginRefusal::CodeNeeded { .. } => field_problem(
            StatusCode::UNAUTHORIZED,
            "the code of the second factor is needed too",
            "code",
        ),
        LoginRefusal::WrongCode => {
            field_problem(StatusCode::UNAUTHORIZED, "the code is wrong", "code")
        }
        LoginRefusal::SingleSignOnOnly => problem(
            StatusCode::FORBIDDEN,
            "this server takes no passwords; log in in the browser and make a token in Settings → Tokens",
        ),
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

/// Ends the session, and goes on to the logout of the provider when one let the person in.
pub async fn log_out(State(web): State<Web>, session: Session, asking: Asking) -> Response {
    let signed_in = session::signed_in(&session).await.ok().flatten();
    if let Some(signed_in) = &signed_in {
        let noted = web.accounts.note_log_out(signed_in.user, asking.address);
        // The session ends in any case.
        if let Err(error) = noted.await {
            tracing::error!(event.name = "audit.unwritten", %error, "a logout could not be written to the audit log");
        }
    }
    match session.flush().await {
        Ok(()) => match sign_on::logout_address(&web, signed_in).await {
            Some(address) => sign_on::lead_out(&address),
            None => Redirect::to("/login").into_response(),
        },
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
    asking: Asking,
    Form(form): Form<SetupForm>,
) -> Response {
    match web
        .accounts
        .set_up(&form.token, &form.name, &form.password)
        .await
    {
        Ok(actor) => enter(&session, &asking, &actor, Entry::Link, "/").await,
        Err(PortError::Invalid { field, .. }) => {
            let field = if field == "name" { "name" } else { "password" };
            let token = gate::escape(secrecy::ExposeSecret::expose_secret(&form.token));
            Redirect::to(&format!("/setup?error={field}&token={token}")).into_response()
        }
        Err(error @ (PortError::NotFound(_) | PortError::Conflict(_))) => {
            let (word, with) = match error {
                PortError::Conflict(_) => ("done", "the set-up is done"),
                _ => ("invalid", "the set-up link is unknown, used or expired"),
            };
            web.accounts.note_stranger(with, asking.address).await;
            Redirect::to(&format!("/setup?error={word}")).into_response()
        }
        Err(error) => Refusal(error).into_response(),
    }
}
