//! The fleet at an earlier time: what was true then, and what has changed since.

use crate::application::TargetRef;
use crate::diff::SyncStatus;
use crate::drift::DriftRow;
use crate::error::PortError;
use crate::health::HealthStatus;
use crate::reason::Reason;
use crate::revision::{CommitInfo, Revision};
use crate::sync::RunSummary;
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// A target at one moment, as far as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StateThen {
    pub sync: SyncStatus,
    pub health: HealthStatus,
    /// Why it was not Synced and Healthy, as it was said when that began.
    pub reason: Option<Reason>,
    /// What the tracked revision resolved to.
    pub revision: Option<Revision>,
    /// What the last successful sync before had applied.
    pub deployed: Option<Revision>,
    /// Objects with open drift.
    pub drifted: u32,
}

/// A target that stood otherwise at two times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Turned {
    pub target: TargetRef,
    /// `None`: it was not there.
    pub before: Option<StateThen>,
    /// `None`: it was there no more.
    pub after: Option<StateThen>,
}

/// Which two times a view is about, and what differs between them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Past {
    /// The moment that is shown.
    pub at: Micros,
    /// What it is held against; `None` for now.
    pub until: Option<Micros>,
    /// Since when there are records; earlier than this nothing is known.
    pub recorded_since: Option<Micros>,
    /// The targets that stood otherwise at `until`, the worst first.
    pub turned: Vec<Turned>,
}

/// How long a target stood how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoodFor {
    pub from: Micros,
    /// `None` while it holds.
    pub to: Option<Micros>,
    pub sync: SyncStatus,
    pub health: HealthStatus,
}

/// One target at a moment, with what was going on around it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TargetPast {
    pub target: TargetRef,
    pub at: Micros,
    /// `None`: it was not there yet.
    pub then: Option<StateThen>,
    pub now_is: StateThen,
    /// The commit that was tracked.
    pub commit: Option<CommitInfo>,
    /// The commit that was deployed, where it was another.
    pub deployed: Option<CommitInfo>,
    /// The run that was under way, else the last one that had ended.
    pub run: Option<RunSummary>,
    /// Deviations that were open.
    pub drift: Vec<DriftRow>,
    /// Around the moment, oldest first; without gaps while it was there.
    pub around: Vec<StoodFor>,
    pub recorded_since: Option<Micros>,
    pub now: Micros,
}

/// Reads a moment as [`Micros::read_past`] does; `None` for now, where there is no text.
///
/// # Errors
/// [`PortError::Invalid`] that names `field`.
pub fn moment(field: &str, text: &str, now: Micros) -> Result<Option<Micros>, PortError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    Micros::read_past(text, now)
        .map(Some)
        .map_err(|why| PortError::invalid(field, why))
}
