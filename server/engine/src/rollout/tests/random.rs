//! Whatever happens to members, no more than allowed are under way, and no step begins before its time.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

/// What may happen next, by the index of a member.
#[derive(Debug, Clone)]
enum Event {
    /// It asks whether it may sync, and does.
    Asks(usize),
    Compared(usize),
    Recovers(usize),
    Fails(usize),
    /// A commit that is new to these.
    Commit(Vec<bool>),
}

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![
        (1u32..4).prop_map(Amount::Count),
        (1u32..=100).prop_map(Amount::Percent),
    ]
}

fn event(members: usize) -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..members).prop_map(Event::Asks),
        3 => (0..members).prop_map(Event::Compared),
        3 => (0..members).prop_map(Event::Recovers),
        1 => (0..members).prop_map(Event::Fails),
        1 => vec(any::<bool>(), members).prop_map(Event::Commit),
    ]
}

fn history() -> impl Strategy<Value = (Rollout, Vec<usize>, Vec<Event>)> {
    (vec((amount(), amount()), 1..4), 1usize..9, any::<bool>()).prop_flat_map(
        |(limits, count, is_strict)| {
            let steps = limits.len();
            let rollout = Rollout {
                steps: (1..)
                    .zip(limits)
                    .map(|(number, (at_once, unready))| {
                        let unready = if is_strict { Amount::NONE } else { unready };
                        step(&format!("step {number}"), at_once, unready)
                    })
                    .collect(),
                ..Rollout::default()
            };
            (
                Just(rollout),
                vec(0..steps, count),
                vec(event(count), 1..60),
            )
        },
    )
}

/// One member for each step that is named, standing as `standing` says of its number.
fn members(steps: &[usize], standing: impl Fn(usize) -> Standing) -> Vec<Member> {
    let member = |(index, step): (usize, &usize)| Member {
        name: format!("m{index}"),
        cluster: "c".to_owned(),
        step: Some(*step),
        standing: standing(index),
        words: String::new(),
    };
    steps.iter().enumerate().map(member).collect()
}

proptest! {
    #[test]
    fn limits_and_order_always_hold((rollout, steps, events) in history()) {
        let mut members = members(&steps, |_| Standing::Ready);
        for event in events {
            match event {
                Event::Asks(index) => {
                    let verdict = turns(&rollout, &members)[index].clone();
                    if verdict != Verdict::May {
                        // Who waits watches everyone whose change may end the waiting.
                        if let Verdict::Waits(waits) = verdict {
                            prop_assert!(!waits.watch.is_empty());
                            prop_assert!(waits.member.is_some_and(|member| waits.watch.contains(&member)));
                        }
                        continue;
                    }
                    let own = members[index].step.unwrap();
                    for earlier in 0..own {
                        let of = |member: &&Member| member.step == Some(earlier);
                        let count = members.iter().filter(of).count();
                        let unready = members
                            .iter()
                            .filter(of)
                            .filter(|member| member.standing != Standing::Ready)
                            .count();
                        prop_assert!(unready <= rollout.steps[earlier].unready.of(count));
                    }
                    members[index].standing = Standing::Moving;
                    let of = |member: &&Member| member.step == Some(own);
                    let count = members.iter().filter(of).count();
                    let under_way = members
                        .iter()
                        .filter(of)
                        .filter(|member| member.standing.is_under_way())
                        .count();
                    prop_assert!(under_way <= rollout.steps[own].at_once.of(count));
                }
                Event::Compared(index) => {
                    if members[index].standing == Standing::Unseen {
                        members[index].standing = Standing::Behind;
                    }
                }
                Event::Recovers(index) => {
                    let standing = &mut members[index].standing;
                    if standing.is_under_way() || *standing == Standing::Unseen {
                        *standing = Standing::Ready;
                    }
                }
                Event::Fails(index) => {
                    if members[index].standing == Standing::Moving {
                        members[index].standing = Standing::Bad;
                    }
                }
                Event::Commit(new) => {
                    for (member, _) in members.iter_mut().zip(new).filter(|(_, new)| *new) {
                        member.standing = Standing::Unseen;
                    }
                }
            }
        }
    }

    /// If nothing fails, everyone gets there.
    #[test]
    fn everyone_gets_its_turn((rollout, steps, _) in history()) {
        let mut members = members(&steps, |_| Standing::Behind);
        for _ in 0..members.len() {
            for (index, verdict) in turns(&rollout, &members).into_iter().enumerate() {
                if verdict == Verdict::May {
                    members[index].standing = Standing::Ready;
                }
            }
        }
        prop_assert!(members.iter().all(|member| member.standing == Standing::Ready));
    }

    /// What the order of the list is does not matter.
    #[test]
    fn the_order_of_the_list_says_nothing((rollout, steps, events) in history()) {
        let standings = [Standing::Ready, Standing::Behind, Standing::Moving, Standing::Bad, Standing::Unseen, Standing::Stuck];
        let members = members(&steps, |index| standings[(events.len() * 7 + index * 3) % standings.len()]);
        let backwards: Vec<Member> = members.iter().rev().cloned().collect();
        let may = |members: &[Member]| {
            let mut names: Vec<String> = turns(&rollout, members)
                .iter()
                .zip(members)
                .filter(|(verdict, _)| **verdict == Verdict::May)
                .map(|(_, member)| member.name.clone())
                .collect();
            names.sort();
            names
        };
        prop_assert_eq!(may(&members), may(&backwards));
    }
}
