//! A set for every cluster: applications on both clusters of the rig, in line, and left alone by whatever breaks later.

#![expect(clippy::panic, reason = "a state that is not reached is said in words")]

use crate::fleet::{Cluster, declare, managed_root, over_both, rig};
use crate::world::WITHIN;
use engine::testing::Repository;
use lockstep_types::diff::SyncStatus;
use server::runtime::{Runtime, Settings};
use server::store::{self, Store};
use std::path::Path;
use std::time::{Duration, Instant};
use uuid::Uuid;

struct Place {
    repository: Repository,
    store: Store,
    runtime: Runtime,
    namespace: String,
    folder: tempfile::TempDir,
}

async fn start(east: &Cluster, west: &Cluster) -> Place {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let namespace = format!("t-sets-{}", &Uuid::now_v7().simple().to_string()[20..]);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let repository = Repository::new();
    let url = format!("sqlite:{}", folder.path().join("lockstep.db").display());
    let store = Store::open(&url).await.expect("a database");
    store.migrate().await.expect("a schema");
    declare(&store, &east.name, "test").await;
    declare(&store, &west.name, "prod").await;
    managed_root(&store, &repository, "sets", east).await;
    write_set(&repository, &namespace, "[{path: apps/*}]");
    for app in ["cart", "shop"] {
        repository.write(
            &format!("apps/{app}/config.yaml"),
            &format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {app}}}\ndata: {{a: b}}\n"
            ),
        );
    }
    for app in ["cart", "shop"] {
        repository.write(
            &format!("apps/{app}/kustomization.yaml"),
            "resources: [config.yaml]\n",
        );
    }
    repository.commit("a set");
    let runtime = run(&store, folder.path(), east, west);
    Place {
        repository,
        store,
        runtime,
        namespace,
        folder,
    }
}

fn run(store: &Store, folder: &Path, east: &Cluster, west: &Cluster) -> Runtime {
    let settings = Settings {
        poll: Duration::from_secs(2),
        confirm_prune_after: Duration::from_secs(1),
        public_url: "https://lockstep.example.org".to_owned(),
        ..Settings::default()
    };
    over_both(store, folder, [east, west], Uuid::now_v7(), settings)
}

