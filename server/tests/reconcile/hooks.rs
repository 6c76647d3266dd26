//! Hooks and waves, against a real API server and a real Job controller: in which order things happen, by the server's
//! own audit log, and what becomes of hooks that fail, never end or are cut off.

use crate::AUTOMATED;
use crate::world::World;
use lockstep_types::diff::SyncStatus;
use lockstep_types::plan::Action;
use lockstep_types::reason::ReasonCode;
use lockstep_types::source::Mode;
use lockstep_types::sync::{OperationKind, StepOutcome, SyncPhase};
use server::store;
use std::time::{Duration, Instant};

/// A Job that ends at once, or as the label of its pods says.
fn job(name: &str, annotations: &str, pods: &str, spec: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, annotations: {{{annotations}}}}}\nspec:\n  backoffLimit: 0\n  {spec}\n  template:\n    metadata: {{{pods}}}\n    spec: {{restartPolicy: Never, containers: [{{name: main, image: registry.example.org/team/{name}:1.0}}]}}\n"
    )
}

fn hook(name: &str, phase: &str) -> String {
    job(name, &format!("argocd.argoproj.io/hook: {phase}"), "", "")
}

/// Its pods never start.
fn endless(name: &str, phase: &str) -> String {
    job(
        name,
        &format!("argocd.argoproj.io/hook: {phase}"),
        "labels: {rig.lockstep.dev/pod: image-pull}",
        "",
    )
}

