//! What the live object holds inside of what is replaced whole, and Git does not say: a default, or it would go.

use super::{Effect, Found, Step, Walk};
use crate::diff::builtin::{self, LeftOut};
use crate::diff::path::{self, Segment};
use crate::diff::scalar;
use crate::prediction::{Rule, is_on};
use crate::schema::{Field, Shape, View};
use serde_json::{Map, Value};

impl<'a> Walk<'a, '_> {
    /// Without a schema a map may be one that is replaced whole; only a field that has an owner of its own shows that
    /// it is not.
    pub(super) fn extras_without_schema(
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
    pub(super) fn extra(&mut self, view: Option<View<'a>>, name: &'a str, live: &'a Value) -> Step {
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
            && is_on(Rule::ExtraSchemaDefault)
        {
            return Ok(());
        }
        if !self.is_typed(view) {
            if is_on(Rule::ExtraGoes) {
                self.remove(live, below.and_then(View::default).cloned());
            }
            return Ok(());
        }
        let (parent, _) = self.names();
        if parent == "selector" && self.selected(name) == Some(live) && is_on(Rule::OldSelectors) {
            return Ok(());
        }
        if view.is_some_and(|view| matches!(view.shape(), Shape::Map { .. }))
            && !builtin::filled_map(parent)
        {
            self.remove(live, None);
            return Ok(());
        }
        if builtin::filled_map(name)
            && is_on(Rule::FilledMaps)
            && let Value::Object(keys) = live
        {
            for (key, value) in keys {
                self.path.push(Segment::Field(key));
                let done = below.map_or(Ok(()), |below| self.extra(Some(below), key, value));
                self.path.pop();
                done?;
            }
            return Ok(());
        }
        if let Some(expected) = self.filled(parent, name)
            && is_on(Rule::FilledMaps)
        {
            match expected {
                Some(same) if scalar::same_in(Some(&Shape::Quantity), true, &same, live) => {}
                Some(other) => self.change(&other, Some(live)),
                None => self.remove(live, None),
            }
            return Ok(());
        }
        let default = builtin::left_out(self.place(parent, name));
        let free = below.is_some_and(|below| matches!(below.shape(), Shape::Any | Shape::Raw));
        if (scalar::is_zero(live) && !free)
            || matches!(&default, LeftOut::Default(default) if scalar::same_deep(default, live))
        {
            if !is_on(Rule::ExtraDefault) {
                self.remove(live, None);
            }
            return Ok(());
        }
        let ours = self.owners.ours_alone(&self.path) && is_on(Rule::ExtraOurs);
        if ours && self.same_manifest {
            return Ok(());
        }
        let was_applied = self
            .applied
            .map(|applied| path::get(applied, &self.path).is_some_and(|value| !value.is_null()));
        match (was_applied, default) {
            (Some(false), _) if ours => Ok(()),
            (Some(true), _) if !is_on(Rule::ExtraLeftGit) => Ok(()),
            (_, LeftOut::Gone) => {
                self.remove(live, None);
                Ok(())
            }
            (_, LeftOut::Default(default)) => {
                self.remove(live, Some(default));
                Ok(())
            }
            (None | Some(false), LeftOut::Computed) if builtin::computed_in_items(name) => {
                if !is_on(Rule::ExtraComputed) {
                    self.remove(live, None);
                }
                Ok(())
            }
            _ if !is_on(Rule::ExtraUnsure) || !is_on(Rule::ExtraOurs) => {
                self.remove(live, None);
                Ok(())
            }
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

    /// What an old controller selects where Git leaves its selector empty: what its template is labelled with.
    fn selected(&self, name: &str) -> Option<&'a Value> {
        let whole = self.desired?;
        let empty = whole.pointer("/spec/selector")?.as_object()?.is_empty();
        let labels = whole.pointer("/spec/template/metadata/labels")?;
        labels
            .get(name)
            .filter(|_| empty && self.kind == "ReplicationController")
    }

    /// What the server puts into a container's default limits and requests where Git says nothing: the most becomes
    /// the default, the default (or the least) becomes the request.
    fn filled(&self, parent: &str, name: &str) -> Option<Option<Value>> {
        let above = self.path.len().checked_sub(2)?;
        let item = path::get(self.desired?, self.path.get(..above)?)?;
        if !builtin::filled_map(parent) || item.get("type")?.as_str()? != "Container" {
            return None;
        }
        let of = |map: &str| item.get(map)?.get(name);
        let limit = of("default").or_else(|| of("max"));
        let value = match parent {
            "default" => limit,
            _ => limit.or_else(|| of("min")),
        };
        Some(value.cloned())
    }
}
