//! How far each member is, whose turn is next, and when all of it is over. Pure, apart from reading the rows.

use crate::store::operation::OperationRow;
use crate::store::reestablish::MemberRow;
use crate::store::run::RunRow;
use crate::store::target::TargetRow;
use crate::store::{self, Read, StoreError};
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;
use lockstep_types::id::{RunId, TargetId};
use lockstep_types::reestablish::MemberState;
use lockstep_types::sync::SyncPhase;
use lockstep_types::time::Micros;
use std::collections::{BTreeMap, BTreeSet};

/// How far one member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: MemberState,
    /// What its run waits for, or why it failed; may be empty.
    pub(crate) words: String,
    pub(crate) run: Option<RunId>,
    /// When it is tried again.
    pub(crate) again: Option<Micros>,
}

/// How often a sync is asked for before its member counts as failed: a server that was restarted, or a cluster that was
/// not whole yet, is a reason for another try.
const TRIES: u32 = 3;
/// Runs of a target that are looked at.
const LOOK_BACK: u64 = 20;
/// After this, an operation that was taken and has no run was lost with its server.
const LOST_SECONDS: i64 = 60;
/// Before the second try; twice as long before the third.
const PAUSE_SECONDS: i64 = 5;

/// Reads how far each member is.
///
/// # Errors
/// When the database cannot be read.
pub(crate) async fn standing(
    db: &impl Read,
    members: &[MemberRow],
    placed: &BTreeSet<TargetId>,
    now: Micros,
) -> Result<BTreeMap<TargetId, Standing>, StoreError> {
    let mut all = BTreeMap::new();
    for member in members {
        let target = store::target::get(db, member.target).await?;
        let (operation, run) = match member.operation {
            Some(id) => (
                Some(store::operation::get(db, id).await?),
                store::run::newest_of_operation(db, id).await?,
            ),
            None => (None, None),
        };
        let newest = store::run::of_target(db, member.target, None, LOOK_BACK).await?;
        // Some objects only, or none, say nothing of the whole.
        let newest = newest.iter().find(|run| !run.once.is_partial());
        let seen = Seen {
            operation: operation.as_ref(),
            run: run.as_ref(),
            newest: newest.map(|run| run.phase),
            target: &target,
        };
        let (state, words, again) = if placed.contains(&member.target) {
            state(member, &seen, now)
        } else {
            let words = "Git does not place it on this cluster any more".to_owned();
            (MemberState::LeftOut, words, None)
        };
        all.insert(
            member.target,
            Standing {
                state,
                words,
                run: run.map(|run| run.id),
                again,
            },
        );
    }
    Ok(all)
}

/// What a member's state is told from.
struct Seen<'a> {
    operation: Option<&'a OperationRow>,
    /// The run of the operation.
    run: Option<&'a RunRow>,
    /// How far the target's newest run is, whoever asked for it.
    newest: Option<SyncPhase>,
    target: &'a TargetRow,
}

fn state(
    member: &MemberRow,
    seen: &Seen<'_>,
    now: Micros,
) -> (MemberState, String, Option<Micros>) {
    if member.stage == 0 {
        return (MemberState::LeftOut, member.why.clone(), None);
    }
    let Some(operation) = seen.operation else {
        return (MemberState::Waits, String::new(), None);
    };
    let lost = operation
        .taken_at
        .is_some_and(|at| now.seconds_since(at) > LOST_SECONDS);
    let over = match seen.run {
        Some(run) => run.phase.is_final(),
        // Taken by a server that ended before it began.
        None => operation.ended_at.is_some() || lost,
    };
    let words = seen
        .run
        .map_or(&operation.message, |run| &run.message)
        .clone();
    // Applied is not enough: a run that failed over health or a hook left everything as Git has it.
    let state = &seen.target.state;
    let back = match seen.newest {
        Some(newest) => newest == SyncPhase::Succeeded,
        None => state.sync == SyncStatus::Synced && state.health.status == HealthStatus::Healthy,
    };
    let ended_by_hand = seen
        .run
        .is_some_and(|run| run.phase == SyncPhase::Terminated);
    match (over, back) {
        (false, _) => (MemberState::Running, words, None),
        (true, true) => (MemberState::Back, String::new(), None),
        (true, false) if member.tries < TRIES && !ended_by_hand => {
            let ended = seen.run.map_or(operation.ended_at, |run| run.ended_at);
            let pause = PAUSE_SECONDS << member.tries.saturating_sub(1);
            let again = ended
                .or(operation.taken_at)
                .unwrap_or(operation.created_at)
                .plus_seconds(pause);
            let words = format!("{words}; it is tried again");
            (MemberState::Running, words, Some(again))
        }
        (true, false) => (MemberState::Failed, words, None),
    }
}

