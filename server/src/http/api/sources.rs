//! Root sources and taking them over.

use super::clusters::Typed;
use super::{Reply, done};
use crate::http::Web;
use crate::http::extract::{At, Body, Caller, Params};
use axum::Json;
use axum::extract::State;
use client::wire::{Created, TakeOverBody};
use lockstep_types::id::SourceId;
use lockstep_types::set::SetView;
use lockstep_types::source::{NewSource, SourceView, TakeOverPreview};
use serde_json::Value;

pub(super) async fn sources(
    State(web): State<Web>,
    Caller(actor): Caller,
) -> Reply<Vec<SourceView>> {
    Ok(Json(web.plane.sources.sources(&actor).await?))
}

pub(super) async fn sets(State(web): State<Web>, Caller(actor): Caller) -> Reply<Vec<SetView>> {
    Ok(Json(web.plane.sources.sets(&actor).await?))
}

pub(super) async fn add(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(body): Body<NewSource>,
) -> Reply<Created<SourceId>> {
    let id = web.plane.sources.add_source(&actor, &body).await?;
    Ok(Json(Created { id }))
}

pub(super) async fn remove(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<SourceId>,
    Params(query): Params<Typed>,
) -> Reply<Value> {
    web.plane
        .sources
        .remove_source(&actor, id, &query.typed)
        .await?;
    Ok(done())
}

pub(super) async fn refresh(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<SourceId>,
) -> Reply<Value> {
    web.plane.sources.refresh_source(&actor, id).await?;
    Ok(done())
}

pub(super) async fn preview(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<SourceId>,
) -> Reply<TakeOverPreview> {
    Ok(Json(web.plane.sources.take_over_preview(&actor, id).await?))
}

pub(super) async fn take_over(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(id): At<SourceId>,
    Body(body): Body<TakeOverBody>,
) -> Reply<Value> {
    web.plane
        .sources
        .take_over(&actor, id, &body.digest)
        .await?;
    Ok(done())
}
