//! What becomes of a commit that Lockstep was asked to make: on the branch, or for review on a branch of its own, with a
//! pull request where the Git host takes one.

use crate::ask::Asked;
use crate::revision::Revision;
use serde::{Deserialize, Serialize};

/// What was proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Proposal {
    /// The repository's name in addresses of commits.
    pub repo: String,
    /// The branch that it is for.
    pub onto: String,
    /// The new branch.
    pub branch: String,
    pub revision: Revision,
    /// Address of the pull request; empty when none was opened.
    pub pull_request: String,
    /// Why there is no pull request, and what to do; empty when there is one.
    pub note: String,
}

impl Proposal {
    /// What was done, as a sentence.
    pub fn words(&self) -> String {
        if self.pull_request.is_empty() {
            format!("The change is on the branch {}. {}", self.branch, self.note)
        } else {
            format!(
                "A pull request from {} into {} is open: {}",
                self.branch, self.onto, self.pull_request
            )
        }
    }
}

/// What became of a commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum CommitOutcome {
    /// The commit is on the branch; the sync follows.
    Committed { revision: Revision },
    /// On a branch of its own; nothing is deployed before it is merged.
    Proposed(Proposal),
    /// A rollback that waits for a second person; nothing is written before.
    Asked(Asked),
    /// The host refused the push, with its message. Nothing was changed.
    PushRefused { message: String },
    /// The branch moved since the preview. Nothing was changed.
    Moved { head: Revision },
}
