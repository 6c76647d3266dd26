//! The fleet page: rows are groups, columns are clusters, cells are targets.

use crate::application::{ApplicationRef, TargetSummary};
use crate::ask::RollbackAsk;
use crate::past::Past;
use crate::revision::{CommitInfo, CommitSignature};
use crate::sync::ApprovalView;
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// What to show. The text is the filter language of the page.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FleetQuery {
    pub filter: String,
    /// Rows that match Git and are healthy are folded unless asked for.
    pub show_all: bool,
    /// The fleet as it was then; `None` for now.
    pub at: Option<Micros>,
    /// What that is held against; `None` for now. Without `at` it means nothing.
    pub until: Option<Micros>,
}

/// Everything the fleet page shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FleetView {
    pub verdict: Verdict,
    pub columns: Vec<Column>,
    pub sections: Vec<Section>,
    /// Rows that matched the filter and are folded because all is well.
    pub folded: u32,
    pub needs_you: Vec<NeedsYou>,
    pub since_last_visit: Option<SinceLastVisit>,
    /// Where the filter text is wrong: character offset and message.
    pub filter_error: Option<(u32, String)>,
    /// The filter named a commit: live, waiting or failed per cluster.
    pub commit: Option<CommitRollout>,
    /// Everything else is about this earlier time; then nothing needs anybody.
    #[serde(default)]
    pub past: Option<Past>,
    pub head: u64,
    pub now: Micros,
}

/// The two axes in numbers, never merged.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Verdict {
    pub targets: u32,
    pub synced: u32,
    pub out_of_sync: u32,
    pub sync_unknown: u32,
    pub drifting: u32,
    pub healthy: u32,
    pub progressing: u32,
    pub degraded: u32,
    pub missing: u32,
    pub suspended: u32,
    pub health_unknown: u32,
    pub observed: u32,
    /// The oldest of all last comparisons.
    pub oldest_comparison: Option<Micros>,
}

/// A cluster as a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Column {
    pub cluster: String,
    pub connection: crate::cluster::Connection,
    pub last_compared: Option<Micros>,
}

/// Rows under one heading: `Needs attention`, then projects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Section {
    pub title: String,
    pub rows: Vec<Row>,
}

/// One group over all clusters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Row {
    pub group: String,
    pub project: String,
    /// The application the row's name links to.
    pub application: ApplicationRef,
    /// `shop.git · overlays/production`.
    pub origin: String,
    /// In the order of [`FleetView::columns`]; each holds 0..n targets, worst first.
    pub cells: Vec<Vec<TargetSummary>>,
    pub commit: Option<CommitInfo>,
}

/// Something that waits for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum NeedsYou {
    Approval(ApprovalView),
    /// A rollback that waits for a second person.
    Rollback(RollbackAsk),
    /// A hold or pin that ends within a day, or has ended and waits for a yes.
    Ending {
        target: crate::application::TargetRef,
        what: String,
        owner: String,
        reason: String,
        at: Micros,
    },
    /// What applications that left Git have left in clusters.
    Leftovers {
        targets: u32,
        objects: u32,
        since: Micros,
    },
    /// A failing delivery: a target that is stalled.
    Failing {
        target: crate::application::TargetRef,
        cause: String,
        since: Micros,
    },
}

/// What happened while the person was away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SinceLastVisit {
    pub since: Micros,
    pub commits: u32,
    pub syncs: u32,
    pub failures: u32,
    pub new_drift: u32,
    pub heals: u32,
    pub rollbacks: u32,
    /// There was more than was counted.
    #[serde(default)]
    pub more: bool,
}

/// Where a commit is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommitRollout {
    pub commit: CommitInfo,
    pub repo_url: String,
    pub targets: Vec<CommitOnTarget>,
    /// Who vouches for it, or why it is refused.
    #[serde(default)]
    pub signature: CommitSignature,
}

/// Where a commit is on one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommitOnTarget {
    pub target: crate::application::TargetRef,
    pub state: RolloutState,
    /// Why it waits or failed; empty when live.
    pub why: String,
    pub at: Option<Micros>,
}

/// Live, waiting or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum RolloutState {
    /// The deployed revision contains it.
    Live,
    /// Not deployed yet.
    Waiting,
    /// The run that carried it failed, or nothing can be rendered of it.
    Failed,
}

impl RolloutState {
    /// The word on screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Waiting => "waiting",
            Self::Failed => "failed",
        }
    }
}
