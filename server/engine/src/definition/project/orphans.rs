//! What a project asks about objects that no application declares. The rules are those of Argo CD's "Orphaned Resources
//! Monitoring".

use super::permit::matches;
use super::{Project, ProjectKind};
use crate::definition::fields::Place;
use lockstep_types::resource::ResourceKey;
use serde::{Deserialize, Serialize};

/// `spec.orphanedResources`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orphans {
    /// Whether applications carry a warning; without a word they do.
    pub warn: bool,
    /// Objects that are never counted. Globs; an empty kind or name fits all, an empty group only the core's.
    pub ignore: Vec<ProjectKind>,
}

impl Default for Orphans {
    fn default() -> Self {
        Self {
            warn: true,
            ignore: Vec::new(),
        }
    }
}

pub(super) fn read(spec: &Place<'_>) -> Option<Orphans> {
    if !spec.has("orphanedResources") {
        return None;
    }
    let place = spec.at("orphanedResources");
    let orphans = Orphans {
        warn: place.flag("warn").unwrap_or(true),
        ignore: super::kinds(&place, "ignore"),
    };
    place.done();
    Some(orphans)
}

/// What every namespace has without anybody's doing.
const GIVEN: [(&str, &str); 2] = [
    ("ServiceAccount", "default"),
    ("ConfigMap", "kube-root-ca.crt"),
];

/// Whether the cluster itself makes this object.
pub fn given(key: &ResourceKey) -> bool {
    key.group.is_empty()
        && (GIVEN.contains(&(key.kind.as_str(), key.name.as_str()))
            || (key.kind == "Service" && key.namespace == "default" && key.name == "kubernetes"))
}

impl Orphans {
    /// Whether an object that no application declares does not count: the cluster makes it, or the project says so.
    pub fn ignores(&self, key: &ResourceKey) -> bool {
        let fits =
            |pattern: &str, value: &str| pattern.is_empty() || matches(pattern, value, false);
        given(key)
            || self.ignore.iter().any(|entry| {
                fits(&entry.kind, &key.kind)
                    && matches(&entry.group, &key.group, false)
                    && fits(&entry.name, &key.name)
            })
    }
}

impl Project {
    /// Whether an object in a namespace of the project counts as orphaned when no application declares it: objects of
    /// kinds that the project does not permit are somebody else's.
    pub fn counts_orphan(&self, key: &ResourceKey) -> bool {
        let rules = self.orphans.as_ref();
        let ignored = rules.map_or_else(|| given(key), |orphans| orphans.ignores(key));
        !ignored && self.refuse_kind(key, true).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_permitted_and_ignored_is_told_apart() {
        let entry = |group: &str, kind: &str, name: &str| ProjectKind {
            group: group.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
        };
        let orphans = Orphans {
            ignore: vec![
                entry("apps", "Deploy*", "tmp-*"),
                entry("", "Secret", ""),
                entry("*", "", "kept"),
            ],
            ..Orphans::default()
        };
        for (key, ignored) in [
            ("/ServiceAccount:shop/default", true),
            ("/ServiceAccount:shop/other", false),
            ("/ConfigMap:shop/kube-root-ca.crt", true),
            ("/Service:default/kubernetes", true),
            ("/Service:shop/kubernetes", false),
            ("apps/Deployment:shop/tmp-1", true),
            ("apps/Deployment:shop/web", false),
            ("apps/StatefulSet:shop/tmp-1", false),
            ("/Secret:shop/token", true),
            ("bitnami.com/Secret:shop/token", false),
            ("batch/Job:shop/kept", true),
        ] {
            let key = ResourceKey::parse(key).unwrap();
            assert_eq!(orphans.ignores(&key), ignored, "{key}");
        }
    }
}
