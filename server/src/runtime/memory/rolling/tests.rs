//! A turn is for what Git says when it is taken, and for nobody who was not compared with it.

use super::*;
use engine::rollout::{Amount, Step, Work};
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;
use uuid::Uuid;

const CANARY: TargetId = TargetId(Uuid::from_u128(1));
const PROD: TargetId = TargetId(Uuid::from_u128(2));

fn main() -> TargetRevision {
    TargetRevision("main".to_owned())
}

fn commit(letter: &str) -> Revision {
    Revision(letter.repeat(40))
}

fn place(name: &str, step: usize, definition: u64) -> RolloutPlace {
    let step_of = |number: usize| Step {
        name: format!("step {number}"),
        selects: String::new(),
        at_once: Amount::ALL,
        unready: Amount::NONE,
    };
    RolloutPlace {
        group: "cart".to_owned(),
        title: "ApplicationSet cart".to_owned(),
        rollout: Arc::new(Rollout {
            steps: vec![step_of(1), step_of(2)],
            ..Rollout::default()
        }),
        step: Some(step),
        name: name.to_owned(),
        project: "shop".to_owned(),
        cluster: "eu".to_owned(),
        definition,
    }
}

fn places(definition: u64) -> BTreeMap<TargetId, RolloutPlace> {
    BTreeMap::from([
        (CANARY, place("canary", 0, 1)),
        (PROD, place("prod", 1, definition)),
    ])
}

fn tracks(memory: &Memory, at: &str) {
    memory.resolve("repo", &main(), |entry| entry.revision = Some(commit(at)));
}

fn memory() -> Memory {
    let memory = Memory::default();
    memory.set_rolling(places(1));
    tracks(&memory, "a");
    memory
}

fn seen(at: &str, sync: SyncStatus) -> RolloutSeen {
    RolloutSeen {
        definition: 1,
        at: Some(vec![("repo".to_owned(), main(), commit(at))]),
        stays: None,
        seen: Seen {
            current: true,
            running: false,
            failed: false,
            begun: sync == SyncStatus::Synced,
            blocked: false,
            work: match sync {
                SyncStatus::Synced => Work::Nothing,
                SyncStatus::OutOfSync | SyncStatus::Unknown => Work::Itself,
            },
            sync,
            health: HealthStatus::Healthy,
        },
        words: String::new(),
    }
}

fn take(memory: &Memory) -> Result<(), Option<Box<RolloutNow>>> {
    memory.take_turn(PROD, &Activator::default())
}

#[test]
fn a_turn_is_for_what_git_says_when_it_is_taken() {
    let memory = memory();
    memory.saw_member(CANARY, seen("a", SyncStatus::Synced));
    memory.saw_member(PROD, seen("a", SyncStatus::OutOfSync));
    // Git moves while prod is at it.
    tracks(&memory, "b");
    assert!(matches!(take(&memory), Err(None)));
    // Compared anew, it waits for the canary like everybody.
    memory.saw_member(PROD, seen("b", SyncStatus::OutOfSync));
    assert!(matches!(take(&memory), Err(Some(_))));
    memory.saw_member(CANARY, seen("b", SyncStatus::Synced));
    assert!(take(&memory).is_ok());
}

#[test]
fn a_turn_is_for_the_definition_that_the_place_was_read_from() {
    let memory = memory();
    memory.saw_member(CANARY, seen("a", SyncStatus::Synced));
    memory.saw_member(PROD, seen("a", SyncStatus::OutOfSync));
    memory.set_rolling(places(2));
    assert!(matches!(take(&memory), Err(None)));
}

#[test]
fn who_was_never_seen_takes_no_turn() {
    let memory = memory();
    memory.saw_member(CANARY, seen("a", SyncStatus::Synced));
    assert!(matches!(take(&memory), Err(None)));
}

#[test]
fn a_pin_at_an_older_commit_lets_nobody_by() {
    let memory = memory();
    tracks(&memory, "b");
    let pinned = |at| RolloutSeen {
        stays: Some("is pinned at aaaaaaa by ann".to_owned()),
        ..seen(at, SyncStatus::Synced)
    };
    memory.saw_member(CANARY, pinned("a"));
    memory.saw_member(PROD, seen("b", SyncStatus::OutOfSync));
    let Err(Some(now)) = take(&memory) else {
        panic!("it waits");
    };
    let waits = now.waits(PROD).unwrap();
    assert!(waits.is_stalled());
    assert_eq!(
        waits.words(&now.rollout, &now.members),
        "The rollout is paused: canary on eu is pinned at aaaaaaa by ann"
    );
    // Pinned at what is rolled out, it is as good as any.
    memory.saw_member(CANARY, pinned("b"));
    assert!(take(&memory).is_ok());
}

#[test]
fn a_verdict_that_holds_at_the_next_commit_too_counts_there() {
    let memory = memory();
    let activator = Activator::default();
    memory.saw_member(CANARY, seen("a", SyncStatus::Synced));
    tracks(&memory, "b");
    memory.saw_member(PROD, seen("b", SyncStatus::OutOfSync));
    let now = memory.rollout_of(PROD, &activator).unwrap();
    assert!(now.waits(PROD).is_some());
    assert!(memory.take_waiters(CANARY).contains(&PROD));
    memory.rollout_of(PROD, &activator);
    memory.carry(&[CANARY], &commit("a"), &commit("b"));
    // Who waited was woken.
    assert!(memory.take_waiters(CANARY).is_empty());
    assert!(take(&memory).is_ok());
}

#[test]
fn what_is_pinned_is_not_carried_to_the_next_commit() {
    let memory = memory();
    let pinned = RolloutSeen {
        stays: Some("is pinned".to_owned()),
        ..seen("a", SyncStatus::Synced)
    };
    memory.saw_member(CANARY, pinned);
    tracks(&memory, "b");
    memory.carry(&[CANARY], &commit("a"), &commit("b"));
    memory.saw_member(PROD, seen("b", SyncStatus::OutOfSync));
    assert!(matches!(take(&memory), Err(Some(_))));
}

#[test]
fn other_words_are_no_news() {
    let memory = memory();
    assert!(memory.saw_member(CANARY, seen("a", SyncStatus::OutOfSync)));
    let reworded = RolloutSeen {
        words: "is syncing: 2 of 3 are ready".to_owned(),
        ..seen("a", SyncStatus::OutOfSync)
    };
    assert!(!memory.saw_member(CANARY, reworded));
    let now = memory.rollout_now(PROD).unwrap();
    assert_eq!(now.members[0].words, "is syncing: 2 of 3 are ready");
    assert!(memory.saw_member(CANARY, seen("a", SyncStatus::Synced)));
}

#[test]
fn a_cluster_that_does_not_answer_stalls_those_after_it() {
    let memory = memory();
    let mut away = seen("a", SyncStatus::Unknown);
    away.at = None;
    away.seen.blocked = true;
    away.words = "cannot be compared: the cluster eu does not answer".to_owned();
    memory.saw_member(CANARY, away.clone());
    memory.saw_member(PROD, seen("a", SyncStatus::OutOfSync));
    let now = memory.rollout_now(PROD).unwrap();
    assert_eq!(now.members[0].standing, Standing::Stuck);
    assert!(now.waits(PROD).unwrap().is_stalled());
    // What does not render fails.
    away.seen.failed = true;
    memory.saw_member(CANARY, away);
    let now = memory.rollout_now(PROD).unwrap();
    assert_eq!(now.members[0].standing, Standing::Bad);
    assert!(now.waits(PROD).unwrap().is_stalled());
}
