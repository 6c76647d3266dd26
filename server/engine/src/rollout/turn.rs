//! Whose turn it is.
//!
//! - A step begins when those before it are done; a step is done when no more of its members are not ready than it allows.
//! - Within a step no more members are under way at once than it allows; who was not compared with what Git says now keeps
//!   its place in the row, so that nobody overtakes it unseen.
//! - A member that fails pauses all that come after it, unless its step allows for it. It goes on by itself when the member
//!   recovers, or with a new revision.
//! - A member that is stuck keeps its place, and those of its step go on beside it; later steps are paused by it.
//!
//! Who waits for the same shares one list of whom to watch: a rollout of thousands costs no more than a look at each.

use super::{Member, Rollout, Standing};
use std::sync::Arc;

/// What holds for a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is ready, under way, stuck, or not compared yet: there is nothing to begin.
    Settled,
    /// It may sync now.
    May,
    Waits(Waits),
}

/// Why a member may not sync by itself, and for whom it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    pub why: Why,
    /// The member that is waited for, of those given.
    pub member: Option<usize>,
    /// Nothing changes for it before one of these does. It may be one of them itself.
    pub watch: Arc<[usize]>,
}

/// Why a member waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A step before is not done.
    Earlier { step: usize },
    /// As many as may be are under way.
    Turn { step: Option<usize> },
    /// A member fails or is stuck.
    Paused,
    /// Its step is synced by people.
    ByHand { step: usize },
    /// No step selects it.
    Unselected,
}

/// What is known of one step.
#[derive(Default)]
struct Tally {
    members: Vec<usize>,
    unready: Arc<[usize]>,
    bad: Vec<usize>,
    /// Bad or stuck: they do not become ready by themselves.
    still: Vec<usize>,
    /// One that is under way.
    moving: Option<usize>,
    taken: usize,
    most: usize,
    allowed: usize,
}

impl Tally {
    fn is_done(&self) -> bool {
        self.unready.len() <= self.allowed
    }

    fn fails(&self) -> Option<usize> {
        self.more_than_allowed(&self.bad)
    }

    /// Who keeps it from being done for good.
    fn stalls(&self) -> Option<usize> {
        self.more_than_allowed(&self.still)
    }

    fn more_than_allowed(&self, some: &[usize]) -> Option<usize> {
        (some.len() > self.allowed)
            .then(|| some.first().copied())
            .flatten()
    }
}

