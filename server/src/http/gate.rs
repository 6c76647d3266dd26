//! Finds out who asks and lets nobody else in. Puts the [`Actor`] into the request; whatever is not public and has
//! none is sent to the login (pages) or refused (everything else).

use super::problem::{Refusal, problem};
use super::{Web, guard, session, webhook};
use crate::accounts::AccountService;
use app::context::ThisSession;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::serve::IncomingStream;
use http::request::Parts;
use http::{Extensions, HeaderMap, Method, StatusCode, header};
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use secrecy::SecretString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tower_sessions::Session;

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

impl Connected<IncomingStream<'_, super::TimedListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, super::TimedListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// What is served before the login. Assets never come here; see [`super::assets`].
const PUBLIC: [&str; 8] = [
    "/login",
    "/login/code",
    "/login/link",
    "/sfn/doors",
    "/setup",
    "/healthz",
    "/readyz",
    "/api/v1/login",
];

/// Lets pass what is public or has an actor.
pub async fn gate(State(web): State<Web>, mut request: Request, next: Next) -> Response {
    let session = request.extensions().get::<Session>();
    let this = session.and_then(session::id_in_lists);
    let actor = match who(&web, request.headers(), session).await {
        Ok(actor) => actor,
        Err(error) => return Refusal(error).into_response(),
    };
    let public = is_public(&request);
    let from = address_of(&web, request.headers(), request.extensions());
    if actor.is_none() && !public && guard::bears_token(request.headers()) {
        web.accounts
            .note_stranger("the token is unknown, revoked or expired", from)
            .await;
    }
    match actor {
        Some(actor) => {
            if let Some(this) = this.filter(|_| actor.token.is_none()) {
                request.extensions_mut().insert(ThisSession(this));
            }
            request.extensions_mut().insert(actor);
        }
        None if !public => return turn_away(&request),
        None => {}
    }
    AccountService::asked_from(from, next.run(request)).await
}

/// The listed addresses, the way to a provider and back, and exactly the address of a webhook, where the signature takes the login's place.
fn is_public(request: &Request) -> bool {
    let path = request.uri().path();
    let hook = path.strip_prefix(webhook::PREFIX);
    PUBLIC.contains(&path)
        || (*request.method() == Method::GET && path.starts_with(crate::sso::PREFIX))
        || (request.method() == Method::POST
            && hook.is_some_and(|rest| !rest.is_empty() && !rest.contains('/')))
}

/// By token when there is one, else by session.
async fn who(
    web: &Web,
    headers: &HeaderMap,
    session: Option<&Session>,
) -> Result<Option<Actor>, PortError> {
    if guard::bears_token(headers) {
        // A wrong token is not helped out by a cookie.
        return match bearer(headers) {
            Some(token) => web.accounts.actor_of_token(&token).await,
            None => Ok(None),
        };
    }
    let Some(session) = session else {
        return Ok(None);
    };
    let Some(signed_in) = session::signed_in(session).await? else {
        return Ok(None);
    };
    let actor = web.accounts.actor_of_login(&signed_in).await?;
    if let Some(actor) = &actor {
        session::keep_alive(web, session, signed_in, actor).await?;
    }
    Ok(actor)
}

fn bearer(headers: &HeaderMap) -> Option<SecretString> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| SecretString::from(token.trim()))
}

