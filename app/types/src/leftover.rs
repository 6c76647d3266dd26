//! What applications left in clusters when their definitions left Git, and what may become of it.

use crate::application::TargetRef;
use crate::id::{RunId, TargetId};
use crate::plan::Plan;
use crate::resource::ResourceKey;
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// What one application left on one cluster. Nothing of it is touched until a person decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Leftovers {
    pub target: TargetRef,
    pub why: LeftBehind,
    /// Since when; for an application that is still defined, since its definition was last seen to change.
    pub since: Micros,
    /// Objects that are not known to be gone.
    pub objects: Vec<ResourceKey>,
    /// A removal that is under way or awaits approval.
    pub run: Option<RunId>,
}

/// Why objects are nobody's any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum LeftBehind {
    /// The application is no longer defined.
    Removed,
    /// It is defined, and goes elsewhere.
    Moved,
}

impl LeftBehind {
    /// For a table.
    pub fn words(self) -> &'static str {
        match self {
            Self::Removed => "no longer defined in Git",
            Self::Moved => "its definition goes elsewhere now",
        }
    }
}

/// What a removal would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RemovalPreview {
    pub leftovers: Leftovers,
    /// `None`: why is in `error`.
    pub plan: Option<Plan>,
    /// Why there is no plan, or why it must not be carried out, in words.
    pub error: String,
}

/// Asks for a removal of exactly what was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovalRequest {
    pub target: TargetId,
    /// Digest of the plan that was shown.
    pub digest: String,
    /// The application's name, typed again.
    pub typed: String,
    /// In a person's words; may be empty.
    pub reason: String,
}
