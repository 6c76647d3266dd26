//! Sync options, of an application and of single objects, against a real API server: what they ask for happens, by the
//! server's audit log or by what is there afterwards, and what they do not ask for does not.

use crate::AUTOMATED;
use crate::world::World;
use lockstep_types::diff::SyncStatus;
use lockstep_types::reason::ReasonCode;
use lockstep_types::revision::Revision;
use lockstep_types::source::Mode;
use lockstep_types::sync::{OperationKind, RunSummary, SyncPhase};

/// Nothing happens by itself.
const BY_HAND: &str = "automated: {enabled: false}";

fn config(name: &str, options: &str, data: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, annotations: {{argocd.argoproj.io/sync-options: '{options}'}}}}\ndata: {{{data}}}\n"
    )
}

fn deployment(name: &str, options: &str, app: &str, pods: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, annotations: {{argocd.argoproj.io/sync-options: '{options}'}}}}\nspec:\n  replicas: 1\n  selector: {{matchLabels: {{app: {app}}}}}\n  template:\n    metadata: {{labels: {{app: {app}{pods}}}, annotations: {{rig.lockstep.dev/delay: 6s}}}}\n    spec: {{containers: [{{name: main, image: registry.example.org/team/{name}:1.0}}]}}\n"
    )
}

fn job(name: &str, options: &str, image: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, annotations: {{argocd.argoproj.io/sync-options: '{options}'}}}}\nspec:\n  template:\n    spec: {{restartPolicy: Never, containers: [{{name: main, image: registry.example.org/team/{image}}}]}}\n"
    )
}

impl World {
    fn file(&self, name: &str, text: &str) {
        self.repository
            .write(&format!("manifests/{name}.yaml"), text);
    }

    fn uid(&self, kind: &str, name: &str) -> String {
        self.kubectl(&["get", kind, name, "-o", "jsonpath={.metadata.uid}"])
    }

    /// Waits for so many runs, the newest of them over.
    async fn until_run(&self, count: usize) -> RunSummary {
        self.until_runs(&format!("{count} runs are over"), |runs| {
            runs.len() == count && runs[0].phase.is_final()
        })
        .await
        .remove(0)
    }

    /// Syncs as a person does, and waits for the end.
    async fn sync(&self, count: usize, prune: bool) -> RunSummary {
        self.ask(OperationKind::Sync, serde_json::json!({ "prune": prune }))
            .await;
        self.until_run(count).await
    }

    /// Waits until so many objects differ from what the commit declares.
    async fn until_out_of_sync(&self, revision: &Revision, objects: u32) {
        self.until("compared", |state| {
            state.revision.as_ref() == Some(revision)
                && state.sync == SyncStatus::OutOfSync
                && state.out_of_sync == objects
        })
        .await;
    }
}

