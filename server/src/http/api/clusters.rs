//! Clusters.

use super::{Reply, done};
use crate::http::Web;
use crate::http::extract::{At, Body, Caller, Params};
use axum::Json;
use axum::extract::State;
use client::wire::Created;
use lockstep_types::cluster::{ClusterView, NewCluster};
use lockstep_types::id::ClusterId;
use serde::Deserialize;
use serde_json::Value;

/// The name typed again, before something is forgotten.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Typed {
    pub(super) typed: String,
}

pub(super) async fn clusters(
    State(web): State<Web>,
    Caller(actor): Caller,
) -> Reply<Vec<ClusterView>> {
    Ok(Json(web.plane.clusters.clusters(&actor).await?))
}

pub(super) async fn cluster(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(name): At<String>,
) -> Reply<ClusterView> {
    Ok(Json(web.plane.clusters.cluster(&actor, &name).await?))
}

pub(super) async fn add(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(body): Body<NewCluster>,
) -> Reply<Created<ClusterId>> {
    let id = web.plane.clusters.add_cluster(&actor, &body).await?;
    Ok(Json(Created { id }))
}

pub(super) async fn remove(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(name): At<String>,
    Params(query): Params<Typed>,
) -> Reply<Value> {
    web.plane
        .clusters
        .remove_cluster(&actor, &name, &query.typed)
        .await?;
    Ok(done())
}
