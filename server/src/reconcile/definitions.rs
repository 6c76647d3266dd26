//! From the definitions of a root source to rows and placements: what an application is called in the matrix, and
//! which cluster it goes to.
//!
//! Pure. Children that an application renders are read here too, from their manifests.

use crate::store::application::SeenApplication;
use crate::store::cluster::ClusterRow;
use crate::store::source::SourceRow;
use engine::definition::fleet::CandidateCluster;
use engine::definition::{
    Definition, DefinitionFile, DefinitionKey, DefinitionProblem, Definitions, Destination,
    DestinationCluster, SourceKind,
};
use engine::manifest::Manifest;
use engine::source::chart_address;
use lockstep_types::application::{ApplicationRef, Dialect};
use lockstep_types::id::ApplicationId;
use lockstep_types::source::Problem;
use lockstep_types::time::Micros;
use std::collections::BTreeMap;

/// Label or annotation that names the row of an application.
pub const GROUP_LABEL: &str = "lockstep.dev/group";

/// The row that a definition becomes.
///
/// # Errors
/// When the definition cannot be written as JSON, which no definition that was read can.
pub fn seen(
    source: &SourceRow,
    definition: &Definition,
    cluster: Option<&str>,
    parent: Option<ApplicationId>,
) -> Result<SeenApplication, serde_json::Error> {
    Ok(SeenApplication {
        id: definition.key.application_id(source.id),
        key: row_key(source, &definition.key),
        group: group(definition, cluster),
        name: definition.name.clone(),
        project: definition.project.clone(),
        dialect: definition.dialect,
        definition: serde_json::to_string(&fetchable(definition))?,
        path: definition.path.clone(),
        line: definition.line,
        parent,
    })
}

/// The definition with the place of its chart in the form in which it is fetched. Everything downstream then treats it
/// as a repository.
fn fetchable(definition: &Definition) -> Definition {
    let mut definition = definition.clone();
    let sources = std::iter::once(&mut definition.source).chain(&mut definition.more_sources);
    for source in sources {
        match source.kind {
            SourceKind::Git => {}
            SourceKind::HelmRepository | SourceKind::Oci => {
                source.repo_url = chart_address(&source.repo_url, &source.chart);
                if !source.chart.is_empty() {
                    // The root of what is fetched is the chart.
                    source.path = String::new();
                }
            }
        }
    }
    definition
}

/// The key of a definition's row. Two sources may define the same name: it is unique over all of them.
pub fn row_key(source: &SourceRow, key: &DefinitionKey) -> String {
    format!("{}/{key}", source.name)
}

/// What people call one thing over all clusters: a chosen label, what its set calls it, Flux's namespace and name, or the application's name
/// without the cluster in it.
fn group(definition: &Definition, cluster: Option<&str>) -> String {
    let chosen = definition
        .labels
        .get(GROUP_LABEL)
        .or_else(|| definition.annotations.get(GROUP_LABEL));
    if let Some(chosen) = chosen.filter(|chosen| !chosen.is_empty()) {
        return chosen.clone();
    }
    if let Some(set) = definition.set.as_ref().filter(|set| !set.row.is_empty()) {
        return set.row.clone();
    }
    match definition.dialect {
        Dialect::FluxKustomization | Dialect::FluxHelmRelease => {
            format!("{}/{}", definition.namespace, definition.name)
        }
        Dialect::ArgoApplication | Dialect::FleetBundle => {
            let name = definition.name.as_str();
            let bare = cluster.and_then(|cluster| {
                name.strip_suffix(cluster)
                    .and_then(|rest| rest.strip_suffix('-'))
                    .or_else(|| {
                        name.strip_prefix(cluster)
                            .and_then(|rest| rest.strip_prefix('-'))
                    })
            });
            bare.filter(|bare| !bare.is_empty())
                .unwrap_or(name)
                .to_owned()
        }
    }
}

/// The registered cluster that a definition goes to.
///
/// # Errors
/// What is wrong and what to do, in words.
pub fn place(
    destination: &Destination,
    home: &str,
    clusters: &[ClusterRow],
) -> Result<String, (String, String)> {
    let register = "Register the cluster, or correct the destination in Git.".to_owned();
    let named = |name: &str| {
        clusters
            .iter()
            .find(|cluster| cluster.name == name)
            .map(|cluster| cluster.name.clone())
            .ok_or_else(|| {
                (
                    format!("the cluster “{name}” is not registered"),
                    register.clone(),
                )
            })
    };
    match &destination.cluster {
        DestinationCluster::Home if home.is_empty() => Err((
            "the definition means its home cluster, and the source names none".to_owned(),
            "Give the source a home cluster.".to_owned(),
        )),
        DestinationCluster::Home => named(home),
        DestinationCluster::Name(name) => named(name),
        DestinationCluster::Server(server) => {
            let same = |one: &str| {
                one.trim_end_matches('/')
                    .eq_ignore_ascii_case(server.trim_end_matches('/'))
            };
            clusters
                .iter()
                .find(|cluster| same(&cluster.server))
                .map(|cluster| cluster.name.clone())
                .ok_or_else(|| {
                    (
                        format!("no registered cluster has the address {server}"),
                        register.clone(),
                    )
                })
        }
    }
}

