//! A push on a real Git host is read at once: its webhook, through the real router, to the source that reads it.

#![expect(
    clippy::expect_used,
    reason = "a test without its Git host fails with words"
)]

use async_trait::async_trait;
use engine::live::ClusterPolicy;
use engine::render::{Renderer, SandboxSettings};
use engine::source::{Credential, Mirrors};
use lockstep_types::account::{Actor, Role};
use lockstep_types::id::UserId;
use lockstep_types::ports::ControlPlane;
use lockstep_types::revision::TargetRevision;
use lockstep_types::webhook::{Delivery, DeliveryOutcome, WebhookProvider};
use secrecy::SecretString;
use serde_json::{Value, json};
use server::accounts::AccountService;
use server::config::{PublicUrl, SessionLimits};
use server::control_plane::Registration;
use server::events::Hub;
use server::http::{Limits, Peer, TimedListener, Web, WebSettings, router};
use server::runtime::{Access, AccessRefused, ClusterAccess, GitAccess, Parts, Runtime, Settings};
use server::secrets::Vault;
use server::store::{self, Store};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const WITHIN: Duration = Duration::from_secs(60);
const BODY: &str =
    r#"{"repository": "https://git.example.org/no/such.git", "ref": "refs/heads/main"}"#;

/// The rig's Git host and one repository on it.
pub struct Host {
    pub http: reqwest::Client,
    url: String,
    user: String,
    token: String,
    repository: String,
}

impl Host {
    pub async fn with_repository() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let path = std::env::var_os("LOCKSTEP_RIG").expect("LOCKSTEP_RIG names the rig.json");
        let text = std::fs::read_to_string(path).expect("rig.json can be read");
        let rig: Value = serde_json::from_str(&text).expect("rig.json is JSON");
        let text = |name: &str| rig["gitea"][name].as_str().expect(name).to_owned();
        let host = Self {
            http: reqwest::Client::new(),
            url: text("url"),
            user: text("adminUser"),
            token: text("adminToken"),
            repository: format!("hook-{}", &Uuid::now_v7().simple().to_string()[16..]),
        };
        let new = json!({"name": host.repository, "private": true, "auto_init": true, "default_branch": "main"});
        let address = format!("admin/users/{}/repos", host.user);
        host.ask(reqwest::Method::POST, &address, Some(new)).await;
        host
    }

    pub async fn ask(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
        let address = format!("{}api/v1/{path}", self.url);
        let mut request = self.http.request(method, address);
        request = request.header("authorization", format!("token {}", self.token));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("the Git host answers");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        let text = answer.text().await.expect("a body");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    pub fn place(&self, rest: &str) -> String {
        format!("repos/{}/{}/{rest}", self.user, self.repository)
    }

    /// What is there, or null.
    pub async fn maybe(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}api/v1/{path}", self.url));
        let request = request.header("authorization", format!("token {}", self.token));
        let answer = request.send().await.expect("the Git host answers");
        let text = answer.text().await.expect("a body");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Removes the repository.
    pub async fn remove(&self) {
        let path = self.place("");
        self.ask(reqwest::Method::DELETE, path.trim_end_matches('/'), None)
            .await;
    }

    /// Pushes a commit; its SHA.
    async fn push(&self, file: &str, branch: Option<&str>) -> String {
        let mut body =
            json!({"content": "YTogYgo=", "message": format!("add {file}"), "branch": "main"});
        if let Some(branch) = branch {
            body["new_branch"] = json!(branch);
        }
        let path = self.place(&format!("contents/{file}"));
        let made = self.ask(reqwest::Method::POST, &path, Some(body)).await;
        made["commit"]["sha"].as_str().expect("a commit").to_owned()
    }
}

struct Keys(Credential);

#[async_trait]
impl Access for Keys {
    async fn git(&self, _: &str) -> Result<GitAccess, AccessRefused> {
        Ok(GitAccess {
            credential: self.0.clone(),
            poll: None,
        })
    }

    async fn cluster(&self, _: &str) -> Result<ClusterAccess, AccessRefused> {
        Ok(ClusterAccess {
            kubeconfig: SecretString::from(""),
            context: String::new(),
            policy: ClusterPolicy::default(),
        })
    }
}