/// A finalizer on the ReplicaSet tells the three apart: what waits for it, and what becomes of it.
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
async fn a_definition_says_how_often_a_failed_sync_is_tried_again() {
    let policy = "automated: {}\n    retry: {limit: 2, backoff: {duration: 1s, factor: 1}}";
    let world = World::start("retry", Mode::Managed, policy).await;
    world.file(
        "bad",
        &config("bad", "", "a: b").replace("\ndata:", "\ndta:"),
    );
    world.push("one");
    let state = world
        .until("given up", |state| {
            state.reason.as_ref().is_some_and(|reason| reason.stalled)
        })
        .await
        .state;
    let reason = state.reason.unwrap();
    assert_eq!(reason.code, ReasonCode::ApplyFailed);
    assert!(reason.next.starts_with("3 attempts failed"), "{reason:?}");
    let runs = world.until_runs("all", |runs| runs.len() >= 3).await;
    assert_eq!(runs.len(), 3);
    assert!(runs.iter().all(|run| run.phase == SyncPhase::Failed));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_fields_pass_only_where_validation_is_off() {
    for (of_all, own, passes) in [
        ("", "", false),
        ("Validate=false", "", true),
        ("", "Validate=false", true),
        ("Validate=false", "Validate=true", false),
    ] {
        let policy = format!("{BY_HAND}\n    syncOptions: ['{of_all}']").replace("['']", "[]");
        let world = World::start("validate", Mode::Managed, &policy).await;
        world.file(
            "settings",
            &config("settings", own, "a: b").replace("\ndata:", "\ndta: {c: d}\ndata:"),
        );
        let revision = world.push("one");
        world.until_out_of_sync(&revision, 1).await;
        let run = world.sync(1, false).await;
        let asked = if passes { "Ignore" } else { "Strict" };
        let requests = world.requests_for("settings");
        assert!(
            requests
                .iter()
                .all(|request| request.contains(&format!("fieldValidation={asked}"))),
            "{of_all} {own}: {requests:?}"
        );
        if passes {
            assert_eq!(run.phase, SyncPhase::Succeeded, "{of_all} {own}: {run:?}");
            assert_eq!(
                world.kubectl(&["get", "configmap", "settings", "-o", "jsonpath={.data.a}"]),
                "b"
            );
            world
                .until("in line", |state| state.sync == SyncStatus::Synced)
                .await;
        } else {
            assert_eq!(run.phase, SyncPhase::Failed, "{of_all} {own}: {run:?}");
            assert!(run.message.contains("dta"), "{}", run.message);
        }
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_of_another_application_fails_the_sync_before_anything_is_written() {
    let policy = format!("{AUTOMATED}\n    syncOptions: [FailOnSharedResource=true]");
    let world = World::start("shared", Mode::Managed, &policy).await;
    world.repository.write("apps/other.yaml", &format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: other, namespace: argocd}}\nspec:\n  project: default\n  source: {{repoURL: '{}', path: other, targetRevision: main}}\n  destination: {{name: {}, namespace: {}}}\n  syncPolicy: {{automated: {{}}}}\n",
        world.repository.url(), world.cluster(), world.namespace()
    ));
    world
        .repository
        .write("other/common.yaml", &config("common", "", "a: theirs"));
    world.file("own", &config("own", "", "a: one"));
    let first = world.push("one");
    world.until_deployed(&first).await;
    world
        .until_kubectl(
            "the other one is there",
            &[
                "get",
                "configmap",
                "common",
                "--ignore-not-found",
                "-o",
                "name",
            ],
            "configmap/common",
        )
        .await;
    let before = world.writes_in_order();
    world.file("own", &config("own", "", "a: two"));
    world.file("common", &config("common", "", "a: ours"));
    world.push("two");
    let runs = world
        .until_runs("refused", |runs| runs[0].phase == SyncPhase::Failed)
        .await;
    let message = &runs[0].message;
    assert!(
        message.contains("ConfigMap common") && message.contains("argocd/other@"),
        "{message}"
    );
    assert!(message.contains("FailOnSharedResource"), "{message}");
    assert_eq!(world.writes_in_order(), before);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_is_given_its_metadata_where_a_sync_may_create_it() {
    let metadata = "managedNamespaceMetadata: {labels: {team: cart}, annotations: {cost: high}}";
    let policy = format!("{AUTOMATED}\n    {metadata}");
    let world = World::start("metadata", Mode::Managed, &policy).await;
    let made = format!("{}-made", world.namespace());
    world.repository.write("apps/other.yaml", &format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: other, namespace: argocd}}\nspec:\n  project: default\n  source: {{repoURL: '{}', path: other, targetRevision: main}}\n  destination: {{name: {}, namespace: {made}}}\n  syncPolicy:\n    automated: {{}}\n    syncOptions: [CreateNamespace=true]\n    {metadata}\n",
        world.repository.url(), world.cluster()
    ));
    world
        .repository
        .write("other/settings.yaml", &config("settings", "", "a: b"));
    world.file("settings", &config("settings", "", "a: b"));
    let first = world.push("one");
    world.until_deployed(&first).await;
    let given = "jsonpath={.metadata.labels.team} {.metadata.annotations.cost}";
    world
        .until_kubectl(
            "the namespace with its metadata",
            &["get", "namespace", &made, "--ignore-not-found", "-o", given],
            "cart high",
        )
        .await;
    // Somebody changes it: the next sync that writes something puts it back, and leaves what is theirs.
    world.kubectl_bare(&["label", "namespace", &made, "team=theirs", "--overwrite"]);
    world.kubectl_bare(&["label", "namespace", &made, "own=theirs"]);
    let settings = config("settings", "", "a: c");
    world.repository.write("other/settings.yaml", &settings);
    world.push("two");
    let given_and_theirs =
        "jsonpath={.metadata.labels.team} {.metadata.annotations.cost} {.metadata.labels.own}";
    world
        .until_kubectl(
            "the metadata is back",
            &["get", "namespace", &made, "-o", given_and_theirs],
            "cart high theirs",
        )
        .await;
    // Without CreateNamespace the namespace is not ours to mark.
    let own = world.namespace().to_owned();
    assert_eq!(world.kubectl(&["get", "namespace", &own, "-o", given]), "");
    world.kubectl_bare(&["delete", "namespace", &made, "--wait=false"]);
    world.end().await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_that_nobody_knows_yet_is_waited_for_only_when_asked() {
    let world = World::start("unserved", Mode::Managed, BY_HAND).await;
    let group = format!("{}.example.com", world.namespace());
    let widget = |options: &str| {
        format!(
            "apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: w, namespace: {}, annotations: {{argocd.argoproj.io/sync-options: '{options}'}}}}\n",
            world.namespace()
        )
    };
    world.file("settings", &config("settings", "", "a: b"));
    world.file("widget", &widget(""));
    let revision = world.push("one");
    world.until_out_of_sync(&revision, 2).await;
    let run = world.sync(1, false).await;
    assert_eq!(run.phase, SyncPhase::Failed);
    assert!(
        run.message
            .starts_with("Widget w: the cluster does not serve Widget"),
        "{}",
        run.message
    );
    assert_eq!(world.writes_in_order(), Vec::<String>::new());

    world.file("widget", &widget("SkipDryRunOnMissingResource=true"));
    let revision = world.push("two");
    world.until_out_of_sync(&revision, 2).await;
    world.ask(OperationKind::Sync, serde_json::json!({})).await;
    world
        .until_kubectl(
            "what comes before it is written",
            &[
                "get",
                "configmap",
                "settings",
                "--ignore-not-found",
                "-o",
                "name",
            ],
            "configmap/settings",
        )
        .await;
    let definition = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(definition.path(), format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: widgets.{group}}}\nspec:\n  group: {group}\n  scope: Namespaced\n  names: {{kind: Widget, plural: widgets, singular: widget}}\n  versions: [{{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object}}}}}}]\n"
    )).expect("a file");
    let path = definition.path().display().to_string();
    world.kubectl_bare(&["create", "-f", &path]);
    assert_eq!(world.until_run(2).await.phase, SyncPhase::Succeeded);
    world.kubectl_bare(&["delete", "-f", &path, "--wait=false"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_for_the_end_of_an_application_run_in_no_sync() {
    let world = World::start("predelete", Mode::Managed, AUTOMATED).await;
    for phase in ["PreDelete", "PostDelete"] {
        let text = job(&phase.to_lowercase(), "", "bye:1").replace(
            "annotations: {",
            &format!("annotations: {{argocd.argoproj.io/hook: {phase}, "),
        );
        world.file(phase, &text);
    }
    world.file("settings", &config("settings", "", "a: b"));
    let first = world.push("one");
    world.until_deployed(&first).await;
    world.ask(OperationKind::Sync, serde_json::json!({})).await;
    assert_eq!(world.until_run(2).await.phase, SyncPhase::Succeeded);
    for phase in ["PreDelete", "PostDelete"] {
        world.repository.remove(&format!("manifests/{phase}.yaml"));
    }
    let second = world.push("two");
    world
        .until_row("without them", |row| row.deployed.as_ref() == Some(&second))
        .await;
    assert_eq!(world.writes_in_order(), ["configmaps/settings"]);
    world.end().await;
}
