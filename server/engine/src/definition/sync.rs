//! How a definition wants its syncs to go, in one form for all dialects. Plain data, read here and acted on by the
//! planner and the reconciler.

use lockstep_types::resource::ResourceKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Options of a sync, for all objects of the application; annotations of single objects win.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncOptions {
    /// Replace objects instead of applying them.
    pub replace: bool,
    /// Delete and create what cannot be changed in place.
    pub force: bool,
    /// The server checks fields strictly; off: unknown fields are let through.
    pub validate: bool,
    /// A kind that the cluster does not serve yet is no reason to refuse the sync.
    pub skip_dry_run_on_missing: bool,
    /// Deletes come after everything else is healthy.
    pub prune_last: bool,
    pub propagation: Propagation,
    /// Ignored fields keep their live value when the object is written.
    pub respect_ignore_differences: bool,
    /// An object that another application holds fails the sync.
    pub fail_on_shared: bool,
    /// For a namespace that the sync creates.
    pub namespace_labels: BTreeMap<String, String>,
    pub namespace_annotations: BTreeMap<String, String>,
    pub retry: Option<Retry>,
    /// The sync lasts until everything is healthy, as Flux's `wait` asks.
    pub wait: bool,
    /// Seconds until waiting is given up; 0: the default.
    pub timeout_seconds: u32,
}

impl Default for SyncOptions {
    fn default() -> Self {
        Self {
            replace: false,
            force: false,
            validate: true,
            skip_dry_run_on_missing: false,
            prune_last: false,
            propagation: Propagation::Background,
            respect_ignore_differences: false,
            fail_on_shared: false,
            namespace_labels: BTreeMap::new(),
            namespace_annotations: BTreeMap::new(),
            retry: None,
            wait: false,
            timeout_seconds: 0,
        }
    }
}

/// What happens to what a deleted object owns.
///
/// Argo CD deletes in the foreground unless told otherwise, Flux in the background. So do we: a plan waits for what is
/// deleted where that matters, and an object with a stuck dependent does not stay half deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Propagation {
    Foreground,
    #[default]
    Background,
    Orphan,
}

/// `spec.syncPolicy.retry`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Negative: for ever.
    pub limit: i64,
    /// First pause in milliseconds.
    pub pause_ms: u64,
    pub factor: u32,
    /// Longest pause in milliseconds.
    pub longest_pause_ms: u64,
    /// A retry takes the newest revision.
    pub refresh: bool,
}

/// Another definition that must be ready first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    pub namespace: String,
    pub name: String,
    /// CEL over `self` and `dep`; empty: it is synced and healthy.
    pub ready_expr: String,
}

/// A check of health besides the built-in rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HealthCheck {
    /// This object must be healthy too, wherever it comes from.
    Object(ResourceKey),
    /// CEL for all objects of a kind.
    Expressions {
        api_version: String,
        kind: String,
        current: String,
        failed: String,
        in_progress: String,
    },
}
