//! Which kinds the cluster was seen to change on their way in, so that what is applied is not what it will hold.

use super::Live;
use super::kinds::GroupKind;
use lockstep_types::resource::ResourceKey;

impl Live {
    /// Notes that the cluster keeps something else of this object than was applied.
    pub fn saw_rewriting(&self, key: &ResourceKey) {
        if !self.rewrites(key) {
            self.known_mut().rewritten.insert(GroupKind::of(key));
        }
    }

    /// Whether it was seen to do so with any object of the kind.
    pub fn rewrites(&self, key: &ResourceKey) -> bool {
        self.known().rewritten.contains(&GroupKind::of(key))
    }
}
