//! Going back by commit: the tree of the branch's head with some paths as they were.

use super::commit::{CommitRequest, PushOutcome, TreeEdit};
use super::{Credential, Mirrors, SourceError};
use lockstep_types::revision::Revision;

/// What to commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreRequest {
    /// Short name, `main`.
    pub branch: String,
    /// The head that was previewed. A branch that is elsewhere has moved.
    pub expected_head: Revision,
    /// Files or folders; what `restore_from` lacks is removed.
    pub paths: Vec<String>,
    pub restore_from: Revision,
    pub message: String,
    pub author_name: String,
    pub author_email: String,
}

impl From<RestoreRequest> for CommitRequest {
    fn from(request: RestoreRequest) -> Self {
        Self {
            branch: request.branch,
            expected_head: request.expected_head,
            edit: TreeEdit::Restore {
                paths: request.paths,
                from: request.restore_from,
            },
            message: request.message,
            author_name: request.author_name,
            author_email: request.author_email,
        }
    }
}

impl Mirrors {
    /// Commits on a branch so that its tree equals the head's except that the paths are as they were in
    /// another commit, and pushes that, fast-forward only.
    ///
    /// # Errors
    /// As [`Mirrors::push_commit`].
    pub async fn restore_paths(
        &self,
        repo_url: &str,
        credential: &Credential,
        request: RestoreRequest,
    ) -> Result<PushOutcome, SourceError> {
        self.push_commit(repo_url, credential, request.into()).await
    }

    /// Makes the commit that [`Mirrors::restore_paths`] would push, in the mirror alone. `None` when there would be
    /// nothing to commit.
    ///
    /// # Errors
    /// As [`Mirrors::prepare_commit`].
    pub async fn prepare_restore(
        &self,
        repo_url: &str,
        request: RestoreRequest,
    ) -> Result<Option<Revision>, SourceError> {
        self.prepare_commit(repo_url, request.into()).await
    }
}
