//! `rolloutStrategy`: the partitions in which a new state reaches the clusters of a bundle.
//!
//! Partitions come in the order of the file, those that are made by themselves at the end. Differences from Fleet, on
//! purpose: `maxUnavailable` limits how many clusters are under way at once from the first deployment on (Fleet begins
//! with up to 50 of each partition whatever it says), with one at least; and a partition is done when no more of its
//! clusters than that are behind or not ready, where Fleet counts those only that it has begun to update.

use super::super::fields::Place;
use super::placement::{CandidateCluster, Placement};
use super::selector::ClusterMatch;
use crate::rollout::{Amount, Rollout, Step};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// As Fleet's documentation has it.
const AUTO_SIZE: Amount = Amount::Percent(25);
/// With fewer clusters there is one partition unless some are written out.
const AUTO_THRESHOLD: u32 = 200;
const NEXT: &str = "Write how many clusters that may be.";

/// What a `fleet.yaml` says of rollouts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RolloutStrategy {
    pub max_unavailable: Amount,
    pub max_unavailable_partitions: Amount,
    pub auto_partition_size: Amount,
    pub auto_partition_threshold: u32,
    pub partitions: Vec<Partition>,
}

/// An entry of `partitions`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Partition {
    pub of: ClusterMatch,
    /// None: that of the strategy.
    pub max_unavailable: Option<Amount>,
}

impl Default for RolloutStrategy {
    fn default() -> Self {
        Self {
            max_unavailable: Amount::ALL,
            max_unavailable_partitions: Amount::NONE,
            auto_partition_size: AUTO_SIZE,
            auto_partition_threshold: AUTO_THRESHOLD,
            partitions: Vec::new(),
        }
    }
}

/// The strategy of a `fleet.yaml`; `None`: there is none, and all clusters change at once.
pub(super) fn read(place: &Place<'_>) -> Option<RolloutStrategy> {
    let at = place.at("rolloutStrategy");
    if !at.is_there() {
        return None;
    }
    let otherwise = RolloutStrategy::default();
    let auto_partition_size = amount(&at, "autoPartitionSize").unwrap_or(AUTO_SIZE);
    if auto_partition_size.of(usize::MAX) == 0 {
        let message = "it is 0, and a partition of no cluster is never done";
        at.problem("autoPartitionSize", message, NEXT);
    }
    let threshold = at.number("autoPartitionThreshold");
    let auto_partition_threshold = match threshold.map(u32::try_from) {
        None => AUTO_THRESHOLD,
        Some(Ok(threshold)) => threshold,
        Some(Err(_)) => {
            let message = "it must be a number of 0 or more";
            at.problem("autoPartitionThreshold", message, NEXT);
            AUTO_THRESHOLD
        }
    };
    let partitions = at
        .list("partitions")
        .iter()
        .map(|entry| {
            let of = ClusterMatch::read(entry);
            if of
                == (ClusterMatch {
                    name: of.name.clone(),
                    ..ClusterMatch::default()
                })
            {
                let message = "it names no clusters";
                let next =
                    "Give it clusterName, clusterSelector, clusterGroup or clusterGroupSelector.";
                entry.problem("", message, next);
            }
            let partition = Partition {
                of,
                max_unavailable: amount(entry, "maxUnavailable"),
            };
            entry.done();
            partition
        })
        .collect();
    let strategy = RolloutStrategy {
        max_unavailable: amount(&at, "maxUnavailable").unwrap_or(otherwise.max_unavailable),
        max_unavailable_partitions: amount(&at, "maxUnavailablePartitions")
            .unwrap_or(otherwise.max_unavailable_partitions),
        auto_partition_size,
        auto_partition_threshold,
        partitions,
    };
    at.done();
    Some(strategy)
}

fn amount(place: &Place<'_>, name: &str) -> Option<Amount> {
    match place.value(name)? {
        Value::Null => None,
        written => match Amount::read(&written) {
            Ok(amount) => Some(amount),
            Err(why) => {
                place.problem(name, &format!("it {why}"), NEXT);
                None
            }
        },
    }
}

impl Placement {
    /// The partitions of the clusters that the bundle goes to, and which of them each cluster is in; `None`: all change
    /// at once.
    pub fn rollout(
        &self,
        home: &str,
        clusters: &[CandidateCluster],
    ) -> Option<(Rollout, BTreeMap<String, usize>)> {
        let strategy = self.rollout.as_ref()?;
        let mut left: Vec<&CandidateCluster> = clusters
            .iter()
            .filter(|cluster| self.goes_to(home, cluster))
            .collect();
        left.sort_by(|one, other| one.name.cmp(&other.name));
        let all = left.len();
        let mut steps = Vec::new();
        let mut places = BTreeMap::new();
        for (partition, number) in strategy.partitions.iter().zip(1..) {
            let (chosen, others): (Vec<_>, Vec<_>) = left
                .into_iter()
                .partition(|cluster| self.means(&partition.of, cluster));
            left = others;
            places.extend(chosen.iter().map(|it| (it.name.clone(), steps.len())));
            let name = match partition.of.name.as_str() {
                "" => format!("partition {number}"),
                name => format!("partition {name}"),
            };
            let most = partition
                .max_unavailable
                .unwrap_or(strategy.max_unavailable);
            steps.push(step(name, partition.of.to_string(), most));
        }
        let alone = strategy.partitions.is_empty()
            && all < usize::try_from(strategy.auto_partition_threshold).unwrap_or(usize::MAX);
        let size = if alone {
            all
        } else {
            strategy.auto_partition_size.of(all)
        };
        for some in left.chunks(size.max(1)) {
            places.extend(some.iter().map(|it| (it.name.clone(), steps.len())));
            let name = format!("partition {}", steps.len() + 1);
            steps.push(step(name, String::new(), strategy.max_unavailable));
        }
        let rollout = Rollout {
            steps,
            open_steps: strategy.max_unavailable_partitions,
            at_once: Some(strategy.max_unavailable),
        };
        Some((rollout, places))
    }
}

fn step(name: String, selects: String, most: Amount) -> Step {
    Step {
        name,
        selects,
        // Where none may be unavailable, they change one after the other.
        at_once: match most {
            Amount::Count(0) | Amount::Percent(0) => Amount::Count(1),
            most => most,
        },
        unready: most,
    }
}
