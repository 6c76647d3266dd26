//! Changing definitions: commits in root sources.

use super::Reply;
use crate::http::Web;
use crate::http::extract::{At, Body, Caller};
use axum::Json;
use axum::extract::State;
use client::wire::{EditBody, TemplateAnswer};
use lockstep_types::edit::{
    Edit, EditDraft, EditOutcome, EditPreview, EditSubject, NewApplication,
};
use lockstep_types::id::{ApplicationId, SourceId};

pub(super) async fn of_application(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<ApplicationId>,
) -> Reply<EditDraft> {
    let subject = EditSubject::Application(id);
    Ok(Json(web.plane.editing.draft(&actor, subject).await?))
}

pub(super) async fn in_source(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<SourceId>,
) -> Reply<EditDraft> {
    let subject = EditSubject::New(id);
    Ok(Json(web.plane.editing.draft(&actor, subject).await?))
}

pub(super) async fn template(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(new): Body<NewApplication>,
) -> Reply<TemplateAnswer> {
    let text = web.plane.editing.template(&actor, &new).await?;
    Ok(Json(TemplateAnswer { text }))
}

pub(super) async fn preview(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(edit): Body<Edit>,
) -> Reply<EditPreview> {
    Ok(Json(web.plane.editing.preview_edit(&actor, &edit).await?))
}

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
