//! Commits of what a target shall be: accepting drift, other tags for images, and promotion.

use super::{OnTarget, Reply};
use crate::http::Web;
use crate::http::extract::{At, Body, Caller, Params};
use axum::Json;
use axum::extract::State;
use client::wire::{AcceptBody, ImageBody, PromoteBody};
use lockstep_types::accept::{AcceptPreview, AcceptRequest};
use lockstep_types::id::TargetId;
use lockstep_types::image::{ImageAnswer, ImageRequest};
use lockstep_types::parity::{PromotionPreview, PromotionRequest};
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

/// Whose versions.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Origin {
    /// The target whose images this one shall have.
    from: TargetId,
    /// Also where other applications read the file that states it.
    #[serde(default)]
    everywhere: bool,
}

/// What making the images of one target those of this one would do.
#[utoipa::path(
    get,
    path = "/apps/{id}/targets/{target}/promote/preview",
    operation_id = "objects_promote_preview",
    tag = "applications",
    params(OnTarget, Origin),
    responses((status = 200, description = "What was asked for.", body = PromotionPreview)),
)]
pub(super) async fn preview_promotion(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Params(origin): Params<Origin>,
) -> Reply<PromotionPreview> {
    let objects = &web.plane.objects;
    Ok(Json(
        objects
            .preview_promotion(&actor, origin.from, at.target, origin.everywhere)
            .await?,
    ))
}

/// Commits exactly that, or proposes it for review.
#[utoipa::path(
    post,
    path = "/apps/{id}/targets/{target}/promote",
    operation_id = "objects_promote",
    tag = "applications",
    params(OnTarget),
    request_body = PromoteBody,
    responses((status = 200, description = "What was asked for.", body = CommitOutcome)),
)]
pub(super) async fn promote(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(at): At<OnTarget>,
    Body(body): Body<PromoteBody>,
) -> Reply<CommitOutcome> {
    let request = PromotionRequest {
        from: body.from,
        to: at.target,
        digest: body.digest,
        reason: body.reason,
        propose: !body.commit,
        everywhere: body.everywhere,
    };
    Ok(Json(web.plane.objects.promote(&actor, &request).await?))
}
