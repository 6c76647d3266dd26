//! What a comparison means for the drift ledger: which deviations there are, and how those that are over have ended.
//!
//! Pure. Values come masked from the comparison.

use super::decide::Rival;
use crate::store::drift::FoundDrift;
use engine::manifest::Manifest;
use lockstep_types::diff::{DiffClass, ResourceDiff, ResourceDiffKind};
use lockstep_types::drift::{DriftRow, DriftState};
use lockstep_types::resource::ResourceKey;
use std::collections::{BTreeMap, BTreeSet};

/// All deviations from what the same manifests already said.
pub fn found(
    diffs: &BTreeMap<ResourceKey, ResourceDiff>,
    desired: &[Manifest],
    baseline: &BTreeMap<ResourceKey, String>,
) -> Vec<FoundDrift> {
    let mut found = Vec::new();
    for manifest in desired {
        let Some(diff) = diffs.get(&manifest.key) else {
            continue;
        };
        let origin = diff.origin.clone().or_else(|| manifest.origin.clone());
        match diff.kind {
            // It was there as declared, and somebody deleted it.
            ResourceDiffKind::Missing if baseline.get(&manifest.key) == Some(&manifest.hash) => {
                found.push(FoundDrift {
                    key: manifest.key.clone(),
                    path: String::new(),
                    declared: None,
                    live: None,
                    manager: None,
                    operation: None,
                    origin,
                })
            }
            ResourceDiffKind::Differs => {
                found.extend(
                    diff.changes
                        .iter()
                        .filter(|change| change.class == DiffClass::Drift)
                        .map(|change| FoundDrift {
                            key: manifest.key.clone(),
                            path: change.path.clone(),
                            declared: change.declared.clone(),
                            live: change.live.clone(),
                            manager: change.manager.clone(),
                            operation: change.operation.clone(),
                            origin: origin.clone(),
                        }),
                );
            }
            _ => {}
        }
    }
    found
}

/// Objects with deviations, in order, each once.
pub fn objects(found: &[FoundDrift]) -> Vec<ResourceKey> {
    let keys: BTreeSet<&ResourceKey> = found.iter().map(|drift| &drift.key).collect();
    keys.into_iter().cloned().collect()
}

/// The first deviation of each object, for telling who fights over what.
pub fn rivals(found: &[FoundDrift]) -> BTreeMap<ResourceKey, Rival> {
    let mut rivals = BTreeMap::new();
    for drift in found {
        rivals.entry(drift.key.clone()).or_insert_with(|| Rival {
            path: drift.path.clone(),
            manager: drift.manager.clone().unwrap_or_default(),
        });
    }
    rivals
}

/// The deviations of one object in a few words: `spec.replicas 3 → 5 by kubectl-scale, and 2 more fields`. Empty for none.
pub fn words(found: &[FoundDrift]) -> String {
    let Some(first) = found.first() else {
        return String::new();
    };
    if first.path.is_empty() {
        return "it was deleted".to_owned();
    }
    let written = |value: &Option<serde_json::Value>| match value {
        None => "nothing".to_owned(),
        Some(serde_json::Value::String(text)) => shortened(text),
        Some(other) => shortened(&other.to_string()),
    };
    let mut words = format!(
        "{} {} → {}",
        first.path,
        written(&first.declared),
        written(&first.live)
    );
    if let Some(manager) = &first.manager {
        words.push_str(&format!(" by {manager}"));
    }
    match found.len() - 1 {
        0 => {}
        1 => words.push_str(", and 1 more field"),
        more => words.push_str(&format!(", and {more} more fields")),
    }
    words
}

fn shortened(text: &str) -> String {
    const MOST: usize = 40;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    format!("{}…", text.chars().take(MOST).collect::<String>())
}

