//! One timeline of commits and actions.

use crate::application::TargetRef;
use crate::fleet::CommitOnTarget;
use crate::revision::{CommitInfo, PathChange};
use crate::sync::RunSummary;
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// What to list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ActivityQuery {
    /// Person, application, cluster or words; all must match.
    pub filter: String,
    /// `commit`, `sync`, `action`; empty for all.
    pub kind: String,
    /// Only what is older than this; for paging.
    pub before: Option<Micros>,
    /// At most this many, 200 at most.
    pub limit: u32,
}

/// A page of the timeline, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActivityView {
    pub entries: Vec<ActivityEntry>,
    pub next: Option<Micros>,
    pub head: u64,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ActivityEntry {
    /// A commit of a tracked repository with what became of it.
    Commit {
        repo: String,
        repo_url: String,
        commit: CommitInfo,
        targets: Vec<CommitOnTarget>,
        lead_time_seconds: Option<i64>,
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
    },
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
pub struct CommitView {
    pub repo: String,
    pub repo_url: String,
    pub commit: CommitInfo,
    pub files: Vec<PathChange>,
    /// Unified text diff of the files, cut at 200 kB.
    pub patch: String,
    pub targets: Vec<CommitOnTarget>,
    /// From commit to live everywhere; `None` while it is not.
    pub lead_time_seconds: Option<i64>,
    pub runs: Vec<RunSummary>,
}
