//! Pins and holds: begun with owner, reason and end; ended by a person with or without deploying what they held back.

use super::super::allow::allow_on;
use super::super::definitions::Placement;
use super::super::syncs::present;
use super::super::{Plane, checks, refuse};
use super::asks::Wanted;
use super::commit::Yes;
use super::ending::{Ending, ending};
use super::guard::second_person;
use crate::runtime::now;
use crate::store;
use crate::store::audit::Act;
use crate::store::operation::NewOperation;
use crate::store::{StoreError, Tx};
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::{Hold, HoldKind, Pin, TargetSummary};
use lockstep_types::ask::{AskWay, PinOutcome};
use lockstep_types::id::{HoldId, PinId};
use lockstep_types::revision::Revision;
use lockstep_types::rollback::PinRequest;
use lockstep_types::source::Mode;
use lockstep_types::sync::{OperationKind, StartedBy};
use serde_json::json;

/// Commits by which a new pin can be behind; the reconciler counts on.
const BEHIND: u32 = 500;

impl Plane {
    /// Pins, or asks a second person where the project wants one.
    pub(super) async fn pin_or_ask(
        &self,
        actor: &Actor,
        placement: &Placement,
        request: &PinRequest,
    ) -> Result<PinOutcome, PortError> {
        let reached = std::slice::from_ref(placement);
        if !request.digest.is_empty() {
            let shown = self.pin_preview_of(placement, &request.to).await?;
            if shown.view.digest != request.digest {
                return Err(PortError::Conflict(
                    "what the pin would do has changed since it was shown; look at it again"
                        .to_owned(),
                ));
            }
        }
        if second_person(reached).is_empty() {
            if !request.overrides.is_empty() {
                let obstacles = self.obstacles(reached).await?;
                self.may_override(actor, &request.overrides, &obstacles, reached)?;
            }
            let pin = self.pin_at(actor, placement, request, None).await?;
            return Ok(PinOutcome::Pinned(pin));
        }
        present(placement)?;
        observed(placement)?;
        self.in_history(placement, &request.to).await?;
        let prepared = self.pin_preview_of(placement, &request.to).await?;
        let (view, reached) = (&prepared.view, &prepared.reached);
        self.may_override(actor, &request.overrides, &view.obstacles, reached)?;
        let wanted = Wanted {
            way: AskWay::Pin,
            hours: request.hours,
            reason: &request.reason,
            overrides: &request.overrides,
        };
        let asked = self.ask(actor, placement, view, &wanted).await?;
        Ok(PinOutcome::Asked(asked))
    }

    pub(super) async fn pin_at(
        &self,
        actor: &Actor,
        placement: &Placement,
        request: &PinRequest,
        yes: Option<&Yes<'_>>,
    ) -> Result<Pin, PortError> {
        let (to, reason) = (&request.to, request.reason.as_str());
        let seconds = checks::hours(request.hours)?;
        present(placement)?;
        observed(placement)?;
        self.in_history(placement, to).await?;
        let url = placement.defined.repo_url();
        self.runtime
            .mirrors()
            .keep(url, to)
            .await
            .map_err(refuse::source)?;
        let behind = self.behind(placement, to).await;
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        let until = tx.now().plus_seconds(seconds);
        let pin = store::pin::insert(&mut tx, placement.target.id, to, &actor.name, reason, until)
            .await
            .map_err(refuse::store)?;
        store::pin::set_behind(&mut tx, pin.id, behind)
            .await
            .map_err(refuse::store)?;
        tx.record(
            Act::by(actor, "pin", placement.words())
                .on(placement.target.id)
                .because(reason)
                .with(json!({
                    "pin": pin.id, "revision": to, "until": pin.until, "overrides": request.overrides,
                    "ask": yes.map(|yes| yes.ask), "approved_by": yes.map(|yes| yes.by),
                })),
        );
        if !request.overrides.is_empty() {
            // Without it the pin would wait for what is overridden.
            let intent = NewOperation {
                kind: OperationKind::Rollback,
                target: placement.target.id,
                actor: actor.name.clone(),
                started_by: StartedBy::Rollback(actor.name.clone()),
                idempotency_key: None,
                parameters: json!({
                    // As a pin without it: it prunes nothing and runs no hooks.
                    "prune": false, "pin": pin.id, "revision": to,
                    "overrides": request.overrides,
                }),
            };
            store::operation::insert(&mut tx, &intent)
                .await
                .map_err(refuse::store)?;
        }
        tx.commit().await.map_err(refuse::store)?;
        self.runtime
            .activator()
            .activate_target(placement.target.id);
        Ok(Pin { behind, ..pin })
    }

