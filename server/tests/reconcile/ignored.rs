//! What `ignoreDifferences` names does not count, and everything beside it still does.

use crate::world::World;
use crate::{AUTOMATED, HEALING};
use lockstep_types::diff::SyncStatus;
use lockstep_types::source::Mode;
use server::store;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ignored_field_is_no_drift_and_its_neighbour_is() {
    let policy = format!(
        "{AUTOMATED}\n  ignoreDifferences:\n    - {{group: apps, kind: Deployment, jqPathExpressions: ['select(.kind == \"Deployment\") | .spec.replicas']}}"
    );
    let world = World::start("ignored", Mode::Managed, &policy).await;
    let first = world.commit_shop("one", 2);
    world.until_deployed(&first).await;
    world.kubectl(&["scale", "deployment", "web", "--replicas=3"]);
    // Changed after the field that is ignored: when this one is seen, that one was too.
    world.kubectl(&["label", "deployment", "web", "app=other", "--overwrite"]);
    world.until("drifted", |state| state.drifted == 1).await;
    let open = store::drift::open_of(world.store(), world.target())
        .await
        .unwrap();
    let paths: Vec<&str> = open.iter().map(|row| row.path.as_str()).collect();
    assert_eq!(paths, ["metadata.labels.app"]);
    world.kubectl(&["label", "deployment", "web", "app=shop", "--overwrite"]);
    world
        .until("in line, whatever the replicas", |state| {
            state.sync == SyncStatus::Synced && state.drifted == 0
        })
        .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_respected_field_keeps_its_value_when_its_neighbour_is_healed() {
    let policy = format!(
        "{HEALING}\n    syncOptions: [RespectIgnoreDifferences=true]\n  ignoreDifferences:\n    - {{group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}}"
    );
    let world = World::start("respected", Mode::Managed, &policy).await;
    let first = world.commit_shop("one", 2);
    world.until_deployed(&first).await;
    world.kubectl(&["scale", "deployment", "web", "--replicas=3"]);
    world.kubectl(&["label", "deployment", "web", "app=other", "--overwrite"]);
    world
        .until_kubectl(
            "the label is healed and the replicas are kept",
            &[
                "get",
                "deployment",
                "web",
                "-o",
                "jsonpath={.metadata.labels.app} {.spec.replicas}",
            ],
            "shop 3",
        )
        .await;
    world.end().await;
}
