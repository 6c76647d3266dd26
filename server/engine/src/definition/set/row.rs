//! Which members of a set are one row of the matrix: those that are the same thing on several clusters.
//!
//! A parameter belongs to the destination when its value follows from the cluster alone: it is the cluster's name or
//! address or part of one, or it comes from the cluster generator. What is left tells the rows apart.

use super::super::{Definition, DestinationCluster};
use super::{ApplicationSet, Generator, ParameterSource, Parameters, SetCluster, plain};
use std::collections::{BTreeMap, BTreeSet};

type Flat = BTreeMap<String, String>;

/// Names the row of every member, in their order.
pub(super) fn rows(
    set: &ApplicationSet,
    members: &[(&Definition, &Parameters)],
    clusters: &[SetCluster],
) -> Vec<String> {
    let flat: Vec<Flat> = members
        .iter()
        .map(|(_, parameters)| plain::flat(parameters))
        .collect();
    let places: Vec<String> = members
        .iter()
        .map(|(definition, _)| match &definition.destination.cluster {
            DestinationCluster::Home => String::new(),
            DestinationCluster::Name(name) => name.clone(),
            DestinationCluster::Server(server) => server.clone(),
        })
        .collect();
    if same_everywhere(members, &places) {
        return vec![set.name.clone(); members.len()];
    }
    let from_clusters = set.generators.iter().any(asks_clusters);
    let names: BTreeSet<&String> = flat.iter().flat_map(BTreeMap::keys).collect();
    let telling: Vec<&String> = names
        .into_iter()
        .filter(|name| {
            let follows = follows(name, &flat, &places);
            let of_cluster = from_clusters && is_of_cluster(name);
            let names_it = || {
                flat.iter()
                    .zip(&places)
                    .all(|(flat, place)| names_cluster(flat.get(*name), place, clusters))
            };
            let differs = flat
                .windows(2)
                .any(|two| two[0].get(*name) != two[1].get(*name));
            differs && !(follows && (of_cluster || names_it()))
        })
        .collect();
    let Some(shortest) = shortest(&telling, &flat) else {
        return vec![set.name.clone(); members.len()];
    };
    flat.iter()
        .map(|flat| {
            let values: Vec<&str> = shortest
                .iter()
                .filter_map(|name| flat.get(*name))
                .map(String::as_str)
                .filter(|value| !value.is_empty())
                .collect();
            format!("{}/{}", set.name, values.join(" "))
        })
        .collect()
}

/// Every cluster has one member, and all of them deploy the same.
fn same_everywhere(members: &[(&Definition, &Parameters)], places: &[String]) -> bool {
    let distinct: BTreeSet<&String> = places.iter().collect();
    let what = |definition: &Definition| {
        std::iter::once(&definition.source)
            .chain(&definition.more_sources)
            .map(|source| {
                (
                    source.repo_url.clone(),
                    source.path.clone(),
                    source.chart.clone(),
                )
            })
            .collect::<Vec<_>>()
    };
    distinct.len() == members.len()
        && members
            .windows(2)
            .all(|two| what(two[0].0) == what(two[1].0))
}

/// Members of one cluster all have the same value.
fn follows(name: &str, flat: &[Flat], places: &[String]) -> bool {
    let mut seen: BTreeMap<&String, Option<&String>> = BTreeMap::new();
    flat.iter().zip(places).all(|(flat, place)| {
        let value = flat.get(name);
        *seen.entry(place).or_insert(value) == value
    })
}

fn is_of_cluster(name: &str) -> bool {
    matches!(name, "name" | "nameNormalized" | "server" | "project")
        || name.starts_with("metadata.")
        || name.starts_with("values.")
}

/// Part of the cluster's name or address, or the other way round, or one of its labels.
fn names_cluster(value: Option<&String>, place: &str, clusters: &[SetCluster]) -> bool {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return true;
    };
    let near = |other: &str| {
        !other.is_empty() && (other.contains(value.as_str()) || value.contains(other))
    };
    near(place)
        || clusters
            .iter()
            .filter(|cluster| {
                cluster.name == place
                    || cluster.server == place
                    || (cluster.home && place.is_empty())
            })
            .any(|cluster| {
                near(&cluster.name) || cluster.labels.values().any(|label| label == value)
            })
}

fn asks_clusters(generator: &Generator) -> bool {
    match &generator.source {
        ParameterSource::Clusters { .. } => true,
        ParameterSource::Matrix(generators) | ParameterSource::Merge { generators, .. } => {
            generators.iter().any(asks_clusters)
        }
        _ => false,
    }
}

/// One parameter that tells all rows apart, if there is one; else all of them.
fn shortest<'n>(telling: &[&'n String], flat: &[Flat]) -> Option<Vec<&'n String>> {
    let kinds = |names: &[&String]| {
        flat.iter()
            .map(|flat| names.iter().map(|name| flat.get(*name)).collect::<Vec<_>>())
            .collect::<BTreeSet<_>>()
            .len()
    };
    let all = kinds(telling);
    let said = |name: &String| {
        flat.iter()
            .all(|flat| flat.get(name).is_some_and(|value| !value.is_empty()))
    };
    let one = telling
        .iter()
        .filter(|name| said(name) && kinds(&[**name]) == all)
        .min_by_key(|name| {
            let length: usize = flat
                .iter()
                .filter_map(|flat| flat.get(**name))
                .map(String::len)
                .sum();
            (rank(name), length, name.len(), (**name).clone())
        });
    match one {
        Some(one) => Some(vec![*one]),
        None if telling.is_empty() => None,
        None => Some(telling.to_vec()),
    }
}

/// What people would call it by.
fn rank(name: &str) -> u8 {
    match name.rsplit('.').next().unwrap_or(name) {
        "basename" => 0,
        "name" => 1,
        _ => 2,
    }
}
