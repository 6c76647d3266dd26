//! The policy in force, and questions to it.

use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::access::{AccessView, QuestionAnswer};
use server_fn::codec::Json;

/// The policy in force with its roles and people.
#[server(prefix = "/sfn", endpoint = "access", input = Json)]
pub async fn read_access() -> Result<AccessView, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.access.access(&desk.actor).await)
}

/// May SUBJECT do ACTION on OBJECT?
#[server(prefix = "/sfn", endpoint = "access_can", input = Json)]
pub async fn can(
    subject: String,
    action: String,
    object: String,
) -> Result<QuestionAnswer, ApiError> {
    let desk = crate::context::desk()?;
    let question = lockstep_types::access::Question {
        subject,
        action,
        object,
    };
    desk.answer(desk.plane.access.can(&desk.actor, &question).await)
}

/// Chooses the source that holds the policy; empty: none.
#[server(prefix = "/sfn", endpoint = "choose_policy_source")]
pub async fn choose_policy_source(#[server(default)] source: String) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    let source = match source.as_str() {
        "" => None,
        id => {
            let unknown =
                || lockstep_types::PortError::invalid("source", "choose a source of the list");
            Some(desk.answer(id.parse().map_err(|_| unknown()))?)
        }
    };
    desk.answer(
        desk.plane
            .access
            .choose_policy_source(&desk.actor, source)
            .await,
    )?;
    leptos_axum::redirect("/settings?tab=access");
    Ok(())
}
