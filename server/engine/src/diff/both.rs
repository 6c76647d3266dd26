//! Compares two whole objects that both came from one hand (two renders; a live object and its dry run): every
//! difference counts, in both directions.

use super::path::Segment;
use super::scalar;
use super::walk::{Effect, Found};
use crate::schema::{Field, ListKind, View};
use serde_json::Value;

/// Everything in which `to` differs from `from`.
pub(super) fn compare<'a>(
    view: Option<View<'a>>,
    from: &'a Value,
    to: &'a Value,
) -> Vec<Found<'a>> {
    let mut both = Both {
        found: Vec::new(),
        path: Vec::new(),
    };
    both.value(view, from, to);
    both.found
}

struct Both<'a> {
    found: Vec<Found<'a>>,
    path: Vec<Segment<'a>>,
}

impl<'a> Both<'a> {
    fn value(&mut self, view: Option<View<'a>>, from: &'a Value, to: &'a Value) {
        match (from, to) {
            (Value::Object(from_map), Value::Object(to_map)) => {
                for (name, from) in from_map {
                    let below = field(view, name);
                    self.at(Segment::Field(name), below, Some(from), to_map.get(name));
                }
                for (name, to) in to_map {
                    if !from_map.contains_key(name) {
                        self.at(Segment::Field(name), field(view, name), None, Some(to));
                    }
                }
            }
            (Value::Array(from_list), Value::Array(to_list)) => {
                self.list(view, from, from_list, to, to_list)
            }
            _ if scalar::same(from, to) => {}
            _ => self.push(Some(from), Some(to)),
        }
    }

    fn at(
        &mut self,
        segment: Segment<'a>,
        view: Option<View<'a>>,
        from: Option<&'a Value>,
        to: Option<&'a Value>,
    ) {
        self.path.push(segment);
        match (
            from.filter(|value| !value.is_null()),
            to.filter(|value| !value.is_null()),
        ) {
            (Some(from), Some(to)) => self.value(view, from, to),
            (None, None) => {}
            (from, to) => self.push(from, to),
        }
        self.path.pop();
    }

    fn push(&mut self, from: Option<&Value>, to: Option<&Value>) {
        let effect = if to.is_some() {
            Effect::Set
        } else {
            Effect::Remove(None)
        };
        self.found.push(Found {
            path: self.path.clone(),
            declared: to.cloned(),
            live: from.cloned(),
            effect,
        });
    }

    fn list(
        &mut self,
        view: Option<View<'a>>,
        from: &'a Value,
        from_list: &'a [Value],
        to: &'a Value,
        to_list: &'a [Value],
    ) {
        let before = self.found.len();
        let item = view.map(View::item);
        let segments: Option<(Vec<Segment<'a>>, Vec<Segment<'a>>)> = match view.map(View::list) {
            Some(ListKind::Map(keys)) => item.and_then(|item| {
                let all = |list: &'a [Value]| -> Option<Vec<Segment<'a>>> {
                    list.iter()
                        .map(|value| super::walk::keys_of(item, keys, value).map(Segment::Key))
                        .collect()
                };
                Some((all(from_list)?, all(to_list)?))
            }),
            Some(ListKind::Set) => Some((
                from_list.iter().map(Segment::Item).collect(),
                to_list.iter().map(Segment::Item).collect(),
            )),
            Some(ListKind::Atomic) => None,
            None => named(from_list).zip(named(to_list)),
        };
        let Some((from_keys, to_keys)) = segments.filter(|(from, to)| unique(from) && unique(to))
        else {
            if from_list.len() == to_list.len() && to_list.iter().any(Value::is_object) {
                for (index, (from, to)) in from_list.iter().zip(to_list).enumerate() {
                    self.at(Segment::Index(index), item, Some(from), Some(to));
                }
            } else if !scalar::same_deep(from, to) {
                self.push(Some(from), Some(to));
            }
            return;
        };
        for (segment, from) in from_keys.iter().zip(from_list) {
            let to = to_keys
                .iter()
                .position(|other| other == segment)
                .and_then(|at| to_list.get(at));
            self.at(segment.clone(), item, Some(from), to);
        }
        for (segment, to) in to_keys.iter().zip(to_list) {
            if !from_keys.contains(segment) {
                self.at(segment.clone(), item, None, Some(to));
            }
        }
        let kept = |one: &[Segment<'a>], other: &[Segment<'a>]| -> Vec<Segment<'a>> {
            one.iter()
                .filter(|segment| other.contains(segment))
                .cloned()
                .collect()
        };
        if self.found.len() == before && kept(&from_keys, &to_keys) != kept(&to_keys, &from_keys) {
            self.push(Some(from), Some(to));
        }
    }
}

fn field<'a>(view: Option<View<'a>>, name: &str) -> Option<View<'a>> {
    match view?.field(name) {
        Field::Known(below) => Some(below),
        Field::Unknown => None,
    }
}

/// Items told apart by their `name`, as nearly every list of the API is.
fn named(list: &[Value]) -> Option<Vec<Segment<'_>>> {
    list.iter()
        .map(|item| {
            item.get("name")
                .filter(|name| name.is_string())
                .map(|name| Segment::Key(vec![("name", name)]))
        })
        .collect()
}

fn unique(segments: &[Segment<'_>]) -> bool {
    segments.iter().enumerate().all(|(index, segment)| {
        !segments
            .iter()
            .take(index)
            .any(|earlier| earlier == segment)
    })
}
