//! The hub: one reader follows the event log and hands each event to all subscribers, in order and without gaps.
//!
//! The log is the truth and the broadcast only a wake-up with the content attached: who starts in the past or falls
//! behind reads the log itself from where it stands. Knows nothing of HTTP.

use crate::store::{Store, StoreError, application, event};
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::event::{Event, Subject};
use lockstep_types::id::ApplicationId;
use lockstep_types::policy;
use lockstep_types::ports::{Answer, Events};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

/// Who is further behind reads the log: enough for the burst of one run.
const BUFFER: usize = 1024;
/// Rows per read of the log.
const PAGE: u64 = 500;
/// Events of another replica do not wake this process, so it also looks by itself.
const LOOK: Duration = Duration::from_secs(2);

/// Shares one reading of the log. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    store: Store,
    sender: broadcast::Sender<Arc<Event>>,
}

impl Hub {
    /// A hub over this store. Nothing arrives until [`Hub::follow`] runs.
    pub fn new(store: Store) -> Self {
        let (sender, _) = broadcast::channel(BUFFER);
        Self { store, sender }
    }

    /// Follows the log until cancelled. Exactly one of these runs per process.
    pub async fn follow(self, cancel: CancellationToken) {
        let mut committed = self.store.committed();
        let mut position = None;
        loop {
            match self.forward(position).await {
                Ok(reached) => position = Some(reached),
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the event log cannot be read; trying again"
                ),
            }
            tokio::select! {
                () = cancel.cancelled() => return,
                // An error means that the store is gone, and then so are we, by the token.
                _ = committed.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Hands on what is new since `position`, and returns the new position.
    async fn forward(&self, position: Option<u64>) -> Result<u64, StoreError> {
        let Some(mut position) = position else {
            return event::head(&self.store).await;
        };
        loop {
            let events = event::after(&self.store, position, PAGE).await?;
            let Some(last) = events.last() else {
                return Ok(position);
            };
            position = last.seq;
            for event in events {
                // Nobody listens: nobody misses it.
                let _ = self.sender.send(Arc::new(event));
            }
        }
    }
}

/// Where one subscriber stands.
struct Reader {
    store: Store,
    live: broadcast::Receiver<Arc<Event>>,
    /// The last event handed out.
    position: u64,
    /// Read from the log, not handed out yet; in reverse.
    pending: Vec<Event>,
    /// Reads the log until it has nothing more.
    behind: bool,
}

impl Reader {
    /// The next event; `None` when the hub is gone.
    async fn next(&mut self) -> Option<Answer<Event>> {
        loop {
            if let Some(event) = self.pending.pop() {
                self.position = event.seq;
                return Some(Ok(event));
            }
            if self.behind {
                match event::after(&self.store, self.position, PAGE).await {
                    Ok(events) if events.is_empty() => self.behind = false,
                    Ok(events) => self.pending = events.into_iter().rev().collect(),
                    Err(error) => return Some(Err(unavailable(&error))),
                }
                continue;
            }
            match self.live.recv().await {
                // What the log already gave.
                Ok(event) if event.seq <= self.position => {}
                Ok(event) if event.seq == self.position + 1 => {
                    self.position = event.seq;
                    return Some(Ok(Event::clone(&event)));
                }
                Ok(_) | Err(RecvError::Lagged(_)) => self.behind = true,
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

fn unavailable(error: &StoreError) -> PortError {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "the event log cannot be read"
    );
    PortError::Unavailable("the event log cannot be read now; it is tried again".to_owned())
}

#[async_trait]
impl Events for Hub {
    /// A number says nothing: whoever is logged in may know it.
    async fn head(&self, _: &Actor) -> Answer<u64> {
        event::head(&self.store)
            .await
            .map_err(|error| unavailable(&error))
    }

    async fn subscribe(
        &self,
        actor: &Actor,
        after: u64,
    ) -> Answer<BoxStream<'static, Answer<Event>>> {
        // First listen, then look: nothing falls in between.
        let live = self.sender.subscribe();
        let reaches = event::reaches(&self.store, after).await;
        if !reaches.map_err(|error| unavailable(&error))? {
            return Err(PortError::Conflict(
                "the event log no longer reaches back to where this page stands; load it again"
                    .to_owned(),
            ));
        }
        let reader = Reader {
            store: self.store.clone(),
            live,
            position: after,
            pending: Vec::new(),
            behind: true,
        };
        let view = View::of(actor, self.store.clone());
        let stream = futures::stream::unfold(Some(reader), |reader| async move {
            let mut reader = reader?;
            let item = reader.next().await?;
            // After an error the subscriber starts anew from where it stands.
            let rest = item.is_ok().then_some(reader);
            Some((item, rest))
        });
        if view.whole {
            return Ok(stream.boxed());
        }
        let filtered =
            futures::stream::unfold((stream.boxed(), view), |(mut stream, view)| async move {
                loop {
                    match stream.next().await? {
                        Ok(event) if !view.shows(&event.subject).await => {}
                        item => return Some((item, (stream, view))),
                    }
                }
            });
        Ok(filtered.boxed())
    }
}

/// What of the log somebody may see. Rights that change end the stream.
struct View {
    actor: Actor,
    store: Store,
    /// Everything.
    whole: bool,
}

impl View {
    fn of(actor: &Actor, store: Store) -> Self {
        Self {
            whole: actor.may_on_all(Permission::Get) && actor.may_on_all(Permission::SeeClusters),
            actor: actor.clone(),
            store,
        }
    }

    async fn shows(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Target { application, .. } | Subject::Run { application, .. } => {
                self.shows_application(*application).await
            }
            Subject::Cluster(name) => self.actor.may_on(Permission::SeeClusters, name),
            Subject::Source(_) => self.actor.may(Permission::SeeSources),
            // They say only that something about people or alerts changed.
            Subject::Account | Subject::Alerts => true,
        }
    }

    async fn shows_application(&self, id: ApplicationId) -> bool {
        let Ok(row) = application::get(&self.store, id).await else {
            return false;
        };
        self.actor.may_on(
            Permission::Get,
            &policy::application(&row.project, &row.name),
        )
    }
}
