//! What a project does not permit is not done either where nothing declares it any more: an application of no project,
//! definitions that a render holds, what a sync prunes, and a plan that is older than the project.

use crate::AUTOMATED;
use crate::sets::{until_problem, write_project};
use crate::world::{WITHIN, World};
use lockstep_types::diff::SyncStatus;
use lockstep_types::reason::ReasonCode;
use lockstep_types::revision::Revision;
use lockstep_types::source::Mode;
use lockstep_types::sync::{RunSummary, SyncPhase};
use server::store;
use std::time::{Duration, Instant};

const DENIES_ACCOUNTS: &str = "  namespaceResourceBlacklist: [{group: '', kind: ServiceAccount}]\n";
const DENIES_DEPLOYMENTS: &str =
    "  namespaceResourceBlacklist: [{group: apps, kind: Deployment}]\n";

impl World {
    /// Waits until the shop is refused, by words of the reason.
    async fn until_refused(&self, part: &str) {
        self.until(part, |state| {
            state.reason.as_ref().is_some_and(|reason| {
                reason.code == ReasonCode::DefinitionInvalid && reason.cause.contains(part)
            })
        })
        .await;
    }

    /// Waits until the root source was read at a commit.
    async fn until_read(&self, revision: &Revision) {
        let deadline = Instant::now() + WITHIN;
        loop {
            let source = store::source::by_name(self.store(), "root")
                .await
                .expect("a source")
                .expect("the root source");
            if source.revision.as_ref() == Some(revision) {
                return;
            }
            assert!(Instant::now() < deadline, "{source:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn child(&self, name: &str, project: &str) -> String {
        format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}, namespace: argocd}}\nspec:\n  project: {project}\n  source: {{repoURL: '{}', path: child, targetRevision: main}}\n  destination: {{name: {}, namespace: {}}}\n  syncPolicy: {{automated: {{}}}}\n",
            self.repository.url(),
            self.cluster(),
            self.namespace()
        )
    }
}

fn denied(runs: &[RunSummary], part: &str) -> bool {
    runs.iter()
        .any(|run| run.phase == SyncPhase::Failed && run.message.contains(part))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_59_an_application_of_no_project_and_a_child_out_of_it_are_refused() {
    let world = World::start("no-project", Mode::Managed, AUTOMATED).await;
    let shop = std::fs::read_to_string(world.repository.path().join("apps/shop.yaml"))
        .expect("the application");
    world.repository.write(
        "apps/shop.yaml",
        &shop.replace("project: default", "project: web"),
    );
    world.repository.write(
        "child/config.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: escaped}\n",
    );
    world.commit_shop("hello", 0);
    let nowhere = "project web is not defined in this source";
    world.until_refused(nowhere).await;
    until_problem(&world, nowhere).await;

    // The project is there, and does not let its applications define others.
    write_project(&world, "");
    world
        .repository
        .write("manifests/child.yaml", &world.child("child", "default"));
    world.push("a child of the default project");
    world
        .until_refused("does not permit the namespace argocd")
        .await;
    assert_eq!(
        world.kubectl(&["get", "configmap", "-o", "name"]),
        "configmap/kube-root-ca.crt"
    );

    // It lets them, and the child names a project that is not there.
    write_project(&world, "");
    let project = world.repository.path().join("apps/project.yaml");
    let text = std::fs::read_to_string(project).expect("the project");
    let wider = text.replace(
        "destinations: [",
        "destinations: [{server: '*', namespace: argocd}, ",
    );
    assert_ne!(wider, text);
    world.repository.write("apps/project.yaml", &wider);
    world
        .repository
        .write("manifests/child.yaml", &world.child("child", "elsewhere"));
    let last = world.push("a child of no project");
    world.until_deployed(&last).await;
    until_problem(&world, "project elsewhere is not defined in this source").await;
    assert_eq!(
        world.kubectl(&[
            "get",
            "configmap",
            "escaped",
            "--ignore-not-found",
            "-o",
            "name"
        ]),
        ""
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_16_a_prune_outside_of_the_project_is_refused() {
    let world = World::start("prunes", Mode::Managed, AUTOMATED).await;
    write_project(&world, "");
    world.repository.write(
        "manifests/account.yaml",
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: deployer}\n",
    );
    let first = world.commit_shop("hello", 0);
    world.until_deployed(&first).await;

    world.repository.remove("manifests/account.yaml");
    write_project(&world, DENIES_ACCOUNTS);
    world.push("no account, and none permitted");
    world
        .until_runs("the prune is refused", |runs| {
            denied(runs, "denies objects of kind ServiceAccount")
        })
        .await;
    let account = ["get", "serviceaccount", "deployer", "-o", "name"];
    assert_eq!(world.kubectl(&account), "serviceaccount/deployer");

    write_project(&world, "");
    let last = world.push("permitted again");
    world.until_deployed(&last).await;
    let account = [&account[..], &["--ignore-not-found"]].concat();
    assert_eq!(world.kubectl(&account), "");
    world.end().await;
}

/// A yes that comes after the project was narrowed carries nothing out that the project does not permit any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_16_a_project_narrowed_between_plan_and_write_refuses_the_write() {
    let world = World::start("narrowed", Mode::Managed, AUTOMATED).await;
    write_project(&world, "");
    let first = world.commit_shop("hello", 1);
    world.until_deployed(&first).await;
    world.repository.remove("manifests/web.yaml");
    world.push("no workload any more");
    world
        .until("it waits for a yes", |state| {
            state
                .reason
                .as_ref()
                .is_some_and(|reason| reason.code == ReasonCode::AwaitingApproval)
        })
        .await;

    write_project(&world, DENIES_DEPLOYMENTS);
    let narrowed = world.push("the project is narrowed");
    world.until_read(&narrowed).await;
    let deadline = Instant::now() + WITHIN;
    loop {
        for waiting in store::approval::waiting(world.store()).await.unwrap() {
            let mut tx = world.store().begin().await.unwrap();
            // A newer commit withdraws the question: then the next one is answered.
            let _ =
                store::approval::decide(&mut tx, waiting.id, &waiting.digest, true, "maria").await;
            tx.commit().await.unwrap();
            world.wake();
        }
        let runs = store::run::of_target(world.store(), world.target(), None, 20)
            .await
            .unwrap();
        if denied(&runs, "denies objects of kind apps/Deployment") {
            break;
        }
        assert!(Instant::now() < deadline, "{runs:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        world.kubectl(&["get", "deployment", "-o", "name"]),
        "deployment.apps/web"
    );
    let state = store::target::get(world.store(), world.target())
        .await
        .unwrap()
        .state;
    assert_ne!(state.sync, SyncStatus::Synced);
    world.end().await;
}
