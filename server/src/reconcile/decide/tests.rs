//! One line per case: what is changed about an ordinary situation, and what must come of it.

mod adopted;
mod given;
mod holds;
mod waiting;

use super::*;
use given::{Given, NOW, auto, given, pin, web};
use lockstep_types::health::HealthStatus;

#[test]
fn acts_as_policy_mode_and_history_say() {
    let heals = |ages: &[i64]| {
        let times: Vec<Micros> = ages.iter().map(|age| NOW.plus_seconds(-age)).collect();
        BTreeMap::from([(web(), times)])
    };
    let cases: Vec<(&str, Given, Act, Option<ReasonCode>)> = vec![
        ("all is well", given(), Act::Rest, None),
        ("a new revision", given().differs(), auto(false), None),
        (
            "not automated",
            given().differs().with(|g| g.policy.automated = false),
            Act::Rest,
            Some(ReasonCode::Behind),
        ),
        (
            "another must be ready first",
            given().differs().waiting(),
            Act::Rest,
            Some(ReasonCode::WaitingForDependency),
        ),
        (
            "another must be ready before drift is healed or anything pruned",
            given().drifted().leaving().waiting(),
            Act::Rest,
            Some(ReasonCode::WaitingForDependency),
        ),
        (
            "nothing is to be done, so nothing waits",
            given().waiting(),
            Act::Rest,
            None,
        ),
        (
            "a pin does not wait",
            given().differs().waiting().with(|g| g.pin = Some(pin(60))),
            Act::Start {
                trigger: Trigger::Pin("maria".to_owned()),
                prune: false,
            },
            Some(ReasonCode::Pinned),
        ),
        (
            "observed",
            given().differs().with(|g| g.mode = Mode::Observe),
            Act::Rest,
            Some(ReasonCode::Observing),
        ),
        (
            "observed and equal",
            given().with(|g| g.mode = Mode::Observe),
            Act::Rest,
            None,
        ),
        (
            "suspended",
            given().differs().with(|g| g.policy.suspend = true),
            Act::Rest,
            Some(ReasonCode::Suspended),
        ),
        (
            "held",
            given().differs().held(60),
            Act::Rest,
            Some(ReasonCode::Held),
        ),
        (
            "hold is over",
            given().differs().held(-1),
            Act::Rest,
            Some(ReasonCode::AwaitingApproval),
        ),
        (
            "a closed window",
            given().differs().closed(false),
            Act::Rest,
            Some(ReasonCode::WaitingForWindow),
        ),
        (
            "a closed window and drift",
            given().drifted().closed(true),
            Act::Rest,
            Some(ReasonCode::WaitingForWindow),
        ),
        (
            "a closed window and nothing to do",
            given().closed(false),
            Act::Rest,
            None,
        ),
        (
            "a closed window that lets people pass",
            given().differs().closed(true).asked(),
            Act::Start {
                trigger: Trigger::Person("maria".to_owned()),
                prune: true,
            },
            None,
        ),
        (
            "a closed window and a pin whose owner it lets pass",
            given()
                .differs()
                .closed(true)
                .with(|g| g.pin = Some(pin(60))),
            Act::Start {
                trigger: Trigger::Pin("maria".to_owned()),
                prune: false,
            },
            Some(ReasonCode::Pinned),
        ),
        (
            "a hold whose time is over while the window is closed",
            given().differs().held(-1).closed(true),
            Act::Rest,
            Some(ReasonCode::Held),
        ),
        (
            "an ended hold awaits a yes, window or not",
            given().differs().closed(true).with(|g| {
                let mut over = given::hold(-1);
                over.ended_waiting = true;
                g.hold = Some(over);
            }),
            Act::Rest,
            Some(ReasonCode::AwaitingApproval),
        ),
        (
            "hold is over and nothing waits",
            given().held(-1),
            Act::Rest,
            None,
        ),
        (
            "pinned now",
            given().differs().with(|g| g.pin = Some(pin(60))),
            Act::Start {
                trigger: Trigger::Pin("maria".to_owned()),
                prune: false,
            },
            Some(ReasonCode::Pinned),
        ),
        (
            "pinned",
            given().with(|g| g.pin = Some(pin(60))),
            Act::Rest,
            Some(ReasonCode::Pinned),
        ),
        (
            "pin is over",
            given().with(|g| {
                g.pin = Some(Pin {
                    ended_waiting: true,
                    ..pin(-1)
                })
            }),
            Act::Rest,
            Some(ReasonCode::AwaitingApproval),
        ),
        (
            "pin is over and holds nothing back",
            given().with(|g| g.pin = Some(pin(-1))),
            Act::Rest,
            None,
        ),
        (
            "repository is silent",
            given().with(|g| g.facts.stale = Some("git does not answer".to_owned())),
            Act::Rest,
            Some(ReasonCode::FetchFailed),
        ),
        (
            "left alone",
            given().with(|g| {
                g.facts.sync = SyncStatus::OutOfSync;
                g.facts.skipped = Some((
                    web(),
                    "it belongs to another installation of Lockstep".to_owned(),
                ));
            }),
            Act::Rest,
            Some(ReasonCode::Behind),
        ),
        (
            "asked for",
            given().differs().asked(),
            Act::Start {
                trigger: Trigger::Person("maria".to_owned()),
                prune: true,
            },
            None,
        ),
        (
            "failed just now",
            given().differs().after(SyncPhase::Failed, 1),
            Act::Rest,
            Some(ReasonCode::ApplyFailed),
        ),
        (
            "failed a while ago",
            given().differs().after(SyncPhase::Failed, 1).with(|g| {
                if let Some(last) = &mut g.last {
                    last.ended_at = NOW.plus_seconds(-6)
                }
            }),
            auto(false),
            None,
        ),
        (
            "failed too often",
            given().differs().after(SyncPhase::Failed, ATTEMPTS),
            Act::Rest,
            Some(ReasonCode::ApplyFailed),
        ),
        (
            "a newer revision after failures",
            given()
                .differs()
                .after(SyncPhase::Failed, ATTEMPTS)
                .with(|g| g.facts.attempt = "newer".to_owned()),
            auto(false),
            None,
        ),
        (
            "terminated",
            given().differs().after(SyncPhase::Terminated, 0),
            Act::Rest,
            Some(ReasonCode::ApplyFailed),
        ),
        (
            "interrupted",
            given().differs().after(SyncPhase::Interrupted, 0),
            auto(false),
            None,
        ),
        (
            "drifted",
            given().drifted(),
            Act::Start {
                trigger: Trigger::SelfHeal,
                prune: false,
            },
            None,
        ),
        (
            "drifted, no self-heal",
            given().drifted().with(|g| g.policy.self_heal = false),
            Act::Rest,
            Some(ReasonCode::Drifted),
        ),
        (
            "drifted again at once",
            given().drifted().with(|g| g.heals = heals(&[1])),
            Act::Rest,
            Some(ReasonCode::Drifted),
        ),
        (
            "drifted again later",
            given().drifted().with(|g| g.heals = heals(&[6])),
            Act::Start {
                trigger: Trigger::SelfHeal,
                prune: false,
            },
            None,
        ),
        (
            "a fight",
            given()
                .drifted()
                .with(|g| g.heals = heals(&[290, 250, 200, 150, 100])),
            Act::Rest,
            Some(ReasonCode::Fighting),
        ),
        (
            "an old fight",
            given()
                .drifted()
                .with(|g| g.heals = heals(&[2290, 2250, 2200, 2150, 2100])),
            Act::Start {
                trigger: Trigger::SelfHeal,
                prune: false,
            },
            None,
        ),
        (
            "objects left Git, unconfirmed",
            given()
                .leaving()
                .with(|g| g.prune = PruneCheck::ConfirmAt(NOW.plus_seconds(30))),
            Act::Rest,
            Some(ReasonCode::Behind),
        ),
        (
            "objects left Git, confirmed",
            given().leaving().with(|g| g.prune = PruneCheck::Confirmed),
            auto(true),
            None,
        ),
        (
            "objects left Git, no prune",
            given().leaving().with(|g| g.policy.prune = false),
            Act::Rest,
            Some(ReasonCode::Behind),
        ),
        (
            "objects left Git by a force push",
            given().leaving().with(|g| g.prune = PruneCheck::Rewritten),
            Act::Rest,
            Some(ReasonCode::AwaitingApproval),
        ),
        (
            "objects left Git, brake",
            given().leaving().with(|g| {
                g.prune = PruneCheck::Confirmed;
                g.brake = Some("6 of 20 applications delete at once".to_owned());
            }),
            Act::Rest,
            Some(ReasonCode::PruneFailed),
        ),
        (
            "prune tried in vain",
            given().leaving().after(SyncPhase::Succeeded, 0).with(|g| {
                g.prune = PruneCheck::Confirmed;
                if let Some(last) = &mut g.last {
                    last.prune = true
                }
            }),
            Act::Rest,
            Some(ReasonCode::PruneFailed),
        ),
        (
            "writes before prunes",
            given()
                .differs()
                .leaving()
                .with(|g| g.prune = PruneCheck::Confirmed),
            auto(false),
            None,
        ),
        (
            "empty",
            given().leaving().with(|g| g.facts.empty = true),
            Act::Rest,
            Some(ReasonCode::EmptyRender),
        ),
        (
            "degraded",
            given().with(|g| {
                g.facts.health = Health::new(HealthStatus::Degraded, "2 of 3 pods crash");
                g.facts.culprit = Some(web());
            }),
            Act::Rest,
            Some(ReasonCode::Degraded),
        ),
        (
            "degraded and observed",
            given().differs().with(|g| {
                g.mode = Mode::Observe;
                g.facts.health = Health::new(HealthStatus::Degraded, "2 of 3 pods crash");
            }),
            Act::Rest,
            Some(ReasonCode::Degraded),
        ),
        (
            "running",
            given().differs().asked().with(|g| {
                g.running = Some(Running {
                    phase: SyncPhase::Verifying,
                    by: "maria".to_owned(),
                    revision: Revision("a".repeat(40)),
                    waiting_for: String::new(),
                    waiting: None,
                    object: None,
                    degraded: false,
                })
            }),
            Act::Rest,
            Some(ReasonCode::Progressing),
        ),
        (
            "running, and a hook has not ended",
            given().differs().asked().with(|g| {
                g.running = Some(Running {
                    phase: SyncPhase::Applying,
                    by: "maria".to_owned(),
                    revision: Revision("a".repeat(40)),
                    waiting_for: String::new(),
                    waiting: Some(Waiting {
                        object: web(),
                        is_hook: true,
                        words: "waiting for the PreSync hook: Job migrate: the job is running"
                            .to_owned(),
                        degraded: false,
                        until: NOW.plus_seconds(3600),
                        again: NOW,
                    }),
                    object: None,
                    degraded: false,
                })
            }),
            Act::Rest,
            Some(ReasonCode::WaitingForHook),
        ),
        (
            "running, and what it waits for is broken",
            given().differs().asked().with(|g| {
                g.running = Some(Running {
                    phase: SyncPhase::Verifying,
                    by: "maria".to_owned(),
                    revision: Revision("a".repeat(40)),
                    waiting_for: String::new(),
                    waiting: None,
                    object: None,
                    degraded: true,
                })
            }),
            Act::Rest,
            Some(ReasonCode::Degraded),
        ),
    ];
    for (name, given, act, code) in cases {
        let decision = given.decide();
        assert_eq!(decision.act, act, "{name}");
        assert_eq!(decision.cause.map(|cause| cause.code), code, "{name}");
    }
}

