//! Whose turn it is.
//!
//! - A step begins when those before it are done; a step is done when no more of its members are not ready than it allows.
//! - Within a step no more members are under way at once than it allows; who was not compared with what Git says now keeps
//!   its place in the row, so that nobody overtakes it unseen.
//! - A member that fails pauses all that come after it, unless its step allows for it. It goes on by itself when the member
//!   recovers, or with a new revision.

use super::{Member, Rollout, Standing};

/// What holds for a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is ready, under way, or not compared yet: there is nothing to begin.
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
    /// Nothing changes for it before one of these does.
    pub watch: Vec<usize>,
}

/// Why a member waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A step before is not done.
    Earlier { step: usize },
    /// As many as may be are under way.
    Turn { step: Option<usize> },
    /// A member fails.
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
    unready: Vec<usize>,
    bad: Vec<usize>,
    taken: usize,
    most: usize,
    allowed: usize,
}

impl Tally {
    fn is_done(&self) -> bool {
        self.unready.len() <= self.allowed
    }

    fn fails(&self) -> Option<usize> {
        (self.bad.len() > self.allowed)
            .then(|| self.bad.first().copied())
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
                    *verdict = waits(Why::Unselected, None, Vec::new());
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
        });
        tally.bad = select(&tally.members, |index| stands(index) == Some(Standing::Bad));
        tally.taken = tally
            .members
            .iter()
            .filter(|index| stands(index).is_some_and(Standing::is_under_way))
            .count();
        tally.most = step.at_once.of(tally.members.len());
        tally.allowed = step.unready.of(tally.members.len());
    }
    let most_of_all = rollout.at_once.map(|amount| amount.of(row.len()).max(1));
    let mut all_taken: usize = tallies.iter().map(|tally| tally.taken).sum();
    let open_steps = rollout.open_steps.of(rollout.steps.len());
    for (step, index) in row {
        let Some(standing) = of(&index).map(|member| member.standing) else {
            continue;
        };
        if !matches!(standing, Standing::Behind | Standing::Unseen) {
            continue;
        }
        let found = before(&tallies, step, open_steps)
            .or_else(|| own(&tallies, step, index, members))
            .or_else(|| {
                let full = most_of_all.is_some_and(|most| all_taken >= most);
                full.then(|| in_the_way(&tallies, members))
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
        // Who was not compared has nothing to begin, and kept its place above.
        if standing == Standing::Behind
            && let Some(slot) = verdicts.get_mut(index)
        {
            *slot = verdict;
        }
    }
    verdicts
}

/// What of earlier steps stands before this one.
fn before(tallies: &[Tally], step: usize, open_steps: usize) -> Option<Verdict> {
    let open: Vec<(usize, &Tally)> = tallies
        .iter()
        .enumerate()
        .take(step)
        .filter(|(_, tally)| !tally.is_done())
        .collect();
    if open.len() <= open_steps {
        return None;
    }
    let (first, tally) = open.first()?;
    // Exactly who is waited for can be said only where all must be ready.
    let watch: Vec<usize> = open
        .iter()
        .flat_map(|(_, tally)| tally.unready.iter().copied())
        .collect();
    if let Some(bad) = open.iter().find_map(|(_, tally)| tally.fails()) {
        return Some(waits(Why::Paused, Some(bad), watch));
    }
    let member = tally.unready.first().copied();
    Some(waits(Why::Earlier { step: *first }, member, watch))
}

/// What of its own step stands before a member.
fn own(tallies: &[Tally], step: usize, index: usize, members: &[Member]) -> Option<Verdict> {
    let tally = tallies.get(step)?;
    let watch = || select(&tally.unready, |other| *other != index);
    if tally.most == 0 {
        return Some(waits(Why::ByHand { step }, None, Vec::new()));
    }
    if let Some(bad) = tally.fails() {
        return Some(waits(Why::Paused, Some(bad), watch()));
    }
    (tally.taken >= tally.most).then(|| match tally.bad.first() {
        // A place that a failing member does not give back.
        Some(bad) => waits(Why::Paused, Some(*bad), watch()),
        None => {
            let ahead = first_ahead(&tally.unready, index, members);
            waits(Why::Turn { step: Some(step) }, ahead, watch())
        }
    })
}

/// Who takes up the places that there are for all steps together.
fn in_the_way(tallies: &[Tally], members: &[Member]) -> Verdict {
    let bad = tallies.iter().find_map(|tally| tally.bad.first().copied());
    let watch: Vec<usize> = tallies
        .iter()
        .flat_map(|tally| tally.unready.iter().copied())
        .collect();
    match bad {
        Some(bad) => waits(Why::Paused, Some(bad), watch),
        None => {
            let ahead = first_ahead(&watch, usize::MAX, members);
            waits(Why::Turn { step: None }, ahead, watch)
        }
    }
}

/// One that is under way, else the first in the row.
fn first_ahead(unready: &[usize], index: usize, members: &[Member]) -> Option<usize> {
    let moves = |other: &&usize| {
        members
            .get(**other)
            .is_some_and(|member| member.standing.is_under_way())
    };
    unready
        .iter()
        .find(moves)
        .or_else(|| unready.iter().find(|other| **other != index))
        .copied()
}

fn waits(why: Why, member: Option<usize>, watch: Vec<usize>) -> Verdict {
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
        let step = |index: usize| {
            rollout
                .steps
                .get(index)
                .map_or("an earlier step", |step| step.name.as_str())
        };
        let other = self
            .member
            .and_then(|index| members.get(index))
            .map(|member| format!("{} {}", member.title(), member.words));
        let other = other.as_deref().unwrap_or("it is not done");
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
