//! The past: what is answered for any time is what was true then.

use crate::database::Db;
use crate::fixture::{applications, at, key, revision};
use lockstep_types::diff::SyncStatus;
use lockstep_types::drift::DriftState;
use lockstep_types::health::{Health, HealthStatus};
use lockstep_types::id::TargetId;
use lockstep_types::past::StateThen;
use lockstep_types::reason::{Reason, ReasonCode};
use lockstep_types::source::Mode;
use server::store::drift::{self, FoundDrift};
use server::store::target::{self as targets, Deployed, TargetState};
use server::store::{past, status};
use std::collections::BTreeMap;

on_both!(
    any_time_answers_what_was_true_then,
    stretches_are_pairs_of_states_without_gaps,
    before_the_first_record_nothing_is_known,
);

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        // The multiplier and increment of Knuth's MMIX generator.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        let index = self.below(u64::try_from(all.len()).unwrap());
        all[usize::try_from(index).unwrap()]
    }
}

const SYNCS: [SyncStatus; 3] = [
    SyncStatus::Synced,
    SyncStatus::OutOfSync,
    SyncStatus::Unknown,
];
const HEALTHS: [HealthStatus; 3] = [
    HealthStatus::Healthy,
    HealthStatus::Progressing,
    HealthStatus::Degraded,
];
const DIGITS: [char; 4] = ['a', 'b', 'c', 'd'];
const OBJECTS: [&str; 3] = ["cart", "checkout", "web"];

struct World {
    ids: Vec<TargetId>,
    generations: Vec<u64>,
}

async fn world(db: &Db, names: &[&str]) -> World {
    let (_, applications) = applications(&db.store, names).await;
    let (mut ids, mut generations) = (Vec::new(), Vec::new());
    for application in applications {
        let mut tx = db.store.begin_at(at(0)).await.unwrap();
        let row = targets::ensure(&mut tx, application, "eu", Mode::Managed)
            .await
            .unwrap();
        generations.push(targets::claim(&mut tx, row.id).await.unwrap());
        ids.push(row.id);
        tx.commit().await.unwrap();
    }
    World { ids, generations }
}

fn reason(health: HealthStatus) -> Option<Reason> {
    (health == HealthStatus::Degraded).then(|| Reason {
        code: ReasonCode::Degraded,
        object: None,
        cause: "its image is missing".to_owned(),
        since: at(0),
        next: String::new(),
        stalled: false,
    })
}

/// What is true after each event, by second, as far as the model of the test goes.
type Told = Vec<BTreeMap<usize, StateThen>>;

async fn any_time_answers_what_was_true_then(db: &Db) {
    let world = world(db, &["alpha", "beta", "gamma"]).await;
    let mut dice = Dice(20_261_127);
    let unknown = StateThen {
        sync: SyncStatus::Unknown,
        health: HealthStatus::Unknown,
        reason: None,
        revision: None,
        deployed: None,
        drifted: 0,
    };
    let mut now: BTreeMap<usize, StateThen> = (0..world.ids.len())
        .map(|index| (index, unknown.clone()))
        .collect();
    let mut told: Told = vec![now.clone()];
    for second in 1..=150i64 {
        let index = usize::try_from(dice.below(3)).unwrap();
        let (id, generation) = (world.ids[index], world.generations[index]);
        let state = now.get_mut(&index).unwrap();
        let mut tx = db.store.begin_at(at(second)).await.unwrap();
        match dice.below(4) {
            0 => {
                let found: Vec<FoundDrift> = OBJECTS
                    .iter()
                    .filter(|_| dice.below(2) == 0)
                    .flat_map(|name| {
                        ["spec.replicas", "spec.paused"].map(|path| drifted(name, path))
                    })
                    .collect();
                drift::reconcile(&mut tx, id, &found, false, |_| DriftState::Healed)
                    .await
                    .unwrap();
                state.drifted = u32::try_from(found.len() / 2).unwrap();
            }
            1 => {
                let digit = dice.of(&DIGITS);
                let deployed = Deployed {
                    revision: revision(digit),
                    render_key: "render".to_owned(),
                    images: Vec::new(),
                };
                targets::set_deployed(&mut tx, id, generation, &deployed)
                    .await
                    .unwrap();
                state.deployed = Some(revision(digit));
            }
            _ => {
                let (sync, health) = (dice.of(&SYNCS), dice.of(&HEALTHS));
                let tracked = revision(dice.of(&DIGITS));
                let found = TargetState {
                    sync,
                    health: Health::new(health, ""),
                    reason: reason(health),
                    revision: Some(tracked.clone()),
                    ..TargetState::unknown()
                };
                targets::record(&mut tx, id, generation, &found)
                    .await
                    .unwrap();
                (state.sync, state.health) = (sync, health);
                state.revision = Some(tracked);
            }
        }
        tx.commit().await.unwrap();
        told.push(now.clone());
    }
    for _ in 0..1_000 {
        let moment = dice.below(160_000_000);
        let second = usize::try_from(moment / 1_000_000).unwrap().min(150);
        let moment = lockstep_types::Micros(at(0).0 + i64::try_from(moment).unwrap());
        let only = (dice.below(4) == 0).then_some(world.ids[1]);
        let found = past::at(&db.store, moment, only).await.unwrap();
        for (index, id) in world.ids.iter().enumerate() {
            let expected = only
                .is_none_or(|only| only == *id)
                .then(|| &told[second][&index]);
            // The sentence belongs to the beginning of a status, and is looked at below.
            let mut stood = found.get(id).cloned();
            if let Some(stood) = &mut stood {
                assert!(
                    stood.reason.is_none()
                        || stood.health != HealthStatus::Healthy
                        || stood.sync != SyncStatus::Synced
                );
                stood.reason = None;
            }
            assert_eq!(
                stood.as_ref(),
                expected,
                "target {index} at second {second}"
            );
        }
    }
}