/// Says of each member, in their order, whether it may sync. The same members always give the same answer.
pub fn turns(rollout: &Rollout, members: &[Member]) -> Vec<Verdict> {
    let mut verdicts = vec![Verdict::Settled; members.len()];
    let mut tallies: Vec<Tally> = rollout.steps.iter().map(|_| Tally::default()).collect();
    let mut row: Vec<(usize, usize)> = Vec::new();
    for (index, member) in members.iter().enumerate() {
        let step = member.step.filter(|step| *step < tallies.len());
        match (step, step.and_then(|step| tallies.get_mut(step))) {
            (Some(step), Some(tally)) => {
                row.push((step, index));
                tally.members.push(index);
            }
            _ if member.standing == Standing::Behind => {
                if let Some(verdict) = verdicts.get_mut(index) {
                    *verdict = waits(Why::Unselected, None, Arc::default());
                }
            }
            _ => {}
        }
    }
    let of = |index: &usize| members.get(*index);
    let called = |index: &usize| of(index).map(|member| (&member.name, &member.cluster));
    row.sort_by(|(one, a), (other, b)| one.cmp(other).then_with(|| called(a).cmp(&called(b))));
    for (step, tally) in rollout.steps.iter().zip(&mut tallies) {
        tally.members.sort_by(|a, b| called(a).cmp(&called(b)));
        let stands = |index: &usize| of(index).map(|member| member.standing);
        tally.unready = select(&tally.members, |index| {
            stands(index) != Some(Standing::Ready)
        })
        .into();
        tally.bad = select(&tally.members, |index| stands(index) == Some(Standing::Bad));
        tally.still = select(&tally.members, |index| {
            matches!(stands(index), Some(Standing::Bad | Standing::Stuck))
        });
        let under_way = select(&tally.members, |index| {
            stands(index).is_some_and(Standing::is_under_way)
        });
        tally.moving = under_way.first().copied();
        tally.taken = under_way.len();
        tally.most = step.at_once.of(tally.members.len());
        tally.allowed = step.unready.of(tally.members.len());
    }
    let most_of_all = rollout.at_once.map(|amount| amount.of(row.len()).max(1));
    let mut all_taken: usize = tallies.iter().map(|tally| tally.taken).sum();
    let open_steps = rollout.open_steps.of(rollout.steps.len());
    let before = before(&tallies, open_steps);
    let mut in_all_places: Option<Verdict> = None;
    for (step, index) in row {
        let Some(standing) = of(&index).map(|member| member.standing) else {
            continue;
        };
        if !matches!(
            standing,
            Standing::Behind | Standing::Unseen | Standing::Stuck
        ) {
            continue;
        }
        let found = before
            .get(step)
            .cloned()
            .flatten()
            .or_else(|| own(&tallies, step, index, members))
            .or_else(|| {
                let full = most_of_all.is_some_and(|most| all_taken >= most);
                full.then(|| {
                    in_all_places
                        .get_or_insert_with(|| in_the_way(&tallies, members))
                        .clone()
                })
            });
        let Some(tally) = tallies.get_mut(step) else {
            continue;
        };
        let verdict = match found {
            Some(waiting) => waiting,
            None => {
                tally.taken += 1;
                all_taken += 1;
                Verdict::May
            }
        };
        // The others have nothing to begin, and kept their place above.
        if standing == Standing::Behind
            && let Some(slot) = verdicts.get_mut(index)
        {
            *slot = verdict;
        }
    }
    verdicts
}

/// Members of a step, by the step and what is told apart within it.
type Shared = ((usize, Option<usize>), Arc<[usize]>);

/// What of earlier steps stands before each step, in their order.
fn before(tallies: &[Tally], open_steps: usize) -> Vec<Option<Verdict>> {
    let mut found = Vec::with_capacity(tallies.len());
    // How many earlier steps are not done, and the first of them with the first who is not ready.
    let (mut open, mut first) = (0, None);
    let (mut bad, mut still) = (None, None);
    // As long as these open steps stay open, no later one makes a difference.
    let mut watched: Vec<usize> = Vec::new();
    let mut shared: Option<Shared> = None;
    for (step, tally) in tallies.iter().enumerate() {
        found.push(match first {
            Some((first, member)) if open > open_steps => {
                // Exactly who is waited for can be said only where all must be ready.
                let named: Option<usize> = bad.or(still);
                let key = (watched.len(), named);
                let watch = match &shared {
                    Some((of, watch)) if *of == key => Arc::clone(watch),
                    _ => {
                        let beside = named.filter(|named| !watched.contains(named));
                        let watch: Arc<[usize]> = watched.iter().copied().chain(beside).collect();
                        shared = Some((key, Arc::clone(&watch)));
                        watch
                    }
                };
                Some(match named {
                    Some(_) => waits(Why::Paused, named, watch),
                    None => waits(Why::Earlier { step: first }, member, watch),
                })
            }
            _ => None,
        });
        if tally.is_done() {
            continue;
        }
        if open <= open_steps {
            watched.extend(tally.unready.iter());
        }
        open += 1;
        first = first.or_else(|| Some((step, tally.unready.first().copied())));
        bad = bad.or_else(|| tally.fails());
        still = still.or_else(|| tally.stalls());
    }
    found
}

/// What of its own step stands before a member.
fn own(tallies: &[Tally], step: usize, index: usize, members: &[Member]) -> Option<Verdict> {
    let tally = tallies.get(step)?;
    let watch = || Arc::clone(&tally.unready);
    if tally.most == 0 {
        return Some(waits(Why::ByHand { step }, None, Arc::default()));
    }
    if let Some(bad) = tally.fails() {
        return Some(waits(Why::Paused, Some(bad), watch()));
    }
    (tally.taken >= tally.most).then(|| {
        // A place that a failing member does not give back.
        if let Some(bad) = tally.bad.first() {
            return waits(Why::Paused, Some(*bad), watch());
        }
        let mut others = tally.unready.iter().filter(|other| **other != index);
        let ahead = tally.moving.or_else(|| others.next().copied());
        turn(Some(step), ahead, watch(), members)
    })
}

