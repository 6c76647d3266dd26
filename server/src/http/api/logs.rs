//! `GET …/logs`: lines of containers, as text, or as server-sent events where those are accepted; with `follow` as long as
//! somebody listens and the login holds.

use super::OnTarget;
use crate::http::Web;
use crate::http::extract::{At, Caller, Params};
use crate::http::guard::is_own_page;
use crate::http::problem::{Refusal, problem};
use crate::http::stream::{Credential, Holds, Place, RECHECK};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{BoxStream, StreamExt};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::log::{LogLine, LogQuery};
use lockstep_types::ports::Answer;
use lockstep_types::resource::ResourceKey;
use serde::Deserialize;
use std::convert::Infallible;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use utoipa::IntoParams;

/// Lines in one message at most.
const TOGETHER: usize = 256;
/// A sign of life for proxies.
const COMMENT: Duration = Duration::from_secs(15);

/// The query.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    /// `group/Kind:namespace/name`; without it all Pods of the target.
    object: Option<String>,
    pod: String,
    container: String,
    previous: bool,
    /// Not older than so many seconds.
    since: Option<u32>,
    /// The last lines of each container.
    tail: Option<u32>,
    follow: bool,
    /// As a file to keep.
    download: bool,
}

impl Asked {
    fn query(&self) -> Result<LogQuery, PortError> {
        let named = |text: &String| ResourceKey::named("object", text);
        let object = self.object.as_ref().map(named).transpose()?;
        let plain = LogQuery::default();
        Ok(LogQuery {
            object,
            pod: self.pod.clone(),
            container: self.container.clone(),
            previous: self.previous,
            since_seconds: self.since,
            tail: self.tail.unwrap_or(plain.tail),
            follow: self.follow,
        })
    }

    /// Whether lines of several Pods may come, which then say whose they are.
    fn several(&self, query: &LogQuery) -> bool {
        let one = query
            .object
            .as_ref()
            .is_some_and(|object| object.kind == "Pod");
        self.pod.is_empty() && !one
    }
}

/// What containers of a target wrote, and with `follow` what they write.
#[utoipa::path(
    get,
    path = "/apps/{id}/targets/{target}/logs",
    operation_id = "logs_logs",
    tag = "applications",
    params(OnTarget, Asked),
    responses((
        status = 200,
        description = "Lines as text; as server-sent events where those are accepted.",
        content((String = "text/plain; charset=utf-8"), (String = "text/event-stream")),
    )),
)]
pub(super) async fn logs(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Params(asked): Params<Asked>,
    request: Request,
) -> Response {
    let query = match asked.query() {
        Ok(query) => query,
        Err(error) => return Refusal(error).into_response(),
    };
    if !is_own_page(request.headers(), &web.settings.public_url.origin()) {
        return problem(
            StatusCode::FORBIDDEN,
            "logs in a browser are for this server's own pages",
        );
    }
    let Some(place) = web.streams.enter(actor.user) else {
        return problem(
            StatusCode::TOO_MANY_REQUESTS,
            "too many streams are open; close some pages",
        );
    };
    let lines = match web.plane.objects.log(&actor, at.target, &query).await {
        Ok(lines) => lines,
        Err(error) => return Refusal(error).into_response(),
    };
    let lines = while_allowed(web, actor, &request, lines, place);
    if wants_events(request.headers()) {
        events(lines)
    } else {
        text(lines, &asked, asked.several(&query))
    }
}

fn wants_events(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accepted| accepted.contains("text/event-stream"))
}

/// Ends within seconds when the login ends or may less than before.
fn while_allowed(
    web: Web,
    actor: Actor,
    request: &Request,
    lines: BoxStream<'static, Answer<LogLine>>,
    place: Place,
) -> BoxStream<'static, Answer<LogLine>> {
    let credential = Credential::of(&actor, request);
    let mut recheck = tokio::time::interval(RECHECK);
    recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let open = (web, actor, credential, lines, recheck, place);
    futures::stream::unfold(open, |mut open| async move {
        let (web, actor, credential, lines, recheck, _) = &mut open;
        loop {
            tokio::select! {
                // The login first: a log that never pauses must not keep it from being looked at.
                biased;
                _ = recheck.tick() => {
                    if !matches!(credential.holds(web, actor).await, Holds::Still) {
                        return None;
                    }
                }
                line = lines.next() => return line.map(|line| (line, open)),
            }
        }
    })
    .boxed()
}

fn events(lines: BoxStream<'static, Answer<LogLine>>) -> Response {
    let messages = lines.ready_chunks(TOGETHER).flat_map(|chunk| {
        let mut good: Vec<LogLine> = Vec::with_capacity(chunk.len());
        let mut messages = Vec::new();
        for line in chunk {
            match line {
                Ok(line) => good.push(line),
                Err(error) => messages.push(Message::default().event("failed").data(said(&error))),
            }
        }
        if let (false, Ok(json)) = (good.is_empty(), serde_json::to_string(&good)) {
            messages.insert(0, Message::default().data(json));
        }
        futures::stream::iter(messages)
    });
    // Without this the browser would open the stream again and show everything twice.
    let end = futures::stream::iter([Message::default().event("end").data("{}")]);
    let messages = messages.chain(end).map(Ok::<_, Infallible>);
    let mut response = Sse::new(messages)
        .keep_alive(KeepAlive::new().interval(COMMENT).text("here"))
        .into_response();
    response
        .headers_mut()
        .insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// On one line, as an event needs it.
fn said(error: &PortError) -> String {
    error.to_string().replace(['\n', '\r'], " ")
}

fn text(lines: BoxStream<'static, Answer<LogLine>>, asked: &Asked, several: bool) -> Response {
    let body = lines.map(move |line| {
        let mut text = match line {
            Ok(line) if several => format!("{}/{} {}", line.pod, line.container, line.text),
            Ok(line) => line.text,
            Err(error) => format!("# {}", said(&error)),
        };
        text.push('\n');
        Ok::<_, Infallible>(text)
    });
    let mut response = Body::from_stream(body).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    if asked.download {
        headers.insert(
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"log.txt\""),
        );
    }
    response
}
