//! Objects that a person chose for one sync: only these are written. What is not chosen is left alone and said so, no
//! hook runs, and who carries the plan out does not count its revision as deployed, as with a selective sync of Argo CD.

use super::PlanInput;
use crate::manifest::Manifest;
use lockstep_types::plan::{Action, Method, Step};
use lockstep_types::resource::ResourceKey;
use std::collections::{BTreeMap, BTreeSet};

/// Why a step of an object that was not chosen does nothing.
pub(super) const NOT_SELECTED: &str = "not selected";

/// What was chosen: objects by name, and declared objects by all of these labels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    pub objects: BTreeSet<ResourceKey>,
    pub labels: BTreeMap<String, String>,
}

impl Selection {
    /// Whether a declared object is chosen.
    pub fn takes(&self, manifest: &Manifest) -> bool {
        if self.objects.contains(&manifest.key) {
            return true;
        }
        let carried = &manifest.body["metadata"]["labels"];
        !self.labels.is_empty()
            && self
                .labels
                .iter()
                .all(|(name, value)| carried[name.as_str()].as_str() == Some(value))
    }

    /// What it names that is neither declared nor left by an earlier sync, in words; `None` when everything is there.
    pub fn missing(
        &self,
        desired: &[Manifest],
        inventory: &[super::InventoryEntry],
    ) -> Option<String> {
        let known = |key: &ResourceKey| {
            desired.iter().any(|manifest| manifest.key == *key)
                || inventory.iter().any(|entry| entry.key == *key)
        };
        if let Some(key) = self.objects.iter().find(|key| !known(key)) {
            return Some(format!(
                "{key} is selected, and is neither declared nor left by an earlier sync"
            ));
        }
        let none = self.objects.is_empty() && !desired.iter().any(|manifest| self.takes(manifest));
        none.then(|| {
            let labels: Vec<String> = self
                .labels
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            format!("no declared object carries {}", labels.join(","))
        })
    }
}

/// The step of a declared object, left alone unless it is chosen.
pub(super) fn chosen(input: &PlanInput<'_>, manifest: &Manifest, step: Step) -> Step {
    match input.selection {
        Some(selection) if !selection.takes(manifest) => Step {
            action: Action::Skip(NOT_SELECTED.to_owned()),
            method: Method::Apply,
            changes: Vec::new(),
            impact: None,
            why: String::new(),
            ..step
        },
        _ => step,
    }
}

/// What a report says of the choice.
pub(super) fn report(input: &PlanInput<'_>) -> Option<String> {
    let selection = input.selection?;
    let chosen = input
        .desired
        .iter()
        .filter(|manifest| selection.takes(manifest))
        .count();
    Some(format!(
        "{chosen} of {} declared objects are selected: no hook runs, and the revision does not count as deployed.",
        input.desired.len()
    ))
}
