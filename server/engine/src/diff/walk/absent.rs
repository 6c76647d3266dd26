//! What Git says and the live object lacks, and what it says to be nothing: may be kept, may vanish.

use super::{FREE_MAPS, Step, Walk};
use crate::diff::builtin::{self, LeftOut};
use crate::diff::{path, scalar};
use crate::prediction::{Rule, is_on};
use crate::schema::{ListKind, Shape, View};
use serde_json::Value;

impl<'a> Walk<'a, '_> {
    /// The live object lacks the place: does the server drop what is desired, too?
    pub(super) fn absent(&mut self, view: Option<View<'a>>, desired: &'a Value) -> Step {
        if desired.is_null() {
            let (parent, _) = self.names();
            if !is_on(Rule::NullAbsent) {
                self.change(desired, None);
            }
            return if FREE_MAPS.contains(&parent) && is_on(Rule::NullInMap) {
                self.unsure("is null in Git, and may become empty")
            } else {
                Ok(())
            };
        }
        if matches!(desired, Value::Object(map) if map.values().any(Value::is_null)) {
            return self
                .unsure("holds nulls in Git, and what they become only the cluster can tell");
        }
        if !scalar::is_zero(desired) && self.is_typed(view) && is_on(Rule::OwnedDropped) {
            let applied = self
                .applied
                .and_then(|applied| path::get(applied, &self.path));
            if self.owners.ours_alone(&self.path)
                && (self.same_manifest || applied == Some(desired))
            {
                // The server drops it, as it does with fields of features that are off.
                return Ok(());
            }
        }
        if !scalar::is_zero(desired) || !is_on(Rule::ZeroVanishes) {
            self.change(desired, None);
            return Ok(());
        }
        let shape = view.map(View::shape);
        if view.is_none() && (desired.is_object() || desired.is_array()) && is_on(Rule::NoSchema) {
            return self.unsure("is empty, and whether that is kept needs the cluster's schema");
        }
        if !self.is_typed(view) {
            self.change(desired, None);
            return Ok(());
        }
        let (parent, name) = self.names();
        match desired {
            Value::Object(_) if !matches!(shape, Some(Shape::Map { .. })) => {
                if is_on(Rule::EmptyStructKept) {
                    self.change(desired, None);
                }
            }
            Value::Object(_) | Value::Array(_) => {}
            _ if shape == Some(&Shape::Bytes) && !FREE_MAPS.contains(&parent) => {
                if !is_on(Rule::EmptyBytes) {
                    self.change(desired, None);
                }
            }
            // The values of a free map are kept whatever they are.
            _ if FREE_MAPS.contains(&parent) => {
                if is_on(Rule::EmptyInMap) {
                    self.change(desired, None);
                }
            }
            _ if builtin::keeps_zero(name) => {
                if is_on(Rule::ZeroKept) {
                    self.change(desired, None);
                }
            }
            _ if builtin::vanishes(parent, name) => {}
            _ if self.was_applied() => {
                if !is_on(Rule::OwnedVanishes) {
                    self.change(desired, None);
                }
            }
            _ if !is_on(Rule::ZeroUnsure) => {}
            _ => return self.unsure("has its zero value, which the cluster may or may not keep"),
        }
        Ok(())
    }

    /// We have applied this place, nobody has written it since, and it is not there.
    fn was_applied(&self) -> bool {
        let applied = self
            .applied
            .and_then(|applied| path::get(applied, &self.path));
        let known = self.same_manifest || applied.is_some();
        self.owners.ours_itself(&self.path) || (known && self.owners.ours_alone(&self.path))
    }

    /// An explicit null over a live value: a map or merged list stays, a single value goes.
    pub(super) fn null(&mut self, view: Option<View<'a>>, live: &'a Value, strict: bool) -> Step {
        let merges = !strict
            && view.is_some_and(|view| match view.shape() {
                Shape::Struct(fields) => !fields.atomic,
                Shape::Map { atomic, .. } => !atomic,
                Shape::List { kind, .. } => *kind != ListKind::Atomic,
                _ => false,
            });
        if merges {
            if !is_on(Rule::NullMerges) {
                self.change(&Value::Null, Some(live));
            }
            return Ok(());
        }
        if !self.is_typed(view) && view.is_some_and(View::nullable) {
            if is_on(Rule::NullKept) {
                self.change(&Value::Null, Some(live));
            }
            return Ok(());
        }
        let (parent, name) = self.names();
        let default = if self.is_typed(view) {
            builtin::left_out(self.place(parent, name))
        } else {
            LeftOut::Computed
        };
        if matches!(default, LeftOut::Default(default) if scalar::same(&default, live)) {
            if !is_on(Rule::NullDefault) {
                self.change(&Value::Null, Some(live));
            }
            return Ok(());
        }
        if !is_on(Rule::NullUnsure) {
            self.change(&Value::Null, Some(live));
            return Ok(());
        }
        self.unsure("is null in Git, and what it becomes only the cluster can tell")
    }
}
