//! Owns one cluster's connection: connects, checks who answers, starts and stops watches, sees it die and come back.
//! Nothing here awaits another cluster.

mod watches;

use super::backoff::jitter;
use super::kinds::{GroupKind, Kinds, Resource, discover};
use super::request::RequestError;
use super::{ClusterFacts, Live, LiveSettings, access, now, openapi, probe, transport};
use futures::future::BoxFuture;
use lockstep_types::cluster::Connection;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

struct Watcher {
    resource: Resource,
    metadata_only: bool,
    fill: Arc<Notify>,
    cancel: CancellationToken,
}

struct Supervisor {
    live: Arc<Live>,
    client: kube::Client,
    server: String,
    /// Identity of the cluster, from the settings or from the first answer.
    uid: Option<String>,
    watchers: HashMap<GroupKind, Watcher>,
    writer: u64,
    cancel: CancellationToken,
    tasks: TaskTracker,
    schemas: Arc<Notify>,
    connected: bool,
    /// A probe failed once; the next failure counts.
    doubted: bool,
    next_probe: Instant,
    next_identity: Instant,
    discoveries: Vec<Instant>,
}

const IDENTITY_EVERY: Duration = Duration::from_secs(60);
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Discovery follows a new definition after a while: look several times.
const LOOKS: [u64; 4] = [250, 1_000, 3_000, 8_000];
/// Between two looks for a kind that is wanted and not served.
const NEAR: Duration = Duration::from_secs(15);
/// A burst of wishes is met at once.
const SETTLE: Duration = Duration::from_millis(20);

/// Supervises a cluster until `cancel`.
pub(super) async fn run(
    live: Arc<Live>,
    settings: LiveSettings,
    cancel: CancellationToken,
    tasks: TaskTracker,
) {
    let opened = match access::read(&settings.kubeconfig, &settings.context, &settings.policy).await
    {
        Ok(access) => {
            transport::client(&access, &settings.policy).map(|client| (access.server, client))
        }
        Err(error) => Err(error),
    };
    let (server, client) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            // Only other settings can help, so there is no next try.
            live.connection.send_replace(Connection::Unreachable {
                error: error.to_string(),
                since: now(),
                next_try: None,
            });
            return;
        }
    };
    live.known_mut().client = Some(client.clone());
    let schemas = Arc::new(Notify::new());
    let reading = openapi::run(Arc::clone(&live), client.clone(), Arc::clone(&schemas));
    let stop = cancel.clone();
    tasks.spawn(async move {
        let _ = stop.run_until_cancelled(reading).await;
    });
    let supervisor = Supervisor {
        live,
        client,
        server,
        uid: settings.expected_uid,
        watchers: HashMap::new(),
        writer: 0,
        cancel: cancel.clone(),
        tasks,
        schemas,
        connected: false,
        doubted: false,
        next_probe: Instant::now(),
        next_identity: Instant::now(),
        discoveries: Vec::new(),
    };
    let _ = cancel.run_until_cancelled(supervisor.supervise()).await;
}

impl Supervisor {
    async fn supervise(mut self) {
        let live = Arc::clone(&self.live);
        // Polled beside the probes: a slow discovery must not delay them.
        let mut discovering: Option<BoxFuture<'static, Result<Kinds, RequestError>>> = None;
        loop {
            let due = self.connected && discovering.is_none();
            let discovery = self.discoveries.iter().min().copied().filter(|_| due);
            tokio::select! {
                () = tokio::time::sleep_until(self.next_probe) => self.look().await,
                () = live.wants_changed.notified(), if self.connected => {
                    tokio::time::sleep(SETTLE).await;
                    self.adjust();
                }
                () = live.kinds_changed.notified(), if self.connected => {
                    let now = Instant::now();
                    self.discoveries = LOOKS.iter().map(|millis| now + Duration::from_millis(*millis)).collect();
                }
                () = sleep_until(discovery) => {
                    let now = Instant::now();
                    self.discoveries.retain(|at| *at > now);
                    let client = self.client.clone();
                    discovering = Some(Box::pin(async move { discover(&client).await }));
                }
                discovered = ended(&mut discovering) => {
                    discovering = None;
                    self.discovered(discovered);
                }
            }
        }
    }

    /// Probes, and moves between connected and unreachable.
    async fn look(&mut self) {
        let timing = self.live.timing;
        let asked = Instant::now();
        match probe::probe(&self.client, timing.probe_within).await {
            Ok(()) => {
                let millis = u32::try_from(asked.elapsed().as_millis()).unwrap_or(u32::MAX - 1);
                self.live.latency.store(millis, Ordering::Relaxed);
                self.doubted = false;
                self.next_probe = Instant::now() + timing.probe_every;
                let entered = if self.connected {
                    self.confirm().await
                } else {
                    self.connect().await
                };
                if let Err(error) = entered {
                    self.lost(error);
                }
            }
            // One lost answer of a busy server is no outage: ask again at once.
            Err(RequestError::Timeout(_)) if self.connected && !self.doubted => {
                self.doubted = true;
                self.next_probe = Instant::now();
            }
            Err(error) => self.lost(probe::in_words(&self.server, &error)),
        }
    }