/// Who takes up the places that there are for all steps together.
fn in_the_way(tallies: &[Tally], members: &[Member]) -> Verdict {
    let bad = tallies.iter().find_map(|tally| tally.bad.first().copied());
    let watch: Arc<[usize]> = tallies
        .iter()
        .flat_map(|tally| tally.unready.iter().copied())
        .collect();
    if bad.is_some() {
        return waits(Why::Paused, bad, watch);
    }
    let moving = tallies.iter().find_map(|tally| tally.moving);
    let ahead = moving.or_else(|| watch.first().copied());
    turn(None, ahead, watch, members)
}

/// Waits for the one ahead; when that one is stuck, for somebody who helps it.
fn turn(
    step: Option<usize>,
    ahead: Option<usize>,
    watch: Arc<[usize]>,
    members: &[Member],
) -> Verdict {
    let is_stuck = ahead
        .and_then(|index| members.get(index))
        .is_some_and(|member| member.standing == Standing::Stuck);
    let why = if is_stuck {
        Why::Paused
    } else {
        Why::Turn { step }
    };
    waits(why, ahead, watch)
}

fn waits(why: Why, member: Option<usize>, watch: Arc<[usize]>) -> Verdict {
    Verdict::Waits(Waits { why, member, watch })
}

fn select(from: &[usize], keep: impl Fn(&usize) -> bool) -> Vec<usize> {
    from.iter().filter(|index| keep(index)).copied().collect()
}

impl Waits {
    /// It does not go on before somebody does something.
    pub fn is_stalled(&self) -> bool {
        matches!(self.why, Why::Paused | Why::ByHand { .. } | Why::Unselected)
    }

    /// Why, for people: a sentence without a full stop.
    pub fn words(&self, rollout: &Rollout, members: &[Member]) -> String {
        let other = self
            .member
            .and_then(|index| members.get(index))
            .map(|member| format!("{} {}", member.title(), member.words));
        self.said(rollout, other.as_deref().unwrap_or("it is not done"))
    }

    /// The same for those who may not know whom it waits for.
    pub fn words_unnamed(&self, rollout: &Rollout) -> String {
        self.said(rollout, "another application of the set is not ready")
    }

    fn said(&self, rollout: &Rollout, other: &str) -> String {
        let step = |index: usize| {
            rollout
                .steps
                .get(index)
                .map_or("an earlier step", |step| step.name.as_str())
        };
        match self.why {
            Why::Earlier { step: index } => format!("Waits for {}: {other}", step(index)),
            Why::Turn { step: Some(index) } => {
                let most = rollout.steps.get(index).map(|step| step.at_once);
                format!(
                    "Waits for its turn in {} (at most {} at once): {other}",
                    step(index),
                    most.unwrap_or_default()
                )
            }
            Why::Turn { step: None } => format!(
                "Waits for its turn (at most {} at once): {other}",
                rollout.at_once.unwrap_or_default()
            ),
            Why::Paused => format!("The rollout is paused: {other}"),
            Why::ByHand { step: index } => {
                format!(
                    "Nothing of {} is synced by itself (at most 0 at once)",
                    step(index)
                )
            }
            Why::Unselected => {
                "No step of the rollout selects it, so it is not synced by itself".to_owned()
            }
        }
    }

    /// What to do, a sentence without a full stop.
    pub fn next(&self) -> &'static str {
        match self.why {
            Why::Earlier { .. } | Why::Turn { .. } => {
                "It goes on by itself as soon as that is ready; Sync does not wait, and a hold keeps it back"
            }
            Why::Paused => {
                "It goes on when that recovers, or begins anew with a commit that mends it; Sync goes on with this one regardless"
            }
            Why::ByHand { .. } => "Press Sync; later steps wait for it",
            Why::Unselected => "Press Sync, or give it labels that a step selects",
        }
    }
}