/// What a member's state says to those that need it.
fn is_over(state: MemberState) -> bool {
    matches!(
        state,
        MemberState::Back | MemberState::Failed | MemberState::LeftOut
    )
}

/// What follows from how far the members are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Found {
    /// Whose turn it is now.
    pub(crate) turns: Vec<TargetId>,
    /// What those wait for that have not had their turn.
    pub(crate) words: BTreeMap<TargetId, String>,
    pub(crate) over: bool,
    /// Nothing goes on until one that failed is mended.
    pub(crate) stuck: bool,
    back: usize,
    failed: usize,
    left_out: usize,
}

impl Found {
    /// How it ended, in a sentence that names nobody: not everybody who reads it may see every application.
    pub(crate) fn ending(&self) -> String {
        let mut parts = vec![format!("{} back", self.back)];
        if self.failed > 0 {
            parts.push(format!("{} failed", self.failed));
        }
        if self.left_out > 0 {
            parts.push(format!("{} left out", self.left_out));
        }
        parts.join("; ")
    }
}

/// Whose turn is next. A stage begins when every member of the earlier ones is over, or waits for one that failed. `named`
/// gives the name of a member where it may be said.
pub(crate) fn found(
    members: &[MemberRow],
    standing: &BTreeMap<TargetId, Standing>,
    now: Micros,
    named: impl Fn(TargetId) -> Option<String>,
) -> Found {
    let state = |target: &TargetId| standing.get(target).map(|one| one.state);
    let mut found = Found::default();
    // Those that need one that failed, directly or through others: nobody else waits for them.
    let mut stuck: BTreeMap<TargetId, TargetId> = BTreeMap::new();
    for member in members {
        if state(&member.target) != Some(MemberState::Waits) {
            continue;
        }
        let broken = member.after.iter().find_map(|other| {
            let failed = state(other) == Some(MemberState::Failed);
            failed
                .then_some(*other)
                .or_else(|| stuck.get(other).copied())
        });
        if let Some(broken) = broken {
            stuck.insert(member.target, broken);
        }
    }
    let current = members
        .iter()
        .filter(|member| {
            !stuck.contains_key(&member.target)
                && state(&member.target).is_some_and(|state| !is_over(state))
        })
        .map(|member| member.stage)
        .min();
    let mut going = false;
    for member in members {
        let Some(one) = standing.get(&member.target) else {
            continue;
        };
        match one.state {
            MemberState::Back => found.back += 1,
            MemberState::Failed => found.failed += 1,
            MemberState::LeftOut => found.left_out += 1,
            MemberState::Waits => {}
            MemberState::Running | MemberState::Planned => {
                going = true;
                if one.again.is_some_and(|at| at <= now) {
                    found.turns.push(member.target);
                }
                continue;
            }
        }
        if one.state != MemberState::Waits {
            continue;
        }
        if let Some(broken) = stuck.get(&member.target) {
            let name = named(*broken).unwrap_or_else(|| "another application".to_owned());
            let words = format!("Waits for {name}, which failed; mend it and press Sync there");
            found.words.insert(member.target, words);
        } else if Some(member.stage) == current {
            found.turns.push(member.target);
        } else {
            let ahead = members.iter().filter(|other| {
                Some(other.stage) == current
                    && state(&other.target).is_some_and(|state| !is_over(state))
            });
            let names: Vec<Option<String>> = ahead.map(|other| named(other.target)).collect();
            let words = format!("Waits for its turn: {} first", first(&names));
            found.words.insert(member.target, words);
        }
    }
    found.over = current.is_none() && stuck.is_empty();
    found.stuck = current.is_none() && !stuck.is_empty() && !going;
    found
}

