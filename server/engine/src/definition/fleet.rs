//! Rancher Fleet: `GitRepo` documents and `fleet.yaml` files, read as they are. Every folder that Fleet would make a
//! bundle of becomes one definition, which may go to several clusters and look different on each.
//!
//! A definition holds everything that decides this, its [`Placement`]; which clusters match, and what the definition
//! is on one of them, is worked out whenever it is asked for. So a label that a cluster gains or loses moves
//! applications without a commit. Knows registered clusters only by name and labels.
//!
//! Differences from Fleet, on purpose: there are no workspaces, so all registered clusters are candidates whatever the
//! namespace of the `GitRepo`; and without `targets`, where Fleet means the cluster group `default`, the home cluster of
//! the root source is meant unless Git holds such a group.

mod bundle;
mod folders;
mod options;
mod patches;
mod placement;
mod read;
mod repository;
mod rollout;
mod selector;
mod template;
#[cfg(test)]
mod tests;

pub use options::{BundleOptions, ChartOptions};
pub use placement::{CandidateCluster, ClusterGroup, Customization, DeclaredCluster, Placement};
pub use rollout::{Partition, RolloutStrategy};
pub use selector::{ClusterMatch, Expression, LabelSelector, Operator};

pub(super) use read::{Itself, read};

/// API group of all of Fleet's kinds.
pub(super) const GROUP: &str = "fleet.cattle.io";
/// Where Fleet keeps what belongs to its own cluster; also where a `GitRepo` without a namespace is thought to be.
const DEFAULT_NAMESPACE: &str = "fleet-local";
/// Where Fleet's agent looks for the service accounts that definitions name.
const ACCOUNT_NAMESPACE: &str = "cattle-fleet-system";
/// The group that a `GitRepo` without targets goes to.
const DEFAULT_GROUP: &str = "default";
