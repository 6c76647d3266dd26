//! A picture of the members in, whose turn it is out.

use super::*;
use insta::assert_snapshot;
use serde_json::json;
use std::fmt::Write as _;

mod random;

fn step(name: &str, at_once: Amount, unready: Amount) -> Step {
    Step {
        name: name.to_owned(),
        selects: String::new(),
        at_once,
        unready,
    }
}

/// Steps that are done only when everyone is ready, as those of an `ApplicationSet`.
fn strict(at_once: &[Amount]) -> Rollout {
    Rollout {
        steps: (1..)
            .zip(at_once)
            .map(|(number, at_once)| step(&format!("step {number}"), *at_once, Amount::NONE))
            .collect(),
        ..Rollout::default()
    }
}

/// One line for each member: step, name, standing; `-` for none.
fn members(picture: &str) -> Vec<Member> {
    picture
        .lines()
        .map(|line| {
            let mut words = line.split_whitespace();
            let step = words.next().unwrap();
            let name = words.next().unwrap();
            let (standing, words) = match words.next().unwrap() {
                "ready" => (Standing::Ready, ""),
                "behind" => (Standing::Behind, "is OutOfSync"),
                "moving" => (Standing::Moving, "is Progressing: 1 of 3 are ready"),
                "bad" => (Standing::Bad, "is Degraded: image cannot be pulled"),
                "stuck" => (
                    Standing::Stuck,
                    "cannot be compared: its cluster does not answer",
                ),
                "unseen" => (Standing::Unseen, "is not compared at abc1234 yet"),
                other => panic!("{other}"),
            };
            Member {
                name: "cart".to_owned(),
                cluster: name.to_owned(),
                step: step.parse::<usize>().ok().map(|number| number - 1),
                standing,
                words: words.to_owned(),
            }
        })
        .collect()
}

fn shown(rollout: &Rollout, picture: &str) -> String {
    let members = members(picture);
    let mut text = String::new();
    let verdicts = turns(rollout, &members);
    for (own, (member, verdict)) in members.iter().zip(verdicts).enumerate() {
        let said = match &verdict {
            Verdict::Settled => "-".to_owned(),
            Verdict::May => "may sync".to_owned(),
            Verdict::Waits(waits) => format!(
                "{}{}\n    {}\n    watches {}",
                waits.words(rollout, &members),
                if waits.is_stalled() { " [stalled]" } else { "" },
                waits.next(),
                waits
                    .watch
                    .iter()
                    .filter(|index| **index != own)
                    .map(|index| members[*index].cluster.as_str())
                    .collect::<Vec<_>>()
                    .join(" ")
            ),
        };
        let _ = writeln!(
            text,
            "{} {}: {said}",
            member.cluster,
            member.standing.word()
        );
    }
    text
}

#[test]
fn a_step_waits_for_those_before_it() {
    let all = strict(&[Amount::ALL, Amount::ALL]);
    assert_snapshot!(shown(&all, "1 eu-1 behind\n1 eu-2 behind\n2 us-1 behind"));
    assert_snapshot!(shown(
        &all,
        "1 eu-1 ready\n1 eu-2 moving\n2 us-1 behind\n2 us-2 ready"
    ));
    assert_snapshot!(shown(
        &all,
        "1 eu-1 ready\n1 eu-2 ready\n2 us-1 behind\n2 us-2 moving"
    ));
    // What was not compared with the newest commit may differ: nobody goes on past it.
    assert_snapshot!(shown(&all, "1 eu-1 unseen\n1 eu-2 ready\n2 us-1 behind"));
    // A step that selects nobody is done.
    assert_snapshot!(shown(
        &strict(&[Amount::ALL; 3]),
        "1 eu-1 ready\n3 us-1 behind"
    ));
}

#[test]
fn no_more_than_allowed_are_under_way_at_once() {
    let two = strict(&[Amount::Count(2)]);
    assert_snapshot!(shown(
        &two,
        "1 a behind\n1 b behind\n1 c behind\n1 d behind"
    ));
    assert_snapshot!(shown(&two, "1 a ready\n1 b behind\n1 c moving\n1 d behind"));
    // The one that was not compared keeps its place.
    assert_snapshot!(shown(
        &strict(&[Amount::Percent(25)]),
        "1 a unseen\n1 b behind\n1 c ready\n1 d ready"
    ));
}

