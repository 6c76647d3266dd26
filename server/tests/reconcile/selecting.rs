//! One sync that is asked to be different: some objects only, a dry run, by force. By the API server's own word.

use crate::options::{BY_HAND, config, deployment};
use crate::world::World;
use lockstep_types::diff::SyncStatus;
use lockstep_types::plan::Action;
use lockstep_types::revision::Revision;
use lockstep_types::source::Mode;
use lockstep_types::sync::{OperationKind, RunSummary, StepStatus, SyncPhase};
use serde_json::json;
use server::store;

impl World {
    /// Syncs as a person does who asks for something else than always.
    async fn sync_once(&self, count: usize, prune: bool, once: serde_json::Value) -> RunSummary {
        let parameters = json!({"prune": prune, "once": once});
        self.ask(OperationKind::Sync, parameters).await;
        self.until_run(count).await
    }

    fn object(&self, kind: &str, name: &str) -> serde_json::Value {
        let (group, kind) = kind.split_once('/').expect("a group and a kind");
        json!({"group": group, "kind": kind, "namespace": self.namespace(), "name": name})
    }

    /// Declares three ConfigMaps, two of them with a label, and a hook.
    async fn three_and_a_hook(&self, value: &str) -> Revision {
        for (name, labels) in [("one", "tier: web"), ("two", "tier: web"), ("three", "")] {
            let text = config(name, "", &format!("a: '{value}'"));
            self.file(
                name,
                &text.replace(
                    "annotations:",
                    &format!("labels: {{{labels}}}, annotations:"),
                ),
            );
        }
        self.file(
            "hook",
            &config("hook", "", &format!("a: '{value}'")).replace(
                "annotations: {",
                "annotations: {argocd.argoproj.io/hook: PreSync, ",
            ),
        );
        let revision = self.push(value);
        self.until_out_of_sync(&revision, 3).await;
        revision
    }

    fn versions(&self) -> String {
        self.kubectl(&[
            "get",
            "configmaps,deployments",
            "-o",
            "jsonpath={range .items[*]}{.metadata.name}={.metadata.uid}/{.metadata.resourceVersion} {end}",
        ])
    }