#[test]
fn requests_that_cannot_be_met_are_refused_with_the_reason() {
    let unreachable = Cause::passing(
        ReasonCode::ClusterUnreachable,
        "prod does not answer",
        "It is tried again",
    );
    let broken = Cause::stalled(
        ReasonCode::RenderFailed,
        "kustomization.yaml is missing",
        "Mend it in Git",
    );
    for (name, given, words) in [
        (
            "observed",
            given().differs().asked().with(|g| g.mode = Mode::Observe),
            "take over the source",
        ),
        ("held", given().differs().asked().held(60), "release freeze"),
        (
            "suspended",
            given().differs().asked().with(|g| g.policy.suspend = true),
            "suspends",
        ),
        (
            "render",
            given().asked().with(|g| g.unknown = Some(broken.clone())),
            "kustomization.yaml",
        ),
        (
            "unreachable for long",
            given().asked().with(|g| {
                g.unknown = Some(unreachable.clone());
                if let Some(asked) = &mut g.requested {
                    asked.since = NOW.plus_seconds(-REQUEST_PATIENCE_SECONDS)
                }
            }),
            "does not answer",
        ),
    ] {
        match given.decide().act {
            Act::Refuse(why) => assert!(why.contains(words), "{name}: {why}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    // A cluster that has just gone away may be back in a moment.
    let waits = given()
        .asked()
        .with(|g| g.unknown = Some(unreachable.clone()));
    assert_eq!(waits.decide().act, Act::Rest);
}

#[test]
fn looks_again_when_time_alone_changes_the_answer() {
    let failed = given().differs().after(SyncPhase::Failed, 1).decide();
    assert_eq!(failed.again, Some(NOW.plus_seconds(2)));
    let held = given().differs().held(60).decide();
    assert_eq!(held.again, Some(NOW.plus_seconds(60)));
    assert_eq!(
        [1, 2, 3, 6, 7, 90].map(retry_seconds),
        [5, 10, 20, 160, 180, 180]
    );
}

#[test]
fn every_reason_says_what_happens_next() {
    for given in [
        given().differs().with(|g| g.policy.automated = false),
        given().differs().with(|g| g.mode = Mode::Observe),
        given().differs().held(60),
        given().differs().held(-1),
        given().differs().after(SyncPhase::Failed, 1),
        given().differs().after(SyncPhase::Failed, ATTEMPTS),
        given().drifted().with(|g| g.policy.self_heal = false),
        given().leaving().with(|g| g.prune = PruneCheck::Rewritten),
    ] {
        let cause = given.decide().cause.expect("a cause");
        assert!(
            !cause.next.is_empty() && !cause.cause.is_empty(),
            "{cause:?}"
        );
        assert!(
            !cause.cause.ends_with('.') && !cause.next.ends_with('.'),
            "{cause:?}"
        );
    }
}

#[test]
fn a_definition_says_how_often_and_how_fast_to_retry() {
    let retry = |limit| Retry {
        limit,
        pause_ms: 2_000,
        factor: 3,
        longest_pause_ms: 10_000,
        refresh: false,
    };
    for (limit, failures, expected) in [
        (2, 1, Some(2)),
        (2, 2, Some(6)),
        (2, 3, None),
        (0, 1, None),
        (-1, 9, Some(10)),
    ] {
        let decision = given()
            .differs()
            .after(SyncPhase::Failed, failures)
            .with(|g| {
                g.retry = Some(retry(limit));
                if let Some(last) = &mut g.last {
                    last.ended_at = NOW;
                }
            })
            .decide();
        let again = decision.again.map(|at| at.seconds_since(NOW));
        assert_eq!(again, expected, "{limit}, {failures}");
        let stalled = decision.cause.is_some_and(|cause| cause.stalled);
        assert_eq!(stalled, expected.is_none(), "{limit}, {failures}");
    }
}

#[test]
fn a_fight_names_both_writers_and_what_ends_it() {
    let times = [290, 250, 200, 150, 100].map(|age| NOW.plus_seconds(-age));
    let mut fights = given()
        .drifted()
        .with(|g| g.heals = BTreeMap::from([(web(), times.to_vec())]));
    let key = fights.facts.drifted[0].clone();
    let rival = |path: &str, manager: &str| Rival {
        path: path.to_owned(),
        manager: manager.to_owned(),
    };
    let mut said = Vec::new();
    for rival in [
        rival("spec.replicas", "kubectl-scale"),
        rival("spec.replicas", ""),
        rival("", ""),
    ] {
        fights.facts.rivals = BTreeMap::from([(key.clone(), rival)]);
        let cause = fights.decide().cause.unwrap();
        assert_eq!(cause.code, ReasonCode::Fighting);
        assert!(cause.stalled && cause.object.as_deref() == Some(&key));
        let rests = cause.next.split(';').next().unwrap_or_default();
        said.push(format!(
            "{}. {}.",
            cause.cause,
            cause.next.replace(rests, "…")
        ));
    }
    insta::assert_snapshot!(said.join("\n"));
}