#[test]
fn who_fails_pauses_those_after_it() {
    let steps = strict(&[Amount::Count(1), Amount::ALL]);
    assert_snapshot!(shown(&steps, "1 eu-1 bad\n1 eu-2 behind\n2 us-1 behind"));
    // A new commit makes the failing one behind, and the rollout begins anew.
    assert_snapshot!(shown(&steps, "1 eu-1 behind\n1 eu-2 behind\n2 us-1 behind"));
}

/// What is said to a member, and whether a person must act.
fn told(rollout: &Rollout, picture: &str, cluster: &str) -> Option<(String, bool)> {
    let members = members(picture);
    let index = members
        .iter()
        .position(|member| member.cluster == cluster)
        .unwrap();
    match turns(rollout, &members).swap_remove(index) {
        Verdict::Waits(waits) => Some((waits.words(rollout, &members), waits.is_stalled())),
        Verdict::Settled | Verdict::May => None,
    }
}

#[test]
fn who_is_stuck_pauses_later_steps_and_nobody_beside_it() {
    let steps = strict(&[Amount::ALL, Amount::ALL]);
    let picture = "1 eu-1 stuck\n1 eu-2 behind\n2 us-1 behind";
    assert_eq!(told(&steps, picture, "eu-2"), None);
    let (said, is_stalled) = told(&steps, picture, "us-1").unwrap();
    assert!(is_stalled, "{said}");
    assert_eq!(
        said,
        "The rollout is paused: cart on eu-1 cannot be compared: its cluster does not answer"
    );
    // It keeps the only place.
    let one = strict(&[Amount::Count(1)]);
    let (said, is_stalled) = told(&one, "1 eu-1 stuck\n1 eu-2 behind", "eu-2").unwrap();
    assert!(is_stalled, "{said}");
    // A step that allows for it goes on.
    let mut lenient = steps;
    lenient.steps[0].unready = Amount::Count(1);
    let picture = "1 eu-1 stuck\n1 eu-2 ready\n2 us-1 behind";
    assert_eq!(told(&lenient, picture, "us-1"), None);
}

#[test]
fn who_waits_for_the_same_shares_one_list() {
    let steps = strict(&[Amount::ALL; 3]);
    let members = members("1 a behind\n1 b moving\n2 c behind\n2 d behind\n3 e behind\n3 f behind");
    let lists: Vec<_> = turns(&steps, &members)
        .into_iter()
        .filter_map(|verdict| match verdict {
            Verdict::Waits(waits) => Some(waits.watch),
            Verdict::Settled | Verdict::May => None,
        })
        .collect();
    assert_eq!(lists.len(), 4);
    for list in &lists {
        assert!(std::sync::Arc::ptr_eq(list, &lists[0]));
    }
}

#[test]
fn who_is_waited_for_can_be_left_unnamed() {
    let steps = strict(&[Amount::ALL, Amount::ALL]);
    let members = members("1 eu-1 bad\n2 us-1 behind");
    let Verdict::Waits(waits) = turns(&steps, &members).swap_remove(1) else {
        panic!("it waits");
    };
    assert_eq!(
        waits.words_unnamed(&steps),
        "The rollout is paused: another application of the set is not ready"
    );
}

#[test]
fn steps_by_hand_and_members_of_no_step_are_left_to_people() {
    let steps = strict(&[Amount::NONE, Amount::ALL]);
    assert_snapshot!(shown(
        &steps,
        "1 eu-1 behind\n2 us-1 behind\n- x behind\n- y ready"
    ));
}

#[test]
fn partitions_allow_for_some_that_are_not_ready() {
    let partitions = |open_steps, at_once| Rollout {
        steps: vec![
            step("partition canary", Amount::Count(1), Amount::Count(1)),
            step("partition rest", Amount::Count(2), Amount::Count(2)),
        ],
        open_steps,
        at_once,
    };
    let picture = "1 a bad\n1 b ready\n2 c behind\n2 d behind\n2 e behind";
    assert_snapshot!(shown(&partitions(Amount::NONE, None), picture));
    // All together only one may be unavailable, and one is.
    assert_snapshot!(shown(
        &partitions(Amount::NONE, Some(Amount::Count(1))),
        picture
    ));
    let picture = "1 a bad\n1 b bad\n2 c behind\n2 d behind\n2 e behind";
    assert_snapshot!(shown(&partitions(Amount::NONE, None), picture));
    assert_snapshot!(shown(&partitions(Amount::Count(1), None), picture));
}

