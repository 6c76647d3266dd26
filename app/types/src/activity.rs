//! One timeline of commits and actions.

use crate::application::TargetRef;
use crate::fleet::CommitOnTarget;
use crate::id::TokenId;
use crate::pull::CommitPull;
use crate::revision::{CommitInfo, CommitSignature, PathChange};
use crate::sync::RunSummary;
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// What to list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivityQuery {
    /// Person, application, cluster or words; all must match.
    pub filter: String,
    /// `commit`, `sync`, `action`; empty for all.
    pub kind: String,
    /// `none`: only commits of which no approval is known; `known`: only the others; empty for all.
    #[serde(default)]
    pub approval: String,
    /// Only what is older than this; for paging.
    pub before: Option<Micros>,
    /// At most this many, 200 at most.
    pub limit: u32,
}

/// A page of the timeline, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivityView {
    pub entries: Vec<ActivityEntry>,
    pub next: Option<Micros>,
    pub head: u64,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ActivityEntry {
    /// A commit of a tracked repository with what became of it.
    Commit {
        repo: String,
        repo_url: String,
        commit: CommitInfo,
        targets: Vec<CommitOnTarget>,
        lead_time_seconds: Option<i64>,
        /// What the Git host knows of its review; `None` when it knows nothing, or was not asked.
        #[serde(default)]
        pull: Option<CommitPull>,
    },
    /// A sync, heal or rollback.
    Run(RunSummary),
    /// A person's or token's act from the audit log.
    Action {
        at: Micros,
        actor: String,
        action: String,
        subject: String,
        target: Option<TargetRef>,
        reason: String,
        /// Where it stands in the audit log.
        #[serde(default)]
        log: LogPlace,
    },
}

/// An act's entry in the audit log, so that an export can be held against the log itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogPlace {
    pub number: u64,
    /// SHA-256 over this entry and the digest before it, as `lockstep audit verify` computes it.
    pub digest: String,
    /// The token that the act came by.
    pub token: Option<TokenId>,
    /// What else was noted of the act.
    pub detail: serde_json::Value,
}

impl ActivityEntry {
    /// When it happened.
    pub fn at(&self) -> Micros {
        match self {
            Self::Commit { commit, .. } => commit.committed_at,
            Self::Run(run) => run.started_at,
            Self::Action { at, .. } => *at,
        }
    }
}

/// The passport of a commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommitView {
    pub repo: String,
    pub repo_url: String,
    pub commit: CommitInfo,
    pub files: Vec<PathChange>,
    /// Unified text diff of the files, cut at 200 kB.
    pub patch: String,
    pub targets: Vec<CommitOnTarget>,
    /// What had to be looked at again because of it, by application and cluster.
    #[serde(default)]
    pub renders: Vec<CommitRender>,
    /// Targets of the same repository of which it touched nothing that they look at.
    #[serde(default)]
    pub untouched: Vec<TargetRef>,
    /// From commit to live everywhere; `None` while it is not.
    pub lead_time_seconds: Option<i64>,
    pub runs: Vec<RunSummary>,
    /// Who vouches for it, or why it is refused.
    #[serde(default)]
    pub signature: CommitSignature,
    /// What the Git host knows of its review; `None` when it knows nothing, or was not asked.
    #[serde(default)]
    pub pull: Option<CommitPull>,
}

/// How one target came by the manifests of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommitRender {
    pub target: TargetRef,
    pub outcome: RenderOutcome,
    /// Of the renderer; 0 when it did not run.
    pub millis: u32,
    /// Why there is no render; empty otherwise.
    pub why: String,
    pub at: Option<Micros>,
}

/// What a commit that touches a target's files came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum RenderOutcome {
    /// The renderer ran.
    Rendered,
    /// The inputs are what they were.
    Same,
    /// The same inputs had been rendered before.
    Cached,
    Failed,
    /// A later commit that holds it was looked at instead.
    WithAnother,
    NotYet,
}

impl RenderOutcome {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rendered => "rendered",
            Self::Same => "same",
            Self::Cached => "cached",
            Self::Failed => "failed",
            Self::WithAnother => "with-another",
            Self::NotYet => "not-yet",
        }
    }

    /// Reads what [`RenderOutcome::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Rendered,
            Self::Same,
            Self::Cached,
            Self::Failed,
            Self::WithAnother,
            Self::NotYet,
        ]
        .into_iter()
        .find(|outcome| outcome.word() == word)
    }

    /// What people read.
    pub fn words(self) -> &'static str {
        match self {
            Self::Rendered => "rendered again",
            Self::Same => "not rendered: its inputs are the same",
            Self::Cached => "not rendered: these inputs were rendered before",
            Self::Failed => "cannot be rendered",
            Self::WithAnother => "taken over with a later commit",
            Self::NotYet => "not reached yet",
        }
    }
}
