//! Going back, with a real cluster: whatever was changed, the end state is the old one, object by object.

use crate::AUTOMATED;
use crate::editing::maria;
use crate::world::World;
use lockstep_types::ports::ControlPlane;
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::revision::Revision;
use lockstep_types::rollback::{RollbackPreview, RollbackRequest};
use lockstep_types::source::Mode;
use serde_json::Value;

fn config(name: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{value: '{value}'}}\n"
    )
}

impl World {
    /// What is declared of the objects in the namespace, as the API server has them: `ConfigMap/settings {...}`.
    fn end_state(&self) -> Vec<String> {
        let text = self.kubectl(&["get", "configmap,deployment,service", "-o", "json"]);
        let list: Value = serde_json::from_str(&text).expect("JSON");
        let mut lines: Vec<String> = list["items"]
            .as_array()
            .expect("items")
            .iter()
            .filter(|object| object["metadata"]["name"] != "kube-root-ca.crt")
            .map(|object| {
                format!(
                    "{}/{} {} {} {}",
                    object["kind"].as_str().unwrap_or_default(),
                    object["metadata"]["name"].as_str().unwrap_or_default(),
                    object["metadata"]["labels"],
                    object["data"],
                    object["spec"]
                )
            })
            .collect();
        lines.sort();
        lines
    }

    pub async fn previewed(
        &self,
        ports: &ControlPlane,
        to: &Revision,
        undo: bool,
    ) -> RollbackPreview {
        let target = self.target();
        let preview = match undo {
            true => ports.rollbacks.preview_undo(&maria(), target, to).await,
            false => ports.rollbacks.preview(&maria(), target, to).await,
        };
        preview.expect("a preview")
    }

    /// Does what was previewed, and waits until it is live.
    pub async fn go_back(&self, ports: &ControlPlane, preview: RollbackPreview) -> Revision {
        assert_eq!(preview.commit_refused, "");
        let request = RollbackRequest {
            target: self.target(),
            to: preview.to.revision.clone(),
            digest: preview.digest,
            reason: "it was better before".to_owned(),
            propose: false,
            undo: preview.undo,
            overrides: Vec::new(),
        };
        match ports.rollbacks.roll_back(&maria(), &request).await {
            Ok(CommitOutcome::Committed { revision }) => {
                self.until_deployed(&revision).await;
                revision
            }
            other => unreachable!("not committed: {other:?}"),
        }
    }

