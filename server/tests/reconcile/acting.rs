//! What people do to live objects without a commit: done once, to the object that was looked at, and undone by Git only
//! where Git declares otherwise.

use crate::HEALING;
use crate::sets::write_project;
use crate::world::{WITHIN, World};
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Role};
use lockstep_types::action::{Acted, ActionKind, ActionRequest};
use lockstep_types::diff::SyncStatus;
use lockstep_types::id::UserId;
use lockstep_types::ports::ControlPlane;
use lockstep_types::resource::{ResourceKey, ResourceView};
use lockstep_types::source::Mode;
use lockstep_types::sync::{StartedBy, SyncPhase};
use std::time::{Duration, Instant};
use uuid::Uuid;

const CRON_JOB: &str = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: report}\nspec:\n  schedule: \"0 4 1 1 *\"\n  jobTemplate:\n    metadata: {labels: {of: report}}\n    spec:\n      template:\n        spec: {restartPolicy: Never, containers: [{name: main, image: registry.example.org/team/report:1.0}]}\n";

fn person(role: Role) -> Actor {
    Actor {
        user: UserId(Uuid::from_u128(1)),
        name: "maria".to_owned(),
        role,
        token: None,
        rights: Default::default(),
    }
}

impl World {
    fn key(&self, group: &str, kind: &str, name: &str) -> ResourceKey {
        ResourceKey::new(group, kind, self.namespace(), name)
    }

    fn asked(&self, kind: ActionKind, object: &ResourceKey) -> ActionRequest {
        ActionRequest {
            target: self.target(),
            object: object.clone(),
            kind,
            uid: String::new(),
            replicas: None,
            reason: "because".to_owned(),
        }
    }

    async fn look(&self, ports: &ControlPlane, key: &ResourceKey) -> Option<ResourceView> {
        ports
            .applications
            .resource(&person(Role::Admin), self.target(), key)
            .await
            .ok()
    }

