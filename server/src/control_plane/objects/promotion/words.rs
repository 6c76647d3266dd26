//! What a promotion says. Pure.

use super::super::super::definitions::Placement;
use super::super::super::rollbacks::words::{count, listed};
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;
use lockstep_types::parity::PromotionPreview;

/// `shop/cart on staging-eu`.
pub(super) fn named(placement: &Placement) -> String {
    let row = &placement.defined.row;
    format!(
        "{}/{} on {}",
        row.project, row.name, placement.target.cluster
    )
}

/// What runs at the origin, for the commit message.
pub(super) fn origin(origin: &Placement) -> String {
    match origin.runs_at() {
        Some(revision) => format!("{}, which runs {}", named(origin), revision.short()),
        None => named(origin),
    }
}

/// What should be known of the origin before its versions go anywhere.
pub(super) fn of_origin(origin: &Placement) -> Vec<String> {
    let state = &origin.target.state;
    let mut notes = Vec::new();
    if state.health.status != HealthStatus::Healthy {
        notes.push(format!(
            "{} is {} at present.",
            named(origin),
            state.health.status.word()
        ));
    }
    if state.sync != SyncStatus::Synced {
        notes.push(format!(
            "{} is {} at present: what is promoted is what its last sync deployed.",
            named(origin),
            state.sync.word()
        ));
    }
    notes
}

/// A version that the definitions ask for is no image: it is changed where it is defined.
pub(super) fn version(origin: &Placement, placement: &Placement) -> String {
    let one = &origin.defined.definition.source;
    let definition = &placement.defined.definition;
    let what = match one.chart.is_empty() {
        true => "revision",
        false => "chart version",
    };
    format!(
        "The {what} that the definitions ask for differs ({} at the origin, {} here) and is not part of this commit: it is changed in {}:{}.",
        one.target_revision.name(),
        definition.source.target_revision.name(),
        definition.path,
        definition.line
    )
}

/// What it does.
pub(super) fn first_line(view: &PromotionPreview) -> String {
    let (from, to) = (&view.from.cluster, &view.to.cluster);
    match &view.commit {
        Some(commit) => commit.first_line.clone(),
        None if !view.refused.is_empty() => format!(
            "{} of {from} cannot be brought to {to} by a commit from here.",
            count(view.images.len(), "image")
        ),
        None if view.images.is_empty() => {
            format!("{to} already has every image that {from} runs.")
        }
        None => {
            let images: Vec<&str> = view.images.iter().map(String::as_str).collect();
            format!("Git already says {} for {to}.", listed(&images))
        }
    }
}

/// The reason in the commit message, with where the versions come from.
pub(super) fn because(origin: &str, reason: &str) -> String {
    match reason.trim() {
        "" => format!("Promoted from {origin}."),
        reason => format!("Promoted from {origin}: {reason}"),
    }
}
