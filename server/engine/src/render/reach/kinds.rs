//! Every kind of source, from definitions as people write them: which files of the repository its application hangs on,
//! and which it does not.

use super::*;
use crate::definition::{DefinedSource, Definition, DefinitionFile, Definitions, read_source};
use crate::render::inputs::collect;
use crate::render::several::Lenders;
use crate::source::{Credential, Mirrors, Snapshot};
use crate::testing::Repository;
use lockstep_types::revision::{PathChangeKind, Revision, TargetRevision};

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\n";
const CHART: &str = "apiVersion: v2\nname: web\nversion: 1.0.0\n";

struct Fixture {
    repository: Repository,
    revision: Revision,
    mirrors: Mirrors,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new(files: &[(&str, &str)]) -> Self {
        let (repository, revision) = Repository::with(files);
        let folder = tempfile::tempdir().unwrap();
        let mirrors = Mirrors::for_tests(folder.path().join("mirrors")).unwrap();
        let main = TargetRevision("main".to_owned());
        mirrors
            .fetch(
                &repository.url(),
                &Credential::None,
                std::slice::from_ref(&main),
            )
            .await
            .unwrap();
        Self {
            repository,
            revision,
            mirrors,
            _folder: folder,
        }
    }

    async fn snapshot(&self) -> Snapshot {
        self.mirrors
            .snapshot(&self.repository.url(), &self.revision)
            .await
            .unwrap()
    }

    async fn reach(&self, source: &DefinedSource) -> Reach {
        let (_, _, borrowed, reach) =
            collect(self.snapshot().await, source, "shop", &Lenders::default()).unwrap();
        assert!(borrowed.is_empty());
        reach
    }
}

/// The one application of these definitions.
fn defined(url: &str, files: &[(&str, &str)]) -> Definition {
    let files: Vec<DefinitionFile> = files
        .iter()
        .map(|(path, text)| DefinitionFile {
            path: (*path).to_owned(),
            bytes: text.replace("HERE", url).into_bytes(),
        })
        .collect();
    let Definitions {
        mut applications,
        problems,
        ..
    } = read_source(&files, "home", url, &TargetRevision("main".to_owned()));
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!(applications.len(), 1, "{applications:?}");
    applications.remove(0)
}

fn holds(reach: &Reach, path: &str, kind: PathChangeKind) -> bool {
    reach.is_touched(&[PathChange {
        path: path.to_owned(),
        kind,
    }])
}

fn check(reach: &Reach, affected: &[&str], free: &[&str]) {
    for path in affected {
        for kind in [
            PathChangeKind::Added,
            PathChangeKind::Modified,
            PathChangeKind::Deleted,
        ] {
            assert!(holds(reach, path, kind), "{path} {kind:?} counts");
        }
    }
    for path in free {
        let kind = PathChangeKind::Modified;
        assert!(!holds(reach, path, kind), "{path} does not count");
    }
}

fn argo(source: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: web}}\nspec:\n  project: default\n  destination: {{server: https://kubernetes.default.svc, namespace: web}}\n{source}"
    )
}

#[tokio::test]
async fn argo_plain_folders_hang_on_what_lies_in_them() {
    let fixture = Fixture::new(&[("web/a.yaml", CONFIG), ("other/a.yaml", CONFIG)]).await;
    let text = argo("  source: {repoURL: HERE, targetRevision: main, path: web}\n");
    let definition = defined(&fixture.repository.url(), &[("app.yaml", &text)]);
    check(
        &fixture.reach(&definition.source).await,
        // Renderer files that appear make another thing of the folder.
        &[
            "web/a.yaml",
            "web/new.yaml",
            "web/kustomization.yaml",
            "web/Chart.yaml",
        ],
        &["other/a.yaml", "web/deeper/a.yaml", "app.yaml"],
    );
}

#[tokio::test]
async fn kustomizations_hang_on_bases_outside_of_their_folder() {
    let fixture = Fixture::new(&[
        (
            "web/prod/kustomization.yaml",
            "resources: [../base]\ncomponents: [../../part]\npatches: [{path: patch.yaml}]\nconfigMapGenerator: [{name: g, files: [settings/a.conf]}]\n",
        ),
        ("web/base/kustomization.yaml", "resources: [a.yaml, ../../far]\n"),
        ("web/base/a.yaml", CONFIG),
        ("web/base/unused.yaml", CONFIG),
        ("far/kustomization.yaml", "resources: [b.yaml]\n"),
        ("far/b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\n"),
        ("part/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"),
        ("web/prod/patch.yaml", CONFIG),
        ("web/prod/settings/a.conf", "a=1\n"),
    ])
    .await;
    let text = argo("  source: {repoURL: HERE, targetRevision: main, path: web/prod}\n");
    let definition = defined(&fixture.repository.url(), &[("app.yaml", &text)]);
    check(
        &fixture.reach(&definition.source).await,
        &[
            "web/prod/kustomization.yaml",
            "web/base/kustomization.yaml",
            "web/base/a.yaml",
            "far/kustomization.yaml",
            "far/b.yaml",
            "part/kustomization.yaml",
            "web/prod/patch.yaml",
            "web/prod/settings/a.conf",
        ],
        &[
            "web/base/unused.yaml",
            "web/prod/settings/b.conf",
            "app.yaml",
        ],
    );
}

