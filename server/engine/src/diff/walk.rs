//! Walks a desired object over the live one and collects what applying it would change. Only what is desired is
//! looked at: defaults and other people's fields in the live object are none of its business, except inside of what
//! merges as one whole.

mod absent;
mod extra;
mod list;

use super::builtin::{self, LeftOut, Place};
use super::mask::Places;
use super::owned::Owners;
use super::path::Segment;
use super::scalar;
use crate::prediction::{Rule, is_on};
use crate::schema::{Field, Shape, View};
pub(super) use list::keys_of;
use serde_json::{Map, Value};

/// A place that applying would change, before masking and classing.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found<'a> {
    pub path: Vec<Segment<'a>>,
    pub declared: Option<Value>,
    pub live: Option<Value>,
    pub effect: Effect<'a>,
}

/// What applying does there.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Effect<'a> {
    /// Writes the declared value.
    Set,
    /// Takes the value away; a default may take its place.
    Remove(Option<Value>),
    /// Brings list items into this order.
    Order(Vec<Segment<'a>>),
    /// Nothing: the server has said that it keeps the live value.
    Stays,
}

/// Why the walk cannot tell; names places, never values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unsure(pub String);

/// The state of one walk.
pub(super) struct Walk<'a, 'o> {
    pub found: Vec<Found<'a>>,
    pub owners: &'o Owners<'a>,
    /// The kind is built into the API server.
    pub typed: bool,
    pub kind: &'a str,
    /// The whole of what is desired.
    pub desired: Option<&'a Value>,
    /// What was last applied, and whether it is the desired manifest: tells a default from what left Git.
    pub applied: Option<&'a Value>,
    pub same_manifest: bool,
    places: Places<'o>,
    path: Vec<Segment<'a>>,
}

type Step = Result<(), Unsure>;

/// Maps with free keys of built-in kinds: what is in them is kept as it is, zero values included.
pub(super) const FREE_MAPS: [&str; 8] = [
    "annotations",
    "binaryData",
    "data",
    "hard",
    "labels",
    "matchLabels",
    "nodeSelector",
    "parameters",
];

impl<'a, 'o> Walk<'a, 'o> {
    pub fn new(owners: &'o Owners<'a>, places: Places<'o>, typed: bool, kind: &'a str) -> Self {
        Self {
            places,
            found: Vec::new(),
            owners,
            typed,
            kind,
            desired: None,
            applied: None,
            same_manifest: false,
            path: Vec::new(),
        }
    }

    /// Walks the fields of an object, except the root's `apiVersion`, `kind` and `status`.
    pub fn root(
        &mut self,
        view: Option<View<'a>>,
        desired: &'a Map<String, Value>,
        live: &'a Map<String, Value>,
    ) -> Step {
        for (name, value) in desired {
            let skipped = match name.as_str() {
                "status" => is_on(Rule::Status),
                name => matches!(name, "apiVersion" | "kind"),
            };
            if !skipped {
                self.field(view, name, value, live.get(name), false)?;
            }
        }
        Ok(())
    }

    fn field(
        &mut self,
        view: Option<View<'a>>,
        name: &'a str,
        desired: &'a Value,
        live: Option<&'a Value>,
        strict: bool,
    ) -> Step {
        let below = match view.map(|view| view.field(name)) {
            Some(Field::Known(below)) => Some(below),
            Some(Field::Unknown) if is_on(Rule::UnknownFields) => {
                self.path.push(Segment::Field(name));
                let why = format!(
                    "the cluster's schema has no field {}",
                    self.places.name(&self.path)
                );
                self.path.pop();
                return Err(Unsure(why));
            }
            Some(Field::Unknown) | None => None,
        };
        self.path.push(Segment::Field(name));
        let done = self.value(below, desired, live, strict);
        self.path.pop();
        done
    }

