//! The path index: what every target's newest render looked at, and at which revision that is known to hold.
//!
//! Targets that render the same thing share an entry, so it grows with what is defined and not with the commits seen.

use super::Memory;
use crate::runtime::activator::locked;
use engine::render::RenderInputs;
use lockstep_types::id::TargetId;
use lockstep_types::revision::{PathChange, Revision};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Tree diffs kept: those between the revisions that targets are at, and the newest.
const DIFFS: usize = 32;
/// Larger diffs are not kept; whatever they touch is looked at again.
const LARGEST: usize = 5_000;

/// Inputs as they were collected, and the newest revision at which they are known to be the same.
#[derive(Debug, Clone)]
pub(crate) struct Collected {
    pub(crate) revision: Revision,
    pub(crate) inputs: Arc<RenderInputs>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct InputIndex {
    by_recipe: HashMap<String, Collected>,
    recipes: HashMap<TargetId, String>,
    /// `None`: too large to be kept.
    diffs: VecDeque<(DiffKey, Option<Arc<Vec<PathChange>>>)>,
}

/// Repository, from, to.
type DiffKey = (String, Revision, Revision);

impl InputIndex {
    /// What is known of a render, whoever renders it.
    pub(crate) fn of_recipe(&self, recipe: &str) -> Option<Collected> {
        self.by_recipe.get(recipe).cloned()
    }

    /// What is known of a target's newest render.
    pub(crate) fn of_target(&self, target: TargetId) -> Option<&Collected> {
        self.by_recipe.get(self.recipes.get(&target)?)
    }

    /// Makes this a target's newest render.
    pub(crate) fn keep(&mut self, target: TargetId, recipe: &str, collected: Collected) {
        self.by_recipe.insert(recipe.to_owned(), collected);
        let before = self.recipes.insert(target, recipe.to_owned());
        if let Some(before) = before.filter(|before| before != recipe) {
            self.drop_unused(&before);
        }
    }

    /// The inputs of a target are the same at another revision. What others have collected meanwhile stays where it is.
    pub(crate) fn carry(&mut self, target: TargetId, from: &Revision, to: &Revision) {
        if let Some(known) = self
            .recipes
            .get(&target)
            .and_then(|recipe| self.by_recipe.get_mut(recipe))
            .filter(|known| known.revision == *from)
        {
            known.revision = to.clone();
        }
    }

    /// Nothing is known of the target any more: its next pass looks.
    pub(crate) fn forget(&mut self, target: TargetId) {
        if let Some(recipe) = self.recipes.remove(&target) {
            self.drop_unused(&recipe);
        }
    }

    fn drop_unused(&mut self, recipe: &str) {
        if !self.recipes.values().any(|used| used == recipe) {
            self.by_recipe.remove(recipe);
        }
    }

    /// A tree diff that was made before; the inner `None` is one that was too large.
    pub(crate) fn diff(
        &self,
        repository: &str,
        from: &Revision,
        to: &Revision,
    ) -> Option<Option<Arc<Vec<PathChange>>>> {
        self.diffs
            .iter()
            .find(|((of, a, b), _)| of == repository && a == from && b == to)
            .map(|(_, changes)| changes.clone())
    }

    /// Keeps a tree diff for those who ask next.
    pub(crate) fn keep_diff(
        &mut self,
        repository: &str,
        from: &Revision,
        to: &Revision,
        changes: &Arc<Vec<PathChange>>,
    ) {
        let kept = (changes.len() <= LARGEST).then(|| Arc::clone(changes));
        let key = (repository.to_owned(), from.clone(), to.clone());
        self.diffs.push_back((key, kept));
        while self.diffs.len() > DIFFS {
            self.diffs.pop_front();
        }
    }
}

impl Memory {
    pub(crate) fn collected(&self, recipe: &str) -> Option<Collected> {
        locked(&self.index).of_recipe(recipe)
    }

    pub(crate) fn collected_of(&self, target: TargetId) -> Option<Collected> {
        locked(&self.index).of_target(target).cloned()
    }

    pub(crate) fn collect(&self, target: TargetId, recipe: &str, collected: Collected) {
        locked(&self.index).keep(target, recipe, collected);
    }

    pub(crate) fn forget_inputs(&self, target: TargetId) {
        locked(&self.index).forget(target);
    }

    pub(crate) fn diff(
        &self,
        repository: &str,
        from: &Revision,
        to: &Revision,
    ) -> Option<Option<Arc<Vec<PathChange>>>> {
        locked(&self.index).diff(repository, from, to)
    }

    pub(crate) fn keep_diff(
        &self,
        repository: &str,
        from: &Revision,
        to: &Revision,
        changes: &Arc<Vec<PathChange>>,
    ) {
        locked(&self.index).keep_diff(repository, from, to, changes);
    }

    /// Lets targets whose verdict holds at another revision too say so, and those of their rollouts that wait go on.
    pub(crate) fn carry(&self, targets: &[TargetId], from: &Revision, to: &Revision) {
        let mut index = locked(&self.index);
        let mut assessments = locked(&self.assessments);
        for target in targets {
            index.carry(*target, from, to);
            if let Some(known) = assessments.get_mut(target) {
                Arc::make_mut(known).revision = to.clone();
            }
        }
        drop((index, assessments));
        self.carry_members(targets, from, to);
    }
}
