//! What lives in a cluster and is declared by nobody: in the namespace of one application, and in a whole cluster.

use crate::application::TargetRef;
use crate::resource::ResourceKey;
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// A live object that no application declares and no other object owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Orphan {
    pub key: ResourceKey,
    pub created_at: Option<Micros>,
    /// Who made it, as its labels and managed fields tell: `Helm`, `Flux Kustomization flux-system/apps`,
    /// `kubectl-create`. Empty: nothing tells.
    pub made_by: String,
}

/// What was found around one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrphansView {
    pub target: TargetRef,
    pub namespace: String,
    /// The project whose rules count, with file and line; empty: no project limits the application.
    pub rules: String,
    pub orphans: Vec<Orphan>,
    /// Kinds that could not be listed, with why: there may be more.
    pub unread: Vec<(String, String)>,
    /// Applications on the cluster whose objects are not known yet: theirs may be among these.
    pub unsure: Vec<String>,
    pub at: Micros,
}

/// What the project of an application asks about orphans, for its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OrphanWatch {
    /// Whether the application carries a warning while there are some.
    pub warn: bool,
    /// How many the newest look found; `None` before the first.
    pub found: Option<u32>,
}
