//! Which clusters are one environment, and in which order environments stand. Pure.

use crate::store::cluster::ClusterRow;
use lockstep_types::PortError;
use lockstep_types::application::TargetSummary;
use lockstep_types::parity::Environment;
use std::collections::{BTreeMap, BTreeSet};

/// Labels that say the environment, the first that any cluster has.
const USUAL: [&str; 4] = ["env", "environment", "stage", "tier"];

/// Words in the names of environments, in the order in which changes go through them.
const ORDER: [&[&str]; 3] = [
    &["dev", "test", "sandbox", "local", "ci"],
    &["stag", "stg", "uat", "qa", "pre", "int", "canary"],
    &["prod", "prd", "live"],
];

/// Names of all labels that clusters have.
pub(super) fn labels(clusters: &[ClusterRow]) -> Vec<String> {
    let names: BTreeSet<&String> = clusters.iter().flat_map(|row| row.labels.keys()).collect();
    names.into_iter().cloned().collect()
}

/// The label that counts; empty: each cluster is an environment.
pub(super) fn label(asked: &str, clusters: &[ClusterRow]) -> Result<String, PortError> {
    let known = labels(clusters);
    let asked = asked.trim();
    if asked == "cluster" {
        return Ok(String::new());
    }
    if !asked.is_empty() {
        return match known.iter().any(|label| label == asked) {
            true => Ok(asked.to_owned()),
            false => Err(PortError::invalid(
                "by",
                format!(
                    "no cluster has the label “{asked}”; name one that clusters have, or “cluster”"
                ),
            )),
        };
    }
    let usual = USUAL
        .into_iter()
        .find(|usual| known.iter().any(|label| label == usual));
    Ok(usual.unwrap_or_default().to_owned())
}

/// Environments in their order, and the place of each cluster that has a target among them.
pub(super) fn environments(
    by: &str,
    clusters: &[ClusterRow],
    summaries: &[TargetSummary],
) -> (Vec<Environment>, BTreeMap<String, usize>) {
    let used: BTreeSet<&str> = summaries
        .iter()
        .map(|summary| summary.target.cluster.as_str())
        .collect();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for cluster in used {
        let name = match by.is_empty() {
            true => cluster.to_owned(),
            false => clusters
                .iter()
                .find(|row| row.name == cluster)
                .and_then(|row| row.labels.get(by))
                .cloned()
                .unwrap_or_default(),
        };
        found.entry(name).or_default().push(cluster.to_owned());
    }
    let mut environments: Vec<Environment> = found
        .into_iter()
        .map(|(name, clusters)| Environment { name, clusters })
        .collect();
    environments.sort_by_key(|environment| (rank(&environment.name), environment.name.clone()));
    let of_cluster = environments
        .iter()
        .enumerate()
        .flat_map(|(at, environment)| {
            environment
                .clusters
                .iter()
                .map(move |cluster| (cluster.clone(), at))
        })
        .collect();
    (environments, of_cluster)
}

/// Production last, what leads to it before it, and what has no name at the very end.
fn rank(name: &str) -> usize {
    let name = name.to_lowercase();
    if name.is_empty() {
        return ORDER.len() + 1;
    }
    // "preprod" leads to production.
    let first = ORDER.iter().position(|words| {
        words.iter().any(|word| {
            name.split(['-', '_', '.', '/'])
                .any(|part| part.starts_with(word))
        })
    });
    // A name that says nothing stands before production.
    first.unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_to_production_stands_before_it() {
        let mut names = [
            "production",
            "",
            "staging",
            "prod-eu",
            "dev",
            "preprod",
            "blue",
        ];
        names.sort_by_key(|name| (rank(name), *name));
        assert_eq!(
            names,
            [
                "dev",
                "blue",
                "preprod",
                "staging",
                "prod-eu",
                "production",
                ""
            ]
        );
    }
}
