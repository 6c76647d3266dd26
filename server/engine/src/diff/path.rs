//! Where in an object something stands: fields, list items by their merge keys, and how such a place is written,
//! read, set and removed. Knows nothing of comparing.

use super::scalar;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// One step down.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Segment<'a> {
    Field(&'a str),
    /// The list item with these key fields.
    Key(Vec<(&'a str, &'a Value)>),
    /// The list item at this position.
    Index(usize),
    /// The item of a set.
    Item(&'a Value),
}

/// Stands for the value by which an item is told.
const HIDDEN: &str = "••••••••";

/// `spec.template.spec.containers[name=web].image`; odd field names in brackets and quotes. Items are told by values of
/// theirs: `hides` says which are not shown, by the place of the segment, the key field if it is one, and the value.
pub(super) fn render<'a>(
    path: &[Segment<'a>],
    hides: impl Fn(usize, Option<&'a str>, &Value) -> bool,
) -> String {
    let mut text = String::new();
    for (depth, segment) in path.iter().enumerate() {
        let shown = |name, value: &Value| match hides(depth, name, value) {
            true => HIDDEN.to_owned(),
            false => bare(value),
        };
        // Writing to a String cannot fail.
        let _ = match segment {
            Segment::Field(name) if is_plain(name) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(name);
                Ok(())
            }
            Segment::Field(name) => write!(text, "[{}]", Value::from(*name)),
            Segment::Key(keys) => {
                let keys: Vec<String> = keys
                    .iter()
                    .map(|(name, value)| format!("{name}={}", shown(Some(*name), value)))
                    .collect();
                write!(text, "[{}]", keys.join(","))
            }
            Segment::Index(index) => write!(text, "[{index}]"),
            Segment::Item(value) => write!(text, "[={}]", shown(None, value)),
        };
    }
    text
}

/// The field names alone, joined by dots: what impact rules are written against.
pub(super) fn pattern(path: &[Segment<'_>]) -> String {
    let names: Vec<&str> = path.iter().filter_map(Segment::field).collect();
    names.join(".")
}

impl<'a> Segment<'a> {
    /// The name, when it is a field.
    pub fn field(&self) -> Option<&'a str> {
        match self {
            Self::Field(name) => Some(name),
            _ => None,
        }
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn bare(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether the item carries these keys; a key it lacks counts as present when it equals the given default.
pub(super) fn has_keys(item: &Value, keys: &[(&str, &Value)]) -> bool {
    keys.iter().all(|(name, wanted)| match item.get(*name) {
        Some(value) => scalar::same(value, wanted),
        None => *name == "protocol" && wanted.as_str() == Some("TCP"),
    })
}

/// The value at a path.
pub(super) fn get<'v>(root: &'v Value, path: &[Segment<'_>]) -> Option<&'v Value> {
    path.iter().try_fold(root, |at, segment| match segment {
        Segment::Field(name) => at.get(*name),
        Segment::Key(keys) => at.as_array()?.iter().find(|item| has_keys(item, keys)),
        Segment::Index(index) => at.get(*index),
        Segment::Item(value) => at.as_array()?.iter().find(|item| scalar::same(item, value)),
    })
}

/// Puts a value at a path, making maps and lists on the way.
pub(super) fn set(root: &mut Value, path: &[Segment<'_>], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        *root = value;
        return;
    };
    let place = match first {
        Segment::Field(name) => {
            if !root.is_object() {
                *root = Value::Object(Map::new());
            }
            let Some(map) = root.as_object_mut() else {
                return;
            };
            map.entry((*name).to_owned()).or_insert(Value::Null)
        }
        _ => {
            if !root.is_array() {
                *root = Value::Array(Vec::new());
            }
            let Some(list) = root.as_array_mut() else {
                return;
            };
            let at = position(list, first).unwrap_or_else(|| {
                list.push(Value::Null);
                list.len() - 1
            });
            let Some(place) = list.get_mut(at) else {
                return;
            };
            place
        }
    };
    set(place, rest, value);
}

/// Takes away what is at a path.
pub(super) fn remove(root: &mut Value, path: &[Segment<'_>]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if !rest.is_empty() {
        let place = match first {
            Segment::Field(name) => root.get_mut(*name),
            _ => root
                .as_array_mut()
                .and_then(|list| position(list, first).and_then(|at| list.get_mut(at))),
        };
        if let Some(place) = place {
            remove(place, rest);
        }
        return;
    }
    match (first, root) {
        (Segment::Field(name), Value::Object(map)) => {
            map.remove(*name);
        }
        (_, Value::Array(list)) => {
            if let Some(at) = position(list, first) {
                list.remove(at);
            }
        }
        _ => {}
    }
}

/// Brings those items that `order` names into that order, leaving the others where they stand.
pub(super) fn reorder(root: &mut Value, path: &[Segment<'_>], order: &[Segment<'_>]) {
    let Some(Value::Array(list)) = path.iter().try_fold(root, |at, segment| match segment {
        Segment::Field(name) => at.get_mut(*name),
        _ => {
            let list = at.as_array_mut()?;
            let index = position(list, segment)?;
            list.get_mut(index)
        }
    }) else {
        return;
    };
    let wanted: Vec<usize> = order
        .iter()
        .filter_map(|segment| position(list, segment))
        .collect();
    let mut places = wanted.clone();
    places.sort_unstable();
    let items: Vec<Value> = wanted
        .iter()
        .filter_map(|&at| list.get(at).cloned())
        .collect();
    for (place, item) in places.into_iter().zip(items) {
        if let Some(slot) = list.get_mut(place) {
            *slot = item;
        }
    }
}

fn position(list: &[Value], segment: &Segment<'_>) -> Option<usize> {
    match segment {
        Segment::Field(_) => None,
        Segment::Key(keys) => list.iter().position(|item| has_keys(item, keys)),
        Segment::Index(index) => (*index < list.len()).then_some(*index),
        Segment::Item(value) => list.iter().position(|item| scalar::same(item, value)),
    }
}
