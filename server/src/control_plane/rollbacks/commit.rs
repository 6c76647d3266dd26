//! Writing the rollback commit: the audit log first, then the branch, then the intents that follow from it.

use super::super::definitions::Placement;
use super::super::proposals::branch_name;
use super::super::{Plane, drafts, refuse};
use super::asks::Wanted;
use super::guard::overriding;
use super::preview::Prepared;
use super::undo::UNDO;
use super::words;
use crate::runtime::now;
use crate::store;
use crate::store::audit::Act;
use crate::store::operation::NewOperation;
use engine::source::PushOutcome;
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::application::Hold;
use lockstep_types::ask::AskWay;
use lockstep_types::id::AskId;
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::revision::Revision;
use lockstep_types::rollback::RollbackRequest;
use lockstep_types::source::Mode;
use lockstep_types::sync::{OperationKind, StartedBy};
use serde_json::json;
use std::collections::BTreeSet;
use uuid::Uuid;

/// The yes of a second person to a rollback.
pub(super) struct Yes<'a> {
    pub by: &'a str,
    pub ask: AskId,
}

impl Plane {
    pub(super) async fn commit_rollback(
        &self,
        actor: &Actor,
        placement: &Placement,
        request: &RollbackRequest,
    ) -> Result<CommitOutcome, PortError> {
        let reason = request.reason.as_str();
        let prepared = self.prepare(placement, request).await?;
        self.checked(actor, placement, request, &prepared).await?;
        // A pull request is reviewed at the Git host, where it changes nothing before.
        if !request.propose && !prepared.view.second_person.is_empty() {
            let wanted = Wanted {
                way: match request.undo {
                    true => AskWay::Undo,
                    false => AskWay::Commit,
                },
                hours: 0,
                reason,
                overrides: &request.overrides,
            };
            let asked = self.ask(actor, placement, &prepared.view, &wanted).await?;
            return Ok(CommitOutcome::Asked(asked));
        }
        self.write(actor, placement, request, &prepared, None).await
    }

    /// The preview anew.
    pub(super) async fn prepare(
        &self,
        placement: &Placement,
        request: &RollbackRequest,
    ) -> Result<Prepared, PortError> {
        match request.undo {
            true => self.undo_of(placement, &request.to).await,
            false => self.preview_of(placement, &request.to).await,
        }
    }

    /// Whether it may be done, and is what was shown.
    pub(super) async fn checked(
        &self,
        actor: &Actor,
        placement: &Placement,
        request: &RollbackRequest,
        prepared: &Prepared,
    ) -> Result<(), PortError> {
        written(placement)?;
        self.may_roll_back(actor, placement, prepared).await?;
        let view = &prepared.view;
        if !view.commit_refused.is_empty() {
            return Err(PortError::Conflict(view.commit_refused.clone()));
        }
        // The merge of a pull request may carry the signature of the host.
        if !request.propose && !view.signature_refused.is_empty() {
            return Err(PortError::Conflict(view.signature_refused.clone()));
        }
        if view.digest != request.digest {
            return Err(PortError::Conflict(
                "the branch or what the rollback would do has changed since it was shown; look at it again".to_owned(),
            ));
        }
        self.may_override(
            actor,
            &request.overrides,
            &view.obstacles,
            &prepared.reached,
        )
    }