fn turn_away(request: &Request) -> Response {
    let path = request.uri().path();
    if path == "/metrics" {
        // Not even that it exists.
        return problem(StatusCode::NOT_FOUND, "there is nothing here");
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let accepts = request.headers().get(header::ACCEPT);
    let wants_page = accepts
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let machine =
        (path.starts_with("/api/") && !path.starts_with("/api/docs")) || path == "/events";
    if machine || (path.starts_with("/sfn") && !wants_page) {
        return Refusal(PortError::Unauthenticated).into_response();
    }
    if !reads || path.starts_with("/sfn") {
        return Redirect::to("/login").into_response();
    }
    let wanted = request
        .uri()
        .path_and_query()
        .map_or("/", |target| target.as_str());
    Redirect::to(&login_address(wanted)).into_response()
}

/// `/login?next=…`, when there is somewhere to go on to.
pub fn login_address(next: &str) -> String {
    match safe_next(next) {
        "/" => "/login".to_owned(),
        next => format!("/login?next={}", escape(next)),
    }
}

/// An address of this server, or `/`. What could lead elsewhere is not mended but dropped.
pub fn safe_next(next: &str) -> &str {
    let relative = next.starts_with('/') && !next.starts_with("//");
    let plain = next
        .chars()
        .all(|c| c.is_ascii_graphic() && !"\\\"<>`{}|^".contains(c));
    let elsewhere = ["/login", "/logout", "/setup", "/sfn", "/api/", "/events"]
        .iter()
        .any(|prefix| next.starts_with(prefix));
    if relative && plain && !elsewhere && next.len() <= 2000 {
        next
    } else {
        "/"
    }
}

/// For a value in a query.
pub fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// The client's address: the connection's, or what a trusted proxy says about it.
pub fn address(web: &Web, request: &Parts) -> IpAddr {
    address_of(web, &request.headers, &request.extensions)
}

fn address_of(web: &Web, headers: &HeaderMap, extensions: &Extensions) -> IpAddr {
    let peer = extensions
        .get::<ConnectInfo<Peer>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.0.ip());
    let trusted = |ip: &IpAddr| web.settings.trusted_proxies.contains(ip);
    if !trusted(&peer) {
        return peer;
    }
    // From the right: the first hop that is not ours is the client; what stands left of it is its own claim. So is what
    // stands left of a word that is no address: then the proxy that wrote the word is all that is known.
    let hops = headers.get_all("x-forwarded-for").iter();
    let hops: Vec<Option<IpAddr>> = hops
        .flat_map(|line| line.to_str().unwrap_or("unreadable").split(','))
        .map(hop)
        .collect();
    let mut client = peer;
    for hop in hops.into_iter().rev() {
        let Some(ip) = hop else { break };
        client = ip;
        if !trusted(&ip) {
            break;
        }
    }
    client
}

/// The address of one hop, which some proxies write with its port.
fn hop(written: &str) -> Option<IpAddr> {
    let written = written.trim();
    let bare = || written.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || Some(written.parse::<SocketAddr>().ok()?.ip());
    written.parse().ok().or_else(bare).or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever is asked for: an address of this server, and one line without anything to quote.
    #[test]
    fn fuzz_redirect_targets() {
        let seeds: [&[u8]; 4] = [
            b"/apps/1/web?cluster=eu&tab=tree",
            b"//evil.example/x",
            b"/\\evil.example\r\nSet-Cookie: a=b",
            b"https://evil.example@localhost/",
        ];
        engine::fuzzing::run("redirect targets", &seeds, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let next = safe_next(&text);
            assert!(next.starts_with('/') && !next.starts_with("//") && !next.starts_with("/\\"));
            assert!(http::HeaderValue::from_str(next).is_ok());
            let address = login_address(&text);
            assert!(address.starts_with("/login"));
            assert!(
                address
                    .parse::<http::Uri>()
                    .is_ok_and(|uri| uri.host().is_none())
            );
        });
    }

    #[test]
    fn attack_48_next_stays_here() {
        for good in ["/", "/apps/1/web?cluster=eu&tab=tree", "/drift"] {
            assert_eq!(safe_next(good), good);
        }
        let long = format!("/{}", "a".repeat(2001));
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: x",
            "/\tx",
            "/ü",
            "/login",
            "/logout",
            "/api/v1/fleet",
            &long,
        ] {
            assert_eq!(safe_next(bad), "/", "{bad:?}");
        }
        assert_eq!(login_address("/a?b=c&d"), "/login?next=/a%3Fb%3Dc%26d");
        assert_eq!(login_address("//evil"), "/login");
    }
}
