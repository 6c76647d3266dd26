//! Sync and health as shape, word and explanation: two axes, never merged.

use super::icon::{Icon, icon, meaning};
use super::tone::Tone;
use leptos::prelude::*;
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;
use lockstep_types::sync::{StepStatus, SyncPhase};

/// Shape and colour of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub icon: Icon,
    pub tone: Tone,
    pub word: &'static str,
}

/// The sync axis.
pub fn sync_mark(status: SyncStatus) -> Mark {
    let (icon, tone) = match status {
        SyncStatus::Synced => (Icon::Synced, Tone::Ok),
        SyncStatus::OutOfSync => (Icon::OutOfSync, Tone::Run),
        SyncStatus::Unknown => (Icon::Unknown, Tone::Unknown),
    };
    Mark {
        icon,
        tone,
        word: status.word(),
    }
}

/// The health axis.
pub fn health_mark(status: HealthStatus) -> Mark {
    let (icon, tone) = match status {
        HealthStatus::Healthy => (Icon::Healthy, Tone::Ok),
        HealthStatus::Suspended => (Icon::Suspended, Tone::Idle),
        HealthStatus::Progressing => (Icon::Progressing, Tone::Run),
        HealthStatus::Missing => (Icon::Missing, Tone::Warn),
        HealthStatus::Degraded => (Icon::Degraded, Tone::Bad),
        HealthStatus::Unknown => (Icon::Unknown, Tone::Unknown),
    };
    Mark {
        icon,
        tone,
        word: status.word(),
    }
}

/// What a sync status compares and what would change it.
pub fn sync_explained(status: SyncStatus) -> &'static str {
    match status {
        SyncStatus::Synced => {
            "Synced: every declared object in the cluster equals what Git renders. A new commit or a change in the cluster ends it."
        }
        SyncStatus::OutOfSync => {
            "OutOfSync: at least one declared object differs from what Git renders. A sync makes them equal."
        }
        SyncStatus::Unknown => {
            "Unknown: the comparison is not possible now. Nothing is judged on half a list; it is tried again by itself."
        }
    }
}

/// What a health status says.
pub fn health_explained(status: HealthStatus) -> &'static str {
    match status {
        HealthStatus::Healthy => "Healthy: every object reports that it is ready.",
        HealthStatus::Suspended => "Suspended: at least one object is paused by its own settings.",
        HealthStatus::Progressing => {
            "Progressing: at least one object is not ready yet and still on its way."
        }
        HealthStatus::Missing => "Missing: at least one declared object is not in the cluster.",
        HealthStatus::Degraded => "Degraded: at least one object is in a bad state.",
        HealthStatus::Unknown => "Unknown: health cannot be told now.",
    }
}

/// The phase of a run.
pub fn phase_mark(phase: SyncPhase) -> Mark {
    let (icon, tone) = match phase {
        SyncPhase::Pending | SyncPhase::Planning => (Icon::Missing, Tone::Unknown),
        SyncPhase::AwaitingApproval => (Icon::Approve, Tone::Warn),
        SyncPhase::Applying | SyncPhase::Verifying => (Icon::Progressing, Tone::Run),
        SyncPhase::Succeeded => (Icon::Healthy, Tone::Ok),
        SyncPhase::Failed => (Icon::Degraded, Tone::Bad),
        SyncPhase::Superseded => (Icon::OutOfSync, Tone::Unknown),
        SyncPhase::Terminated => (Icon::Close, Tone::Idle),
        SyncPhase::Interrupted => (Icon::Suspended, Tone::Warn),
    };
    Mark {
        icon,
        tone,
        word: phase_word(phase),
    }
}

/// The phase as people say it.
pub fn phase_word(phase: SyncPhase) -> &'static str {
    match phase {
        SyncPhase::Pending => "pending",
        SyncPhase::Planning => "planning",
        SyncPhase::AwaitingApproval => "awaiting approval",
        SyncPhase::Applying => "applying",
        SyncPhase::Verifying => "verifying",
        SyncPhase::Succeeded => "succeeded",
        SyncPhase::Failed => "failed",
        SyncPhase::Superseded => "superseded",
        SyncPhase::Terminated => "terminated",
        SyncPhase::Interrupted => "interrupted",
    }
}

/// How far a step is.
pub fn step_mark(status: StepStatus) -> Mark {
    let (icon, tone) = match status {
        StepStatus::Waiting => (Icon::Missing, Tone::Unknown),
        StepStatus::Running => (Icon::Progressing, Tone::Run),
        StepStatus::Done => (Icon::Synced, Tone::Ok),
        StepStatus::Failed => (Icon::Degraded, Tone::Bad),
        StepStatus::Skipped => (Icon::Minus, Tone::Unknown),
    };
    Mark {
        icon,
        tone,
        word: status.word(),
    }
}

/// The shape alone, with its word for screen readers and its explanation on hover. `quiet` drops the colour.
pub fn mark(mark: Mark, title: impl Into<String>, quiet: bool) -> AnyView {
    let class = if quiet {
        "text-faint"
    } else {
        mark.tone.text()
    };
    meaning(mark.icon, class, mark.word, title.into())
}

/// Shape and words on the state's soft ground.
pub fn chip(mark: Mark, words: impl Into<String>) -> AnyView {
    view! {
        <span class=format!(
            "inline-flex h-5 items-center gap-1 self-center rounded-full px-[7px] text-xs font-medium whitespace-nowrap [&>svg]:size-[13px] {}",
            mark.tone.chip(),
        )>{icon(mark.icon)} {words.into()}</span>
    }
    .into_any()
}

/// The state's own word as a chip.
pub fn state_chip(mark: Mark) -> AnyView {
    chip(mark, mark.word)
}