    fn config_names(&self) -> Vec<String> {
        let text = self.kubectl(&[
            "get",
            "configmaps",
            "-o",
            "jsonpath={.items[*].metadata.name}",
        ]);
        let mut names: Vec<String> = text
            .split_whitespace()
            .filter(|name| !name.starts_with("kube-"))
            .map(str::to_owned)
            .collect();
        names.sort();
        names
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chosen_objects_are_synced_alone_and_the_revision_is_not_deployed_by_it() {
    let world = World::start("chosen", Mode::Managed, BY_HAND).await;
    let revision = world.three_and_a_hook("first").await;

    let one = world.object("/ConfigMap", "one");
    let run = world.sync_once(1, false, json!({"resources": [one]})).await;
    assert_eq!(run.phase, SyncPhase::Succeeded, "{}", run.message);
    assert_eq!(run.once.words(), "1 selected object");
    assert_eq!(world.config_names(), ["one"]);
    let row = world
        .until("two are left", |state| {
            state.sync == SyncStatus::OutOfSync && state.out_of_sync == 2
        })
        .await;
    assert_eq!(row.deployed, None);
    assert_eq!(row.deployed_render, None);
    let plan = store::run::plan(world.store(), run.id)
        .await
        .expect("it can be read")
        .expect("a plan");
    assert!(
        plan.report
            .iter()
            .any(|line| line.contains("1 of 4 declared objects are selected")),
        "{:?}",
        plan.report
    );
    for step in &plan.steps {
        match (step.key.name.as_str(), &step.action) {
            ("one", Action::Create) => {}
            ("two" | "three", Action::Skip(why)) => assert_eq!(why, "not selected"),
            ("hook", Action::Skip(why)) => assert!(why.contains("runs no hooks"), "{why}"),
            (name, action) => panic!("{name}: {action:?}"),
        }
    }

    // By label; what carries it and is there already is left as it is.
    let run = world
        .sync_once(2, false, json!({"labels": {"tier": "web"}}))
        .await;
    assert_eq!(run.phase, SyncPhase::Succeeded, "{}", run.message);
    assert_eq!(world.config_names(), ["one", "two"]);

    // What is not there is named, and nothing is written.
    let before = world.versions();
    let nowhere = world.object("/ConfigMap", "nowhere");
    for (count, once, expected) in [
        (3, json!({"resources": [nowhere]}), "nowhere is selected"),
        (4, json!({"labels": {"tier": "db"}}), "carries tier=db"),
    ] {
        let run = world.sync_once(count, false, once).await;
        assert_eq!(run.phase, SyncPhase::Failed);
        assert!(run.message.contains(expected), "{}", run.message);
    }
    assert_eq!(world.versions(), before);

    // A whole one brings the rest, with the hook, and is what counts.
    let run = world.sync(5, false).await;
    assert_eq!(run.phase, SyncPhase::Succeeded, "{}", run.message);
    assert_eq!(world.config_names(), ["hook", "one", "three", "two"]);
    world.until_deployed(&revision).await;

    // Of two that left Git, only the chosen one goes.
    world.repository.remove("manifests/one.yaml");
    world.repository.remove("manifests/two.yaml");
    let revision = world.push("less");
    world.until_out_of_sync(&revision, 2).await;
    let two = world.object("/ConfigMap", "two");
    let run = world.sync_once(6, true, json!({"resources": [two]})).await;
    assert_eq!(run.phase, SyncPhase::Succeeded, "{}", run.message);
    assert_eq!(world.config_names(), ["hook", "one", "three"]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_writes_nothing_and_tells_what_the_cluster_says() {
    let world = World::start("dryrun", Mode::Managed, BY_HAND).await;
    world.file("web", &deployment("web", "", "web", ""));
    world.file("same", &config("same", "", "a: one"));
    world.file("old", &config("old", "", "a: one"));
    let revision = world.push("one");
    world.until_out_of_sync(&revision, 3).await;
    assert_eq!(world.sync(1, false).await.phase, SyncPhase::Succeeded);
    let before_row = world.until_deployed(&revision).await;

    world.file("web", &deployment("web", "", "other", ""));
    world.file("new", &config("new", "", "a: one"));
    world.repository.remove("manifests/old.yaml");
    let revision = world.push("two");
    world.until_out_of_sync(&revision, 3).await;
    let generation = |world: &World| {
        world.kubectl(&[
            "get",
            "configmaps",
            "-o",
            "jsonpath={range .items[*]}{.metadata.name}={.metadata.resourceVersion} {end}",
        ])
    };
    let (before, web) = (generation(&world), world.uid("deployment", "web"));
    let written = ["web", "new", "old", "same"].map(|name| world.requests_for(name).len());
    let inventory = store::inventory::of_target(world.store(), world.target())
        .await
        .expect("an inventory");

    let run = world.sync_once(2, true, json!({"dry_run": true})).await;
    assert_eq!(run.phase, SyncPhase::Failed);
    assert!(
        run.message.starts_with(
            "dry run, nothing was written: 1 created, 1 deleted, 1 refused, 1 unchanged; Deployment web is refused: "
        ) && run.message.contains("spec.selector"),
        "{}",
        run.message
    );
    let steps = store::run::steps(world.store(), run.id)
        .await
        .expect("its steps");
    let said = |name: &str| {
        let step = steps.iter().find(|step| step.key.name == name);
        step.map(|step| (step.status, step.message.clone()))
            .expect(name)
    };
    assert_eq!(
        said("new"),
        (StepStatus::Done, "would be created".to_owned())
    );
    assert_eq!(
        said("old"),
        (StepStatus::Done, "would be deleted".to_owned())
    );
    assert_eq!(said("same"), (StepStatus::Done, "unchanged".to_owned()));
    assert_eq!(said("web").0, StepStatus::Failed);

    // With force the same change would be let through, by deleting the object first.
    let once = json!({"dry_run": true, "force": true});
    let run = world.sync_once(3, true, once).await;
    assert_eq!(run.phase, SyncPhase::Succeeded, "{}", run.message);
    assert!(
        run.message.contains("1 deleted and made anew"),
        "{}",
        run.message
    );

    assert_eq!(generation(&world), before);
    assert_eq!(world.uid("deployment", "web"), web);
    assert_eq!(
        ["web", "new", "old", "same"].map(|name| world.requests_for(name).len()),
        written
    );
    let after = store::inventory::of_target(world.store(), world.target())
        .await
        .expect("an inventory");
    assert_eq!(after, inventory);
    let row = world
        .until("it is out of sync still", |state| {
            state.sync == SyncStatus::OutOfSync && state.out_of_sync == 3
        })
        .await;
    assert_eq!(row.deployed, before_row.deployed);
    assert_eq!(row.deployed_render, before_row.deployed_render);

    // For this time only: the next one is refused as before.
    let run = world.sync_once(4, false, json!({"force": true})).await;
    assert_eq!(run.phase, SyncPhase::Succeeded, "{}", run.message);
    assert_ne!(world.uid("deployment", "web"), web);
    let web = world.uid("deployment", "web");
    world.file("web", &deployment("web", "", "third", ""));
    let revision = world.push("three");
    world.until_out_of_sync(&revision, 2).await;
    assert_eq!(world.sync(5, false).await.phase, SyncPhase::Failed);
    assert_eq!(world.uid("deployment", "web"), web);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replacing_once_takes_away_what_others_have_added() {
    let world = World::start("replaceonce", Mode::Managed, BY_HAND).await;
    world.file("settings", &config("settings", "", "a: one"));
    let revision = world.push("one");
    world.until_out_of_sync(&revision, 1).await;
    assert_eq!(world.sync(1, false).await.phase, SyncPhase::Succeeded);
    let theirs = r#"{"data": {"theirs": "yes"}}"#;
    world.kubectl(&[
        "patch",
        "configmap",
        "settings",
        "--type=merge",
        "-p",
        theirs,
    ]);
    let data = || world.kubectl(&["get", "configmap", "settings", "-o", "jsonpath={.data}"]);
    for (count, value, once, expected) in [
        (2, "two", json!({}), r#"{"a":"two","theirs":"yes"}"#),
        (3, "three", json!({"replace": true}), r#"{"a":"three"}"#),
    ] {
        world.file("settings", &config("settings", "", &format!("a: {value}")));
        let revision = world.push(value);
        world.until_out_of_sync(&revision, 1).await;
        let run = world.sync_once(count, false, once).await;
        assert_eq!(run.phase, SyncPhase::Succeeded, "{}", run.message);
        assert_eq!(data(), expected);
    }
    world.end().await;
}
