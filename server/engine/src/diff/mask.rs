//! Hides Secret values, so that it still shows whether a value changed. Every object that leaves [`crate::diff`] has
//! been through here. Nothing of a value survives, not its length either.

use super::clean::{LAST_APPLIED, is_secret};
use super::path::{self, Segment};
use crate::masking::{Masking, MaskingRules, is_on, sensitive_annotation};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// Stands for a value that is equal on both sides, or has no other side.
pub const HIDDEN: &str = "••••••••";
/// Stands for the live value where the other side holds another one.
pub const HIDDEN_LIVE: &str = "•••••••• (live)";
/// Stands for the declared value where the other side holds another one.
pub const HIDDEN_DECLARED: &str = "•••••••• (declared)";

/// The object with every secret value replaced by [`HIDDEN`] and without copies of itself, for the call that `place` is.
pub(super) fn masked(object: &Value, rules: &MaskingRules, place: Masking) -> Value {
    let mut object = object.clone();
    if is_on(place) {
        mask(&mut object, None, rules, HIDDEN);
    }
    object
}

/// The live object masked as [`masked`] does, and every text in its metadata that repeats a value of the Secret as it is
/// declared: somebody may have changed the one in the cluster, and not what repeats it.
pub(super) fn masked_beside(live: &Value, declared: Option<&Value>, rules: &MaskingRules) -> Value {
    let mut masked = masked(live, rules, Masking::LiveText);
    if let (Some(declared), true, Some(metadata)) =
        (declared, is_secret(live), masked.get_mut("metadata"))
    {
        hide_leaks(metadata, &[declared], HIDDEN);
    }
    masked
}

/// Both objects masked; where they hold different secrets the markers differ.
pub(super) fn masked_pair(
    live: &Value,
    declared: &Value,
    rules: &MaskingRules,
    place: Masking,
) -> (Value, Value) {
    let (mut left, mut right) = (live.clone(), declared.clone());
    if !is_on(place) {
        return (left, right);
    }
    mask(&mut left, Some(declared), rules, HIDDEN_LIVE);
    mask(&mut right, Some(live), rules, HIDDEN_DECLARED);
    (left, right)
}

/// The objects that paths lead into, and what is hidden in them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places<'r> {
    roots: [&'r Value; 2],
    rules: &'r MaskingRules,
}

