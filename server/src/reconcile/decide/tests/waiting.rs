//! What is waited for, and that nothing which is wrong is without a sentence.

use super::given::{NOW, given, web};
use super::*;

#[test]
fn a_person_does_not_wait_for_a_dependency_and_automation_looks_again() {
    let waiting = given().differs().waiting().decide();
    assert_eq!(waiting.again, Some(NOW.plus_seconds(WAITING_SECONDS)));
    let asked = given()
        .differs()
        .waiting()
        .with(|g| {
            g.requested = Some(Requested {
                by: "maria".to_owned(),
                prune: false,
                since: NOW,
                overrides: Vec::new(),
            });
        })
        .decide();
    assert_eq!(
        asked.act,
        Act::Start {
            trigger: Trigger::Person("maria".to_owned()),
            prune: false
        }
    );
}

#[test]
fn the_newest_event_stands_in_the_sentence() {
    let said = given()
        .with(|g| {
            g.facts.health = Health::new(HealthStatus::Degraded, "1 of 3 pods cannot start");
            g.facts.culprit = Some(web());
            g.facts.event = "FailedMount: secret x not found".to_owned();
        })
        .decide()
        .cause
        .map(|cause| cause.cause);
    assert_eq!(
        said.as_deref(),
        Some("Deployment web: 1 of 3 pods cannot start (FailedMount: secret x not found)")
    );
}

/// Whatever comes together: a target that is not Synced and Healthy has one sentence, or a run begins.
#[test]
fn nothing_that_is_wrong_is_without_a_sentence() {
    const SYNC: [SyncStatus; 3] = [
        SyncStatus::Synced,
        SyncStatus::OutOfSync,
        SyncStatus::Unknown,
    ];
    const HEALTH: [HealthStatus; 6] = [
        HealthStatus::Healthy,
        HealthStatus::Suspended,
        HealthStatus::Progressing,
        HealthStatus::Missing,
        HealthStatus::Degraded,
        HealthStatus::Unknown,
    ];
    let mut looked = 0;
    for bits in 0..128_u32 {
        for sync in SYNC {
            for health in HEALTH {
                let on = |bit: u32| bits & (1 << bit) != 0;
                let mut given = given();
                given.facts.sync = sync;
                given.facts.health = Health::new(health, "");
                given.facts.writes = usize::from(on(0) && sync == SyncStatus::OutOfSync);
                given.facts.prunes = usize::from(on(1) && sync == SyncStatus::OutOfSync);
                given.policy.automated = on(2);
                given.policy.self_heal = on(3);
                if on(4) {
                    given.mode = Mode::Observe;
                }
                if on(5) {
                    given = given.waiting();
                }
                if on(6) {
                    given = given.after(SyncPhase::Succeeded, 0);
                }
                let decision = given.decide();
                let good = sync == SyncStatus::Synced && health == HealthStatus::Healthy;
                let begins = matches!(decision.act, Act::Start { .. });
                let said = decision.cause.is_some_and(|cause| !cause.cause.is_empty());
                assert!(good || begins || said, "{sync:?} {health:?} {bits:07b}");
                looked += 1;
            }
        }
    }
    assert_eq!(looked, 128 * 18);
}

#[test]
fn a_closed_window_says_when_it_opens_and_refuses_who_may_not_pass() {
    let waits = given().differs().closed(false).decide();
    assert_eq!(waits.again, Some(NOW.plus_seconds(3600)));
    let cause = waits.cause.unwrap();
    assert_eq!(
        cause.cause,
        "Waits for window 'allow 0 22 * * 1-5 for 1h Europe/Berlin' of project shops: opens at 1970-01-12T14:46:40Z"
    );
    let asked = given().differs().closed(false).asked().decide();
    assert_eq!(
        asked.act,
        Act::Refuse(format!(
            "{}. It syncs by itself then; nobody can sync before, unless the window is changed in Git",
            cause.cause
        ))
    );
    let held = given().differs().held(-1).closed(false).decide();
    assert_eq!(held.again, Some(NOW.plus_seconds(3600)));
}

#[test]
fn automation_waits_for_its_turn_and_nobody_else_does() {
    let paused = given().differs().with(|g| {
        g.rollout = Some(Cause::stalled(
            ReasonCode::RolloutPaused,
            "The rollout is paused: cart on eu-1 is Degraded",
            "It goes on when that recovers",
        ));
    });
    let waits = paused.decide();
    assert_eq!(waits.act, Act::Rest);
    // Who is waited for wakes it: it does not look by itself.
    assert_eq!(waits.again, None);
    let cause = waits.cause.unwrap();
    assert_eq!(cause.code, ReasonCode::RolloutPaused);
    assert_eq!(
        cause.cause,
        "The rollout is paused: cart on eu-1 is Degraded"
    );
    // What is bad of an older state does not hide why the newer one does not come.
    let degraded = paused
        .clone()
        .with(|g| g.facts.health = Health::new(HealthStatus::Degraded, "1 of 3 pods"))
        .decide();
    assert_eq!(
        degraded.cause.map(|cause| cause.code),
        Some(ReasonCode::RolloutPaused)
    );
    let asked = paused.clone().asked().decide();
    assert!(matches!(
        asked.act,
        Act::Start {
            trigger: Trigger::Person(_),
            ..
        }
    ));
    let pinned = paused.with(|g| g.pin = Some(pin(60))).decide();
    assert!(matches!(
        pinned.act,
        Act::Start {
            trigger: Trigger::Pin(_),
            ..
        }
    ));
}
