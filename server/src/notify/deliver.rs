//! Empties the queue: each message by itself and few at once to the same receiver or host, so that one that is slow delays no
//! other, with more and more time between attempts.

use super::channel::{Request, conditions, requests};
use super::host::{StatusPost, api, place};
use super::outgoing::Outgoing;
use super::{Notifier, mail};
use crate::runtime::{Runtime, now};
use crate::store::message::DueMessage;
use crate::store::{StoreError, message, receiver};
use engine::source::{Credential, Mirrors};
use lockstep_types::alert::Condition;
use lockstep_types::id::ReceiverId;
use lockstep_types::notify::{Channel, MessageState};
use lockstep_types::revision::Revision;
use secrecy::ExposeSecret;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Messages that are sent at once: many times [`message::AT_ONCE_TO_ONE`], so that several that hang leave room.
const AT_ONCE: usize = 48;
/// The longest attempt.
const WITHIN: Duration = Duration::from_secs(15);
/// Seconds until the next attempt, after the first, second, …; then it is given up.
const PAUSES: [i64; 6] = [5, 20, 60, 300, 900, 3600];
/// Another replica's messages do not wake this process.
const LOOK: Duration = Duration::from_secs(5);

/// Why a message did not get through. Holds no secret: no address either.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub(super) struct SendError {
    pub(super) words: String,
    /// It may get through later.
    again: bool,
}

impl SendError {
    /// It is tried again.
    pub(super) fn passing(words: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            again: true,
        }
    }

    /// It will not get through as it is.
    pub(super) fn refused(words: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            again: false,
        }
    }
}

/// What came of a message.
pub(super) enum Outcome {
    Sent,
    /// Something newer is told instead.
    Outdated,
}

/// Sends until the runtime ends.
pub(super) async fn run(notifier: Notifier) {
    let cancel = notifier.runtime.cancelled().clone();
    let mut committed = notifier.runtime.store().committed();
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    if let Err(error) = cut_short(&notifier).await {
        warn(&error);
    }
    loop {
        let wait = match round(&notifier, &permits).await {
            Ok(wait) => wait,
            Err(error) => {
                warn(&error);
                LOOK
            }
        };
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            _ = committed.changed() => {}
        }
    }
}

fn warn(error: &StoreError) {
    tracing::warn!(
        event.name = "notify.queue",
        error = error as &dyn std::error::Error,
        "the queue of messages cannot be read; trying again"
    );
}

async fn cut_short(notifier: &Notifier) -> Result<(), StoreError> {
    let mut tx = notifier.runtime.store().begin().await?;
    message::cut_short(&mut tx).await?;
    tx.commit().await.map(|_| ())
}

/// Starts what is due; says how long to wait.
async fn round(notifier: &Notifier, permits: &Arc<Semaphore>) -> Result<Duration, StoreError> {
    let db = notifier.runtime.store();
    let due = message::next_due(db, now()).await?;
    let Some(due) = due.filter(|_| permits.available_permits() > 0) else {
        return Ok(LOOK);
    };
    let wait = super::until(now(), due);
    if !wait.is_zero() {
        return Ok(wait.min(LOOK));
    }
    let mut tx = db.begin().await?;
    let free = u64::try_from(permits.available_permits()).unwrap_or(1);
    let taken = message::take(&mut tx, free).await?;
    tx.commit().await?;
    if taken.is_empty() {
        // Another replica was faster.
        return Ok(LOOK);
    }
    for due in taken {
        let Ok(permit) = Arc::clone(permits).acquire_owned().await else {
            break;
        };
        let notifier = notifier.clone();
        let tasks = notifier.runtime.tasks().clone();
        tasks.spawn(async move {
            if let Err(error) = attempt(&notifier, &due).await {
                warn(&error);
            }
            drop(permit);
        });
    }
    Ok(Duration::ZERO)
}

