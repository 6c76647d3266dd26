//! What waits for a person. Pure.

use lockstep_types::application::TargetSummary;
use lockstep_types::ask::RollbackAsk;
use lockstep_types::fleet::NeedsYou;
use lockstep_types::leftover::Leftovers;
use lockstep_types::reason::ReasonCode;
use lockstep_types::sync::ApprovalView;
use lockstep_types::time::Micros;

/// Endings that are this near are told.
const SOON_SECONDS: i64 = 24 * 3600;

/// Approvals first, then what has ended or ends soon, then deliveries that are stuck; oldest first within each.
pub(super) fn needs_you(
    approvals: Vec<ApprovalView>,
    asks: Vec<RollbackAsk>,
    summaries: &[TargetSummary],
    now: Micros,
) -> Vec<NeedsYou> {
    let mut endings: Vec<(Micros, NeedsYou)> = summaries
        .iter()
        .flat_map(|summary| ending(summary, now))
        .collect();
    endings.sort_by_key(|(at, _)| *at);
    let mut failing: Vec<(Micros, NeedsYou)> = summaries.iter().filter_map(failing).collect();
    failing.sort_by_key(|(since, _)| *since);
    approvals
        .into_iter()
        .map(NeedsYou::Approval)
        .chain(asks.into_iter().map(NeedsYou::Rollback))
        .chain(endings.into_iter().map(|(_, need)| need))
        .chain(failing.into_iter().map(|(_, need)| need))
        .collect()
}

fn ending(summary: &TargetSummary, now: Micros) -> Vec<(Micros, NeedsYou)> {
    let soon = |until: Micros| until.seconds_since(now) < SOON_SECONDS;
    let mut found = Vec::new();
    if let Some(hold) = summary
        .hold
        .as_ref()
        .filter(|hold| hold.ended_waiting || soon(hold.until))
    {
        let what = if hold.ended_waiting {
            "hold ended; what it held back waits for a yes"
        } else {
            "hold ends"
        };
        found.push((
            hold.until,
            of(summary, what, &hold.owner, &hold.reason, hold.until),
        ));
    }
    if let Some(pin) = summary
        .pin
        .as_ref()
        .filter(|pin| pin.ended_waiting || soon(pin.until))
    {
        let what = match (pin.ended_waiting, pin.behind) {
            (true, _) => "pin ended; what it held back waits for a yes".to_owned(),
            (false, 0) => "pin ends".to_owned(),
            (false, 1) => "pin ends; 1 commit behind".to_owned(),
            (false, behind) => format!("pin ends; {behind} commits behind"),
        };
        found.push((
            pin.until,
            of(summary, &what, &pin.owner, &pin.reason, pin.until),
        ));
    }
    found
}

fn of(summary: &TargetSummary, what: &str, owner: &str, reason: &str, at: Micros) -> NeedsYou {
    NeedsYou::Ending {
        target: summary.target.clone(),
        what: what.to_owned(),
        owner: owner.to_owned(),
        reason: reason.to_owned(),
        at,
    }
}

/// One card for all that was left behind and that nobody has decided about.
pub(super) fn leftovers(left: &[Leftovers]) -> Option<NeedsYou> {
    let open: Vec<&Leftovers> = left.iter().filter(|left| left.run.is_none()).collect();
    let since = open.iter().map(|left| left.since).min()?;
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Some(NeedsYou::Leftovers {
        targets: number(open.len()),
        objects: number(open.iter().map(|left| left.objects.len()).sum()),
        since,
    })
}

/// A person must act, and it is not one of the questions above.
fn failing(summary: &TargetSummary) -> Option<(Micros, NeedsYou)> {
    let reason = summary.reason.as_ref().filter(|reason| reason.stalled)?;
    let asked = reason.code == ReasonCode::AwaitingApproval
        && (summary.running.is_some()
            || summary.hold.as_ref().is_some_and(|hold| hold.ended_waiting)
            || summary.pin.as_ref().is_some_and(|pin| pin.ended_waiting));
    (!asked).then(|| {
        let need = NeedsYou::Failing {
            target: summary.target.clone(),
            cause: reason.sentence(),
            since: reason.since,
        };
        (reason.since, need)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::example;
    use lockstep_types::application::{Hold, Pin};
    use lockstep_types::id::{HoldId, PinId};
    use lockstep_types::reason::Reason;

    fn reason(code: ReasonCode, stalled: bool, since: i64) -> Reason {
        Reason {
            code,
            object: None,
            cause: "it is stuck".to_owned(),
            since: Micros(since),
            next: String::new(),
            stalled,
        }
    }

    fn text(needs: &[NeedsYou]) -> Vec<String> {
        needs
            .iter()
            .map(|need| match need {
                NeedsYou::Approval(approval) => format!("approval {}", approval.target.cluster),
                NeedsYou::Rollback(ask) => format!("rollback {}", ask.target.cluster),
                NeedsYou::Ending { target, what, .. } => format!("{} {what}", target.cluster),
                NeedsYou::Leftovers { objects, .. } => format!("{objects} leftovers"),
                NeedsYou::Failing { target, cause, .. } => format!("{} {cause}", target.cluster),
            })
            .collect()
    }

    #[test]
    fn only_what_needs_a_person_is_listed() {
        let now = Micros::from_seconds(1_000_000);
        let mut held = example::target("a", "shop", "held");
        held.hold = Some(Hold {
            kind: Default::default(),
            id: HoldId(example::id("h")),
            owner: "jon".to_owned(),
            reason: "load test".to_owned(),
            from: now,
            until: now.plus_seconds(2400),
            ended_waiting: false,
        });
        let mut later = held.clone();
        later.target.cluster = "later".to_owned();
        later.hold = later.hold.map(|hold| Hold {
            until: now.plus_seconds(2 * SOON_SECONDS),
            ..hold
        });
        let mut pinned = example::target("a", "shop", "pinned");
        pinned.pin = Some(Pin {
            id: PinId(example::id("p")),
            revision: example::revision('b'),
            owner: "jon".to_owned(),
            reason: "incident".to_owned(),
            from: now,
            until: now.plus_seconds(-60),
            behind: 3,
            ended_waiting: true,
        });
        pinned.reason = Some(reason(ReasonCode::AwaitingApproval, true, 5));
        let mut stuck = example::target("a", "shop", "stuck");
        stuck.reason = Some(reason(ReasonCode::RenderFailed, true, 9));
        let mut older = stuck.clone();
        older.target.cluster = "older".to_owned();
        older.reason = Some(reason(ReasonCode::ApplyFailed, true, 1));
        let mut passing = example::target("a", "shop", "passing");
        passing.reason = Some(reason(ReasonCode::Progressing, false, 1));
        let needs = needs_you(
            Vec::new(),
            Vec::new(),
            &[stuck, held, later, pinned, older, passing],
            now,
        );
        assert_eq!(
            text(&needs),
            [
                "pinned pin ended; what it held back waits for a yes",
                "held hold ends",
                "older it is stuck.",
                "stuck it is stuck."
            ]
        );
    }
}
