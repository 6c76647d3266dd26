//! Who waits for whom, where applications are, and the health scripts of sources: what one target asks about others.

use super::Memory;
use crate::runtime::activator::locked;
use engine::check::UserCheck;
use lockstep_types::id::{ApplicationId, SourceId, TargetId};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Memory {
    /// The targets on a cluster whose application has this name.
    pub(crate) fn placed_as(&self, cluster: &str, name: &str) -> Vec<(TargetId, ApplicationId)> {
        locked(&self.placements)
            .iter()
            .filter(|(_, place)| place.cluster == cluster && place.name == name)
            .map(|(target, place)| (*target, place.application))
            .collect()
    }

    /// Notes that a target waits for others, until one of them changes.
    pub(crate) fn waits_for(&self, waiting: TargetId, others: &[TargetId]) {
        let mut waiters = locked(&self.waiters);
        for other in others {
            waiters.entry(*other).or_default().insert(waiting);
        }
    }

    /// Who waits for a target that has just changed; they say so again if they still do.
    pub(crate) fn take_waiters(&self, target: TargetId) -> BTreeSet<TargetId> {
        locked(&self.waiters).remove(&target).unwrap_or_default()
    }

    /// The health scripts that the files of a source hold.
    pub(crate) fn health_scripts(&self, source: SourceId) -> Arc<Vec<UserCheck>> {
        locked(&self.scripts)
            .get(&source)
            .cloned()
            .unwrap_or_default()
    }

    /// Takes over the health scripts of a source; says whether they are news.
    pub(crate) fn set_health_scripts(&self, source: SourceId, scripts: Vec<UserCheck>) -> bool {
        let mut known = locked(&self.scripts);
        let same = match known.get(&source) {
            Some(before) => **before == scripts,
            None => scripts.is_empty(),
        };
        known.insert(source, Arc::new(scripts));
        !same
    }
}
