//! What happens without a person: the first try of a state, tries after a failure, putting drift back, deleting what left
//! Git. Pure, like the rest of the decision.

use super::{
    ATTEMPTS, Decision, FIGHT_HEALS, FIGHT_REST_SECONDS, FIGHT_SECONDS, Facts, LastAttempt,
    PruneCheck, Situation, Trigger, WAITING_SECONDS,
};
use crate::reconcile::cause::{Cause, count};
use crate::reconcile::explain;
use engine::definition::Retry;
use lockstep_types::reason::ReasonCode;
use lockstep_types::sync::SyncPhase;

/// What happens without a person.
pub(super) fn automatic(situation: &Situation<'_>, facts: &Facts) -> Decision {
    let differs = facts.writes > 0 || facts.prunes > 0;
    if let Some(ended) = explain::ended_waiting(situation, differs) {
        return Decision::rest(Some(ended));
    }
    let hook_failed = situation
        .last
        .is_some_and(|last| last.attempt == facts.attempt && last.hook_failed);
    if !differs && !hook_failed {
        return Decision::rest(None);
    }
    if facts.empty && !situation.policy.allow_empty {
        return Decision::rest(Some(explain::empty(facts)));
    }
    // What an unfinished run of another state left is no drift.
    let succeeded = situation
        .last
        .is_none_or(|last| last.phase == SyncPhase::Succeeded);
    let last = situation.last.filter(|last| last.attempt == facts.attempt);
    let pinned = situation.pin.filter(|pin| pin.until > situation.now);
    if let (Some(pin), None) = (pinned, last) {
        return Decision::start(Trigger::Pin(pin.owner.clone()), false);
    }
    if let Some(waits) = situation.waits {
        let again = situation.now.plus_seconds(WAITING_SECONDS);
        return Decision::later(again, waits.clone());
    }
    if let Some(rollout) = situation.rollout {
        // Who is waited for wakes it.
        return Decision::rest(Some(rollout.clone()));
    }
    match last {
        Some(last) if last.phase == SyncPhase::Terminated => Decision::rest(Some(
            Cause::stalled(
                ReasonCode::ApplyFailed,
                format!(
                    "The last sync was ended before it was done: {}",
                    or(&last.message, "terminated")
                ),
                "Press Sync to begin again",
            )
            .about(last.object.clone()),
        )),
        Some(last) if last.phase != SyncPhase::Succeeded => retry(situation, facts, last),
        _ if !situation.policy.automated => {
            Decision::rest(Some(explain::waiting_for_person(facts)))
        }
        // No run brought the revision, yet it counts as deployed: what was changed since is drift like any other.
        None if facts.writes > 0 && !(facts.only_drift && succeeded) => {
            Decision::start(Trigger::AutoSync, false)
        }
        _ if facts.writes > 0 => heal(situation, facts),
        _ => prune(situation, facts, last),
    }
}

fn retry(situation: &Situation<'_>, facts: &Facts, last: &LastAttempt) -> Decision {
    let failed = explain::failed(last);
    if !situation.policy.automated {
        return Decision::rest(Some(Cause {
            stalled: true,
            next: "Press Sync to try again".to_owned(),
            ..failed
        }));
    }
    let attempts = attempts(situation.retry);
    if attempts.is_some_and(|attempts| last.failures >= attempts) {
        return Decision::rest(Some(Cause {
            stalled: true,
            next: format!(
                "{} failed; mend it in Git or in the cluster, or press Sync to try again",
                count(
                    usize::try_from(last.failures).unwrap_or(usize::MAX),
                    "attempt",
                    "attempts"
                )
            ),
            ..failed
        }));
    }
    let pause = pause_seconds(situation.retry, last.failures);
    let at = last.ended_at.plus_seconds(pause);
    if last.phase == SyncPhase::Failed && at > situation.now {
        let of = attempts.map_or_else(String::new, |attempts| format!(" of {attempts}"));
        let next = format!("Attempt {}{of} at {}", last.failures + 1, at.rfc3339());
        return Decision::later(at, Cause { next, ..failed });
    }
    if facts.writes > 0 || last.hook_failed {
        Decision::start(Trigger::AutoSync, false)
    } else {
        prune(situation, facts, None)
    }
}

