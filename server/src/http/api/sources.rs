//! Root sources and taking them over.

use super::clusters::Typed;
use super::{Reply, document::Done, done};
use crate::http::Web;
use crate::http::extract::{At, Body, Caller, Params};
use axum::Json;
use axum::extract::State;
use client::wire::{Created, TakeOverBody};
use lockstep_types::id::SourceId;
use lockstep_types::image::ImageRuleView;
use lockstep_types::set::SetView;
use lockstep_types::source::{NewSource, SourceView, TakeOverPreview};
use serde_json::Value;

/// All root sources.
#[utoipa::path(
    get,
    path = "/sources",
    operation_id = "sources_sources",
    tag = "sources",
    responses((status = 200, description = "What was asked for.", body = Vec<SourceView>)),
)]
pub(super) async fn sources(
    State(web): State<Web>,
    Caller(actor): Caller,
) -> Reply<Vec<SourceView>> {
    Ok(Json(web.plane.sources.sources(&actor).await?))
}

/// Sets that make applications, and what they made.
#[utoipa::path(
    get,
    path = "/sets",
    operation_id = "sources_sets",
    tag = "sources",
    responses((status = 200, description = "What was asked for.", body = Vec<SetView>)),
)]
pub(super) async fn sets(State(web): State<Web>, Caller(actor): Caller) -> Reply<Vec<SetView>> {
    Ok(Json(web.plane.sources.sets(&actor).await?))
}

/// Rules in Git by which the newest tags of images are written to Git, and what they came to.
#[utoipa::path(
    get,
    path = "/image-rules",
    operation_id = "sources_image_rules",
    tag = "sources",
    responses((status = 200, description = "What was asked for.", body = Vec<ImageRuleView>)),
)]
pub(super) async fn image_rules(
    State(web): State<Web>,
    Caller(actor): Caller,
) -> Reply<Vec<ImageRuleView>> {
    Ok(Json(web.plane.sources.image_rules(&actor).await?))
}

/// Registers a root source. It starts in Observe.
#[utoipa::path(
    post,
    path = "/sources",
    operation_id = "sources_add",
    tag = "sources",
    request_body = NewSource,
    responses((status = 200, description = "What was asked for.", body = Created<SourceId>)),
)]
pub(super) async fn add(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(body): Body<NewSource>,
) -> Reply<Created<SourceId>> {
    let id = web.plane.sources.add_source(&actor, &body).await?;
    Ok(Json(Created { id }))
}

/// Forgets a root source. Nothing on clusters is touched.
#[utoipa::path(
    delete,
    path = "/sources/{id}",
    operation_id = "sources_remove",
    tag = "sources",
    params(("id" = SourceId, Path), Typed),
    responses((status = 200, description = "Done.", body = Done)),
)]
pub(super) async fn remove(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<SourceId>,
    Params(query): Params<Typed>,
) -> Reply<Value> {
    web.plane
        .sources
        .remove_source(&actor, id, &query.typed)
        .await?;
    Ok(done())
}

/// Reads a root source again.
#[utoipa::path(
    post,
    path = "/sources/{id}/refresh",
    operation_id = "sources_refresh",
    tag = "sources",
    params(("id" = SourceId, Path)),
    responses((status = 200, description = "Done.", body = Done)),
)]
pub(super) async fn refresh(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<SourceId>,
) -> Reply<Value> {
    web.plane.sources.refresh_source(&actor, id).await?;
    Ok(done())
}

/// What taking a source over would change.
#[utoipa::path(
    get,
    path = "/sources/{id}/take-over",
    operation_id = "sources_preview",
    tag = "sources",
    params(("id" = SourceId, Path)),
    responses((status = 200, description = "What was asked for.", body = TakeOverPreview)),
)]
pub(super) async fn preview(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<SourceId>,
) -> Reply<TakeOverPreview> {
    Ok(Json(web.plane.sources.take_over_preview(&actor, id).await?))
}

/// Takes a source over, as it was previewed.
#[utoipa::path(
    post,
    path = "/sources/{id}/take-over",
    operation_id = "sources_take_over",
    tag = "sources",
    params(("id" = SourceId, Path)),
    request_body = TakeOverBody,
    responses((status = 200, description = "Done.", body = Done)),
)]
pub(super) async fn take_over(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<SourceId>,
    Body(body): Body<TakeOverBody>,
) -> Reply<Value> {
    web.plane
        .sources
        .take_over(&actor, id, &body.digest)
        .await?;
    Ok(done())
}
