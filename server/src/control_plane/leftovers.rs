//! What applications left behind when their definitions left Git: listed, previewed, and the intents that decide.

use super::allow::{allow, allow_on, sees};
use super::definitions::Placement;
use super::{Plane, checks, refuse};
use crate::reconcile::removal;
use crate::store;
use crate::store::operation::NewOperation;
use async_trait::async_trait;
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::id::{OperationId, TargetId};
use lockstep_types::leftover::{
    LeftBehind, Leftovers as LeftoversOf, RemovalPreview, RemovalRequest,
};
use lockstep_types::ports::{Answer, Leftovers};
use lockstep_types::source::Mode;
use lockstep_types::sync::{OperationKind, StartedBy};
use serde_json::{Value, json};

#[async_trait]
impl Leftovers for Plane {
    async fn leftovers(&self, actor: &Actor) -> Answer<Vec<LeftoversOf>> {
        allow(actor, Permission::Get)?;
        self.all_leftovers(actor).await
    }

    async fn removal(&self, actor: &Actor, target: TargetId) -> Answer<RemovalPreview> {
        let placement = self.seen_target(actor, target).await?;
        let leftovers = self.left_by(&placement).await?;
        let planned = removal::preview(&self.runtime, target)
            .await
            .map_err(refuse::store)?;
        Ok(match planned {
            Ok(found) => RemovalPreview {
                leftovers,
                error: if found.violations.is_empty() {
                    String::new()
                } else {
                    format!(
                        "the plan breaks a rule of its own check and is never carried out: {}",
                        found.violations.join("; ")
                    )
                },
                plan: Some(found.plan),
            },
            Err(cause) => RemovalPreview {
                leftovers,
                plan: None,
                error: refuse::with_next(&cause.cause, &cause.next),
            },
        })
    }

    async fn remove(&self, actor: &Actor, request: &RemovalRequest) -> Answer<OperationId> {
        allow(actor, Permission::Delete)?;
        let placement = self
            .granted(actor, Permission::Delete, request.target)
            .await?;
        checks::typed(&request.typed, &placement.defined.row.name)?;
        let reason = checks::optional_reason(&request.reason)?;
        if request.digest.is_empty() {
            return Err(PortError::invalid(
                "digest",
                "give the digest of the plan that was shown",
            ));
        }
        let approve = allow_on(actor, Permission::Approve, &placement.defined.row).is_ok();
        let parameters = json!({"digest": request.digest, "approve": approve, "reason": reason});
        self.decide_about(actor, &placement, OperationKind::Remove, parameters)
            .await
    }

    async fn leave(&self, actor: &Actor, target: TargetId) -> Answer<OperationId> {
        allow(actor, Permission::Delete)?;
        let placement = self.granted(actor, Permission::Delete, target).await?;
        self.decide_about(actor, &placement, OperationKind::Leave, Value::Null)
            .await
    }
}

impl Plane {
    /// Everything that is left and that the actor may see; the longest forgotten first.
    pub(super) async fn all_leftovers(&self, actor: &Actor) -> Result<Vec<LeftoversOf>, PortError> {
        let mut found = Vec::new();
        for target in self.runtime.memory().left() {
            let placement = self.placement(target).await?;
            if !sees(actor, &placement.defined.reference()) {
                continue;
            }
            match self.left_by(&placement).await {
                Ok(left) if !left.objects.is_empty() || left.run.is_some() => found.push(left),
                Ok(_) | Err(PortError::Conflict(_)) => {}
                Err(error) => return Err(error),
            }
        }
        found.sort_by_key(|left| left.since);
        Ok(found)
    }

    /// What one target left; a conflict when it is placed.
    async fn left_by(&self, placement: &Placement) -> Result<LeftoversOf, PortError> {
        let db = self.runtime.store();
        let target = placement.target.id;
        let why = self.why_left(placement).await?.ok_or_else(|| {
            PortError::Conflict(format!(
                "{} is defined in Git; take its definition out of Git first",
                placement.words()
            ))
        })?;
        let handle = self.runtime.cluster(&placement.target.cluster);
        let objects = store::inventory::of_target(db, target)
            .await
            .map_err(refuse::store)?
            .into_iter()
            .filter(|row| removal::still_there(handle.as_deref(), &row.key, row.uid.as_deref()))
            .map(|row| row.key)
            .collect();
        let run = store::run::active_of_target(db, target)
            .await
            .map_err(refuse::store)?;
        let since = placement
            .defined
            .row
            .gone_at
            .unwrap_or(placement.defined.row.seen_at);
        Ok(LeftoversOf {
            target: placement.reference(),
            why,
            since,
            objects,
            run: run.map(|run| run.id),
        })
    }

    async fn why_left(&self, placement: &Placement) -> Result<Option<LeftBehind>, PortError> {
        let row = &placement.defined.row;
        if row.gone_at.is_some() || row.source.is_none() {
            return Ok(Some(LeftBehind::Removed));
        }
        let left = crate::reconcile::why_left(&self.runtime, placement.target.id)
            .await
            .map_err(refuse::store)?;
        Ok(left)
    }

    /// Writes the intent down, unless a decision is under way.
    async fn decide_about(
        &self,
        actor: &Actor,
        placement: &Placement,
        kind: OperationKind,
        parameters: Value,
    ) -> Result<OperationId, PortError> {
        let left = self.left_by(placement).await?;
        let db = self.runtime.store();
        let pending = store::operation::pending(db, placement.target.id)
            .await
            .map_err(refuse::store)?;
        let decides = |kind| matches!(kind, OperationKind::Remove | OperationKind::Leave);
        if left.run.is_some() || pending.iter().any(|asked| decides(asked.kind)) {
            return Err(PortError::Conflict(format!(
                "somebody has decided about what {} left already, and that is under way",
                placement.words()
            )));
        }
        if placement.target.mode == Mode::Observe {
            return Err(PortError::Conflict(format!(
                "{} is only observed; nothing is written there",
                placement.words()
            )));
        }
        let intent = NewOperation {
            kind,
            target: placement.target.id,
            actor: actor.name.clone(),
            started_by: StartedBy::Person(actor.name.clone()),
            idempotency_key: None,
            parameters,
        };
        self.intend(actor, placement, intent).await
    }
}