async fn attempt(notifier: &Notifier, due: &DueMessage) -> Result<(), StoreError> {
    let outcome = send(notifier, due).await;
    let mut tx = notifier.runtime.store().begin().await?;
    match outcome {
        Ok(Outcome::Sent) => {
            // What was said of its template stays to be read.
            let note = if due.attempts == 1 {
                due.note.as_str()
            } else {
                ""
            };
            message::end(&mut tx, due.id, MessageState::Sent, note).await?;
            tracing::info!(
                event.name = "notify.sent",
                message.id = %due.id,
                millis = (now().0 - due.created_at.0) / 1000,
                "a message was sent"
            );
        }
        Ok(Outcome::Outdated) => {
            let why = "something newer is told instead";
            message::end(&mut tx, due.id, MessageState::Sent, why).await?;
        }
        Err(error) => {
            let pause = usize::try_from(due.attempts.saturating_sub(1))
                .ok()
                .and_then(|index| PAUSES.get(index))
                .filter(|_| error.again);
            let words: String = error.words.chars().take(500).collect();
            match pause {
                Some(pause) => {
                    let next = tx.now().plus_seconds(*pause);
                    message::again(&mut tx, due.id, next, &words).await?;
                }
                None => {
                    message::end(&mut tx, due.id, MessageState::Failed, &words).await?;
                    super::statuses::give_up(&mut tx, &due.kind, &due.body).await?;
                    super::comments::give_up(&mut tx, &due.kind, &due.body).await?;
                }
            }
        }
    }
    tx.commit().await.map(|_| ())
}

async fn send(notifier: &Notifier, due: &DueMessage) -> Result<Outcome, SendError> {
    match due.kind.as_str() {
        super::statuses::KIND => return status(notifier, due).await,
        super::comments::KIND => return super::comments::send(notifier, due).await,
        _ => {}
    }
    let store = |error: StoreError| SendError::passing(error.to_string());
    let receivers = receiver::list(notifier.runtime.store())
        .await
        .map_err(store)?;
    let id = ReceiverId(due.owner);
    let receiver = receivers
        .into_iter()
        .find(|receiver| receiver.id == id)
        .ok_or_else(|| SendError::refused("the receiver is no longer there"))?;
    let secret = notifier
        .secret(due.owner)
        .await
        .map_err(|error| SendError::refused(error.to_string()))?
        .ok_or_else(|| SendError::refused("its secret is gone; add the receiver again"))?;
    let message: Outgoing = serde_json::from_str(&due.body)
        .map_err(|_| SendError::refused("it was written by another version"))?;
    if receiver.channel == Channel::Email {
        let mirrors = notifier.runtime.mirrors();
        mail::send(mirrors, &secret, &message, due.id, WITHIN).await?;
        return Ok(Outcome::Sent);
    }
    let owner = receiver.id.to_string();
    let newer = if receiver.channel == Channel::PagerDuty && due.kind == "alerts" {
        told_since(notifier, due).await.map_err(store)?
    } else {
        BTreeSet::new()
    };
    if !newer.is_empty() && conditions(&message).is_subset(&newer) {
        return Ok(Outcome::Outdated);
    }
    for request in requests(receiver.channel, &secret, &message, due.id, &owner, &newer) {
        post(notifier, &request).await?;
    }
    Ok(Outcome::Sent)
}

/// Conditions of which a later message tells: an attempt that is repeated must not open again what that one has ended.
async fn told_since(
    notifier: &Notifier,
    due: &DueMessage,
) -> Result<BTreeSet<Condition>, StoreError> {
    let bodies = message::later(notifier.runtime.store(), due.owner, due.id).await?;
    let later = bodies
        .iter()
        .filter_map(|body| serde_json::from_str::<Outgoing>(body).ok());
    Ok(later.flat_map(|message| conditions(&message)).collect())
}

async fn status(notifier: &Notifier, due: &DueMessage) -> Result<Outcome, SendError> {
    let post_of: StatusPost = serde_json::from_str(&due.body)
        .map_err(|_| SendError::refused("it was written by another version"))?;
    let db = notifier.runtime.store();
    let told = message::statuses(db, &post_of.repo_url, &Revision(post_of.sha.clone()))
        .await
        .map_err(|error| SendError::passing(error.to_string()))?;
    let newest = told.get(&post_of.context);
    if newest.is_some_and(|told| !told.says(post_of.state.word(), &post_of.description)) {
        return Ok(Outcome::Outdated);
    }
    let token = token_of(notifier, due.owner, &post_of.repo_url).await?;
    let request = place(&post_of.repo_url)
        .and_then(|place| api(post_of.provider).status(&place, &post_of, &token))
        .ok_or_else(|| SendError::refused("its address names no repository of such a host"))?;
    post(notifier, &request).await?;
    Ok(Outcome::Sent)
}

