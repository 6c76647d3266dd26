//! The list and watch of one kind. Ours rather than kube's, because the last-compared time needs bookmarks and every
//! error must make the kind unknown. Writes to the store under its own number; owns no other state.

mod listing;

use super::backoff::Backoff;
use super::kinds::{GroupKind, Resource};
use super::limits::{Cause, Refusal};
use super::object::LiveObject;
use super::request::{RequestError, build};
use super::{Live, now};
use futures::TryStreamExt;
use kube::api::WatchEvent;
use lockstep_types::time::Micros;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// The watch of one kind.
pub(super) struct Watching {
    pub(super) live: Arc<Live>,
    pub(super) client: kube::Client,
    pub(super) kind: GroupKind,
    pub(super) resource: Resource,
    /// Only names and versions are asked for: nobody wants these objects, but their changes matter.
    pub(super) metadata_only: bool,
    pub(super) writer: u64,
    /// Bytes that may be kept of the kind; of the whole cluster, twice as many.
    pub(super) most: u64,
    /// Wanted objects lack their bodies.
    pub(super) fill: Arc<Notify>,
}

enum Ended {
    /// Go on from this version.
    Closed(String),
    /// The version is too old or unknown to the server: list again.
    Expired,
    Failed(String, RequestError),
    /// The server came back: go on, and learn soon whether all is current.
    Reconnected(String),
}

/// [`Watching::most`] outside of tests.
pub(super) const MOST: u64 = 512 << 20;
const OPEN_WITHIN: Duration = Duration::from_secs(15);
/// Servers send a bookmark two seconds before they close a watch: so a short one soon tells that all is current.
const SHORT_WATCH: Duration = Duration::from_secs(4);

impl Watching {
    /// Lists and watches until it is dropped.
    pub(super) async fn run(self) {
        let mut epoch = self.live.epoch.subscribe();
        let mut backoff = Backoff::default();
        let mut version: Option<String> = None;
        let mut short = false;
        let mut listed = Instant::now();
        // What the watch said was nonsense: a good list between does not make it a good server.
        let mut nonsense = false;
        loop {
            epoch.borrow_and_update();
            let from = match version.take() {
                Some(version) if listed.elapsed() < self.live.timing.relist_every => version,
                _ => match self.list().await {
                    Ok(from) => {
                        if !nonsense {
                            backoff.reset();
                        }
                        listed = Instant::now();
                        from
                    }
                    Err(error) => {
                        self.failed(&error, true);
                        backoff.wait(&error, &mut epoch).await;
                        continue;
                    }
                },
            };
            let (opened, opened_at) = (Instant::now(), now());
            match self.watch(&from, short, &mut epoch).await {
                Ended::Closed(from) => {
                    // A short watch was to tell that all is current. Where it did not, only a list can.
                    version = Some(from).filter(|_| !short || self.current_since(opened_at));
                    short = false;
                    // A server that closes at once must not be asked in a tight loop.
                    if opened.elapsed() < Duration::from_secs(1) {
                        backoff.pause(&mut epoch).await;
                    } else {
                        nonsense = false;
                        backoff.reset();
                    }
                }
                Ended::Expired => {}
                Ended::Reconnected(from) => {
                    version = Some(from);
                    short = true;
                }
                Ended::Failed(from, error) => {
                    nonsense = error.is_nonsense();
                    version = Some(from).filter(|_| !nonsense);
                    short = !nonsense;
                    self.failed(&error, false);
                    backoff.wait(&error, &mut epoch).await;
                }
            }
        }
    }

