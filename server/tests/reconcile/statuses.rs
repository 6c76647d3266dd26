//! A commit's status on a real Git host: pending, then success; for a broken one failure with its reason. Nothing is told
//! twice.

#![expect(
    clippy::expect_used,
    reason = "a test without its Git host and cluster fails with words"
)]

use crate::world::WITHIN;
use async_trait::async_trait;
use base64::Engine;
use client::waiting::{Standing, standing};
use engine::live::ClusterPolicy;
use engine::render::{Renderer, SandboxSettings};
use engine::source::{Credential, Mirrors};
use lockstep_types::account::{Actor, Role};
use lockstep_types::id::UserId;
use lockstep_types::notify::{MessageState, NewStatusHost};
use lockstep_types::ports::ControlPlane;
use lockstep_types::revision::TargetRevision;
use lockstep_types::source::Mode;
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use server::accounts::AccountService;
use server::control_plane::Registration;
use server::events::Hub;
use server::runtime::{Access, AccessRefused, ClusterAccess, GitAccess, Parts, Runtime, Settings};
use server::secrets::Vault;
use server::store::{self, Store};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The rig's Git host and first cluster, with a repository and a namespace of the test's own.
pub struct Place {
    http: reqwest::Client,
    pub url: String,
    pub user: String,
    token: String,
    pub name: String,
    cluster: String,
    kubeconfig: PathBuf,
    kubectl: PathBuf,
}

