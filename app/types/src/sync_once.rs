//! What one sync is asked to do differently from all others of its target, stored with its operation and its run.

use crate::error::PortError;
use crate::resource::ResourceKey;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Objects or labels that one sync may name.
const MOST: usize = 2_000;

/// Wishes for one sync alone; the default is a sync like any other.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct SyncOnce {
    /// Only these objects, and what `labels` finds; both empty: everything.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceKey>,
    /// Only declared objects that carry all of these, and `resources`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Ask the cluster what it would do, and write nothing.
    #[serde(skip_serializing_if = "is_false")]
    pub dry_run: bool,
    /// Delete and make anew what cannot be changed in place, as `Force=true` does.
    #[serde(skip_serializing_if = "is_false")]
    pub force: bool,
    /// Replace instead of apply, as `Replace=true` does.
    #[serde(skip_serializing_if = "is_false")]
    pub replace: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands over a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

impl SyncOnce {
    /// Whether it is for some objects only.
    pub fn selects(&self) -> bool {
        !self.resources.is_empty() || !self.labels.is_empty()
    }

    /// Whether its end says nothing about the state of the whole target: some objects only, or none.
    pub fn is_partial(&self) -> bool {
        self.dry_run || self.selects()
    }

    /// For a table: `dry run, 2 selected objects, force`; empty for a sync like any other.
    pub fn words(&self) -> String {
        let named = match self.resources.len() {
            0 => None,
            1 => Some("1 selected object".to_owned()),
            many => Some(format!("{many} selected objects")),
        };
        let labels: Vec<String> = self
            .labels
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let labels = (!labels.is_empty()).then(|| format!("objects with {}", labels.join(",")));
        let said = |on: bool, word: &str| on.then(|| word.to_owned());
        [
            said(self.dry_run, "dry run"),
            named,
            labels,
            said(self.force, "force"),
            said(self.replace, "replace"),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
    }

    /// Reads objects, each as a resource key, and labels, each `name=value`, as a form or a command gives them.
    ///
    /// # Errors
    /// [`PortError::Invalid`] with the field and what is wrong with it.
    pub fn select(resources: &[String], labels: &[String]) -> Result<Self, PortError> {
        let mut once = Self::default();
        for text in resources {
            once.resources
                .push(ResourceKey::named("resources", text.trim())?);
        }
        let parts = labels.iter().flat_map(|text| text.split(','));
        for text in parts.map(str::trim).filter(|text| !text.is_empty()) {
            let Some((name, value)) = text.split_once('=') else {
                return Err(PortError::invalid(
                    "labels",
                    format!("{text} is not of the form name=value"),
                ));
            };
            let value = value.strip_prefix('=').unwrap_or(value);
            let before = once
                .labels
                .insert(name.trim().to_owned(), value.trim().to_owned());
            if before.is_some_and(|before| before != value.trim()) {
                return Err(PortError::invalid(
                    "labels",
                    format!("no object carries two values of {}", name.trim()),
                ));
            }
        }
        once.within_bounds()?;
        Ok(once)
    }

    /// Whether it can be stored and carried out.
    ///
    /// # Errors
    /// [`PortError::Invalid`] with the field and what is wrong with it.
    pub fn within_bounds(&self) -> Result<(), PortError> {
        for (field, count) in [
            ("resources", self.resources.len()),
            ("labels", self.labels.len()),
        ] {
            if count > MOST {
                return Err(PortError::invalid(field, format!("name at most {MOST}")));
            }
        }
        if self.labels.keys().any(String::is_empty) {
            return Err(PortError::invalid("labels", "a label has a name"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(of: &[&str]) -> Vec<String> {
        of.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_selection_is_read_and_told() {
        for (resources, labels, expected) in [
            (&[][..], &[][..], Ok("")),
            (&["apps/Deployment:shop/cart"], &[], Ok("1 selected object")),
            (
                &["apps/Deployment:shop/cart", "/Namespace:/shop"],
                &["tier=web,team==a"],
                Ok("2 selected objects, objects with team=a,tier=web"),
            ),
            (&[], &["tier=web", "tier=web"], Ok("objects with tier=web")),
            (&["cart"], &[], Err("resources")),
            (&[], &["tier"], Err("labels")),
            (&[], &["=web"], Err("labels")),
            (&[], &["tier=web,tier=api"], Err("labels")),
        ] {
            let read = SyncOnce::select(&texts(resources), &texts(labels));
            match (read, expected) {
                (Ok(once), Ok(words)) => {
                    assert_eq!(once.words(), words);
                    assert_eq!(once.is_partial(), !words.is_empty());
                    let json = serde_json::to_value(&once).unwrap();
                    assert_eq!(serde_json::from_value::<SyncOnce>(json).unwrap(), once);
                }
                (Err(PortError::Invalid { field, .. }), Err(expected)) => {
                    assert_eq!(field, expected);
                }
                (read, expected) => panic!("{resources:?} {labels:?}: {read:?}, not {expected:?}"),
            }
        }
        let forced = SyncOnce {
            force: true,
            replace: true,
            ..SyncOnce::default()
        };
        assert_eq!(forced.words(), "force, replace");
        assert!(!forced.is_partial());
    }
}