    /// The server answers after it did not: who is it, and what does it serve?
    async fn connect(&mut self) -> Result<(), String> {
        let words = |error: RequestError| probe::in_words(&self.server, &error);
        let uid = probe::identity(&self.client, CONNECT_WITHIN).await;
        if uid.is_err() {
            // Who does not answer now takes nobody's place.
            self.live.known_mut().stranger = None;
        }
        let uid = uid.map_err(words)?;
        let version = probe::version(&self.client, CONNECT_WITHIN)
            .await
            .map_err(words)?;
        self.check(uid.as_deref())?;
        let kinds = discover(&self.client)
            .await
            .map_err(|error| probe::in_words(&self.server, &error))?;
        self.uid = uid.or(self.uid.take());
        self.learn(kinds, Some(version));
        self.live.known_mut().connected_since = Some(now());
        self.connected = true;
        self.next_identity = Instant::now() + IDENTITY_EVERY;
        self.live.connection.send_replace(Connection::Connected);
        self.live.epoch.send_modify(|epoch| *epoch += 1);
        self.adjust();
        tracing::info!(
            cluster = self.live.name(),
            server = self.server,
            "connected to the cluster"
        );
        Ok(())
    }

    /// From time to time: is it still the same cluster?
    async fn confirm(&mut self) -> Result<(), String> {
        if Instant::now() < self.next_identity {
            return Ok(());
        }
        self.next_identity = Instant::now() + IDENTITY_EVERY;
        match probe::identity(&self.client, self.live.timing.probe_within).await {
            Ok(uid) => self.check(uid.as_deref()),
            // The next probe tells whether it is gone.
            Err(_) => Ok(()),
        }
    }

    fn check(&mut self, uid: Option<&str>) -> Result<(), String> {
        match (&self.uid, uid) {
            (Some(expected), Some(found)) if expected != found => {
                let error = format!(
                    "{} is another cluster now (its kube-system namespace has UID {found}, not {expected}); re-establish it on its page if that is meant, or restore the address",
                    self.server
                );
                self.stop_all();
                self.live.known_mut().stranger = Some(found.to_owned());
                Err(error)
            }
            _ => {
                self.live.known_mut().stranger = None;
                Ok(())
            }
        }
    }

    fn lost(&mut self, error: String) {
        let timing = self.live.timing;
        let pause = timing.retry_every.mul_f64(jitter());
        self.next_probe = Instant::now() + pause;
        self.doubted = false;
        let next_try = Some(now().plus_seconds(i64::try_from(pause.as_secs().max(1)).unwrap_or(1)));
        if self.connected {
            tracing::warn!(
                cluster = self.live.name(),
                error,
                "the cluster does not answer"
            );
        }
        self.connected = false;
        self.live.known_mut().connected_since = None;
        for state in self.live.store_mut().kinds_mut() {
            state.open = false;
        }
        self.live.connection.send_modify(|connection| {
            let since = match connection {
                Connection::Unreachable { since, .. } => *since,
                _ => now(),
            };
            *connection = Connection::Unreachable {
                error,
                since,
                next_try,
            };
        });
    }

    fn discovered(&mut self, answer: Result<Kinds, RequestError>) {
        match answer {
            // What a server said before it was lost may be another cluster's.
            Ok(_) if !self.connected => {}
            Ok(kinds) => {
                self.learn(kinds, None);
                self.adjust();
            }
            Err(error) => {
                tracing::debug!(cluster = self.live.name(), error = %error, "discovery failed");
                self.discoveries.push(Instant::now() + NEAR);
            }
        }
    }

    /// Publishes what the server serves; targets are touched when that changed.
    fn learn(&mut self, kinds: Kinds, version: Option<String>) {
        let api_versions = kinds.api_versions();
        let touched = {
            let mut known = self.live.known_mut();
            let version = version
                .or_else(|| known.facts.as_ref().map(|facts| facts.version.clone()))
                .unwrap_or_default();
            let facts = ClusterFacts {
                version,
                api_versions,
                uid: self.uid.clone(),
            };
            let broken = known.kinds.as_ref().map(|old| old.broken_groups.clone());
            let changed = known.facts.as_ref() != Some(&facts)
                || broken.as_ref() != Some(&kinds.broken_groups);
            known.facts = Some(facts);
            known.kinds = Some(Arc::new(kinds));
            known.discovered_at = Some(now());
            changed
        };
        if touched {
            let targets = self.live.store().wants.all_targets();
            self.live.dirty.add(targets);
        }
        // One far look is enough; each look plans the next.
        self.discoveries.retain(|at| *at <= Instant::now() + NEAR);
        self.discoveries
            .push(Instant::now() + self.live.timing.discover_every.mul_f64(jitter()));
        self.schemas.notify_one();
    }
}

/// Waits for what is under way, or forever when nothing is.
async fn ended<T>(under_way: &mut Option<BoxFuture<'static, T>>) -> T {
    match under_way {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

/// Waits for a moment, or forever when there is none.
async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
