//! Clusters and how Lockstep is connected to them.

use crate::id::ClusterId;
use crate::time::Micros;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Can the cluster be judged now?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Connection {
    /// Watches run.
    Connected,
    /// Not answering, with the error in words.
    Unreachable {
        error: String,
        since: Micros,
        next_try: Option<Micros>,
    },
    /// Not tried yet, or lists are still being filled.
    Unknown,
}

/// A cluster as the list and its page show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClusterView {
    pub id: ClusterId,
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub server: String,
    pub connection: Connection,
    /// Kubernetes version, once known.
    pub version: String,
    /// Round trip of the last probe.
    pub latency_millis: Option<u32>,
    pub watches: u32,
    pub objects_cached: u64,
    pub bytes_cached: u64,
    /// When all watched kinds were last known to be current.
    pub last_compared: Option<Micros>,
    pub queue: u32,
    pub from_file: bool,
    pub targets: Vec<crate::application::TargetSummary>,
    pub leftovers: Vec<Leftover>,
}

/// An object whose definition left Git and which nobody has decided about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Leftover {
    pub key: crate::resource::ResourceKey,
    pub application: String,
    pub since: Micros,
    pub why: String,
}

/// Registers a cluster from one context of a kubeconfig with inline credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewCluster {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// A whole kubeconfig, YAML. Write-only.
    pub kubeconfig: String,
    /// Empty: its current context.
    pub context: String,
}
