//! Who waits for whom, where applications are, and the health scripts of sources: what one target asks about others.

use super::Memory;
use crate::runtime::activator::locked;
use engine::check::UserCheck;
use lockstep_types::id::{ApplicationId, SourceId, TargetId};
use std::collections::{BTreeMap, BTreeSet};
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

    /// Whether an application of this name is on any cluster.
    pub(crate) fn is_placed(&self, name: &str) -> bool {
        locked(&self.placements)
            .values()
            .any(|place| place.name == name)
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

    /// The health scripts of a source: those in its files, then those in what its applications render.
    pub(crate) fn health_scripts(&self, source: SourceId) -> Arc<Vec<UserCheck>> {
        locked(&self.scripts)
            .get(&source)
            .map(|scripts| Arc::clone(&scripts.all))
            .unwrap_or_default()
    }

    /// Takes over the health scripts in the files of a source (`None`) or in the render of a target; says whether that
    /// is news.
    pub(crate) fn set_health_scripts(
        &self,
        source: SourceId,
        by: Option<TargetId>,
        scripts: Vec<UserCheck>,
    ) -> bool {
        locked(&self.scripts)
            .entry(source)
            .or_default()
            .set(by, scripts)
    }

    /// Forgets what a target rendered.
    pub(super) fn forget_scripts(&self, target: TargetId) {
        for scripts in locked(&self.scripts).values_mut() {
            scripts.set(Some(target), Vec::new());
        }
    }
}

/// Health scripts of one source.
#[derive(Debug, Default)]
pub(super) struct Scripts {
    by: BTreeMap<Option<TargetId>, Vec<UserCheck>>,
    all: Arc<Vec<UserCheck>>,
}

impl Scripts {
    fn set(&mut self, by: Option<TargetId>, scripts: Vec<UserCheck>) -> bool {
        let same = match self.by.get(&by) {
            Some(before) => *before == scripts,
            None => scripts.is_empty(),
        };
        if same {
            return false;
        }
        if scripts.is_empty() {
            self.by.remove(&by);
        } else {
            self.by.insert(by, scripts);
        }
        self.all = Arc::new(self.by.values().flatten().cloned().collect());
        true
    }
}
