//! The one place where a [`ResourceDiff`] is built: whatever goes in comes out cleaned and masked.

use super::classify::{self, Evidence};
use super::path;
use super::walk::{Effect, Found};
use super::{clean, impact, mask};
use crate::masking::{Masking, MaskingRules, NONE};
use crate::yaml;
use lockstep_types::diff::{DiffClass, FieldChange, ResourceDiff, ResourceDiffKind};
use lockstep_types::resource::{Origin, ResourceKey};
use serde_json::Value;

/// Differences of a live object from what is declared. `predicted` is known after a dry run; otherwise it is the live
/// object with the differences that count applied. `None` when there are none.
pub(super) fn differing<'a>(
    evidence: &Evidence<'_, 'a>,
    found: &[Found<'a>],
    live: &Value,
    predicted: Option<&Value>,
    origin: Option<Origin>,
) -> Option<ResourceDiff> {
    if found.is_empty() {
        return None;
    }
    let classes: Vec<DiffClass> = found
        .iter()
        .map(|found| classify::class(found, evidence))
        .collect();
    let live_clean = clean::cleaned(live, false);
    let after = match predicted {
        Some(predicted) => clean::cleaned(predicted, false),
        None => applied(&live_clean, found, &classes),
    };
    let roots = [live, &after];
    let mut changes: Vec<FieldChange> = found
        .iter()
        .zip(classes)
        .map(|(found, class)| change(evidence, found, class, &roots))
        .collect();
    changes.sort_by(|one, other| one.path.cmp(&other.path));
    let (live_masked, after_masked) =
        mask::masked_pair(&live_clean, &after, rules(evidence), Masking::Sides);
    Some(ResourceDiff {
        key: evidence.key.clone(),
        kind: ResourceDiffKind::Differs,
        changes,
        origin,
        live_yaml: Some(yaml::text(&live_masked)),
        predicted_yaml: Some(yaml::text(&after_masked)),
    })
}

fn change<'a>(
    evidence: &Evidence<'_, 'a>,
    found: &Found<'a>,
    class: DiffClass,
    roots: &[&Value],
) -> FieldChange {
    let place = mask::place(roots, &found.path, rules(evidence));
    let (live, declared) = mask::masked_change(
        roots,
        &found.path,
        found.live.clone(),
        found.declared.clone(),
        rules(evidence),
    );
    let writer = if live.is_some() {
        evidence.owners.last_writer(&found.path)
    } else {
        None
    };
    FieldChange {
        path: place,
        declared,
        live,
        class,
        manager: writer.map(|entry| entry.manager.to_owned()),
        operation: writer.map(|entry| entry.operation.to_owned()),
        at: writer.and_then(|entry| entry.at),
        impact: impact::of_change(evidence.key, &path::pattern(&found.path)),
    }
}

fn rules<'e>(evidence: &Evidence<'e, '_>) -> &'e MaskingRules {
    evidence.context.masking.unwrap_or(&NONE)
}

/// The live object with the differences that count applied.
fn applied(live: &Value, found: &[Found<'_>], classes: &[DiffClass]) -> Value {
    let mut after = live.clone();
    for (found, class) in found.iter().zip(classes) {
        if matches!(class, DiffClass::Noise | DiffClass::OwnedByOther) {
            continue;
        }
        match (&found.effect, &found.declared) {
            (Effect::Set, Some(declared)) => path::set(&mut after, &found.path, declared.clone()),
            (Effect::Set, None) | (Effect::Remove(None), _) => {
                path::remove(&mut after, &found.path)
            }
            (Effect::Remove(Some(default)), _) => {
                path::set(&mut after, &found.path, default.clone())
            }
            (Effect::Stays, _) => {}
            (Effect::Order(order), _) => path::reorder(&mut after, &found.path, order),
        }
    }
    after
}

/// A whole object that is only on one side, or could not be compared.
pub(super) fn whole(
    key: &ResourceKey,
    kind: ResourceDiffKind,
    declared: Option<&Value>,
    live: Option<&Value>,
    origin: Option<Origin>,
    rules: &MaskingRules,
) -> ResourceDiff {
    let declared = declared.map(|declared| clean::desired(declared, false));
    let live = live.map(|live| clean::cleaned(live, false));
    let (live_yaml, predicted_yaml) = match (live, declared) {
        (Some(live), Some(declared)) => {
            let (live, declared) = mask::masked_pair(&live, &declared, rules, Masking::NotCompared);
            (Some(yaml::text(&live)), Some(yaml::text(&declared)))
        }
        (live, declared) => {
            let text = |object: Value| yaml::text(&mask::masked(&object, rules, Masking::OneSide));
            (live.map(text), declared.map(text))
        }
    };
    ResourceDiff {
        key: key.clone(),
        kind,
        changes: Vec::new(),
        origin,
        live_yaml,
        predicted_yaml,
    }
}
