//! What a hold of each kind stops, and what it lets through.

use super::given::{Given, NOW, auto, given, hold};
use super::*;
use lockstep_types::application::HoldKind;

fn held(given: Given, kind: HoldKind) -> Given {
    given.with(|given| given.hold = Some(Hold { kind, ..hold(600) }))
}

#[test]
fn a_hold_stops_its_own_kind_of_writes() {
    let heals = Act::Start {
        trigger: Trigger::SelfHeal,
        prune: false,
    };
    for (kind, syncs, puts_back) in [
        (HoldKind::Both, false, false),
        (HoldKind::Sync, false, true),
        (HoldKind::Heal, true, false),
    ] {
        let sync = held(given().differs(), kind).decide();
        let heal = held(given().drifted(), kind).decide();
        let expected = |goes: bool, act: &Act| if goes { act.clone() } else { Act::Rest };
        assert_eq!(sync.act, expected(syncs, &auto(false)), "{kind:?}");
        assert_eq!(heal.act, expected(puts_back, &heals), "{kind:?}");
        for (decision, goes) in [(sync, syncs), (heal, puts_back)] {
            let code = decision.cause.map(|cause| cause.code);
            assert_eq!(code == Some(ReasonCode::Held), !goes, "{kind:?}");
        }
    }
}

#[test]
fn a_person_is_told_who_holds_syncs() {
    let asked = |kind| {
        let wanted = Requested {
            by: "jon".to_owned(),
            prune: false,
            since: NOW,
            overrides: Vec::new(),
        };
        held(given().differs(), kind)
            .with(|given| given.requested = Some(wanted))
            .decide()
            .act
    };
    assert!(
        matches!(asked(HoldKind::Sync), Act::Refuse(why) if why.starts_with("maria holds syncs: release freeze")),
    );
    assert!(matches!(asked(HoldKind::Heal), Act::Start { .. }));
}

/// What is overridden by its name, and nothing else, is not waited for.
#[test]
fn a_window_and_a_hold_are_overridden_by_name_only() {
    let hold_name = hold(600).name();
    let window_name = "window:shops:allow 0 22 * * 1-5 for 1h Europe/Berlin".to_owned();
    let both = [hold_name.clone(), window_name.clone()];
    let other = ["window:shops:deny 0 1 * * * for 1h UTC".to_owned()];
    for (overrides, closed, is_held, starts) in [
        (&both[..], true, true, true),
        (&both[..1], true, true, false),
        (&both[1..], true, true, false),
        (&both[..1], false, true, true),
        (&both[1..], true, false, true),
        (&other[..], true, false, false),
        (&[], false, true, false),
        (&[], true, false, false),
    ] {
        let mut asked = given().differs().asked();
        if closed {
            asked = asked.closed(false);
        }
        if is_held {
            asked = asked.held(600);
        }
        let asked = asked.with(|given| {
            let requested = given.requested.as_mut().expect("a request");
            requested.overrides = overrides.to_vec();
        });
        let act = asked.decide().act;
        let started = matches!(act, Act::Start { .. });
        assert_eq!(started, starts, "{overrides:?}: {act:?}");
    }
    // Automation overrides nothing.
    assert_eq!(given().differs().held(600).decide().act, Act::Rest);
}