    /// Writes the commit, and the intents that follow from it.
    pub(super) async fn write(
        &self,
        actor: &Actor,
        placement: &Placement,
        request: &RollbackRequest,
        prepared: &Prepared,
        yes: Option<&Yes<'_>>,
    ) -> Result<CommitOutcome, PortError> {
        let (to, reason, view) = (&request.to, request.reason.as_str(), &prepared.view);
        // The commit names the operation, and the operation begins only once the commit is on the branch.
        let operation = Uuid::now_v7().to_string();
        let detail = json!({
            "operation": operation, "from": view.head, "to": to, "undo": request.undo,
            "branch": view.branch, "digest": view.digest, "overrides": request.overrides,
            "ask": yes.map(|yes| yes.ask), "approved_by": yes.map(|yes| yes.by),
        });
        let act = match request.propose {
            true => "propose to roll back",
            false => "roll back",
        };
        let words = match request.undo {
            true => words::undo_message,
            false => words::message,
        };
        self.note(actor, placement, act, reason, detail).await?;
        let message = words(&view.target, &view.head, &view.to, &operation, reason)
            + &yes
                .map(|yes| words::approved_trailer(yes.by))
                .unwrap_or_default()
            + &self.log_trailer().await?;
        let edit = prepared.edit.clone();
        let commit = drafts::by(
            actor,
            drafts::unsigned(&view.branch, &view.head, edit, &message),
        );
        let url = placement.defined.repo_url();
        if request.propose {
            let name = &placement.defined.row.name;
            let (what, digest) = match view.digest.strip_prefix(UNDO) {
                Some(digest) => ("undo", digest),
                None => ("roll-back", view.digest.as_str()),
            };
            let branch = branch_name(what, name, digest);
            let proposed = self
                .propose(url, &prepared.credential, commit, branch)
                .await;
            let outcome = proposed.map(CommitOutcome::from);
            let (act, detail) = match &outcome {
                Ok(CommitOutcome::Proposed(proposal)) => {
                    ("propose to roll back: on a branch", json!(proposal))
                }
                Ok(other) => ("propose to roll back: not done", json!(other)),
                Err(error) => (
                    "propose to roll back: not known to be pushed",
                    json!(error.to_string()),
                ),
            };
            let detail = json!({"operation": operation, "outcome": detail});
            self.note(actor, placement, act, reason, detail).await?;
            return outcome;
        }
        let outcome = self
            .runtime
            .mirrors()
            .push_commit(url, &prepared.credential, commit)
            .await;
        match outcome {
            Ok(PushOutcome::Pushed(revision)) => {
                self.follow_up(actor, placement, prepared, &revision, &operation, request)
                    .await?;
                Ok(CommitOutcome::Committed { revision })
            }
            Ok(PushOutcome::Moved(head)) => {
                self.note(
                    actor,
                    placement,
                    "roll back: branch moved",
                    reason,
                    json!({"operation": operation, "head": head}),
                )
                .await?;
                self.runtime
                    .activator()
                    .activate_repository(&self.runtime.repository_key(url));
                Ok(CommitOutcome::Moved { head })
            }
            Ok(PushOutcome::Refused(message)) => {
                self.note(
                    actor,
                    placement,
                    "roll back: push refused",
                    reason,
                    json!({"operation": operation, "host": message}),
                )
                .await?;
                Ok(CommitOutcome::PushRefused { message })
            }
            Ok(PushOutcome::NothingToDo) => Err(PortError::Conflict(
                "the files are already as they were then; there is nothing to roll back".to_owned(),
            )),
            Err(error) => {
                let detail = json!({"operation": operation, "error": error.to_string()});
                self.note(
                    actor,
                    placement,
                    "roll back: not known to be pushed",
                    reason,
                    detail,
                )
                .await?;
                self.runtime
                    .activator()
                    .activate_repository(&self.runtime.repository_key(url));
                Err(refuse::source(error))
            }
        }
    }

    /// The trailer with the end of the audit log, in which the act already stands.
    pub(in crate::control_plane) async fn log_trailer(&self) -> Result<String, PortError> {
        let end = store::audit::head(self.runtime.store()).await;
        Ok(words::log_trailer(&end.map_err(refuse::store)?))
    }

    pub(in crate::control_plane) async fn note(
        &self,
        actor: &Actor,
        placement: &Placement,
        action: &str,
        reason: &str,
        detail: serde_json::Value,
    ) -> Result<(), PortError> {
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        tx.record(
            Act::by(actor, action, placement.words())
                .on(placement.target.id)
                .because(reason)
                .with(detail),
        );
        tx.commit().await.map_err(refuse::store)?;
        Ok(())
    }

