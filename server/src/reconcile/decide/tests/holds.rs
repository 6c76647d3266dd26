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
