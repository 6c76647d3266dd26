//! Root sources and taking them over.

use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::id::SourceId;
use lockstep_types::image::ImageRuleView;
use lockstep_types::set::SetView;
use lockstep_types::source::{SourceView, TakeOverPreview};
use server_fn::codec::Json;

/// All root sources.
#[server(prefix = "/sfn", endpoint = "sources", input = Json)]
pub async fn sources() -> Result<Vec<SourceView>, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.sources.sources(&desk.actor).await)
}

/// All sets of applications.
#[server(prefix = "/sfn", endpoint = "sets", input = Json)]
pub async fn sets() -> Result<Vec<SetView>, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.sources.sets(&desk.actor).await)
}

/// Rules for images, and what they came to.
#[server(prefix = "/sfn", endpoint = "image_rules", input = Json)]
pub async fn image_rules() -> Result<Vec<ImageRuleView>, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.sources.image_rules(&desk.actor).await)
}

/// Registers a root source; it starts in Observe.
#[server(prefix = "/sfn", endpoint = "add_source")]
pub async fn add_source(
    name: String,
    repo_url: String,
    #[server(default)] path: String,
    #[server(default)] revision: String,
    home_cluster: String,
    #[server(default)] username: String,
    #[server(default)] password: String,
) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    let given = |text: String| (!text.is_empty()).then_some(text);
    let new = lockstep_types::source::NewSource {
        name,
        repo_url,
        path,
        target_revision: lockstep_types::revision::TargetRevision(revision),
        home_cluster,
        username: given(username),
        password: given(password),
        ssh_key: None,
        known_hosts: None,
        ca: None,
    };
    desk.answer(desk.plane.sources.add_source(&desk.actor, &new).await)?;
    leptos_axum::redirect("/settings?tab=sources");
    Ok(())
}

/// Forgets a root source; nothing it declared is touched.
#[server(prefix = "/sfn", endpoint = "remove_source")]
pub async fn remove_source(source: SourceId, typed: String) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .sources
            .remove_source(&desk.actor, source, &typed)
            .await,
    )?;
    leptos_axum::redirect("/settings?tab=sources");
    Ok(())
}

/// Reads a root source again now.
#[server(prefix = "/sfn", endpoint = "refresh_source")]
pub async fn refresh_source(source: SourceId) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.sources.refresh_source(&desk.actor, source).await)
}

/// What taking over would do.
#[server(prefix = "/sfn", endpoint = "take_over_preview", input = Json)]
pub async fn preview_take_over(source: SourceId) -> Result<TakeOverPreview, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .sources
            .take_over_preview(&desk.actor, source)
            .await,
    )
}

/// Takes over what was previewed.
#[server(prefix = "/sfn", endpoint = "take_over")]
pub async fn take_over(source: SourceId, digest: String) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .sources
            .take_over(&desk.actor, source, &digest)
            .await,
    )?;
    leptos_axum::redirect("/settings?tab=sources");
    Ok(())
}
