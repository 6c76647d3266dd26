//! What a sync would do: immutable, complete, readable.

use crate::diff::{FieldChange, Impact};
use crate::id::TargetId;
use crate::resource::ResourceKey;
use crate::revision::Revision;
use serde::{Deserialize, Serialize};

/// The part of a sync that a step belongs to, in Argo CD's words. Everything that is not a hook belongs to `Sync`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum PlanPhase {
    /// In a removal, before anything is deleted.
    PreDelete,
    /// Before anything else is written.
    PreSync,
    #[default]
    Sync,
    /// Once all of `Sync` is healthy.
    PostSync,
    /// In a removal, once everything else is gone.
    PostDelete,
    /// Only if something of the other phases failed.
    SyncFail,
}

impl PlanPhase {
    const ALL: [PlanPhase; 6] = [
        Self::PreDelete,
        Self::PreSync,
        Self::Sync,
        Self::PostSync,
        Self::PostDelete,
        Self::SyncFail,
    ];

    /// The word on screen and in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::PreDelete => "PreDelete",
            Self::PreSync => "PreSync",
            Self::Sync => "Sync",
            Self::PostSync => "PostSync",
            Self::PostDelete => "PostDelete",
            Self::SyncFail => "SyncFail",
        }
    }

    /// Reads what [`PlanPhase::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.word() == word)
    }
}

/// When the object of a hook is deleted, in Argo CD's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum HookDeletion {
    /// What an earlier sync left, before the hook is made anew.
    BeforeHookCreation,
    /// After it succeeded.
    HookSucceeded,
    /// After it failed.
    HookFailed,
}

impl HookDeletion {
    /// The word on screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::BeforeHookCreation => "BeforeHookCreation",
            Self::HookSucceeded => "HookSucceeded",
            Self::HookFailed => "HookFailed",
        }
    }
}

/// Marks a step as that of a hook.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HookMark {
    /// When its object is deleted, in the order of the list's type, each once.
    pub deletions: Vec<HookDeletion>,
}

/// What is done to one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Action {
    Create,
    Configure,
    Unchanged,
    /// Delete: the object, or the application that declared it, left Git.
    Prune,
    /// Not touched; says why.
    Skip(String),
    /// Make a hook's object and wait for its end.
    Hook,
    /// Delete a hook's object.
    HookCleanup(HookDeletion),
}

impl Action {
    /// The word on screen and in the database.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Configure => "configure",
            Self::Unchanged => "unchanged",
            Self::Prune => "prune",
            Self::Skip(_) => "skip",
            Self::Hook => "hook",
            Self::HookCleanup(HookDeletion::BeforeHookCreation) => "clean up before hook",
            Self::HookCleanup(HookDeletion::HookSucceeded) => "clean up after success",
            Self::HookCleanup(HookDeletion::HookFailed) => "clean up after failure",
        }
    }

    /// Whether it writes to the cluster.
    pub fn writes(&self) -> bool {
        matches!(self, Self::Create | Self::Configure | Self::Prune) || self.is_of_hook()
    }

    /// Whether it makes or deletes the object of a hook.
    pub fn is_of_hook(&self) -> bool {
        matches!(self, Self::Hook | Self::HookCleanup(_))
    }
}

/// How a declared object that differs is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Method {
    /// Declared fields are set, everything else stays.
    #[default]
    Apply,
    /// The object is made what is declared; whatever others have added goes.
    Replace,
    /// Applied; deleted and made anew if what differs cannot be changed in place.
    ApplyOrRecreate,
    /// Deleted and made anew.
    Recreate,
}

impl Method {
    /// The word on screen and in digests.
    pub fn word(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Replace => "replace",
            Self::ApplyOrRecreate => "apply or make anew",
            Self::Recreate => "make anew",
        }
    }

    /// Whether the object may be deleted on the way.
    pub fn may_delete(self) -> bool {
        matches!(self, Self::ApplyOrRecreate | Self::Recreate)
    }
}

/// One object's part in a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Step {
    /// Position in the plan, from 0.
    pub index: u32,
    pub key: ResourceKey,
    /// API version the manifest is written in, or the live one for prunes.
    pub api_version: String,
    pub action: Action,
    /// How it is written, for those that configure.
    #[serde(default)]
    pub method: Method,
    /// A delete that waits until everything that was applied is healthy.
    #[serde(default)]
    pub prune_last: bool,
    /// Phases wait for the phases before them.
    #[serde(default)]
    pub phase: PlanPhase,
    /// Sync wave within the phase; steps of one wave wait for the waves before it.
    pub wave: i32,
    /// The step is one of a hook.
    #[serde(default)]
    pub hook: Option<HookMark>,
    /// UID of the live object when the plan was made. A different one makes the step invalid.
    pub uid: Option<String>,
    /// Hash of the desired manifest; empty for prunes.
    pub desired_hash: String,
    pub changes: Vec<FieldChange>,
    /// The worst consequence.
    pub impact: Option<Impact>,
    /// Why this step is there, in words.
    pub why: String,
}

/// A finding of the prune gate that needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GateFinding {
    /// The rule: `G2`, `G4` ….
    pub rule: String,
    /// What it found and what would be lost, in words.
    pub message: String,
    /// The objects it is about.
    pub objects: Vec<ResourceKey>,
}

/// The complete plan of one run on one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Plan {
    pub target: TargetId,
    pub revision: Revision,
    /// In the order of execution.
    pub steps: Vec<Step>,
    /// Non-empty: the plan waits for an approval of exactly this digest.
    pub gate: Vec<GateFinding>,
    /// SHA-256 over target, revision and every step's phase, key, action, method, uid, desired hash and fields; not
    /// resourceVersion.
    pub digest: String,
    /// What the planner left out or waits for, a sentence each.
    pub report: Vec<String>,
}

/// Steps by action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlanCounts {
    pub create: u32,
    pub configure: u32,
    pub unchanged: u32,
    pub prune: u32,
    pub skip: u32,
    /// Hooks that run in any case: those for a failed sync do not count.
    #[serde(default)]
    pub hooks: u32,
}

impl Plan {
    /// Steps by action.
    pub fn counts(&self) -> PlanCounts {
        let mut counts = PlanCounts::default();
        for step in &self.steps {
            match step.action {
                Action::Create => counts.create += 1,
                Action::Configure => counts.configure += 1,
                Action::Unchanged => counts.unchanged += 1,
                Action::Prune => counts.prune += 1,
                Action::Skip(_) => counts.skip += 1,
                Action::Hook if step.phase != PlanPhase::SyncFail => counts.hooks += 1,
                Action::Hook | Action::HookCleanup(_) => {}
            }
        }
        counts
    }

    /// The worst consequence.
    pub fn worst_impact(&self) -> Option<Impact> {
        self.steps.iter().filter_map(|step| step.impact).min()
    }

    /// Whether carrying it out would write anything.
    pub fn writes(&self) -> bool {
        self.steps.iter().any(|step| step.action.writes())
    }
}
