//! Access to the rig's first cluster for the tests of `live` and `apply`: an independent administrator's client, a
//! namespace per test, and a TCP relay that can freeze or refuse connections.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot reach its cluster fails with words"
)]
#![allow(dead_code, reason = "each test program uses its own part")]

use engine::live::{ClusterPolicy, Live, LiveSettings, Timing, WantedObject};
use kube::config::{KubeConfigOptions, Kubeconfig};
use lockstep_types::cluster::Connection;
use lockstep_types::id::TargetId;
use lockstep_types::resource::ResourceKey;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub struct Cluster {
    pub kubeconfig: String,
    pub server: String,
    pub admin: kube::Client,
    pub namespace: String,
}

impl Cluster {
    /// The rig's first cluster with a new namespace.
    pub async fn new(test: &str) -> Self {
        let Ok(path) = std::env::var("LOCKSTEP_RIG") else {
            panic!(
                "LOCKSTEP_RIG is not set: run \"node end2end/rig/rig.mjs up\" and set it to the path of its rig.json"
            );
        };
        Self::of(PathBuf::from(path), test).await
    }

    /// The first cluster of another rig.
    pub async fn of(path: PathBuf, test: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let path = path.display().to_string();
        let rig = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("no rig is described in {path}: {error}"));
        let rig: Value = serde_json::from_str(&rig).unwrap();
        let text = |pointer: &str| {
            rig.pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_else(|| panic!("{path} has no {pointer}"))
                .to_owned()
        };
        let kubeconfig = std::fs::read_to_string(text("/clusters/0/kubeconfig")).unwrap();
        let parsed = Kubeconfig::from_yaml(&kubeconfig).unwrap();
        let config = kube::Config::from_custom_kubeconfig(parsed, &KubeConfigOptions::default())
            .await
            .unwrap();
        let admin = kube::Client::try_from(config).unwrap();
        let namespace = unique(test);
        let cluster = Self {
            kubeconfig,
            server: text("/clusters/0/server"),
            admin,
            namespace,
        };
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": cluster.namespace}});
        cluster.post("/api/v1/namespaces", body).await;
        cluster
    }

    /// Settings that open what the rig needs, with quick timing.
    pub fn settings(&self) -> LiveSettings {
        LiveSettings {
            name: "rig".to_owned(),
            kubeconfig: SecretString::from(self.kubeconfig.clone()),
            context: String::new(),
            policy: ClusterPolicy {
                allow_private: true,
                ..ClusterPolicy::default()
            },
            expected_uid: None,
            timing: Timing {
                probe_every: Duration::from_millis(500),
                probe_within: Duration::from_millis(800),
                retry_every: Duration::from_millis(300),
                ..Timing::default()
            },
        }
    }

    /// Settings that lead through a relay.
    pub fn settings_through(&self, relay: &Relay) -> LiveSettings {
        let kubeconfig = self
            .kubeconfig
            .replace(&self.server, &format!("https://{}", relay.address));
        LiveSettings {
            kubeconfig: SecretString::from(kubeconfig),
            ..self.settings()
        }
    }

    pub fn key(&self, group: &str, kind: &str, name: &str) -> ResourceKey {
        ResourceKey::new(group, kind, &self.namespace, name)
    }

    pub async fn send(
        &self,
        method: http::Method,
        path: &str,
        body: Value,
    ) -> Result<Value, kube::Error> {
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let content = if method == http::Method::PATCH {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header(http::header::CONTENT_TYPE, content)
            .body(body)
            .unwrap();
        self.admin.request(request).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.send(http::Method::POST, path, body)
            .await
            .unwrap_or_else(|error| panic!("POST {path}: {error}"))
    }

    pub async fn patch(&self, path: &str, body: Value) -> Value {
        self.send(http::Method::PATCH, path, body)
            .await
            .unwrap_or_else(|error| panic!("PATCH {path}: {error}"))
    }

    pub async fn get(&self, path: &str) -> Option<Value> {
        self.send(http::Method::GET, path, Value::Null).await.ok()
    }

    pub async fn delete(&self, path: &str) {
        let _ = self.send(http::Method::DELETE, path, Value::Null).await;
    }

    /// `/api/v1/namespaces/NAMESPACE/REST`.
    pub fn core(&self, rest: &str) -> String {
        format!("/api/v1/namespaces/{}/{rest}", self.namespace)
    }

    /// `/apis/GROUP/VERSION/namespaces/NAMESPACE/REST`.
    pub fn apis(&self, group_version: &str, rest: &str) -> String {
        format!("/apis/{group_version}/namespaces/{}/{rest}", self.namespace)
    }

    pub async fn config_map(&self, name: &str, data: Value) -> Value {
        self.post(&self.core("configmaps"), json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})).await
    }

    pub async fn end(&self) {
        self.delete(&format!("/api/v1/namespaces/{}", self.namespace))
            .await;
    }
}

