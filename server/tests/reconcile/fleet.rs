//! A Fleet repository for two clusters: targets by label, values by cluster, and a cluster that loses its label.

use crate::world::WITHIN;
use async_trait::async_trait;
use engine::live::ClusterPolicy;
use engine::render::{Renderer, SandboxSettings};
use engine::source::Mirrors;
use engine::testing::Repository;
use lockstep_types::id::{SourceId, TargetId};
use lockstep_types::reason::ReasonCode;
use lockstep_types::revision::TargetRevision;
use lockstep_types::source::Mode;
use secrecy::SecretString;
use serde_json::Value;
use server::runtime::{Access, AccessRefused, ClusterAccess, GitAccess, Parts, Runtime, Settings};
use server::store::{self, Store};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Kubeconfigs by the name of their cluster.
struct Keys(BTreeMap<String, PathBuf>);

#[async_trait]
impl Access for Keys {
    async fn git(&self, _repo_url: &str) -> Result<GitAccess, AccessRefused> {
        Ok(GitAccess::default())
    }

    async fn cluster(&self, name: &str) -> Result<ClusterAccess, AccessRefused> {
        let text = std::fs::read_to_string(&self.0[name]).expect("a kubeconfig");
        Ok(ClusterAccess {
            kubeconfig: SecretString::from(text),
            context: String::new(),
            policy: ClusterPolicy {
                allow_private: true,
                allow_files: true,
                ..ClusterPolicy::default()
            },
        })
    }
}

pub struct Cluster {
    pub name: String,
    pub kubeconfig: PathBuf,
    kubectl: PathBuf,
}

impl Cluster {
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let output = Command::new(&self.kubectl)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(arguments)
            .output()
            .expect("kubectl");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn greeting(&self, namespace: &str) -> String {
        self.kubectl(&[
            "-n",
            namespace,
            "get",
            "configmap",
            "greeting",
            "--ignore-not-found",
            "-o",
            "jsonpath={.data.text}",
        ])
    }
}

pub fn rig() -> (Cluster, Cluster) {
    let path = std::env::var_os("LOCKSTEP_RIG").expect("LOCKSTEP_RIG names the rig's rig.json");
    let rig: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("rig.json"))
        .expect("rig.json is JSON");
    let cluster = |index: usize| {
        let text = |name: &str| {
            rig["clusters"][index][name]
                .as_str()
                .expect("two clusters")
                .to_owned()
        };
        Cluster {
            name: text("name"),
            kubeconfig: PathBuf::from(text("kubeconfig")),
            kubectl: PathBuf::from(rig["programs"]["kubectl"].as_str().expect("kubectl")),
        }
    };
    (cluster(0), cluster(1))
}

/// Declares the root source `root`, taken over, with the first cluster as its home.
pub async fn managed_root(
    store: &Store,
    repository: &Repository,
    path: &str,
    home: &Cluster,
) -> SourceId {
    let mut tx = store.begin().await.expect("a write");
    let fields = store::source::SourceFields {
        name: "root".to_owned(),
        repo_url: repository.url(),
        path: path.to_owned(),
        target_revision: TargetRevision("main".to_owned()),
        home_cluster: home.name.clone(),
    };
    let source = store::source::declare(&mut tx, &fields)
        .await
        .expect("a source");
    store::source::set_mode(&mut tx, source.id, Mode::Managed)
        .await
        .expect("a mode");
    tx.commit().await.expect("a commit");
    source.id
}

