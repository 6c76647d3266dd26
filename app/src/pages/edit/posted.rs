//! The plain form of the page, on the server: takes a step and says what the page then shows.

use super::Step;
use crate::error::ApiError;
use lockstep_types::PortError;
use lockstep_types::account::Actor;
use lockstep_types::edit::{Edit, EditKind, EditOutcome};
use lockstep_types::id::SourceId;
use lockstep_types::ports::ControlPlane;
use lockstep_types::revision::Revision;
use serde::Deserialize;

/// The fields of the form.
#[derive(Debug, Clone, Deserialize)]
pub struct EditForm {
    source: SourceId,
    kind: String,
    path: String,
    #[serde(default)]
    text: String,
    base: String,
    #[serde(default)]
    digest: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    back: String,
    /// `preview`, `remove` (a preview of the removal) or `commit`.
    #[serde(default)]
    step: String,
}

/// The step, in the context of the page that answers it.
#[derive(Debug, Clone)]
pub struct Posted(pub Step);

/// Takes the step: the page to show, or the address to go on to when the commit is written.
///
/// # Errors
/// The address.
pub async fn answer(plane: &ControlPlane, actor: &Actor, form: EditForm) -> Result<Posted, String> {
    let asked = EditKind::from_word(&form.kind).unwrap_or(EditKind::Replace);
    let kind = match form.step.as_str() {
        "remove" => EditKind::Remove,
        // After a look at the removal, the text is looked at again.
        "preview" if asked == EditKind::Remove => EditKind::Replace,
        _ => asked,
    };
    let edit = Edit {
        source: form.source,
        kind,
        path: form.path,
        text: form.text,
        base: Revision(form.base),
    };
    let mut step = Step {
        edit: edit.clone(),
        reason: form.reason.clone(),
        preview: None,
        failure: None,
    };
    if form.step == "commit" {
        let outcome = plane
            .editing
            .commit_edit(actor, &edit, &form.digest, &form.reason)
            .await;
        step.failure = match outcome {
            Ok(EditOutcome::Committed { .. }) => return Err(next(&form.back, kind)),
            Ok(EditOutcome::PushRefused { message }) => Some(PortError::Conflict(format!(
                "the host refused the push, and nothing was changed: {message}. Ask for the right to push to the branch, or commit there with Git"
            ))),
            Ok(EditOutcome::Moved { head }) => Some(PortError::Conflict(format!(
                "the branch moved to {} since this preview, and nothing was changed. Preview again in a moment",
                head.short()
            ))),
            Err(error) => Some(error),
        }
        .map(ApiError::Port);
    }
    match plane.editing.preview_edit(actor, &edit).await {
        Ok(preview) => step.preview = Some(preview),
        Err(error) if step.failure.is_none() => step.failure = Some(ApiError::Port(error)),
        Err(_) => {}
    }
    Ok(Posted(step))
}

/// Where to go on to: the field of a form is not trusted, so only to an address of ours.
fn next(back: &str, kind: EditKind) -> String {
    if kind == EditKind::Replace && back.starts_with("/apps/") {
        back.to_owned()
    } else {
        "/".to_owned()
    }
}