/// A server whose repositories are looked at so often, and the address it listens on.
pub async fn serve(
    host: &Host,
    folder: &std::path::Path,
    poll: Duration,
) -> (Runtime, Store, ControlPlane, String) {
    let store = Store::open(&format!("sqlite:{}", folder.join("x.db").display()))
        .await
        .expect("a database");
    store.migrate().await.expect("a schema");
    let mut tx = store.begin().await.expect("a write");
    let fields = store::source::SourceFields {
        name: "root".to_owned(),
        repo_url: format!("{}{}/{}.git", host.url, host.user, host.repository),
        path: String::new(),
        target_revision: TargetRevision("main".to_owned()),
        home_cluster: String::new(),
    };
    store::source::declare(&mut tx, &fields)
        .await
        .expect("a source");
    tx.commit().await.expect("a commit");
    let work = folder.join("work");
    std::fs::create_dir_all(&work).expect("a folder");
    let program = PathBuf::from(env!("CARGO_BIN_EXE_lockstep"));
    let tcp = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = format!("http://{}", tcp.local_addr().expect("an address"));
    let runtime = Runtime::start(Parts {
        store: store.clone(),
        mirrors: Mirrors::for_tests(folder.join("mirrors")).expect("mirrors"),
        renderer: Renderer::new(
            engine::testing::renderers(),
            SandboxSettings::new(program),
            work,
        ),
        access: Arc::new(Keys(Credential::Basic {
            username: host.user.clone(),
            password: SecretString::from(host.token.clone()),
        })),
        installation: Uuid::now_v7(),
        settings: Settings {
            poll,
            public_url: address.clone(),
            ..Settings::default()
        },
    });
    let accounts = AccountService::open(store.clone()).await.expect("accounts");
    let registration = Registration {
        vault: Vault::open(folder, None).expect("a vault"),
        policy: ClusterPolicy::default(),
    };
    let hub = Hub::new(store.clone());
    tokio::spawn(hub.clone().follow(CancellationToken::new()));
    let plane = server::control_plane::ports(
        runtime.clone(),
        registration,
        Arc::new(accounts.clone()),
        Arc::new(hub),
    );
    let settings = WebSettings {
        public_url: PublicUrl::parse(&address, false).expect("an address"),
        session: SessionLimits::default(),
        trusted_proxies: Vec::new(),
        site_root: folder.to_owned(),
    };
    let web = router(Web::new(plane.clone(), accounts, settings));
    let service = web.into_make_service_with_connect_info::<Peer>();
    let listener = TimedListener::new(tcp, Limits::default());
    tokio::spawn(async move { axum::serve(listener, service).await });
    (runtime, store, plane, address)
}

pub fn admin() -> Actor {
    Actor {
        user: UserId(Uuid::nil()),
        name: "test".to_owned(),
        role: Role::Admin,
        token: None,
        rights: Default::default(),
    }
}

