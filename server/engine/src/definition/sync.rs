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
    /// For objects that say nothing about it themselves.
    #[serde(default)]
    pub prune: Wish,
    /// The same for when the application is removed.
    #[serde(default)]
    pub delete: Wish,
    pub propagation: Propagation,
    /// Ignored fields keep their live value when the object is written.
    pub respect_ignore_differences: bool,
    /// An object that another application holds fails the sync.
    pub fail_on_shared: bool,
    /// For the destination namespace, where `CreateNamespace` is on.
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
            prune: Wish::Allowed,
            delete: Wish::Allowed,
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

/// Whether objects may be deleted. The later ones are the more careful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Wish {
    #[default]
    Allowed,
    /// After a person has said yes.
    Confirm,
    Never,
}

/// What happens to what a deleted object owns.
///
/// Without a word in the definition it is as its dialect has it: Argo CD prunes in the foreground, Flux in the background.
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
        /// 1-based; 0 where it is not known.
        #[serde(default)]
        line: u32,
    },
}
