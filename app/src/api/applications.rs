//! Questions about one application.

use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::application::{
    ApplicationView, ChangesView, CompareView, DefinitionView, HistoryView, TreeView,
};
use lockstep_types::blame::BlameView;
use lockstep_types::id::{ApplicationId, TargetId};
use lockstep_types::orphan::OrphansView;
use lockstep_types::past::TargetPast;
use lockstep_types::resource::{ResourceKey, ResourceView};
#[cfg(feature = "ssr")]
use lockstep_types::{Micros, past::moment, revision::Revision};
use server_fn::codec::Json;

/// The head of the page. An empty cluster selects the worst target.
#[server(prefix = "/sfn", endpoint = "application", input = Json)]
pub async fn application(id: ApplicationId, cluster: String) -> Result<ApplicationView, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .applications
            .application(&desk.actor, id, &cluster)
            .await,
    )
}

/// The objects of a target.
#[server(prefix = "/sfn", endpoint = "tree", input = Json)]
pub async fn tree(target: TargetId) -> Result<TreeView, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.applications.tree(&desk.actor, target).await)
}

/// One object of a target.
#[server(prefix = "/sfn", endpoint = "resource", input = Json)]
pub async fn read_resource(target: TargetId, key: ResourceKey) -> Result<ResourceView, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .applications
            .resource(&desk.actor, target, &key)
            .await,
    )
}

/// Who wrote each line of an object.
#[server(prefix = "/sfn", endpoint = "blame", input = Json)]
pub async fn read_blame(target: TargetId, key: ResourceKey) -> Result<BlameView, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.objects.blame(&desk.actor, target, &key).await)
}

/// Objects around a target that no application declares.
#[server(prefix = "/sfn", endpoint = "orphans", input = Json)]
pub async fn orphans(target: TargetId) -> Result<OrphansView, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.applications.orphans(&desk.actor, target).await)
}

/// What differs, and what a sync would do.
#[server(prefix = "/sfn", endpoint = "changes", input = Json)]
pub async fn changes(target: TargetId) -> Result<ChangesView, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.applications.changes(&desk.actor, target).await)
}

/// Syncs and commits, newest first.
#[server(prefix = "/sfn", endpoint = "history", input = Json)]
pub async fn history(target: TargetId, before: Option<i64>) -> Result<HistoryView, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .applications
            .history(&desk.actor, target, before.map(Micros))
            .await,
    )
}

/// The manifest that defines the application.
#[server(prefix = "/sfn", endpoint = "definition", input = Json)]
pub async fn definition(id: ApplicationId) -> Result<DefinitionView, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.applications.definition(&desk.actor, id).await)
}

/// How a target stood `at` an earlier time, as [`moment`](lockstep_types::past::moment) reads it.
#[server(prefix = "/sfn", endpoint = "past", input = Json)]
pub async fn read_past(target: TargetId, at: String) -> Result<TargetPast, ApiError> {
    let desk = crate::context::desk()?;
    let now = jiff::Timestamp::now().into();
    let at = moment("at", &at, now)?.unwrap_or(now);
    desk.answer(desk.plane.applications.past(&desk.actor, target, at).await)
}

/// The rendered difference between two revisions.
#[server(prefix = "/sfn", endpoint = "compare", input = Json)]
pub async fn compare(target: TargetId, from: String, to: String) -> Result<CompareView, ApiError> {
    let desk = crate::context::desk()?;
    let (from, to) = (Revision(from), Revision(to));
    desk.answer(
        desk.plane
            .applications
            .compare(&desk.actor, target, &from, &to)
            .await,
    )
}