    fn value(
        &mut self,
        view: Option<View<'a>>,
        desired: &'a Value,
        live: Option<&'a Value>,
        strict: bool,
    ) -> Step {
        let Some(live) = live.filter(|live| !live.is_null()) else {
            return self.absent(view, desired);
        };
        if view.map(View::shape) == Some(&Shape::Raw) && is_on(Rule::Raw) {
            if !scalar::same_throughout(desired, live) {
                self.change(desired, Some(live));
            }
            return Ok(());
        }
        match (desired, live) {
            (Value::Null, live) => self.null(view, live, strict),
            (Value::Object(desired), Value::Object(live)) => {
                self.object(view, desired, live, strict)
            }
            (Value::Array(desired_items), Value::Array(live_items)) => {
                self.list(view, desired, desired_items, live, live_items, strict)
            }
            _ => self.scalar(view, desired, live),
        }
    }

    fn change(&mut self, declared: &Value, live: Option<&Value>) {
        self.found.push(Found {
            path: self.path.clone(),
            declared: Some(declared.clone()),
            live: live.cloned(),
            effect: Effect::Set,
        });
    }

    fn unsure(&self, why: &str) -> Step {
        Err(Unsure(format!("{} {why}", self.places.name(&self.path))))
    }

    fn is_typed(&self, view: Option<View<'a>>) -> bool {
        view.map_or(self.typed, |view| view.typed) || !is_on(Rule::CustomLiteral)
    }

    fn place(&self, parent: &'a str, name: &'a str) -> Place<'a> {
        Place {
            whole: self.desired,
            kind: self.kind,
            parent,
            name,
        }
    }

    fn names(&self) -> (&'a str, &'a str) {
        let mut names = self.path.iter().rev().filter_map(Segment::field);
        let name = if matches!(self.path.last(), Some(Segment::Field(_))) {
            names.next().unwrap_or_default()
        } else {
            ""
        };
        (names.next().unwrap_or_default(), name)
    }

    fn scalar(&mut self, view: Option<View<'a>>, desired: &'a Value, live: &'a Value) -> Step {
        let typed = self.is_typed(view);
        if scalar::same_in(view.map(View::shape), typed, desired, live) {
            return Ok(());
        }
        let (parent, name) = self.names();
        if typed && name == "serviceAccount" && is_on(Rule::ServiceAccounts) {
            return self.unsure("is the old name of a field, and the new one wins in the cluster");
        }
        if typed && scalar::is_zero(desired) {
            let vanishes = builtin::vanishes(parent, name) || desired.is_string();
            match builtin::left_out(self.place(parent, name)) {
                _ if vanishes && builtin::allocated(name) => {
                    if !is_on(Rule::ZeroAllocated) {
                        self.change(desired, Some(live));
                    }
                    return Ok(());
                }
                LeftOut::Default(default)
                    if vanishes && scalar::same(&default, live) && is_on(Rule::ZeroDefault) =>
                {
                    return Ok(());
                }
                LeftOut::Computed if is_on(Rule::ZeroComputed) => {
                    return self.unsure("is empty in Git, and the cluster fills it in");
                }
                _ => {}
            }
        }
        self.change(desired, Some(live));
        Ok(())
    }

    fn object(
        &mut self,
        view: Option<View<'a>>,
        desired: &'a Map<String, Value>,
        live: &'a Map<String, Value>,
        strict: bool,
    ) -> Step {
        let whole = view.is_some_and(View::atomic_map) && is_on(Rule::AtomicMaps);
        let strict = strict || whole;
        for (name, value) in desired {
            self.field(view, name, value, live.get(name), strict)?;
        }
        if !strict {
            return if view.is_none() && is_on(Rule::NoSchema) {
                self.extras_without_schema(desired, live)
            } else {
                Ok(())
            };
        }
        for (name, value) in live {
            if !desired.contains_key(name) {
                self.path.push(Segment::Field(name));
                let done = self.extra(view, name, value);
                self.path.pop();
                done?;
            }
        }
        Ok(())
    }
}
