//! Where scenarios run: one server that serves one scenario after the other, and what a scenario has for itself.

use super::audit::Audit;
use super::expect::Memory;
use super::table::Scenario;
use super::{Failure, objects};
use crate::world::{self, Rig};
use engine::testing::Repository;
use lockstep_types::id::{SourceId, TargetId};
use lockstep_types::ports::ControlPlane;
use lockstep_types::revision::TargetRevision;
use lockstep_types::source::Mode;
use serde_json::{Value, json};
use server::runtime::Runtime;
use server::store::{self, Store};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

/// What all lanes share.
pub struct Place {
    pub rig: Rig,
    pub audit: Audit,
    namespaces: Mutex<Vec<String>>,
}

impl Place {
    pub fn new() -> Self {
        let rig = world::rig();
        Self {
            audit: Audit::from_now(rig.audit_log.clone()),
            rig,
            namespaces: Mutex::default(),
        }
    }

    /// Runs kubectl; what it printed on either side.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(&self.rig.kubectl)
            .arg("--kubeconfig")
            .arg(&self.rig.kubeconfig)
            .args(arguments)
            .output()
            .expect("kubectl runs");
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
        }
    }

    /// Removes the namespaces of all scenarios; nobody waits for their end.
    pub fn clear(&self) {
        let namespaces = self.namespaces.lock().expect("the namespaces");
        let mut arguments = vec!["delete", "namespace", "--wait=false", "--ignore-not-found"];
        arguments.extend(namespaces.iter().map(String::as_str));
        if !namespaces.is_empty() {
            self.kubectl(&arguments).expect("they are removed");
        }
    }
}

/// One server.
pub struct Lane<'p> {
    place: &'p Place,
    runtime: Runtime,
    store: Store,
    ports: ControlPlane,
    number: usize,
    begun: usize,
    _folder: TempDir,
}

/// One scenario under way.
pub struct Stage<'l> {
    pub place: &'l Place,
    pub runtime: &'l Runtime,
    pub store: &'l Store,
    pub ports: &'l ControlPlane,
    pub repository: Repository,
    pub source: SourceId,
    pub namespace: String,
    pub scenario: Scenario,
    pub memory: Memory,
}

impl<'p> Lane<'p> {
    pub async fn start(place: &'p Place, number: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let kubeconfig = std::fs::read_to_string(&place.rig.kubeconfig).expect("a kubeconfig");
        let store = world::database(folder.path()).await;
        let mut tx = store.begin().await.expect("a write");
        let cluster = store::cluster::ClusterFields {
            name: place.rig.cluster.clone(),
            labels: [("env".to_owned(), "test".to_owned())].into(),
            server: String::new(),
        };
        store::cluster::declare(&mut tx, &cluster)
            .await
            .expect("a cluster");
        tx.commit().await.expect("a commit");
        let runtime = world::runtime(&store, folder.path(), kubeconfig, Uuid::now_v7());
        let ports = world::ports(&runtime, &store, folder.path()).await;
        Self {
            place,
            runtime,
            store,
            ports,
            number,
            begun: 0,
            _folder: folder,
        }
    }

    /// Runs one scenario from its first step to its last.
    pub async fn run(&mut self, name: &str, scenario: &Scenario) -> Result<(), Failure> {
        self.begun += 1;
        let suffix = &Uuid::now_v7().simple().to_string()[22..];
        let namespace = format!("t-c{}-{}-{suffix}", self.number, self.begun);
        let failed = |step: usize, (expected, found): (String, String)| Failure {
            scenario: name.to_owned(),
            step,
            expected,
            found,
        };
        self.place
            .kubectl(&["create", "namespace", &namespace])
            .map_err(|said| failed(0, ("a namespace".to_owned(), said)))?;
        let namespaces = &self.place.namespaces;
        namespaces
            .lock()
            .expect("the namespaces")
            .push(namespace.clone());
        let mut stage = self.stage(scenario, namespace).await;
        let mut outcome = Ok(());
        for (index, step) in stage.scenario.steps.clone().iter().enumerate() {
            let done = match stage.act(step).await {
                Ok(()) => stage.expect(step).await,
                Err(said) => Err(said),
            };
            outcome = done.map_err(|said| failed(index + 1, said));
            if outcome.is_err() {
                break;
            }
        }
        if outcome.is_ok() {
            let steps = stage.scenario.steps.len();
            outcome = stage
                .nothing_more()
                .await
                .map_err(|said| failed(steps, said));
        }
        self.rest(stage.source).await;
        outcome
    }

