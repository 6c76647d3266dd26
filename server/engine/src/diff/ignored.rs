//! Which places of an object do not count, as its rules name them: JSON pointers, and jq paths. A position in a list
//! means the item that stands there in Git, and the one that stands there in the cluster.

use super::path::{Segment, has_keys};
use super::scalar;
use crate::jq::{Places, Step};
use serde_json::Value;

/// Places in one of the two objects.
#[derive(Debug, Default)]
pub(super) struct Ignored<'v> {
    places: Vec<(Vec<Step>, &'v Value)>,
}

impl<'v> Ignored<'v> {
    /// The places that the rules name in the two objects.
    pub(super) fn of(rules: &[String], desired: &'v Value, live: &'v Value) -> Self {
        let mut places = Vec::new();
        for rule in rules {
            for body in [desired, live] {
                places.extend(found(rule, body).into_iter().map(|place| (place, body)));
            }
        }
        Self { places }
    }

    /// Whether one of them is the place or something above it.
    pub(super) fn holds(&self, path: &[Segment<'_>]) -> bool {
        self.places
            .iter()
            .any(|(place, body)| is_above(place, path, body))
    }
}

fn is_above(place: &[Step], path: &[Segment<'_>], body: &Value) -> bool {
    let mut at = Some(body);
    place.len() <= path.len()
        && place.iter().zip(path).all(|(step, segment)| {
            at = at.and_then(|value| below(value, step));
            match (step, segment) {
                (Step::Field(name), Segment::Field(field)) => name == field,
                (Step::Index(index), Segment::Index(position)) => index == position,
                (Step::Index(_), Segment::Key(keys)) => at.is_some_and(|item| has_keys(item, keys)),
                (Step::Index(_), Segment::Item(wanted)) => {
                    at.is_some_and(|item| scalar::same(item, wanted))
                }
                _ => false,
            }
        })
}

fn below<'v>(value: &'v Value, step: &Step) -> Option<&'v Value> {
    match step {
        Step::Field(name) => value.get(name),
        Step::Index(index) => value.get(index),
    }
}

/// The places that one rule names in an object. A rule that is not understood names none; whoever read it has said so.
fn found(rule: &str, body: &Value) -> Vec<Vec<Step>> {
    let Some(rest) = rule.strip_prefix('/') else {
        return Places::parse(rule).map_or_else(|_| Vec::new(), |places| places.find(body));
    };
    let mut at = Some(body);
    let steps = rest.split('/').map(|part| {
        let name = part.replace("~1", "/").replace("~0", "~");
        let step = match (at, name.parse::<usize>()) {
            (Some(Value::Array(_)), Ok(index)) => Step::Index(index),
            _ => Step::Field(name),
        };
        at = at.and_then(|value| below(value, &step));
        step
    });
    vec![steps.collect()]
}

/// Lets a body that is to be applied keep what the live object has at these places, where both have something.
pub(super) fn keep(rules: &[String], live: &Value, body: &mut Value) {
    for rule in rules {
        for place in found(rule, body) {
            let Some(kept) = there(&place, body, live) else {
                continue;
            };
            let own = place.iter().try_fold(&mut *body, |at, step| match step {
                Step::Field(name) => at.get_mut(name),
                Step::Index(index) => at.get_mut(index),
            });
            if let Some(own) = own {
                *own = kept.clone();
            }
        }
    }
}

/// What another object has at a place of this one. An item with a name is the one of that name, wherever it stands.
fn there<'v>(place: &[Step], body: &Value, other: &'v Value) -> Option<&'v Value> {
    let (mut own, mut theirs) = (body, other);
    for step in place {
        own = below(own, step)?;
        let name = own.get("name").filter(|name| name.is_string());
        theirs = match (step, name, theirs) {
            (Step::Index(_), Some(name), Value::Array(items)) => {
                items.iter().find(|item| item.get("name") == Some(name))?
            }
            _ => below(theirs, step)?,
        };
    }
    Some(theirs)
}
