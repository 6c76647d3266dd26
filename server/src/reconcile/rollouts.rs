//! Who is in which rollout, from the definitions: the members of a set of Argo CD whose strategy has steps, and the
//! clusters of a Fleet bundle with partitions.

use super::definitions;
use crate::runtime::Runtime;
use crate::runtime::memory::RolloutPlace;
use crate::store;
use crate::store::application::ApplicationRow;
use crate::store::cluster::ClusterRow;
use engine::definition::Definition;
use lockstep_types::id::TargetId;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Names a definition as it is written in the database, with the clusters that there are: what an application is on one
/// may hang on its labels. Only compared within the process.
pub(super) fn digest(runtime: &Runtime, written: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    written.hash(&mut hasher);
    runtime.memory().clusters_changed().hash(&mut hasher);
    hasher.finish()
}

/// Whether a definition is part of a rollout.
pub(super) fn is_in_one(definition: &Definition) -> bool {
    let of_set = definition.set.as_ref();
    let placement = definition.placement.as_ref();
    of_set.is_some_and(|set| set.rollout.is_some())
        || placement.is_some_and(|placement| placement.rollout.is_some())
}

/// The places of an application's targets in rollouts.
pub(super) fn places(
    runtime: &Runtime,
    application: &ApplicationRow,
    definition: &Definition,
    home: &str,
    clusters: &[ClusterRow],
) -> Vec<(TargetId, RolloutPlace)> {
    if !is_in_one(definition) {
        return Vec::new();
    }
    let written = digest(runtime, &application.definition);
    let place = |group: &str, title: &str, rollout: &Arc<_>, step, cluster: String| {
        let target = store::target::id_of(application.id, &cluster);
        let place = RolloutPlace {
            group: group.to_owned(),
            title: title.to_owned(),
            rollout: Arc::clone(rollout),
            step,
            name: application.name.clone(),
            project: application.project.clone(),
            cluster,
            definition: written,
        };
        (target, place)
    };
    if let Some(set) = &definition.set
        && let Some(course) = &set.rollout
        && let Ok(cluster) = definitions::place(&definition.destination, home, clusters)
    {
        let (source, parent) = (application.source, application.parent);
        let group = format!("{source:?} {parent:?} {}", set.set);
        let rollout = Arc::new(course.rollout.clone());
        return vec![place(&group, &set.set, &rollout, course.step, cluster)];
    }
    let Some((rollout, steps)) = definitions::rollout(definition, home, clusters) else {
        return Vec::new();
    };
    let group = format!("{:?}", application.id);
    let title = format!("Bundle {}/{}", definition.namespace, definition.name);
    let rollout = Arc::new(rollout);
    steps
        .into_iter()
        .map(|(cluster, step)| place(&group, &title, &rollout, Some(step), cluster))
        .collect()
}
