//! The sentences a decision is explained with, and which of several to show.
//!
//! Pure words: it changes nothing of what is decided.

use super::cause::{Cause, count};
use super::decide::{Facts, LastAttempt, Rival, Running, Situation};
use super::target::Waiting;
use engine::tracking::FIELD_MANAGER;
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;
use lockstep_types::reason::ReasonCode;
use lockstep_types::resource::ResourceKey;
use lockstep_types::sync::SyncPhase;
use lockstep_types::time::Micros;

/// A run is on its way.
pub fn running(running: &Running) -> Cause {
    let at = format!("{} by {}", running.revision.short(), running.by);
    if let Some(waiting) = &running.waiting {
        return waits(waiting, &at);
    }
    let cause = match running.phase {
        SyncPhase::AwaitingApproval => Cause::stalled(
            ReasonCode::AwaitingApproval,
            format!(
                "The sync of {at} waits for a person: {}",
                running.waiting_for
            ),
            "Look at the plan and approve or refuse it",
        ),
        SyncPhase::Verifying => Cause::passing(
            if running.degraded {
                ReasonCode::Degraded
            } else {
                ReasonCode::Progressing
            },
            if running.waiting_for.is_empty() {
                format!("The sync of {at} is applied and waits until everything is ready")
            } else {
                running.waiting_for.clone()
            },
            format!("The sync of {at} ends when it is ready"),
        ),
        _ => Cause::passing(
            ReasonCode::Syncing,
            format!("The sync of {at} is on its way"),
            running.waiting_for.clone(),
        ),
    };
    cause.about(running.object.clone())
}

/// A run waits between two waves, or for a hook.
fn waits(waiting: &Waiting, at: &str) -> Cause {
    let code = match (waiting.is_hook, waiting.degraded) {
        (true, _) => ReasonCode::WaitingForHook,
        (false, true) => ReasonCode::Degraded,
        (false, false) => ReasonCode::WaitingForWave,
    };
    Cause::passing(
        code,
        format!("The sync of {at} is {}", waiting.words),
        format!(
            "It goes on by itself, a newer commit takes its place, and it is given up at {}; terminate it to end it now",
            waiting.until.rfc3339()
        ),
    )
    .about(Some(waiting.object.clone()))
}

/// The mode forbids writing.
pub fn observing(facts: &Facts) -> Cause {
    Cause::passing(
        ReasonCode::Observing,
        format!(
            "{} from {}",
            count(
                facts.writes + facts.prunes,
                "object differs",
                "objects differ"
            ),
            facts.revision.short()
        ),
        "Lockstep only observes; take over the source to let it write",
    )
}

/// A hold or a pin is over and what it held back waits for a yes.
pub fn ended_waiting(situation: &Situation<'_>, differs: bool) -> Option<Cause> {
    let over = |until| until <= situation.now;
    let (what, owner, reason) = match (situation.hold, situation.pin) {
        (Some(hold), _) if differs && over(hold.until) => ("hold", &hold.owner, &hold.reason),
        // The target stays at the pin's revision, so that nothing differs; the tracked one is what waits.
        (_, Some(pin)) if pin.ended_waiting || (differs && over(pin.until)) => {
            ("pin", &pin.owner, &pin.reason)
        }
        _ => return None,
    };
    Some(Cause::stalled(
        ReasonCode::AwaitingApproval,
        format!(
            "The {what} of {owner} has ended ({reason}), and what it held back is not deployed"
        ),
        format!("End the {what} with or without deploying"),
    ))
}

/// The render is empty while the inventory is not.
pub fn empty(facts: &Facts) -> Cause {
    Cause::stalled(
        ReasonCode::EmptyRender,
        format!(
            "Nothing is declared at {} any more, while {} from earlier syncs",
            facts.revision.short(),
            count(facts.prunes, "object is live", "objects are live")
        ),
        "Nothing is deleted; mend the path in Git, or sync with prune and approve the plan",
    )
}

/// Somebody takes back what is healed, again and again: who, which field, and what ends it.
pub fn fight(key: &ResourceKey, rival: Option<&Rival>, heals: usize, rests: Micros) -> Cause {
    let name = key.short();
    let manager = rival.map_or("", |rival| rival.manager.as_str());
    let other = if manager.is_empty() {
        "another writer"
    } else {
        manager
    };
    let path = rival.map_or("", |rival| rival.path.as_str());
    let (what, ends) = match path {
        "" => (
            format!("{name} being there"),
            "a hold, or taking it out of Git".to_owned(),
        ),
        path => (
            format!("{path} of {name}"),
            format!("an ignore rule for {path}, a hold, or taking the field out of Git"),
        ),
    };
    Cause::stalled(
        ReasonCode::Fighting,
        format!("{FIELD_MANAGER} and {other} fight over {what}: it was put back {heals} times within 5 minutes and is changed again every time"),
        format!("Healing rests until {}; end it by stopping {other}, {ends}", rests.rfc3339()),
    )
    .about(Some(key.clone()))
}

/// Differences that automation leaves alone.
pub fn waiting_for_person(facts: &Facts) -> Cause {
    if !facts.drifted.is_empty() {
        let object = facts.drifted.first().cloned();
        let what = match (facts.drifted.as_slice(), &object) {
            ([_], Some(key)) if facts.drift_words.is_empty() => {
                format!("{} was changed in the cluster", key.short())
            }
            ([_], Some(key)) => format!("{}: {}", key.short(), facts.drift_words),
            (many, _) => format!("{} objects were changed in the cluster", many.len()),
        };
        return Cause::passing(
            ReasonCode::Drifted,
            what,
            "Sync puts it back; the drift ledger says who changed what",
        )
        .about(object);
    }
    let differing = facts.writes + facts.prunes;
    Cause::passing(
        ReasonCode::Behind,
        format!(
            "{} from {}",
            count(differing, "object differs", "objects differ"),
            facts.revision.short()
        ),
        "Press Sync; the definition does not sync by itself",
    )
}