fn drifted(name: &str, path: &str) -> FoundDrift {
    FoundDrift {
        key: key(name),
        path: path.to_owned(),
        declared: Some(3.into()),
        live: Some(5.into()),
        manager: Some("kubectl-edit".to_owned()),
        operation: None,
        origin: None,
    }
}

async fn record(db: &Db, world: &World, second: i64, sync: SyncStatus, health: HealthStatus) {
    let state = TargetState {
        sync,
        health: Health::new(health, ""),
        reason: reason(health),
        revision: Some(revision('a')),
        ..TargetState::unknown()
    };
    let mut tx = db.store.begin_at(at(second)).await.unwrap();
    targets::record(&mut tx, world.ids[0], world.generations[0], &state)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

async fn stretches_are_pairs_of_states_without_gaps(db: &Db) {
    let world = world(db, &["alpha"]).await;
    for (second, sync, health) in [
        (10, SyncStatus::Synced, HealthStatus::Progressing),
        (20, SyncStatus::Synced, HealthStatus::Healthy),
        (30, SyncStatus::OutOfSync, HealthStatus::Degraded),
        (40, SyncStatus::OutOfSync, HealthStatus::Degraded),
        (50, SyncStatus::Synced, HealthStatus::Healthy),
    ] {
        record(db, &world, second, sync, health).await;
    }
    let text = |stretches: Vec<lockstep_types::past::StoodFor>| -> Vec<String> {
        let since = |moment: lockstep_types::Micros| moment.seconds_since(at(0));
        stretches
            .into_iter()
            .map(|stood| {
                let to = stood.to.map_or("on".to_owned(), |to| since(to).to_string());
                let words = format!("{} {}", stood.sync.word(), stood.health.word());
                format!("{}..{to} {words}", since(stood.from))
            })
            .collect()
    };
    let id = world.ids[0];
    let all = past::stretches(&db.store, id, at(0), at(100))
        .await
        .unwrap();
    assert_eq!(
        text(all),
        [
            "0..10 Unknown Unknown",
            "10..20 Synced Progressing",
            "20..30 Synced Healthy",
            "30..50 OutOfSync Degraded",
            "50..on Synced Healthy",
        ]
    );
    let some = past::stretches(&db.store, id, at(22), at(35))
        .await
        .unwrap();
    assert_eq!(
        text(some),
        ["20..30 Synced Healthy", "30..50 OutOfSync Degraded"]
    );
    let then = past::at(&db.store, at(45), Some(id)).await.unwrap();
    let cause = then[&id].reason.as_ref().map(|reason| reason.cause.clone());
    assert_eq!(cause.as_deref(), Some("its image is missing"));
    let after = past::at(&db.store, at(55), Some(id)).await.unwrap();
    assert_eq!(after[&id].reason, None);
}

async fn before_the_first_record_nothing_is_known(db: &Db) {
    assert_eq!(status::first(&db.store).await.unwrap(), None);
    let _world = world(db, &["alpha"]).await;
    assert_eq!(status::first(&db.store).await.unwrap(), Some(at(0)));
    let before = past::at(&db.store, at(-1), None).await.unwrap();
    assert!(before.is_empty(), "{before:?}");
}
