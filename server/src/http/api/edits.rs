//! Changing definitions: commits in root sources.

use super::Reply;
use crate::http::Web;
use crate::http::extract::{At, Body, Caller, Params};
use axum::Json;
use axum::extract::State;
use client::wire::{EditBody, TemplateAnswer};
use lockstep_types::edit::{
    Edit, EditDraft, EditOutcome, EditPreview, EditSubject, NewApplication,
};
use lockstep_types::id::{ApplicationId, SourceId};
use serde::Deserialize;
use utoipa::IntoParams;

/// How the definition shall be.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Changed {
    /// With this revision (a chart's version, a tag, a branch) where it asks for one.
    revision: Option<String>,
}

/// The definition of an application, to change it.
#[utoipa::path(
    get,
    path = "/apps/{id}/edit",
    operation_id = "edits_of_application",
    tag = "edits",
    params(("id" = ApplicationId, Path), Changed),
    responses((status = 200, description = "What was asked for.", body = EditDraft)),
)]
pub(super) async fn of_application(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<ApplicationId>,
    Params(changed): Params<Changed>,
) -> Reply<EditDraft> {
    let subject = match changed.revision {
        Some(revision) => EditSubject::Revision(id, revision),
        None => EditSubject::Application(id),
    };
    Ok(Json(web.plane.editing.draft(&actor, subject).await?))
}

/// What a new application in a source starts with.
#[utoipa::path(
    get,
    path = "/sources/{id}/new",
    operation_id = "edits_in_source",
    tag = "edits",
    params(("id" = SourceId, Path)),
    responses((status = 200, description = "What was asked for.", body = EditDraft)),
)]
pub(super) async fn in_source(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<SourceId>,
) -> Reply<EditDraft> {
    let subject = EditSubject::New(id);
    Ok(Json(web.plane.editing.draft(&actor, subject).await?))
}

/// The definition of a new application as text.
#[utoipa::path(
    post,
    path = "/edits/template",
    operation_id = "edits_template",
    tag = "edits",
    request_body = NewApplication,
    responses((status = 200, description = "What was asked for.", body = TemplateAnswer)),
)]
pub(super) async fn template(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(new): Body<NewApplication>,
) -> Reply<TemplateAnswer> {
    let text = web.plane.editing.template(&actor, &new).await?;
    Ok(Json(TemplateAnswer { text }))
}

/// What an edit would change. Writes nothing.
#[utoipa::path(
    post,
    path = "/edits/preview",
    operation_id = "edits_preview",
    tag = "edits",
    request_body = Edit,
    responses((status = 200, description = "What was asked for.", body = EditPreview)),
)]
pub(super) async fn preview(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(edit): Body<Edit>,
) -> Reply<EditPreview> {
    Ok(Json(web.plane.editing.preview_edit(&actor, &edit).await?))
}

/// Commits an edit, as it was previewed.
#[utoipa::path(
    post,
    path = "/edits",
    operation_id = "edits_commit",
    tag = "edits",
    request_body = EditBody,
    responses((status = 200, description = "What was asked for.", body = EditOutcome)),
)]
pub(super) async fn commit(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(body): Body<EditBody>,
) -> Reply<EditOutcome> {
    let outcome = web
        .plane
        .editing
        .commit_edit(&actor, &body.edit, &body.digest, &body.reason)
        .await?;
    Ok(Json(outcome))
}
