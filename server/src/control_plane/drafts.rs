//! A commit as it would be: made in the mirror alone and by nobody yet, so that what it does can be shown before it is done.

use super::definitions::Placement;
use super::rollbacks::affected::Tracked;
use super::rollbacks::commit::email;
use super::{Plane, refuse};
use engine::source::{CommitRequest, Credential, TreeEdit};
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::revision::{PathChange, Revision};

/// What a commit would change, and for whom.
pub(super) struct Draft {
    pub revision: Revision,
    pub files: Vec<PathChange>,
    pub patch: String,
    /// Targets that read what it changes, the asked one first.
    pub reached: Vec<Placement>,
}

/// A commit that nobody has written yet.
pub(super) fn unsigned(
    branch: &str,
    head: &Revision,
    edit: TreeEdit,
    message: &str,
) -> CommitRequest {
    CommitRequest {
        branch: branch.to_owned(),
        expected_head: head.clone(),
        edit,
        message: message.to_owned(),
        author_name: String::new(),
        author_email: String::new(),
    }
}

/// The same by somebody.
pub(super) fn by(actor: &Actor, unsigned: CommitRequest) -> CommitRequest {
    CommitRequest {
        author_name: actor.name.clone(),
        author_email: email(actor),
        ..unsigned
    }
}

impl Plane {
    /// The branch that a placement follows.
    pub(super) async fn tracked_by(&self, placement: &Placement) -> Result<Tracked, PortError> {
        let source = &placement.defined.definition.source;
        self.tracked(&source.repo_url, &source.target_revision)
            .await
    }

    /// Makes a commit in the mirror alone; `None` when it would change nothing.
    pub(super) async fn in_mirror(
        &self,
        placement: &Placement,
        commit: CommitRequest,
    ) -> Result<Option<Revision>, PortError> {
        let url = placement.defined.repo_url();
        let made = self.runtime.mirrors().prepare_commit(url, commit).await;
        made.map_err(refuse::source)
    }

    /// The same with what it changes and whom it reaches.
    pub(super) async fn drafted(
        &self,
        placement: &Placement,
        credential: &Credential,
        commit: CommitRequest,
    ) -> Result<Option<Draft>, PortError> {
        let url = placement.defined.repo_url();
        let (branch, head) = (commit.branch.clone(), commit.expected_head.clone());
        let Some(revision) = self.in_mirror(placement, commit).await? else {
            return Ok(None);
        };
        let files = self
            .runtime
            .mirrors()
            .changed(url, Some(&head), &revision, &[])
            .await
            .map_err(refuse::source)?;
        let patch = self.patch(url, Some(&head), &revision, &files).await?;
        let reached = self.reached(placement, &branch, &files, credential).await?;
        Ok(Some(Draft {
            revision,
            files,
            patch,
            reached,
        }))
    }
}
