//! Going back, pinning and holding.
//!
//! A rollback is a commit: previewed in full against the branch head, bound to what was shown by a digest, written only
//! if the branch is still there. A pin or hold never ends by deploying unseen.

pub(in crate::control_plane) mod affected;
mod asks;
mod bots;
mod candidates;
pub(super) mod commit;
mod ending;
mod guard;
mod marks;
mod pauses;
mod permit;
pub(super) mod plans;
mod preview;
mod undo;
pub(super) mod words;

use super::allow::allow;
use super::definitions::Placement;
use super::{Plane, checks, refuse};
use async_trait::async_trait;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::application::{Hold, HoldKind, TargetSummary};
use lockstep_types::ask::{AskDecision, PinOutcome, RollbackAskView};
use lockstep_types::id::{AskId, HoldId, PinId, TargetId};
use lockstep_types::ports::{Answer, Rollbacks};
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::revision::Revision;
use lockstep_types::rollback::{
    MarkRequest, PinRequest, RollbackCandidate, RollbackPreview, RollbackRequest,
};

impl Plane {
    /// The target and the whole revision, for whoever may roll it back.
    async fn may_go_back(
        &self,
        actor: &Actor,
        target: TargetId,
        revision: &Revision,
    ) -> Answer<(Placement, Revision)> {
        allow(actor, Permission::Rollback)?;
        let placement = self.granted(actor, Permission::Rollback, target).await?;
        let revision = self.revision_of(&placement, revision).await?;
        Ok((placement, revision))
    }
}

#[async_trait]
impl Rollbacks for Plane {
    async fn candidates(&self, actor: &Actor, target: TargetId) -> Answer<Vec<RollbackCandidate>> {
        let placement = self.seen_target(actor, target).await?;
        self.candidates_of(&placement).await
    }

    async fn preview(
        &self,
        actor: &Actor,
        target: TargetId,
        to: &Revision,
    ) -> Answer<RollbackPreview> {
        let (placement, to) = self.may_go_back(actor, target, to).await?;
        let prepared = self.preview_of(&placement, &to).await?;
        self.may_roll_back(actor, &placement, &prepared).await?;
        Ok(prepared.view)
    }

    async fn preview_undo(
        &self,
        actor: &Actor,
        target: TargetId,
        commit: &Revision,
    ) -> Answer<RollbackPreview> {
        let (placement, commit) = self.may_go_back(actor, target, commit).await?;
        let prepared = self.undo_of(&placement, &commit).await?;
        self.may_roll_back(actor, &placement, &prepared).await?;
        Ok(prepared.view)
    }

    async fn preview_pin(
        &self,
        actor: &Actor,
        target: TargetId,
        to: &Revision,
    ) -> Answer<RollbackPreview> {
        let (placement, to) = self.may_go_back(actor, target, to).await?;
        Ok(self.pin_preview_of(&placement, &to).await?.view)
    }

    async fn roll_back(&self, actor: &Actor, request: &RollbackRequest) -> Answer<CommitOutcome> {
        allow(actor, Permission::Rollback)?;
        // Who overrides what others wait for says why.
        let reason = match request.overrides.is_empty() {
            true => checks::optional_reason(&request.reason)?,
            false => checks::reason(&request.reason)?,
        };
        let placement = self
            .granted(actor, Permission::Rollback, request.target)
            .await?;
        let to = self.revision_of(&placement, &request.to).await?;
        let request = RollbackRequest {
            to,
            reason,
            ..request.clone()
        };
        self.commit_rollback(actor, &placement, &request).await
    }

    async fn pin(&self, actor: &Actor, request: &PinRequest) -> Answer<PinOutcome> {
        allow(actor, Permission::Rollback)?;
        let reason = checks::reason(&request.reason)?;
        checks::hours(request.hours)?;
        let placement = self
            .granted(actor, Permission::Rollback, request.target)
            .await?;
        let to = self.revision_of(&placement, &request.to).await?;
        let request = PinRequest {
            to,
            reason,
            ..request.clone()
        };
        self.pin_or_ask(actor, &placement, &request).await
    }

    async fn asks(&self, actor: &Actor) -> Answer<Vec<RollbackAskView>> {
        allow(actor, Permission::Get)?;
        self.asks_seen(actor).await
    }

    async fn decide_ask(
        &self,
        actor: &Actor,
        ask: AskId,
        digest: &str,
        yes: bool,
    ) -> Answer<AskDecision> {
        self.decide_on(actor, ask, digest, yes).await
    }

    async fn mark(&self, actor: &Actor, request: &MarkRequest) -> Answer<()> {
        allow(actor, Permission::Rollback)?;
        let reason = checks::optional_reason(&request.reason)?;
        let placement = self
            .granted(actor, Permission::Rollback, request.target)
            .await?;
        let revision = self.revision_of(&placement, &request.revision).await?;
        self.mark_revision(actor, &placement, &revision, request.judgement, &reason)
            .await
    }

    async fn unpin(&self, actor: &Actor, pin: PinId, deploy: bool) -> Answer<()> {
        allow(actor, Permission::Rollback)?;
        if deploy {
            allow(actor, Permission::Sync)?;
        }
        self.end_pin(actor, pin, deploy).await
    }

    async fn hold(
        &self,
        actor: &Actor,
        target: TargetId,
        kind: HoldKind,
        reason: &str,
        hours: u32,
    ) -> Answer<Hold> {
        allow(actor, Permission::Hold)?;
        let reason = checks::reason(reason)?;
        let seconds = checks::hours(hours)?;
        let placement = self.granted(actor, Permission::Hold, target).await?;
        self.hold_now(actor, &placement, kind, &reason, seconds)
            .await
    }

    async fn holds(&self, actor: &Actor) -> Answer<Vec<TargetSummary>> {
        allow(actor, Permission::Get)?;
        self.all_holds(actor).await
    }

    async fn release(&self, actor: &Actor, hold: HoldId, deploy: bool) -> Answer<()> {
        allow(actor, Permission::Hold)?;
        if deploy {
            allow(actor, Permission::Sync)?;
        }
        self.end_hold(actor, hold, deploy).await
    }
}
