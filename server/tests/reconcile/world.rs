//! A runtime of its own over the rig's first cluster, with a namespace, a repository and a database of its own.

#![expect(
    clippy::panic,
    clippy::expect_used,
    reason = "a test that cannot reach its cluster fails with words"
)]

#[path = "rig.rs"]
mod rig;

pub use rig::{Rig, rig};

use async_trait::async_trait;
use engine::live::ClusterPolicy;
use engine::render::{Renderer, SandboxSettings};
use engine::source::{Committer, Mirrors};
use engine::testing::Repository;
use lockstep_types::account::{Actor, Role};
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;
use lockstep_types::id::{ApplicationId, RunId, TargetId, UserId};
use lockstep_types::policy::Rights;
use lockstep_types::ports::ControlPlane;
use lockstep_types::revision::{Revision, TargetRevision};
use lockstep_types::source::Mode;
use lockstep_types::sync::{OperationKind, RunSummary, StartedBy, StepStatus, SyncPhase};
use secrecy::SecretString;
use server::accounts::AccountService;
use server::control_plane::Registration;
use server::events::Hub;
use server::runtime::{Access, AccessRefused, ClusterAccess, GitAccess, Parts, Runtime, Settings};
use server::secrets::Vault;
use server::store::target::{TargetRow, TargetState};
use server::store::{self, Store};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use uuid::Uuid;

pub const WITHIN: Duration = Duration::from_secs(60);

/// See the module.
pub struct World {
    pub repository: Repository,
    pub runtime: Runtime,
    store: Store,
    /// The database and the rest of the server's files.
    pub folder: TempDir,
    pub rig: Rig,
    kubeconfig: String,
    pub namespace: String,
    installation: Uuid,
    /// Of what the server commits, once it is started again.
    pub committer: Committer,
}

/// What outlives a server.
struct Set {
    rig: Rig,
    kubeconfig: String,
    repository: Repository,
    folder: TempDir,
    namespace: String,
    installation: Uuid,
    committer: Committer,
}

struct Keys {
    kubeconfig: String,
}

#[async_trait]
impl Access for Keys {
    async fn git(&self, _repo_url: &str) -> Result<GitAccess, AccessRefused> {
        Ok(GitAccess::default())
    }

    async fn cluster(&self, _name: &str) -> Result<ClusterAccess, AccessRefused> {
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

/// An empty database in a folder.
pub async fn database(folder: &Path) -> Store {
    let url = format!("sqlite:{}", folder.join("lockstep.db").display());
    let store = Store::open(&url).await.expect("a database");
    store.migrate().await.expect("a schema");
    store
}

/// A server over a database, with its files in the same folder. It knows one cluster.
pub fn runtime(store: &Store, folder: &Path, kubeconfig: String, installation: Uuid) -> Runtime {
    runtime_by(
        Committer::default(),
        store,
        folder,
        kubeconfig,
        installation,
    )
}

fn runtime_by(
    committer: Committer,
    store: &Store,
    folder: &Path,
    kubeconfig: String,
    installation: Uuid,
) -> Runtime {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let work = folder.join("work");
    std::fs::create_dir_all(&work).expect("a folder");
    Runtime::start(Parts {
        store: store.clone(),
        mirrors: Mirrors::for_tests(folder.join("mirrors"))
            .expect("mirrors")
            .with_committer(committer),
        renderer: Renderer::new(
            engine::testing::renderers(),
            SandboxSettings::new(PathBuf::from(env!("CARGO_BIN_EXE_lockstep"))),
            work,
        ),
        access: Arc::new(Keys { kubeconfig }),
        installation,
        settings: Settings {
            poll: Duration::from_secs(2),
            confirm_prune_after: Duration::from_secs(1),
            survey: Duration::from_secs(2),
            public_url: "https://lockstep.example.org".to_owned(),
            ..Settings::default()
        },
    })
}

/// What pages and programs ask of a server.
pub async fn ports(runtime: &Runtime, store: &Store, folder: &Path) -> ControlPlane {
    let accounts = AccountService::open(store.clone()).await.expect("accounts");
    let registration = Registration {
        vault: Vault::open(folder, None).expect("a vault"),
        policy: ClusterPolicy::default(),
    };
    server::control_plane::ports(
        runtime.clone(),
        registration,
        Arc::new(accounts),
        Arc::new(Hub::new(store.clone())),
    )
}

/// The account in whose name tests ask: without one, nothing that is asked for is carried out.
pub async fn account(tx: &mut store::Tx) {
    let known = store::user::by_name(&*tx, "maria").await.expect("accounts");
    if known.is_none() {
        store::user::create(tx, "maria", Role::Admin, None)
            .await
            .expect("an account");
    }
}

/// Writes the definition of the shop.
pub fn define_shop(repository: &Repository, cluster: &str, namespace: &str, sync_policy: &str) {
    repository.write("apps/shop.yaml", &format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: shop, namespace: argocd}}\nspec:\n  project: default\n  source: {{repoURL: '{}', path: manifests, targetRevision: main}}\n  destination: {{name: {cluster}, namespace: {namespace}}}\n  syncPolicy:\n    {sync_policy}\n",
        repository.url()
    ));
}