    /// A pin or mark goes to what the tracked branch contains, or to what ran here: nothing else gets in by this way.
    pub(super) async fn in_history(
        &self,
        placement: &Placement,
        to: &Revision,
    ) -> Result<(), PortError> {
        let source = &placement.defined.definition.source;
        let mirrors = self.runtime.mirrors();
        let ran = store::status::revision(self.runtime.store(), placement.target.id, to)
            .await
            .map_err(refuse::store)?;
        if ran.is_some() {
            return Ok(());
        }
        let head = self
            .runtime
            .resolve(&source.repo_url, &source.target_revision)
            .await
            .map_err(refuse::source)?;
        if mirrors
            .is_ancestor(&source.repo_url, to, &head)
            .await
            .map_err(refuse::source)?
        {
            return Ok(());
        }
        let tracked = source.target_revision.name();
        Err(PortError::invalid(
            "to",
            format!(
                "{} is not part of the history of {tracked} and never ran here",
                to.short()
            ),
        ))
    }

    async fn behind(&self, placement: &Placement, to: &Revision) -> u32 {
        let url = placement.defined.repo_url();
        let mut ancestry = super::super::commits::Ancestry::new(self.runtime.mirrors());
        let mut behind = 0;
        for commit in self.commits_of(placement, BEHIND).await {
            if ancestry.contains(url, to, &commit.revision).await {
                break;
            }
            behind += 1;
        }
        behind
    }

    pub(super) async fn end_pin(
        &self,
        actor: &Actor,
        id: PinId,
        deploy: bool,
    ) -> Result<(), PortError> {
        let (target, pin) = store::pin::get(self.runtime.store(), id)
            .await
            .map_err(refuse::store)?;
        let placement = self
            .of_seen(actor, target, ("pin", &id.to_string()))
            .await?;
        allow_on(actor, Permission::Rollback, &placement.defined.row)?;
        if deploy {
            allow_on(actor, Permission::Sync, &placement.defined.row)?;
        }
        let unended = store::pin::unended_of(self.runtime.store(), target)
            .await
            .map_err(refuse::store)?;
        if unended.as_ref().map(|pin| pin.id) != Some(id) {
            return Err(PortError::Conflict("this pin has ended already".to_owned()));
        }
        let waits = pin.ended_waiting;
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        match ending(&placement, deploy, waits)? {
            Ending::Now => ended(store::pin::end(&mut tx, id, &actor.name).await)?,
            Ending::Asks => store::pin::expire(&mut tx, id)
                .await
                .map_err(refuse::store)?,
        }
        let detail = json!({"pin": id, "revision": pin.revision, "deploy": deploy});
        tx.record(
            Act::by(actor, "unpin", placement.words())
                .on(target)
                .with(detail),
        );
        self.deploy_if(actor, &placement, tx, deploy).await
    }

