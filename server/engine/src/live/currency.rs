//! How far the cached state can be trusted: lookups with their reasons, and when a target was last truly compared.
//! Reads the store; owns no state.

use super::kinds::{GroupKind, Kinds};
use super::store::Store;
use super::wants::tree_below;
use super::{Live, Lookup};
use lockstep_types::cluster::Connection;
use lockstep_types::id::TargetId;
use lockstep_types::resource::ResourceKey;
use lockstep_types::time::Micros;
use std::collections::BTreeSet;

impl Store {
    /// Present, absent or unknown, with the reason.
    pub(super) fn lookup(&self, key: &ResourceKey, kinds: Option<&Kinds>) -> Lookup {
        let kind = GroupKind::of(key);
        let Some(kinds) = kinds else {
            return Lookup::Unknown("the cluster has not answered yet".to_owned());
        };
        let Some(state) = self.kind(&kind) else {
            return unwatched(&kind, kinds);
        };
        if let Some(trouble) = &state.trouble {
            return Lookup::Unknown(trouble.clone());
        }
        if !state.complete {
            return Lookup::Unknown(format!("objects of kind {kind} are still being listed"));
        }
        match self.object(key) {
            Some(object) if object.is_whole() => Lookup::Present(object.clone()),
            Some(_) => Lookup::Unknown(format!("{} is still being read", key.short())),
            None => Lookup::Absent,
        }
    }
}

fn unwatched(kind: &GroupKind, kinds: &Kinds) -> Lookup {
    match kinds.preferred(kind) {
        Some(resource) if resource.watchable => {
            Lookup::Unknown(format!("objects of kind {kind} have not been listed yet"))
        }
        Some(_) => Lookup::Unknown(format!("the cluster cannot list objects of kind {kind}")),
        None if kinds.broken_groups.contains(&kind.group) => Lookup::Unknown(format!(
            "the API group {} does not answer, so nothing is known of kind {kind}",
            kind.group
        )),
        // A kind that a complete discovery does not hold has no objects.
        None => Lookup::Absent,
    }
}

impl Live {
    /// When all kinds of this target's objects were last known to be current; `None` while one never was.
    pub fn last_compared(&self, target: TargetId) -> Option<Micros> {
        let (kinds, discovered_at) = {
            let known = self.known();
            (known.kinds.clone()?, known.discovered_at?)
        };
        let store = self.store();
        let mut oldest: Option<Micros> = None;
        for kind in store.wants.kinds_of(target) {
            let at = match store.kind(&kind) {
                Some(state) if state.complete && state.trouble.is_none() => state.current_at?,
                Some(_) => return None,
                None if kinds.preferred(&kind).is_none()
                    && !kinds.broken_groups.contains(&kind.group) =>
                {
                    discovered_at
                }
                None => return None,
            };
            oldest = Some(oldest.map_or(at, |oldest| oldest.min(at)));
        }
        // Nothing wanted: nothing can differ.
        oldest.or(Some(discovered_at))
    }

    /// When all watched kinds were last known to be current, for the cluster's page.
    pub fn current_at(&self) -> Option<Micros> {
        let store = self.store();
        store
            .wants
            .kinds()
            .keys()
            .filter_map(|kind| store.kind(kind))
            .map(|state| state.current_at)
            .min()
            .flatten()
    }

    /// Why this target's live state must not be acted upon now; `None` when it may. Everything has to hold: the
    /// connection stands, every kind of its objects and of their trees is listed, watched, free of errors, and has been
    /// current since the connection stands.
    pub fn unsettled(&self, target: TargetId) -> Option<String> {
        if let Connection::Unreachable { error, .. } = &*self.connection.borrow() {
            return Some(format!("cluster {} does not answer: {error}", self.name));
        }
        let (kinds, since) = {
            let known = self.known();
            (known.kinds.clone(), known.connected_since)
        };
        let (Some(kinds), Some(since)) = (kinds, since) else {
            return Some(format!("cluster {} has not answered yet", self.name));
        };
        let store = self.store();
        let own = store.wants.kinds_of(target);
        let trees: BTreeSet<GroupKind> = own.iter().flat_map(tree_below).collect();
        for kind in own.iter().chain(&trees) {
            let Some(state) = store.kind(kind) else {
                match unwatched(kind, &kinds) {
                    Lookup::Unknown(why) => return Some(why),
                    Lookup::Absent | Lookup::Present(_) => continue,
                }
            };
            if let Some(trouble) = &state.trouble {
                return Some(trouble.clone());
            }
            if !state.complete || !state.open || state.current_at.is_none_or(|at| at < since) {
                return Some(format!("objects of kind {kind} are still being listed"));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(lookup: &Lookup) -> String {
        match lookup {
            Lookup::Present(object) => format!("present {}", object.key.name),
            Lookup::Absent => "absent".to_owned(),
            Lookup::Unknown(why) => why.clone(),
        }
    }

    #[test]
    fn unknown_is_never_absent() {
        let key = ResourceKey::new("apps", "Deployment", "shop", "web");
        let kind = GroupKind::of(&key);
        let mut store = Store::default();
        assert_eq!(
            said(&store.lookup(&key, None)),
            "the cluster has not answered yet"
        );

        let mut kinds = Kinds::default();
        kinds.broken_groups.insert("apps".to_owned());
        assert!(said(&store.lookup(&key, Some(&kinds))).contains("does not answer"));

        store.begin(&kind, 1);
        assert!(said(&store.lookup(&key, Some(&kinds))).contains("still being listed"));

        store.replace(&kind, 1, Vec::new(), Micros(1));
        assert_eq!(said(&store.lookup(&key, Some(&kinds))), "absent");

        store.owned(&kind, 1).unwrap().trouble =
            Some("may not list Deployment.apps (403)".to_owned());
        assert!(said(&store.lookup(&key, Some(&kinds))).contains("403"));
    }

    #[test]
    fn a_kind_that_a_whole_discovery_does_not_hold_has_no_objects() {
        let key = ResourceKey::new("example.com", "Widget", "shop", "w");
        assert_eq!(
            said(&Store::default().lookup(&key, Some(&Kinds::default()))),
            "absent"
        );
    }
}
