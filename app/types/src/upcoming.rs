//! What a branch would do once it is merged: nothing has been written, and the cluster is only read.

mod outline;

pub use outline::{ObjectOutline, Outline, TargetOutline};

use crate::revision::{CommitInfo, PathChange, Revision};
use crate::rollback::TargetPlan;
use serde::{Deserialize, Serialize};

/// What to look at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UpcomingQuery {
    /// The repository's name in addresses of commits; empty where there is only one.
    pub repo: String,
    /// A branch, tag or commit.
    pub reference: String,
    /// The branch that it is for; empty for the one that most targets follow.
    pub onto: String,
}

/// What it would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Upcoming {
    pub repo: String,
    pub repo_url: String,
    pub reference: String,
    pub commit: CommitInfo,
    pub onto: String,
    /// The head of the branch that it is for.
    pub head: Revision,
    /// What it brings, as one sentence.
    pub first_line: String,
    /// Commits that it brings, newest first, 100 at most.
    pub commits: Vec<CommitInfo>,
    /// Files that both sides changed since they parted: the merge cannot be foreseen.
    pub conflicts: Vec<String>,
    /// The commit that was looked at: the branch itself, or its changes on the head; `None` when there are conflicts.
    pub merged: Option<Revision>,
    pub files: Vec<PathChange>,
    /// Unified text diff, cut at 200 kB.
    pub patch: String,
    /// Every target that reads a changed file.
    pub targets: Vec<TargetPlan>,
    /// What the plans do not show, a sentence each.
    pub notes: Vec<String>,
}

impl Upcoming {
    /// Whether nothing stands against a merge: no conflict, every plan can be told, and no prune is held.
    pub fn is_clear(&self) -> bool {
        self.conflicts.is_empty()
            && self.targets.iter().all(|target| {
                target
                    .plan
                    .as_ref()
                    .is_some_and(|plan| plan.gate.is_empty())
            })
    }
}
