//! What Git does not know of, on a real cluster: orphaned objects as an AppProject asks for them, and the proof that a
//! cluster can be rebuilt.

use crate::AUTOMATED;
use crate::world::{WITHIN, World};
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Role};
use lockstep_types::id::UserId;
use lockstep_types::ports::ControlPlane;
use lockstep_types::source::Mode;
use std::time::{Duration, Instant};
use uuid::Uuid;

pub fn person() -> Actor {
    Actor {
        user: UserId(Uuid::from_u128(1)),
        name: "maria".to_owned(),
        role: Role::Admin,
        token: None,
        rights: Default::default(),
    }
}

impl World {
    fn project(&self, orphans: &str) {
        self.repository.write(
            "apps/project.yaml",
            &format!(
                "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: default, namespace: argocd}}\nspec:\n  sourceRepos: ['*']\n  destinations: [{{name: '*', namespace: '*'}}]\n  namespaceResourceBlacklist: [{{group: '', kind: ResourceQuota}}]\n{orphans}"
            ),
        );
    }

    /// How many objects the head of the application warns of, once it does.
    async fn until_warned(&self, ports: &ControlPlane, wanted: Option<u32>) {
        let deadline = Instant::now() + WITHIN;
        loop {
            let view = ports
                .applications
                .application(&person(), self.application(), self.cluster())
                .await
                .expect("the application");
            let watch = view.orphans.expect("the project asks");
            assert!(watch.warn);
            if watch.found == wanted {
                return;
            }
            assert!(Instant::now() < deadline, "{watch:?}, not {wanted:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orphans_are_what_nobody_declares_owns_or_leaves_out() {
    let world = World::start("orphans", Mode::Managed, AUTOMATED).await;
    world.project("  orphanedResources: {ignore: [{kind: Secret, name: 'kept-*'}]}\n");
    let ports = world.ports().await;
    let first = world.commit_shop("hello", 2);
    world.until_deployed(&first).await;
    // Declared: nothing. Owned: the pods and the replica set of the Deployment.
    world.until_warned(&ports, Some(0)).await;
    world.kubectl(&["create", "configmap", "by-hand", "--from-literal", "a=b"]);
    world.kubectl(&["create", "secret", "generic", "kept-1"]);
    world.kubectl(&["create", "secret", "generic", "forgotten"]);
    world.kubectl(&["create", "quota", "not-permitted"]);
    world.kubectl(&[
        "create",
        "deployment",
        "stray",
        "--image",
        "registry.example.org/stray:1",
        "--replicas",
        "1",
    ]);
    world.until_warned(&ports, Some(3)).await;
    let view = ports
        .applications
        .orphans(&person(), world.target())
        .await
        .expect("they are listed");
    let found: Vec<String> = view
        .orphans
        .iter()
        .map(|orphan| format!("{} by {}", orphan.key.short(), orphan.made_by))
        .collect();
    assert_eq!(
        found,
        [
            "ConfigMap by-hand by kubectl-create",
            "Secret forgotten by kubectl-create",
            "Deployment stray by kubectl-create",
        ]
    );
    assert_eq!(view.rules, "default (apps/project.yaml:1)");
    assert_eq!((view.unread, view.unsure), (vec![], vec![]));

    // A project that does not ask tells nobody what else is there.
    world.project("");
    world.push("nobody asks");
    let deadline = Instant::now() + WITHIN;
    let refused = loop {
        match ports.applications.orphans(&person(), world.target()).await {
            Err(error) => break error,
            Ok(_) => assert!(Instant::now() < deadline, "it is still listed"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(
        matches!(&refused, PortError::Conflict(why) if why.contains("spec.orphanedResources")),
        "{refused:?}"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rebuild_proof_names_what_a_new_cluster_would_lack() {
    let world = World::start("rebuild", Mode::Managed, AUTOMATED).await;
    let ports = world.ports().await;
    world.repository.write(
        "manifests/worker.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: worker}\nspec:\n  replicas: 1\n  selector: {matchLabels: {app: worker}}\n  template:\n    metadata: {labels: {app: worker}}\n    spec:\n      imagePullSecrets: [{name: by-hand}]\n      containers: [{name: worker, image: registry.example.org/team/worker, envFrom: [{secretRef: {name: nowhere}}, {configMapRef: {name: settings}}]}]\n",
    );
    world.kubectl(&["create", "secret", "generic", "by-hand"]);
    let first = world.commit_shop("hello", 1);
    world.until_deployed(&first).await;
    let proof = ports
        .clusters
        .rebuild(&person(), world.cluster())
        .await
        .expect("a proof");
    let own = |namespace: &str| namespace == world.namespace();
    let missing: Vec<String> = proof
        .missing
        .iter()
        .map(|missing| format!("{} {} {}", missing.key.kind, missing.key.name, missing.live))
        .collect();
    assert_eq!(
        missing,
        [
            format!("Namespace {} true", world.namespace()),
            "Secret by-hand true".to_owned(),
            "Secret nowhere false".to_owned(),
        ]
    );
    // Other tests have made more in the cluster; of this namespace nothing but the Secret is unknown to Git.
    let undeclared: Vec<String> = proof
        .undeclared
        .iter()
        .filter(|orphan| own(&orphan.key.namespace))
        .map(|orphan| orphan.key.short())
        .collect();
    assert_eq!(undeclared, ["Secret by-hand"]);
    let system: Vec<String> = proof
        .undeclared
        .iter()
        .filter(|orphan| {
            orphan.key.name.starts_with("system:") || orphan.key.namespace == "kube-public"
        })
        .map(|orphan| orphan.key.to_string())
        .collect();
    assert_eq!(system, [""; 0], "what comes with every cluster");
    assert!(
        proof.owned >= 2 && proof.given > 50 && proof.score < 100,
        "{proof:?}"
    );
    let images: Vec<(&str, bool)> = proof
        .images
        .iter()
        .map(|image| (image.image.as_str(), image.always))
        .collect();
    assert_eq!(
        images,
        [
            ("registry.example.org/team/worker", true),
            ("registry.example.org/team/web:1.0", false),
        ]
    );
    world.end().await;
}
