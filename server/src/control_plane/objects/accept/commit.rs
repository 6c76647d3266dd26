//! Writing what was accepted: the audit log first, then the branch, then the target looks at it at once.

use super::super::super::definitions::Placement;
use super::super::super::proposals::branch_name;
use super::super::super::{drafts, refuse};
use super::super::Plane;
use super::words;
use crate::runtime::now;
use engine::source::{CommitRequest, Credential, PushOutcome, TreeEdit};
use lockstep_types::PortError;
use lockstep_types::accept::AcceptRequest;
use lockstep_types::account::Actor;
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::revision::Revision;
use serde_json::json;
use uuid::Uuid;

/// A commit on its way.
pub(in super::super) struct Writing<'a> {
    pub credential: &'a Credential,
    /// Targets that read what it changes.
    pub reached: &'a [Placement],
    /// The branch for a review; `None`: the tracked branch.
    pub proposal: Option<String>,
}

impl Plane {
    pub(in super::super) async fn commit_accept(
        &self,
        actor: &Actor,
        placement: &Placement,
        request: &AcceptRequest,
        reason: &str,
    ) -> Result<CommitOutcome, PortError> {
        let prepared = self
            .prepare_accept(placement, &request.key, &request.path)
            .await?;
        self.may_accept(actor, placement, &prepared).await?;
        let view = &prepared.view;
        if !view.refused.is_empty() {
            let why = view.refused.trim_end_matches('.').to_owned();
            return Err(PortError::Conflict(why));
        }
        let stale = view.digest != request.digest;
        let Some(edit) = prepared.edit.clone().filter(|_| !stale) else {
            return Err(PortError::Conflict(
                "the cluster, the branch or what the commit would do has changed since it was shown; look at it again"
                    .to_owned(),
            ));
        };
        let operation = Uuid::now_v7().to_string();
        let detail = json!({
            "operation": operation, "object": view.key.to_string(), "path": view.change.path,
            "from": view.head, "branch": view.branch, "digest": view.digest, "propose": request.propose,
        });
        self.note(actor, placement, "accept drift", reason, detail)
            .await?;
        let message = words::message(view, &operation, reason) + &self.log_trailer().await?;
        let files = TreeEdit::Files(vec![edit]);
        let commit = drafts::by(
            actor,
            drafts::unsigned(&view.branch, &view.head, files, &message),
        );
        let name = &placement.defined.row.name;
        let writing = Writing {
            credential: &prepared.credential,
            reached: &prepared.reached,
            proposal: request
                .propose
                .then(|| branch_name("accept", name, &view.digest)),
        };
        let outcome = self.written(placement, &writing, commit).await;
        let (act, detail) = match &outcome {
            Ok(CommitOutcome::Committed { revision }) => {
                ("accept drift: committed", json!({"revision": revision}))
            }
            Ok(CommitOutcome::Proposed(proposal)) => {
                ("accept drift: proposed", json!({"proposal": proposal}))
            }
            Ok(CommitOutcome::PushRefused { message }) => {
                ("accept drift: push refused", json!({"host": message}))
            }
            Ok(CommitOutcome::Moved { head }) => {
                ("accept drift: branch moved", json!({"head": head}))
            }
            // A second person is asked for rollbacks alone.
            Ok(CommitOutcome::Asked(asked)) => ("accept drift: asked for", json!(asked)),
            Err(error) => (
                "accept drift: not known to be pushed",
                json!({"error": error.to_string()}),
            ),
        };
        let detail = json!({"operation": operation, "outcome": detail});
        self.note(actor, placement, act, reason, detail).await?;
        outcome
    }

    /// Pushes the commit, or proposes it.
    pub(in super::super) async fn written(
        &self,
        placement: &Placement,
        writing: &Writing<'_>,
        commit: CommitRequest,
    ) -> Result<CommitOutcome, PortError> {
        let url = placement.defined.repo_url();
        let credential = writing.credential;
        if let Some(branch) = &writing.proposal {
            let proposed = self.propose(url, credential, commit, branch.clone());
            return Ok(proposed.await?.into());
        }
        let repository = self.runtime.repository_key(url);
        let pushed = self
            .runtime
            .mirrors()
            .push_commit(url, credential, commit)
            .await;
        self.runtime.activator().activate_repository(&repository);
        Ok(match pushed.map_err(refuse::source)? {
            PushOutcome::Pushed(revision) => {
                self.follow(placement, writing.reached, &revision);
                CommitOutcome::Committed { revision }
            }
            PushOutcome::Moved(head) => CommitOutcome::Moved { head },
            PushOutcome::Refused(message) => CommitOutcome::PushRefused { message },
            PushOutcome::NothingToDo => {
                return Err(PortError::Conflict("Git says it already".to_owned()));
            }
        })
    }

    /// The commit is on the branch: what resolves to it is known at once.
    fn follow(&self, placement: &Placement, reached: &[Placement], revision: &Revision) {
        let source = &placement.defined.definition.source;
        let repository = self.runtime.repository_key(&source.repo_url);
        self.runtime
            .memory()
            .resolve(&repository, &source.target_revision, |entry| {
                entry.revision = Some(revision.clone());
                entry.at = Some(now());
                entry.failing = None;
            });
        for reached in reached {
            self.runtime.activator().activate_target(reached.target.id);
        }
    }
}
