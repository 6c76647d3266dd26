//! How objects are written and deleted by their sync options: in place, whole, by force, last, and with what they own.

use crate::options::{BY_HAND, config, deployment, job};
use crate::world::World;
use lockstep_types::diff::SyncStatus;
use lockstep_types::source::Mode;
use lockstep_types::sync::{OperationKind, SyncPhase};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_pruned_object_owns_goes_as_the_definition_says() {
    for (option, waits, owned) in [
        // Argo CD's own choice.
        ("", "[\"foregroundDeletion\"]", "goes"),
        ("PrunePropagationPolicy=background", "", "goes"),
        ("PrunePropagationPolicy=orphan", "", "stays"),
    ] {
        let policy = format!("{BY_HAND}\n    syncOptions: ['{option}']").replace("['']", "[]");
        let world = World::start("propagation", Mode::Managed, &policy).await;
        world.file("web", &deployment("web", "", "web", ""));
        world.file("kept", &deployment("kept", "", "kept", ""));
        let revision = world.push("one");
        world.until_out_of_sync(&revision, 2).await;
        assert_eq!(world.sync(1, false).await.phase, SyncPhase::Succeeded);
        let replica_set = world.kubectl(&["get", "rs", "-l", "app=web", "-o", "name"]);
        world.kubectl(&[
            "patch",
            &replica_set,
            "--type=merge",
            "-p",
            r#"{"metadata": {"finalizers": ["test.lockstep.dev/hold"]}}"#,
        ]);
        world.repository.remove("manifests/web.yaml");
        let revision = world.push("two");
        world.until_out_of_sync(&revision, 1).await;
        world
            .ask(OperationKind::Sync, serde_json::json!({ "prune": true }))
            .await;
        world
            .until_kubectl(
                &format!("{option:?}: what the Deployment waits for"),
                &[
                    "get",
                    "deployment",
                    "-l",
                    "",
                    "--field-selector=metadata.name=web",
                    "-o",
                    "jsonpath={.items[*].metadata.finalizers}",
                ],
                waits,
            )
            .await;
        if !waits.is_empty() {
            world
                .until("the run says what it waits for", |state| {
                    state.reason.as_ref().is_some_and(|reason| {
                        reason
                            .cause
                            .contains("waiting until what left Git is gone: Deployment web")
                    })
                })
                .await;
        }
        let gone = if waits.is_empty() { "" } else { "web" };
        world
            .until_kubectl(
                "the Deployment",
                &[
                    "get",
                    "deployment",
                    "--field-selector=metadata.name=web",
                    "-o",
                    "jsonpath={.items[*].metadata.name}",
                ],
                gone,
            )
            .await;
        let owner = [
            "get",
            &replica_set,
            "-o",
            "jsonpath={.metadata.ownerReferences[*].name}",
        ];
        let going = [
            "get",
            &replica_set,
            "-o",
            "jsonpath={.metadata.deletionGracePeriodSeconds}",
        ];
        if owned == "goes" {
            world.until_kubectl("it goes along", &going, "0").await;
        } else {
            world.until_kubectl("it is nobody's", &owner, "").await;
            assert_eq!(world.kubectl(&going), "");
        }
        world.kubectl(&[
            "patch",
            &replica_set,
            "--type=merge",
            "-p",
            r#"{"metadata": {"finalizers": null}}"#,
        ]);
        assert_eq!(world.until_run(2).await.phase, SyncPhase::Succeeded);
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_changed_in_place_is_named_and_made_anew_only_by_force() {
    let world = World::start("immutable", Mode::Managed, BY_HAND).await;
    world.file("web", &deployment("web", "", "web", ""));
    world.file("task", &job("task", "", "task:1"));
    let revision = world.push("one");
    world.until_out_of_sync(&revision, 2).await;
    assert_eq!(world.sync(1, false).await.phase, SyncPhase::Succeeded);
    let (web, task) = (world.uid("deployment", "web"), world.uid("job", "task"));

    for (options, count) in [("", 2), ("Replace=true", 3)] {
        world.file("web", &deployment("web", options, "other", ""));
        let revision = world.push(&format!("another selector, {options:?}"));
        world.until_out_of_sync(&revision, 1).await;
        let run = world.sync(count, false).await;
        assert_eq!(run.phase, SyncPhase::Failed);
        assert!(
            run.message
                .contains("does not let this be changed in place: spec.selector")
                && run.message.contains("Force=true"),
            "{}",
            run.message
        );
        assert_eq!(world.uid("deployment", "web"), web);
    }
    let before = world.requests_for("web").len();
    world.file("web", &deployment("web", "Force=true", "other", ""));
    world.file("task", &job("task", "Force=true,Replace=true", "task:2"));
    let revision = world.push("by force");
    world.until_out_of_sync(&revision, 2).await;
    let run = world.sync(4, false).await;
    assert_eq!(run.phase, SyncPhase::Succeeded, "{}", run.message);
    assert_ne!(world.uid("deployment", "web"), web);
    assert_ne!(world.uid("job", "task"), task);
    let verbs = |name: &str, from: usize| -> Vec<String> {
        world.requests_for(name)[from..]
            .iter()
            .map(|request| request.split(' ').next().unwrap_or_default().to_owned())
            .collect()
    };
    // Tried in place first; and never deleted twice.
    let web_verbs = verbs("web", before);
    assert_eq!(web_verbs, ["patch", "delete", "patch"]);
    assert_eq!(verbs("task", 1), ["delete", "patch"]);

    // What can be changed in place is, also by force.
    let web = world.uid("deployment", "web");
    world.file(
        "web",
        &deployment("web", "Force=true", "other", "").replace("replicas: 1", "replicas: 2"),
    );
    let revision = world.push("more of it");
    world.until_out_of_sync(&revision, 1).await;
    assert_eq!(world.sync(5, false).await.phase, SyncPhase::Succeeded);
    assert_eq!(world.uid("deployment", "web"), web);
    world.end().await;
}

/// Who makes the Job anew while no server runs.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Made {
    Nobody,
    /// Our own request, whose answer nobody read.
    Ours,
    SomebodyElse,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forced_change_that_was_cut_off_after_its_delete_is_finished_and_nothing_is_deleted_twice()
 {
    for made in [Made::Nobody, Made::Ours, Made::SomebodyElse] {
        let world = World::start("cutforce", Mode::Managed, BY_HAND).await;
        world.file("task", &job("task", "", "task:1"));
        let revision = world.push("one");
        world.until_out_of_sync(&revision, 1).await;
        assert_eq!(world.sync(1, false).await.phase, SyncPhase::Succeeded);
        let first = world.uid("job", "task");
        let mark = world.kubectl(&[
            "get",
            "job",
            "task",
            "-o",
            r"jsonpath={.metadata.annotations.lockstep\.dev/tracking-id}",
        ]);
        assert!(!mark.is_empty());
        let hold = r#"{"metadata": {"finalizers": ["test.lockstep.dev/hold"]}}"#;
        world.kubectl(&["patch", "job", "task", "--type=merge", "-p", hold]);

        let forced = job("task", "Force=true,Replace=true", "task:2");
        world.file("task", &forced);
        let revision = world.push("by force");
        world.until_out_of_sync(&revision, 1).await;
        world.ask(OperationKind::Sync, serde_json::json!({})).await;
        let going = [
            "get",
            "job",
            "task",
            "-o",
            "jsonpath={.metadata.deletionGracePeriodSeconds}",
        ];
        world.until_kubectl("it is deleted", &going, "0").await;

        let world = world
            .restart_after(|world| {
                let free = r#"{"metadata": {"finalizers": null}}"#;
                world.kubectl(&["patch", "job", "task", "--type=merge", "-p", free]);
                world.kubectl(&["wait", "job/task", "--for=delete", "--timeout=30s"]);
                let text = match made {
                    Made::Nobody => return,
                    Made::Ours => forced.replace(
                        "annotations: {",
                        &format!("annotations: {{lockstep.dev/tracking-id: '{mark}', "),
                    ),
                    Made::SomebodyElse => forced.clone(),
                };
                let file = tempfile::NamedTempFile::new().expect("a file");
                std::fs::write(file.path(), text).expect("written");
                let path = file.path().to_str().expect("a path").to_owned();
                world.kubectl(&["create", "-f", &path]);
            })
            .await;
        let between = match made {
            Made::Nobody => String::new(),
            _ => world.uid("job", "task"),
        };
        let run = world.until_run(2).await;
        let now = world.uid("job", "task");
        match made {
            Made::SomebodyElse => {
                assert_eq!(run.phase, SyncPhase::Interrupted);
                assert!(
                    run.message.contains("another object has its name now"),
                    "{}",
                    run.message
                );
                assert_eq!(now, between);
            }
            Made::Ours => {
                assert_eq!(run.phase, SyncPhase::Succeeded, "{}", run.message);
                assert_eq!(now, between);
            }
            Made::Nobody => {
                assert_eq!(run.phase, SyncPhase::Succeeded, "{}", run.message);
                assert_ne!(now, first);
            }
        }
        let deletes = world
            .requests_for("task")
            .iter()
            .filter(|request| request.starts_with("delete"))
            .count();
        assert_eq!(deletes, 1, "{made:?}");
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_object_loses_what_others_have_added() {
    let world = World::start("replace", Mode::Managed, BY_HAND).await;
    world.file("plain", &config("plain", "", "a: one"));
    world.file("exact", &config("exact", "Replace=true", "a: one"));
    let revision = world.push("one");
    world.until_out_of_sync(&revision, 2).await;
    assert_eq!(world.sync(1, false).await.phase, SyncPhase::Succeeded);
    let uid = world.uid("configmap", "exact");
    for name in ["plain", "exact"] {
        let theirs = r#"{"data": {"theirs": "yes"}}"#;
        world.kubectl(&["patch", "configmap", name, "--type=merge", "-p", theirs]);
    }
    world.file("plain", &config("plain", "", "a: two"));
    world.file("exact", &config("exact", "Replace=true", "a: two"));
    let revision = world.push("two");
    world.until_out_of_sync(&revision, 2).await;
    assert_eq!(world.sync(2, false).await.phase, SyncPhase::Succeeded);
    let data = |name: &str| world.kubectl(&["get", "configmap", name, "-o", "jsonpath={.data}"]);
    assert_eq!(data("plain"), r#"{"a":"two","theirs":"yes"}"#);
    assert_eq!(data("exact"), r#"{"a":"two"}"#);
    assert_eq!(world.uid("configmap", "exact"), uid);
    assert!(
        world
            .requests_for("exact")
            .iter()
            .any(|request| request.starts_with("update ")),
        "{:?}",
        world.requests_for("exact")
    );
    world
        .until("in line", |state| state.sync == SyncStatus::Synced)
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_asks_for_it_is_pruned_last_once_the_rest_is_healthy() {
    let world = World::start("last", Mode::Managed, BY_HAND).await;
    world.file("plain", &config("plain", "", "a: b"));
    world.file("last", &config("last", "PruneLast=true", "a: b"));
    world.file("kept", &config("kept", "Prune=false", "a: b"));
    let revision = world.push("one");
    world.until_out_of_sync(&revision, 3).await;
    assert_eq!(world.sync(1, false).await.phase, SyncPhase::Succeeded);
    for name in ["plain", "last", "kept"] {
        world.repository.remove(&format!("manifests/{name}.yaml"));
    }
    let slow = ", rig.lockstep.dev/pod: slow";
    world.file("web", &deployment("web", "", "web", slow));
    let revision = world.push("two");
    world.until_out_of_sync(&revision, 4).await;
    world
        .ask(OperationKind::Sync, serde_json::json!({ "prune": true }))
        .await;
    let names = [
        "get",
        "configmap",
        "plain",
        "last",
        "kept",
        "--ignore-not-found",
        "-o",
        "name",
    ];
    world
        .until_kubectl("only one goes", &names, "configmap/last\nconfigmap/kept")
        .await;
    let ready = [
        "get",
        "deployment",
        "web",
        "-o",
        "jsonpath={.status.readyReplicas}",
    ];
    assert_eq!(world.kubectl(&ready), "");
    assert_eq!(world.until_run(2).await.phase, SyncPhase::Succeeded);
    assert_eq!(world.kubectl(&ready), "1");
    assert_eq!(world.kubectl(&names), "configmap/kept");
    world.end().await;
}