impl World {
    fn config(&self, name: &str, wave: i32) {
        self.repository.write(
            &format!("manifests/{name}.yaml"),
            &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, annotations: {{argocd.argoproj.io/sync-wave: '{wave}'}}}}\ndata: {{a: b}}\n"),
        );
    }

    fn web(&self, wave: i32, replicas: u32) {
        self.repository.write("manifests/web.yaml", &format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, annotations: {{argocd.argoproj.io/sync-wave: '{wave}'}}}}\nspec:\n  replicas: {replicas}\n  selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web}}}}\n    spec: {{containers: [{{name: web, image: registry.example.org/team/web:1.0}}]}}\n"
        ));
    }

    fn hook(&self, name: &str, text: &str) {
        self.repository
            .write(&format!("manifests/{name}.yaml"), text);
    }

    async fn steps(&self, run: lockstep_types::id::RunId) -> Vec<StepOutcome> {
        store::run::steps(self.store(), run)
            .await
            .expect("the steps of the run")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_and_waves_wait_for_each_other() {
    let world = World::start("waves", Mode::Managed, AUTOMATED).await;
    world.hook("migrate", &hook("migrate", "PreSync"));
    world.hook("smoke", &hook("smoke", "PostSync"));
    world.hook("tell", &hook("tell", "SyncFail"));
    world.hook(
        "chart",
        &job("chart", "helm.sh/hook: 'post-install', helm.sh/hook-weight: '-3', helm.sh/hook-delete-policy: hook-succeeded", "", ""),
    );
    world.web(0, 2);
    world.config("later", 1);
    world.config("sooner", -1);
    world.push("one");
    let runs = world
        .until_runs("done", |runs| runs.iter().any(|run| run.phase.is_final()))
        .await;
    assert_eq!(
        (runs.len(), runs[0].phase),
        (1, SyncPhase::Succeeded),
        "{runs:?}"
    );
    assert_eq!((runs[0].counts.create, runs[0].counts.hooks), (3, 3));
    assert_eq!(
        world.writes_in_order(),
        [
            "jobs/migrate",
            "configmaps/sooner",
            "deployments/web",
            "configmaps/later",
            "jobs/chart",
            "-jobs/chart",
            "jobs/smoke",
        ]
    );
    // Each began when the one before had ended, not when it was merely sent.
    let steps = world.steps(runs[0].id).await;
    let of = |name: &str, action: fn(&Action) -> bool| {
        steps
            .iter()
            .find(|step| step.key.name == name && action(&step.action))
            .unwrap()
    };
    let migrated = of("migrate", |action| *action == Action::Hook);
    let sooner = of("sooner", |action| *action == Action::Create);
    assert!(migrated.ended_at.unwrap() <= sooner.started_at.unwrap());
    assert!(migrated.uid.is_some());
    assert_eq!(
        world.kubectl(&["get", "job", "-o", "name"]),
        "job.batch/migrate\njob.batch/smoke"
    );
    // Hooks are no part of the application: nothing differs, nothing is missing.
    world
        .until("synced", |state| {
            state.sync == SyncStatus::Synced && state.reason.is_none()
        })
        .await;

    // A person's sync runs them again, although nothing else is to do; what the last one left goes first.
    let before = world.kubectl(&["get", "job", "migrate", "-o", "jsonpath={.metadata.uid}"]);
    world.ask(OperationKind::Sync, serde_json::json!({})).await;
    world
        .until_runs("again", |runs| {
            runs.len() == 2 && runs[0].phase == SyncPhase::Succeeded
        })
        .await;
    let after = world.kubectl(&["get", "job", "migrate", "-o", "jsonpath={.metadata.uid}"]);
    assert_ne!(before, after);
    assert!(
        world.writes_in_order()[7..]
            .starts_with(&["-jobs/migrate".to_owned(), "jobs/migrate".to_owned()])
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_that_never_ends_is_explained_and_ended_within_seconds() {
    let world = World::start("endless", Mode::Managed, AUTOMATED).await;
    world.hook("migrate", &endless("migrate", "PreSync"));
    world.config("settings", 0);
    world.push("one");
    let state = world
        .until("explained", |state| {
            state.reason.as_ref().is_some_and(|reason| {
                reason.code == ReasonCode::WaitingForHook && reason.cause.contains("cannot pull")
            })
        })
        .await
        .state;
    let reason = state.reason.unwrap();
    assert!(
        reason
            .cause
            .contains("waiting for the PreSync hook: Job migrate"),
        "{reason:?}"
    );
    assert_eq!(reason.object.unwrap().name, "migrate");
    let asked = Instant::now();
    world
        .ask(OperationKind::Terminate, serde_json::json!({}))
        .await;
    let runs = world
        .until_runs("ended", |runs| runs[0].phase == SyncPhase::Terminated)
        .await;
    assert!(
        asked.elapsed() < Duration::from_secs(5),
        "{:?}",
        asked.elapsed()
    );
    assert!(runs[0].message.contains("maria"), "{}", runs[0].message);
    let steps = world.steps(runs[0].id).await;
    assert!(
        steps
            .iter()
            .any(|step| step.message.contains("its object was deleted")),
        "{steps:?}"
    );
    world
        .until_kubectl("the hook is gone", &["get", "job", "-o", "name"], "")
        .await;
    assert!(
        !world
            .writes_in_order()
            .contains(&"configmaps/settings".to_owned())
    );

    // A commit that mends it goes on.
    world.hook("migrate", &hook("migrate", "PreSync"));
    world.push("two");
    world
        .until_runs("mended", |runs| runs[0].phase == SyncPhase::Succeeded)
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_commit_takes_the_place_of_a_run_that_waits() {
    let world = World::start("newer", Mode::Managed, AUTOMATED).await;
    world.hook("migrate", &endless("migrate", "PreSync"));
    world.config("settings", 0);
    world.push("one");
    world
        .until("it waits", |state| {
            state
                .reason
                .as_ref()
                .is_some_and(|reason| reason.code == ReasonCode::WaitingForHook)
        })
        .await;
    world.hook("migrate", &hook("migrate", "PreSync"));
    let second = world.push("two");
    let runs = world
        .until_runs("the second is through", |runs| {
            runs[0].phase == SyncPhase::Succeeded
        })
        .await;
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0].revision, second);
    assert_eq!(runs[1].phase, SyncPhase::Superseded, "{runs:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_hook_stops_the_sync_and_runs_what_is_for_that() {
    let world = World::start("fails", Mode::Managed, "automated: {enabled: false}").await;
    world.hook(
        "migrate",
        &job(
            "migrate",
            "argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: HookFailed",
            "labels: {rig.lockstep.dev/pod: image-pull}",
            "activeDeadlineSeconds: 1",
        ),
    );
    world.hook("tell", &hook("tell", "SyncFail"));
    world.config("settings", 0);
    world.push("one");
    world
        .until("compared", |state| state.sync == SyncStatus::OutOfSync)
        .await;
    world.ask(OperationKind::Sync, serde_json::json!({})).await;
    let runs = world
        .until_runs("failed", |runs| runs.iter().any(|run| run.phase.is_final()))
        .await;
    assert_eq!(runs[0].phase, SyncPhase::Failed, "{runs:?}");
    assert!(
        runs[0]
            .message
            .starts_with("the hook Job migrate (PreSync) failed:")
            && runs[0].message.contains("longer than specified deadline"),
        "{}",
        runs[0].message
    );
    assert_eq!(
        world.writes_in_order(),
        ["jobs/migrate", "jobs/tell", "-jobs/migrate"]
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hook_is_not_run_twice_when_the_server_ends_in_between() {
    let world = World::start("between", Mode::Managed, AUTOMATED).await;
    world.hook(
        "migrate",
        &job(
            "migrate",
            "argocd.argoproj.io/hook: PreSync",
            "labels: {rig.lockstep.dev/pod: slow}, annotations: {rig.lockstep.dev/delay: 12s}",
            "",
        ),
    );
    world.config("settings", 0);
    world.push("one");
    world
        .until("it waits", |state| {
            state
                .reason
                .as_ref()
                .is_some_and(|reason| reason.code == ReasonCode::WaitingForHook)
        })
        .await;
    let uid = world.kubectl(&["get", "job", "migrate", "-o", "jsonpath={.metadata.uid}"]);
    let world = world.restart().await;
    let runs = world
        .until_runs("done", |runs| runs.iter().any(|run| run.phase.is_final()))
        .await;
    assert_eq!(
        (runs.len(), runs[0].phase),
        (1, SyncPhase::Succeeded),
        "{runs:?}"
    );
    assert_eq!(
        world.kubectl(&["get", "job", "migrate", "-o", "jsonpath={.metadata.uid}"]),
        uid
    );
    assert_eq!(
        world.writes_in_order(),
        ["jobs/migrate", "configmaps/settings"]
    );
    world.end().await;
}