impl World {
    /// A world with one application `shop`, whose policy is given.
    pub async fn start(name: &str, mode: Mode, sync_policy: &str) -> Self {
        Self::on(rig(), name, mode, sync_policy).await
    }

    /// The same, where nothing answers at the cluster's address.
    pub async fn start_unreachable(name: &str) -> Self {
        let rig = rig();
        let text = std::fs::read_to_string(&rig.kubeconfig).expect("a kubeconfig");
        let away = text.replace(&rig.server, "https://127.0.0.1:9");
        assert_ne!(away, text, "the kubeconfig names its server");
        Self::over(rig, away, name, Mode::Managed, "automated: {}").await
    }

    async fn on(rig: Rig, name: &str, mode: Mode, sync_policy: &str) -> Self {
        let kubeconfig = std::fs::read_to_string(&rig.kubeconfig).expect("a kubeconfig");
        let world = Self::over(rig, kubeconfig, name, mode, sync_policy).await;
        world.kubectl_bare(&["create", "namespace", &world.namespace]);
        world
    }

    async fn over(rig: Rig, kubeconfig: String, name: &str, mode: Mode, sync_policy: &str) -> Self {
        let _ = tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .with_test_writer()
            .try_init();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let namespace = format!("t-{name}-{}", &Uuid::now_v7().simple().to_string()[20..]);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let repository = Repository::new();
        define_shop(&repository, &rig.cluster, &namespace, sync_policy);
        let set = Set {
            rig,
            kubeconfig,
            repository,
            folder,
            namespace,
            installation: Uuid::now_v7(),
            committer: Committer::default(),
        };
        Self::run(set, Some(mode)).await
    }

    async fn run(set: Set, mode: Option<Mode>) -> Self {
        let Set {
            rig,
            kubeconfig,
            repository,
            folder,
            namespace,
            installation,
            committer,
        } = set;
        let store = database(folder.path()).await;
        let mut tx = store.begin().await.expect("a write");
        let cluster = store::cluster::ClusterFields {
            name: rig.cluster.clone(),
            labels: Default::default(),
            server: String::new(),
        };
        store::cluster::declare(&mut tx, &cluster)
            .await
            .expect("a cluster");
        let source = store::source::declare(
            &mut tx,
            &store::source::SourceFields {
                name: "root".to_owned(),
                repo_url: repository.url(),
                path: "apps".to_owned(),
                target_revision: TargetRevision("main".to_owned()),
                home_cluster: rig.cluster.clone(),
            },
        )
        .await
        .expect("a source");
        account(&mut tx).await;
        if let Some(mode) = mode {
            store::source::set_mode(&mut tx, source.id, mode)
                .await
                .expect("a mode");
        }
        tx.commit().await.expect("a commit");
        let (keys, files) = (kubeconfig.clone(), folder.path());
        let runtime = runtime_by(committer.clone(), &store, files, keys, installation);
        Self {
            repository,
            runtime,
            store,
            folder,
            rig,
            kubeconfig,
            namespace,
            installation,
            committer,
        }
    }