/// The newest run failed.
pub fn failed(last: &LastAttempt) -> Cause {
    let message = if last.message.is_empty() {
        last.phase.word()
    } else {
        &last.message
    };
    Cause::passing(
        ReasonCode::ApplyFailed,
        format!("The last sync failed: {message}"),
        "",
    )
    .about(last.object.clone())
}

/// Which sentence to show: what needs a person first, then bad health, then a pin, then what passes by itself.
pub fn weigh(sync: Option<Cause>, situation: &Situation<'_>, facts: &Facts) -> Option<Cause> {
    if sync
        .as_ref()
        .is_some_and(|cause| cause.stalled || cause.code == ReasonCode::ApplyFailed)
    {
        return sync;
    }
    let health = unhealthy(facts);
    if health
        .as_ref()
        .is_some_and(|cause| cause.code == ReasonCode::Degraded)
    {
        return health;
    }
    if let Some(pin) = situation.pin.filter(|pin| pin.until > situation.now) {
        let behind = if pin.behind == 0 {
            String::new()
        } else {
            format!(", {} behind", pin.behind)
        };
        return Some(Cause::passing(
            ReasonCode::Pinned,
            format!(
                "Pinned at {}{behind} by {}: {}",
                pin.revision.short(),
                pin.owner,
                pin.reason
            ),
            format!(
                "The pin ends at {}; nothing is deployed by its end",
                pin.until.rfc3339()
            ),
        ));
    }
    if sync.is_some() {
        return sync;
    }
    if let (SyncStatus::Unknown, Some((key, why))) = (facts.sync, &facts.unsure) {
        let cause = format!("{} could not be compared: {why}", key.short());
        return Some(
            Cause::passing(
                ReasonCode::CompareFailed,
                cause,
                "It is compared again with the next change",
            )
            .about(Some(key.clone())),
        );
    }
    if let (SyncStatus::OutOfSync, Some((key, why))) = (facts.sync, &facts.skipped) {
        let cause = format!("{} differs and is left alone: {why}", key.short());
        return Some(
            Cause::stalled(
                ReasonCode::Behind,
                cause,
                "Change the object in Git or in the cluster",
            )
            .about(Some(key.clone())),
        );
    }
    if let (None, Some(refused)) = (&health, &facts.refused) {
        return Some(refused.clone());
    }
    let idle = facts.writes == 0 && facts.prunes == 0;
    if health.is_none() && idle && facts.sync != SyncStatus::Synced {
        return Some(unexplained(facts));
    }
    if let (None, Some(error)) = (&health, &facts.stale) {
        return Some(Cause::passing(
            ReasonCode::FetchFailed,
            format!("Newer commits are not seen: {error}"),
            format!(
                "It is compared with {} meanwhile; the repository is asked again by itself",
                facts.revision.short()
            ),
        ));
    }
    health
}

/// Something differs that neither a plan nor a comparison has a word for: still not nothing.
fn unexplained(facts: &Facts) -> Cause {
    match facts.sync {
        SyncStatus::Unknown => Cause::passing(
            ReasonCode::CompareFailed,
            format!(
                "Not everything could be compared with {}",
                facts.revision.short()
            ),
            "It is compared again with the next change",
        ),
        SyncStatus::OutOfSync | SyncStatus::Synced => Cause::passing(
            ReasonCode::Behind,
            format!(
                "Something differs from {} that a sync would not change",
                facts.revision.short()
            ),
            "The differences are listed on the application's page",
        ),
    }
}

/// A sentence with what the cluster's newest event adds to it.
pub fn with_event(sentence: &str, event: &str) -> String {
    match (sentence.is_empty(), event.is_empty()) {
        (_, true) => sentence.to_owned(),
        (true, false) => event.to_owned(),
        (false, false) => format!("{sentence} ({event})"),
    }
}

/// Bad health in words.
fn unhealthy(facts: &Facts) -> Option<Cause> {
    let object = facts.culprit.clone();
    let name = object
        .as_ref()
        .map_or_else(|| "An object".to_owned(), |key| key.short());
    let said = |otherwise: &str| {
        if facts.health.message.is_empty() {
            format!("{name} {otherwise}")
        } else {
            format!("{name}: {}", facts.health.message)
        }
    };
    let said = |otherwise: &str| with_event(&said(otherwise), &facts.event);
    let cause = match facts.health.status {
        HealthStatus::Healthy => return None,
        HealthStatus::Suspended => Cause::passing(
            ReasonCode::Suspended,
            said("is suspended"),
            "It stays so until somebody resumes it",
        ),
        HealthStatus::Progressing => Cause::passing(
            ReasonCode::Progressing,
            said("is not ready yet"),
            "It is watched until it is ready",
        ),
        HealthStatus::Missing => Cause::passing(
            ReasonCode::Missing,
            said("is not in the cluster"),
            "Sync creates it",
        ),
        HealthStatus::Degraded => Cause::passing(
            ReasonCode::Degraded,
            said("is degraded"),
            "Its events and logs say more; History has the last healthy revision",
        ),
        HealthStatus::Unknown => Cause::passing(
            ReasonCode::LiveUnknown,
            said("cannot be judged"),
            "It is judged again with the next change",
        ),
    };
    Some(cause.about(object))
}
