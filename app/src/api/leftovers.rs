//! What applications left behind when their definitions left Git, and the forms that decide about it.

use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::id::TargetId;
use lockstep_types::leftover::{Leftovers, RemovalPreview};
use server_fn::codec::Json;

/// Everything that is left.
#[server(prefix = "/sfn", endpoint = "leftovers", input = Json)]
pub async fn all_leftovers() -> Result<Vec<Leftovers>, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.leftovers.leftovers(&desk.actor).await)
}

/// What removing it would delete.
#[server(prefix = "/sfn", endpoint = "removal", input = Json)]
pub async fn removal(target: TargetId) -> Result<RemovalPreview, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.leftovers.removal(&desk.actor, target).await)
}

/// Deletes exactly what the preview with this digest showed, and leads to the run.
#[server(prefix = "/sfn", endpoint = "remove_leftovers")]
pub async fn remove_leftovers(
    target: TargetId,
    digest: String,
    typed: String,
    #[server(default)] reason: String,
) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    let request = lockstep_types::leftover::RemovalRequest {
        target,
        digest,
        typed,
        reason,
    };
    let operation = desk.answer(desk.plane.leftovers.remove(&desk.actor, &request).await)?;
    leptos_axum::redirect(&format!("/operations/{operation}"));
    Ok(())
}

/// Forgets it; the objects stay.
#[server(prefix = "/sfn", endpoint = "leave_leftovers")]
pub async fn leave_leftovers(target: TargetId) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.leftovers.leave(&desk.actor, target).await)?;
    leptos_axum::redirect("/leftovers");
    Ok(())
}
