//! The way to a provider of single sign-on and back, and out again. What went wrong comes to the login page as a word.

use super::login::Asking;
use super::problem::Refusal;
use super::{Web, gate, session};
use crate::accounts::{Entry, SignOnRefusal, SignedIn};
use crate::sso::{Answer, Attempt, SsoError};
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderMap, HeaderValue, header};
use lockstep_types::PortError;
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

/// Under this key a session holds a login that was begun.
const KEY: &str = "sign_on";

/// A login that was begun, and where to go on afterwards.
#[derive(Serialize, Deserialize)]
struct Held {
    attempt: Attempt,
    next: String,
}

/// Where to go on after the login.
#[derive(Deserialize)]
pub struct Begin {
    #[serde(default)]
    next: String,
}

fn back(word: &str) -> Response {
    Redirect::to(&format!("/login?error={word}")).into_response()
}

/// Sends the browser to the provider. A link, not a form: the policy of our pages lets forms lead to us alone.
pub async fn begin(
    State(web): State<Web>,
    session: Session,
    asking: Asking,
    headers: HeaderMap,
    Path(provider): Path<String>,
    Query(query): Query<Begin>,
) -> Response {
    let next = gate::safe_next(&query.next);
    let site = headers.get("sec-fetch-site");
    if site.is_some_and(|site| site == "cross-site" || site == "same-site") {
        // Nobody else begins a login in this browser.
        return Redirect::to(&gate::login_address(next)).into_response();
    }
    match web.accounts.count_begin(asking.address).await {
        Ok(true) => {}
        Ok(false) => return back("throttled"),
        Err(error) => return Refusal(error).into_response(),
    }
    let (address, attempt) = match web.sso.begin(&provider).await {
        Ok(begun) => begun,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a login by single sign-on cannot begin"
            );
            return back(error.word());
        }
    };
    let held = Held {
        attempt,
        next: next.to_owned(),
    };
    match session::keep_briefly(&session, KEY, &held).await {
        Ok(()) => Redirect::to(&address).into_response(),
        Err(error) => Refusal(error).into_response(),
    }
}

/// Takes what the browser brings back from the provider.
pub async fn finish(
    State(web): State<Web>,
    session: Session,
    asking: Asking,
    Path(provider): Path<String>,
    Query(answer): Query<Answer>,
) -> Response {
    // Used up before anything is asked: no answer counts twice.
    let held: Option<Held> = match session::take(&session, KEY).await {
        Ok(held) => held,
        Err(error) => return Refusal(error).into_response(),
    };
    // Without one nothing is asked and nothing is noted: anybody can open this address.
    let Some(Held { attempt, next }) = held else {
        return back(SsoError::Stray.word());
    };
    match enter(&web, &session, &asking, &provider, attempt, answer).await {
        Ok(()) => Redirect::to(gate::safe_next(&next)).into_response(),
        Err(Refused::Sso(error)) => {
            let word = error.word();
            match refused(&web, &asking, &provider, &error).await {
                Ok(()) => back(word),
                Err(error) => Refusal(error).into_response(),
            }
        }
        Err(Refused::Account(SignOnRefusal::Port(error))) => Refusal(error).into_response(),
        Err(Refused::Account(refusal)) => back(refusal.word()),
    }
}

enum Refused {
    Sso(SsoError),
    Account(SignOnRefusal),
}

async fn enter(
    web: &Web,
    session: &Session,
    asking: &Asking,
    provider: &str,
    attempt: Attempt,
    answer: Answer,
) -> Result<(), Refused> {
    let vouched = web
        .sso
        .finish(provider, attempt, answer)
        .await
        .map_err(Refused::Sso)?;
    let (actor, groups) = web
        .accounts
        .sign_on(&vouched.person, asking.address)
        .await
        .map_err(Refused::Account)?;
    let by = Entry::Provider {
        name: provider.to_owned(),
        groups,
        hint: web.accounts.seal_hint(actor.user, &vouched.id_token),
    };
    session::begin(session, asking.signed_in(&actor, by))
        .await
        .map_err(|error| Refused::Account(error.into()))
}

/// Log and audit, once in each.
async fn refused(
    web: &Web,
    asking: &Asking,
    provider: &str,
    error: &SsoError,
) -> Result<(), PortError> {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "a login by single sign-on was refused"
    );
    web.accounts
        .note_refusal(provider, "", &error.to_string(), asking.address)
        .await
}

/// Where a person who came from a provider ends the session there.
pub async fn logout_address(web: &Web, signed_in: Option<SignedIn>) -> Option<String> {
    let signed_in = signed_in?;
    let Entry::Provider { name, hint, .. } = &signed_in.by else {
        return None;
    };
    let hint = hint
        .as_ref()
        .and_then(|hint| web.accounts.open_hint(signed_in.user, hint));
    web.sso.logout_address(name, hint.as_ref()).await
}

/// A page that goes on by itself: a form of ours may not be redirected to another host.
pub fn lead_out(address: &str) -> Response {
    let shown = address
        .replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;");
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Logged out · Lockstep</title>\
         <h1>You are logged out of Lockstep</h1>\
         <p><a href=\"{shown}\">Go on to the logout of your provider</a></p></html>"
    );
    let mut response = Html(page).into_response();
    if let Ok(refresh) = HeaderValue::from_str(&format!("0; url={address}")) {
        response.headers_mut().insert(header::REFRESH, refresh);
    }
    response
}
