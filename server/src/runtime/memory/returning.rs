//! Clusters that are being brought back, and whose turn it is not yet: what automation asks before it writes there.

use super::Memory;
use crate::runtime::activator::locked;
use lockstep_types::id::TargetId;
use lockstep_types::reestablish::MemberState;
use std::collections::{BTreeMap, BTreeSet};

/// One cluster that is being brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Returning {
    /// Why those wait that are not named in `words`; `None`: they do not.
    pub(crate) all: Option<String>,
    /// What each target waits for.
    pub(crate) words: BTreeMap<TargetId, String>,
    /// How far each target is.
    pub(crate) states: BTreeMap<TargetId, MemberState>,
}

impl Memory {
    /// What a target waits for while its cluster is brought back; `None`: it may be written.
    pub(crate) fn waits_to_return(&self, cluster: &str, target: TargetId) -> Option<String> {
        let returning = locked(&self.returning);
        let here = returning.get(cluster)?;
        here.words.get(&target).or(here.all.as_ref()).cloned()
    }

    /// Whether a cluster is being brought back.
    pub(crate) fn is_returning(&self, cluster: &str) -> bool {
        locked(&self.returning).contains_key(cluster)
    }

    /// Notes one cluster at once, before anything else happens there.
    pub(crate) fn returns(&self, cluster: &str, here: Returning) {
        locked(&self.returning).insert(cluster.to_owned(), here);
    }

    /// All of them.
    pub(crate) fn returning(&self) -> BTreeMap<String, Returning> {
        locked(&self.returning).clone()
    }

    /// Replaces all of it, apart from what was noted since `before` was read; answers with the clusters of which something
    /// else is so now.
    pub(crate) fn set_returning(
        &self,
        mut all: BTreeMap<String, Returning>,
        before: &BTreeSet<String>,
    ) -> BTreeSet<String> {
        let mut returning = locked(&self.returning);
        for (cluster, here) in returning.iter() {
            if !before.contains(cluster) {
                all.entry(cluster.clone()).or_insert_with(|| here.clone());
            }
        }
        let changed = returning
            .iter()
            .filter(|(cluster, before)| all.get(*cluster) != Some(before))
            .chain(
                all.iter()
                    .filter(|(cluster, _)| !returning.contains_key(*cluster)),
            )
            .map(|(cluster, _)| cluster.clone())
            .collect();
        *returning = all;
        changed
    }
}