/// Every directory on every cluster, with Go templates, pruning and a patch for one of the clusters.
fn write_set(repository: &Repository, namespace: &str, directories: &str) {
    repository.write(
        "sets/everywhere.yaml",
        &format!(
            "apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: everywhere, namespace: argocd}}
spec:
  goTemplate: true
  goTemplateOptions: [missingkey=error]
  generators:
  - matrix:
      generators:
      - git: {{repoURL: '{url}', revision: main, directories: {directories}}}
      - clusters:
          selector: {{matchExpressions: [{{key: env, operator: In, values: [test, prod]}}]}}
          values: {{folder: '{{{{ .path.basename }}}}'}}
  template:
    metadata: {{name: '{{{{ .values.folder }}}}-{{{{ .nameNormalized }}}}'}}
    spec:
      source: {{repoURL: '{url}', targetRevision: main, path: '{{{{ .path.path }}}}'}}
      destination: {{name: '{{{{ .name }}}}', namespace: {namespace}}}
      syncPolicy: {{automated: {{prune: true, selfHeal: true}}, syncOptions: [CreateNamespace=true]}}
  templatePatch: |
    {{{{- if eq .metadata.labels.env \"prod\" }}}}
    spec:
      source:
        kustomize: {{commonAnnotations: {{env: prod}}}}
    {{{{- end }}}}
",
            url = repository.url()
        ),
    );
}

impl Place {
    fn push(&self, subject: &str) {
        self.repository.commit(subject);
        let key = self.runtime.repository_key(&self.repository.url());
        self.runtime.activator().activate_repository(&key);
    }

    /// Names of the applications, and whether each is in line where it goes.
    async fn applications(&self) -> Vec<(String, String, bool)> {
        let rows = store::application::list(&self.store, false)
            .await
            .expect("applications");
        let targets = store::target::list(&self.store).await.expect("targets");
        rows.into_iter()
            .map(|row| {
                let own = targets.iter().filter(|target| target.application == row.id);
                let lines: Vec<bool> = own
                    .map(|target| {
                        target.deployed.is_some() && target.state.sync == SyncStatus::Synced
                    })
                    .collect();
                let in_line = lines == [true];
                (row.name, row.group, in_line)
            })
            .collect()
    }

    fn held(&self, cluster: &Cluster) -> String {
        cluster.kubectl(&[
            "-n",
            &self.namespace,
            "get",
            "configmap",
            "cart",
            "shop",
            "--ignore-not-found",
            "-o",
            "jsonpath={range .items[*]}{.metadata.name} {.metadata.annotations.env};{end}",
        ])
    }

    /// Waits, and says how things stand when that was in vain.
    async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + WITHIN;
        while !holds().await {
            if Instant::now() > deadline {
                let targets = store::target::list(&self.store).await.expect("targets");
                let states: Vec<_> = targets
                    .into_iter()
                    .map(|target| (target.cluster, target.deployed, target.state))
                    .collect();
                let source = store::source::by_name(&self.store, "root").await;
                let applications = self.applications().await;
                panic!("not within {WITHIN:?}: {what}; {applications:#?} {states:#?} {source:#?}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn until_problem(&self, part: &str) {
        self.until(part, async || {
            let source = store::source::by_name(&self.store, "root")
                .await
                .expect("a source")
                .expect("the root source");
            source.problems.iter().any(|problem| {
                problem.path == "sets/everywhere.yaml" && problem.message.contains(part)
            })
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_reaches_both_clusters_and_a_generator_that_breaks_takes_nothing_away() {
    let (east, west) = rig();
    let place = start(&east, &west).await;
    let name = |app: &str, cluster: &Cluster| format!("{app}-{}", cluster.name);
    let mut expected = [
        (name("cart", &east), "everywhere/cart".to_owned(), true),
        (name("cart", &west), "everywhere/cart".to_owned(), true),
        (name("shop", &east), "everywhere/shop".to_owned(), true),
        (name("shop", &west), "everywhere/shop".to_owned(), true),
    ];
    expected.sort();
    let all_in_line = async || {
        let mut found = place.applications().await;
        found.sort();
        found == expected
    };
    place.until("all four are in line", all_in_line).await;
    let (on_east, on_west) = ("cart ;shop ;", "cart prod;shop prod;");
    assert_eq!(place.held(&east), on_east);
    assert_eq!(place.held(&west), on_west);

    // Broken in each way that a generator can be: nothing that runs is touched.
    for (directories, problem) in [
        ("[{path: apps/*}], typo: [", ""),
        ("[]", "names neither directories nor files"),
    ] {
        write_set(&place.repository, &place.namespace, directories);
        place.push("a generator that cannot be read");
        place.until_problem(problem).await;
        place.until("all four stay", all_in_line).await;
    }
    write_set(&place.repository, &place.namespace, "[{path: apps/*}]");
    let text = std::fs::read_to_string(place.repository.path().join("sets/everywhere.yaml"))
        .expect("the set")
        .replace("revision: main, directories", "revision: gone, directories");
    place.repository.write("sets/everywhere.yaml", &text);
    place.push("a branch that is not there");
    place.until_problem("cannot be listed").await;
    place.until("all four stay", all_in_line).await;
    assert_eq!(place.held(&east), on_east);
    assert_eq!(place.held(&west), on_west);

    // The set goes: its applications are removed from Git, and nothing is deleted.
    place.repository.remove("sets/everywhere.yaml");
    place.repository.write(
        "sets/after.yaml",
        &format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: after, namespace: argocd}}\nspec:\n  source: {{repoURL: '{}', path: after, targetRevision: main}}\n  destination: {{name: {}, namespace: {}}}\n  syncPolicy: {{automated: {{prune: true}}}}\n",
            place.repository.url(), east.name, place.namespace
        ),
    );
    place.repository.write(
        "after/config.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: after}\n",
    );
    place.push("another application instead of the set");
    place
        .until("only the other one is defined, and in line", async || {
            place.applications().await == [("after".to_owned(), "after".to_owned(), true)]
        })
        .await;
    assert_eq!(place.held(&east), on_east);
    assert_eq!(place.held(&west), on_west);
    for cluster in [&east, &west] {
        cluster.kubectl(&["delete", "namespace", &place.namespace, "--wait=false"]);
    }
    place.runtime.stop(Duration::from_secs(20)).await;
    drop(place.folder);
}
