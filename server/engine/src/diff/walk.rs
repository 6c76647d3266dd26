//! Walks a desired object over the live one and collects what applying it would change. Only what is desired is
//! looked at: defaults and other people's fields in the live object are none of its business, except inside of what
//! merges as one whole.

mod list;

use super::builtin::{self, LeftOut};
use super::owned::Owners;
use super::path::{self, Segment, render};
use super::scalar;
use crate::schema::{Field, ListKind, Shape, View};
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
    /// What was last applied, and whether it is the desired manifest: tells a default from what left Git.
    pub applied: Option<&'a Value>,
    pub same_manifest: bool,
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
    pub fn new(owners: &'o Owners<'a>, typed: bool) -> Self {
        Self {
            found: Vec::new(),
            owners,
            typed,
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
            if !matches!(name.as_str(), "apiVersion" | "kind" | "status") {
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
            Some(Field::Unknown) => {
                self.path.push(Segment::Field(name));
                let why = format!("the cluster's schema has no field {}", render(&self.path));
                self.path.pop();
                return Err(Unsure(why));
            }
            None => None,
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
        Err(Unsure(format!("{} {why}", render(&self.path))))
    }

    fn is_typed(&self, view: Option<View<'a>>) -> bool {
        view.map_or(self.typed, |view| view.typed)
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

    /// The live object lacks the place: does the server drop what is desired, too?
    fn absent(&mut self, view: Option<View<'a>>, desired: &'a Value) -> Step {
        if desired.is_null() {
            let (parent, _) = self.names();
            return if FREE_MAPS.contains(&parent) {
                self.unsure("is null in Git, and may become empty")
            } else {
                Ok(())
            };
        }
        if matches!(desired, Value::Object(map) if map.values().any(Value::is_null)) {
            return self
                .unsure("holds nulls in Git, and what they become only the cluster can tell");
        }
        if !scalar::is_zero(desired) {
            self.change(desired, None);
            return Ok(());
        }
        let shape = view.map(View::shape);
        if view.is_none() && (desired.is_object() || desired.is_array()) {
            return self.unsure("is empty, and whether that is kept needs the cluster's schema");
        }
        if !self.is_typed(view) {
            self.change(desired, None);
            return Ok(());
        }
        let (parent, name) = self.names();
        match desired {
            Value::Object(_) if !matches!(shape, Some(Shape::Map { .. })) => {
                self.change(desired, None)
            }
            Value::Object(_) | Value::Array(_) => {}
            _ if shape == Some(&Shape::Bytes) && !FREE_MAPS.contains(&parent) => {}
            // The values of a free map are kept whatever they are.
            _ if FREE_MAPS.contains(&parent) => {
                self.change(desired, None);
            }
            _ if builtin::vanishes(parent, name) || self.owners.ours_alone(&self.path) => {}
            _ => return self.unsure("has its zero value, which the cluster may or may not keep"),
        }
        Ok(())
    }

    /// An explicit null over a live value: a map or merged list stays, a single value goes.
    fn null(&mut self, view: Option<View<'a>>, live: &'a Value, strict: bool) -> Step {
        let merges = !strict
            && view.is_some_and(|view| match view.shape() {
                Shape::Struct(fields) => !fields.atomic,
                Shape::Map { atomic, .. } => !atomic,
                Shape::List { kind, .. } => *kind != ListKind::Atomic,
                _ => false,
            });
        if merges {
            return Ok(());
        }
        if !self.is_typed(view) && view.is_some_and(View::nullable) {
            self.change(&Value::Null, Some(live));
            return Ok(());
        }
        let (_, name) = self.names();
        let default = if self.is_typed(view) {
            builtin::left_out(name)
        } else {
            LeftOut::Computed
        };
        if matches!(default, LeftOut::Default(default) if scalar::same(&default, live)) {
            return Ok(());
        }
        self.unsure("is null in Git, and what it becomes only the cluster can tell")
    }

    fn scalar(&mut self, view: Option<View<'a>>, desired: &'a Value, live: &'a Value) -> Step {
        let typed = self.is_typed(view);
        if scalar::same_in(view.map(View::shape), typed, desired, live) {
            return Ok(());
        }
        let (parent, name) = self.names();
        if typed && scalar::is_zero(desired) {
            let vanishes = builtin::vanishes(parent, name) || desired.is_string();
            match builtin::left_out(name) {
                _ if vanishes && builtin::allocated(name) => return Ok(()),
                LeftOut::Default(default) if vanishes && scalar::same(&default, live) => {
                    return Ok(());
                }
                LeftOut::Computed => {
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
        let whole = view.is_some_and(View::atomic_map);
        let strict = strict || whole;
        for (name, value) in desired {
            self.field(view, name, value, live.get(name), strict)?;
        }
        if !strict {
            return if view.is_none() {
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

    /// Without a schema a map may be one that is replaced whole; only a field that has an owner of its own shows that
    /// it is not.
    fn extras_without_schema(
        &mut self,
        desired: &'a Map<String, Value>,
        live: &'a Map<String, Value>,
    ) -> Step {
        for (name, value) in live {
            if desired.contains_key(name) || value.is_null() {
                continue;
            }
            self.path.push(Segment::Field(name));
            let owned = self.owners.others(&self.path);
            self.path.pop();
            if !owned {
                return self.unsure(
                    "holds more in the cluster, and how it merges needs the cluster's schema",
                );
            }
        }
        Ok(())
    }

    /// A live field inside of what is replaced whole, and nobody desires it: a default, or it would go.
    fn extra(&mut self, view: Option<View<'a>>, name: &'a str, live: &'a Value) -> Step {
        if live.is_null() {
            return Ok(());
        }
        let below = match view.map(|view| view.field(name)) {
            Some(Field::Known(below)) => Some(below),
            _ => None,
        };
        if below
            .and_then(View::default)
            .is_some_and(|default| scalar::same_deep(default, live))
        {
            return Ok(());
        }
        if !self.is_typed(view) {
            self.remove(live, below.and_then(View::default).cloned());
            return Ok(());
        }
        let (parent, _) = self.names();
        if view.is_some_and(|view| matches!(view.shape(), Shape::Map { .. }))
            && !builtin::filled_map(parent)
        {
            self.remove(live, None);
            return Ok(());
        }
        let default = builtin::left_out(name);
        let free = below.is_some_and(|below| *below.shape() == Shape::Any);
        if (scalar::is_zero(live) && !free)
            || matches!(&default, LeftOut::Default(default) if scalar::same_deep(default, live))
        {
            return Ok(());
        }
        let ours = self.owners.ours_alone(&self.path);
        if ours && self.same_manifest {
            return Ok(());
        }
        let was_applied = self
            .applied
            .map(|applied| path::get(applied, &self.path).is_some_and(|value| !value.is_null()));
        match (was_applied, default) {
            (Some(false), _) if ours => Ok(()),
            (Some(true), LeftOut::Gone) => {
                self.remove(live, None);
                Ok(())
            }
            (Some(true), LeftOut::Default(default)) => {
                self.remove(live, Some(default));
                Ok(())
            }
            (None | Some(false), LeftOut::Computed) if builtin::computed_in_items(name) => Ok(()),
            _ => self.unsure("is in the cluster, not in Git, and may be a default"),
        }
    }

    fn remove(&mut self, live: &Value, default: Option<Value>) {
        self.found.push(Found {
            path: self.path.clone(),
            declared: None,
            live: Some(live.clone()),
            effect: Effect::Remove(default),
        });
    }
}
