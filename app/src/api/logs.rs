//! Logs of containers.

use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::id::TargetId;
use lockstep_types::log::{LogQuery, LogView};
use server_fn::codec::Json;

/// Pods to choose from, and the last lines of those that are meant.
#[server(prefix = "/sfn", endpoint = "log_view", input = Json)]
pub async fn read_log(target: TargetId, query: LogQuery) -> Result<LogView, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .objects
            .log_view(&desk.actor, target, &query)
            .await,
    )
}