/// The token of a Git host, or with none the one with which the repository is read.
pub(super) async fn token_of(
    notifier: &Notifier,
    host: Uuid,
    repo_url: &str,
) -> Result<String, SendError> {
    let secret = notifier.secret(host).await;
    match secret.map_err(|error| SendError::refused(error.to_string()))? {
        Some(secret) => Ok(secret.secret),
        None => token_of_source(&notifier.runtime, repo_url).await,
    }
}

/// The password or token with which the repository is read.
pub(super) async fn token_of_source(
    runtime: &Runtime,
    repo_url: &str,
) -> Result<String, SendError> {
    let access = runtime
        .access()
        .git(repo_url)
        .await
        .map_err(|error| SendError::passing(error.to_string()))?;
    match access.credential.login() {
        Credential::Basic { password, .. } => Ok(password.expose_secret().to_owned()),
        _ => Err(SendError::refused(
            "there is no token for this host, and the repository is read without one; give one in Settings",
        )),
    }
}

/// One request, to a checked address and nowhere else; what was answered is of no interest.
pub(super) async fn post(notifier: &Notifier, request: &Request) -> Result<(), SendError> {
    asked(notifier.runtime.mirrors(), request).await.map(drop)
}

/// One request; what the host answered, when it was no refusal.
pub(super) async fn asked(
    mirrors: &Mirrors,
    request: &Request,
) -> Result<reqwest::Response, SendError> {
    let (host, answer) = answered(mirrors, request).await?;
    taken(&host, answer)
}

/// The same, when that of which is asked may not exist; `None`: it does not.
pub(super) async fn asked_maybe(
    mirrors: &Mirrors,
    request: &Request,
) -> Result<Option<reqwest::Response>, SendError> {
    let (host, answer) = answered(mirrors, request).await?;
    // GitHub says the latter of a commit that it does not have.
    if matches!(answer.status().as_u16(), 404 | 422) {
        return Ok(None);
    }
    taken(&host, answer).map(Some)
}

/// What a host answered, whatever it is, and the host's name.
async fn answered(
    mirrors: &Mirrors,
    request: &Request,
) -> Result<(String, reqwest::Response), SendError> {
    let destination = mirrors
        .destination(&request.url)
        .await
        .map_err(|error| SendError::passing(error.to_string()))?;
    let client = destination
        .client(WITHIN)
        .map_err(|_| SendError::passing("this machine has no certificates"))?;
    let mut asked = client.request(request.method.clone(), &request.url);
    if !request.body.is_empty() {
        asked = asked
            .header("content-type", "application/json")
            .body(request.body.clone());
    }
    for (name, value) in &request.headers {
        asked = asked.header(*name, value);
    }
    let answer = asked
        .send()
        .await
        .map_err(|error| SendError::passing(reached(&error.without_url())))?;
    Ok((destination.host.to_string(), answer))
}

fn taken(host: &str, answer: reqwest::Response) -> Result<reqwest::Response, SendError> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let words = format!("{host} answered {status}");
    let later = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
    Err(if later {
        SendError::passing(words)
    } else {
        SendError::refused(words)
    })
}

/// The JSON of an answer that is no longer than `longest` bytes. Half an answer, or what a proxy says instead, is none: it
/// must not be taken for a host that knows nothing.
pub(super) async fn json(
    mut answer: reqwest::Response,
    longest: usize,
) -> Result<serde_json::Value, SendError> {
    let mut text = Vec::new();
    let broken = |_| SendError::passing("its answer broke off");
    while let Some(part) = answer.chunk().await.map_err(broken)? {
        text.extend_from_slice(&part);
        if text.len() > longest {
            return Err(SendError::passing("its answer is too long"));
        }
    }
    serde_json::from_slice(&text).map_err(|_| SendError::passing("its answer is no JSON"))
}

/// The innermost cause: outer ones only repeat that it failed.
fn reached(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it does not answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
