//! Rollbacks that wait for a second person: asked for with everything that was shown, decided by somebody else, for exactly
//! that and once.

use super::super::allow::{allow_on, object, sees};
use super::super::definitions::Placement;
use super::super::{Plane, refuse};
use super::commit::Yes;
use super::guard::second_person;
use super::preview::Prepared;
use crate::runtime::now;
use crate::store::ask::{AskRow, NewAsk, STALE, WITHDRAWN};
use crate::store::audit::Act;
use crate::store::{self, StoreError};
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::ask::{AskDecision, AskWay, Asked, RollbackAskView};
use lockstep_types::id::AskId;
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::rollback::{PinRequest, RollbackPreview, RollbackRequest};
use serde_json::json;

/// How long a question waits.
const ASK_SECONDS: i64 = 24 * 3600;

/// What is asked for, besides what was shown.
pub(super) struct Wanted<'a> {
    pub way: AskWay,
    pub hours: u32,
    pub reason: &'a str,
    pub overrides: &'a [String],
}

impl Plane {
    /// Writes the question down.
    pub(super) async fn ask(
        &self,
        actor: &Actor,
        placement: &Placement,
        preview: &RollbackPreview,
        wanted: &Wanted<'_>,
    ) -> Result<Asked, PortError> {
        if self.is_automation(actor).await? {
            return Err(PortError::Conflict(
                "an automation account asks nobody: whoever holds its token could say yes to themselves; let it open a pull request"
                    .to_owned(),
            ));
        }
        let projects = preview.asks(wanted.way == AskWay::Pin);
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        let new = NewAsk {
            way: wanted.way,
            to: &preview.to.revision,
            digest: &preview.digest,
            hours: wanted.hours,
            reason: wanted.reason,
            overrides: wanted.overrides,
            projects: &projects,
            by: (&actor.name, actor.user),
            preview,
            until: tx.now().plus_seconds(ASK_SECONDS),
        };
        let target = placement.target.id;
        let (id, until) = store::ask::ask(&mut tx, target, &new)
            .await
            .map_err(refuse::store)?;
        let detail = json!({
            "ask": id, "way": wanted.way, "to": new.to, "from": preview.head, "digest": new.digest,
            "overrides": wanted.overrides, "projects": projects,
        });
        tx.record(
            Act::by(actor, "ask to roll back", placement.words())
                .on(target)
                .because(wanted.reason)
                .with(detail),
        );
        tx.commit().await.map_err(refuse::store)?;
        Ok(Asked {
            id,
            projects,
            until,
        })
    }

    /// What waits of which the actor may see everything that it reaches.
    pub(in crate::control_plane) async fn asks_seen(
        &self,
        actor: &Actor,
    ) -> Result<Vec<RollbackAskView>, PortError> {
        let waiting = store::ask::waiting(self.runtime.store(), now())
            .await
            .map_err(refuse::store)?;
        let seen = |preview: &RollbackPreview| {
            let mut targets = preview.targets.iter();
            sees(actor, &preview.target.application)
                && targets.all(|plan| sees(actor, &plan.target.application))
        };
        Ok(waiting
            .into_iter()
            .filter(|(_, preview)| seen(preview))
            .map(|(row, preview)| RollbackAskView {
                own: row.by == actor.user,
                ask: row.ask,
                preview,
            })
            .collect())
    }