/// A running [`Live`] that ends with the test.
pub struct Running {
    pub live: Arc<Live>,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    pub fn start(settings: LiveSettings) -> Self {
        let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
        let live = Live::start(settings, cancel.clone(), &tasks);
        Self {
            live,
            cancel,
            tasks,
        }
    }

    pub async fn connected(settings: LiveSettings) -> Self {
        let running = Self::start(settings);
        running
            .until_connection("connected", |connection| {
                matches!(connection, Connection::Connected)
            })
            .await;
        running
    }

    /// Waits for a state of the connection and returns it.
    pub async fn until_connection(
        &self,
        what: &str,
        holds: impl Fn(&Connection) -> bool,
    ) -> Connection {
        let mut receiver = self.live.connection();
        let waited = tokio::time::timeout(
            Duration::from_secs(20),
            receiver.wait_for(|connection| holds(connection)),
        )
        .await;
        match waited {
            Ok(Ok(connection)) => connection.clone(),
            _ => panic!(
                "not {what} within 20 s: {:?}",
                *self.live.connection().borrow()
            ),
        }
    }

    /// Ends everything and proves that nothing keeps running.
    pub async fn stop(self) {
        self.cancel.cancel();
        self.tasks.close();
        assert!(
            tokio::time::timeout(Duration::from_secs(5), self.tasks.wait())
                .await
                .is_ok(),
            "tasks are left after cancel"
        );
    }
}

/// Waits for a state, looking often.
pub async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited 20 s for: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub fn want(key: &ResourceKey, api_version: &str) -> WantedObject {
    WantedObject::new(key.clone(), api_version)
}

pub fn target(number: u128) -> TargetId {
    TargetId(Uuid::from_u128(number))
}

/// A name that no other test or run has.
pub fn unique(test: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let time = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_micros();
    format!(
        "{test}-{}-{:x}",
        COUNT.fetch_add(1, Ordering::Relaxed),
        time & 0xFFFF_FFFF_FFFF
    )
}

/// What a [`Relay`] does with connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Open,
    /// Takes connections and bytes, and answers nothing.
    Frozen,
    /// Closes every connection at once.
    Broken,
}

/// A TCP relay before the API server.
pub struct Relay {
    pub address: SocketAddr,
    mode: watch::Sender<Mode>,
}

impl Relay {
    pub async fn before(server: &str) -> Self {
        let upstream: SocketAddr = server.trim_start_matches("https://").parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mode = watch::Sender::new(Mode::Open);
        let receiver = mode.subscribe();
        tokio::spawn(async move {
            while let Ok((inside, _)) = listener.accept().await {
                tokio::spawn(relay(inside, upstream, receiver.clone()));
            }
        });
        Self { address, mode }
    }

    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn relay(inside: TcpStream, upstream: SocketAddr, mut mode: watch::Receiver<Mode>) {
    if mode
        .wait_for(|mode| *mode != Mode::Frozen)
        .await
        .is_err_and(|_| true)
        || *mode.borrow() == Mode::Broken
    {
        return;
    }
    let Ok(outside) = TcpStream::connect(upstream).await else {
        return;
    };
    let (mut from_inside, mut to_inside) = inside.into_split();
    let (mut from_outside, mut to_outside) = outside.into_split();
    let up = pump(&mut from_inside, &mut to_outside, mode.clone());
    let down = pump(&mut from_outside, &mut to_inside, mode.clone());
    tokio::select! {
        () = up => {}
        () = down => {}
        _ = mode.wait_for(|mode| *mode == Mode::Broken) => {}
    }
}

async fn pump(
    from: &mut (impl tokio::io::AsyncRead + Unpin),
    to: &mut (impl tokio::io::AsyncWrite + Unpin),
    mut mode: watch::Receiver<Mode>,
) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(read) = from.read(&mut buffer).await {
        if read == 0 || mode.wait_for(|mode| *mode != Mode::Frozen).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
