//! Clusters and how they are connected.

use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::cluster::ClusterView;
use lockstep_types::rebuild::RebuildView;
use lockstep_types::reestablish::ReestablishView;
use server_fn::codec::Json;

/// All clusters.
#[server(prefix = "/sfn", endpoint = "clusters", input = Json)]
pub async fn clusters() -> Result<Vec<ClusterView>, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.clusters.clusters(&desk.actor).await)
}

/// One cluster.
#[server(prefix = "/sfn", endpoint = "cluster", input = Json)]
pub async fn cluster(name: String) -> Result<ClusterView, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.clusters.cluster(&desk.actor, &name).await)
}

/// What a new, empty cluster would lack.
#[server(prefix = "/sfn", endpoint = "rebuild", input = Json)]
pub async fn rebuild(name: String) -> Result<RebuildView, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.clusters.rebuild(&desk.actor, &name).await)
}

/// What bringing a cluster back from Git would take, or how far it is.
#[server(prefix = "/sfn", endpoint = "reestablishing", input = Json)]
pub async fn reestablishing(name: String) -> Result<ReestablishView, ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(desk.plane.clusters.reestablishing(&desk.actor, &name).await)
}

/// Brings everything back that Git declares for a cluster. `accept` is the UID of another cluster that takes its place;
/// empty: it is the same.
#[server(prefix = "/sfn", endpoint = "reestablish")]
pub async fn reestablish(
    name: String,
    typed: String,
    reason: String,
    #[server(default)] accept: String,
) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    let request = lockstep_types::reestablish::ReestablishRequest {
        typed,
        reason,
        accept: (!accept.is_empty()).then_some(accept),
    };
    desk.answer(
        desk.plane
            .clusters
            .reestablish(&desk.actor, &name, &request)
            .await,
    )?;
    to_reestablish(&name);
    Ok(())
}

/// Asks for nothing more; syncs that run go on.
#[server(prefix = "/sfn", endpoint = "stop_reestablish")]
pub async fn stop_reestablish(name: String) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .clusters
            .stop_reestablish(&desk.actor, &name)
            .await,
    )?;
    to_reestablish(&name);
    Ok(())
}

#[cfg(feature = "ssr")]
fn to_reestablish(name: &str) {
    let name = crate::format::encode(name);
    leptos_axum::redirect(&format!("/clusters/{name}/reestablish"));
}

/// Registers a cluster and leads to its page. `labels` is `key=value`, separated by commas or spaces.
#[server(prefix = "/sfn", endpoint = "add_cluster")]
pub async fn add_cluster(
    name: String,
    #[server(default)] labels: String,
    kubeconfig: String,
    #[server(default)] context: String,
) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    let labels = labels
        .split([',', ' '])
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .collect();
    let new = lockstep_types::cluster::NewCluster {
        name,
        labels,
        kubeconfig,
        context,
    };
    desk.answer(desk.plane.clusters.add_cluster(&desk.actor, &new).await)?;
    leptos_axum::redirect(&format!("/clusters/{}", crate::format::encode(&new.name)));
    Ok(())
}

/// Forgets a cluster; nothing in it is touched.
#[server(prefix = "/sfn", endpoint = "remove_cluster")]
pub async fn remove_cluster(name: String, typed: String) -> Result<(), ApiError> {
    let desk = crate::context::desk()?;
    desk.answer(
        desk.plane
            .clusters
            .remove_cluster(&desk.actor, &name, &typed)
            .await,
    )?;
    leptos_axum::redirect("/clusters");
    Ok(())
}
