//! What differs between Git and a cluster. Secret values are masked before these types are built:
//! there is no unmasked form.

use crate::resource::{Origin, ResourceKey};
use crate::time::Micros;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Does the cluster match Git?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SyncStatus {
    Synced,
    OutOfSync,
    Unknown,
}

impl SyncStatus {
    /// The word on screen and in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Synced => "Synced",
            Self::OutOfSync => "OutOfSync",
            Self::Unknown => "Unknown",
        }
    }

    /// Reads what [`SyncStatus::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Synced, Self::OutOfSync, Self::Unknown]
            .into_iter()
            .find(|status| status.word() == word)
    }
}

/// Why a field differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum DiffClass {
    /// Git moved on and nobody has synced yet.
    NotYetSynced,
    /// The same revision said otherwise: somebody changed the live object.
    Drift,
    /// A default or an admission plugin set it. Never a reason to sync.
    Noise,
    /// Another controller (an autoscaler, an operator) owns the field. Never a reason to sync.
    OwnedByOther,
}

/// What applying a change does, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Impact {
    DeletesData,
    Deletes,
    Recreates,
    RestartsPods,
    WidensAccess,
    Exposes,
    Scales,
    Configures,
    MetadataOnly,
}

impl Impact {
    /// A few words for a label.
    pub fn words(self) -> &'static str {
        match self {
            Self::DeletesData => "deletes data",
            Self::Deletes => "deletes",
            Self::Recreates => "recreates",
            Self::RestartsPods => "restarts pods",
            Self::WidensAccess => "widens access",
            Self::Exposes => "exposes",
            Self::Scales => "scales",
            Self::Configures => "configures",
            Self::MetadataOnly => "metadata only",
        }
    }
}

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldChange {
    /// `spec.template.spec.containers[name=web].image`; list items by merge key where the schema has one, else by index.
    pub path: String,
    /// `None`: Git does not (or no longer) declare it.
    pub declared: Option<Value>,
    /// `None`: absent in the cluster.
    pub live: Option<Value>,
    pub class: DiffClass,
    /// Field manager that last wrote the live value, when managedFields tells.
    pub manager: Option<String>,
    /// `Apply` or `Update`.
    pub operation: Option<String>,
    /// Time of that manager's entry. Kubernetes keeps one time per manager, not per field.
    pub at: Option<Micros>,
    pub impact: Impact,
}

/// How one object differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResourceDiff {
    pub key: ResourceKey,
    pub kind: ResourceDiffKind,
    pub changes: Vec<FieldChange>,
    pub origin: Option<Origin>,
    /// YAML of the live object, masked, without server-set fields.
    pub live_yaml: Option<String>,
    /// YAML of the live object as a sync would leave it, masked, without server-set fields.
    pub predicted_yaml: Option<String>,
}

impl ResourceDiff {
    /// Whether a sync would change this object.
    pub fn counts(&self) -> bool {
        match self.kind {
            ResourceDiffKind::Missing | ResourceDiffKind::Extra => true,
            ResourceDiffKind::Unsure(_) => false,
            ResourceDiffKind::Differs => self
                .changes
                .iter()
                .any(|change| matches!(change.class, DiffClass::NotYetSynced | DiffClass::Drift)),
        }
    }
}

/// The shape of a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ResourceDiffKind {
    /// Declared, not live.
    Missing,
    /// Live and in our inventory, no longer declared.
    Extra,
    /// Both, with different fields.
    Differs,
    /// Could not be compared; says why.
    Unsure(String),
}
