//! Progressive rollouts: a new state reaches the members of a set, or the clusters of a bundle, step by step.

use crate::application::ApplicationRef;
use crate::id::TargetId;
use serde::{Deserialize, Serialize};

/// Where a rollout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum RolloutPhase {
    /// Everybody in a step is ready.
    Done,
    /// Somebody is not ready yet, and it goes on by itself.
    Rolling,
    /// It does not go on before somebody does something: a member fails, or people sync the next step.
    Paused,
}

impl RolloutPhase {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Rolling => "under way",
            Self::Paused => "paused",
        }
    }
}

/// What a member is to its rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum RolloutStanding {
    /// Synced and healthy at what Git says now.
    Ready,
    /// Its turn has come: it is about to sync.
    Next,
    /// What Git says now is on its way.
    UnderWay,
    /// Its sync failed, or an object is Degraded.
    Failing,
    /// Others come first, or people sync it.
    Waiting,
    /// It has not been compared with what Git says now.
    NotCompared,
}

impl RolloutStanding {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Next => "next",
            Self::UnderWay => "under way",
            Self::Failing => "failing",
            Self::Waiting => "waiting",
            Self::NotCompared => "not compared",
        }
    }
}

/// A target within a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RolloutMember {
    pub target: TargetId,
    pub application: ApplicationRef,
    pub cluster: String,
    pub standing: RolloutStanding,
    /// Why it is not ready, without a full stop; empty when it is.
    pub said: String,
}

/// A step with its members.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RolloutStep {
    /// `step 1`, `partition canary`.
    pub name: String,
    /// Whom it selects, in words; may be empty.
    pub selects: String,
    /// How many may be under way at once: `2`, `25%`.
    pub at_once: String,
    /// How many need not be ready for it to be done.
    pub unready: String,
    pub members: Vec<RolloutMember>,
}

/// A rollout as it stands now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RolloutView {
    /// What is rolled out: `ApplicationSet argocd/addons`, `Bundle fleet-local/web`.
    pub title: String,
    pub state: RolloutPhase,
    /// What it waits for, without a full stop; empty when it is done.
    pub said: String,
    pub steps: Vec<RolloutStep>,
    /// Members that no step selects: people sync them.
    pub unselected: Vec<RolloutMember>,
}