    /// Asks and waits until it has ended, as the object's drawer says it.
    async fn act(&self, ports: &ControlPlane, request: &ActionRequest) -> Acted {
        let operation = ports
            .objects
            .act(&person(Role::Operator), request)
            .await
            .expect("it is asked for");
        let deadline = Instant::now() + WITHIN;
        loop {
            let view = self.look(ports, &request.object).await.expect("the object");
            let found = view
                .acted
                .into_iter()
                .find(|one| one.operation == operation);
            if let Some(acted) = found.filter(|one| one.ended_at.is_some()) {
                return acted;
            }
            assert!(Instant::now() < deadline, "the action never ends");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn field(&self, object: &[&str], path: &str) -> String {
        let path = format!("jsonpath={path}");
        self.kubectl(&[&["get"], object, &["-o", &path]].concat())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_stays_and_a_number_that_git_declares_comes_back() {
    let world = World::start("acts", Mode::Managed, HEALING).await;
    let first = world.commit_shop("one", 2);
    world.until_deployed(&first).await;
    let ports = world.ports().await;
    let web = world.key("apps", "Deployment", "web");

    let acted = world
        .act(&ports, &world.asked(ActionKind::Restart, &web))
        .await;
    assert_eq!(acted.outcome, "a new rollout has begun");
    assert_eq!(
        (acted.by.as_str(), acted.reason.as_str()),
        ("maria", "because")
    );
    let restarted = || {
        world.field(
            &["deployment", "web"],
            r"{.spec.template.metadata.annotations.kubectl\.kubernetes\.io/restartedAt}",
        )
    };
    let at = restarted();
    assert!(at.starts_with("20"), "{at}");
    world.until_compared_again().await;
    world
        .until("what a restart wrote is no difference", |state| {
            state.sync == SyncStatus::Synced && state.drifted == 0
        })
        .await;
    assert_eq!(restarted(), at);

    let view = world.look(&ports, &web).await.expect("the object");
    let scale = view
        .actions
        .iter()
        .find(|offer| offer.kind == ActionKind::Scale)
        .expect("it can be scaled");
    assert_eq!(scale.replicas, Some(2));
    assert!(
        scale.undone.starts_with("Git declares 2"),
        "{}",
        scale.undone
    );
    let five = ActionRequest {
        replicas: Some(5),
        ..world.asked(ActionKind::Scale, &web)
    };
    assert_eq!(world.act(&ports, &five).await.outcome, "scaled to 5");
    world
        .until_runs("Git's number comes back", |runs| {
            runs.iter().any(|run| {
                run.started_by == StartedBy::SelfHeal && run.phase == SyncPhase::Succeeded
            })
        })
        .await;
    assert_eq!(world.field(&["deployment", "web"], "{.spec.replicas}"), "2");
    assert_eq!(restarted(), at);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cron_job_runs_now_and_a_pod_is_made_anew() {
    let world = World::start("acts-now", Mode::Managed, HEALING).await;
    world.repository.write("manifests/report.yaml", CRON_JOB);
    let first = world.commit_shop("one", 1);
    world.until_deployed(&first).await;
    let ports = world.ports().await;

    let report = world.key("batch", "CronJob", "report");
    let acted = world
        .act(&ports, &world.asked(ActionKind::RunNow, &report))
        .await;
    let jobs = world.field(&["jobs", "-l", "of=report"], "{.items[*].metadata.name}");
    assert_eq!(acted.outcome, format!("the Job {jobs} was created"));
    assert_eq!(
        world.field(&["job", &jobs], "{.metadata.ownerReferences[0].kind}"),
        "CronJob"
    );

    let deadline = Instant::now() + WITHIN;
    let pod = loop {
        let tree = ports
            .applications
            .tree(&person(Role::Admin), world.target())
            .await
            .expect("a tree");
        let found = tree.nodes.into_iter().find(|node| {
            node.key.kind == "Pod" && node.key.name.starts_with("web-") && node.uid.is_some()
        });
        if let Some(pod) = found {
            break pod;
        }
        assert!(Instant::now() < deadline, "there is never a Pod");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let other = ActionRequest {
        uid: "another".to_owned(),
        ..world.asked(ActionKind::DeletePod, &pod.key)
    };
    let refused = ports.objects.act(&person(Role::Admin), &other).await;
    assert!(
        matches!(refused, Err(PortError::Conflict(_))),
        "{refused:?}"
    );

    let this = ActionRequest {
        uid: pod.uid.clone().expect("a UID"),
        ..world.asked(ActionKind::DeletePod, &pod.key)
    };
    ports
        .objects
        .act(&person(Role::Operator), &this)
        .await
        .expect("it is asked for");
    let uid = this.uid;
    let deadline = Instant::now() + WITHIN;
    loop {
        let uids = world.field(&["pods"], "{.items[*].metadata.uid}");
        if !uids.is_empty() && !uids.contains(&uid) {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "the Pod stays, or no other comes"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_not_be_done_is_refused_at_once() {
    let world = World::start("acts-not", Mode::Observe, HEALING).await;
    world.commit_shop("one", 1);
    world
        .until("compared", |state| state.sync == SyncStatus::OutOfSync)
        .await;
    let ports = world.ports().await;
    let web = world.key("apps", "Deployment", "web");
    let ask = async |role, request: ActionRequest| {
        ports
            .objects
            .act(&person(role), &request)
            .await
            .map_err(|error| error.to_string())
    };
    let restart = world.asked(ActionKind::Restart, &web);
    let viewer = ask(Role::Viewer, restart.clone()).await.unwrap_err();
    assert!(viewer.contains("permission “action”"), "{viewer}");
    let observed = ask(Role::Admin, restart.clone()).await.unwrap_err();
    assert!(observed.contains("only observed"), "{observed}");
    let run = world.asked(ActionKind::RunNow, &web);
    assert!(
        ask(Role::Admin, run)
            .await
            .unwrap_err()
            .starts_with("action:")
    );
    let scale = world.asked(ActionKind::Scale, &web);
    assert!(
        ask(Role::Admin, scale)
            .await
            .unwrap_err()
            .starts_with("replicas:")
    );
    world.end().await;
}

/// Neither a person nor an old definition acts on what the project does not let in any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_16_an_action_on_what_the_project_denies_is_refused() {
    let world = World::start("acts-denied", Mode::Managed, HEALING).await;
    write_project(&world, "");
    world.repository.write("manifests/report.yaml", CRON_JOB);
    let first = world.commit_shop("one", 1);
    world.until_deployed(&first).await;
    let ports = world.ports().await;
    write_project(
        &world,
        "  namespaceResourceBlacklist: [{group: apps, kind: Deployment}, {group: batch, kind: Job}]\n",
    );
    world.push("a narrower project");
    world
        .until("the Deployment is refused", |state| {
            state.reason.as_ref().is_some_and(|reason| {
                reason
                    .cause
                    .contains("denies objects of kind apps/Deployment")
            })
        })
        .await;
    for (kind, object, denied) in [
        (
            ActionKind::Restart,
            world.key("apps", "Deployment", "web"),
            "apps/Deployment",
        ),
        (
            ActionKind::RunNow,
            world.key("batch", "CronJob", "report"),
            "batch/Job",
        ),
    ] {
        let acted = world.act(&ports, &world.asked(kind, &object)).await;
        let expected = format!("not done: the project web denies objects of kind {denied}");
        assert!(acted.outcome.starts_with(&expected), "{}", acted.outcome);
    }
    let restarted = r"{.spec.template.metadata.annotations.kubectl\.kubernetes\.io/restartedAt}";
    assert_eq!(world.field(&["deployment", "web"], restarted), "");
    assert_eq!(world.field(&["jobs"], "{.items[*].metadata.name}"), "");
    world.end().await;
}
