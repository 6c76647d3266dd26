//! Which targets left something behind, as the supervisor last found.

use super::Memory;
use crate::runtime::activator::locked;
use lockstep_types::id::TargetId;
use std::collections::BTreeSet;

impl Memory {
    /// Notes all of them.
    pub(crate) fn note_left(&self, left: BTreeSet<TargetId>) {
        *locked(&self.left) = left;
    }

    /// All of them.
    pub(crate) fn left(&self) -> BTreeSet<TargetId> {
        locked(&self.left).clone()
    }
}
