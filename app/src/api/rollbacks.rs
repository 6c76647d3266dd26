//! Going back, pinning and holding.

use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::application::{HoldKind, TargetSummary};
use lockstep_types::ask::{AskDecision, RollbackAskView};
use lockstep_types::id::{AskId, HoldId, PinId, TargetId};
use lockstep_types::proposal::CommitOutcome;
#[cfg(feature = "ssr")]
use lockstep_types::revision::Revision;
use lockstep_types::rollback::{RollbackCandidate, RollbackPreview};
use serde::{Deserialize, Serialize};
use server_fn::codec::Json;

/// States one may go back to.
#[server(prefix = "/sfn", endpoint = "candidates", input = Json)]
pub async fn candidates(target: TargetId) -> Result<Vec<RollbackCandidate>, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.rollbacks.candidates(&desk.actor, target).await)
}

/// What is looked at before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Back {
    /// A commit that brings a state back.
    State,
    /// A commit that takes one back.
    Undo,
    /// A pin of the target alone.
    Pin,
}

/// What going back would do.
#[server(prefix = "/sfn", endpoint = "preview", input = Json)]
pub async fn preview(
    target: TargetId,
    to: String,
    back: Back,
) -> Result<RollbackPreview, ApiError> {
    let desk = crate::context::desk()?;
    let (rollbacks, to) = (&desk.plane.rollbacks, Revision(to));
    desk.answer(match back {
        Back::State => rollbacks.preview(&desk.actor, target, &to).await,
        Back::Undo => rollbacks.preview_undo(&desk.actor, target, &to).await,
        Back::Pin => rollbacks.preview_pin(&desk.actor, target, &to).await,
    })
}

/// What may be said besides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RollBackOptions {
    /// Of a pin, from now.
    pub hours: u32,
    /// Names of windows and holds not to wait for.
    pub overrides: Vec<String>,
}

/// Writes the rollback commit, or pins: the form of the roll-back page. `way` is `commit`, `propose` or `pin`; with
/// `undo-` before it `to` is taken back. `back` is the application's address.
#[server(prefix = "/sfn", endpoint = "roll_back")]
pub async fn roll_back(
    target: TargetId,
    to: String,
    digest: String,
    reason: String,
    way: String,
    #[server(default)] options: RollBackOptions,
    back: String,
) -> Result<Option<CommitOutcome>, ApiError> {
    use lockstep_types::ask::PinOutcome;
    use lockstep_types::rollback::{PinRequest, RollbackRequest};
    let desk = crate::context::desk()?;
    let (to, rollbacks) = (Revision(to), &desk.plane.rollbacks);
    let RollBackOptions { hours, overrides } = options;
    let (undo, way) = match way.strip_prefix("undo-") {
        Some(way) => (true, way),
        None => (false, way.as_str()),
    };
    let outcome = if way == "pin" {
        let request = PinRequest {
            target,
            to,
            reason,
            hours,
            overrides,
            digest,
        };
        match desk.answer(rollbacks.pin(&desk.actor, &request).await)? {
            PinOutcome::Pinned(_) => None,
            PinOutcome::Asked(asked) => Some(CommitOutcome::Asked(asked)),
        }
    } else {
        let request = RollbackRequest {
            target,
            to,
            digest,
            reason,
            propose: way == "propose",
            undo,
            overrides,
        };
        Some(desk.answer(rollbacks.roll_back(&desk.actor, &request).await)?)
    };
    desk.answer(settle(outcome, &back))
}

