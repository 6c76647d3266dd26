//! What our last apply owned and the manifest no longer declares: server-side apply takes it away, unless somebody
//! else owns it as well.

use super::builtin::{self, LeftOut, Place};
use super::mask::Places;
use super::owned::{Owners, item_keys};
use super::path::{Segment, has_keys};
use super::scalar;
use super::walk::{Effect, FREE_MAPS, Found, Unsure, keys_of};
use crate::prediction::{Rule, is_on};
use crate::schema::{Field, ListKind, View};
use serde_json::Value;

/// Collects removals into the walk's findings.
pub(super) struct Removals<'a, 'o> {
    pub found: &'o mut Vec<Found<'a>>,
    pub owners: &'o Owners<'a>,
    pub typed: bool,
    pub kind: &'a str,
    /// Leave our tracking annotation alone.
    pub ignore_tracking: bool,
    desired: Option<&'a Value>,
    places: Places<'o>,
    path: Vec<Segment<'a>>,
}

type Step = Result<(), Unsure>;

impl<'a, 'o> Removals<'a, 'o> {
    pub fn new(
        found: &'o mut Vec<Found<'a>>,
        owners: &'o Owners<'a>,
        places: Places<'o>,
        typed: bool,
        kind: &'a str,
        ignore_tracking: bool,
    ) -> Self {
        Self {
            found,
            owners,
            places,
            typed,
            kind,
            ignore_tracking,
            desired: None,
            path: Vec::new(),
        }
    }

    /// Starts at the root of the object.
    pub fn root(
        &mut self,
        view: Option<View<'a>>,
        desired: &'a Value,
        live: &'a Value,
        api_version: &str,
    ) -> Step {
        let Some(ours) = self.owners.ours() else {
            return Ok(());
        };
        if ours.api_version != api_version {
            return Err(Unsure(format!(
                "was last applied as {}, now it is declared as {api_version}",
                ours.api_version
            )));
        }
        self.desired = Some(desired);
        self.below(view, ours.fields, Some(desired), live)
    }

    fn below(
        &mut self,
        view: Option<View<'a>>,
        ours: &'a Value,
        desired: Option<&'a Value>,
        live: &'a Value,
    ) -> Step {
        let Some(steps) = ours.as_object() else {
            return Ok(());
        };
        for (step, deeper) in steps {
            if let Some(name) = step.strip_prefix("f:") {
                if !self.skipped(name)
                    && let Some(live) = live.get(name).filter(|live| !live.is_null())
                {
                    let below = match view.map(|view| view.field(name)) {
                        Some(Field::Known(below)) => Some(below),
                        _ => None,
                    };
                    let desired = desired.and_then(|desired| desired.get(name));
                    self.step(Segment::Field(name), below, deeper, desired, live)?;
                }
            } else if let Some(keys) = item_keys(step) {
                self.item(view, &keys, deeper, desired, live)?;
            } else if let Some(text) = step.strip_prefix("v:")
                && let Ok(item) = serde_json::from_str::<Value>(text)
                && let Some(live) = live
                    .as_array()
                    .and_then(|live| live.iter().find(|live| scalar::same(live, &item)))
                && !desired
                    .and_then(Value::as_array)
                    .is_some_and(|all| all.iter().any(|one| scalar::same(one, &item)))
            {
                self.step(Segment::Item(live), None, deeper, None, live)?;
            }
        }
        Ok(())
    }

    fn item(
        &mut self,
        view: Option<View<'a>>,
        keys: &Value,
        deeper: &'a Value,
        desired: Option<&'a Value>,
        live: &'a Value,
    ) -> Step {
        let Some(keys) = keys.as_object() else {
            return Ok(());
        };
        let wanted: Vec<(&str, &Value)> = keys
            .iter()
            .map(|(name, value)| (name.as_str(), value))
            .collect();
        let find = |list: Option<&'a Value>| -> Option<&'a Value> {
            list?
                .as_array()?
                .iter()
                .find(|item| has_keys(item, &wanted))
        };
        let Some(live) = find(Some(live)) else {
            return Ok(());
        };
        let item_view = view.map(View::item);
        let segment = match (view.map(View::list), item_view) {
            (Some(ListKind::Map(names)), Some(item)) => {
                keys_of(item, names, live).map(Segment::Key)
            }
            _ => None,
        };
        let Some(segment) = segment else {
            return Err(Unsure(format!(
                "{} merges by keys the schema does not know",
                self.places.name(&self.path)
            )));
        };
        self.step(segment, item_view, deeper, find(desired), live)
    }

