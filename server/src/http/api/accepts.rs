//! Commits of what a target shall be: accepting drift, and other tags for images.

use super::{OnTarget, Reply};
use crate::http::Web;
use crate::http::extract::{At, Body, Caller, Params};
use axum::Json;
use axum::extract::State;
use client::wire::{AcceptBody, ImageBody};
use lockstep_types::accept::{AcceptPreview, AcceptRequest};
use lockstep_types::image::{ImageAnswer, ImageRequest};
use lockstep_types::proposal::CommitOutcome;
use lockstep_types::resource::ResourceKey;
use serde::Deserialize;
use utoipa::IntoParams;

/// The field of an object.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    /// `group/Kind:namespace/name`.
    key: String,
    /// As differences write it: `spec.template.spec.containers[name=web].image`.
    path: String,
}

/// What committing the cluster's value of a field would do.
#[utoipa::path(
    get,
    path = "/apps/{id}/targets/{target}/accept/preview",
    operation_id = "objects_accept_preview",
    tag = "drift",
    params(OnTarget, Field),
    responses((status = 200, description = "What was asked for.", body = AcceptPreview)),
)]
pub(super) async fn preview(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Params(field): Params<Field>,
) -> Reply<AcceptPreview> {
    let key = ResourceKey::named("key", &field.key)?;
    let objects = &web.plane.objects;
    Ok(Json(
        objects
            .preview_accept(&actor, at.target, &key, &field.path)
            .await?,
    ))
}

/// Commits the cluster's value of a field, or proposes it for review.
#[utoipa::path(
    post,
    path = "/apps/{id}/targets/{target}/accept",
    operation_id = "objects_accept",
    tag = "drift",
    params(OnTarget),
    request_body = AcceptBody,
    responses((status = 200, description = "What was asked for.", body = CommitOutcome)),
)]
pub(super) async fn accept(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Body(body): Body<AcceptBody>,
) -> Reply<CommitOutcome> {
    let request = AcceptRequest {
        target: at.target,
        key: ResourceKey::named("key", &body.key)?,
        path: body.path,
        digest: body.digest,
        reason: body.reason,
        propose: !body.commit,
    };
    Ok(Json(web.plane.objects.accept(&actor, &request).await?))
}

/// Commits another tag for images where Git states the one there is, or proposes it for review. Nothing is written when
/// Git says it already.
#[utoipa::path(
    post,
    path = "/apps/{id}/targets/{target}/image",
    operation_id = "objects_set_image",
    tag = "applications",
    params(OnTarget),
    request_body = ImageBody,
    responses((status = 200, description = "What was asked for.", body = ImageAnswer)),
)]
pub(super) async fn set_image(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Body(body): Body<ImageBody>,
) -> Reply<ImageAnswer> {
    let request = ImageRequest {
        target: at.target,
        images: body.images,
        reason: body.reason,
        propose: !body.commit,
        everywhere: body.everywhere,
        preview: body.preview,
    };
    Ok(Json(web.plane.objects.set_image(&actor, &request).await?))
}
