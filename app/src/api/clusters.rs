//! Clusters and how they are connected.

use crate::error::ApiError;
use leptos::prelude::*;
use lockstep_types::cluster::ClusterView;
use lockstep_types::rebuild::RebuildView;
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
