//! Going back: as a commit on the tracked branch, or as a pin of one target.

use crate::application::TargetRef;
use crate::ask::Obstacle;
use crate::id::TargetId;
use crate::plan::Plan;
use crate::revision::{CommitInfo, PathChange, Revision};
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// What a person says of a revision on a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// Offered to go back to, whatever its health was.
    Good,
    /// Not offered, although it was Synced and Healthy.
    Bad,
}

impl Judgement {
    /// The word on screen, in the database and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
        }
    }

    /// Reads what [`Judgement::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Good, Self::Bad]
            .into_iter()
            .find(|judgement| judgement.word() == word)
    }
}

/// Who said what of a revision, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RevisionMark {
    pub revision: Revision,
    pub judgement: Judgement,
    pub by: String,
    pub reason: String,
    pub at: Micros,
}

/// Marks a revision of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MarkRequest {
    pub target: TargetId,
    pub revision: Revision,
    /// `None` takes the mark away.
    pub judgement: Option<Judgement>,
    pub reason: String,
}

/// A state one may go back to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RollbackCandidate {
    pub commit: CommitInfo,
    /// When it last ran here; `None` for a commit that was never deployed.
    pub ran_at: Option<Micros>,
    /// It was Synced and Healthy here, or marked as good; and nobody marked it as bad.
    pub healthy: bool,
    /// What somebody says of it.
    #[serde(default)]
    pub mark: Option<RevisionMark>,
    /// The newest of the healthy ones before the present state.
    pub last_healthy: bool,
}

impl RollbackCandidate {
    /// Whether somebody says that it was bad.
    pub fn is_bad(&self) -> bool {
        let mark = self.mark.as_ref();
        mark.is_some_and(|mark| mark.judgement == Judgement::Bad)
    }
}

/// What going back would do; nothing has been written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RollbackPreview {
    pub target: TargetRef,
    pub to: CommitInfo,
    /// The head of the tracked branch this preview is made against.
    pub head: Revision,
    /// `12 targets of 3 applications on 4 clusters`, as one sentence.
    pub first_line: String,
    /// Branch the commit goes to; empty when only a pin is possible.
    pub branch: String,
    pub files: Vec<PathChange>,
    /// Unified text diff of the files, cut at 200 kB.
    pub patch: String,
    pub message: String,
    /// All targets that read the paths, this one first.
    pub targets: Vec<TargetPlan>,
    /// Commits of the paths that would be undone, newest first.
    pub undone: Vec<CommitInfo>,
    /// What cannot be undone, a sentence each.
    pub cannot_undo: Vec<String>,
    /// Why a commit is not offered; empty when it is.
    pub commit_refused: String,
    /// The commit `to` is taken back and later ones stay, instead of going back to it.
    #[serde(default)]
    pub undo: bool,
    /// Files that cannot be taken back by themselves, each with why.
    #[serde(default)]
    pub conflicts: Vec<String>,
    /// Closed windows and holds, each of which keeps the sync of a target back unless it is overridden by its name.
    #[serde(default)]
    pub obstacles: Vec<Obstacle>,
    /// Projects that ask for a second person's yes, before a commit or a pin of their applications.
    #[serde(default)]
    pub second_person: Vec<String>,
    /// The fingerprint of the key that the commit will be signed with; empty when it is not signed.
    #[serde(default)]
    pub signed_with: String,
    /// Why the commit would be refused for its signature where it is asked for, so that it is not written to the branch;
    /// empty when it would not. A pull request is still possible.
    #[serde(default)]
    pub signature_refused: String,
    /// Binds the act to what was shown.
    pub digest: String,
}

impl RollbackPreview {
    /// Why no commit can be written to the branch; empty when one can.
    pub fn branch_refused(&self) -> &str {
        match self.commit_refused.is_empty() {
            true => &self.signature_refused,
            false => &self.commit_refused,
        }
    }

    /// What keeps a commit back, or a pin, which concerns the previewed target alone.
    pub fn in_the_way(&self, pin: bool) -> Vec<&Obstacle> {
        let counts = |obstacle: &&Obstacle| !pin || obstacle.target.id == self.target.id;
        self.obstacles.iter().filter(counts).collect()
    }

    /// The plans of what a commit changes, or a pin.
    pub fn plans(&self, pin: bool) -> Vec<TargetPlan> {
        let counts = |plan: &&TargetPlan| !pin || plan.target.id == self.target.id;
        self.targets.iter().filter(counts).cloned().collect()
    }

    /// The projects that ask for a second person, for a commit or for a pin.
    pub fn asks(&self, pin: bool) -> Vec<String> {
        let own = &self.target.application.project;
        let counts = |project: &&String| !pin || *project == own;
        self.second_person.iter().filter(counts).cloned().collect()
    }
}

/// One target's plan in a joint preview.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TargetPlan {
    pub target: TargetRef,
    /// `None` when it cannot be told, with the reason in `error`.
    pub plan: Option<Plan>,
    pub error: String,
    /// Whether a sync follows by itself.
    pub automated: bool,
}

/// Writes the rollback commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RollbackRequest {
    pub target: TargetId,
    pub to: Revision,
    /// Digest of the preview; a moved branch makes it stale.
    pub digest: String,
    pub reason: String,
    /// For review on a branch of its own, with a pull request, instead of on the tracked branch.
    #[serde(default)]
    pub propose: bool,
    /// Take `to` back and keep what came later, instead of going back to it.
    #[serde(default)]
    pub undo: bool,
    /// Names of windows and holds not to wait for.
    #[serde(default)]
    pub overrides: Vec<String>,
}

/// Keeps one target at a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PinRequest {
    pub target: TargetId,
    pub to: Revision,
    pub reason: String,
    /// From now.
    pub hours: u32,
    /// Names of windows and holds not to wait for.
    #[serde(default)]
    pub overrides: Vec<String>,
    /// Of the preview: something else than it showed is not done. Empty: whatever it is now.
    #[serde(default)]
    pub digest: String,
}