/// How a deviation that is over has ended.
pub fn ending(
    row: &DriftRow,
    written: impl Fn(&ResourceKey) -> bool,
    manifests: &BTreeMap<ResourceKey, String>,
    before: &BTreeMap<ResourceKey, String>,
) -> DriftState {
    if written(&row.key) {
        return DriftState::Healed;
    }
    // Git says something else about the object now, and the deviation is over: Git took it in.
    match (manifests.get(&row.key), before.get(&row.key)) {
        (Some(now), Some(before)) if now != before => DriftState::Accepted,
        (None, _) => DriftState::Accepted,
        _ => DriftState::Reverted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::diff::{FieldChange, Impact};
    use serde_json::json;

    fn manifest(name: &str) -> Manifest {
        Manifest::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}}), None).unwrap()
    }

    fn diff(manifest: &Manifest, kind: ResourceDiffKind, classes: &[DiffClass]) -> ResourceDiff {
        let change = |class: &DiffClass| FieldChange {
            path: format!("data.{class:?}"),
            declared: Some(json!("a")),
            live: Some(json!("b")),
            class: *class,
            manager: Some("kubectl".to_owned()),
            operation: None,
            at: None,
            impact: Impact::Configures,
        };
        ResourceDiff {
            key: manifest.key.clone(),
            kind,
            changes: classes.iter().map(change).collect(),
            origin: None,
            live_yaml: None,
            predicted_yaml: None,
        }
    }

    #[test]
    fn only_what_the_same_manifest_said_is_drift() {
        let (changed, deleted, new) = (manifest("changed"), manifest("deleted"), manifest("new"));
        let all = [
            DiffClass::Drift,
            DiffClass::NotYetSynced,
            DiffClass::Noise,
            DiffClass::OwnedByOther,
        ];
        let diffs = BTreeMap::from([
            (
                changed.key.clone(),
                diff(&changed, ResourceDiffKind::Differs, &all),
            ),
            (
                deleted.key.clone(),
                diff(&deleted, ResourceDiffKind::Missing, &[]),
            ),
            (new.key.clone(), diff(&new, ResourceDiffKind::Missing, &[])),
        ]);
        let baseline = BTreeMap::from([(deleted.key.clone(), deleted.hash.clone())]);
        let found = found(&diffs, &[changed, deleted, new], &baseline);
        let places: Vec<(&str, &str)> = found
            .iter()
            .map(|drift| (drift.key.name.as_str(), drift.path.as_str()))
            .collect();
        assert_eq!(places, [("changed", "data.Drift"), ("deleted", "")]);
        assert_eq!(objects(&found).len(), 2);
    }

    #[test]
    fn endings_are_told_apart() {
        let row = DriftRow {
            id: lockstep_types::id::DriftId(uuid::Uuid::nil()),
            target: lockstep_types::application::TargetRef {
                id: lockstep_types::id::TargetId(uuid::Uuid::nil()),
                application: lockstep_types::application::ApplicationRef {
                    id: lockstep_types::id::ApplicationId(uuid::Uuid::nil()),
                    name: String::new(),
                    project: String::new(),
                },
                cluster: String::new(),
            },
            key: manifest("a").key,
            path: "data.x".to_owned(),
            declared: None,
            live: None,
            manager: None,
            operation: None,
            baseline: false,
            opened_at: lockstep_types::Micros(0),
            closed_at: None,
            state: DriftState::Open,
            origin: None,
        };
        let at = |hash: &str| BTreeMap::from([(manifest("a").key, hash.to_owned())]);
        assert_eq!(
            ending(&row, |_| true, &at("1"), &at("1")),
            DriftState::Healed
        );
        assert_eq!(
            ending(&row, |_| false, &at("2"), &at("1")),
            DriftState::Accepted
        );
        assert_eq!(
            ending(&row, |_| false, &at("1"), &at("1")),
            DriftState::Reverted
        );
        assert_eq!(
            ending(&row, |_| false, &BTreeMap::new(), &at("1")),
            DriftState::Accepted
        );
    }
}
