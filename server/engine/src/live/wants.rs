//! Which target wants which objects, and which kinds are watched for that. Pure bookkeeping inside the store.

use super::kinds::GroupKind;
use lockstep_types::id::TargetId;
use lockstep_types::resource::ResourceKey;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// An object that a target declares or has in its inventory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WantedObject {
    pub key: ResourceKey,
    /// The version its manifest is written in; empty when unknown.
    pub api_version: String,
}

/// Kinds whose objects make up trees below declared ones.
const TREE: [(&str, &str); 4] = [
    ("", "Pod"),
    ("apps", "ReplicaSet"),
    ("batch", "Job"),
    ("discovery.k8s.io", "EndpointSlice"),
];

/// Groups of the kinds that Kubernetes itself ships; anything else may own whatever its controller makes.
const BUILT_IN: [&str; 8] = [
    "",
    "apps",
    "batch",
    "autoscaling",
    "policy",
    "extensions",
    "events.k8s.io",
    "networking.k8s.io",
];

/// Whether objects of this kind are kept for trees.
pub(super) fn is_tree_kind(group: &str, kind: &str) -> bool {
    TREE.contains(&(group, kind))
}

/// Kinds that may hang below one of `kind`.
pub(super) fn tree_below(kind: &GroupKind) -> Vec<GroupKind> {
    let of = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(group, kind)| GroupKind::new(*group, *kind))
            .collect()
    };
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps", "Deployment") => of(&[("apps", "ReplicaSet"), ("", "Pod")]),
        ("apps", "ReplicaSet" | "StatefulSet" | "DaemonSet")
        | ("batch", "Job")
        | ("", "ReplicationController") => of(&[("", "Pod")]),
        ("batch", "CronJob") => of(&[("batch", "Job"), ("", "Pod")]),
        ("", "Service") => of(&[("discovery.k8s.io", "EndpointSlice")]),
        (group, _) if !BUILT_IN.contains(&group) && !group.ends_with(".k8s.io") => {
            of(&[("apps", "ReplicaSet"), ("batch", "Job"), ("", "Pod")])
        }
        _ => Vec::new(),
    }
}

#[derive(Debug, Default)]
pub(super) struct Wants {
    by_target: HashMap<TargetId, BTreeSet<WantedObject>>,
    by_key: HashMap<ResourceKey, Vec<TargetId>>,
    by_kind: HashMap<GroupKind, KindWants>,
}

#[derive(Debug, Default)]
struct KindWants {
    keys: BTreeSet<ResourceKey>,
    /// How many wishes name each version.
    versions: BTreeMap<String, u32>,
}

impl Wants {
    /// Replaces what a target wants; answers with the keys that nobody wants any more.
    pub(super) fn set(&mut self, target: TargetId, wanted: &[WantedObject]) -> Vec<ResourceKey> {
        let new: BTreeSet<WantedObject> = wanted.iter().cloned().collect();
        let old = self.by_target.remove(&target).unwrap_or_default();
        for gone in old.difference(&new) {
            self.take(target, gone);
        }
        // A key that is wanted in another version now was taken above and is added again here.
        for added in &new {
            self.add(target, added, old.contains(added));
        }
        let released = old
            .into_iter()
            .map(|gone| gone.key)
            .filter(|key| !self.by_key.contains_key(key))
            .collect();
        if !new.is_empty() {
            self.by_target.insert(target, new);
        }
        released
    }

    fn add(&mut self, target: TargetId, wanted: &WantedObject, known: bool) {
        let targets = self.by_key.entry(wanted.key.clone()).or_default();
        if !targets.contains(&target) {
            targets.push(target);
        }
        let kind = self.by_kind.entry(GroupKind::of(&wanted.key)).or_default();
        kind.keys.insert(wanted.key.clone());
        if !known {
            *kind.versions.entry(wanted.api_version.clone()).or_default() += 1;
        }
    }

    fn take(&mut self, target: TargetId, wanted: &WantedObject) {
        if let Some(targets) = self.by_key.get_mut(&wanted.key) {
            targets.retain(|known| *known != target);
            if targets.is_empty() {
                self.by_key.remove(&wanted.key);
            }
        }
        let group_kind = GroupKind::of(&wanted.key);
        let Some(kind) = self.by_kind.get_mut(&group_kind) else {
            return;
        };
        if let Some(count) = kind.versions.get_mut(&wanted.api_version) {
            *count = count.saturating_sub(1);
        }
        kind.versions.retain(|_, count| *count > 0);
        if !self.by_key.contains_key(&wanted.key) {
            kind.keys.remove(&wanted.key);
        }
        if kind.versions.is_empty() {
            self.by_kind.remove(&group_kind);
        }
    }

