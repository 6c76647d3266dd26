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
    if go {
        let mut all = Parameters::new();
        fill_in(&mut all, earlier.clone());
        fill_in(&mut all, later);
        return Ok(all);
    }
    let mut all = earlier.clone();
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

/// Takes from `other` what is not there or says nothing. A null is no news.
pub(super) fn fill_in(into: &mut Parameters, other: Parameters) {
    for (name, value) in other {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(known)), Value::Object(more)) => fill_in(known, more),
            (Some(known), value) if says_nothing(known) => *known = value,
            (Some(_), _) | (None, Value::Null) => {}
            (None, value) => {
                into.insert(name, value);
            }
        }
    }
}

/// Takes from `other` everything: `false`, nothing and an empty text too. Only of maps the rest stays.
fn override_with(into: &mut Parameters, other: Parameters) {
    for (name, value) in other {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(known)), Value::Object(more)) => override_with(known, more),
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parameters(value: Value) -> Parameters {
        value.as_object().unwrap().clone()
    }

    /// The expected values are what Helm's `mergeOverwrite` and `merge` print, which call the library that Argo CD calls.
    #[test]
    fn go_parameters_are_merged_as_argo_cd_does() {
        let mut under = parameters(
            json!({"a": true, "b": "x", "c": {"d": 1}, "l": [1], "n": 5, "m": {"q": 1}}),
        );
        let over = json!({"a": false, "b": "", "c": {}, "l": [], "n": null, "m": "s"});
        override_with(&mut under, parameters(over));
        let expected = json!({"a": false, "b": "", "c": {"d": 1}, "l": [], "m": "s", "n": null});
        assert_eq!(Value::Object(under), expected);

        let mut first =
            parameters(json!({"a": false, "b": "", "c": {}, "l": [], "n": null, "z": "k"}));
        let second = json!(
            {"a": true, "b": "x", "c": {"d": 1}, "l": [1], "n": null, "q": null, "z": "w"}
        );
        fill_in(&mut first, parameters(second));
        let expected = json!({"a": true, "b": "x", "c": {"d": 1}, "l": [1], "n": null, "z": "k"});
        assert_eq!(Value::Object(first), expected);
    }

    #[test]
    fn plain_parameters_of_a_matrix_must_not_differ() {
        let first = parameters(json!({"name": "eu", "n": "1"}));
        let joined_with = |later: Value| joined(&first, parameters(later), false);
        let expected = json!({"name": "eu", "n": "1", "path": "a"});
        assert_eq!(
            joined_with(json!({"n": 1, "path": "a"})).map(Value::Object),
            Ok(expected)
        );
        assert!(joined_with(json!({"name": "us"})).is_err());
        // With Go templates the earlier one wins.
        let joined = joined(&first, parameters(json!({"name": "us"})), true);
        assert_eq!(joined.unwrap().get("name"), Some(&json!("eu")));
    }
}
