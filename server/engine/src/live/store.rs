//! The cached objects of one cluster, the owner graph, and who wants what. Written only under the lock of
//! [`super::Live`]; knows no network. Every change answers with the targets it touches.

use super::kinds::GroupKind;
use super::object::{Keep, LiveObject};
use super::wants::Wants;
use lockstep_types::id::TargetId;
use lockstep_types::resource::ResourceKey;
use lockstep_types::time::Micros;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

type Names = HashMap<(String, String), Arc<LiveObject>>;

/// The longest chain of owners that is followed; a circle of owners must end somewhere.
const DEPTH: usize = 8;

/// What is known of one watched kind.
#[derive(Debug, Default)]
pub(super) struct KindState {
    /// Only the watch with this number may write: a stopped one may still be finishing.
    pub(super) writer: u64,
    objects: Names,
    /// A whole list was taken and every change since then was seen.
    pub(super) complete: bool,
    /// Why it cannot be trusted now, although it may be complete.
    pub(super) trouble: Option<String>,
    /// A watch is open.
    pub(super) open: bool,
    /// When everything up to that moment had been seen.
    pub(super) current_at: Option<Micros>,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) wants: Wants,
    kinds: HashMap<GroupKind, KindState>,
    by_uid: HashMap<String, Arc<LiveObject>>,
    children: HashMap<String, Vec<String>>,
    bytes: u64,
    objects: u64,
}

impl Store {
    /// Begins a kind afresh for `writer`, dropping what another version or watch left.
    pub(super) fn begin(&mut self, kind: &GroupKind, writer: u64) {
        self.drop_kind(kind);
        let state = KindState {
            writer,
            ..KindState::default()
        };
        self.kinds.insert(kind.clone(), state);
    }

    /// Forgets a kind and its objects.
    pub(super) fn drop_kind(&mut self, kind: &GroupKind) -> BTreeSet<TargetId> {
        let Some(state) = self.kinds.remove(kind) else {
            return BTreeSet::new();
        };
        let mut touched = BTreeSet::new();
        for object in state.objects.values() {
            touched.extend(self.targets_of(object));
        }
        for object in state.objects.into_values() {
            self.unlink(&object);
        }
        touched
    }

    /// The state of a kind, if it is watched.
    pub(super) fn kind(&self, kind: &GroupKind) -> Option<&KindState> {
        self.kinds.get(kind)
    }

    /// The state of a kind for the watch that owns it.
    pub(super) fn owned(&mut self, kind: &GroupKind, writer: u64) -> Option<&mut KindState> {
        self.kinds
            .get_mut(kind)
            .filter(|state| state.writer == writer)
    }

    /// All kinds, for the supervisor.
    pub(super) fn kinds_mut(&mut self) -> impl Iterator<Item = &mut KindState> {
        self.kinds.values_mut()
    }

    /// How much of an object is to be kept.
    pub(super) fn keep(&self, key: &ResourceKey, owned: bool) -> Keep {
        if self.wants.targets(key).next().is_some() {
            Keep::Whole
        } else if owned || super::wants::is_tree_kind(&key.group, &key.kind) {
            Keep::Pruned
        } else {
            Keep::Index
        }
    }

    /// Takes a whole list.
    pub(super) fn replace(
        &mut self,
        kind: &GroupKind,
        writer: u64,
        objects: Vec<LiveObject>,
        listed_at: Micros,
    ) -> BTreeSet<TargetId> {
        let Some(state) = self.owned(kind, writer) else {
            return BTreeSet::new();
        };
        let first = !state.complete;
        state.complete = true;
        state.trouble = None;
        state.current_at = Some(listed_at);
        let mut gone = std::mem::take(&mut state.objects);
        let mut touched = BTreeSet::new();
        for object in objects {
            let name = (object.key.namespace.clone(), object.key.name.clone());
            let old = gone.remove(&name);
            touched.extend(self.put(kind, name, object, old));
        }
        for old in gone.into_values() {
            touched.extend(self.targets_of(&old));
            self.unlink(&old);
        }
        if first {
            touched.extend(self.wants.targets_of_kind(kind));
        }
        touched
    }

    /// Takes one added or changed object, unless a newer one is already here.
    pub(super) fn upsert(
        &mut self,
        kind: &GroupKind,
        writer: u64,
        object: LiveObject,
    ) -> BTreeSet<TargetId> {
        let name = (object.key.namespace.clone(), object.key.name.clone());
        let Some(state) = self.owned(kind, writer) else {
            return BTreeSet::new();
        };
        if state
            .objects
            .get(&name)
            .is_some_and(|known| is_newer(&known.resource_version, &object.resource_version))
        {
            return BTreeSet::new();
        }
        let old = state.objects.remove(&name);
        self.put(kind, name, object, old)
    }

    /// Takes a deletion, unless a newer object of that name is already here.
    pub(super) fn remove(
        &mut self,
        kind: &GroupKind,
        writer: u64,
        gone: &LiveObject,
    ) -> BTreeSet<TargetId> {
        let name = (gone.key.namespace.clone(), gone.key.name.clone());
        let Some(state) = self.owned(kind, writer) else {
            return BTreeSet::new();
        };
        if state
            .objects
            .get(&name)
            .is_none_or(|known| is_newer(&known.resource_version, &gone.resource_version))
        {
            return BTreeSet::new();
        }
        let Some(old) = state.objects.remove(&name) else {
            return BTreeSet::new();
        };
        let touched = self.targets_of(&old);
        self.unlink(&old);
        touched
    }

