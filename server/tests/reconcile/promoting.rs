//! Two environments on the two clusters of the rig: what differs is seen, and one's image becomes the other's by a commit
//! in its overlay alone, through a kustomization and through the values of a chart.

#![expect(clippy::panic, reason = "a state that is not reached is said in words")]

use crate::editing::maria;
use crate::fleet::{Cluster, declare, managed_root, over_both, rig};
use crate::world::{WITHIN, ports};
use engine::testing::Repository;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Role};
use lockstep_types::diff::SyncStatus;
use lockstep_types::id::TargetId;
use lockstep_types::parity::{ParityKind, ParityQuery, ParityRow, PromotionRequest};
use lockstep_types::ports::ControlPlane;
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::revision::Revision;
use server::runtime::{Runtime, Settings};
use server::store::target::TargetRow;
use server::store::{self, Store};
use std::time::{Duration, Instant};
use uuid::Uuid;

const IMAGE: &str = "registry.example.org/team/cart";
const CHART: &str = "registry.example.org/team/search";

struct Place {
    repository: Repository,
    store: Store,
    runtime: Runtime,
    namespace: String,
    folder: tempfile::TempDir,
    east: Cluster,
    west: Cluster,
}

fn overlay(tag: &str, replicas: u32) -> String {
    format!(
        "resources: [../../base]\n# chosen by the team\nimages:\n  - name: {IMAGE}\n    newTag: \"{tag}\" # tested\nreplicas: [{{name: cart, count: {replicas}}}]\n"
    )
}

fn values(tag: &str) -> String {
    format!("# of this environment\nimage:\n  tag: {tag} # a version\nother: '{tag}'\n")
}