    /// Notes an error: what the server refuses makes the kind unknown; what breaks on the way leaves the data as it is.
    fn failed(&self, error: &RequestError, listing: bool) {
        let touched = {
            let mut store = self.live.store_mut();
            let Some(state) = store.owned(&self.kind, self.writer) else {
                return;
            };
            state.open = false;
            let trouble = match error {
                RequestError::Status { code: 403, .. } => Some(format!(
                    "the credentials may not list objects of kind {} (403)",
                    self.kind
                )),
                RequestError::Status { code: 429, .. } if state.complete => None,
                RequestError::Status { code, message, .. } => Some(format!(
                    "objects of kind {} cannot be listed: {code} {message}",
                    self.kind
                )),
                _ if error.is_nonsense() => Some(format!(
                    "cluster {}: objects of kind {} cannot be listed: {error}",
                    self.live.name(),
                    self.kind
                )),
                RequestError::Timeout(_) | RequestError::Unreachable(_)
                    if listing && !state.complete =>
                {
                    Some(format!(
                        "objects of kind {} cannot be listed: {error}",
                        self.kind
                    ))
                }
                _ => None,
            };
            let news = trouble.is_some() && state.trouble.is_none();
            if trouble.is_some() {
                state.trouble = trouble;
            }
            if news {
                store.wants.targets_of_kind(&self.kind)
            } else {
                Default::default()
            }
        };
        tracing::debug!(cluster = self.live.name(), kind = %self.kind, error = %error, "watching a kind failed");
        self.live.dirty.add(touched);
        if error.code() == Some(404) {
            self.live.kinds_changed.notify_one();
        }
    }

