//! How lists compare: as one whole, as a set, or item by item through their keys.

use super::{Effect, Found, Step, Walk};
use crate::diff::builtin::{self, LeftOut};
use crate::diff::path::Segment;
use crate::diff::scalar;
use crate::prediction::{Rule, is_on};
use crate::schema::{Field, ListKind, View};
use serde_json::Value;

impl<'a> Walk<'a, '_> {
    pub(super) fn list(
        &mut self,
        view: Option<View<'a>>,
        whole: &'a Value,
        desired: &'a [Value],
        live_whole: &'a Value,
        live: &'a [Value],
        strict: bool,
    ) -> Step {
        let Some(view) = view else {
            return self.list_without_schema(whole, desired, live_whole, live);
        };
        match view.list() {
            _ if strict && is_on(Rule::Strict) => {
                self.atomic(Some(view), whole, desired, live_whole, live)
            }
            ListKind::Set if is_on(Rule::Sets) => self.set(desired, live),
            ListKind::Map(keys) if is_on(Rule::ListMaps) => {
                self.keyed(view.item(), keys, desired, live)
            }
            _ => self.atomic(Some(view), whole, desired, live_whole, live),
        }
    }

    /// Replaced whole: items compare by position.
    fn atomic(
        &mut self,
        view: Option<View<'a>>,
        whole: &'a Value,
        desired: &'a [Value],
        live_whole: &'a Value,
        live: &'a [Value],
    ) -> Step {
        let item = view.map(View::item);
        let shape = item.map(View::shape);
        let typed = self.is_typed(item);
        let (parent, name) = self.names();
        if typed && desired.is_empty() && !live.is_empty() && is_on(Rule::EmptyLists) {
            match builtin::left_out(self.place(parent, name)) {
                LeftOut::Default(default) if scalar::same_deep(&default, live_whole) => {
                    return Ok(());
                }
                LeftOut::Computed => {
                    return self.unsure("is empty in Git, and the cluster fills it in");
                }
                _ => {}
            }
        }
        let by_item = desired.len() == live.len()
            && is_on(Rule::AtomicItems)
            && desired
                .iter()
                .any(|item| item.is_object() || item.is_array());
        if !by_item {
            let equal = desired.len() == live.len()
                && desired
                    .iter()
                    .zip(live)
                    .all(|(one, other)| scalar::same_in(shape, typed, one, other));
            if !equal
                && typed
                && (self.kind, name) == ("Pod", "tolerations")
                && is_on(Rule::Tolerations)
            {
                return self.unsure("differs, and the cluster adds its own to every pod");
            }
            if !equal {
                self.change(whole, Some(live_whole));
            }
            return Ok(());
        }
        for (index, (desired, live)) in desired.iter().zip(live).enumerate() {
            self.path.push(Segment::Index(index));
            let done = self.value(item, desired, Some(live), true);
            self.path.pop();
            done?;
        }
        Ok(())
    }

    fn set(&mut self, desired: &'a [Value], live: &'a [Value]) -> Step {
        let mut places = Vec::with_capacity(desired.len());
        for (index, item) in desired.iter().enumerate() {
            if desired
                .iter()
                .take(index)
                .any(|earlier| scalar::same(earlier, item))
                && is_on(Rule::Duplicates)
            {
                return self.unsure("holds an item twice in Git");
            }
            match live.iter().position(|other| scalar::same(item, other)) {
                Some(at) => places.push((at, Segment::Item(item))),
                None => {
                    self.path.push(Segment::Item(item));
                    self.change(item, None);
                    self.path.pop();
                }
            }
        }
        self.order(places);
        Ok(())
    }

    fn keyed(
        &mut self,
        item: View<'a>,
        keys: &'a [Box<str>],
        desired: &'a [Value],
        live: &'a [Value],
    ) -> Step {
        let mut places: Vec<(usize, Segment<'a>)> = Vec::with_capacity(desired.len());
        let mut hint = 0;
        let mut seen: Vec<Vec<(&'a str, &'a Value)>> = Vec::with_capacity(desired.len());
        for value in desired {
            let Some(of_value) = keys_of(item, keys, value) else {
                if !is_on(Rule::KeyMissing) {
                    continue;
                }
                return self.unsure("has an item in Git without its key field");
            };
            let twice = seen.iter().any(|earlier| same_keys(earlier, &of_value));
            if twice && is_on(Rule::Duplicates) {
                return self.unsure("has two items in Git with the same key");
            }
            let is_it = |at: usize| {
                live.get(at)
                    .and_then(|live| keys_of(item, keys, live))
                    .is_some_and(|found| same_keys(&found, &of_value))
            };
            // Lists are mostly in the same order: look where the next one should be.
            let at = if is_it(hint) {
                Some(hint)
            } else {
                (0..live.len()).find(|&at| is_it(at))
            };
            self.path.push(Segment::Key(of_value.clone()));
            let done = match at.and_then(|at| live.get(at)) {
                Some(found) => self.value(Some(item), value, Some(found), false),
                None => {
                    self.change(value, None);
                    Ok(())
                }
            };
            self.path.pop();
            done?;
            if let Some(at) = at {
                hint = at + 1;
                places.push((at, Segment::Key(of_value.clone())));
            }
            seen.push(of_value);
        }
        self.order(places);
        Ok(())
    }

    /// The desired items stand in another order than in the cluster.
    fn order(&mut self, places: Vec<(usize, Segment<'a>)>) {
        if places.is_sorted_by_key(|(at, _)| *at) || !is_on(Rule::Order) {
            return;
        }
        let label = |segment: &Segment<'a>| {
            let mut path = self.path.clone();
            path.push(segment.clone());
            Value::String(self.places.last(&path))
        };
        let declared: Vec<Value> = places.iter().map(|(_, segment)| label(segment)).collect();
        let mut as_live: Vec<&(usize, Segment<'a>)> = places.iter().collect();
        as_live.sort_by_key(|(at, _)| *at);
        let live: Vec<Value> = as_live
            .into_iter()
            .map(|(_, segment)| label(segment))
            .collect();
        self.found.push(Found {
            path: self.path.clone(),
            declared: Some(Value::Array(declared)),
            live: Some(Value::Array(live)),
            effect: Effect::Order(places.into_iter().map(|(_, segment)| segment).collect()),
        });
    }

    /// Without a schema nobody knows how a list merges; only a list that agrees item by item is settled.
    fn list_without_schema(
        &mut self,
        whole: &'a Value,
        desired: &'a [Value],
        live_whole: &'a Value,
        live: &'a [Value],
    ) -> Step {
        let before = self.found.len();
        let done = self.atomic(None, whole, desired, live_whole, live);
        if done.is_ok() && self.found.len() == before {
            return Ok(());
        }
        if !is_on(Rule::NoSchema) {
            return Ok(());
        }
        self.found.truncate(before);
        self.unsure("is a list that differs, and how it merges needs the cluster's schema")
    }
}

static NULL: Value = Value::Null;

/// The key fields of a list item, defaults included; `None` when one is missing.
pub(in crate::diff) fn keys_of<'a>(
    item: View<'a>,
    keys: &'a [Box<str>],
    value: &'a Value,
) -> Option<Vec<(&'a str, &'a Value)>> {
    keys.iter()
        .map(|key| {
            let given = value.get(key.as_ref()).filter(|given| !given.is_null());
            let given = given.or_else(|| match item.field(key) {
                Field::Known(field) if is_on(Rule::KeyDefaults) => field.default(),
                _ => None,
            });
            if given.is_none() && !is_on(Rule::KeyDefaults) {
                return Some((key.as_ref(), &NULL));
            }
            Some((key.as_ref(), given?))
        })
        .collect()
}

fn same_keys(one: &[(&str, &Value)], other: &[(&str, &Value)]) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|((name, one), (other_name, other))| {
                name == other_name && scalar::same(one, other)
            })
}
