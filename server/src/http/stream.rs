//! `GET /events`, for programs `GET /api/v1/events`: the event log as a stream of server-sent events, resumable by `Last-Event-ID` or `after`.
//!
//! It holds no database connection while it waits. It ends within seconds when the session or token behind it ends.
#![allow(
    unused_qualifications,
    reason = "the macro that describes routes qualifies the types that it is given"
)]

use super::Web;
use super::extract::{Caller, Params};
use super::guard::is_own_page;
use super::problem::{Refusal, problem};
use super::session;
use axum::extract::{Request, State};
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{BoxStream, StreamExt};
use http::{HeaderMap, HeaderValue, StatusCode};
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::event::{Event, Subject};
use lockstep_types::id::{ApplicationId, UserId};
use lockstep_types::ports::Answer;
use serde::Deserialize;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior};
use tower_sessions::Session;
use utoipa::IntoParams;

/// Tabs and scripts of one person.
const PER_USER: usize = 32;
/// Between two looks whether the login still holds.
pub(super) const RECHECK: Duration = Duration::from_secs(4);
/// A sign of life for proxies.
const COMMENT: Duration = Duration::from_secs(15);

/// What to send. Without a topic: everything the actor may see.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct Wanted {
    /// Everything after this number; `Last-Event-ID` wins.
    after: Option<u64>,
    /// Only events of this application.
    app: Option<ApplicationId>,
    /// Only events on this cluster.
    cluster: Option<String>,
}

impl Wanted {
    fn takes(&self, event: &Event) -> bool {
        let (app, on) = match &event.subject {
            Subject::Target {
                application,
                cluster,
                ..
            }
            | Subject::Run {
                application,
                cluster,
                ..
            } => (Some(*application), Some(cluster)),
            Subject::Cluster(cluster) => (None, Some(cluster)),
            // These concern every page.
            Subject::Source(_) | Subject::Account | Subject::Alerts => return true,
        };
        self.app
            .is_none_or(|wanted| app.is_none_or(|app| app == wanted))
            && self
                .cluster
                .as_ref()
                .is_none_or(|wanted| on.is_none_or(|on| on == wanted))
    }
}

/// Counts open streams by person.
#[derive(Debug, Clone, Default)]
pub struct Streams {
    open: Arc<Mutex<HashMap<UserId, usize>>>,
}

impl Streams {
    pub(super) fn enter(&self, user: UserId) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(user).or_default();
        if *count >= PER_USER {
            return None;
        }
        *count += 1;
        Some(Place {
            streams: self.clone(),
            user,
        })
    }

    /// How many are open.
    pub fn open(&self) -> u64 {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        u64::try_from(open.values().sum::<usize>()).unwrap_or(u64::MAX)
    }
}

/// One open stream; leaving it counts it down.
pub(super) struct Place {
    streams: Streams,
    user: UserId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self
            .streams
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.user);
            }
        }
    }
}

/// How the actor got in, to look again whether that still holds.
pub(super) enum Credential {
    Session(Session),
    Token(Actor),
}

/// What became of a login.
pub(super) enum Holds {
    Still,
    /// The same person, who may other things than before.
    Otherwise,
    NoMore,
}

impl Credential {
    /// Of a request that came through the gate.
    pub(super) fn of(actor: &Actor, request: &Request) -> Self {
        match (actor.token, request.extensions().get::<Session>()) {
            (None, Some(session)) => Self::Session(session.clone()),
            _ => Self::Token(actor.clone()),
        }
    }

    pub(super) async fn holds(&self, web: &Web, actor: &Actor) -> Holds {
        let now = match self {
            // The session caches its record: only a fresh load sees that it is gone.
            Self::Session(session) => match session.load().await {
                Ok(()) => match session::signed_in(session).await {
                    Ok(Some(signed_in)) => web.accounts.actor_of_login(&signed_in).await,
                    _ => Ok(None),
                },
                Err(_) => Ok(None),
            },
            Self::Token(actor) => web.accounts.still(actor).await,
        };
        // A database that does not answer ends no stream; the next look will tell.
        match now {
            Err(_) => Holds::Still,
            Ok(Some(now)) if now == *actor => Holds::Still,
            Ok(Some(_)) => Holds::Otherwise,
            Ok(None) => Holds::NoMore,
        }
    }
}

