//! What a render looked at in a repository, so that a commit's changed paths tell whether it must be looked at again.
//!
//! Every name that was looked up counts, found or not, and every folder that was listed: a file that appears in it
//! counts as much as one that changes. When in doubt a change is taken to matter; nothing that could change the result
//! is ever taken not to. Pure; knows no Git.

use lockstep_types::revision::PathChange;
use std::collections::BTreeMap;
use std::ops::Bound;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    looked_up: BTreeMap<String, Found>,
    listed: BTreeMap<String, Depth>,
    everything: bool,
}

/// What a name led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Folder,
    /// A file or nothing: anything below would change that.
    Leaf,
}

/// How much of a folder was listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Depth {
    /// What lies right in it.
    Here,
    /// All below.
    All,
}

impl Reach {
    pub(super) fn look_up(&mut self, path: &str, found: Found) {
        if !self.looked_up.contains_key(path) {
            self.looked_up.insert(path.to_owned(), found);
        }
    }

    pub(super) fn list(&mut self, folder: &str, depth: Depth) {
        let known = self.listed.entry(folder.to_owned()).or_insert(depth);
        *known = depth.max(*known);
    }

    /// Where it is not known what was looked at: any commit counts, and of any repository.
    pub fn everything() -> Self {
        Self {
            everything: true,
            ..Self::default()
        }
    }

    /// Whether it is not known what was looked at.
    pub fn is_everything(&self) -> bool {
        self.everything
    }

    /// Whether one of the changed files, or its appearing or going, can matter.
    pub fn is_touched(&self, changes: &[PathChange]) -> bool {
        self.everything || changes.iter().any(|change| self.holds(&change.path))
    }

    fn holds(&self, path: &str) -> bool {
        if self.looked_up.contains_key(path) || self.listed.contains_key(path) {
            return true;
        }
        // A file in place of a folder on the way to something that was looked at.
        let below = format!("{path}/");
        if starts_with(&self.looked_up, &below) || starts_with(&self.listed, &below) {
            return true;
        }
        let above = path.rsplit_once('/').map_or("", |(above, _)| above);
        if self.listed.contains_key(above) {
            return true;
        }
        folders_above(path).any(|folder| {
            self.listed.get(folder) == Some(&Depth::All)
                || self.looked_up.get(folder) == Some(&Found::Leaf)
        })
    }
}

fn starts_with<T>(map: &BTreeMap<String, T>, beginning: &str) -> bool {
    map.range::<str, _>((Bound::Included(beginning), Bound::Unbounded))
        .next()
        .is_some_and(|(path, _)| path.starts_with(beginning))
}

/// Innermost first, the root last.
fn folders_above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| {
        (!path.is_empty()).then(|| path.rsplit_once('/').map_or("", |(above, _)| above))
    })
    .skip(1)
}

#[cfg(test)]
mod kinds;
#[cfg(test)]
mod tests;
