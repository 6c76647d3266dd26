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
    for (member, verdict) in members.iter().zip(turns(rollout, &members)) {
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
        sync,
        health,
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