impl Place {
    pub async fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let path = std::env::var_os("LOCKSTEP_RIG").expect("LOCKSTEP_RIG names the rig.json");
        let text = std::fs::read_to_string(path).expect("rig.json can be read");
        let rig: Value = serde_json::from_str(&text).expect("rig.json is JSON");
        let text = |pointer: &str| {
            rig.pointer(pointer)
                .and_then(Value::as_str)
                .expect("a text")
                .to_owned()
        };
        let place = Self {
            http: reqwest::Client::new(),
            url: text("/gitea/url"),
            user: text("/gitea/adminUser"),
            token: text("/gitea/adminToken"),
            name: format!("status-{}", &Uuid::now_v7().simple().to_string()[20..]),
            cluster: text("/clusters/0/name"),
            kubeconfig: text("/clusters/0/kubeconfig").into(),
            kubectl: text("/programs/kubectl").into(),
        };
        let new = json!({"name": place.name, "private": true, "auto_init": true, "default_branch": "main"});
        let address = format!("admin/users/{}/repos", place.user);
        place.ask(Method::POST, &address, Some(new)).await;
        place.kubectl(&["create", "namespace", &place.name]);
        place
    }

    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
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

    fn kubectl(&self, arguments: &[&str]) {
        let output = Command::new(&self.kubectl)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(arguments)
            .output()
            .expect("kubectl runs");
        assert!(output.status.success(), "kubectl {arguments:?}");
    }

    pub fn repository(&self, rest: &str) -> String {
        format!("repos/{}/{}{rest}", self.user, self.name)
    }

    fn clone_url(&self) -> String {
        format!("{}{}/{}.git", self.url, self.user, self.name)
    }

    /// Commits files to `main`; the commit's SHA.
    pub async fn push(&self, subject: &str, files: &[(&str, &str, &str)]) -> String {
        self.push_to("main", subject, files).await
    }

    /// Commits files to a branch, which begins at `main` when it is new; the commit's SHA.
    pub async fn push_to(
        &self,
        branch: &str,
        subject: &str,
        files: &[(&str, &str, &str)],
    ) -> String {
        let there = self.has_branch(branch).await;
        let from = if there { branch } else { "main" };
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let mut changes = Vec::new();
        for (operation, path, content) in files {
            let mut change =
                json!({"operation": operation, "path": path, "content": encode(content)});
            if *operation == "update" {
                let place = self.repository(&format!("/contents/{path}?ref={from}"));
                let known = self.ask(Method::GET, &place, None).await;
                change["sha"] = known["sha"].clone();
            }
            changes.push(change);
        }
        let mut body = json!({"branch": from, "message": subject, "files": changes});
        if !there {
            body["new_branch"] = json!(branch);
        }
        let made = self
            .ask(Method::POST, &self.repository("/contents"), Some(body))
            .await;
        made["commit"]["sha"].as_str().expect("a commit").to_owned()
    }

    async fn has_branch(&self, branch: &str) -> bool {
        let all = self
            .ask(Method::GET, &self.repository("/branches"), None)
            .await;
        let all = all.as_array().expect("a list");
        all.iter().any(|one| one["name"] == branch)
    }

    /// The definition of the shop, in the namespace of the test.
    pub fn definition(&self) -> String {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: shop, namespace: argocd}}\nspec:\n  project: default\n  source: {{repoURL: '{}', path: manifests, targetRevision: main}}\n  destination: {{name: {}, namespace: {}}}\n  syncPolicy:\n    automated: {{prune: true}}\n",
            self.clone_url(),
            self.cluster,
            self.name
        )
    }

    /// State and words that the host has of a commit, oldest first.
    async fn statuses(&self, sha: &str) -> Vec<(String, String)> {
        let path = self.repository(&format!("/commits/{sha}/statuses?sort=oldest"));
        let list = self.ask(Method::GET, &path, None).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = list.as_array().expect("a list");
        list.iter()
            .filter(|one| one["context"] == format!("lockstep/{}", self.cluster))
            .map(|one| {
                let link = text(&one["target_url"]);
                assert_eq!(
                    link,
                    format!("https://lockstep.example.org/commits/{}/{sha}", self.name)
                );
                (text(&one["status"]), text(&one["description"]))
            })
            .collect()
    }

    pub async fn until(&self, sha: &str, state: &str) -> Vec<(String, String)> {
        let deadline = Instant::now() + WITHIN;
        loop {
            let found = self.statuses(sha).await;
            if found.last().is_some_and(|(last, _)| last == state) {
                return found;
            }
            assert!(Instant::now() < deadline, "{sha} never {state}: {found:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub async fn remove(&self) {
        self.ask(Method::DELETE, &self.repository(""), None).await;
        self.kubectl(&["delete", "namespace", &self.name, "--wait=false"]);
    }
}

struct Keys {
    git: Credential,
    kubeconfig: String,
}

#[async_trait]
impl Access for Keys {
    async fn git(&self, _: &str) -> Result<GitAccess, AccessRefused> {
        Ok(GitAccess {
            credential: self.git.clone(),
            poll: None,
        })
    }

    async fn cluster(&self, _: &str) -> Result<ClusterAccess, AccessRefused> {
        Ok(ClusterAccess {
            kubeconfig: SecretString::from(self.kubeconfig.clone()),
            context: String::new(),
            policy: ClusterPolicy {
                allow_private: true,
                allow_files: true,
                ..ClusterPolicy::default()
            },
        })
    }
}

/// A server over the same folder; the first time the source is made.
pub async fn serve(
    place: &Place,
    folder: &Path,
    installation: Uuid,
) -> (Runtime, Store, ControlPlane) {
    let store = Store::open(&format!("sqlite:{}", folder.join("x.db").display()))
        .await
        .expect("a database");
    store.migrate().await.expect("a schema");
    let mut tx = store.begin().await.expect("a write");
    let cluster = store::cluster::ClusterFields {
        name: place.cluster.clone(),
        labels: Default::default(),
        server: String::new(),
    };
    store::cluster::declare(&mut tx, &cluster)
        .await
        .expect("a cluster");
    let fields = store::source::SourceFields {
        name: "root".to_owned(),
        repo_url: place.clone_url(),
        path: "apps".to_owned(),
        target_revision: TargetRevision("main".to_owned()),
        home_cluster: place.cluster.clone(),
    };
    let source = store::source::declare(&mut tx, &fields)
        .await
        .expect("a source");
    store::source::set_mode(&mut tx, source.id, Mode::Managed)
        .await
        .expect("a mode");
    tx.commit().await.expect("a commit");
    let work = folder.join("work");
    std::fs::create_dir_all(&work).expect("a folder");
    let runtime = Runtime::start(Parts {
        store: store.clone(),
        mirrors: Mirrors::for_tests(folder.join("mirrors")).expect("mirrors"),
        renderer: Renderer::new(
            engine::testing::renderers(),
            SandboxSettings::new(PathBuf::from(env!("CARGO_BIN_EXE_lockstep"))),
            work,
        ),
        access: Arc::new(Keys {
            git: Credential::Basic {
                username: place.user.clone(),
                password: SecretString::from(place.token.clone()),
            },
            kubeconfig: std::fs::read_to_string(&place.kubeconfig).expect("a kubeconfig"),
        }),
        installation,
        settings: Settings {
            poll: Duration::from_secs(1),
            public_url: "https://lockstep.example.org".to_owned(),
            ..Settings::default()
        },
    });
    let vault = Vault::open(folder, None).expect("a vault");
    let registration = Registration {
        vault: vault.clone(),
        policy: ClusterPolicy::default(),
    };
    let plane = server::control_plane::ports(
        runtime.clone(),
        registration,
        Arc::new(AccountService::open(store.clone()).await.expect("accounts")),
        Arc::new(Hub::new(store.clone())),
    );
    server::notify::start(&runtime, vault, Arc::clone(&plane.fleet));
    (runtime, store, plane)
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

pub fn settings(value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\ndata: {{greeting: {value}}}\n"
    )
}

/// It takes its time to be ready, so that a host sees it pending.
pub fn web(version: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  replicas: 1\n  minReadySeconds: 4\n  selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web}}}}\n    spec: {{containers: [{{name: web, image: 'registry.example.org/team/web:{version}'}}]}}\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_commit_succeeds_and_a_broken_one_fails_with_its_reason_on_the_git_host() {
    let place = Place::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let installation = Uuid::now_v7();
    let definition = place.definition();
    let first = place
        .push(
            "define the shop",
            &[
                ("create", "apps/shop.yaml", &definition),
                ("create", "manifests/settings.yaml", &settings("one")),
                ("create", "manifests/web.yaml", &web("1.0")),
            ],
        )
        .await;
    let (runtime, _store, plane) = serve(&place, folder.path(), installation).await;
    let host = NewStatusHost {
        prefix: format!("{}{}/", place.url, place.user),
        provider: "gitea".to_owned(),
        // The source's own login is enough.
        token: String::new(),
        comments: false,
    };
    let alerts = &plane.alerts;
    alerts
        .add_status_host(&admin(), &host)
        .await
        .expect("a host");

    place.until(&first, "success").await;
    let good = place
        .push(
            "ship web 2.0",
            &[("update", "manifests/web.yaml", &web("2.0"))],
        )
        .await;
    let told = place.until(&good, "success").await;
    let states: Vec<_> = told.iter().map(|(state, _)| state.as_str()).collect();
    assert_eq!(states.first(), Some(&"pending"), "{told:?}");
    assert_eq!(
        states.iter().filter(|state| **state == "success").count(),
        1
    );
    assert_eq!(told.last().map(|(_, words)| words.as_str()), Some("live"));

    let bad = place
        .push(
            "break it",
            &[(
                "update",
                "manifests/settings.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: [\n",
            )],
        )
        .await;
    let told = place.until(&bad, "failure").await;
    let words = &told.last().expect("one").1;
    assert!(
        words.contains("shop: render broken") && words.contains("settings.yaml"),
        "{words}"
    );
    // One who waits for it learns the same, and so does one who waits for a commit on top of it, broken by the same file.
    let on_top = place
        .push(
            "ship web 3.0",
            &[("update", "manifests/web.yaml", &web("3.0"))],
        )
        .await;
    place.until(&on_top, "failure").await;
    for sha in [&bad, &on_top] {
        let rollout = plane.fleet.rollout(&admin(), sha).await.expect("known");
        assert_eq!(standing(&rollout), Standing::Failed, "{rollout:#?}");
        let why = &rollout.targets[0].why;
        assert!(
            why.starts_with("render broken: ") && why.contains("settings.yaml"),
            "{why}"
        );
    }

    // A restart repeats nothing, and the commit that mends it does not make the broken one good.
    let before = (place.statuses(&good).await, told);
    drop(plane);
    runtime.stop(Duration::from_secs(20)).await;
    let (runtime, _store, plane) = serve(&place, folder.path(), installation).await;
    let mended = place
        .push(
            "mend it",
            &[("update", "manifests/settings.yaml", &settings("three"))],
        )
        .await;
    place.until(&mended, "success").await;
    assert_eq!(
        (place.statuses(&good).await, place.statuses(&bad).await),
        before
    );
    let view = plane.alerts.notify(&admin()).await.expect("a view");
    assert!(
        view.messages
            .iter()
            .all(|one| one.state == MessageState::Sent),
        "{:#?}",
        view.messages
    );
    assert!(view.messages.iter().any(|one| one.what.contains("failure")));
    runtime.stop(Duration::from_secs(20)).await;
    place.remove().await;
}
