//! What others change in the cluster: shown, put back, or only observed.

use crate::world::World;
use crate::{AUTOMATED, HEALING};
use lockstep_types::diff::SyncStatus;
use lockstep_types::drift::{DriftQuery, DriftState};
use lockstep_types::health::HealthStatus;
use lockstep_types::reason::ReasonCode;
use lockstep_types::source::Mode;
use lockstep_types::sync::{StartedBy, SyncPhase};
use server::store;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_is_shown_with_who_did_it_and_left_alone() {
    let world = World::start("drift", Mode::Managed, AUTOMATED).await;
    let first = world.commit_shop("one", 2);
    world.until_deployed(&first).await;
    world.kubectl(&["scale", "deployment", "web", "--replicas=3"]);
    let state = world
        .until("drifted", |state| {
            let reason = state.reason.as_ref().map(|reason| reason.code);
            state.drifted == 1 && reason == Some(ReasonCode::Drifted)
        })
        .await
        .state;
    assert_eq!(state.sync, SyncStatus::OutOfSync);
    let open = store::drift::open_of(world.store(), world.target())
        .await
        .unwrap();
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(open[0].path, "spec.replicas");
    assert_eq!(
        (open[0].declared.clone(), open[0].live.clone()),
        (Some(2.into()), Some(3.into()))
    );
    assert!(
        open[0]
            .manager
            .as_deref()
            .is_some_and(|manager| manager.starts_with("kubectl")),
        "{open:?}"
    );
    assert!(!open[0].baseline);
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

    world.kubectl(&["scale", "deployment", "web", "--replicas=2"]);
    world
        .until("in line again", |state| {
            state.sync == SyncStatus::Synced && state.drifted == 0
        })
        .await;
    let all = store::drift::list(
        world.store(),
        &DriftQuery {
            include_closed: true,
            ..DriftQuery::default()
        },
        10,
    )
    .await
    .unwrap();
    assert_eq!((all.len(), all[0].state), (1, DriftState::Reverted));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn self_heal_puts_it_back_and_leaves_word() {
    let world = World::start("heal", Mode::Managed, HEALING).await;
    let first = world.commit_shop("one", 2);
    world.until_deployed(&first).await;
    world.kubectl(&[
        "patch",
        "configmap",
        "settings",
        "--type=merge",
        "-p",
        r#"{"data":{"greeting":"hacked"}}"#,
    ]);
    world
        .until_runs("a heal", |runs| {
            runs.iter().any(|run| {
                run.started_by == StartedBy::SelfHeal && run.phase == SyncPhase::Succeeded
            })
        })
        .await;
    assert_eq!(
        world.kubectl(&[
            "get",
            "configmap",
            "settings",
            "-o",
            "jsonpath={.data.greeting}"
        ]),
        "one"
    );
    world
        .until("in line again", |state| {
            state.sync == SyncStatus::Synced && state.drifted == 0
        })
        .await;
    let all = store::drift::list(
        world.store(),
        &DriftQuery {
            include_closed: true,
            ..DriftQuery::default()
        },
        10,
    )
    .await
    .unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(
        (all[0].path.as_str(), all[0].state),
        ("data.greeting", DriftState::Healed)
    );
    let told = world.kubectl(&[
        "get",
        "events",
        "--field-selector=reason=DriftUndone",
        "-o",
        "jsonpath={.items[*].message}{.items[*].note}",
    ]);
    assert!(
        told.contains("data.greeting") && told.contains("manifests/settings.yaml"),
        "{told}"
    );

    // A deleted object comes back too.
    world.kubectl(&["delete", "configmap", "settings"]);
    world
        .until_runs("another heal", |runs| {
            runs.iter()
                .filter(|run| {
                    run.started_by == StartedBy::SelfHeal && run.phase == SyncPhase::Succeeded
                })
                .count()
                == 2
        })
        .await;
    assert_eq!(
        world.kubectl(&[
            "get",
            "configmap",
            "settings",
            "-o",
            "jsonpath={.data.greeting}"
        ]),
        "one"
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn observing_writes_nothing() {
    let world = World::start("observe", Mode::Observe, HEALING).await;
    world.commit_shop("one", 1);
    let state = world
        .until("compared", |state| state.sync == SyncStatus::OutOfSync)
        .await
        .state;
    assert_eq!(
        state.reason.map(|reason| reason.code),
        Some(ReasonCode::Observing)
    );
    assert_eq!(state.health.status, HealthStatus::Missing);
    // Somebody else applies it: Synced, and what is changed later is drift that nobody heals.
    world.kubectl(&[
        "apply",
        "-f",
        &world
            .repository
            .path()
            .join("manifests")
            .display()
            .to_string(),
    ]);
    world
        .until("in line", |state| {
            state.sync == SyncStatus::Synced && state.health.status == HealthStatus::Healthy
        })
        .await;
    world.kubectl(&["scale", "deployment", "web", "--replicas=2"]);
    let state = world
        .until("drifted", |state| state.drifted == 1)
        .await
        .state;
    assert_eq!(state.sync, SyncStatus::OutOfSync);
    assert_eq!(
        world.kubectl(&[
            "get",
            "deployment",
            "web",
            "-o",
            "jsonpath={.spec.replicas}"
        ]),
        "2"
    );
    assert!(
        store::run::of_target(world.store(), world.target(), None, 10)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(world.writes_by_lockstep(), 0);

    // Taken over, the drift goes and the objects are marked as ours.
    world.take_over().await;
    world
        .until_runs("the first sync", |runs| {
            runs.iter().any(|run| run.phase == SyncPhase::Succeeded)
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
        "1"
    );
    assert!(
        world
            .kubectl(&[
                "get",
                "deployment",
                "web",
                "-o",
                "jsonpath={.metadata.annotations}"
            ])
            .contains("lockstep.dev/tracking-id")
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_writers_that_fight_are_named_and_healing_rests() {
    let world = World::start("fight", Mode::Managed, HEALING).await;
    let first = world.commit_shop("hello", 1);
    world.until_deployed(&first).await;
    let started = std::time::Instant::now();
    // A second writer that takes the field back whenever it is healed, until Lockstep gives in.
    let reason = loop {
        let row = store::target::get(world.store(), world.target())
            .await
            .expect("the target");
        if let Some(reason) = row
            .state
            .reason
            .filter(|reason| reason.code == ReasonCode::Fighting)
        {
            break reason;
        }
        assert!(
            started.elapsed() < Duration::from_secs(180),
            "no fight is seen"
        );
        let now = world.kubectl(&[
            "get",
            "configmap",
            "settings",
            "-o",
            "jsonpath={.data.greeting}",
        ]);
        if now == "hello" {
            world.kubectl(&[
                "patch",
                "configmap",
                "settings",
                "--type=merge",
                "--field-manager=rival",
                "-p",
                "{\"data\": {\"greeting\": \"mine\"}}",
            ]);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(
        reason
            .cause
            .contains("lockstep and rival fight over data.greeting of ConfigMap settings"),
        "{reason:?}"
    );
    assert!(
        reason.next.contains("an ignore rule for data.greeting"),
        "{reason:?}"
    );
    let greeting = [
        "get",
        "configmap",
        "settings",
        "-o",
        "jsonpath={.data.greeting}",
    ];
    assert_eq!(world.kubectl(&greeting), "mine");
    world.end().await;
}
