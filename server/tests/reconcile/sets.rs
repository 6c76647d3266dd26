//! Sets of applications and projects, from Git to the list of applications and to what is refused.

use crate::AUTOMATED;
use crate::world::{WITHIN, World};
use engine::testing::Repository;
use lockstep_types::diff::SyncStatus;
use lockstep_types::reason::ReasonCode;
use lockstep_types::source::Mode;
use server::store;
use server::store::application::ApplicationRow;
use std::time::Instant;

pub async fn until_applications(
    world: &World,
    what: &str,
    expected: &[&str],
) -> Vec<ApplicationRow> {
    let deadline = Instant::now() + WITHIN;
    loop {
        let rows = store::application::list(world.store(), false)
            .await
            .expect("applications");
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        if names == expected {
            return rows;
        }
        assert!(Instant::now() < deadline, "{what}: {names:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

pub async fn until_problem(world: &World, part: &str) {
    let deadline = Instant::now() + WITHIN;
    loop {
        let source = store::source::by_name(world.store(), "root")
            .await
            .expect("a source")
            .expect("the root source");
        let found = source
            .problems
            .iter()
            .any(|problem| problem.message.contains(part));
        if found {
            return;
        }
        assert!(Instant::now() < deadline, "{part}: {:#?}", source.problems);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

fn write_set(world: &World, addons: &Repository, revision: &str, go: bool) {
    let (name, path) = if go {
        ("{{.path.basename | normalize}}", "{{.path.path}}")
    } else {
        ("{{path.basenameNormalized}}", "{{path}}")
    };
    world.repository.write(
        "apps/set.yaml",
        &format!(
            "apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: addons, namespace: argocd}}
spec:
  goTemplate: {go}
  generators:
  - git: {{repoURL: '{url}', revision: {revision}, directories: [{{path: addons/*}}]}}
  template:
    metadata: {{name: '{name}'}}
    spec:
      source: {{repoURL: '{url}', targetRevision: main, path: '{path}'}}
      destination: {{name: {}, namespace: {}}}
",
            world.cluster(),
            world.namespace(),
            url = addons.url()
        ),
    );
}

const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\n";

fn add(addons: &Repository, name: &str) {
    let text = OBJECT.replace("NAME", &name.replace('_', "-"));
    addons.write(&format!("addons/{name}/config.yaml"), &text);
    addons.commit(name);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_more_is_an_application_more_and_a_failing_listing_takes_none_away() {
    let world = World::start("sets", Mode::Observe, AUTOMATED).await;
    let addons = Repository::new();
    add(&addons, "a_one");
    write_set(&world, &addons, "main", false);
    world.commit_shop("hello", 0);
    let rows = until_applications(&world, "the set is generated", &["a-one", "shop"]).await;
    assert_eq!(rows[0].group, "addons");

    add(&addons, "b");
    world.wake_repository(&addons.url());
    let rows = until_applications(&world, "a directory more", &["a-one", "b", "shop"]).await;
    let groups: Vec<&str> = rows.iter().map(|row| row.group.as_str()).collect();
    assert_eq!(groups, ["addons/a_one", "addons/b", "shop"]);

    write_set(&world, &addons, "no-such-branch", false);
    world.push("a branch that is not there");
    until_problem(&world, "ApplicationSet argocd/addons").await;
    until_applications(&world, "broken is not gone", &["a-one", "b", "shop"]).await;

    addons.remove("addons/b");
    addons.commit("b is over");
    // The other language gives the same.
    write_set(&world, &addons, "main", true);
    world.push("the branch again");
    until_applications(
        &world,
        "what is generated no more is gone",
        &["a-one", "shop"],
    )
    .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_that_an_application_renders_gives_children() {
    let world = World::start("setchild", Mode::Observe, AUTOMATED).await;
    world
        .repository
        .write("child/x.yaml", &OBJECT.replace("NAME", "x"));
    world.repository.write(
        "manifests/set.yaml",
        &format!(
            "apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {{name: nested, namespace: argocd}}
spec:
  generators: [{{list: {{elements: [{{name: one}}, {{name: two}}]}}}}]
  template:
    metadata: {{name: '{{{{name}}}}'}}
    spec:
      source: {{repoURL: '{}', targetRevision: main, path: child}}
      destination: {{name: {}, namespace: {}}}
",
            world.repository.url(),
            world.cluster(),
            world.namespace()
        ),
    );
    world.commit_shop("hello", 0);
    let rows = until_applications(&world, "children", &["one", "shop", "two"]).await;
    assert_eq!(rows[0].parent, Some(world.application()));
    world.end().await;
}

pub fn write_project(world: &World, spec: &str) {
    let text = std::fs::read_to_string(world.repository.path().join("apps/shop.yaml"))
        .expect("the application");
    world.repository.write(
        "apps/shop.yaml",
        &text.replace("project: default", "project: web"),
    );
    world.repository.write("apps/project.yaml", &format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {{name: web, namespace: argocd}}\nspec:\n  sourceRepos: ['*']\n  destinations: [{{name: {}, namespace: '{}'}}]\n{spec}",
        world.cluster(), world.namespace()
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_16_what_the_project_does_not_permit_is_refused_hooks_too() {
    let world = World::start("project", Mode::Managed, AUTOMATED).await;
    world.repository.write("manifests/hook.yaml", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: escape, annotations: {argocd.argoproj.io/hook: PreSync}}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: registry.example.org/a:1}]}}}\n");
    write_project(
        &world,
        "  namespaceResourceBlacklist: [{group: batch, kind: Job}]\n",
    );
    world.commit_shop("hello", 0);
    let refused = |part: &'static str| {
        let world = &world;
        async move {
            let row = world
                .until(part, |state| {
                    state.reason.as_ref().is_some_and(|reason| {
                        reason.code == ReasonCode::DefinitionInvalid && reason.cause.contains(part)
                    })
                })
                .await;
            assert!(row.deployed.is_none());
        }
    };
    refused("denies objects of kind batch/Job").await;
    // An object of another namespace than the project's.
    world.repository.remove("manifests/hook.yaml");
    world.repository.write(
        "manifests/away.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: away, namespace: kube-system}\n",
    );
    world.push("into another namespace");
    refused("does not permit the namespace kube-system").await;
    // A kind without namespace.
    world.repository.remove("manifests/away.yaml");
    world.repository.write("manifests/role.yaml", "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: escape}\nrules: []\n");
    world.push("a kind of the cluster");
    refused("does not permit objects of kind rbac.authorization.k8s.io/ClusterRole").await;
    // Another repository than those permitted, known at once.
    world.repository.remove("manifests/role.yaml");
    let text = std::fs::read_to_string(world.repository.path().join("apps/project.yaml"))
        .expect("the project");
    world.repository.write(
        "apps/project.yaml",
        &text.replace("['*']", "['https://example.org/*']"),
    );
    world.push("another repository");
    refused("does not permit the repository").await;
    until_problem(&world, "the project web does not permit the repository").await;
    // All is permitted: now it is deployed.
    write_project(&world, "");
    world.push("permitted");
    world
        .until("synced", |state| state.sync == SyncStatus::Synced)
        .await;
    assert_eq!(
        world.kubectl(&[
            "get",
            "configmap",
            "away",
            "--ignore-not-found",
            "-o",
            "name"
        ]),
        ""
    );
    world.end().await;
}
