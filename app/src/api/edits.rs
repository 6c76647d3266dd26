//! Changing definitions: drafts, the template of a new application, and previews. The commit itself is a plain form of
//! the page, so that what was typed survives a refusal without WASM too.

use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::edit::{Edit, EditDraft, EditPreview, EditSubject, NewApplication};
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

/// What an edit would do.
#[server(prefix = "/sfn", endpoint = "edit_preview", input = Json)]
pub async fn preview_edit(edit: Edit) -> Result<EditPreview, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.editing.preview_edit(&desk.actor, &edit).await)
}
