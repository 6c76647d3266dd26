//! Changing definitions: drafts, and the template of a new application. Preview and commit are steps of the page's plain
//! form, so that what was typed survives a refusal.

use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::edit::{EditDraft, EditSubject, NewApplication};
use server_fn::codec::Json;

/// Where an edit begins.
#[server(prefix = "/sfn", endpoint = "edit_draft", input = Json)]
pub async fn draft(subject: EditSubject) -> Result<EditDraft, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.editing.draft(&desk.actor, subject).await)
}

/// The manifest of a new application.
#[server(prefix = "/sfn", endpoint = "edit_template", input = Json)]
pub async fn template(new: NewApplication) -> Result<String, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.editing.template(&desk.actor, &new).await)
}