impl<'r> Places<'r> {
    pub(super) fn new(roots: [&'r Value; 2], rules: &'r MaskingRules) -> Self {
        Self { roots, rules }
    }

    /// As [`place`].
    pub(super) fn name(&self, path: &[Segment<'_>]) -> String {
        place(&self.roots, path, self.rules)
    }

    /// The last segment of a path alone, as [`place`] has it.
    pub(super) fn last(&self, path: &[Segment<'_>]) -> String {
        let from = path.len().saturating_sub(1);
        path::render(path.get(from..).unwrap_or(path), |_, key, value| {
            is_hidden(&self.roots, path, key, value, self.rules)
        })
    }
}

/// A path as it is shown. Items of lists are told by values of theirs: those that are hidden are hidden here too.
pub(super) fn place(roots: &[&Value], path: &[Segment<'_>], rules: &MaskingRules) -> String {
    path::render(path, |depth, key, value| {
        let path = path.get(..=depth).unwrap_or(path);
        is_hidden(roots, path, key, value, rules)
    })
}

/// Whether the value that tells the item at a path, in one of its fields or by itself, is not shown.
fn is_hidden<'p>(
    roots: &[&Value],
    path: &[Segment<'p>],
    key: Option<&'p str>,
    value: &Value,
    rules: &MaskingRules,
) -> bool {
    let mut place = path.to_vec();
    place.extend(key.map(Segment::Field));
    let repeated = |root: &Value| value.as_str().is_some_and(|text| repeats(root, text));
    is_on(Masking::Change)
        && roots
            .iter()
            .any(|root| is_sensitive(root, &place, rules) || repeated(root))
}

/// The two values of one change, masked. `roots` are the objects they stand in.
pub(super) fn masked_change(
    roots: &[&Value],
    path: &[Segment<'_>],
    live: Option<Value>,
    declared: Option<Value>,
    rules: &MaskingRules,
) -> (Option<Value>, Option<Value>) {
    if !is_on(Masking::Change) {
        return (live, declared);
    }
    let hide = |value: Option<Value>, other: Option<&Value>, marker: &str| {
        value.map(|mut value| {
            if roots.iter().any(|root| is_sensitive(root, path, rules)) {
                hide(&mut value, other, marker);
            } else if roots.iter().any(|root| is_secret(root)) {
                mask_at_path(&mut value, other, path, rules, marker);
                hide_leaks(&mut value, roots, marker);
            } else {
                mask_at_path(&mut value, other, path, rules, marker);
            }
            // A field that is hidden may be below the one that changed.
            for rest in roots
                .iter()
                .flat_map(|root| rules.of(root))
                .flat_map(|rule| below(rule, path))
                .filter(|rest| !rest.is_empty())
            {
                hide_at(&mut value, other, rest, marker);
            }
            value
        })
    };
    let left = hide(live.clone(), declared.as_ref(), HIDDEN_LIVE);
    let right = hide(declared, live.as_ref(), HIDDEN_DECLARED);
    (left, right)
}

/// Masks a value that stands at a path: it may be a map of annotations, or an object that holds some.
fn mask_at_path(
    value: &mut Value,
    other: Option<&Value>,
    path: &[Segment<'_>],
    rules: &MaskingRules,
    marker: &str,
) {
    match path {
        [
            ..,
            Segment::Field("metadata"),
            Segment::Field("annotations"),
        ] => mask_annotations(value, other, rules, marker),
        [.., Segment::Field("metadata")] => {
            if let Some(annotations) = value.get_mut("annotations") {
                mask_annotations(
                    annotations,
                    other.and_then(|other| other.get("annotations")),
                    rules,
                    marker,
                );
            }
        }
        _ => mask(value, other, rules, marker),
    }
}

/// What may be left of a rule's path below the path of a change; nothing is left when the change is within the field.
fn below<'r>(rule: &'r [String], path: &[Segment<'_>]) -> Vec<&'r [String]> {
    let mut left = vec![rule];
    for segment in path {
        let mut next: Vec<&[String]> = Vec::new();
        for rest in left {
            match (rest.split_first(), segment) {
                (None, _) => next.push(rest),
                (Some(_), Segment::Field(field)) => next.extend(under(rest, field)),
                (Some((first, rest)), _) if first == "*" => next.push(rest),
                _ => {}
            }
        }
        left = next;
    }
    left
}

/// What is left of a rule's path below a key. A key may have dots in it: then it is as many names of the path.
fn under<'r, 'k>(
    rule: &'r [String],
    key: &'k str,
) -> impl Iterator<Item = &'r [String]> + use<'r, 'k> {
    (1..=rule.len())
        .filter_map(|count| rule.split_at_checked(count))
        .filter(move |(names, _)| match names {
            [name] => name == "*" || name == key,
            names => key.contains('.') && names.join(".") == key,
        })
        .map(|(_, rest)| rest)
}

/// Hides what is at a path, where `*` is every name or every item.
fn hide_at(value: &mut Value, other: Option<&Value>, path: &[String], marker: &str) {
    let Some((first, rest)) = path.split_first() else {
        return hide(value, other, marker);
    };
    match value {
        Value::Object(map) => {
            for (name, value) in map.iter_mut() {
                for rest in under(path, name) {
                    hide_at(value, other.and_then(|other| other.get(name)), rest, marker);
                }
            }
        }
        Value::Array(list) if first == "*" => {
            for (index, value) in list.iter_mut().enumerate() {
                hide_at(
                    value,
                    other.and_then(|other| other.get(index)),
                    rest,
                    marker,
                );
            }
        }
        _ => {}
    }
}

/// Whether the place itself is secret: below the data of a Secret, a sensitive annotation, or a field of the rules.
fn is_sensitive(root: &Value, path: &[Segment<'_>], rules: &MaskingRules) -> bool {
    let within = |rule: &[String]| below(rule, path).into_iter().any(<[String]>::is_empty);
    if rules.of(root).any(within) {
        return true;
    }
    let mut at = Some(root);
    for (depth, segment) in path.iter().enumerate() {
        if let Segment::Field("data" | "stringData") = segment
            && at.is_some_and(is_secret)
        {
            return true;
        }
        if let [
            Segment::Field("metadata"),
            Segment::Field("annotations"),
            Segment::Field(name),
        ] = path.get(depth..depth + 3).unwrap_or_default()
            && (sensitive_annotation(name) || rules.annotation(name))
        {
            return true;
        }
        at = at.and_then(|at| path::get(at, std::slice::from_ref(segment)));
    }
    false
}

/// Masks an object and everything embedded in it.
fn mask(value: &mut Value, other: Option<&Value>, rules: &MaskingRules, marker: &str) {
    let secret = is_secret(value);
    if !rules.fields.is_empty() {
        let paths: Vec<Vec<String>> = rules.of(value).map(<[String]>::to_vec).collect();
        for path in &paths {
            hide_at(value, other, path, marker);
        }
    }
    if secret {
        let original = value.clone();
        for part in ["data", "stringData"] {
            if let Some(part_value) = value.get_mut(part) {
                hide(part_value, other.and_then(|other| other.get(part)), marker);
            }
        }
        let roots: Vec<&Value> = std::iter::once(&original).chain(other).collect();
        if let Some(metadata) = value.get_mut("metadata") {
            hide_leaks(metadata, &roots, marker);
        }
    }
    match value {
        Value::Object(map) => {
            for (name, below) in map.iter_mut() {
                let other = other.and_then(|other| other.get(name));
                match name.as_str() {
                    "data" | "stringData" if secret => {}
                    "metadata" => {
                        if let Some(annotations) = below.get_mut("annotations") {
                            mask_annotations(
                                annotations,
                                other.and_then(|other| other.get("annotations")),
                                rules,
                                marker,
                            );
                        }
                    }
                    _ => mask(below, other, rules, marker),
                }
            }
        }
        Value::Array(list) => {
            for (index, below) in list.iter_mut().enumerate() {
                mask(
                    below,
                    other.and_then(|other| other.get(index)),
                    rules,
                    marker,
                );
            }
        }
        _ => {}
    }
}

fn mask_annotations(
    annotations: &mut Value,
    other: Option<&Value>,
    rules: &MaskingRules,
    marker: &str,
) {
    let Some(map) = annotations.as_object_mut() else {
        return;
    };
    if is_on(Masking::Copies) {
        map.remove(LAST_APPLIED);
    }
    for (name, value) in map.iter_mut() {
        if sensitive_annotation(name) || rules.annotation(name) {
            hide(value, other.and_then(|other| other.get(name)), marker);
        }
    }
}

/// Replaces a value, or each value of a map. `marker` is for those that differ from the other side's.
fn hide(value: &mut Value, other: Option<&Value>, marker: &str) {
    if let Value::Object(map) = value {
        for (name, value) in map.iter_mut() {
            hide_one(value, other.and_then(|other| other.get(name)), marker);
        }
        return;
    }
    hide_one(value, other, marker);
}

fn hide_one(value: &mut Value, other: Option<&Value>, marker: &str) {
    // By another rule; whether it changed is told already.
    let done = [HIDDEN, HIDDEN_LIVE, HIDDEN_DECLARED];
    if !is_on(Masking::Values) || value.as_str().is_some_and(|text| done.contains(&text)) {
        return;
    }
    let text = if other.is_none_or(|other| other == value) {
        HIDDEN
    } else {
        marker
    };
    *value = Value::String(text.to_owned());
}

/// Hides every text outside of a Secret's data that repeats one of its values, plain or encoded.
fn hide_leaks(value: &mut Value, roots: &[&Value], marker: &str) {
    if !is_on(Masking::Leaks) {
        return;
    }
    match value {
        Value::String(text) if roots.iter().any(|root| repeats(root, text)) => {
            *text = marker.to_owned();
        }
        Value::Object(map) => map
            .values_mut()
            .for_each(|value| hide_leaks(value, roots, marker)),
        Value::Array(list) => list
            .iter_mut()
            .for_each(|value| hide_leaks(value, roots, marker)),
        _ => {}
    }
}

fn repeats(secret: &Value, text: &str) -> bool {
    // Shorter values would make a match a coincidence.
    const LEAST: usize = 6;
    if !is_secret(secret) {
        return false;
    }
    let parts = ["data", "stringData"]
        .into_iter()
        .filter_map(|part| secret.get(part))
        .filter_map(Value::as_object);
    parts
        .flat_map(Map::values)
        .filter_map(Value::as_str)
        .any(|value| {
            let plain = STANDARD
                .decode(value.trim())
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok());
            let plain = plain.as_deref().map(str::trim).unwrap_or_default();
            (value.len() >= LEAST && text.contains(value))
                || (plain.len() >= LEAST && text.contains(plain))
        })
}

#[cfg(test)]
mod tests;