    pub(super) async fn hold_now(
        &self,
        actor: &Actor,
        placement: &Placement,
        kind: HoldKind,
        reason: &str,
        seconds: i64,
    ) -> Result<Hold, PortError> {
        present(placement)?;
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        let until = tx.now().plus_seconds(seconds);
        let hold = store::hold::insert(
            &mut tx,
            placement.target.id,
            kind,
            &actor.name,
            reason,
            until,
        )
        .await
        .map_err(refuse::store)?;
        tx.record(
            Act::by(actor, "hold", placement.words())
                .on(placement.target.id)
                .because(reason)
                .with(json!({"hold": hold.id, "kind": kind, "until": hold.until})),
        );
        tx.commit().await.map_err(refuse::store)?;
        self.runtime
            .activator()
            .activate_target(placement.target.id);
        Ok(hold)
    }

    /// Those of applications that the actor may see.
    pub(super) async fn all_holds(&self, actor: &Actor) -> Result<Vec<TargetSummary>, PortError> {
        let visible = self.visible(actor).await?;
        let which = store::target::Which::All;
        let mut held = store::target::summaries(self.runtime.store(), &which)
            .await
            .map_err(refuse::store)?;
        held.retain(|target| target.hold.is_some() && visible.has(target.target.application.id));
        held.sort_by_key(|target| target.hold.as_ref().map(|hold| hold.until));
        Ok(held)
    }

    pub(super) async fn end_hold(
        &self,
        actor: &Actor,
        id: HoldId,
        deploy: bool,
    ) -> Result<(), PortError> {
        let (target, hold) = store::hold::get(self.runtime.store(), id)
            .await
            .map_err(refuse::store)?;
        let placement = self
            .of_seen(actor, target, ("hold", &id.to_string()))
            .await?;
        allow_on(actor, Permission::Hold, &placement.defined.row)?;
        if deploy {
            allow_on(actor, Permission::Sync, &placement.defined.row)?;
        }
        let unended = store::hold::unended_of(self.runtime.store(), target)
            .await
            .map_err(refuse::store)?;
        if unended.as_ref().map(|hold| hold.id) != Some(id) {
            return Err(PortError::Conflict(
                "this hold has ended already".to_owned(),
            ));
        }
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        match ending(&placement, deploy, hold.ended_waiting)? {
            Ending::Now => ended(store::hold::end(&mut tx, id, &actor.name).await)?,
            Ending::Asks => store::hold::expire(&mut tx, id)
                .await
                .map_err(refuse::store)?,
        }
        let detail = json!({"hold": id, "reason": hold.reason, "deploy": deploy});
        tx.record(
            Act::by(actor, "release", placement.words())
                .on(target)
                .with(detail),
        );
        self.deploy_if(actor, &placement, tx, deploy).await
    }

    /// Commits, asks for the sync in the same transaction where it is wanted, and wakes the target.
    async fn deploy_if(
        &self,
        actor: &Actor,
        placement: &Placement,
        mut tx: Tx,
        deploy: bool,
    ) -> Result<(), PortError> {
        let writable =
            placement.target.mode == Mode::Managed && placement.defined.row.gone_at.is_none();
        if deploy && writable {
            let intent = NewOperation {
                kind: OperationKind::Sync,
                target: placement.target.id,
                actor: actor.name.clone(),
                started_by: StartedBy::Person(actor.name.clone()),
                idempotency_key: None,
                parameters: json!({"prune": placement.defined.definition.policy.prune}),
            };
            store::operation::insert(&mut tx, &intent)
                .await
                .map_err(refuse::store)?;
        }
        tx.commit().await.map_err(refuse::store)?;
        self.runtime
            .activator()
            .activate_target(placement.target.id);
        Ok(())
    }
}

fn observed(placement: &Placement) -> Result<(), PortError> {
    if placement.target.mode == Mode::Observe {
        return Err(PortError::Conflict(format!(
            "{} is only observed; there is nothing to keep at a revision",
            placement.defined.row.name
        )));
    }
    Ok(())
}

fn ended(done: Result<bool, StoreError>) -> Result<(), PortError> {
    match done.map_err(refuse::store)? {
        true => Ok(()),
        false => Err(PortError::Conflict(format!(
            "somebody ended it before {}",
            now().rfc3339()
        ))),
    }
}
