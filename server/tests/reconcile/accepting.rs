//! What somebody changed in the cluster becomes a commit that renders to exactly that, in the application's own files.

use crate::AUTOMATED;
use crate::editing::maria;
use crate::world::World;
use lockstep_types::PortError;
use lockstep_types::accept::{AcceptPreview, AcceptRequest};
use lockstep_types::account::{Actor, Role};
use lockstep_types::blame::BlamedOn;
use lockstep_types::diff::SyncStatus;
use lockstep_types::drift::{DriftQuery, DriftState};
use lockstep_types::ports::ControlPlane;
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::resource::{Origin, ResourceKey};
use lockstep_types::revision::Revision;
use lockstep_types::source::Mode;

const IMAGE: &str = "spec.template.spec.containers[name=web].image";

impl World {
    /// A base that others may share, and the application's own overlay over it.
    fn commit_overlay(&self) -> Revision {
        self.repository.write(
            "base/kustomization.yaml",
            "resources: [web.yaml, secret.yaml]\n",
        );
        self.repository.write(
            "base/web.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {app: shop}}\nspec:\n  replicas: 2\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers:\n        - name: web\n          image: registry.example.org/team/web:1.0\n",
        );
        self.repository.write(
            "base/secret.yaml",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: door}\ndata: {key: b3Blbg==}\n",
        );
        self.repository.write(
            "manifests/kustomization.yaml",
            "resources:\n  - ../base\n# chosen by the team\nimages:\n  - name: registry.example.org/team/web\n    newTag: \"1.1\"\n",
        );
        self.push("an overlay")
    }

    async fn offered(&self, ports: &ControlPlane, key: &ResourceKey, path: &str) -> AcceptPreview {
        ports
            .objects
            .preview_accept(&maria(), self.target(), key, path)
            .await
            .expect("a preview")
    }

    async fn accepted(&self, ports: &ControlPlane, preview: &AcceptPreview) -> Revision {
        let request = AcceptRequest {
            target: self.target(),
            key: preview.key.clone(),
            path: preview.change.path.clone(),
            digest: preview.digest.clone(),
            reason: "it was right".to_owned(),
            propose: false,
        };
        match ports.objects.accept(&maria(), &request).await {
            Ok(CommitOutcome::Committed { revision }) => revision,
            other => {
                let runs = self.until_runs("any", |_| true).await;
                let runs: Vec<_> = runs
                    .iter()
                    .map(|run| (&run.revision, &run.started_by, run.phase, &run.message))
                    .collect();
                unreachable!("not committed: {other:?}; {runs:#?}")
            }
        }
    }

    fn in_git(&self, path: &str) -> String {
        self.repository.git(&["show", &format!("main:{path}")])
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_changed_by_hand_is_committed_where_it_belongs() {
    let world = World::start("accepting", Mode::Managed, AUTOMATED).await;
    let first = world.commit_overlay();
    world.until_deployed(&first).await;
    let ports = world.ports().await;
    let web = ResourceKey::new("apps", "Deployment", world.namespace(), "web");
    let base = world.in_git("base/web.yaml");

    // The base declares the number; others may read it, so it stays and the overlay gets a patch.
    world.kubectl(&["scale", "deployment", "web", "--replicas=3"]);
    world.until("drifted", |state| state.drifted == 1).await;
    let preview = world.offered(&ports, &web, "spec.replicas").await;
    assert_eq!(preview.refused, "");
    let place = preview.place.clone().expect("a place");
    assert_eq!(place.path, "manifests/kustomization.yaml");
    assert!(
        preview.first_line.contains("kubectl"),
        "{}",
        preview.first_line
    );
    assert!(
        preview
            .message
            .starts_with("Accept replicas 3 of Deployment web\n")
    );
    let viewer = Actor {
        role: Role::Viewer,
        ..maria()
    };
    let denied = ports
        .objects
        .preview_accept(&viewer, world.target(), &web, "spec.replicas")
        .await;
    assert!(
        matches!(denied, Err(PortError::Denied { .. })),
        "{denied:?}"
    );
    let stale = AcceptRequest {
        target: world.target(),
        key: web.clone(),
        path: "spec.replicas".to_owned(),
        digest: "another".to_owned(),
        reason: String::new(),
        propose: false,
    };
    let stale = ports.objects.accept(&maria(), &stale).await;
    assert!(matches!(stale, Err(PortError::Conflict(_))), "{stale:?}");
    let second = world.accepted(&ports, &preview).await;
    world
        .until("in line by the commit", |state| {
            state.sync == SyncStatus::Synced
                && state.drifted == 0
                && state.revision.as_ref() == Some(&second)
        })
        .await;
    assert_eq!(
        world.kubectl(&[
            "get",
            "deployment",
            "web",
            "-o",
            "jsonpath={.spec.replicas}"
        ]),
        "3"
    );
    assert_eq!(world.in_git("base/web.yaml"), base);
    let message = world
        .repository
        .git(&["log", "-1", "--format=%an|%B", "main"]);
    for part in ["maria|Accept replicas 3", "it was right", "Lockstep-Log: "] {
        assert!(message.contains(part), "{part} in {message}");
    }

    // The overlay states the tag: that line changes, and nothing else of the file.
    let before = world.in_git("manifests/kustomization.yaml");
    world.kubectl(&[
        "set",
        "image",
        "deployment/web",
        "web=registry.example.org/team/web:1.2",
    ]);
    world
        .until("drifted again", |state| state.drifted == 1)
        .await;
    let preview = world.offered(&ports, &web, IMAGE).await;
    assert_eq!(preview.refused, "");
    let third = world.accepted(&ports, &preview).await;
    world
        .until("in line again", |state| {
            state.sync == SyncStatus::Synced && state.revision.as_ref() == Some(&third)
        })
        .await;
    let after = world.in_git("manifests/kustomization.yaml");
    assert_eq!(after, before.replace("\"1.1\"", "\"1.2\""));
    let ended = ports
        .fleet
        .drift(
            &maria(),
            &DriftQuery {
                include_closed: true,
                ..DriftQuery::default()
            },
        )
        .await
        .expect("the ledger");
    let accepted = ended.iter().filter(|row| row.state == DriftState::Accepted);
    assert_eq!(accepted.count(), 2, "{ended:#?}");

    // Git says it now, and who said it.
    let blame = ports.objects.blame(&maria(), world.target(), &web).await;
    let blame = blame.expect("a blame");
    let said = |path: &str| {
        let line = blame.lines.iter().find(|line| line.path == path);
        let line = line.unwrap_or_else(|| panic!("{path} in {blame:?}"));
        let commit = line
            .commit
            .map(|index| blame.commits[index as usize].revision.clone());
        (line.by.clone(), commit)
    };
    let file = |path: &str, line| {
        BlamedOn::File(Origin {
            path: path.to_owned(),
            line: Some(line),
        })
    };
    assert_eq!(
        said(IMAGE),
        (file("manifests/kustomization.yaml", 6), Some(third))
    );
    assert_eq!(said("spec.replicas").1, Some(second));
    assert_eq!(said("kind"), (file("base/web.yaml", 2), Some(first)));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_and_what_only_the_cluster_has_are_never_written_to_git() {
    let world = World::start("accepting-not", Mode::Managed, AUTOMATED).await;
    let first = world.commit_overlay();
    world.until_deployed(&first).await;
    let ports = world.ports().await;
    let door = ResourceKey::new("", "Secret", world.namespace(), "door");
    world.kubectl(&[
        "patch",
        "secret",
        "door",
        "-p",
        "{\"data\": {\"key\": \"c2h1dA==\"}}",
    ]);
    world.until("drifted", |state| state.drifted == 1).await;
    let preview = world.offered(&ports, &door, "data.key").await;
    assert_eq!(
        preview.refused,
        "Values of Secrets are never written to Git."
    );
    assert!(!format!("{preview:?}").contains("c2h1dA"), "{preview:?}");
    let request = AcceptRequest {
        target: world.target(),
        key: door.clone(),
        path: "data.key".to_owned(),
        digest: preview.digest,
        reason: String::new(),
        propose: true,
    };
    let refused = ports.objects.accept(&maria(), &request).await;
    assert!(
        matches!(refused, Err(PortError::Conflict(_))),
        "{refused:?}"
    );
    let nothing = ports
        .objects
        .preview_accept(&maria(), world.target(), &door, "data.other")
        .await;
    assert!(
        matches!(nothing, Err(PortError::NotFound(_))),
        "{nothing:?}"
    );
    assert_eq!(world.repository.git(&["rev-parse", "main"]).trim(), first.0);
    world.end().await;
}

/// In the application's own folder, with everything that people write into such files.
const OWN: &str = "# the shop's front
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: shop}
  annotations:
    team: cart
    # asked for in March
    note: \"keep\"
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      nodeSelector:
        disk: fast  # measured

      containers:
        - name: web
          image: registry.example.org/team/web:1.0
          args:
            - serve # the front
          env:
            - name: LEVEL
              value: info
            # the other one
            - name: MODE
              value: plain
";

const ARGS: &str = "spec.template.spec.containers[name=web].args";
/// One argument more.
const LOUDER: &str =
    r#"[{"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--loud"}]"#;

impl World {
    async fn accept_one(&self, ports: &ControlPlane, path: &str) -> Revision {
        let web = ResourceKey::new("apps", "Deployment", self.namespace(), "web");
        self.until("drifted", |state| state.drifted == 1).await;
        let preview = self.offered(ports, &web, path).await;
        assert_eq!(preview.refused, "", "{path}");
        let revision = self.accepted(ports, &preview).await;
        self.until("in line by the commit", |state| {
            state.sync == SyncStatus::Synced
                && state.drifted == 0
                && state.revision.as_ref() == Some(&revision)
        })
        .await;
        revision
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_added_or_taken_away_by_hand_is_committed_line_by_line() {
    let world = World::start("accepting-lines", Mode::Managed, AUTOMATED).await;
    world.repository.write("manifests/web.yaml", OWN);
    let first = world.push("the front");
    world.until_deployed(&first).await;
    let ports = world.ports().await;
    let file = "manifests/web.yaml";

    // A field that Git says is gone.
    world.kubectl(&["annotate", "deployment", "web", "note-"]);
    world.accept_one(&ports, "metadata.annotations.note").await;
    let without = OWN.replace("    note: \"keep\"\n", "");
    assert_eq!(world.in_git(file), without.trim_end());
    let message = world.repository.git(&["log", "-1", "--format=%B", "main"]);
    assert!(
        message.starts_with("Accept that note is gone of Deployment web\n"),
        "{message}"
    );

    // An item of a list is gone.
    world.kubectl(&["set", "env", "deployment/web", "LEVEL-"]);
    let item = "spec.template.spec.containers[name=web].env[name=LEVEL]";
    world.accept_one(&ports, item).await;
    let without = without.replace("            - name: LEVEL\n              value: info\n", "");
    assert_eq!(world.in_git(file), without.trim_end());

    // A field that Git does not say came into a map that it says whole.
    world.kubectl(&[
        "patch",
        "deployment",
        "web",
        "-p",
        "{\"spec\": {\"template\": {\"spec\": {\"nodeSelector\": {\"zone\": \"8\"}}}}}",
    ]);
    world
        .accept_one(&ports, "spec.template.spec.nodeSelector.zone")
        .await;
    let with = without.replace(
        "        disk: fast  # measured\n",
        "        disk: fast  # measured\n        zone: \"8\"\n",
    );
    assert_eq!(world.in_git(file), with.trim_end());

    // An item came into a list.
    world.kubectl(&["patch", "deployment", "web", "--type=json", "-p", LOUDER]);
    world.accept_one(&ports, ARGS).await;
    let last = "            - serve # the front\n";
    let with = with.replace(last, &format!("{last}            - --loud\n"));
    assert_eq!(world.in_git(file), with.trim_end());

    // A whole object is none of this, and what to do is said.
    world.kubectl(&["delete", "deployment", "web"]);
    let web = ResourceKey::new("apps", "Deployment", world.namespace(), "web");
    world
        .until("gone", |state| state.sync == SyncStatus::OutOfSync)
        .await;
    let whole = ports
        .objects
        .preview_accept(&maria(), world.target(), &web, "spec.replicas")
        .await;
    let Err(PortError::Conflict(why)) = whole else {
        unreachable!("{whole:?}");
    };
    assert!(why.contains("manifests/web.yaml"), "{why}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_shared_base_says_is_taken_away_in_the_overlay() {
    let world = World::start("accepting-gone", Mode::Managed, AUTOMATED).await;
    world
        .repository
        .write("base/kustomization.yaml", "resources: [web.yaml]\n");
    world.repository.write("base/web.yaml", OWN);
    world.repository.write(
        "manifests/kustomization.yaml",
        "resources:\n  - ../base\n# ours\ncommonAnnotations:\n  desk: two\n",
    );
    let first = world.push("an overlay");
    world.until_deployed(&first).await;
    let ports = world.ports().await;
    let web = ResourceKey::new("apps", "Deployment", world.namespace(), "web");
    let base = world.in_git("base/web.yaml");

    world.kubectl(&["set", "env", "deployment/web", "MODE-"]);
    let item = "spec.template.spec.containers[name=web].env[name=MODE]";
    world.accept_one(&ports, item).await;
    world.kubectl(&[
        "patch",
        "deployment",
        "web",
        "-p",
        "{\"spec\": {\"template\": {\"spec\": {\"nodeSelector\": {\"zone\": \"8\"}}}}}",
    ]);
    world
        .accept_one(&ports, "spec.template.spec.nodeSelector.zone")
        .await;
    world.kubectl(&["patch", "deployment", "web", "--type=json", "-p", LOUDER]);
    world.accept_one(&ports, ARGS).await;
    assert_eq!(world.in_git("base/web.yaml"), base);
    let overlay = world.in_git("manifests/kustomization.yaml");
    for part in [
        "      - op: test\n        path: /spec/template/spec/containers/0/name\n        value: \"web\"\n      - op: replace\n        path: /spec/template/spec/containers/0/args\n        value: [\"serve\",\"--loud\"]",
        "# ours\ncommonAnnotations:\n  desk: two\npatches:\n",
        "      - op: test\n        path: /spec/template/spec/containers/0/env/1/name\n        value: \"MODE\"\n      - op: remove\n",
        "      - op: add\n        path: /spec/template/spec/nodeSelector/zone\n        value: \"8\"",
    ] {
        assert!(overlay.contains(part), "{part}\n{overlay}");
    }

    // A setting of the kustomization says it, for more than this object; and what it stands in comes later than any patch.
    world.kubectl(&["annotate", "deployment", "web", "desk-"]);
    world.until("drifted", |state| state.drifted == 1).await;
    let preview = world
        .offered(&ports, &web, "metadata.annotations.desk")
        .await;
    assert_ne!(preview.refused, "", "{preview:#?}");
    assert_eq!(world.in_git("manifests/kustomization.yaml"), overlay);
    world.end().await;
}
