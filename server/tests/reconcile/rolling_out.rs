//! Rollouts over two clusters: a commit that is bad stops at the first cluster, one that mends it reaches both in order.
//!
//! The oracle is the API servers' audit logs: who wrote a Deployment, and when.

#![expect(clippy::panic, reason = "a state that is not reached is said in words")]

use crate::fleet::{Cluster, declare, managed_root, over_both, rig};
use crate::world::WITHIN;
use engine::testing::Repository;
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;
use lockstep_types::reason::ReasonCode;
use lockstep_types::revision::Revision;
use serde_json::Value;
use server::runtime::{Runtime, Settings};
use server::store::target::TargetRow;
use server::store::{self, Store};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use uuid::Uuid;

struct Place {
    east: Cluster,
    west: Cluster,
    logs: [PathBuf; 2],
    repository: Repository,
    store: Store,
    runtime: Runtime,
    namespace: String,
    installation: Uuid,
    folder: tempfile::TempDir,
}

fn audit_logs() -> [PathBuf; 2] {
    let path = std::env::var_os("LOCKSTEP_RIG").expect("LOCKSTEP_RIG names the rig's rig.json");
    let rig: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("rig.json"))
        .expect("rig.json is JSON");
    [0, 1].map(|index| {
        let log = rig["clusters"][index]["auditLog"].as_str();
        PathBuf::from(log.expect("two clusters"))
    })
}

impl Place {
    async fn start(define: impl FnOnce(&Repository, &str)) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (east, west) = rig();
        let namespace = format!("t-roll-{}", &Uuid::now_v7().simple().to_string()[20..]);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let repository = Repository::new();
        let url = format!("sqlite:{}", folder.path().join("lockstep.db").display());
        let store = Store::open(&url).await.expect("a database");
        store.migrate().await.expect("a schema");
        declare(&store, &east.name, "test").await;
        declare(&store, &west.name, "prod").await;
        managed_root(&store, &repository, "", &east).await;
        define(&repository, &namespace);
        deployment(&repository, "1", 0);
        repository.commit("a first state");
        let installation = Uuid::now_v7();
        let runtime = runtime(&store, folder.path(), &east, &west, installation);
        Self {
            east,
            west,
            logs: audit_logs(),
            repository,
            store,
            runtime,
            namespace,
            installation,
            folder,
        }
    }

    fn push(&self, version: &str, replicas: u32) -> Revision {
        deployment(&self.repository, version, replicas);
        let revision = self.repository.commit(version);
        let key = self.runtime.repository_key(&self.repository.url());
        self.runtime.activator().activate_repository(&key);
        revision
    }

    async fn target(&self, cluster: &Cluster) -> Option<TargetRow> {
        let targets = store::target::list(&self.store).await.expect("targets");
        targets
            .into_iter()
            .find(|target| target.cluster == cluster.name)
    }

    /// Waits for a target, and says how things stand when that was in vain.
    async fn until(&self, what: &str, cluster: &Cluster, holds: impl Fn(&TargetRow) -> bool) {
        let deadline = Instant::now() + WITHIN;
        while !self.target(cluster).await.is_some_and(|row| holds(&row)) {
            if Instant::now() > deadline {
                let (east, west) = (self.target(&self.east).await, self.target(&self.west).await);
                let source = store::source::by_name(&self.store, "root").await;
                panic!("not within {WITHIN:?}: {what}; {east:#?} {west:#?} {source:#?}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn until_in_line(&self, revision: &Revision) {
        for cluster in [&self.east, &self.west] {
            self.until("it is in line", cluster, |row| {
                row.deployed.as_ref() == Some(revision)
                    && row.state.sync == SyncStatus::Synced
                    && row.state.health.status == HealthStatus::Healthy
            })
            .await;
        }
    }

    fn version(&self, cluster: &Cluster) -> String {
        cluster.kubectl(&[
            "-n",
            &self.namespace,
            "get",
            "deployment",
            "cart",
            "-o",
            "jsonpath={.metadata.uid} {.metadata.resourceVersion}",
        ])
    }

    /// When the Deployment was written by anybody but the cluster itself, as the audit log of a cluster has it.
    fn writes(&self, index: usize) -> Vec<String> {
        let log = std::fs::read_to_string(&self.logs[index]).expect("the audit log");
        log.lines()
            .filter(|line| line.contains(&self.namespace))
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|entry| {
                let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str);
                let is_dry = text("/requestURI").is_some_and(|uri| uri.contains("dryRun"));
                let is_write = text("/verb")
                    .is_some_and(|verb| matches!(verb, "create" | "patch" | "update" | "delete"));
                is_write
                    && !is_dry
                    && text("/stage") == Some("ResponseComplete")
                    && text("/objectRef/namespace") == Some(self.namespace.as_str())
                    && text("/objectRef/resource") == Some("deployments")
                    && text("/objectRef/name") == Some("cart")
                    && !text("/userAgent").is_some_and(|agent| agent.starts_with("kube"))
            })
            .filter_map(|entry| {
                let at = entry.pointer("/requestReceivedTimestamp")?.as_str()?;
                Some(at.to_owned())
            })
            .collect()
    }

    /// Another process takes over, with nothing but the database.
    async fn restart(self) -> Self {
        self.runtime.stop(Duration::from_secs(20)).await;
        let folder = self.folder.path();
        let runtime = runtime(
            &self.store,
            folder,
            &self.east,
            &self.west,
            self.installation,
        );
        Self { runtime, ..self }
    }

    async fn end(self) {
        for cluster in [&self.east, &self.west] {
            cluster.kubectl(&["delete", "namespace", &self.namespace, "--wait=false"]);
        }
        self.runtime.stop(Duration::from_secs(20)).await;
        drop(self.folder);
    }
}

