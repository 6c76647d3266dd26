//! Another tag for an image, as a commit where Git states the one there is.

use crate::application::TargetRef;
use crate::id::{SourceId, TargetId};
use crate::proposal::CommitOutcome;
use crate::resource::{Origin, ResourceKey};
use crate::revision::{PathChange, Revision};
use crate::rollback::TargetPlan;
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// What a pipeline asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImageRequest {
    pub target: TargetId,
    /// `registry.example.org/team/web=2.0`; the last parts of the name are enough where only one image ends so.
    pub images: Vec<String>,
    pub reason: String,
    /// For review on a branch of its own, with a pull request, instead of on the tracked branch.
    pub propose: bool,
    /// Also where other applications read the file that states it.
    pub everywhere: bool,
    /// Write nothing, say what would be written.
    pub preview: bool,
}

/// One image of one container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImageChange {
    pub key: ResourceKey,
    /// As differences write it.
    pub path: String,
    pub from: String,
    pub to: String,
    /// The line that states it.
    pub place: Origin,
}

/// What was, or would be, written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImageAnswer {
    pub target: TargetRef,
    /// What it does, as one sentence.
    pub first_line: String,
    /// Empty: Git says it already.
    pub changes: Vec<ImageChange>,
    /// Branch that the change is for.
    pub branch: String,
    /// The head of the branch that it is made on.
    pub head: Revision,
    pub files: Vec<PathChange>,
    /// Unified text diff of the files, cut at 200 kB.
    pub patch: String,
    pub message: String,
    /// All targets that read the files, this one first.
    pub targets: Vec<TargetPlan>,
    /// `None`: nothing was written, because that was asked or because Git says it already.
    pub outcome: Option<CommitOutcome>,
}

/// A rule in Git by which the newest tag of an image is written to Git, and what it came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImageRuleView {
    /// Kind and name: `ImageRule web`, `ImagePolicy flux-system/web`, `ImageUpdateAutomation flux-system/all`.
    pub rule: String,
    pub source: SourceId,
    pub source_name: String,
    pub path: String,
    pub line: u32,
    /// Empty for automations, which write what policies choose.
    pub image: String,
    /// In words: `highest version in >=1.0 <2.0`.
    pub chooses: String,
    /// In words: `pull requests for shop/web-*`.
    pub writes: String,
    pub suspended: bool,
    pub interval_seconds: u32,
    /// The tag that was chosen last; empty before that.
    pub newest: String,
    pub looked_at: Option<Micros>,
    /// Why nothing comes of it, or not all; empty when all is as it asks.
    pub problem: String,
    /// What it wrote since the server started, newest first, five at most.
    pub deeds: Vec<ImageRuleDeed>,
}

/// A commit or proposal of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImageRuleDeed {
    pub at: Micros,
    pub what: String,
}