    fn step(
        &mut self,
        segment: Segment<'a>,
        view: Option<View<'a>>,
        ours: &'a Value,
        desired: Option<&'a Value>,
        live: &'a Value,
    ) -> Step {
        self.path.push(segment);
        let done = match desired {
            Some(_) => self.below(view, ours, desired, live),
            None => self.undeclared(view, ours, live),
        };
        self.path.pop();
        done
    }

    /// We own it and no longer declare it.
    fn undeclared(&mut self, view: Option<View<'a>>, ours: &'a Value, live: &'a Value) -> Step {
        let leaf = ours.as_object().is_none_or(serde_json::Map::is_empty);
        if self.owners.others(&self.path) && is_on(Rule::CoOwned) {
            // Somebody keeps it alive; only what is ours alone below it goes.
            return if leaf {
                Ok(())
            } else {
                self.below(view, ours, None, live)
            };
        }
        let default = self.default(view)?;
        let empty_struct =
            self.typed && default.is_none() && matches!(live, Value::Object(map) if map.is_empty());
        if empty_struct
            && is_on(Rule::RemovedEmptyStruct)
            && matches!(self.path.last(), Some(Segment::Field(_)))
        {
            return Err(Unsure(format!(
                "{} is empty and left Git, and may stay",
                self.places.name(&self.path)
            )));
        }
        if default
            .as_ref()
            .is_some_and(|default| scalar::same_deep(default, live))
        {
            return Ok(());
        }
        self.found.push(Found {
            path: self.path.clone(),
            declared: None,
            live: Some(live.clone()),
            effect: Effect::Remove(default),
        });
        Ok(())
    }

    /// What takes the place of a field that nobody gives.
    fn default(&self, view: Option<View<'a>>) -> Result<Option<Value>, Unsure> {
        let [above @ .., Segment::Field(name)] = self.path.as_slice() else {
            return Ok(None);
        };
        let of_free_map = matches!(above.last(), Some(Segment::Field(above)) if FREE_MAPS.contains(above))
            && (self.kind, *name) != ("IngressClass", "scope");
        let of_metadata = above.first() == Some(&Segment::Field("metadata"))
            || above.last() == Some(&Segment::Field("metadata"));
        if of_free_map || of_metadata {
            return Ok(None);
        }
        let typed = view.map_or(self.typed, |view| view.typed);
        if !typed {
            let default = view.and_then(View::default);
            return Ok(default
                .filter(|_| is_on(Rule::RemovedSchemaDefault))
                .cloned());
        }
        if let ("targetPort", Some(Segment::Key(keys))) = (*name, above.last())
            && let Some((_, port)) = keys.iter().find(|(key, _)| *key == "port")
        {
            return Ok(Some((*port).clone()).filter(|_| is_on(Rule::RemovedDefault)));
        }
        let parent = above.iter().rev().find_map(Segment::field);
        let place = Place {
            whole: self.desired,
            kind: self.kind,
            parent: parent.unwrap_or_default(),
            name,
        };
        match builtin::left_out(place) {
            LeftOut::Gone => Ok(None),
            LeftOut::Default(default) => Ok(Some(default).filter(|_| is_on(Rule::RemovedDefault))),
            LeftOut::Computed if !is_on(Rule::RemovedComputed) => Ok(None),
            LeftOut::Computed => Err(Unsure(format!(
                "{} left Git, and what it becomes only the cluster can tell",
                self.places.name(&self.path)
            ))),
        }
    }

    fn skipped(&self, name: &str) -> bool {
        match self.path.as_slice() {
            [] => matches!(name, "apiVersion" | "kind" | "status" | "stringData"),
            [Segment::Field("metadata")] => {
                matches!(name, "name" | "namespace" | "creationTimestamp")
            }
            [Segment::Field("metadata"), Segment::Field("annotations")] => {
                name == super::clean::LAST_APPLIED
                    || (self.ignore_tracking && name == crate::tracking::TRACKING_ANNOTATION)
            }
            _ => false,
        }
    }
}
