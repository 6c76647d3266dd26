//! Clusters.

use super::{Reply, document::Done, done};
use crate::http::Web;
use crate::http::extract::{At, Body, Caller, Params};
use axum::Json;
use axum::extract::State;
use client::wire::Created;
use lockstep_types::cluster::{ClusterView, NewCluster};
use lockstep_types::id::ClusterId;
use lockstep_types::rebuild::RebuildView;
use lockstep_types::reestablish::{ReestablishRequest, ReestablishView};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

/// The name typed again, before something is forgotten.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Typed {
    pub(super) typed: String,
}

/// All clusters.
#[utoipa::path(
    get,
    path = "/clusters",
    operation_id = "clusters_clusters",
    tag = "clusters",
    responses((status = 200, description = "What was asked for.", body = Vec<ClusterView>)),
)]
pub(super) async fn clusters(
    State(web): State<Web>,
    Caller(actor): Caller,
) -> Reply<Vec<ClusterView>> {
    Ok(Json(web.plane.clusters.clusters(&actor).await?))
}

/// One cluster.
#[utoipa::path(
    get,
    path = "/clusters/{name}",
    operation_id = "clusters_cluster",
    tag = "clusters",
    params(("name" = String, Path)),
    responses((status = 200, description = "What was asked for.", body = ClusterView)),
)]
pub(super) async fn cluster(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(name): At<String>,
) -> Reply<ClusterView> {
    Ok(Json(web.plane.clusters.cluster(&actor, &name).await?))
}

/// What a new, empty cluster would lack: what Git does not hold, and what may come back otherwise.
#[utoipa::path(
    get,
    path = "/clusters/{name}/rebuild",
    operation_id = "clusters_rebuild",
    tag = "clusters",
    params(("name" = String, Path)),
    responses((status = 200, description = "What was asked for.", body = RebuildView)),
)]
pub(super) async fn rebuild(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(name): At<String>,
) -> Reply<RebuildView> {
    Ok(Json(web.plane.clusters.rebuild(&actor, &name).await?))
}

/// What bringing the cluster back from Git would take, or how far it is.
#[utoipa::path(
    get,
    path = "/clusters/{name}/reestablish",
    operation_id = "clusters_reestablishing",
    tag = "clusters",
    params(("name" = String, Path)),
    responses((status = 200, description = "What was asked for.", body = ReestablishView)),
)]
pub(super) async fn reestablishing(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(name): At<String>,
) -> Reply<ReestablishView> {
    Ok(Json(
        web.plane.clusters.reestablishing(&actor, &name).await?,
    ))
}

/// Brings everything back that Git declares for the cluster: custom kinds first, then namespaces, the platform, and
/// applications. Nothing is deleted.
#[utoipa::path(
    post,
    path = "/clusters/{name}/reestablish",
    operation_id = "clusters_reestablish",
    tag = "clusters",
    params(("name" = String, Path)),
    request_body = ReestablishRequest,
    responses((status = 200, description = "Done.", body = Done)),
)]
pub(super) async fn reestablish(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(name): At<String>,
    Body(body): Body<ReestablishRequest>,
) -> Reply<Value> {
    web.plane.clusters.reestablish(&actor, &name, &body).await?;
    Ok(done())
}

/// Asks for nothing more. Syncs that run go on.
#[utoipa::path(
    delete,
    path = "/clusters/{name}/reestablish",
    operation_id = "clusters_stop_reestablish",
    tag = "clusters",
    params(("name" = String, Path)),
    responses((status = 200, description = "Done.", body = Done)),
)]
pub(super) async fn stop_reestablish(
    State(web): State<Web>,
    Caller(actor): Caller,
    At(name): At<String>,
) -> Reply<Value> {
    web.plane.clusters.stop_reestablish(&actor, &name).await?;
    Ok(done())
}

/// Registers a cluster.
#[utoipa::path(
    post,
    path = "/clusters",
    operation_id = "clusters_add",
    tag = "clusters",
    request_body = NewCluster,
    responses((status = 200, description = "What was asked for.", body = Created<ClusterId>)),
)]
pub(super) async fn add(
    State(web): State<Web>,
    Caller(actor): Caller,
    Body(body): Body<NewCluster>,
) -> Reply<Created<ClusterId>> {
    let id = web.plane.clusters.add_cluster(&actor, &body).await?;
    Ok(Json(Created { id }))
}

/// Forgets a cluster. Nothing on it is touched.
#[utoipa::path(
    delete,
    path = "/clusters/{name}",
    operation_id = "clusters_remove",
    tag = "clusters",
    params(("name" = String, Path), Typed),
    responses((status = 200, description = "Done.", body = Done)),
)]
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