    /// The commit is on the branch: what resolves to it is known at once, and syncs begin in the name of the rollback.
    async fn follow_up(
        &self,
        actor: &Actor,
        placement: &Placement,
        prepared: &Prepared,
        revision: &Revision,
        operation: &str,
        request: &RollbackRequest,
    ) -> Result<(), PortError> {
        let repository = self.runtime.repository_key(placement.defined.repo_url());
        let tracked: BTreeSet<_> = prepared
            .reached
            .iter()
            .map(|reached| reached.defined.definition.source.target_revision.clone())
            .collect();
        for tracked in tracked {
            self.runtime
                .memory()
                .resolve(&repository, &tracked, |entry| {
                    entry.revision = Some(revision.clone());
                    entry.at = Some(now());
                    entry.failing = None;
                });
        }
        let db = self.runtime.store();
        let (holds, pins) = (
            store::hold::unended(db).await.map_err(refuse::store)?,
            store::pin::unended(db).await.map_err(refuse::store)?,
        );
        let mut tx = db.begin().await.map_err(refuse::store)?;
        for reached in &prepared.reached {
            let (target, policy) = (reached.target.id, &reached.defined.definition.policy);
            let own = target == placement.target.id;
            let held = holds.get(&target).map(Hold::name);
            let held = held.is_some_and(|name| !request.overrides.contains(&name));
            let kept = held || pins.contains_key(&target) || policy.suspend;
            if kept || reached.target.mode == Mode::Observe || !(own || policy.automated) {
                continue;
            }
            let intent = NewOperation {
                kind: OperationKind::Rollback,
                target,
                actor: actor.name.clone(),
                started_by: StartedBy::Rollback(actor.name.clone()),
                idempotency_key: Some(if own {
                    operation.to_owned()
                } else {
                    format!("{operation} {target}")
                }),
                parameters: json!({
                    "prune": policy.prune, "revision": revision, "operation": operation,
                    "overrides": overriding(target, &prepared.view.obstacles, &request.overrides),
                }),
            };
            store::operation::insert(&mut tx, &intent)
                .await
                .map_err(refuse::store)?;
        }
        let detail = json!({"operation": operation, "revision": revision, "targets": prepared.reached.len()});
        tx.record(
            Act::by(actor, "roll back: committed", placement.words())
                .on(placement.target.id)
                .because(request.reason.clone())
                .with(detail),
        );
        tx.commit().await.map_err(refuse::store)?;
        for reached in &prepared.reached {
            self.runtime.activator().activate_target(reached.target.id);
        }
        self.runtime.activator().activate_repository(&repository);
        Ok(())
    }
}

/// The repository of what is only observed is not written to.
fn written(placement: &Placement) -> Result<(), PortError> {
    match placement.target.mode {
        Mode::Observe => Err(PortError::Conflict(format!(
            "{} is only observed, and nothing is written to its repository; take over its source first",
            placement.defined.row.name
        ))),
        _ => Ok(()),
    }
}

/// Accounts have no address; this one leads nowhere by definition of its top-level domain.
pub(in crate::control_plane) fn email(actor: &Actor) -> String {
    let name: String = actor
        .name
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter.to_ascii_lowercase()
            } else {
                '.'
            }
        })
        .collect();
    format!("{}@lockstep.invalid", name.trim_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::account::Role;
    use lockstep_types::id::UserId;

    #[test]
    fn the_author_is_the_person() {
        let actor = Actor {
            user: UserId(Uuid::nil()),
            name: "Maria L. <x>".to_owned(),
            role: Role::Operator,
            token: None,
            rights: Default::default(),
        };
        assert_eq!(email(&actor), "maria.l...x@lockstep.invalid");
    }
}