/// The clusters that a definition goes to, each with the definition as it is there.
///
/// # Errors
/// When it goes to none: what is wrong and what to do, in words.
pub fn places(
    definition: &Definition,
    home: &str,
    clusters: &[ClusterRow],
) -> Result<Vec<(String, Definition)>, (String, String)> {
    let Some(placement) = &definition.placement else {
        let cluster = place(&definition.destination, home, clusters)?;
        return Ok(vec![(cluster, definition.clone())]);
    };
    let candidates: Vec<CandidateCluster> = clusters.iter().map(candidate).collect();
    placement.clusters(home, &candidates)?;
    Ok(candidates
        .iter()
        .filter_map(|cluster| {
            let placed = placement.on(definition, home, cluster)?;
            Some((cluster.name.clone(), fetchable(&placed)))
        })
        .collect())
}

/// The definition as it is on one cluster; `None` when its placement does not lead there. A destination that names its
/// cluster is not checked.
pub fn on_cluster(definition: &Definition, home: &str, cluster: &ClusterRow) -> Option<Definition> {
    match &definition.placement {
        None => Some(definition.clone()),
        Some(placement) => placement
            .on(definition, home, &candidate(cluster))
            .map(|placed| fetchable(&placed)),
    }
}

/// The partitions in which a new state reaches the clusters of a definition, and which of them each cluster is in.
pub fn rollout(
    definition: &Definition,
    home: &str,
    clusters: &[ClusterRow],
) -> Option<(engine::rollout::Rollout, BTreeMap<String, usize>)> {
    let candidates: Vec<CandidateCluster> = clusters.iter().map(candidate).collect();
    definition.placement.as_ref()?.rollout(home, &candidates)
}

fn candidate(cluster: &ClusterRow) -> CandidateCluster {
    CandidateCluster {
        name: cluster.name.clone(),
        labels: cluster.labels.clone(),
    }
}

/// A problem as the Problems page shows it. It began when the same one was first seen.
pub fn problem(
    source: &SourceRow,
    found: DefinitionProblem,
    application: Option<ApplicationRef>,
    now: Micros,
) -> Problem {
    let since = source
        .problems
        .iter()
        .find(|known| {
            known.path == found.path && known.field == found.field && known.message == found.message
        })
        .map_or(now, |known| known.since);
    Problem {
        source: Some(source.id),
        source_name: source.name.clone(),
        application,
        cluster: None,
        stage: "definition".to_owned(),
        path: found.path,
        line: Some(found.line),
        field: found.field,
        message: found.message,
        next: found.next,
        since,
    }
}

/// Rendered manifests as files to read definitions from.
pub fn as_files(parent: &Definition, rendered: &[Manifest]) -> Vec<DefinitionFile> {
    rendered
        .iter()
        .map(|manifest| DefinitionFile {
            path: manifest
                .origin
                .as_ref()
                .map_or_else(|| parent.source.path.clone(), |origin| origin.path.clone()),
            // JSON is YAML.
            bytes: manifest.body.to_string().into_bytes(),
        })
        .collect()
}

/// Reads definitions that an application of `source` renders. Their scope is the parent, so that equal names of two
/// parents stay apart. `around` are documents of the source that they may refer to.
pub fn children(
    parent: &Definition,
    rendered: &[Manifest],
    around: &[DefinitionFile],
    source: &SourceRow,
) -> Definitions {
    let mut read = engine::definition::read_rendered(
        &as_files(parent, rendered),
        around,
        &source.home_cluster,
        &source.repo_url,
        &source.target_revision,
    );
    for definition in &mut read.applications {
        adopt(parent, definition);
    }
    read
}

/// Makes a definition a child of the application that renders it, or renders its set.
pub fn adopt(parent: &Definition, definition: &mut Definition) {
    if definition.dialect == Dialect::ArgoApplication {
        definition.key.scope = format!("{}/{}", parent.namespace, parent.name);
    }
}
