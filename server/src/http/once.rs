//! `Idempotency-Key`: a write that is repeated with its key is carried out once, and gets the answer of the first time.
//!
//! Keys are kept for a day while the server runs, by person. Answers that hold a secret are not kept.

use super::Web;
use super::problem::problem;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use lockstep_types::account::Actor;
use lockstep_types::id::UserId;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a key is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Keys of all people; beyond that the oldest are forgotten.
const MOST: usize = 10_000;
/// An answer that is kept.
const LARGEST_ANSWER: usize = 64 * 1024;
const LONGEST_KEY: usize = 200;
/// Their answers are shown once.
const SECRETS: [&str; 3] = ["/login", "/tokens", "/webhooks/secret"];
const KEY: &str = "idempotency-key";
/// Says that an answer is a repetition.
const REPEATED: &str = "idempotent-replayed";

type Key = (UserId, String);

#[derive(Debug, Clone)]
enum What {
    /// It is being carried out.
    Running,
    Answered {
        status: StatusCode,
        /// `None` when it is not kept.
        body: Option<Vec<u8>>,
    },
}

#[derive(Debug)]
struct Entry {
    since: Instant,
    /// Of the request: another one must not come with the same key.
    print: [u8; 32],
    what: What,
}

/// The keys that were used.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    known: Arc<Mutex<HashMap<Key, Entry>>>,
}

impl Keys {
    /// Notes that a request begins; or what is known of it.
    fn begin(&self, key: &Key, print: [u8; 32], now: Instant) -> Result<(), Seen> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = known.get(key)
            && now.duration_since(entry.since) < KEPT
        {
            return Err(match (&entry.what, entry.print == print) {
                (_, false) => Seen::Another,
                (What::Running, true) => Seen::Running,
                (What::Answered { status, body }, true) => Seen::Answered(*status, body.clone()),
            });
        }
        if known.len() >= MOST {
            known.retain(|_, entry| now.duration_since(entry.since) < KEPT);
            let oldest = known.iter().min_by_key(|(_, entry)| entry.since);
            if known.len() >= MOST
                && let Some(oldest) = oldest.map(|(key, _)| key.clone())
            {
                known.remove(&oldest);
            }
        }
        let entry = Entry {
            since: now,
            print,
            what: What::Running,
        };
        known.insert(key.clone(), entry);
        Ok(())
    }

    fn end(&self, key: &Key, status: StatusCode, body: Option<Vec<u8>>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = known.get_mut(key) {
            entry.what = What::Answered { status, body };
        }
    }

    fn forget(&self, key: &Key) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(key);
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Another,
    Running,
    Answered(StatusCode, Option<Vec<u8>>),
}

/// Gives a request up again when it ends without an answer: its connection was closed.
struct Begun {
    keys: Keys,
    key: Option<Key>,
}

impl Drop for Begun {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.keys.forget(&key);
        }
    }
}

fn plain(key: &HeaderValue) -> Option<&str> {
    let key = key.to_str().ok()?;
    (1..=LONGEST_KEY).contains(&key.len()).then_some(key)
}

/// The refusal of a write whose key is none; `None` when it has a good one, or none at all.
pub(super) fn refused(method: &Method, headers: &HeaderMap) -> Option<Response> {
    let key = headers.get(KEY).filter(|_| *method != Method::GET)?;
    plain(key).is_none().then(|| {
        problem(
            StatusCode::BAD_REQUEST,
            "Idempotency-Key must be one to two hundred plain characters",
        )
    })
}

/// Carries out once what comes with a key.
pub async fn once(State(web): State<Web>, request: Request, next: Next) -> Response {
    let key = request.headers().get(KEY).cloned();
    let actor = request.extensions().get::<Actor>().map(|actor| actor.user);
    let (Some(key), Some(user), false) = (key, actor, request.method() == Method::GET) else {
        return next.run(request).await;
    };
    // One that is none is refused by the route, after it is known that there is one.
    let Some(key) = plain(&key) else {
        return next.run(request).await;
    };
    let key: Key = (user, key.to_owned());
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, super::LARGEST_BODY).await else {
        return problem(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large");
    };
    let mut hash = Sha256::new();
    hash.update(parts.method.as_str());
    hash.update([0]);
    hash.update(parts.uri.to_string());
    hash.update([0]);
    hash.update(&bytes);
    let keys = web.keys.clone();
    if let Err(seen) = keys.begin(&key, hash.finalize().into(), Instant::now()) {
        return answer(seen);
    }
    let secret = SECRETS.contains(&parts.uri.path());
    let mut begun = Begun {
        keys: keys.clone(),
        key: Some(key.clone()),
    };
    let response = next
        .run(Request::from_parts(parts, Body::from(bytes)))
        .await;
    let status = response.status();
    if !status.is_success() {
        // Nothing was done, or nobody knows: it may be tried again.
        return response;
    }
    begun.key = None;
    let (parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX >> 1).await else {
        keys.end(&key, status, None);
        return problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            "it was done, and the answer was lost",
        );
    };
    let kept = (!secret && bytes.len() <= LARGEST_ANSWER).then(|| bytes.to_vec());
    keys.end(&key, status, kept);
    Response::from_parts(parts, Body::from(bytes))
}

fn answer(seen: Seen) -> Response {
    match seen {
        Seen::Another => problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "this Idempotency-Key belongs to another request; take a new one",
        ),
        Seen::Running => problem(
            StatusCode::CONFLICT,
            "the first request with this Idempotency-Key is still being carried out",
        ),
        Seen::Answered(_, None) => problem(
            StatusCode::CONFLICT,
            "this was done before, and its answer is not kept",
        ),
        Seen::Answered(status, Some(body)) => {
            let mut response = (
                status,
                [(header::CONTENT_TYPE, "application/json")],
                Body::from(body),
            )
                .into_response();
            response
                .headers_mut()
                .insert(REPEATED, HeaderValue::from_static("true"));
            response
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_key_belongs_to_one_request_of_one_person_for_a_day() {
        let keys = Keys::default();
        let key: Key = (UserId(Uuid::from_u128(1)), "k".to_owned());
        let now = Instant::now();
        assert_eq!(keys.begin(&key, [1; 32], now), Ok(()));
        assert_eq!(keys.begin(&key, [1; 32], now), Err(Seen::Running));
        let other: Key = (UserId(Uuid::from_u128(2)), "k".to_owned());
        assert_eq!(keys.begin(&other, [1; 32], now), Ok(()));
        keys.end(&key, StatusCode::OK, Some(b"{}".to_vec()));
        assert_eq!(
            keys.begin(&key, [1; 32], now),
            Err(Seen::Answered(StatusCode::OK, Some(b"{}".to_vec())))
        );
        assert_eq!(keys.begin(&key, [2; 32], now), Err(Seen::Another));
        assert_eq!(keys.begin(&key, [2; 32], now + KEPT), Ok(()));
        keys.forget(&key);
        assert_eq!(keys.begin(&key, [3; 32], now), Ok(()));
    }

    #[test]
    fn the_oldest_keys_make_room() {
        let keys = Keys::default();
        let now = Instant::now();
        let key = |number: usize| (UserId(Uuid::nil()), number.to_string());
        for number in 0..=MOST {
            let later = now + Duration::from_millis(number as u64);
            assert_eq!(keys.begin(&key(number), [0; 32], later), Ok(()));
        }
        assert_eq!(keys.begin(&key(0), [0; 32], now), Ok(()));
        assert_eq!(keys.begin(&key(MOST), [0; 32], now), Err(Seen::Running));
    }
}
