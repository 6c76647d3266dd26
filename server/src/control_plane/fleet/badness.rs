//! Which of two targets needs a look first, and which need none. Pure.

use lockstep_types::application::TargetSummary;
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;
use lockstep_types::source::Mode;
use lockstep_types::sync::SyncPhase;

/// The higher, the sooner it needs a look; 0 for a target that is Synced, Healthy and neither held nor pinned.
///
/// Health comes before sync, and what is known to be bad before what is not known: an unreachable cluster must not
/// hide a broken workload.
pub fn badness(summary: &TargetSummary) -> u32 {
    let health = match summary.health.status {
        HealthStatus::Degraded => 600,
        HealthStatus::Missing => 500,
        HealthStatus::Unknown => 300,
        HealthStatus::Progressing => 20,
        HealthStatus::Suspended => 10,
        HealthStatus::Healthy => 0,
    };
    let sync = match summary.sync {
        SyncStatus::OutOfSync if on_its_way(summary) => 20,
        SyncStatus::OutOfSync if summary.mode == Mode::Observe => 100,
        SyncStatus::OutOfSync => 200,
        SyncStatus::Unknown => 150,
        SyncStatus::Synced => 0,
    };
    let drift = if summary.drifted > 0 { 30 } else { 0 };
    let stalled = if summary.reason.as_ref().is_some_and(|reason| reason.stalled) {
        1000
    } else {
        0
    };
    let kept = u32::from(summary.hold.is_some() || summary.pin.is_some()) * 50;
    let ended = if ended_waiting(summary) { 1000 } else { 0 };
    health + sync + drift + stalled + kept + ended
}

/// Whether it belongs under "Needs attention": bad, different, kept back or unknown, and not just on its way.
pub fn needs_attention(summary: &TargetSummary) -> bool {
    badness(summary) >= 50
}

/// Nothing at all to say.
pub fn all_well(summary: &TargetSummary) -> bool {
    badness(summary) == 0 && summary.phase.is_none_or(SyncPhase::is_final)
}

fn ended_waiting(summary: &TargetSummary) -> bool {
    summary.hold.as_ref().is_some_and(|hold| hold.ended_waiting)
        || summary.pin.as_ref().is_some_and(|pin| pin.ended_waiting)
}

fn on_its_way(summary: &TargetSummary) -> bool {
    summary
        .phase
        .is_some_and(|phase| !phase.is_final() && phase != SyncPhase::AwaitingApproval)
}
