//! Who owns which field of a live object, from its managed fields.

use super::path::{Segment, has_keys};
use crate::tracking::FIELD_MANAGER;
use lockstep_types::time::Micros;
use serde_json::Value;

/// One manager's entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub manager: &'a str,
    pub operation: &'a str,
    pub api_version: &'a str,
    pub at: Option<Micros>,
    pub fields: &'a Value,
    ours: bool,
}

/// All entries of one object.
#[derive(Debug, Clone, Default)]
pub(super) struct Owners<'a> {
    entries: Vec<Entry<'a>>,
}

/// How far a manager's set reaches towards a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    No,
    /// It owns a place above as one whole.
    Above,
    /// It owns the place or something below.
    Here,
}

impl<'a> Owners<'a> {
    /// Reads `metadata.managedFields`; entries without fields are left out.
    pub fn of(live: &'a Value) -> Self {
        let entries = live
            .pointer("/metadata/managedFields")
            .and_then(Value::as_array);
        let entries = entries
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .filter_map(entry)
            .collect();
        Self { entries }
    }

    /// The entry of our own applies.
    pub fn ours(&self) -> Option<Entry<'a>> {
        self.entries.iter().find(|entry| entry.ours).copied()
    }

    /// Whether our applies own the place and nobody else does: nobody has written it since.
    pub fn ours_alone(&self, path: &[Segment<'_>]) -> bool {
        self.ours()
            .is_some_and(|ours| reach(ours.fields, path) != Reach::No)
            && !self.others(path)
    }

    /// Whether our applies own the place by itself, not only within a whole, and nobody else does.
    pub fn ours_itself(&self, path: &[Segment<'_>]) -> bool {
        self.ours()
            .is_some_and(|ours| reach(ours.fields, path) == Reach::Here)
            && !self.others(path)
    }

    /// Whether somebody else owns the place or something below it.
    pub fn others(&self, path: &[Segment<'_>]) -> bool {
        self.entries
            .iter()
            .any(|entry| !entry.ours && reach(entry.fields, path) == Reach::Here)
    }

    /// Whether one of these managers owns the place or something below it.
    pub fn owned_by(&self, path: &[Segment<'_>], managers: &[String]) -> bool {
        self.entries.iter().any(|entry| {
            managers.iter().any(|manager| manager == entry.manager)
                && reach(entry.fields, path) == Reach::Here
        })
    }

    /// Who last wrote the value at a path: the newest other manager, else ourselves.
    pub fn last_writer(&self, path: &[Segment<'_>]) -> Option<Entry<'a>> {
        let rank = |entry: &Entry<'a>| {
            (
                reach(entry.fields, path) == Reach::Here,
                !entry.ours,
                entry.at,
            )
        };
        self.entries
            .iter()
            .filter(|entry| reach(entry.fields, path) != Reach::No)
            .max_by_key(|entry| rank(entry))
            .copied()
    }
}

fn entry(value: &Value) -> Option<Entry<'_>> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let fields = value.get("fieldsV1")?;
    let ours = text("manager") == FIELD_MANAGER
        && text("operation") == "Apply"
        && text("subresource").is_empty();
    Some(Entry {
        manager: text("manager"),
        operation: text("operation"),
        api_version: text("apiVersion"),
        at: text("time")
            .parse::<jiff::Timestamp>()
            .ok()
            .map(Micros::from),
        fields,
        ours,
    })
}

fn reach(fields: &Value, path: &[Segment<'_>]) -> Reach {
    let mut at = fields;
    for segment in path {
        let Some(map) = at.as_object() else {
            return Reach::No;
        };
        if map.is_empty() {
            return Reach::Above;
        }
        let next = match segment {
            Segment::Field(name) => map.get(&format!("f:{name}")),
            Segment::Index(index) => map.get(&format!("i:{index}")),
            Segment::Item(value) => map.get(&format!("v:{value}")),
            Segment::Key(keys) => {
                let item = map
                    .iter()
                    .find(|(key, _)| item_keys(key).is_some_and(|item| has_keys(&item, keys)));
                item.map(|(_, below)| below)
            }
        };
        match next {
            Some(next) => at = next,
            None => return Reach::No,
        }
    }
    Reach::Here
}

/// The key fields in a `k:{…}` step.
pub(super) fn item_keys(step: &str) -> Option<Value> {
    serde_json::from_str(step.strip_prefix("k:")?).ok()
}