async fn until_read(store: &Store, sha: &str) {
    let deadline = Instant::now() + WITHIN;
    loop {
        let row = store::source::by_name(store, "root").await.expect("a read");
        let row = row.expect("the source");
        if row.revision.as_ref().is_some_and(|read| read.0 == sha) {
            return;
        }
        assert!(Instant::now() < deadline, "{sha} was not read: {row:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn until_delivered(plane: &ControlPlane, outcome: DeliveryOutcome) -> Delivery {
    let deadline = Instant::now() + WITHIN;
    loop {
        let view = plane.webhooks.webhooks(&admin()).await.expect("a view");
        let here = view.endpoints.iter();
        let mut here = here.filter(|endpoint| endpoint.provider == WebhookProvider::Gitea);
        let last = here.next().and_then(|endpoint| endpoint.last.clone());
        match last {
            Some(last) if last.outcome == outcome => return last,
            other => assert!(Instant::now() < deadline, "never {outcome:?}: {other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_is_read_at_once_and_strangers_are_turned_away() {
    let host = Host::with_repository().await;
    let folder = tempfile::tempdir().expect("a folder");
    let (runtime, store, plane, address) =
        serve(&host, folder.path(), Duration::from_secs(3600)).await;
    let branch = host
        .ask(reqwest::Method::GET, &host.place("branches/main"), None)
        .await;
    until_read(&store, branch["commit"]["id"].as_str().expect("a commit")).await;

    // Before there is a secret nobody is let in, not even with an empty one.
    let gitea = format!("{address}/api/webhooks/gitea");
    let generic = format!("{address}/api/webhooks/generic");
    let call = async |url: &str, secret: &str| {
        let request = host.http.post(url).header("x-lockstep-token", secret);
        let request = request.header("content-type", "application/json");
        let answer = request.body(BODY).send().await.expect("an answer");
        let status = answer.status().as_u16();
        (status, answer.text().await.expect("a body"))
    };
    assert_eq!(call(&generic, "").await.0, 401);
    let secret = plane.webhooks.renew_webhook_secret(&admin()).await;
    let secret = secret.expect("a secret");
    let sealed = std::fs::read(folder.path().join("x.db")).expect("the database");
    assert!(!sealed.windows(64).any(|part| part == secret.as_bytes()));

    let hook = json!({"type": "gitea", "active": true, "events": ["push", "pull_request"],
        "config": {"url": gitea, "content_type": "json", "secret": secret}});
    host.ask(reqwest::Method::POST, &host.place("hooks"), Some(hook))
        .await;
    let sha = host.push("one.yaml", None).await;
    until_read(&store, &sha).await;
    let delivery = until_delivered(&plane, DeliveryOutcome::Fetching).await;
    assert!(
        delivery
            .repository
            .ends_with(&format!("{}.git", host.repository))
    );
    assert_eq!(delivery.references, ["refs/heads/main"]);

    // A branch that nobody follows wakes nobody.
    host.push("two.yaml", Some("try-it")).await;
    let delivery = until_delivered(&plane, DeliveryOutcome::UnfollowedReference).await;
    assert_eq!(delivery.references, ["refs/heads/try-it"]);

    // A pull request says of which repository to ask again, and nothing else.
    let pull = json!({"title": "try it", "head": "try-it", "base": "main"});
    host.ask(reqwest::Method::POST, &host.place("pulls"), Some(pull))
        .await;
    let delivery = until_delivered(&plane, DeliveryOutcome::PullRequest).await;
    assert_eq!(delivery.references, [""; 0]);

    // Unknown and known repositories are answered alike, and strangers all the same.
    let known = format!("{}{}/{}.git", host.url, host.user, host.repository);
    let unknown = call(&generic, &secret).await;
    let request = host.http.post(&generic).header("x-lockstep-token", &secret);
    let request = request.json(&json!({"repository": known, "ref": "refs/heads/main"}));
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    assert_eq!(unknown, (status, answer.text().await.expect("a body")));
    assert_eq!(unknown.0, 202);
    assert_eq!(call(&generic, "wrong").await.0, 401);
    assert_eq!(call(&gitea, &secret).await.0, 401);
    let view = plane.webhooks.webhooks(&admin()).await.expect("a view");
    let refused = view.endpoints.iter().filter(|one| one.refused.is_some());
    assert_eq!(refused.count(), 2);

    // What was done is counted, by stage and not by id.
    let metrics = runtime.metrics().text(&runtime).await;
    let metrics = metrics.expect("a text");
    let fetches = metrics
        .lines()
        .find_map(|line| line.strip_prefix("lockstep_stage_runs_total{stage=\"fetch\"} "));
    let fetches: u64 = fetches.expect("a line").parse().expect("a number");
    assert!(fetches >= 2, "{metrics}");
    assert!(metrics.contains("lockstep_stage_last_success_age_seconds{stage=\"fetch\"}"));

    host.remove().await;
    runtime.stop(Duration::from_secs(20)).await;
}

/// From a webhook to the revision that is written down, in milliseconds: the median and the slowest of some pushes. With
/// `LOCKSTEP_FIGURES` the figures go into that file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_is_seen_soon_after_its_webhook() {
    let host = Host::with_repository().await;
    let folder = tempfile::tempdir().expect("a folder");
    let (runtime, store, plane, address) =
        serve(&host, folder.path(), Duration::from_secs(3600)).await;
    let branch = host
        .ask(reqwest::Method::GET, &host.place("branches/main"), None)
        .await;
    until_read(&store, branch["commit"]["id"].as_str().expect("a commit")).await;
    let secret = plane.webhooks.renew_webhook_secret(&admin()).await;
    let secret = secret.expect("a secret");
    let repository = format!("{}{}/{}.git", host.url, host.user, host.repository);
    let mut took = Vec::new();
    for number in 0..12 {
        let sha = host.push(&format!("{number}.yaml"), None).await;
        let began = Instant::now();
        let answer = host
            .http
            .post(format!("{address}/api/webhooks/generic"))
            .header("x-lockstep-token", &secret)
            .json(&json!({"repository": repository, "ref": "refs/heads/main"}))
            .send()
            .await
            .expect("an answer");
        assert_eq!(answer.status().as_u16(), 202);
        loop {
            let row = store::source::by_name(&store, "root")
                .await
                .expect("a read");
            if row.is_some_and(|row| row.revision.is_some_and(|read| read.0 == sha)) {
                break;
            }
            assert!(began.elapsed() < WITHIN, "{sha} was not read");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        took.push(began.elapsed().as_millis());
    }
    took.sort_unstable();
    let (median, slowest) = (took[took.len() / 2], took[took.len() - 1]);
    if let Some(file) = std::env::var_os("LOCKSTEP_FIGURES") {
        let text =
            json!({"webhook_to_seen_ms": {"median": median, "slowest": slowest, "all": took}});
        std::fs::write(file, text.to_string()).expect("a file");
    }
    // A machine at its limit is slower; an hourly look instead of the webhook would be much slower.
    assert!(median < 5_000, "{took:?}");
    host.remove().await;
    runtime.stop(Duration::from_secs(20)).await;
}