    /// Deploys what `before` writes, then what `after` writes, and goes back: the cluster has what it had.
    async fn there_and_back(
        &self,
        before: impl Fn(&Self),
        after: impl Fn(&Self),
    ) -> RollbackPreview {
        before(self);
        let first = self.push("before");
        self.until_deployed(&first).await;
        let then = self.end_state();
        after(self);
        let second = self.push("after");
        self.until_deployed(&second).await;
        assert_ne!(self.end_state(), then, "the change changes something");
        let ports = self.ports().await;
        let preview = self.previewed(&ports, &first, false).await;
        self.go_back(&ports, preview.clone()).await;
        assert_eq!(self.end_state(), then);
        preview
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_added_and_a_removed_object() {
    let world = World::start("back-objects", Mode::Managed, AUTOMATED).await;
    let preview = world
        .there_and_back(
            |world| {
                world
                    .repository
                    .write("manifests/kept.yaml", &config("kept", "1"));
                world
                    .repository
                    .write("manifests/removed.yaml", &config("removed", "1"));
            },
            |world| {
                world.repository.remove("manifests/removed.yaml");
                world
                    .repository
                    .write("manifests/added.yaml", &config("added", "1"));
            },
        )
        .await;
    let counts = preview.targets[0].plan.as_ref().expect("a plan").counts();
    assert_eq!((counts.create, counts.prune), (1, 1));
    // Only what Git said was deleted, and once each.
    let writes = world.writes_in_order();
    let deletes: Vec<&String> = writes
        .iter()
        .filter(|write| write.starts_with('-'))
        .collect();
    assert_eq!(deletes, ["-configmaps/removed", "-configmaps/added"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_of_a_chart() {
    let world = World::start("back-chart", Mode::Managed, AUTOMATED).await;
    world
        .there_and_back(
            |world| {
                world.repository.write(
                    "manifests/Chart.yaml",
                    "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
                );
                world.repository.write("manifests/values.yaml", "greeting: hello\nextra: false\n");
                world.repository.write(
                    "manifests/templates/settings.yaml",
                    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {greeting: {{ .Values.greeting }}}\n---\n{{- if .Values.extra }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\n{{- end }}\n",
                );
            },
            |world| {
                world.repository.write("manifests/values.yaml", "greeting: hi\nextra: true\n");
            },
        )
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_base_that_two_applications_share() {
    let world = World::start("back-base", Mode::Managed, AUTOMATED).await;
    let shop = world.repository.git(&["rev-parse", "--show-toplevel"]);
    let definition =
        std::fs::read_to_string(format!("{shop}/apps/shop.yaml")).expect("a definition");
    let preview = world
        .there_and_back(
            |world| {
                let other = definition
                    .replace("name: shop,", "name: other,")
                    .replace("path: manifests", "path: other");
                world.repository.write("apps/other.yaml", &other);
                world
                    .repository
                    .write("base/kustomization.yaml", "resources: [settings.yaml]\n");
                world
                    .repository
                    .write("base/settings.yaml", &config("settings", "1"));
                for folder in ["manifests", "other"] {
                    world.repository.write(
                        &format!("{folder}/kustomization.yaml"),
                        &format!("namePrefix: {folder}-\nresources: [../base]\n"),
                    );
                }
            },
            |world| {
                world
                    .repository
                    .write("base/settings.yaml", &config("settings", "2"))
            },
        )
        .await;
    let names: Vec<&str> = preview
        .targets
        .iter()
        .map(|plan| plan.target.application.name.as_str())
        .collect();
    assert_eq!(names, ["shop", "other"]);
    let files: Vec<&str> = preview
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(files, ["base/settings.yaml"]);
    world
        .until_kubectl(
            "the other application has the old base too",
            &[
                "get",
                "configmap",
                "other-settings",
                "-o",
                "jsonpath={.data.value}",
            ],
            "1",
        )
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rename_of_files_and_objects() {
    let world = World::start("back-rename", Mode::Managed, AUTOMATED).await;
    world
        .there_and_back(
            |world| {
                world
                    .repository
                    .write("manifests/old.yaml", &config("old-name", "1"));
                world
                    .repository
                    .write("manifests/kept.yaml", &config("kept", "1"));
            },
            |world| {
                world.repository.remove("manifests/old.yaml");
                world
                    .repository
                    .write("manifests/deep/new.yaml", &config("new-name", "1"));
                world.repository.write(
                    "apps/shop.yaml",
                    &std::fs::read_to_string(world.repository.path().join("apps/shop.yaml"))
                        .expect("a definition")
                        .replace(
                            "targetRevision: main}",
                            "targetRevision: main, directory: {recurse: true}}",
                        ),
                );
            },
        )
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn later_commits_go_with_the_state_and_stay_with_the_undo() {
    let world = World::start("back-later", Mode::Managed, AUTOMATED).await;
    world
        .repository
        .write("manifests/settings.yaml", &config("settings", "good"));
    world
        .repository
        .write("manifests/other.yaml", &config("other", "good"));
    let good = world.push("good");
    world.until_deployed(&good).await;
    let then = world.end_state();
    world
        .repository
        .write("manifests/settings.yaml", &config("settings", "bad"));
    let bad = world.push("bad");
    world.until_deployed(&bad).await;
    world
        .repository
        .write("manifests/other.yaml", &config("other", "better"));
    let later = world.push("better, by somebody else");
    world.until_deployed(&later).await;

    let ports = world.ports().await;
    let undo = world.previewed(&ports, &bad, true).await;
    world.go_back(&ports, undo).await;
    let value =
        |name: &str| world.kubectl(&["get", "configmap", name, "-o", "jsonpath={.data.value}"]);
    assert_eq!(
        (value("settings"), value("other")),
        ("good".to_owned(), "better".to_owned())
    );

    let preview = world.previewed(&ports, &good, false).await;
    let undone: Vec<&str> = preview
        .undone
        .iter()
        .map(|commit| commit.subject.as_str())
        .collect();
    assert_eq!(undone.len(), 3, "{undone:?}");
    assert!(undone.contains(&"better, by somebody else"), "{undone:?}");
    world.go_back(&ports, preview).await;
    assert_eq!(world.end_state(), then);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_a_force_push_took_away() {
    let world = World::start("back-forced", Mode::Managed, AUTOMATED).await;
    world
        .repository
        .write("manifests/settings.yaml", &config("settings", "1"));
    let first = world.push("one");
    world.until_deployed(&first).await;
    world
        .repository
        .write("manifests/settings.yaml", &config("settings", "2"));
    world
        .repository
        .write("manifests/more.yaml", &config("more", "1"));
    let second = world.push("two");
    world.until_deployed(&second).await;
    let then = world.end_state();
    // Somebody rewrites the branch: the second commit is on no branch any more.
    world
        .repository
        .git(&["reset", "--quiet", "--hard", &first.0]);
    world
        .repository
        .write("manifests/settings.yaml", &config("settings", "3"));
    world
        .repository
        .write("manifests/more.yaml", &config("more", "1"));
    let forced = world.push("another two");
    world
        .repository
        .git(&["reflog", "expire", "--expire=now", "--all"]);
    world.repository.git(&["gc", "--quiet", "--prune=now"]);
    world.until_deployed(&forced).await;

    let ports = world.ports().await;
    let preview = world.previewed(&ports, &second, false).await;
    world.go_back(&ports, preview).await;
    assert_eq!(world.end_state(), then);
    assert_eq!(
        world
            .repository
            .git(&["log", "--format=%s", "main", "-2"])
            .lines()
            .last(),
        Some("another two")
    );
    world.end().await;
}
