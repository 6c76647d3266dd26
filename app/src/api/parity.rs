//! What runs where, and promotion.

use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::id::TargetId;
#[cfg(feature = "ssr")]
use lockstep_types::parity::PromotionRequest;
use lockstep_types::parity::{ParityQuery, ParityView, PromotionPreview};
use lockstep_types::proposal::CommitOutcome;
use server_fn::codec::Json;

/// Applications by environments.
#[server(prefix = "/sfn", endpoint = "parity", input = Json)]
pub async fn parity(query: ParityQuery) -> Result<ParityView, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.fleet.parity(&desk.actor, &query).await)
}

/// What making the images of one target those of another would do.
#[server(prefix = "/sfn", endpoint = "promotion", input = Json)]
pub async fn promotion(
    from: TargetId,
    to: TargetId,
    everywhere: bool,
) -> Result<PromotionPreview, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .objects
            .preview_promotion(&desk.actor, from, to, everywhere)
            .await,
    )
}

/// Commits exactly that, or proposes it: the form of the page. `back` is the address of the application that changes.
#[server(prefix = "/sfn", endpoint = "promote")]
pub async fn promote(
    from: TargetId,
    to: TargetId,
    digest: String,
    reason: String,
    way: String,
    #[server(default)] everywhere: bool,
    back: String,
) -> Result<Option<CommitOutcome>, ApiError> {
    let desk = crate::context::desk()?;
    let request = PromotionRequest {
        from,
        to,
        digest,
        reason,
        propose: way != "commit",
        everywhere,
    };
    let outcome = desk.answer(desk.plane.objects.promote(&desk.actor, &request).await)?;
    desk.answer(super::rollbacks::settle(Some(outcome), &back))
}
