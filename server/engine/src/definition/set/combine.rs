//! Matrix and merge: sets of parameters of several generators become one.

use super::language::Stop;
use super::{Parameters, plain};
use serde_json::Value;

/// Parameters of an earlier and a later generator of a matrix.
pub(super) fn joined(
    earlier: &Parameters,
    later: Parameters,
    go: bool,
) -> Result<Parameters, Stop> {
    let mut all = earlier.clone();
    if go {
        fill_in(&mut all, later);
        return Ok(all);
    }
    for (name, value) in later {
        let Some(known) = all.get(&name) else {
            all.insert(name, value);
            continue;
        };
        if plain::printed(known) != plain::printed(&value) {
            let message = format!(
                "two generators give {name} different values: “{}” and “{}”",
                plain::printed(known),
                plain::printed(&value)
            );
            let next = "Give one of them a pathParamPrefix, or rename the parameter.";
            return Err(Stop::wrong("matrix", message, next));
        }
    }
    Ok(all)
}

/// The first list with what later lists say of the same keys.
pub(super) fn merged(
    keys: &[String],
    mut lists: Vec<Vec<Parameters>>,
    go: bool,
) -> Result<Vec<Parameters>, Stop> {
    if lists.is_empty() {
        return Ok(Vec::new());
    }
    let mut base = lists.remove(0);
    unique(keys, &base)?;
    for list in lists {
        unique(keys, &list)?;
        for over in list {
            let key = key_of(keys, &over);
            let Some(under) = base.iter_mut().find(|set| key_of(keys, set) == key) else {
                continue;
            };
            if go {
                override_with(under, over);
            } else {
                under.extend(over);
            }
        }
    }
    Ok(base)
}

fn key_of(keys: &[String], parameters: &Parameters) -> Vec<Value> {
    keys.iter()
        .map(|key| {
            let nested = || {
                let mut parts = key.split('.');
                let first = parameters.get(parts.next()?)?;
                parts.try_fold(first, |value, part| value.get(part))
            };
            parameters
                .get(key)
                .or_else(nested)
                .cloned()
                .unwrap_or_default()
        })
        .collect()
}

fn unique(keys: &[String], list: &[Parameters]) -> Result<(), Stop> {
    let mut seen = std::collections::BTreeSet::new();
    for parameters in list {
        let key = Value::Array(key_of(keys, parameters));
        if !seen.insert(key.to_string()) {
            let message = format!(
                "two sets of parameters of one generator have the same {}: {key}",
                keys.join(", ")
            );
            let next = "Choose merge keys that tell them apart.";
            return Err(Stop::wrong("merge.mergeKeys", message, next));
        }
    }
    Ok(())
}

/// Takes from `other` what is not there or says nothing.
pub(super) fn fill_in(into: &mut Parameters, other: Parameters) {
    for (name, value) in other {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(known)), Value::Object(more)) => fill_in(known, more),
            (Some(known), value) if says_nothing(known) => *known = value,
            (Some(_), _) => {}
            (None, value) => {
                into.insert(name, value);
            }
        }
    }
}

/// Takes from `other` everything that says something.
fn override_with(into: &mut Parameters, other: Parameters) {
    for (name, value) in other {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(known)), Value::Object(more)) => override_with(known, more),
            (Some(_), value) if says_nothing(&value) => {}
            (_, value) => {
                into.insert(name, value);
            }
        }
    }
}

/// What Go calls a zero value.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
    }
}
