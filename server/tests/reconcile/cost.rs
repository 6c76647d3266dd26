//! What a commit costs: an application is rendered again when something that it looks at changes, and only then.

use crate::AUTOMATED;
use crate::world::World;
use lockstep_types::activity::RenderOutcome;
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;
use lockstep_types::revision::Revision;
use lockstep_types::source::Mode;
use server::store;

async fn noted(world: &World, revision: &Revision) -> Vec<RenderOutcome> {
    let repository = world.repository_key();
    store::commit::renders(world.store(), &repository, revision)
        .await
        .expect("the database answers")
        .into_iter()
        .map(|render| render.outcome)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_renders_what_it_touches_and_nothing_else() {
    let world = World::start("cost", Mode::Managed, AUTOMATED).await;
    let first = world.commit_shop("one", 1);
    world
        .until_row("the first commit is live", |row| {
            row.deployed.as_ref() == Some(&first)
                && row.state.sync == SyncStatus::Synced
                && row.state.health.status == HealthStatus::Healthy
                && row.state.reason.is_none()
        })
        .await;
    assert_eq!(noted(&world, &first).await, [RenderOutcome::Rendered]);
    // The assessment that a verdict is carried over from is written after the row.
    let elsewhere = {
        world.repository.write("elsewhere/other.yaml", "a: 1\n");
        world.push("elsewhere")
    };
    let row = world
        .until_row("an untouched application takes the revision over", |row| {
            row.state.revision.as_ref() == Some(&elsewhere)
        })
        .await;
    assert_eq!(row.state.sync, SyncStatus::Synced);
    assert_eq!(row.deployed.as_ref(), Some(&elsewhere));
    assert!(noted(&world, &elsewhere).await.is_empty());

    // A file that appears in the folder counts as much as one that changes.
    world.repository.write(
        "manifests/new.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: new}\n",
    );
    let added = world.push("one more file");
    world
        .until_row("the new file is live", |row| {
            row.deployed.as_ref() == Some(&added)
        })
        .await;
    assert_eq!(noted(&world, &added).await, [RenderOutcome::Rendered]);
    assert_eq!(
        world.kubectl(&["get", "configmap", "new", "-o", "name"]),
        "configmap/new"
    );

    // Back to what was rendered before: no renderer runs for it.
    world.repository.remove("manifests/new.yaml");
    let back = world.push("without it");
    world
        .until_row("the removal is live", |row| {
            row.deployed.as_ref() == Some(&back)
        })
        .await;
    assert_eq!(noted(&world, &back).await, [RenderOutcome::Cached]);
}
