//! Sync options, of an application and of single objects, against a real API server: what they ask for happens, by the
//! server's audit log or by what is there afterwards, and what they do not ask for does not.

use crate::AUTOMATED;
use crate::editing::maria;
use crate::world::World;
use lockstep_types::diff::SyncStatus;
use lockstep_types::reason::ReasonCode;
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::Revision;
use lockstep_types::source::Mode;
use lockstep_types::sync::{OperationKind, RunSummary, SyncPhase};

/// Nothing happens by itself.
pub const BY_HAND: &str = "automated: {enabled: false}";

pub fn config(name: &str, options: &str, data: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, annotations: {{argocd.argoproj.io/sync-options: '{options}'}}}}\ndata: {{{data}}}\n"
    )
}

pub fn deployment(name: &str, options: &str, app: &str, pods: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, annotations: {{argocd.argoproj.io/sync-options: '{options}'}}}}\nspec:\n  replicas: 1\n  selector: {{matchLabels: {{app: {app}}}}}\n  template:\n    metadata: {{labels: {{app: {app}{pods}}}, annotations: {{rig.lockstep.dev/delay: 6s}}}}\n    spec: {{containers: [{{name: main, image: registry.example.org/team/{name}:1.0}}]}}\n"
    )
}

pub fn job(name: &str, options: &str, image: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, annotations: {{argocd.argoproj.io/sync-options: '{options}'}}}}\nspec:\n  template:\n    spec: {{restartPolicy: Never, containers: [{{name: main, image: registry.example.org/team/{image}}}]}}\n"
    )
}

impl World {
    pub fn file(&self, name: &str, text: &str) {
        self.repository
            .write(&format!("manifests/{name}.yaml"), text);
    }

    pub fn uid(&self, kind: &str, name: &str) -> String {
        self.kubectl(&["get", kind, name, "-o", "jsonpath={.metadata.uid}"])
    }

    /// Waits for so many runs, the newest of them over.
    pub async fn until_run(&self, count: usize) -> RunSummary {
        self.until_runs(&format!("{count} runs are over"), |runs| {
            runs.len() == count && runs[0].phase.is_final()
        })
        .await
        .remove(0)
    }

    /// Syncs as a person does, and waits for the end.
    pub async fn sync(&self, count: usize, prune: bool) -> RunSummary {
        self.ask(OperationKind::Sync, serde_json::json!({ "prune": prune }))
            .await;
        self.until_run(count).await
    }

    /// Waits until so many objects differ from what the commit declares.
    pub async fn until_out_of_sync(&self, revision: &Revision, objects: u32) {
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
    // Another application in the same namespace adds its own, and takes nothing away.
    world.repository.write("apps/third.yaml", &format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: third, namespace: argocd}}\nspec:\n  project: default\n  source: {{repoURL: '{}', path: third, targetRevision: main}}\n  destination: {{name: {}, namespace: {made}}}\n  syncPolicy:\n    automated: {{}}\n    syncOptions: [CreateNamespace=true]\n    managedNamespaceMetadata: {{labels: {{tier: gold}}}}\n",
        world.repository.url(), world.cluster()
    ));
    world
        .repository
        .write("third/third.yaml", &config("third", "", "a: b"));
    world.push("three");
    let of_all = "jsonpath={.metadata.labels.team} {.metadata.annotations.cost} {.metadata.labels.own} {.metadata.labels.tier}";
    world
        .until_kubectl(
            "what both applications give",
            &["get", "namespace", &made, "-o", of_all],
            "cart high theirs gold",
        )
        .await;
    // Without CreateNamespace the namespace is not ours to mark.
    let own = world.namespace().to_owned();
    assert_eq!(world.kubectl(&["get", "namespace", &own, "-o", given]), "");
    world.kubectl_bare(&["delete", "namespace", &made, "--wait=false"]);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_that_do_not_count_are_said_on_their_object() {
    let world = World::start("words", Mode::Managed, AUTOMATED).await;
    world.file("settings", &config("settings", "Prun=false", "a: b"));
    world.file("fine", &config("fine", "Prune=false", "a: b"));
    let first = world.push("one");
    world.until_deployed(&first).await;
    let ports = world.ports().await;
    let problem = "argocd.argoproj.io/sync-options: \"Prun=false\" is not known and does not count";
    for (name, problems) in [("settings", vec![problem]), ("fine", vec![])] {
        let key = ResourceKey::new("", "ConfigMap", world.namespace(), name);
        let object = ports
            .applications
            .resource(&maria(), world.target(), &key)
            .await
            .expect("the object");
        assert_eq!(object.problems, problems);
    }
    let changes = ports
        .applications
        .changes(&maria(), world.target())
        .await
        .expect("the changes");
    assert_eq!(
        changes.warnings,
        [format!(
            "ConfigMap settings (manifests/settings.yaml:1): {problem}."
        )]
    );
    world.end().await;
}
