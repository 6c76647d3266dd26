//! What a sync would do: immutable, complete, readable.

use crate::diff::{FieldChange, Impact};
use crate::id::TargetId;
use crate::resource::ResourceKey;
use crate::revision::Revision;
use serde::{Deserialize, Serialize};

/// What is done to one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    Create,
    Configure,
    Unchanged,
    /// Delete: the object left Git.
    Prune,
    /// Not touched; says why.
    Skip(String),
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
        }
    }

    /// Whether it writes to the cluster.
    pub fn writes(&self) -> bool {
        matches!(self, Self::Create | Self::Configure | Self::Prune)
    }
}

/// One object's part in a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Position in the plan, from 0.
    pub index: u32,
    pub key: ResourceKey,
    /// API version the manifest is written in, or the live one for prunes.
    pub api_version: String,
    pub action: Action,
    /// Sync wave; steps of one wave wait for the waves before it.
    pub wave: i32,
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
pub struct Plan {
    pub target: TargetId,
    pub revision: Revision,
    /// In the order of execution.
    pub steps: Vec<Step>,
    /// Non-empty: the plan waits for an approval of exactly this digest.
    pub gate: Vec<GateFinding>,
    /// SHA-256 over target, revision and every step's key, action, uid, desired hash and fields; not resourceVersion.
    pub digest: String,
    /// What the planner left out or waits for, a sentence each.
    pub report: Vec<String>,
}

/// Steps by action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlanCounts {
    pub create: u32,
    pub configure: u32,
    pub unchanged: u32,
    pub prune: u32,
    pub skip: u32,
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
            }
        }
        counts
    }

    /// Whether carrying it out would write anything.
    pub fn writes(&self) -> bool {
        self.steps.iter().any(|step| step.action.writes())
    }
}