/// `cart, search and 2 others`, `3 others`.
fn first(names: &[Option<String>]) -> String {
    let said: Vec<&str> = names.iter().flatten().map(String::as_str).take(3).collect();
    let others = match names.len() - said.len() {
        0 => String::new(),
        1 => "1 other".to_owned(),
        more => format!("{more} others"),
    };
    match (said.is_empty(), others.is_empty()) {
        (true, _) => others,
        (false, true) => said.join(", "),
        (false, false) => format!("{} and {others}", said.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::reestablish::Rank;
    use uuid::Uuid;

    fn id(number: u128) -> TargetId {
        TargetId(Uuid::from_u128(number))
    }

    /// Number, stage, what it needs, state.
    type Said<'a> = (u128, u32, &'a [u128], MemberState);

    fn told(said: &[Said<'_>]) -> Found {
        let members: Vec<MemberRow> = said
            .iter()
            .map(|(number, stage, after, _)| MemberRow {
                target: id(*number),
                stage: *stage,
                rank: Rank::Application,
                why: String::new(),
                after: after.iter().map(|number| id(*number)).collect(),
                operation: None,
                tries: 0,
            })
            .collect();
        let standing: BTreeMap<TargetId, Standing> = said
            .iter()
            .map(|(number, _, _, state)| {
                let one = Standing {
                    state: *state,
                    words: String::new(),
                    run: None,
                    again: None,
                };
                (id(*number), one)
            })
            .collect();
        found(&members, &standing, Micros(0), |target| {
            Some(format!("app{}", target.0.as_u128()))
        })
    }

    #[test]
    fn a_stage_begins_when_the_one_before_is_over() {
        use MemberState::{Back, Failed, LeftOut, Running, Waits};
        let one = told(&[(1, 1, &[], Waits), (2, 1, &[], Waits), (3, 2, &[], Waits)]);
        assert_eq!(one.turns, [id(1), id(2)]);
        assert_eq!(one.words[&id(3)], "Waits for its turn: app1, app2 first");
        let two = told(&[(1, 1, &[], Back), (2, 1, &[], Running), (3, 2, &[], Waits)]);
        assert!(two.turns.is_empty() && !two.over);
        assert_eq!(two.words[&id(3)], "Waits for its turn: app2 first");
        // A failure holds up nobody who can do without it.
        let three = told(&[(1, 1, &[], Back), (2, 1, &[], Failed), (3, 2, &[1], Waits)]);
        assert_eq!(three.turns, [id(3)]);
        let four = told(&[
            (0, 0, &[], LeftOut),
            (1, 1, &[], Back),
            (2, 1, &[], Failed),
            (3, 2, &[], Back),
        ]);
        assert!(four.over);
        assert_eq!(four.ending(), "2 back; 1 failed; 1 left out");
    }

    #[test]
    fn one_that_may_be_tried_again_holds_up_the_next_stage_and_has_another_turn_when_it_is_time() {
        let member = |number, stage| MemberRow {
            target: id(number),
            stage,
            rank: Rank::Application,
            why: String::new(),
            after: Vec::new(),
            operation: None,
            tries: 1,
        };
        let one = |state, again| Standing {
            state,
            words: String::new(),
            run: None,
            again,
        };
        let members = [member(1, 1), member(2, 2)];
        let standing = BTreeMap::from([
            (id(1), one(MemberState::Running, Some(Micros(10)))),
            (id(2), one(MemberState::Waits, None)),
        ]);
        let turns = |at| found(&members, &standing, Micros(at), |_| None).turns;
        assert!(turns(9).is_empty());
        assert_eq!(turns(10), [id(1)]);
    }

    #[test]
    fn who_needs_one_that_failed_waits_for_it_and_holds_up_nobody_else() {
        use MemberState::{Back, Failed, Running, Waits};
        let said = |first| {
            told(&[
                (1, 1, &[], first),
                (2, 2, &[1], Waits),
                (3, 3, &[2], Waits),
                (4, 3, &[], Waits),
            ])
        };
        let failed = said(Failed);
        assert_eq!(failed.turns, [id(4)]);
        assert!(!failed.over);
        for stuck in [2, 3] {
            let words = "Waits for app1, which failed; mend it and press Sync there";
            assert_eq!(failed.words[&id(stuck)], words);
        }
        assert_eq!(said(Back).turns, [id(2)]);
        assert!(said(Running).turns.is_empty());
        let end = told(&[(1, 1, &[], Failed), (2, 2, &[1], Waits), (4, 3, &[], Back)]);
        assert!(!end.over && end.stuck, "it goes on when app1 is mended");
        assert!(!said(Running).stuck && !said(Back).stuck);
        let hidden = first(&[None, Some("cart".to_owned()), None]);
        assert_eq!(hidden, "cart and 2 others");
        assert_eq!(first(&[None]), "1 other");
    }
}