fn runtime(
    store: &Store,
    folder: &std::path::Path,
    east: &Cluster,
    west: &Cluster,
    installation: Uuid,
) -> Runtime {
    let settings = Settings {
        poll: Duration::from_secs(2),
        public_url: "https://lockstep.example.org".to_owned(),
        ..Settings::default()
    };
    over_both(store, folder, [east, west], installation, settings)
}

/// With replicas it is bad: no node takes its pods, which is said two seconds later.
fn deployment(repository: &Repository, version: &str, replicas: u32) {
    repository.write(
        "cart/cart.yaml",
        &format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: cart, annotations: {{version: '{version}'}}}}\nspec:\n  replicas: {replicas}\n  progressDeadlineSeconds: 2\n  selector: {{matchLabels: {{app: cart}}}}\n  template:\n    metadata: {{labels: {{app: cart}}}}\n    spec: {{nodeSelector: {{nowhere: here}}, containers: [{{name: cart, image: registry.example.org/cart:{version}}}]}}\n"
        ),
    );
}

/// The first cluster in the first step, the second in the second.
fn set(repository: &Repository, namespace: &str) {
    repository.write(
        "sets/cart.yaml",
        &format!(
            "apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: cart, namespace: argocd}}
spec:
  goTemplate: true
  generators: [{{clusters: {{selector: {{matchExpressions: [{{key: env, operator: In, values: [test, prod]}}]}}}}}}]
  strategy:
    type: RollingSync
    rollingSync:
      steps:
      - matchExpressions: [{{key: stage, operator: In, values: [test]}}]
      - matchExpressions: [{{key: stage, operator: In, values: [prod]}}]
  template:
    metadata: {{name: 'cart-{{{{ .nameNormalized }}}}', labels: {{stage: '{{{{ .metadata.labels.env }}}}'}}}}
    spec:
      source: {{repoURL: '{url}', targetRevision: main, path: cart}}
      destination: {{name: '{{{{ .name }}}}', namespace: {namespace}}}
      syncPolicy: {{syncOptions: [CreateNamespace=true]}}
",
            url = repository.url()
        ),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_commit_stops_at_the_first_step_and_one_that_mends_it_reaches_both_in_order() {
    let place = Place::start(set).await;
    let first = place.repository.head();
    place.until_in_line(&first).await;
    // The very first state came in order too.
    let (east, west) = (place.writes(0), place.writes(1));
    assert!(east.last() < west.first(), "{east:?} {west:?}");
    let untouched = place.version(&place.west);

    place.push("2", 1);
    let paused = |row: &TargetRow| {
        row.state.reason.as_ref().is_some_and(|reason| {
            reason.code == ReasonCode::RolloutPaused
                && reason.cause.contains("The rollout is paused: cart-")
                && reason.cause.contains("Degraded")
        })
    };
    place
        .until("the second step says why it waits", &place.west, paused)
        .await;
    place
        .until("the first one is bad", &place.east, |row| {
            row.state.health.status == HealthStatus::Degraded
        })
        .await;
    assert_eq!(place.version(&place.west), untouched);
    assert_eq!(place.writes(1), west);

    // Another process knows no more than what it sees, and does not go on either.
    let place = place.restart().await;
    let east_name = place.east.name.clone();
    place
        .until("it is compared again", &place.east, |row| {
            row.state.health.status == HealthStatus::Degraded
        })
        .await;
    let key = place.runtime.repository_key(&place.repository.url());
    place.runtime.activator().activate_repository(&key);
    place
        .until("the second step waits again", &place.west, |row| {
            paused(row)
                && row.state.sync == SyncStatus::OutOfSync
                && row
                    .state
                    .reason
                    .as_ref()
                    .is_some_and(|reason| reason.cause.contains(&east_name))
        })
        .await;
    assert_eq!(place.version(&place.west), untouched);
    assert_eq!(place.writes(1), west);

    let mended = place.push("3", 0);
    place.until_in_line(&mended).await;
    let (east_after, west_after) = (place.writes(0), place.writes(1));
    assert_eq!(west_after.len(), west.len() + 1, "{west_after:?}");
    assert!(
        east_after.last() < west_after.last(),
        "{east_after:?} {west_after:?}"
    );
    place.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_of_a_bundle_come_one_after_the_other() {
    let place = Place::start(|repository, namespace| {
        repository.write(
            "repo.yaml",
            &format!(
                "apiVersion: fleet.cattle.io/v1alpha1\nkind: GitRepo\nmetadata: {{name: demo, namespace: fleet-default}}\nspec:\n  repo: {}\n  branch: main\n  paths: [cart]\n  targets: [{{clusterSelector: {{matchExpressions: [{{key: env, operator: In, values: [test, prod]}}]}}}}]\n",
                repository.url()
            ),
        );
        repository.write(
            "cart/fleet.yaml",
            &format!(
                "defaultNamespace: {namespace}\nrolloutStrategy:\n  maxUnavailable: 0\n  partitions:\n  - {{name: canary, clusterSelector: {{matchLabels: {{env: test}}}}}}\n  - {{name: rest, clusterSelector: {{matchLabels: {{env: prod}}}}}}\n"
            ),
        );
    })
    .await;
    let first = place.repository.head();
    place.until_in_line(&first).await;
    let (east, west) = (place.writes(0), place.writes(1));
    assert!(east.last() < west.first(), "{east:?} {west:?}");
    let untouched = place.version(&place.west);
    place.push("2", 1);
    place
        .until("the second partition waits", &place.west, |row| {
            row.state.reason.as_ref().is_some_and(|reason| {
                reason.code == ReasonCode::RolloutPaused && reason.cause.contains("Degraded")
            })
        })
        .await;
    assert_eq!(place.version(&place.west), untouched);
    assert_eq!(place.writes(1), west);
    let mended = place.push("3", 0);
    place.until_in_line(&mended).await;
    assert!(place.writes(0).last() < place.writes(1).last());
    place.end().await;
}