#[tokio::test]
async fn charts_hang_on_all_they_hold_and_on_value_files_found_or_not() {
    let fixture = Fixture::new(&[
        ("charts/web/Chart.yaml", CHART),
        ("charts/web/values.yaml", "a: 1\n"),
        ("charts/web/templates/a.yaml", CONFIG),
        ("charts/web/charts/sub/Chart.yaml", CHART),
        ("values/prod.yaml", "a: 2\n"),
    ])
    .await;
    let text = argo(
        "  source:\n    repoURL: HERE\n    targetRevision: main\n    path: charts/web\n    helm: {valueFiles: [/values/prod.yaml, /values/late.yaml], ignoreMissingValueFiles: true}\n",
    );
    let definition = defined(&fixture.repository.url(), &[("app.yaml", &text)]);
    check(
        &fixture.reach(&definition.source).await,
        &[
            "charts/web/Chart.yaml",
            "charts/web/values.yaml",
            "charts/web/templates/a.yaml",
            "charts/web/templates/new/b.tpl",
            "charts/web/charts/sub/values.yaml",
            "charts/web/.helmignore",
            "values/prod.yaml",
            "values/late.yaml",
        ],
        &["values/dev.yaml", "charts/api/Chart.yaml"],
    );
}

#[tokio::test]
async fn flux_folders_hang_on_all_below_and_on_what_leaves_files_out() {
    let fixture = Fixture::new(&[
        (".sourceignore", "docs/\n"),
        ("web/a.yaml", CONFIG),
        (
            "web/deeper/b.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\n",
        ),
    ])
    .await;
    let definition = defined(
        &fixture.repository.url(),
        &[(
            "flux.yaml",
            "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: own, namespace: flux-system}\nspec: {url: 'HERE', interval: 1m, ref: {branch: main}}\n---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: web, namespace: flux-system}\nspec: {interval: 1m, path: ./web, prune: true, sourceRef: {kind: GitRepository, name: own}}\n",
        )],
    );
    check(
        &fixture.reach(&definition.source).await,
        &[
            "web/a.yaml",
            "web/deeper/b.yaml",
            "web/new/c.yaml",
            "web/kustomization.yaml",
            ".sourceignore",
            "web/.sourceignore",
        ],
        &["other/a.yaml", "README.md"],
    );
}

#[tokio::test]
async fn helm_releases_hang_on_the_chart_and_its_value_files_and_on_their_values() {
    let fixture = Fixture::new(&[
        ("charts/web/Chart.yaml", CHART),
        ("charts/web/values.yaml", "a: 1\n"),
        ("charts/web/values-prod.yaml", "a: 2\n"),
        ("charts/web/templates/a.yaml", CONFIG),
    ])
    .await;
    let release = "apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: own, namespace: flux-system}\nspec: {url: 'HERE', interval: 1m, ref: {branch: main}}\n---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: flux-system}\nspec:\n  interval: 1m\n  chart: {spec: {chart: ./charts/web, valuesFiles: [charts/web/values-prod.yaml], sourceRef: {kind: GitRepository, name: own}}}\n  valuesFrom: [{kind: ConfigMap, name: values}]\n";
    let values = |replicas: u8| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: values, namespace: flux-system}}\ndata: {{values.yaml: 'replicas: {replicas}'}}\n"
        )
    };
    let url = fixture.repository.url();
    let with = |text: &str| defined(&url, &[("release.yaml", release), ("values.yaml", text)]);
    let definition = with(&values(1));
    check(
        &fixture.reach(&definition.source).await,
        &[
            "charts/web/Chart.yaml",
            "charts/web/values-prod.yaml",
            "charts/web/templates/a.yaml",
            "charts/web/templates/new.yaml",
        ],
        &["charts/api/Chart.yaml", "other.yaml"],
    );
    // Values are part of the definition: their file decides what is defined.
    assert_ne!(definition.source, with(&values(2)).source);
    assert!(crate::definition::may_define(
        "values.yaml",
        values(1).as_bytes()
    ));
}

#[tokio::test]
async fn bundles_hang_on_their_folder_and_their_overlays() {
    let files = [
        (
            "gitrepo.yaml",
            "apiVersion: fleet.cattle.io/v1alpha1\nkind: GitRepo\nmetadata: {name: web, namespace: fleet-local}\nspec: {repo: 'HERE', branch: main, paths: [web]}\n",
        ),
        ("web/fleet.yaml", "namespace: web\n"),
        ("web/a.yaml", CONFIG),
        (
            "web/deeper/b.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\n",
        ),
    ];
    let fixture = Fixture::new(&files).await;
    let definition = defined(&fixture.repository.url(), &files);
    check(
        &fixture.reach(&definition.source).await,
        &[
            "web/a.yaml",
            "web/deeper/b.yaml",
            "web/overlays/prod/a.yaml",
            "web/new.yaml",
        ],
        &["other/a.yaml", "README.md"],
    );
    for (path, text) in &files[..2] {
        let bytes = text.as_bytes();
        assert!(crate::definition::may_generate(path, bytes), "{path}");
        assert!(crate::definition::may_define(path, bytes), "{path}");
    }
}
