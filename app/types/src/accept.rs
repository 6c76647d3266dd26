//! Accepting drift: what somebody changed in a cluster becomes a commit, so that Git says it too.

use crate::application::TargetRef;
use crate::diff::FieldChange;
use crate::id::TargetId;
use crate::resource::{Origin, ResourceKey};
use crate::revision::{PathChange, Revision};
use crate::rollback::TargetPlan;
use serde::{Deserialize, Serialize};

/// What would be committed; nothing has been written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AcceptPreview {
    pub target: TargetRef,
    pub key: ResourceKey,
    /// What is accepted: Git's value, the cluster's, and who wrote that.
    pub change: FieldChange,
    /// Who becomes the author of what, and what it reaches, as sentences.
    pub first_line: String,
    /// Where the value is written; `None` when it cannot be.
    pub place: Option<Origin>,
    /// Branch that the change is for; empty when the source follows none.
    pub branch: String,
    /// The head of the branch this preview is made against.
    pub head: Revision,
    pub files: Vec<PathChange>,
    /// Unified text diff of the files, cut at 200 kB.
    pub patch: String,
    pub message: String,
    /// What else of the application the change of the file changes, by name.
    #[serde(default)]
    pub also: Vec<String>,
    /// All targets that read the file, this one first.
    pub targets: Vec<TargetPlan>,
    /// Why it cannot be committed, and what to do instead; empty when it can.
    pub refused: String,
    /// Binds the act to what was shown.
    pub digest: String,
}

/// Writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AcceptRequest {
    pub target: TargetId,
    pub key: ResourceKey,
    /// The field, as differences write it.
    pub path: String,
    /// Digest of the preview.
    pub digest: String,
    pub reason: String,
    /// For review on a branch of its own, with a pull request, instead of on the tracked branch.
    pub propose: bool,
}