#[test]
fn amounts_are_read_as_kubernetes_writes_them() {
    for (value, of_ten) in [
        (json!(0), 0),
        (json!(3), 3),
        (json!(30), 10),
        (json!("0%"), 0),
        (json!("1%"), 1),
        (json!("39%"), 3),
        (json!("100%"), 10),
    ] {
        let amount = Amount::read(&value).unwrap();
        assert_eq!(amount.of(10), of_ten, "{value}");
        assert_eq!(amount.of(0), 0, "{value}");
        assert_eq!(amount.to_string(), value.to_string().replace('"', ""));
    }
    for value in [
        json!(-1),
        json!(1.5),
        json!("3"),
        json!("101%"),
        json!("%"),
        json!("-1%"),
        json!("1.5%"),
        json!("ten%"),
        json!("99999999999%"),
        json!([1]),
        json!(null),
        json!(true),
    ] {
        assert!(Amount::read(&value).is_err(), "{value}");
    }
}

#[test]
fn what_is_seen_of_a_member_says_where_it_stands() {
    use lockstep_types::diff::SyncStatus::{OutOfSync, Synced, Unknown};
    use lockstep_types::health::HealthStatus::{Degraded, Healthy, Progressing, Suspended};
    let seen = |sync, health| Seen {
        current: true,
        running: false,
        failed: false,
        begun: false,
        blocked: false,
        work: match sync {
            Synced => Work::Nothing,
            OutOfSync | Unknown => Work::Itself,
        },
        sync,
        health,
    };
    let left = |work, seen| Seen { work, ..seen };
    let blocked = |seen| Seen {
        blocked: true,
        ..seen
    };
    let begun = |sync, health| Seen {
        begun: true,
        ..seen(sync, health)
    };
    let cases = [
        (seen(Synced, Healthy), Standing::Ready),
        (seen(Synced, Suspended), Standing::Ready),
        (seen(Synced, Progressing), Standing::Moving),
        (seen(Synced, Degraded), Standing::Bad),
        (seen(OutOfSync, Healthy), Standing::Behind),
        // What is bad before its turn may be what the commit mends.
        (seen(OutOfSync, Degraded), Standing::Behind),
        (seen(Unknown, Healthy), Standing::Behind),
        // Somebody changed it since.
        (begun(OutOfSync, Healthy), Standing::Moving),
        (begun(OutOfSync, Degraded), Standing::Bad),
        // What it is cannot be told, and no sync changes that.
        (begun(Unknown, Healthy), Standing::Bad),
        // Only people put it back.
        (left(Work::People, begun(OutOfSync, Healthy)), Standing::Bad),
        (left(Work::Nothing, seen(OutOfSync, Healthy)), Standing::Bad),
        // What only people delete keeps nobody waiting.
        (
            left(Work::Leftovers, seen(OutOfSync, Healthy)),
            Standing::Ready,
        ),
        (
            left(Work::Leftovers, begun(OutOfSync, Healthy)),
            Standing::Ready,
        ),
        (
            left(Work::Leftovers, begun(OutOfSync, Progressing)),
            Standing::Moving,
        ),
        (
            left(Work::Leftovers, seen(OutOfSync, Degraded)),
            Standing::Bad,
        ),
        // Nothing is written there.
        (blocked(seen(OutOfSync, Healthy)), Standing::Stuck),
        (blocked(begun(OutOfSync, Healthy)), Standing::Stuck),
        (blocked(seen(Synced, Healthy)), Standing::Ready),
        (
            Seen {
                current: false,
                ..seen(Synced, Healthy)
            },
            Standing::Unseen,
        ),
        (
            Seen {
                failed: true,
                ..begun(OutOfSync, Healthy)
            },
            Standing::Bad,
        ),
        (
            Seen {
                running: true,
                failed: true,
                ..begun(Synced, Degraded)
            },
            Standing::Bad,
        ),
        (
            Seen {
                running: true,
                current: false,
                ..seen(OutOfSync, Degraded)
            },
            Standing::Moving,
        ),
    ];
    for (seen, standing) in cases {
        assert_eq!(seen.standing(), standing, "{seen:?}");
    }
}