    fn object(&self, store: &super::store::Store, body: Value) -> Option<LiveObject> {
        let text = |pointer: &str| {
            body.pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let key = lockstep_types::resource::ResourceKey::new(
            &self.kind.group,
            &self.kind.kind,
            text("/metadata/namespace"),
            text("/metadata/name"),
        );
        let keep = if self.metadata_only {
            super::object::Keep::Index
        } else {
            store.keep(&key, body.pointer("/metadata/ownerReferences").is_some())
        };
        LiveObject::take(
            body,
            &self.kind.group,
            &self.kind.kind,
            &self.resource.api_version,
            keep,
        )
    }

    fn request(&self, path: &str, list_type: &str) -> Result<http::Request<Vec<u8>>, RequestError> {
        let metadata = format!("application/json;as={list_type};g=meta.k8s.io;v=v1");
        let accept = if self.metadata_only {
            metadata.as_str()
        } else {
            "application/json"
        };
        build(
            http::Method::GET,
            path,
            &[(http::header::ACCEPT, accept)],
            Vec::new(),
        )
    }

    async fn watch(&self, from: &str, short: bool, epoch: &mut watch::Receiver<u64>) -> Ended {
        let mut version = from.to_owned();
        let seconds = if short {
            SHORT_WATCH
        } else {
            self.live.timing.watch_for
        }
        .as_secs();
        let path = format!(
            "{}?watch=true&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={seconds}",
            self.resource.collection(""),
            super::request::escaped(from)
        );
        let request = match self.request(&path, "PartialObjectMetadata") {
            Ok(request) => request,
            Err(error) => return Ended::Failed(version, error),
        };
        let name = super::request::name_of(&request);
        let stream =
            match tokio::time::timeout(OPEN_WITHIN, self.client.request_events::<Value>(request))
                .await
            {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => {
                    let error = super::request::failed(&name, error);
                    // 400 and 504: the version is from another life of the server (etcd restored), or ahead of it.
                    return match error.code() {
                        Some(410 | 400 | 504) => Ended::Expired,
                        _ => Ended::Failed(version, error),
                    };
                }
                Err(_) => {
                    return Ended::Failed(version, RequestError::Timeout(OPEN_WITHIN.as_secs()));
                }
            };
        let _open = Open::new(self);
        let mut stream = std::pin::pin!(stream);
        let timing = self.live.timing;
        let mut heard = Instant::now();
        let mut nudge_at = if short {
            heard
        } else {
            heard + timing.nudge_after
        };
        loop {
            tokio::select! {
                event = stream.try_next() => match event {
                    Ok(Some(event)) => match self.take(event) {
                        Ok(seen) => {
                            version = seen.unwrap_or(version);
                            heard = Instant::now();
                            nudge_at = heard + timing.nudge_after;
                        }
                        Err(ended) => return ended.map_or(Ended::Expired, |error| Ended::Failed(version, error)),
                    },
                    Ok(None) => return Ended::Closed(version),
                    Err(error) => return Ended::Failed(version, super::request::failed(&name, error)),
                },
                () = tokio::time::sleep_until(heard + timing.watch_idle) => return Ended::Expired,
                () = tokio::time::sleep_until(nudge_at) => {
                    self.nudge().await;
                    nudge_at = Instant::now() + timing.nudge_after;
                }
                () = self.fill.notified() => if self.fill().await { return Ended::Expired },
                changed = epoch.changed() => if changed.is_ok() { return Ended::Reconnected(version) },
            }
        }
    }

    /// Takes one event; `Err(None)` when the version has expired.
    fn take(&self, event: WatchEvent<Value>) -> Result<Option<String>, Option<RequestError>> {
        let touched = match event {
            WatchEvent::Bookmark(bookmark) => {
                self.current(now());
                return Ok(Some(bookmark.metadata.resource_version));
            }
            WatchEvent::Error(status) if status.code == 410 => return Err(None),
            WatchEvent::Error(status) => return Err(Some(kube::Error::Api(status).into())),
            WatchEvent::Added(_) | WatchEvent::Modified(_)
                if self.live.store().size().1 > self.most.saturating_mul(2) =>
            {
                return Err(Some(self.too_many()));
            }
            WatchEvent::Added(body) | WatchEvent::Modified(body) => self.upsert(body),
            WatchEvent::Deleted(body) => {
                let mut store = self.live.store_mut();
                let gone = self.object(&store, body);
                gone.map(|gone| {
                    (
                        gone.resource_version.clone(),
                        store.remove(&self.kind, self.writer, &gone),
                    )
                })
            }
        };
        self.changed();
        let Some((version, touched)) = touched else {
            return Ok(None);
        };
        self.live.dirty.add(touched);
        self.current(now());
        Ok(Some(version))
    }

    fn upsert(
        &self,
        body: Value,
    ) -> Option<(
        String,
        std::collections::BTreeSet<lockstep_types::id::TargetId>,
    )> {
        // One lock for both: what is wanted must not change between deciding what to keep and keeping it.
        let mut store = self.live.store_mut();
        let object = self.object(&store, body)?;
        Some((
            object.resource_version.clone(),
            store.upsert(&self.kind, self.writer, object),
        ))
    }

    fn too_many(&self) -> RequestError {
        RequestError::Refused(Refusal {
            request: format!("GET {}", self.resource.collection("")),
            cause: Cause::Many { most: self.most },
        })
    }

    fn current_since(&self, at: Micros) -> bool {
        let store = self.live.store();
        store
            .kind(&self.kind)
            .and_then(|state| state.current_at)
            .is_some_and(|current| current >= at)
    }

    fn current(&self, at: Micros) {
        if let Some(state) = self.live.store_mut().owned(&self.kind, self.writer) {
            state.current_at = Some(at);
        }
    }

    /// Definitions of kinds changed: the served kinds will follow.
    fn changed(&self) {
        if matches!(
            self.kind.kind.as_str(),
            "CustomResourceDefinition" | "APIService"
        ) {
            self.live.kinds_changed.notify_one();
        }
    }
}

/// Counts an open watch and marks its kind as watched while it lives.
struct Open<'a>(&'a Watching);

impl<'a> Open<'a> {
    fn new(watching: &'a Watching) -> Self {
        watching.live.watches.fetch_add(1, Ordering::Relaxed);
        let touched = {
            let mut store = watching.live.store_mut();
            match store.owned(&watching.kind, watching.writer) {
                Some(state) => {
                    state.open = true;
                    // The list behind it is still good, so what made the kind unknown is over.
                    if state.trouble.take().is_some() {
                        store.wants.targets_of_kind(&watching.kind)
                    } else {
                        Default::default()
                    }
                }
                None => Default::default(),
            }
        };
        watching.live.dirty.add(touched);
        Self(watching)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.live.watches.fetch_sub(1, Ordering::Relaxed);
        if let Some(state) = self.0.live.store_mut().owned(&self.0.kind, self.0.writer) {
            state.open = false;
        }
    }
}

#[cfg(test)]
mod tests;