/// Leads back to the application when something was done; a refusal that changed nothing is an error with
/// its message, so that it is shown without WASM too.
#[cfg(feature = "ssr")]
pub(super) fn settle(
    outcome: Option<CommitOutcome>,
    back: &str,
) -> lockstep_types::ports::Answer<Option<CommitOutcome>> {
    use lockstep_types::PortError;
    match &outcome {
        Some(CommitOutcome::PushRefused { message }) => Err(PortError::Conflict(format!(
            "the host refused the push, and nothing was changed: {message}. Propose it as a pull request instead, or ask for the right to push"
        ))),
        Some(CommitOutcome::Moved { head }) => Err(PortError::Conflict(format!(
            "the branch moved to {} since this preview, and nothing was changed",
            head.short()
        ))),
        // The page says so; without a script, the queue does.
        Some(CommitOutcome::Asked(_)) => {
            if crate::context::is_plain_form() {
                leptos_axum::redirect("/approvals");
            }
            Ok(outcome)
        }
        // The page shows where it waits for review; without a script, the proposed commit does.
        Some(CommitOutcome::Proposed(proposal)) => {
            if crate::context::is_plain_form() {
                leptos_axum::redirect(&crate::components::target_link::commit_address(
                    &proposal.repo,
                    &proposal.revision,
                ));
            }
            Ok(outcome)
        }
        Some(CommitOutcome::Committed { .. }) | None => {
            // Only an address of ours: the form's field is not trusted.
            if back.starts_with("/apps/") {
                leptos_axum::redirect(back);
            }
            Ok(outcome)
        }
    }
}

/// Rollbacks that wait for a second person.
#[server(prefix = "/sfn", endpoint = "asks", input = Json)]
pub async fn asks() -> Result<Vec<RollbackAskView>, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.rollbacks.asks(&desk.actor).await)
}

/// Says yes or no to exactly this rollback; with a yes it is done.
#[server(prefix = "/sfn", endpoint = "decide_ask")]
pub async fn decide_ask(ask: AskId, digest: String, yes: bool) -> Result<AskDecision, ApiError> {
    let desk = crate::context::desk()?;
    let rollbacks = &desk.plane.rollbacks;
    let decided = rollbacks.decide_ask(&desk.actor, ask, &digest, yes).await;
    desk.answer(decided)
}

/// Ends a pin.
#[server(prefix = "/sfn", endpoint = "unpin")]
pub async fn unpin(pin: PinId, #[server(default)] deploy: bool) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.rollbacks.unpin(&desk.actor, pin, deploy).await)
}

/// Marks a revision as good or bad; any other word takes the mark away. `back` is where the form was.
#[server(prefix = "/sfn", endpoint = "mark")]
pub async fn mark_revision(
    target: TargetId,
    revision: String,
    judgement: String,
    #[server(default)] reason: String,
    back: String,
) -> Result<(), ApiError> {
    use lockstep_types::rollback::{Judgement, MarkRequest};
    let desk = crate::context::desk()?;
    let request = MarkRequest {
        target,
        revision: Revision(revision),
        judgement: Judgement::from_word(&judgement),
        reason,
    };
    desk.answer(desk.plane.rollbacks.mark(&desk.actor, &request).await)?;
    if back.starts_with("/apps/") {
        leptos_axum::redirect(&back);
    }
    Ok(())
}

/// All holds, those that end first at the top.
#[server(prefix = "/sfn", endpoint = "holds", input = Json)]
pub async fn holds() -> Result<Vec<TargetSummary>, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.rollbacks.holds(&desk.actor).await)
}

/// Stops writes for some hours.
#[server(prefix = "/sfn", endpoint = "hold")]
pub async fn hold(
    target: TargetId,
    #[server(default)] kind: HoldKind,
    reason: String,
    hours: u32,
    back: String,
) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .rollbacks
            .hold(&desk.actor, target, kind, &reason, hours)
            .await,
    )?;
    if back.starts_with("/apps/") {
        leptos_axum::redirect(&back);
    }
    Ok(())
}

/// Ends a hold.
#[server(prefix = "/sfn", endpoint = "release")]
pub async fn release(hold: HoldId, #[server(default)] deploy: bool) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .rollbacks
            .release(&desk.actor, hold, deploy)
            .await,
    )
}