/// How often a state is tried before a person must act; `None`: for ever. A definition counts the tries after the first.
fn attempts(retry: Option<&Retry>) -> Option<u32> {
    match retry {
        None => Some(ATTEMPTS),
        Some(retry) if retry.limit < 0 => None,
        Some(retry) => Some(
            u32::try_from(retry.limit)
                .unwrap_or(u32::MAX)
                .saturating_add(1),
        ),
    }
}

/// The pause before the next try: the definition's, growing by its factor up to its longest one.
fn pause_seconds(retry: Option<&Retry>, failures: u32) -> i64 {
    let Some(retry) = retry else {
        return retry_seconds(failures);
    };
    let grown = u64::from(retry.factor).saturating_pow(failures.saturating_sub(1));
    let pause = retry
        .pause_ms
        .saturating_mul(grown)
        .min(retry.longest_pause_ms);
    i64::try_from(pause.div_ceil(1000)).unwrap_or(i64::MAX)
}

/// 5 s, 10 s, 20 s … up to three minutes.
pub fn retry_seconds(failures: u32) -> i64 {
    (5i64 << failures.saturating_sub(1).min(10)).min(180)
}

fn heal(situation: &Situation<'_>, facts: &Facts) -> Decision {
    if !situation.policy.self_heal {
        return Decision::rest(Some(explain::waiting_for_person(facts)));
    }
    let mut due = situation.now;
    for key in &facts.drifted {
        let Some(times) = situation.heals.get(key) else {
            continue;
        };
        let Some(newest) = times.last().copied() else {
            continue;
        };
        let within = times
            .iter()
            .filter(|at| newest.seconds_since(**at) < FIGHT_SECONDS)
            .count();
        if within >= FIGHT_HEALS {
            let rest_until = newest.plus_seconds(FIGHT_REST_SECONDS);
            if rest_until > situation.now {
                return Decision::later(
                    rest_until,
                    explain::fight(key, facts.rivals.get(key), within, rest_until),
                );
            }
        }
        // The first heal is at once; the next ones wait, so that two writers do not spin.
        let pause = if within == 0 {
            0
        } else {
            5i64 << (within - 1).min(6)
        };
        due = due.max(newest.plus_seconds(pause));
    }
    if due > situation.now {
        let drift = explain::waiting_for_person(facts);
        return Decision::later(
            due,
            Cause {
                next: format!("It is put back at {}", due.rfc3339()),
                ..drift
            },
        );
    }
    Decision::start(Trigger::SelfHeal, false)
}

fn prune(situation: &Situation<'_>, facts: &Facts, last: Option<&LastAttempt>) -> Decision {
    let leaving = count(
        facts.prunes,
        "object is no longer in Git",
        "objects are no longer in Git",
    );
    let waiting = |next: &str| Cause::passing(ReasonCode::Behind, leaving.clone(), next);
    if !situation.policy.automated || !situation.policy.prune {
        return Decision::rest(Some(waiting(
            "Sync with prune to delete; the definition does not prune by itself",
        )));
    }
    if last.is_some_and(|last| last.prune) {
        return Decision::rest(Some(Cause::stalled(
            ReasonCode::PruneFailed,
            format!("{leaving} and the last sync could not delete"),
            "The run says why; sync with prune to try again",
        )));
    }
    if let Some(brake) = situation.brake {
        return Decision::rest(Some(Cause::stalled(
            ReasonCode::PruneFailed,
            format!("{leaving}, and pruning is stopped: {brake}"),
            "Sync with prune deletes them after a look at the plan",
        )));
    }
    match situation.prune {
        PruneCheck::Confirmed | PruneCheck::NotNeeded => Decision::start(Trigger::AutoSync, true),
        PruneCheck::ConfirmAt(at) => Decision::later(
            at,
            waiting("A second render confirms this before anything is deleted"),
        ),
        PruneCheck::Rewritten => Decision::rest(Some(Cause::stalled(
            ReasonCode::AwaitingApproval,
            format!("{leaving}, and the history of the branch was rewritten since the last sync"),
            "Look at the plan, then sync with prune",
        ))),
    }
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}