impl Place {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (east, west) = rig();
        let namespace = format!("t-promote-{}", &Uuid::now_v7().simple().to_string()[20..]);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite:{}", folder.path().join("lockstep.db").display());
        let store = Store::open(&url).await.expect("a database");
        store.migrate().await.expect("a schema");
        declare(&store, &east.name, "staging").await;
        declare(&store, &west.name, "production").await;
        let repository = Repository::new();
        managed_root(&store, &repository, "definitions", &east).await;
        let settings = Settings {
            poll: Duration::from_secs(2),
            ..Settings::default()
        };
        let runtime = over_both(
            &store,
            folder.path(),
            [&east, &west],
            Uuid::now_v7(),
            settings,
        );
        Self {
            repository,
            store,
            runtime,
            namespace,
            folder,
            east,
            west,
        }
    }

    fn define(&self, name: &str, env: &str, source: &str) {
        let cluster = match env {
            "staging" => &self.east,
            _ => &self.west,
        };
        self.repository.write(
            &format!("definitions/{name}-{env}.yaml"),
            &format!(
                "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: {name}-{env}\n  namespace: argocd\n  labels: {{lockstep.dev/group: {name}}}\nspec:\n  project: default\n  source: {{repoURL: '{}', targetRevision: main, {source}}}\n  destination: {{name: {}, namespace: {}}}\n  syncPolicy: {{automated: {{}}, syncOptions: [CreateNamespace=true]}}\n",
                self.repository.url(), cluster.name, self.namespace
            ),
        );
    }

    fn push(&self, subject: &str) -> Revision {
        let revision = self.repository.commit(subject);
        let key = self.runtime.repository_key(&self.repository.url());
        self.runtime.activator().activate_repository(&key);
        revision
    }

    async fn target(&self, name: &str) -> Option<TargetId> {
        let rows = store::application::list(&self.store, false).await;
        let row = rows
            .expect("applications")
            .into_iter()
            .find(|row| row.name == name)?;
        let targets = store::target::of_application(&self.store, row.id).await;
        targets.expect("targets").first().map(|target| target.id)
    }

    async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + WITHIN;
        while !holds().await {
            if Instant::now() > deadline {
                let targets = store::target::list(&self.store).await.expect("targets");
                let states: Vec<_> = targets
                    .into_iter()
                    .map(|target| (target.cluster, target.deployed, target.state))
                    .collect();
                panic!("not within {WITHIN:?}: {what}; {states:#?}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// All targets are in line, and those that it changes at this commit.
    async fn until_live(&self, revision: &Revision, number: usize) {
        self.until("all are in line", async || {
            let targets = store::target::list(&self.store).await.expect("targets");
            let there = |target: &TargetRow| target.state.revision.as_ref() == Some(revision);
            targets.len() == number
                && targets.iter().any(there)
                && targets.iter().all(|target| {
                    target.deployed.is_some() && target.state.sync == SyncStatus::Synced
                })
        })
        .await;
    }

    fn in_git(&self, path: &str) -> String {
        let text = self.repository.git(&["show", &format!("main:{path}")]);
        format!("{}\n", text.trim_end())
    }

    fn image(&self, cluster: &Cluster, name: &str) -> String {
        cluster.kubectl(&[
            "-n",
            &self.namespace,
            "get",
            "deployment",
            name,
            "-o",
            "jsonpath={.spec.template.spec.containers[0].image}",
        ])
    }

    async fn row(&self, ports: &ControlPlane, group: &str) -> ParityRow {
        let query = ParityQuery {
            all: true,
            ..ParityQuery::default()
        };
        let view = ports.fleet.parity(&maria(), &query).await;
        let view = view.expect("parity");
        assert_eq!(view.by, "env");
        let names: Vec<&str> = view
            .environments
            .iter()
            .map(|environment| environment.name.as_str())
            .collect();
        assert_eq!(names, ["staging", "production"]);
        let row = view.rows.into_iter().find(|row| row.group == group);
        row.expect(group)
    }
}

/// `!image cart 2|1` for what is unexpected.
fn told(row: &ParityRow) -> Vec<String> {
    row.differences
        .iter()
        .filter(|found| found.kind != ParityKind::Revision)
        .map(|found| {
            let values: Vec<String> = found.values.iter().map(|each| each.join("+")).collect();
            let sign = if found.unexpected { "!" } else { "" };
            let name = found.name.rsplit('/').next().unwrap_or_default();
            format!("{sign}{} {name} {}", found.kind.word(), values.join("|"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_staging_runs_becomes_what_git_says_for_production() {
    let place = Place::start().await;
    place
        .repository
        .write("base/kustomization.yaml", "resources: [cart.yaml]\n");
    place.repository.write("base/cart.yaml", &format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: cart}}\nspec:\n  selector: {{matchLabels: {{app: cart}}}}\n  template:\n    metadata: {{labels: {{app: cart}}}}\n    spec: {{containers: [{{name: cart, image: {IMAGE}}}]}}\n"
    ));
    place.repository.write(
        "chart/Chart.yaml",
        "apiVersion: v2\nname: search\nversion: 1.0.0\n",
    );
    place
        .repository
        .write("chart/values.yaml", "image:\n  tag: none\nother: ''\n");
    place.repository.write("chart/templates/search.yaml", &format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: search, annotations: {{other: '{{{{ .Values.other }}}}'}}}}\nspec:\n  replicas: 1\n  selector: {{matchLabels: {{app: search}}}}\n  template:\n    metadata: {{labels: {{app: search}}}}\n    spec: {{containers: [{{name: search, image: '{CHART}:{{{{ .Values.image.tag }}}}'}}]}}\n"
    ));
    for (env, tag, replicas) in [("staging", "2.0.0", 1), ("production", "1.0.0", 2)] {
        place.repository.write(
            &format!("overlays/{env}/kustomization.yaml"),
            &overlay(tag, replicas),
        );
        place
            .repository
            .write(&format!("chart/values-{env}.yaml"), &values(tag));
        place.define("cart", env, &format!("path: overlays/{env}"));
        place.define(
            "search",
            env,
            &format!("path: chart, helm: {{valueFiles: [values-{env}.yaml]}}"),
        );
    }
    let first = place.push("two environments");
    place.until_live(&first, 4).await;
    let ports = ports(&place.runtime, &place.store, place.folder.path()).await;

    // What differs: images and what the team asked for, each by its name.
    assert_eq!(
        told(&place.row(&ports, "cart").await),
        ["!image cart 2.0.0|1.0.0", "replicas Deployment/cart 1|2"]
            .map(|line| line.replace("Deployment/", ""))
    );
    assert_eq!(
        told(&place.row(&ports, "search").await),
        ["!image search 2.0.0|1.0.0"]
    );

    let promotion = async |name: &str, actor: &Actor, propose: bool, digest: Option<&str>| {
        let from = place
            .target(&format!("{name}-staging"))
            .await
            .expect("staging");
        let to = place
            .target(&format!("{name}-production"))
            .await
            .expect("production");
        let preview = ports
            .objects
            .preview_promotion(actor, from, to, false)
            .await?;
        let request = PromotionRequest {
            from,
            to,
            digest: digest.unwrap_or(&preview.digest).to_owned(),
            reason: "tested for a week".to_owned(),
            propose,
            everywhere: false,
        };
        Ok::<_, PortError>((preview, ports.objects.promote(actor, &request).await?))
    };
    let viewer = Actor {
        role: Role::Viewer,
        ..maria()
    };
    let denied = promotion("cart", &viewer, false, None).await;
    assert!(
        matches!(denied, Err(PortError::Denied { .. })),
        "{denied:?}"
    );
    let stale = promotion("cart", &maria(), false, Some("x")).await;
    assert!(
        matches!(&stale, Err(PortError::Conflict(why)) if why.contains("look at it again")),
        "{stale:?}"
    );
    assert_eq!(place.repository.head(), first);

    // One line of the overlay, with its quotes and its comment.
    let (preview, done) = promotion("cart", &maria(), false, None)
        .await
        .expect("a promotion");
    assert_eq!(preview.images, [format!("{IMAGE}=2.0.0")]);
    let CommitOutcome::Committed { revision } = done else {
        panic!("not committed: {done:#?}");
    };
    assert_eq!(
        place.in_git("overlays/production/kustomization.yaml"),
        overlay("2.0.0", 2)
    );
    assert_eq!(
        place.in_git("overlays/staging/kustomization.yaml"),
        overlay("2.0.0", 1)
    );
    let message = place
        .repository
        .git(&["log", "-1", "--format=%an|%B", "main"]);
    for part in [
        "maria|Set cart:1.0.0 → 2.0.0 for cart-production",
        "Promoted from default/cart-staging on",
        "tested for a week",
        first.short(),
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
    place.until_live(&revision, 4).await;
    assert_eq!(place.image(&place.west, "cart"), format!("{IMAGE}:2.0.0"));
    assert_eq!(
        told(&place.row(&ports, "cart").await),
        ["replicas cart 1|2"]
    );
    let again = promotion("cart", &maria(), false, None).await;
    assert!(
        matches!(&again, Err(PortError::Conflict(why)) if why.contains("already")),
        "{again:?}"
    );

    // Of a chart's values the line that makes the image, and not the other that says the same.
    let (_, done) = promotion("search", &maria(), false, None)
        .await
        .expect("a promotion");
    let CommitOutcome::Committed { revision } = done else {
        panic!("not committed: {done:#?}");
    };
    assert_eq!(
        place.in_git("chart/values-production.yaml"),
        values("1.0.0").replace("tag: 1.0.0", "tag: 2.0.0")
    );
    place.until_live(&revision, 4).await;
    assert_eq!(place.image(&place.west, "search"), format!("{CHART}:2.0.0"));

    // For review the branch stays where it is.
    place.repository.git(&["checkout", "--quiet", "main"]);
    place
        .repository
        .git(&["reset", "--quiet", "--hard", &revision.0]);
    place
        .repository
        .write("overlays/staging/kustomization.yaml", &overlay("3.0.0", 1));
    let third = place.push("three");
    let staging = place.target("cart-staging").await.expect("staging");
    place
        .until("three is deployed on staging", async || {
            let row = store::target::get(&place.store, staging).await;
            let row = row.expect("a target");
            row.deployed.as_ref() == Some(&third) && row.state.sync == SyncStatus::Synced
        })
        .await;
    let (_, done) = promotion("cart", &maria(), true, None)
        .await
        .expect("a proposal");
    let CommitOutcome::Proposed(proposal) = done else {
        panic!("not proposed: {done:#?}");
    };
    assert_eq!(place.repository.git(&["rev-parse", "main"]).trim(), third.0);
    let proposed = place.repository.git(&[
        "show",
        &format!("{}:overlays/production/kustomization.yaml", proposal.branch),
    ]);
    assert!(
        proposed.contains("newTag: \"3.0.0\" # tested"),
        "{proposed}"
    );

    for cluster in [&place.east, &place.west] {
        cluster.kubectl(&["delete", "namespace", &place.namespace, "--wait=false"]);
    }
    place.runtime.stop(Duration::from_secs(20)).await;
}
