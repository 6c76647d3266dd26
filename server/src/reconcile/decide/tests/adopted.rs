//! A revision that was in line without a run.

use super::given::{Given, auto, given};
use super::*;

fn changed_since() -> Given {
    given().drifted().with(|given| {
        given.facts.only_drift = true;
        given.policy.self_heal = false;
    })
}

#[test]
fn what_is_changed_later_is_drift_and_no_news_of_git() {
    let decision = changed_since().with(|given| given.last = None).decide();
    assert_eq!(decision.act, Act::Rest);
    let code = decision.cause.map(|cause| cause.code);
    assert_eq!(code, Some(ReasonCode::Drifted));
}

#[test]
fn what_a_run_of_another_state_left_when_it_was_cut_off_is_no_drift() {
    let left = changed_since()
        .after(SyncPhase::Interrupted, 1)
        .with(|given| given.facts.attempt = "another".to_owned());
    assert_eq!(left.decide().act, auto(false));
}