    fn put(
        &mut self,
        kind: &GroupKind,
        name: (String, String),
        object: LiveObject,
        old: Option<Arc<LiveObject>>,
    ) -> BTreeSet<TargetId> {
        let mut touched = BTreeSet::new();
        let changed = old.as_ref().is_none_or(|old| {
            old.resource_version != object.resource_version
                || old.uid != object.uid
                || old.is_whole() != object.is_whole()
        });
        if let Some(old) = &old {
            if changed {
                touched.extend(self.targets_of(old));
            }
            self.unlink(old);
        }
        let object = Arc::new(object);
        self.link(&object);
        if changed {
            touched.extend(self.targets_of(&object));
        }
        if let Some(state) = self.kinds.get_mut(kind) {
            state.objects.insert(name, object);
        }
        touched
    }

    fn link(&mut self, object: &Arc<LiveObject>) {
        self.bytes = self.bytes.saturating_add(object.weight());
        self.objects += 1;
        for owner in &object.owners {
            let children = self.children.entry(owner.uid.clone()).or_default();
            if !children.contains(&object.uid) {
                children.push(object.uid.clone());
            }
        }
        self.by_uid.insert(object.uid.clone(), Arc::clone(object));
    }

    fn unlink(&mut self, object: &LiveObject) {
        self.bytes = self.bytes.saturating_sub(object.weight());
        self.objects = self.objects.saturating_sub(1);
        for owner in &object.owners {
            if let Some(children) = self.children.get_mut(&owner.uid) {
                children.retain(|child| child != &object.uid);
                if children.is_empty() {
                    self.children.remove(&owner.uid);
                }
            }
        }
        // One object may be served in two groups; only the entry of this one goes.
        if self
            .by_uid
            .get(&object.uid)
            .is_some_and(|known| known.key == object.key)
        {
            self.by_uid.remove(&object.uid);
        }
    }

    /// Targets that want this object or one of its owners.
    fn targets_of(&self, object: &LiveObject) -> BTreeSet<TargetId> {
        let mut touched: BTreeSet<TargetId> = self.wants.targets(&object.key).collect();
        let mut seen: HashSet<&str> = HashSet::new();
        let mut level: Vec<&str> = object
            .owners
            .iter()
            .map(|owner| owner.uid.as_str())
            .collect();
        for _ in 0..DEPTH {
            let mut next = Vec::new();
            for uid in level {
                if let (true, Some(owner)) = (seen.insert(uid), self.by_uid.get(uid)) {
                    touched.extend(self.wants.targets(&owner.key));
                    next.extend(owner.owners.iter().map(|owner| owner.uid.as_str()));
                }
            }
            if next.is_empty() {
                break;
            }
            level = next;
        }
        touched
    }

    /// One object, whatever is kept of it.
    pub(super) fn object(&self, key: &ResourceKey) -> Option<&Arc<LiveObject>> {
        self.kinds
            .get(&GroupKind::of(key))?
            .objects
            .get(&(key.namespace.clone(), key.name.clone()))
    }

    /// Objects owned by `uid`, by kind and name.
    pub(super) fn children(&self, uid: &str) -> Vec<Arc<LiveObject>> {
        let mut all: Vec<Arc<LiveObject>> = self
            .children
            .get(uid)
            .into_iter()
            .flatten()
            .filter_map(|child| self.by_uid.get(child))
            .cloned()
            .collect();
        all.sort_by(|a, b| (&a.key.kind, &a.key.name).cmp(&(&b.key.kind, &b.key.name)));
        all
    }

    /// Wanted objects of a kind that are here without their whole body.
    pub(super) fn missing(&self, kind: &GroupKind) -> Vec<ResourceKey> {
        let Some(state) = self.kinds.get(kind).filter(|state| state.complete) else {
            return Vec::new();
        };
        self.wants
            .keys_of_kind(kind)
            .filter(|key| {
                state
                    .objects
                    .get(&(key.namespace.clone(), key.name.clone()))
                    .is_some_and(|object| !object.is_whole())
            })
            .cloned()
            .collect()
    }

    /// Keeps less of objects that nobody wants any more.
    pub(super) fn release(&mut self, keys: &[ResourceKey]) {
        for key in keys {
            let Some(object) = self.object(key).filter(|object| object.is_whole()).cloned() else {
                continue;
            };
            let keep = self.keep(key, !object.owners.is_empty());
            if keep == Keep::Whole {
                continue;
            }
            self.unlink(&object);
            let reduced = Arc::new(object.reduced(keep));
            self.link(&reduced);
            if let Some(state) = self.kinds.get_mut(&GroupKind::of(key)) {
                state
                    .objects
                    .insert((key.namespace.clone(), key.name.clone()), reduced);
            }
        }
    }

    /// Objects and bytes held.
    pub(super) fn size(&self) -> (u64, u64) {
        (self.objects, self.bytes)
    }
}

/// Whether `known` is truly newer than `other`. Versions are opaque in the letter of the API; where they are not
/// numbers, the last one said wins.
fn is_newer(known: &str, other: &str) -> bool {
    match (known.parse::<u64>(), other.parse::<u64>()) {
        (Ok(known), Ok(other)) => known > other,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
