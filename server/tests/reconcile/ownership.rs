//! A database that was restored from a backup: the cluster knows better, and nothing is written until a person says so.

use crate::AUTOMATED;
use crate::world::World;
use lockstep_types::source::Mode;
use lockstep_types::sync::SyncPhase;
use server::store;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_database_only_observes_until_a_person_takes_over_again() {
    let world = World::start("restored", Mode::Managed, AUTOMATED).await;
    let first = world.commit_shop("one", 1);
    world.until_deployed(&first).await;
    let epoch = store::installation::epoch(world.store()).await.unwrap();
    assert!(epoch > 0, "the first write begins an epoch");
    assert_eq!(world.epoch_of_cluster(), epoch.to_string());

    let world = world.restart().await;
    let mut tx = world.store().begin().await.unwrap();
    store::installation::set_epoch(&mut tx, 0).await.unwrap();
    tx.commit().await.unwrap();
    let second = world.commit_shop("two", 1);
    let runs = world
        .until_runs("refused", |runs| {
            runs.first()
                .is_some_and(|run| run.phase == SyncPhase::Failed && run.revision == second)
        })
        .await;
    assert!(
        runs[0].message.contains("restored from a backup"),
        "{}",
        runs[0].message
    );
    let row = world
        .until_row("observed", |row| row.mode == Mode::Observe)
        .await;
    assert_eq!(row.deployed.as_ref(), Some(&first));
    let greeting = [
        "get",
        "configmap",
        "settings",
        "-o",
        "jsonpath={.data.greeting}",
    ];
    assert_eq!(world.kubectl(&greeting), "one");
    assert_eq!(world.epoch_of_cluster(), epoch.to_string());

    world.take_over().await;
    world
        .until_row("taken over and synced", |row| {
            row.mode == Mode::Managed && row.deployed.as_ref() == Some(&second)
        })
        .await;
    let now = store::installation::epoch(world.store()).await.unwrap();
    assert!(now > epoch, "{now} follows {epoch}");
    assert_eq!(world.epoch_of_cluster(), now.to_string());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_the_database_that_wrote_meanwhile_is_noticed_at_the_same_epoch() {
    let world = World::start("twin", Mode::Managed, AUTOMATED).await;
    let first = world.commit_shop("one", 1);
    world.until_deployed(&first).await;
    let epoch = store::installation::epoch(world.store()).await.unwrap();
    // What a server with a copy of this database does before its next run: it takes the very epoch that is ours next.
    world.set_epoch_of_cluster(epoch + 1);
    let second = world.commit_shop("two", 1);
    let runs = world
        .until_runs("refused", |runs| {
            runs.first()
                .is_some_and(|run| run.phase == SyncPhase::Failed && run.revision == second)
        })
        .await;
    assert!(
        runs[0].message.contains("a copy of it is running"),
        "{}",
        runs[0].message
    );
    let row = world
        .until_row("observed", |row| row.mode == Mode::Observe)
        .await;
    assert_eq!(row.deployed.as_ref(), Some(&first));
    world.end().await;
}
