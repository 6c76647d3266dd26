//! Sets of applications: one definition that generates many.

use crate::application::ApplicationRef;
use crate::id::SourceId;
use crate::revision::TargetRevision;
use crate::time::Micros;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which set made an application, and from what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetRef {
    /// Kind, namespace and name: `ApplicationSet argocd/addons`.
    pub set: String,
    /// The row of the matrix that it fills with other members.
    pub row: String,
    /// The generator's parameters, nested names dotted.
    pub parameters: BTreeMap<String, String>,
}

/// A set with all that it generates, or does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetView {
    pub source: SourceId,
    pub source_name: String,
    /// As [`SetRef::set`].
    pub set: String,
    /// The application that renders the set; none when it stands in the files of the source.
    pub parent: Option<ApplicationRef>,
    pub path: String,
    /// 1-based.
    pub line: u32,
    /// When it was last expanded.
    pub at: Micros,
    pub members: Vec<SetMemberView>,
    /// How a new state reaches them step by step; none: all at once.
    pub rollout: Option<crate::rollout::RolloutView>,
    /// Place of a generator and why it gives nothing here.
    pub not_generated: Vec<(String, String)>,
    /// Repositories that are still to be fetched.
    pub waiting_for: Vec<String>,
    /// What is wrong and what to do.
    pub problems: Vec<(String, String)>,
    /// Fields that Lockstep does not act on, dotted, with why.
    pub ignored_fields: Vec<(String, String)>,
}

/// An application that a set generates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetMemberView {
    pub application: ApplicationRef,
    pub set: SetRef,
    pub repo_url: String,
    pub path: String,
    pub target_revision: TargetRevision,
}
