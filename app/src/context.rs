//! What the server gives to pages and server functions, by context.
//!
//! The HTTP layer provides a [`ControlPlane`] always and an [`Actor`] when somebody is logged in, in the
//! same closure for pages and server functions. Nothing here panics: what is missing is an error.
//! Read the context before the first await.

use crate::error::ApiError;
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use lockstep_types::account::Actor;
use lockstep_types::ports::{Answer, ControlPlane};
use lockstep_types::{Micros, PortError};

/// Fixes the clock of a request: tests and recordings provide it, the server does not.
#[derive(Debug, Clone, Copy)]
pub struct FixedNow(pub Micros);

/// Whether this server still waits for its first administrator.
#[derive(Debug, Clone, Copy)]
pub struct SetupPending(pub bool);

/// The browser session of the request, as lists call it.
#[derive(Debug, Clone, Copy)]
pub struct ThisSession(pub lockstep_types::id::SessionId);

/// On an answer to the server around it, which takes it off: the permission that was missing.
pub const DENIED: http::HeaderName = http::HeaderName::from_static("x-lockstep-denied");

/// Everything a server function needs, taken out of the context in its first line.
pub struct Desk {
    pub plane: ControlPlane,
    pub actor: Actor,
    response: Option<ResponseOptions>,
    plain_form: bool,
}

impl Desk {
    /// Turns a port's answer into a server function's, and sets the HTTP status that says the same.
    pub fn answer<T>(&self, answer: Answer<T>) -> Result<T, ApiError> {
        answer.map_err(|error| {
            if let (PortError::Denied { permission, .. }, Some(response)) = (&error, &self.response)
                && let Ok(word) = http::HeaderValue::from_str(permission)
            {
                response.insert_header(DENIED, word);
            }
            // A plain form is sent back to its page with the error in the address: that needs the redirect.
            if !self.plain_form
                && let Some(response) = &self.response
            {
                set_status(response, &error);
            }
            ApiError::Port(error)
        })
    }
}

/// Gives the page that shows this error the status that says the same.
pub fn tell_status(error: &ApiError) {
    if let ApiError::Port(error) = error
        && *error != PortError::Unauthenticated
        && let Some(response) = use_context::<ResponseOptions>()
    {
        set_status(&response, error);
    }
}

fn set_status(response: &ResponseOptions, error: &PortError) {
    if let Ok(status) = http::StatusCode::from_u16(error.http_status()) {
        response.set_status(status);
    }
}

/// The ports.
pub fn control_plane() -> Result<ControlPlane, ApiError> {
    use_context::<ControlPlane>()
        .ok_or_else(|| ApiError::Unexpected("the server gave no control plane to this page".into()))
}

/// Who asks; an error when nobody is logged in.
pub fn actor() -> Result<Actor, ApiError> {
    use_context::<Actor>().ok_or_else(|| {
        // A page leads to the login instead: its redirect must keep its status.
        if is_call()
            && !is_plain_form()
            && let Some(response) = use_context::<ResponseOptions>()
        {
            response.set_status(http::StatusCode::UNAUTHORIZED);
        }
        ApiError::Port(PortError::Unauthenticated)
    })
}

/// Ports, actor and response: the first line of every server function.
pub fn desk() -> Result<Desk, ApiError> {
    Ok(Desk {
        plane: control_plane()?,
        actor: actor()?,
        response: use_context::<ResponseOptions>(),
        plain_form: is_plain_form(),
    })
}

/// The server's clock. Pages never read another one.
pub fn now() -> Micros {
    use_context::<FixedNow>().map_or_else(|| jiff::Timestamp::now().into(), |fixed| fixed.0)
}

/// A cookie of the request.
pub fn cookie(name: &str) -> Option<String> {
    let parts = use_context::<http::request::Parts>()?;
    parts
        .headers
        .get_all(http::header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

fn is_call() -> bool {
    use_context::<http::request::Parts>().is_some_and(|parts| parts.uri.path().starts_with("/sfn/"))
}

/// Whether a form was sent without a script.
pub fn is_plain_form() -> bool {
    use_context::<http::request::Parts>().is_some_and(|parts| {
        parts.method == http::Method::POST
            && parts
                .headers
                .get(http::header::ACCEPT)
                .and_then(|value| value.to_str().ok())
                .is_some_and(|accept| accept.contains("text/html"))
    })
}