    /// Targets that want exactly this object.
    pub(super) fn targets(&self, key: &ResourceKey) -> impl Iterator<Item = TargetId> + '_ {
        self.by_key.get(key).into_iter().flatten().copied()
    }

    /// Targets that want an object of this kind, or of one whose tree holds this kind.
    pub(super) fn targets_of_kind(&self, kind: &GroupKind) -> BTreeSet<TargetId> {
        let mut all = BTreeSet::new();
        for (wanted, wants) in &self.by_kind {
            if wanted == kind || tree_below(wanted).contains(kind) {
                all.extend(wants.keys.iter().flat_map(|key| self.targets(key)));
            }
        }
        all
    }

    /// All targets.
    pub(super) fn all_targets(&self) -> BTreeSet<TargetId> {
        self.by_target.keys().copied().collect()
    }

    /// Wanted objects of a kind.
    pub(super) fn keys_of_kind(&self, kind: &GroupKind) -> impl Iterator<Item = &ResourceKey> {
        self.by_kind
            .get(kind)
            .into_iter()
            .flat_map(|wants| &wants.keys)
    }

    /// Kinds a target's own objects have.
    pub(super) fn kinds_of(&self, target: TargetId) -> BTreeSet<GroupKind> {
        let wanted = self.by_target.get(&target).into_iter().flatten();
        wanted.map(|wanted| GroupKind::of(&wanted.key)).collect()
    }

    /// All kinds to watch: wanted ones with the one version asked for (`None`: several or unknown), and those of trees.
    pub(super) fn kinds(&self) -> BTreeMap<GroupKind, Option<String>> {
        let mut all = BTreeMap::new();
        for (kind, wants) in &self.by_kind {
            let mut versions = wants.versions.keys().filter(|version| !version.is_empty());
            let single = versions.next().filter(|_| versions.next().is_none());
            all.insert(kind.clone(), single.cloned());
        }
        let trees: BTreeSet<GroupKind> = self.by_kind.keys().flat_map(tree_below).collect();
        for kind in trees {
            all.entry(kind).or_insert(None);
        }
        all
    }

    /// Group versions whose schemas are needed to compare.
    pub(super) fn api_versions(&self) -> BTreeSet<String> {
        let all = self
            .by_kind
            .values()
            .flat_map(|wants| wants.versions.keys());
        all.filter(|version| !version.is_empty()).cloned().collect()
    }
}

/// A wanted object from a key whose version is known.
impl WantedObject {
    /// From its parts; the group of the key and that of the version should agree.
    pub fn new(key: ResourceKey, api_version: impl Into<String>) -> Self {
        let api_version = api_version.into();
        Self { key, api_version }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn want(text: &str, version: &str) -> WantedObject {
        WantedObject::new(ResourceKey::parse(text).unwrap(), version)
    }

    fn target(number: u128) -> TargetId {
        TargetId(Uuid::from_u128(number))
    }

    #[test]
    fn releases_only_what_nobody_else_wants() {
        let mut wants = Wants::default();
        let (shared, own) = (
            want("/ConfigMap:a/shared", "v1"),
            want("/ConfigMap:a/own", "v1"),
        );
        wants.set(target(1), &[shared.clone(), own.clone()]);
        wants.set(target(2), std::slice::from_ref(&shared));
        assert_eq!(wants.set(target(1), &[]), vec![own.key]);
        assert_eq!(
            wants.targets(&shared.key).collect::<Vec<_>>(),
            vec![target(2)]
        );
        assert_eq!(wants.set(target(2), &[]), vec![shared.key]);
        assert!(wants.kinds().is_empty() && wants.all_targets().is_empty());
    }

    #[test]
    fn a_workload_brings_the_kinds_of_its_tree() {
        let mut wants = Wants::default();
        wants.set(
            target(1),
            &[
                want("apps/Deployment:a/web", "apps/v1"),
                want("/Service:a/web", "v1"),
            ],
        );
        let kinds: Vec<String> = wants.kinds().keys().map(ToString::to_string).collect();
        assert_eq!(
            kinds,
            [
                "Pod",
                "Service",
                "Deployment.apps",
                "ReplicaSet.apps",
                "EndpointSlice.discovery.k8s.io"
            ]
        );
        assert_eq!(
            wants.targets_of_kind(&GroupKind::new("", "Pod")),
            BTreeSet::from([target(1)])
        );
    }

    #[test]
    fn a_new_version_of_a_wanted_object_replaces_the_old_one() {
        let mut wants = Wants::default();
        let kind = GroupKind::new("autoscaling", "HorizontalPodAutoscaler");
        let key = "autoscaling/HorizontalPodAutoscaler:a/x";
        wants.set(target(1), &[want(key, "autoscaling/v1")]);
        assert!(
            wants
                .set(target(1), &[want(key, "autoscaling/v2")])
                .is_empty()
        );
        assert_eq!(wants.kinds()[&kind].as_deref(), Some("autoscaling/v2"));
        assert_eq!(wants.keys_of_kind(&kind).count(), 1);
        assert_eq!(
            wants.api_versions(),
            BTreeSet::from(["autoscaling/v2".to_owned()])
        );
        wants.set(target(1), &[]);
        assert!(wants.kinds().is_empty());
    }

    #[test]
    fn one_asked_version_is_watched_and_several_leave_it_to_the_server() {
        let mut wants = Wants::default();
        let kind = GroupKind::new("autoscaling", "HorizontalPodAutoscaler");
        wants.set(
            target(1),
            &[want(
                "autoscaling/HorizontalPodAutoscaler:a/x",
                "autoscaling/v1",
            )],
        );
        assert_eq!(wants.kinds()[&kind].as_deref(), Some("autoscaling/v1"));
        wants.set(
            target(2),
            &[want(
                "autoscaling/HorizontalPodAutoscaler:a/y",
                "autoscaling/v2",
            )],
        );
        assert_eq!(wants.kinds()[&kind], None);
    }
}