/// The event log as a stream of server-sent events. It goes on where it broke off: with the header `Last-Event-ID`, or with
/// `after`. `reset` means to read everything again, from the number that it carries on.
#[utoipa::path(
    get,
    path = "/events",
    operation_id = "events",
    tag = "fleet",
    params(Wanted),
    responses((status = 200, description = "Server-sent events; the data of each is JSON.", body = String, content_type = "text/event-stream")),
)]
pub async fn events(
    State(web): State<Web>,
    Caller(actor): Caller,
    Params(mut wanted): Params<Wanted>,
    request: Request,
) -> Response {
    let headers = request.headers();
    if !is_own_page(headers, &web.settings.public_url.origin()) {
        return problem(
            StatusCode::FORBIDDEN,
            "the event stream is for this server's own pages",
        );
    }
    let Some(place) = web.streams.enter(actor.user) else {
        return problem(
            StatusCode::TOO_MANY_REQUESTS,
            "too many event streams are open; close some pages",
        );
    };
    let after = match last_event_id(headers).or(wanted.after.take()) {
        Some(after) => after,
        // Nobody says where to begin: from now on.
        None => match web.plane.events.head(&actor).await {
            Ok(head) => head,
            Err(error) => return Refusal(error).into_response(),
        },
    };
    let (reset, events) = match begin(&web, &actor, after).await {
        Ok(begun) => begun,
        Err(error) => return Refusal(error).into_response(),
    };
    let credential = Credential::of(&actor, &request);
    let mut recheck = tokio::time::interval(RECHECK);
    recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let open = Open {
        web,
        actor,
        credential,
        wanted,
        events,
        recheck,
        last: after,
        _place: place,
    };
    let messages = futures::stream::unfold(Some(open), |open| async move {
        let mut open = open?;
        let (message, last) = open.next().await?;
        Some((message, (!last).then_some(open)))
    });
    let messages = futures::stream::iter(reset)
        .chain(messages)
        .map(Ok::<_, Infallible>);
    let sse = Sse::new(messages).keep_alive(KeepAlive::new().interval(COMMENT).text("here"));
    let mut response = sse.into_response();
    response
        .headers_mut()
        .insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// The events after `after`; or, where the log no longer reaches back so far, the word to load everything again
/// (`EventSource` does not show the status of an answer) and the events from now on.
async fn begin(
    web: &Web,
    actor: &Actor,
    after: u64,
) -> Answer<(Option<Message>, BoxStream<'static, Answer<Event>>)> {
    let events = &web.plane.events;
    match events.subscribe(actor, after).await {
        Err(PortError::Conflict(_)) => {
            let head = events.head(actor).await?;
            let reset = Message::default()
                .event("reset")
                .id(head.to_string())
                .data(head.to_string());
            Ok((Some(reset), events.subscribe(actor, head).await?))
        }
        other => other.map(|events| (None, events)),
    }
}

fn last_event_id(headers: &HeaderMap) -> Option<u64> {
    headers
        .get("last-event-id")?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}

struct Open {
    web: Web,
    actor: Actor,
    credential: Credential,
    wanted: Wanted,
    events: BoxStream<'static, Answer<Event>>,
    recheck: Interval,
    /// The newest event that was looked at.
    last: u64,
    _place: Place,
}

impl Open {
    /// The next message, and whether it is the last.
    async fn next(&mut self) -> Option<(Message, bool)> {
        loop {
            // An error ends the stream: the browser comes back by itself, with the number it has.
            let event = tokio::select! {
                event = self.events.next() => Some(event?.ok()?),
                _ = self.recheck.tick() => None,
            };
            // An account has changed, and it may be this one; or it is time to look anyway.
            let doubtful = event
                .as_ref()
                .is_none_or(|event| event.subject == Subject::Account);
            if doubtful {
                match self.credential.holds(&self.web, &self.actor).await {
                    Holds::Still => {}
                    Holds::NoMore => {
                        let farewell = Message::default().event("logout").data("{}");
                        return Some((farewell, true));
                    }
                    // With other rights everything is read again, and the browser comes back by itself.
                    Holds::Otherwise => {
                        let seq = event
                            .as_ref()
                            .map_or(self.last, |event| event.seq)
                            .to_string();
                        let farewell = Message::default().event("reset").id(seq.clone()).data(seq);
                        return Some((farewell, true));
                    }
                }
            }
            if let Some(event) = &event {
                self.last = event.seq;
            }
            if let Some(event) = event.filter(|event| self.wanted.takes(event)) {
                return Some((message(&event), false));
            }
        }
    }
}

fn message(event: &Event) -> Message {
    let message = Message::default().id(event.seq.to_string());
    match serde_json::to_string(event) {
        Ok(json) => message.data(json),
        Err(error) => {
            tracing::error!(%error, seq = event.seq, "an event cannot be written as JSON");
            message.event("reset").data(event.seq.to_string())
        }
    }
}
