//! Who wrote each line of an object: in Git by file, line and commit, in the cluster by field manager.

use crate::diff::FieldChange;
use crate::resource::{Origin, ResourceKey};
use crate::revision::{CommitInfo, Revision};
use serde::{Deserialize, Serialize};

/// An object as Git renders it, line by line. Secret values are masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlameView {
    pub key: ResourceKey,
    /// What was rendered.
    pub revision: Revision,
    /// The repository's name in addresses of commits; empty when what was rendered has no commits.
    pub repo: String,
    pub lines: Vec<BlameLine>,
    /// Those that the lines name, by their index.
    pub commits: Vec<CommitInfo>,
    /// Fields that differ in the cluster and that Git does not declare.
    pub cluster_only: Vec<FieldChange>,
    /// Why lines have no commit, a sentence; empty when there is nothing to say.
    pub note: String,
}

/// A line of the object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlameLine {
    pub text: String,
    /// The field, as differences write it; empty for a line that only opens a map or a list.
    pub path: String,
    pub by: BlamedOn,
    /// Index of the commit in [`BlameView::commits`].
    pub commit: Option<u32>,
    /// What the cluster has instead, and who wrote that.
    pub live: Option<FieldChange>,
}

/// What states a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum BlamedOn {
    /// Nothing of its own: it opens a map or a list, or nothing is known of it.
    Nothing,
    /// A file; with the line when that line says exactly this value, else the file that declares the object.
    File(Origin),
    /// Options of the application's definition.
    Definition,
}
