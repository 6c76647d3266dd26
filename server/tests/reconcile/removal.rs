//! What happens in a cluster when an application leaves Git: nothing, until a person decides; then exactly what was shown,
//! by the API server's audit log.

use crate::AUTOMATED;
use crate::world::{WITHIN, World, define_shop};
use lockstep_types::account::{Actor, Role};
use lockstep_types::diff::SyncStatus;
use lockstep_types::id::UserId;
use lockstep_types::leftover::{LeftBehind, RemovalPreview, RemovalRequest};
use lockstep_types::ports::ControlPlane;
use lockstep_types::source::Mode;
use lockstep_types::sync::{RunSummary, SyncPhase};
use server::store;
use std::time::{Duration, Instant};
use uuid::Uuid;

fn person(role: Role) -> Actor {
    Actor {
        user: UserId(Uuid::from_u128(1)),
        name: "maria".to_owned(),
        role,
        token: None,
        rights: Default::default(),
    }
}

fn config(name: &str, annotations: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, annotations: {{{annotations}}}}}\ndata: {{a: b}}\n"
    )
}

/// A Job that ends at once, or as the label of its pods says.
fn hook(name: &str, phase: &str, pods: &str) -> String {
    let deadline = if pods.is_empty() {
        ""
    } else {
        "activeDeadlineSeconds: 1"
    };
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, annotations: {{argocd.argoproj.io/hook: {phase}}}}}\nspec:\n  backoffLimit: 0\n  {deadline}\n  template:\n    metadata: {{{pods}}}\n    spec: {{restartPolicy: Never, containers: [{{name: main, image: registry.example.org/team/{name}:1.0}}]}}\n"
    )
}

impl World {
    fn manifest(&self, name: &str, text: &str) {
        self.repository
            .write(&format!("manifests/{name}.yaml"), text);
    }

