//! Why a target is not Synced and Healthy, as data: every page and the CLI say the same sentence.

use crate::resource::ResourceKey;
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// The fixed set of reasons. Also the label of failure metrics, so it stays small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ReasonCode {
    /// The mode is Observe: differences are shown, nothing is written.
    Observing,
    /// The revision could not be fetched or resolved.
    FetchFailed,
    /// The files could not be turned into manifests.
    RenderFailed,
    /// The commit does not carry the signature that is asked for.
    Unverified,
    /// The definition is broken or names something unknown.
    DefinitionInvalid,
    /// The cluster does not answer.
    ClusterUnreachable,
    /// Live state is not complete yet; nothing is judged on half a list.
    LiveUnknown,
    /// Comparing was impossible for at least one object.
    CompareFailed,
    /// The revision is newer than what runs, and nobody has started the sync.
    Behind,
    /// The live objects differ from what the same revision says.
    Drifted,
    /// Two managers put a field back and forth; healing rests.
    Fighting,
    /// A run is on its way.
    Syncing,
    /// A run waits for the end of a hook.
    WaitingForHook,
    /// A run waits until a wave is healthy.
    WaitingForWave,
    /// Another application must be ready first.
    WaitingForDependency,
    /// Others of its rollout come first.
    WaitingForRollout,
    /// Another member of its rollout fails, or people sync this one.
    RolloutPaused,
    /// At least one object was refused by the cluster.
    ApplyFailed,
    /// A delete was refused or stopped.
    PruneFailed,
    /// Objects would be deleted and the prune gate asks for a person.
    AwaitingApproval,
    /// A closed sync window keeps automatic syncs away.
    WaitingForWindow,
    /// A hold is in force.
    Held,
    /// A pin is in force.
    Pinned,
    /// The render is empty while the inventory is not.
    EmptyRender,
    /// Objects are applied and not yet ready.
    Progressing,
    /// At least one object is in a bad state.
    Degraded,
    /// Objects that Git declares are not there.
    Missing,
    /// Work is paused by the definition itself.
    Suspended,
}

impl ReasonCode {
    /// The stable word used in JSON, metrics and the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Observing => "Observing",
            Self::FetchFailed => "FetchFailed",
            Self::RenderFailed => "RenderFailed",
            Self::Unverified => "Unverified",
            Self::DefinitionInvalid => "DefinitionInvalid",
            Self::ClusterUnreachable => "ClusterUnreachable",
            Self::LiveUnknown => "LiveUnknown",
            Self::CompareFailed => "CompareFailed",
            Self::Behind => "Behind",
            Self::Drifted => "Drifted",
            Self::Fighting => "Fighting",
            Self::Syncing => "Syncing",
            Self::WaitingForHook => "WaitingForHook",
            Self::WaitingForWave => "WaitingForWave",
            Self::WaitingForDependency => "WaitingForDependency",
            Self::WaitingForRollout => "WaitingForRollout",
            Self::RolloutPaused => "RolloutPaused",
            Self::ApplyFailed => "ApplyFailed",
            Self::PruneFailed => "PruneFailed",
            Self::AwaitingApproval => "AwaitingApproval",
            Self::WaitingForWindow => "WaitingForWindow",
            Self::Held => "Held",
            Self::Pinned => "Pinned",
            Self::EmptyRender => "EmptyRender",
            Self::Progressing => "Progressing",
            Self::Degraded => "Degraded",
            Self::Missing => "Missing",
            Self::Suspended => "Suspended",
        }
    }
}

/// Why, since when, because of what, and what happens next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reason {
    pub code: ReasonCode,
    /// The object it is about, when it is one.
    pub object: Option<ResourceKey>,
    /// What is wrong, in words, without a full stop: `2 of 3 pods cannot pull checkout:2.9.1`.
    pub cause: String,
    pub since: Micros,
    /// What happens next or what a person can do, in words, without a full stop.
    pub next: String,
    /// A person must act; otherwise it is retried or resolves by itself.
    pub stalled: bool,
}

impl Reason {
    /// Cause and next step as one line of text.
    pub fn sentence(&self) -> String {
        if self.next.is_empty() {
            format!("{}.", self.cause)
        } else {
            format!("{}. {}.", self.cause, self.next)
        }
    }
}
