//! Operations, runs and what became of each step.

use crate::application::TargetRef;
use crate::id::{ApprovalId, OperationId, RunId, TargetId};
use crate::plan::{Action, GateFinding, Plan, PlanCounts, PlanPhase};
use crate::resource::ResourceKey;
use crate::revision::{CommitInfo, Revision};
use crate::sync_once::SyncOnce;
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// The life of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum SyncPhase {
    Pending,
    Planning,
    AwaitingApproval,
    Applying,
    Verifying,
    Succeeded,
    Failed,
    Superseded,
    Terminated,
    Interrupted,
}

impl SyncPhase {
    const ALL: [SyncPhase; 10] = [
        Self::Pending,
        Self::Planning,
        Self::AwaitingApproval,
        Self::Applying,
        Self::Verifying,
        Self::Succeeded,
        Self::Failed,
        Self::Superseded,
        Self::Terminated,
        Self::Interrupted,
    ];

    /// The word on screen and in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Planning => "Planning",
            Self::AwaitingApproval => "AwaitingApproval",
            Self::Applying => "Applying",
            Self::Verifying => "Verifying",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Superseded => "Superseded",
            Self::Terminated => "Terminated",
            Self::Interrupted => "Interrupted",
        }
    }

    /// Reads what [`SyncPhase::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.word() == word)
    }

    /// Whether nothing more will happen in this run.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Succeeded
                | Self::Failed
                | Self::Superseded
                | Self::Terminated
                | Self::Interrupted
        )
    }
}

/// What an operation asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum OperationKind {
    /// Make the cluster match.
    Sync,
    /// Look again.
    Refresh,
    /// Write an earlier state to Git, then sync.
    Rollback,
    /// End a run.
    Terminate,
    /// Begin writing to what was only observed.
    TakeOver,
    /// Delete what an application left when its definition left Git.
    Remove,
    /// Forget that, and take our mark off it.
    Leave,
    /// Restart, scale, run or delete one object, without a change in Git.
    Act,
}

impl OperationKind {
    /// The word on screen and in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Refresh => "refresh",
            Self::Rollback => "rollback",
            Self::Terminate => "terminate",
            Self::TakeOver => "take-over",
            Self::Remove => "remove",
            Self::Leave => "leave",
            Self::Act => "act",
        }
    }
}

/// Who or what began a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum StartedBy {
    /// A person or token, by display name.
    Person(String),
    /// A new commit and auto-sync.
    AutoSync,
    /// Drift and self-heal.
    SelfHeal,
    /// A rollback by the named person.
    Rollback(String),
}

impl StartedBy {
    /// For a table: `maria`, `auto-sync`, `self-heal`, `rollback by maria`.
    pub fn words(&self) -> String {
        match self {
            Self::Person(name) => name.clone(),
            Self::AutoSync => "auto-sync".to_owned(),
            Self::SelfHeal => "self-heal".to_owned(),
            Self::Rollback(name) => format!("rollback by {name}"),
        }
    }
}

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepOutcome {
    pub index: u32,
    pub key: ResourceKey,
    pub action: Action,
    pub status: StepStatus,
    /// The cluster's answer or what it waits for; masked.
    pub message: String,
    pub started_at: Option<Micros>,
    pub ended_at: Option<Micros>,
    #[serde(default)]
    pub phase: PlanPhase,
    pub wave: i32,
    /// UID of the object that a hook's step made, as soon as it is known.
    #[serde(default)]
    pub uid: Option<String>,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum StepStatus {
    Waiting,
    Running,
    Done,
    Failed,
    Skipped,
}

impl StepStatus {
    /// The word on screen and in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }

    /// Reads what [`StepStatus::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Waiting,
            Self::Running,
            Self::Done,
            Self::Failed,
            Self::Skipped,
        ]
        .into_iter()
        .find(|status| status.word() == word)
    }
}

/// A row of history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunSummary {
    pub id: RunId,
    pub operation: OperationId,
    pub target: TargetRef,
    pub revision: Revision,
    pub commit: Option<CommitInfo>,
    pub started_by: StartedBy,
    pub phase: SyncPhase,
    /// The first failure or the reason for waiting; empty when all is well.
    pub message: String,
    pub started_at: Micros,
    pub ended_at: Option<Micros>,
    pub counts: PlanCounts,
    /// What was asked of this run alone.
    #[serde(default)]
    pub once: SyncOnce,
}

/// A run with everything the page shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunView {
    pub summary: RunSummary,
    pub plan: Option<Plan>,
    pub steps: Vec<StepOutcome>,
    /// What it waits for and why, in words; empty when it does not wait.
    pub waiting_for: String,
    pub may_terminate: bool,
    pub may_retry: bool,
    /// When its plan and what was said of its steps were let go, by the policy of retention.
    #[serde(default)]
    pub bodies_gone_at: Option<Micros>,
}

/// A plan that waits for a yes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApprovalView {
    pub id: ApprovalId,
    pub target: TargetRef,
    pub run: RunId,
    pub revision: Revision,
    pub digest: String,
    pub gate: Vec<GateFinding>,
    pub asked_at: Micros,
    pub counts: PlanCounts,
}

/// Asks for a sync of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncRequest {
    pub target: TargetId,
    pub prune: bool,
    /// What is wished for this time only.
    #[serde(default)]
    pub once: SyncOnce,
    /// The same key never starts a second run.
    pub idempotency_key: Option<String>,
}