    /// A yes or no to exactly what was shown. With a yes it is done at once, in the name of the one who asked.
    pub(super) async fn decide_on(
        &self,
        actor: &Actor,
        id: AskId,
        digest: &str,
        yes: bool,
    ) -> Result<AskDecision, PortError> {
        let row = store::ask::get(self.runtime.store(), id)
            .await
            .map_err(refuse::store)?;
        let target = row.ask.target.id;
        let placement = self
            .of_seen(actor, target, ("rollback", &id.to_string()))
            .await?;
        let own = row.by == actor.user;
        if !yes {
            if !own {
                allow_on(actor, Permission::Approve, &placement.defined.row)?;
            }
            return self.refuse_ask(actor, &placement, &row, digest, own).await;
        }
        allow_on(actor, Permission::Approve, &placement.defined.row)?;
        if own {
            return Err(PortError::Conflict(
                "you asked for it yourself; the second person has to be somebody else".to_owned(),
            ));
        }
        if self.is_automation(actor).await? {
            return Err(PortError::Conflict(
                "an automation account is no second person; somebody who logs in has to say yes"
                    .to_owned(),
            ));
        }
        if row.ask.digest != digest || row.decided_at.is_some() || row.ask.until <= now() {
            // Which of them it is, the store says.
            self.settle(actor, &placement, &row, digest, (true, ""))
                .await?;
        }
        let asker = self.asker(&row, &placement).await?;
        match row.ask.way {
            AskWay::Pin => self.pin_asked(actor, &asker, &placement, &row).await,
            AskWay::Commit | AskWay::Undo => {
                self.commit_asked(actor, &asker, &placement, &row).await
            }
        }
    }

    async fn refuse_ask(
        &self,
        actor: &Actor,
        placement: &Placement,
        row: &AskRow,
        digest: &str,
        own: bool,
    ) -> Result<AskDecision, PortError> {
        let word = if own { WITHDRAWN } else { "rejected" };
        self.settle(actor, placement, row, digest, (false, word))
            .await?;
        Ok(AskDecision {
            revision: None,
            words: format!("{word}; nothing was changed"),
        })
    }

    /// Decides it in the database, with the act: from then on nobody else does.
    async fn settle(
        &self,
        actor: &Actor,
        placement: &Placement,
        row: &AskRow,
        digest: &str,
        (yes, ending): (bool, &str),
    ) -> Result<(), PortError> {
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        let id = row.ask.id;
        store::ask::decide(&mut tx, id, digest, (yes, &actor.name), ending)
            .await
            .map_err(refuse::store)?;
        let verb = match (yes, ending) {
            (true, _) => "approve to roll back",
            (false, WITHDRAWN) => "withdraw to roll back",
            (false, STALE) => "ask to roll back: out of date",
            (false, _) => "reject to roll back",
        };
        tx.record(
            Act::by(actor, verb, placement.words())
                .on(placement.target.id)
                .because(row.ask.reason.clone())
                .with(json!({"ask": id, "asked_by": row.ask.by, "digest": digest})),
        );
        tx.commit().await.map_err(refuse::store)?;
        Ok(())
    }

    /// Notes what became of a yes, whatever it is.
    async fn noted_ending(
        &self,
        row: &AskRow,
        done: Result<AskDecision, PortError>,
    ) -> Result<AskDecision, PortError> {
        let ending = match &done {
            Ok(decision) => decision.words.clone(),
            Err(error) => error.to_string(),
        };
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        store::ask::ended(&mut tx, row.ask.id, &ending)
            .await
            .map_err(refuse::store)?;
        tx.commit().await.map_err(refuse::store)?;
        done
    }

    /// A program's account is neither of two persons: whoever holds its token may be the other one.
    async fn is_automation(&self, actor: &Actor) -> Result<bool, PortError> {
        let db = self.runtime.store();
        match store::user::get(db, actor.user).await {
            Ok(user) => {
                let identity = store::identity::of_user(db, user.id).await;
                Ok(user.is_automation(identity.map_err(refuse::store)?.is_some()))
            }
            Err(StoreError::NotFound { .. }) => Ok(false),
            Err(error) => Err(refuse::store(error)),
        }
    }

    /// The one who asked, with the rights of now.
    async fn asker(&self, row: &AskRow, placement: &Placement) -> Result<Actor, PortError> {
        let authority = self.runtime.authority();
        let name = &row.ask.by;
        let object = object(&placement.defined.row);
        let verdict = authority
            .still_may(name, Permission::Rollback, &object)
            .await
            .map_err(refuse::store)?;
        let user = store::user::by_name(self.runtime.store(), name)
            .await
            .map_err(refuse::store)?
            .filter(|user| user.id == row.by && verdict.allowed);
        let Some(user) = user else {
            return Err(PortError::Conflict(format!(
                "{name} may no longer roll back {object}: {}",
                verdict.why
            )));
        };
        let rights = authority
            .rights_of(&user.name, user.role)
            .await
            .map_err(refuse::store)?;
        Ok(Actor {
            user: user.id,
            name: user.name,
            role: user.role,
            token: None,
            rights,
        })
    }