/// A server over a database, with its files in the same folder, that knows these clusters.
pub fn over_both(
    store: &Store,
    folder: &Path,
    clusters: [&Cluster; 2],
    installation: Uuid,
    settings: Settings,
) -> Runtime {
    let work = folder.join("work");
    std::fs::create_dir_all(&work).expect("a folder");
    let keys = clusters.map(|cluster| (cluster.name.clone(), cluster.kubeconfig.clone()));
    Runtime::start(Parts {
        store: store.clone(),
        mirrors: Mirrors::for_tests(folder.join("mirrors")).expect("mirrors"),
        renderer: Renderer::new(
            engine::testing::renderers(),
            SandboxSettings::new(PathBuf::from(env!("CARGO_BIN_EXE_lockstep"))),
            work,
        ),
        access: Arc::new(Keys(BTreeMap::from(keys))),
        installation,
        settings,
    })
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + WITHIN;
    while !holds().await {
        assert!(Instant::now() < deadline, "not within {WITHIN:?}: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

pub async fn declare(store: &Store, name: &str, env: &str) {
    let mut tx = store.begin().await.expect("a write");
    let fields = store::cluster::ClusterFields {
        name: name.to_owned(),
        labels: BTreeMap::from([("env".to_owned(), env.to_owned())]),
        server: String::new(),
    };
    store::cluster::declare(&mut tx, &fields)
        .await
        .expect("a cluster");
    tx.commit().await.expect("a commit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_git_repo_reaches_clusters_by_label_with_values_of_their_own() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (east, west) = rig();
    let namespace = format!("t-fleet-{}", &Uuid::now_v7().simple().to_string()[20..]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let repository = Repository::new();
    repository.write("repo.yaml", &format!(
        "apiVersion: fleet.cattle.io/v1alpha1\nkind: GitRepo\nmetadata: {{name: demo, namespace: fleet-default}}\nspec:\n  repo: '{}'\n  branch: main\n  paths: [hello]\n  targets: [{{clusterSelector: {{matchExpressions: [{{key: env, operator: In, values: [test, prod]}}]}}}}]\n",
        repository.url()
    ));
    repository.write("hello/fleet.yaml", &format!(
        "defaultNamespace: {namespace}\nhelm:\n  values: {{text: 'hello ${{ .ClusterLabels.env }}', more: '-'}}\ntargetCustomizations:\n- {{clusterSelector: {{matchLabels: {{env: prod}}}}, helm: {{values: {{more: carefully}}}}}}\n"
    ));
    repository.write(
        "hello/Chart.yaml",
        "apiVersion: v2\nname: hello\nversion: 1.0.0\n",
    );
    repository.write("hello/templates/greeting.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: greeting}\ndata: {text: '{{ .Values.text }} {{ .Values.more }}'}\n");
    repository.commit("a bundle");

    let store = Store::open(&format!(
        "sqlite:{}",
        folder.path().join("lockstep.db").display()
    ))
    .await
    .expect("a database");
    store.migrate().await.expect("a schema");
    declare(&store, &east.name, "test").await;
    declare(&store, &west.name, "prod").await;
    let source = managed_root(&store, &repository, "", &east).await;
    let settings = Settings {
        poll: Duration::from_secs(2),
        public_url: "https://lockstep.example.org".to_owned(),
        ..Settings::default()
    };
    let runtime = over_both(
        &store,
        folder.path(),
        [&east, &west],
        Uuid::now_v7(),
        settings,
    );
    until("both clusters hold their own values", async || {
        east.greeting(&namespace) == "hello test -"
            && west.greeting(&namespace) == "hello prod carefully"
    })
    .await;
    let applications = store::application::list(&store, false)
        .await
        .expect("applications");
    assert_eq!(applications.len(), 1, "one row for both clusters");
    assert_eq!(applications[0].name, "demo-hello");
    let target = |cluster: &str| -> TargetId { store::target::id_of(applications[0].id, cluster) };

    // The label is taken away: nothing is deleted, and the page says that Git does not lead there any more.
    declare(&store, &west.name, "none").await;
    runtime.activator().activate_all();
    let id = target(&west.name);
    until("the target is a leftover", async || {
        store::target::get(&store, id)
            .await
            .ok()
            .and_then(|row| row.state.reason)
            .is_some_and(|reason| reason.code == ReasonCode::DefinitionInvalid)
    })
    .await;
    assert_eq!(west.greeting(&namespace), "hello prod carefully");

    // No label at all: a problem of the source, with what to do.
    declare(&store, &east.name, "none").await;
    runtime.activator().activate_all();
    until("the source says that no cluster is chosen", async || {
        store::source::get(&store, source)
            .await
            .is_ok_and(|source| {
                source
                    .problems
                    .iter()
                    .any(|problem| problem.field == "spec.targets")
            })
    })
    .await;
    assert_eq!(east.greeting(&namespace), "hello test -");
    runtime.stop(Duration::from_secs(20)).await;
    for cluster in [&east, &west] {
        cluster.kubectl(&["delete", "namespace", &namespace, "--wait=false"]);
    }
}
