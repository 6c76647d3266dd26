//! Accepting drift.

use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::accept::AcceptPreview;
use lockstep_types::id::TargetId;
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::resource::ResourceKey;
use server_fn::codec::Json;

/// What committing the cluster's value of a field would do.
#[server(prefix = "/sfn", endpoint = "accept_preview", input = Json)]
pub async fn preview_accept(
    target: TargetId,
    key: ResourceKey,
    path: String,
) -> Result<AcceptPreview, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .objects
            .preview_accept(&desk.actor, target, &key, &path)
            .await,
    )
}

/// Commits it, or proposes it: the form of the page. `back` is the application's address.
#[server(prefix = "/sfn", endpoint = "accept")]
pub async fn accept(
    target: TargetId,
    object: String,
    path: String,
    digest: String,
    reason: String,
    way: String,
    back: String,
) -> Result<Option<CommitOutcome>, ApiError> {
    use lockstep_types::accept::AcceptRequest;
    let desk = crate::context::desk()?;
    let key = desk.answer(ResourceKey::named("object", &object))?;
    let request = AcceptRequest {
        target,
        key,
        path,
        digest,
        reason,
        propose: way != "commit",
    };
    let outcome = desk.answer(desk.plane.objects.accept(&desk.actor, &request).await)?;
    desk.answer(super::rollbacks::settle(Some(outcome), &back))
}
