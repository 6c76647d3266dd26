//! Writing the edit: the audit log first, then the branch, then the definitions are read again at once.

use super::super::rollbacks::commit::email;
use super::super::{Plane, refuse};
use super::preview::Prepared;
use super::words;
use crate::runtime::now;
use crate::store::audit::Act;
use engine::source::{CommitRequest, PushOutcome, TreeEdit};
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::edit::{Edit, EditOutcome};
use lockstep_types::revision::Revision;
use serde_json::{Value, json};
use uuid::Uuid;

impl Plane {
    pub(super) async fn write_edit(
        &self,
        actor: &Actor,
        edit: &Edit,
        digest: &str,
        reason: &str,
    ) -> Result<EditOutcome, PortError> {
        let prepared = self.prepare_edit(edit).await?;
        self.may_edit(actor, &prepared).await?;
        let view = &prepared.view;
        if !view.refused.is_empty() {
            return Err(PortError::Conflict(
                view.refused.trim_end_matches('.').to_owned(),
            ));
        }
        if view.digest != digest {
            return Err(PortError::Conflict(
                "the branch, or what the edit would do, has changed since it was shown; look at it again"
                    .to_owned(),
            ));
        }
        let operation = Uuid::now_v7().to_string();
        let act = |action: &str, detail: Value| {
            let subject = format!("{} in {}", view.edit.path, view.source_name);
            Act::by(actor, action, subject).because(reason).with(detail)
        };
        self.noted(act(
            "edit definition",
            json!({"operation": operation, "kind": view.edit.kind.word(), "from": view.head, "branch": view.branch, "digest": digest}),
        ))
        .await?;
        let ground = &prepared.ground;
        let request = CommitRequest {
            branch: view.branch.clone(),
            expected_head: view.head.clone(),
            edit: TreeEdit::Files(vec![prepared.file.clone()]),
            message: words::message(
                &view.applications,
                &ground.source,
                (view.edit.kind, &view.edit.path),
                &view.head,
                &operation,
                reason,
            ) + &self.log_trailer().await?,
            author_name: actor.name.clone(),
            author_email: email(actor),
        };
        let outcome = self
            .runtime
            .mirrors()
            .push_commit(&ground.source.repo_url, &ground.credential, request)
            .await;
        match outcome {
            Ok(PushOutcome::Pushed(revision)) => {
                let detail = json!({"operation": operation, "revision": revision});
                self.noted(act("edit definition: committed", detail))
                    .await?;
                self.follow_edit(&prepared, &revision);
                Ok(EditOutcome::Committed { revision })
            }
            Ok(PushOutcome::Moved(head)) => {
                let detail = json!({"operation": operation, "head": head});
                self.noted(act("edit definition: branch moved", detail))
                    .await?;
                self.runtime
                    .activator()
                    .activate_repository(&ground.repository);
                Ok(EditOutcome::Moved { head })
            }
            Ok(PushOutcome::Refused(message)) => {
                let detail = json!({"operation": operation, "host": message});
                self.noted(act("edit definition: push refused", detail))
                    .await?;
                Ok(EditOutcome::PushRefused { message })
            }
            Ok(PushOutcome::NothingToDo) => Err(PortError::Conflict(
                "the file already is like this in Git; there is nothing to commit".to_owned(),
            )),
            Err(error) => {
                let detail = json!({"operation": operation, "error": error.to_string()});
                self.noted(act("edit definition: not known to be pushed", detail))
                    .await?;
                self.runtime
                    .activator()
                    .activate_repository(&ground.repository);
                Err(refuse::source(error))
            }
        }
    }

    async fn noted(&self, act: Act) -> Result<(), PortError> {
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        tx.record(act);
        tx.commit().await.map_err(refuse::store)?;
        Ok(())
    }

    /// The commit is on the branch: what resolves to it is known at once, and its definitions are read without waiting
    /// for the next poll.
    fn follow_edit(&self, prepared: &Prepared, revision: &Revision) {
        let ground = &prepared.ground;
        self.runtime.memory().resolve(
            &ground.repository,
            &ground.source.target_revision,
            |entry| {
                entry.revision = Some(revision.clone());
                entry.at = Some(now());
                entry.failing = None;
            },
        );
        self.runtime
            .activator()
            .activate_repository(&ground.repository);
        self.runtime.activator().activate_source(ground.source.id);
    }
}