    /// Takes the application out of Git and waits until what it left is listed.
    async fn take_out(&self, ports: &ControlPlane) -> RemovalPreview {
        self.repository.remove("apps/shop.yaml");
        // A folder without a file would be gone itself, which takes nothing out.
        self.repository.write("apps/README.md", "closed");
        self.push("the shop closes");
        let deadline = Instant::now() + WITHIN;
        loop {
            let listed = ports
                .leftovers
                .leftovers(&person(Role::Admin))
                .await
                .expect("a list");
            if !listed.is_empty() {
                // The cluster's watch may still bring what the sync before has written.
                let first = self.shown(ports).await;
                tokio::time::sleep(Duration::from_millis(500)).await;
                let second = self.shown(ports).await;
                let digest =
                    |shown: &RemovalPreview| shown.plan.as_ref().map(|plan| plan.digest.clone());
                if digest(&first).is_some() && digest(&first) == digest(&second) {
                    return second;
                }
            }
            assert!(Instant::now() < deadline, "it is never listed");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn shown(&self, ports: &ControlPlane) -> RemovalPreview {
        ports
            .leftovers
            .removal(&person(Role::Admin), self.target())
            .await
            .expect("a preview")
    }

    async fn remove(&self, ports: &ControlPlane, preview: &RemovalPreview, typed: &str) {
        let plan = preview.plan.as_ref().expect("a plan");
        ports
            .leftovers
            .remove(
                &person(Role::Admin),
                &RemovalRequest {
                    target: self.target(),
                    digest: plan.digest.clone(),
                    typed: typed.to_owned(),
                    reason: "closed".to_owned(),
                },
            )
            .await
            .expect("it is asked for");
    }

    async fn until_over(&self, runs: usize) -> RunSummary {
        self.until_runs("the removal is over", |all| {
            all.len() == runs && all.iter().all(|run| run.phase.is_final())
        })
        .await
        .remove(0)
    }

    async fn generation(&self) -> u64 {
        let row = store::target::get(self.store(), self.target()).await;
        row.expect("the target").generation
    }

    async fn inventory(&self) -> Vec<String> {
        store::inventory::of_target(self.store(), self.target())
            .await
            .expect("the inventory")
            .into_iter()
            .map(|row| row.key.short())
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_leaves_git_leaves_everything_running() {
    let world = World::start("leaves", Mode::Managed, AUTOMATED).await;
    let ports = world.ports().await;
    let first = world.commit_shop("hello", 1);
    world.until_deployed(&first).await;
    let before = world.writes_in_order();
    let preview = world.take_out(&ports).await;
    assert_eq!(preview.leftovers.why, LeftBehind::Removed);
    assert_eq!(preview.leftovers.objects.len(), 3, "{preview:?}");
    assert_eq!(preview.error, "");
    let rules: Vec<&str> = preview
        .plan
        .iter()
        .flat_map(|plan| &plan.gate)
        .map(|finding| finding.rule.as_str())
        .collect();
    assert_eq!(rules, ["G10"]);
    assert_eq!(world.writes_in_order(), before, "nothing was written");

    // Kept: our mark goes, the objects stay, nothing is listed any more.
    ports
        .leftovers
        .leave(&person(Role::Admin), world.target())
        .await
        .expect("it is asked for");
    let deadline = Instant::now() + WITHIN;
    while !world.inventory().await.is_empty() {
        assert!(Instant::now() < deadline, "{:?}", world.inventory().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let marks = world.kubectl(&[
        "get",
        "configmaps,deployments",
        "--show-managed-fields",
        "-o",
        "jsonpath={range .items[*]}{.metadata.name} {.metadata.annotations.lockstep\\.dev/tracking-id} {.metadata.managedFields[*].manager}{'\\n'}{end}",
    ]);
    assert!(
        marks.contains("settings") && marks.contains("web"),
        "{marks}"
    );
    assert!(
        !marks.contains("shop@") && !marks.contains("lockstep"),
        "{marks}"
    );
    assert!(
        !world
            .writes_in_order()
            .iter()
            .any(|write| write.starts_with('-')),
        "nothing was deleted"
    );

    // Back in Git, the same objects are its own again, without being made anew.
    let uid = world.kubectl(&[
        "get",
        "configmap",
        "settings",
        "-o",
        "jsonpath={.metadata.uid}",
    ]);
    define_shop(
        &world.repository,
        world.cluster(),
        world.namespace(),
        AUTOMATED,
    );
    let second = world.push("the shop opens again");
    world
        .until("defined again", |state| {
            state.revision.as_ref() == Some(&second) && state.sync == SyncStatus::OutOfSync
        })
        .await;
    assert_eq!(world.sync(2, false).await.phase, SyncPhase::Succeeded);
    let now = world.kubectl(&[
        "get",
        "configmap",
        "settings",
        "-o",
        "jsonpath={.metadata.uid}",
    ]);
    assert_eq!(uid, now);
    world.end().await;
}

/// The loop that the target had before it left Git may still be at work, and claims the target in the middle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_choice_to_keep_that_is_cut_off_is_carried_out_all_the_same() {
    let world = World::start("cut-off", Mode::Managed, AUTOMATED).await;
    let ports = world.ports().await;
    let first = world.commit_shop("hello", 1);
    world.until_deployed(&first).await;
    world.take_out(&ports).await;
    let (store, target) = (world.store().clone(), world.target());
    let (done, mut over) = tokio::sync::oneshot::channel::<()>();
    let other = tokio::spawn(async move {
        let mut claims = 0_u32;
        while over.try_recv().is_err() {
            let mut tx = store.begin().await.expect("a transaction");
            store::target::claim(&mut tx, target)
                .await
                .expect("a claim");
            tx.commit().await.expect("it is claimed");
            claims += 1;
        }
        claims
    });
    let admin = person(Role::Admin);
    let leave = ports.leftovers.leave(&admin, world.target());
    let asked = leave.await.expect("it is asked for");
    // It is tried while somebody else claims the target again and again.
    let deadline = Instant::now() + WITHIN;
    while world.generation().await < 50 {
        assert!(Instant::now() < deadline, "nobody claimed it");
        tokio::task::yield_now().await;
    }
    done.send(()).expect("the other one listens");
    assert!(other.await.expect("it ended") > 0);
    while !world.inventory().await.is_empty() {
        let operation = store::operation::get(world.store(), asked).await;
        assert!(Instant::now() < deadline, "{operation:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_deletes_what_was_shown_between_its_hooks() {
    let world = World::start("removes", Mode::Managed, AUTOMATED).await;
    let ports = world.ports().await;
    world.manifest("backup", &hook("backup", "PreDelete", ""));
    world.manifest("tell", &hook("tell", "PostDelete", ""));
    world.manifest("one", &config("one", ""));
    world.manifest("two", &config("two", "argocd.argoproj.io/sync-wave: '1'"));
    world.manifest(
        "kept",
        &config("kept", "argocd.argoproj.io/sync-options: Delete=false"),
    );
    world.manifest("chart", &config("chart", "helm.sh/resource-policy: keep"));
    let first = world.push("one");
    world.until_deployed(&first).await;
    // Of the same labels and names, and not ours.
    world.kubectl(&["create", "configmap", "stranger"]);
    world.kubectl(&["delete", "configmap", "one"]);
    world.kubectl(&["create", "configmap", "one"]);
    let preview = world.take_out(&ports).await;

    // What was shown is bound: with another digest nothing happens.
    let mut stale = preview.clone();
    if let Some(plan) = &mut stale.plan {
        plan.digest = "0".repeat(64);
    }
    world.remove(&ports, &stale, "shop").await;
    let refused = world.until_over(2).await;
    assert_eq!(refused.phase, SyncPhase::Failed);
    assert!(
        refused.message.contains("has changed since it was shown"),
        "{refused:?}"
    );

    let preview = world.shown(&ports).await;
    world.remove(&ports, &preview, "shop").await;
    let run = world.until_over(3).await;
    assert_eq!(run.phase, SyncPhase::Succeeded, "{run:?}");
    let order = world.writes_in_order();
    let after: Vec<&str> = order
        .iter()
        .map(String::as_str)
        .skip_while(|write| *write != "jobs/backup")
        .collect();
    assert_eq!(after, ["jobs/backup", "-configmaps/two", "jobs/tell"]);
    assert_eq!(
        world.kubectl(&[
            "get",
            "configmap",
            "kept",
            "chart",
            "one",
            "stranger",
            "-o",
            "name"
        ]),
        "configmap/kept\nconfigmap/chart\nconfigmap/one\nconfigmap/stranger"
    );
    let left = world.inventory().await;
    assert!(!left.contains(&"ConfigMap two".to_owned()), "{left:?}");
    assert!(left.contains(&"ConfigMap kept".to_owned()), "{left:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_hook_before_the_deletion_stops_it() {
    let world = World::start("stops", Mode::Managed, AUTOMATED).await;
    let ports = world.ports().await;
    let failing = hook(
        "backup",
        "PreDelete",
        "labels: {rig.lockstep.dev/pod: image-pull}",
    );
    world.manifest("backup", &failing);
    world.manifest("tell", &hook("tell", "PostDelete", ""));
    world.manifest("one", &config("one", ""));
    let first = world.push("one");
    world.until_deployed(&first).await;
    let preview = world.take_out(&ports).await;
    world.remove(&ports, &preview, "shop").await;
    let run = world.until_over(2).await;
    assert_eq!(run.phase, SyncPhase::Failed);
    assert!(
        run.message
            .contains("the hook Job backup (PreDelete) failed"),
        "{}",
        run.message
    );
    let order = world.writes_in_order();
    assert!(!order.contains(&"-configmaps/one".to_owned()), "{order:?}");
    assert!(!order.contains(&"jobs/tell".to_owned()), "{order:?}");
    assert_eq!(world.inventory().await, ["ConfigMap one"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_right_to_approve_a_removal_waits() {
    let world = World::start("asks", Mode::Managed, AUTOMATED).await;
    let ports = world.ports().await;
    world.manifest("one", &config("one", ""));
    let first = world.push("one");
    world.until_deployed(&first).await;
    let preview = world.take_out(&ports).await;
    let plan = preview.plan.clone().expect("a plan");
    // As somebody asks who may remove and may not approve.
    let asked = serde_json::json!({"digest": plan.digest, "approve": false});
    world
        .ask(lockstep_types::sync::OperationKind::Remove, asked)
        .await;
    world
        .until_runs("it awaits a yes", |runs| {
            runs.len() == 2 && runs[0].phase == SyncPhase::AwaitingApproval
        })
        .await;
    let admin = person(Role::Admin);
    let waiting = ports.syncs.approvals(&admin).await.expect("approvals");
    assert_eq!(waiting[0].digest, plan.digest);
    assert_eq!(
        world.kubectl(&["get", "configmap", "one", "-o", "name"]),
        "configmap/one"
    );
    ports
        .syncs
        .decide(&admin, waiting[0].id, &plan.digest, true)
        .await
        .expect("a yes");
    assert_eq!(world.until_over(2).await.phase, SyncPhase::Succeeded);
    assert_eq!(world.inventory().await, Vec::<String>::new());
    world.end().await;
}
