//! The drift ledger.

use crate::application::TargetRef;
use crate::id::DriftId;
use crate::resource::{Origin, ResourceKey};
use crate::time::Micros;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One deviation of one field, from first seen to its end. Masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DriftRow {
    pub id: DriftId,
    pub target: TargetRef,
    pub key: ResourceKey,
    pub path: String,
    pub declared: Option<Value>,
    pub live: Option<Value>,
    pub manager: Option<String>,
    pub operation: Option<String>,
    /// Found at the first comparison: counted, not blamed.
    pub baseline: bool,
    pub opened_at: Micros,
    pub closed_at: Option<Micros>,
    pub state: DriftState,
    pub origin: Option<Origin>,
}

/// How a deviation stands or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum DriftState {
    Open,
    Healing,
    /// Undone by a sync or a heal.
    Healed,
    /// Git now says the same.
    Accepted,
    /// The live value went back by itself or by another hand.
    Reverted,
    Held,
}

impl DriftState {
    /// The word on screen and in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Healing => "healing",
            Self::Healed => "healed",
            Self::Accepted => "accepted",
            Self::Reverted => "reverted",
            Self::Held => "held",
        }
    }

    /// Reads what [`DriftState::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Open,
            Self::Healing,
            Self::Healed,
            Self::Accepted,
            Self::Reverted,
            Self::Held,
        ]
        .into_iter()
        .find(|state| state.word() == word)
    }
}

/// What to list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DriftQuery {
    /// Free text over application, cluster, object and field.
    pub filter: String,
    pub include_closed: bool,
    /// What was open then, whatever became of it; `None` for now.
    pub at: Option<Micros>,
}