    /// Whether it still is what was shown; where not, the question is over.
    async fn unchanged(
        &self,
        approver: &Actor,
        placement: &Placement,
        row: &AskRow,
        prepared: &Prepared,
    ) -> Result<(), PortError> {
        for reached in &prepared.reached {
            if !sees(approver, &reached.reference().application) {
                return Err(PortError::NotFound(format!("rollback {}", row.ask.id)));
            }
        }
        // Every application whose project asks for a second person has to be one that this person may speak for.
        for reached in &prepared.reached {
            if !second_person(std::slice::from_ref(reached)).is_empty() {
                allow_on(approver, Permission::Approve, &reached.defined.row)?;
            }
        }
        if prepared.view.digest == row.ask.digest {
            return Ok(());
        }
        self.settle(approver, placement, row, &row.ask.digest, (false, STALE))
            .await?;
        Err(PortError::Conflict(
            "the branch or what the rollback would do has changed since it was asked for; it has to be asked for again"
                .to_owned(),
        ))
    }

    async fn commit_asked(
        &self,
        approver: &Actor,
        asker: &Actor,
        placement: &Placement,
        row: &AskRow,
    ) -> Result<AskDecision, PortError> {
        let ask = &row.ask;
        let request = RollbackRequest {
            target: ask.target.id,
            to: ask.to.clone(),
            digest: ask.digest.clone(),
            reason: ask.reason.clone(),
            propose: false,
            undo: ask.way == AskWay::Undo,
            overrides: ask.overrides.clone(),
        };
        let prepared = self.prepare(placement, &request).await?;
        self.unchanged(approver, placement, row, &prepared).await?;
        self.checked(asker, placement, &request, &prepared).await?;
        self.settle(approver, placement, row, &ask.digest, (true, ""))
            .await?;
        let yes = Yes {
            by: &approver.name,
            ask: ask.id,
        };
        let outcome = self
            .write(asker, placement, &request, &prepared, Some(&yes))
            .await;
        let done = outcome.and_then(|outcome| match outcome {
            CommitOutcome::Committed { revision } => Ok(AskDecision {
                words: format!("committed as {}; the sync follows", revision.short()),
                revision: Some(revision),
            }),
            CommitOutcome::Moved { head } => Err(PortError::Conflict(format!(
                "the branch moved to {} meanwhile, and nothing was changed; it has to be asked for again",
                head.short()
            ))),
            CommitOutcome::PushRefused { message } => Err(PortError::Conflict(format!(
                "the host refused the push, and nothing was changed: {message}"
            ))),
            CommitOutcome::Proposed(_) | CommitOutcome::Asked(_) => {
                Err(PortError::Conflict("nothing was changed".to_owned()))
            }
        });
        self.noted_ending(row, done).await
    }

    async fn pin_asked(
        &self,
        approver: &Actor,
        asker: &Actor,
        placement: &Placement,
        row: &AskRow,
    ) -> Result<AskDecision, PortError> {
        let ask = &row.ask;
        let request = PinRequest {
            target: ask.target.id,
            to: ask.to.clone(),
            reason: ask.reason.clone(),
            hours: ask.hours,
            overrides: ask.overrides.clone(),
            digest: ask.digest.clone(),
        };
        let prepared = self.pin_preview_of(placement, &ask.to).await?;
        self.unchanged(approver, placement, row, &prepared).await?;
        self.may_override(
            asker,
            &request.overrides,
            &prepared.view.obstacles,
            &prepared.reached,
        )?;
        self.settle(approver, placement, row, &ask.digest, (true, ""))
            .await?;
        let yes = Yes {
            by: &approver.name,
            ask: ask.id,
        };
        let pinned = self.pin_at(asker, placement, &request, Some(&yes)).await;
        let done = pinned.map(|pin| AskDecision {
            revision: None,
            words: format!(
                "pinned at {} until {}",
                pin.revision.short(),
                pin.until.rfc3339()
            ),
        });
        self.noted_ending(row, done).await
    }
}