    async fn stage(&self, scenario: &Scenario, namespace: String) -> Stage<'_> {
        let repository = Repository::new();
        let text = serde_json::to_string(scenario).expect("JSON");
        let text = text
            .replace("$NS", &namespace)
            .replace("$REPO", &repository.url())
            .replace("$CLUSTER", &self.place.rig.cluster);
        let scenario: Scenario = serde_json::from_str(&text).expect("the same scenario");
        let mut tx = self.store.begin().await.expect("a write");
        world::account(&mut tx).await;
        let source = store::source::declare(
            &mut tx,
            &store::source::SourceFields {
                name: namespace.clone(),
                repo_url: repository.url(),
                // Fleet's bundles are definitions and manifests at once.
                path: if scenario.bundle.is_some() {
                    ""
                } else {
                    "apps"
                }
                .to_owned(),
                target_revision: TargetRevision("main".to_owned()),
                home_cluster: self.place.rig.cluster.clone(),
            },
        )
        .await
        .expect("a source");
        store::source::set_mode(&mut tx, source.id, Mode::Managed)
            .await
            .expect("a mode");
        tx.commit().await.expect("a commit");
        let stage = Stage {
            place: self.place,
            runtime: &self.runtime,
            store: &self.store,
            ports: &self.ports,
            repository,
            source: source.id,
            namespace,
            memory: Memory::of(&scenario),
            scenario,
        };
        stage.repository.write("apps/README.md", "Definitions.");
        stage.repository.write("manifests/README.md", "Manifests.");
        stage.define(None);
        stage
    }

    /// What a scenario leaves is looked at no more; it must not take the time of the next ones.
    async fn rest(&self, source: SourceId) {
        let mut tx = self.store.begin().await.expect("a write");
        store::source::set_mode(&mut tx, source, Mode::Observe)
            .await
            .expect("a mode");
        tx.commit().await.expect("a commit");
    }

    pub async fn leave(self) {
        self.runtime.stop(Duration::from_secs(20)).await;
        self.store.close().await;
    }
}

impl Stage<'_> {
    /// Writes the definition: as the scenario has it, or with another `spec`.
    pub fn define(&self, spec: Option<&Value>) {
        let scenario = &self.scenario;
        if let Some(own) = &scenario.bundle {
            let text = serde_json::to_string_pretty(spec.unwrap_or(own)).expect("JSON");
            self.repository.write("manifests/fleet.yaml", &text);
            let mut repo = json!({
                "repo": self.repository.url(), "branch": "main", "paths": ["manifests"],
                "targets": [{"clusterSelector": {}}],
            });
            over(&mut repo, &scenario.gitrepo);
            self.definition(
                "fleet.cattle.io/v1alpha1",
                "GitRepo",
                "fleet-default",
                &repo,
            );
        } else if let Some(own) = &scenario.kustomization {
            let mut kustomization = json!({
                "interval": "1m", "path": "./manifests", "prune": true, "targetNamespace": self.namespace,
                "sourceRef": {"kind": "GitRepository", "name": "flux-system"},
            });
            over(&mut kustomization, spec.unwrap_or(own));
            let api = "kustomize.toolkit.fluxcd.io/v1";
            self.definition(api, "Kustomization", "flux-system", &kustomization);
        } else {
            let own = spec.unwrap_or(&scenario.shop);
            if own.is_null() {
                return;
            }
            let mut application = json!({
                "project": "default",
                "source": {"repoURL": self.repository.url(), "path": "manifests", "targetRevision": "main"},
                "destination": {"name": self.place.rig.cluster, "namespace": self.namespace},
            });
            over(&mut application, own);
            self.definition(
                "argoproj.io/v1alpha1",
                "Application",
                "argocd",
                &application,
            );
        }
    }

    /// A definition named `shop`; `metadata` among the fields of its `spec` is its own.
    fn definition(&self, api: &str, kind: &str, namespace: &str, spec: &Value) {
        let mut spec = spec.clone();
        let mut metadata = json!({"name": "shop", "namespace": namespace});
        if let Some(more) = spec
            .as_object_mut()
            .and_then(|spec| spec.remove("metadata"))
        {
            over(&mut metadata, &more);
        }
        let body = json!({"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec});
        let text = serde_json::to_string_pretty(&body).expect("JSON");
        self.repository.write("apps/shop.yaml", &text);
    }

    /// Writes a manifest of the application, or takes it out.
    pub fn manifest(&self, name: &str, short: &Value) {
        let path = format!("manifests/{name}.yaml");
        match short {
            Value::Null => self.repository.remove(&path),
            short => self
                .repository
                .write(&path, &objects::manifest(name, short)),
        }
    }

    /// The target of the application with this name, once it is there.
    pub async fn target(&self, name: &str) -> Option<TargetId> {
        let applications = store::application::list(self.store, true)
            .await
            .expect("the applications");
        let found = applications
            .iter()
            .find(|row| row.name == name && row.source == Some(self.source))?;
        let mut targets = store::target::of_application(self.store, found.id)
            .await
            .expect("the targets");
        targets.pop().map(|row| row.id)
    }
}

/// Lays the fields of one object over those of another.
fn over(base: &mut Value, more: &Value) {
    match (base, more) {
        (Value::Object(base), Value::Object(more)) => {
            for (field, value) in more {
                match base
                    .get_mut(field)
                    .filter(|own| own.is_object() && value.is_object())
                {
                    Some(own) => over(own, value),
                    None => {
                        base.insert(field.clone(), value.clone());
                    }
                }
            }
        }
        (_, Value::Null) => {}
        (base, more) => *base = more.clone(),
    }
}