    /// The shop with a greeting and so many replicas, committed; the application is defined in the same commit.
    pub fn commit_shop(&self, greeting: &str, replicas: u32) -> Revision {
        self.repository.write("manifests/settings.yaml", &format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings, labels: {{app: shop}}}}\ndata: {{greeting: {greeting}}}\n"
        ));
        self.repository.write("manifests/extra.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra, labels: {app: extra}}\ndata: {a: b}\n");
        self.repository.write("manifests/web.yaml", &format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, labels: {{app: shop}}}}\nspec:\n  replicas: {replicas}\n  selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web}}}}\n    spec: {{containers: [{{name: web, image: registry.example.org/team/web:1.0}}]}}\n"
        ));
        self.push(&format!("shop {greeting}"))
    }

    /// Commits everything and tells the server.
    pub fn push(&self, subject: &str) -> Revision {
        let revision = self.repository.commit(subject);
        self.runtime.activator().activate_all();
        self.runtime
            .activator()
            .activate_repository(&self.runtime.repository_key(&self.repository.url()));
        revision
    }

    /// The repository as tables name it.
    pub fn repository_key(&self) -> String {
        self.runtime.repository_key(&self.repository.url())
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What pages and programs ask.
    pub async fn ports(&self) -> ControlPlane {
        ports(&self.runtime, &self.store, self.folder.path()).await
    }

    /// The ports, and somebody who tells of alerts.
    pub async fn telling(&self) -> ControlPlane {
        let ports = self.ports().await;
        let vault = Vault::open(self.folder.path(), None).expect("a vault");
        server::notify::start(&self.runtime, vault, Arc::clone(&ports.fleet));
        ports
    }

    pub fn application(&self) -> ApplicationId {
        let source = engine::definition::DefinitionKey {
            dialect: lockstep_types::application::Dialect::ArgoApplication,
            namespace: "argocd".to_owned(),
            name: "shop".to_owned(),
            scope: String::new(),
        };
        let id = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(store::source::by_name(&self.store, "root"))
        });
        source.application_id(id.expect("a source").expect("the root source").id)
    }

    pub fn target(&self) -> TargetId {
        store::target::id_of(self.application(), &self.rig.cluster)
    }

    /// Waits for a state.
    pub async fn until(&self, what: &str, holds: impl Fn(&TargetState) -> bool) -> TargetRow {
        self.until_row(what, |row| holds(&row.state)).await
    }

    /// Waits until the run that brought `revision` is through: its objects can be in line long before that, and a
    /// newer commit would end it before it has counted as deployed.
    pub async fn until_deployed(&self, revision: &Revision) -> TargetRow {
        self.until_runs("deployed", |runs| {
            runs.first()
                .is_some_and(|run| run.phase == SyncPhase::Succeeded && run.revision == *revision)
        })
        .await;
        self.until_row("in line and healthy", |row| {
            row.deployed.as_ref() == Some(revision)
                && row.state.sync == SyncStatus::Synced
                && row.state.health.status == HealthStatus::Healthy
                && row.state.reason.is_none()
        })
        .await
    }

    pub async fn until_row(&self, what: &str, holds: impl Fn(&TargetRow) -> bool) -> TargetRow {
        let target = self.target();
        let mut last = None;
        let deadline = Instant::now() + WITHIN;
        while Instant::now() < deadline {
            if let Ok(row) = store::target::get(&self.store, target).await {
                if holds(&row) {
                    return row;
                }
                last = Some(row);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let source = store::source::by_name(&self.store, "root").await;
        let runs = store::run::of_target(&self.store, target, None, 3).await;
        panic!(
            "not within {WITHIN:?}: {what}; last: {last:#?}; runs: {runs:#?}; source: {source:#?}"
        );
    }

    pub async fn until_runs(
        &self,
        what: &str,
        holds: impl Fn(&[RunSummary]) -> bool,
    ) -> Vec<RunSummary> {
        self.until_runs_of(self.target(), what, holds).await
    }

    /// The same of another target than the shop's.
    pub async fn until_runs_of(
        &self,
        target: TargetId,
        what: &str,
        holds: impl Fn(&[RunSummary]) -> bool,
    ) -> Vec<RunSummary> {
        let mut last = Vec::new();
        let deadline = Instant::now() + WITHIN;
        while Instant::now() < deadline {
            if let Ok(runs) = store::run::of_target(&self.store, target, None, 20).await {
                if holds(&runs) {
                    return runs;
                }
                last = runs;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let row = store::target::get(&self.store, target).await;
        panic!("not within {WITHIN:?}: {what}; runs: {last:#?}; target: {row:#?}");
    }

    /// Waits until so many steps of a run are done; says how many are.
    pub async fn until_steps_done(&self, run: RunId, least: usize) -> usize {
        let deadline = Instant::now() + WITHIN;
        loop {
            let steps = store::run::steps(&self.store, run).await.expect("steps");
            let done = steps
                .iter()
                .filter(|step| step.status == StepStatus::Done)
                .count();
            if done >= least {
                return done;
            }
            assert!(Instant::now() < deadline, "{done} steps are done");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn until_commits(
        &self,
        filter: &str,
        holds: impl Fn(&[store::commit::SeenCommit]) -> bool,
    ) -> Vec<store::commit::SeenCommit> {
        let deadline = Instant::now() + WITHIN;
        loop {
            let seen = store::commit::page(&self.store, filter, None, 50)
                .await
                .expect("commits");
            if holds(&seen) {
                return seen;
            }
            assert!(Instant::now() < deadline, "commits: {seen:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the new process has made its first comparison.
    pub async fn until_compared_again(&self) {
        let target = self.target();
        let deadline = Instant::now() + WITHIN;
        while self.runtime.assessment(target).is_none() {
            assert!(Instant::now() < deadline, "never compared");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What the button for taking over does.
    pub async fn take_over(&self) {
        let actor = Actor {
            user: UserId(Uuid::from_u128(1)),
            name: "maria".to_owned(),
            role: Role::Admin,
            token: None,
            rights: Rights::default(),
        };
        let source = store::source::by_name(&self.store, "root")
            .await
            .expect("the sources")
            .expect("the source");
        let sources = self.ports().await.sources;
        let preview = sources
            .take_over_preview(&actor, source.id)
            .await
            .expect("a preview");
        sources
            .take_over(&actor, source.id, &preview.digest)
            .await
            .expect("it is taken over");
    }

    /// Writes an intent and wakes the reconciler, as the buttons do.
    pub async fn ask(&self, kind: OperationKind, parameters: serde_json::Value) {
        self.ask_of(self.target(), kind, parameters).await;
    }

    /// The same for any target.
    pub async fn ask_of(
        &self,
        target: TargetId,
        kind: OperationKind,
        parameters: serde_json::Value,
    ) {
        let mut tx = self.store.begin().await.expect("a write");
        store::operation::insert(
            &mut tx,
            &store::operation::NewOperation {
                kind,
                target,
                actor: "maria".to_owned(),
                started_by: StartedBy::Person("maria".to_owned()),
                idempotency_key: None,
                parameters,
            },
        )
        .await
        .expect("an operation");
        tx.commit().await.expect("a commit");
        self.runtime.activator().activate_target(target);
    }

    /// Ends the server as a signal would, and starts another one on the same database.
    pub async fn restart(self) -> Self {
        self.restart_after(|_| ()).await
    }

    /// The same, where something happens while no server runs.
    pub async fn restart_after(self, meanwhile: impl FnOnce(&Self)) -> Self {
        self.runtime.stop(Duration::from_secs(20)).await;
        self.store.close().await;
        meanwhile(&self);
        let Self {
            rig,
            kubeconfig,
            repository,
            folder,
            namespace,
            installation,
            committer,
            ..
        } = self;
        Self::run(
            Set {
                rig,
                kubeconfig,
                repository,
                folder,
                namespace,
                installation,
                committer,
            },
            None,
        )
        .await
    }

    /// The cluster's name.
    pub fn cluster(&self) -> &str {
        &self.rig.cluster
    }

    /// The namespace of this test.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The epoch that the cluster remembers of this installation.
    pub fn epoch_of_cluster(&self) -> String {
        self.kubectl_bare(&[
            "get",
            "lease",
            "--namespace=kube-system",
            &format!("lockstep-{}", self.installation),
            "-o",
            r"jsonpath={.metadata.annotations.lockstep\.dev/epoch}",
        ])
    }

    /// Writes another epoch into the cluster's memory, as a second server would.
    pub fn set_epoch_of_cluster(&self, epoch: u64) {
        self.kubectl_bare(&[
            "annotate",
            "lease",
            "--namespace=kube-system",
            "--overwrite",
            &format!("lockstep-{}", self.installation),
            &format!("lockstep.dev/epoch={epoch}"),
        ]);
    }

    /// Wakes the target, as a port does after it wrote something.
    pub fn wake(&self) {
        self.runtime.activator().activate_target(self.target());
    }

    /// Looks at a repository at once, as after a webhook.
    pub fn wake_repository(&self, url: &str) {
        let key = self.runtime.repository_key(url);
        self.runtime.activator().activate_repository(&key);
    }

    /// Ends the server; there is nothing to clean up.
    pub async fn leave(self) {
        self.runtime.stop(Duration::from_secs(20)).await;
    }

    /// Ends the server and removes the namespace.
    pub async fn end(self) {
        self.runtime.stop(Duration::from_secs(20)).await;
        self.kubectl_bare(&["delete", "namespace", &self.namespace, "--wait=false"]);
    }
}
