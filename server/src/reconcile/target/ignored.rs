//! Which fields of which objects a definition leaves out of the comparison. Pure; knows definitions and keys only.

use engine::definition::{Definition, IgnoreDifference};
use engine::manifest::Manifest;
use lockstep_types::application::Dialect;
use lockstep_types::resource::ResourceKey;
use std::collections::BTreeMap;

/// What does not count in one object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ignored {
    /// JSON pointers and jq paths; what lies below them does not count either.
    pub(crate) pointers: Vec<String>,
    /// Field managers whose fields do not count.
    pub(crate) managers: Vec<String>,
}

/// The rules that apply, by object. Objects without one are left out.
pub(crate) fn by_object(
    rules: &[IgnoreDifference],
    objects: &[Manifest],
) -> BTreeMap<ResourceKey, Ignored> {
    let mut found: BTreeMap<ResourceKey, Ignored> = BTreeMap::new();
    if rules.is_empty() {
        return found;
    }
    for manifest in objects {
        for rule in rules.iter().filter(|rule| applies(rule, &manifest.key)) {
            let ignored = found.entry(manifest.key.clone()).or_default();
            ignored.pointers.extend(rule.json_pointers.iter().cloned());
            ignored.pointers.extend(rule.jq_paths.iter().cloned());
            ignored.managers.extend(rule.managers.iter().cloned());
        }
    }
    found
}

/// Whether ignored fields keep their live value when their object is written: Argo CD does that on request
/// (`RespectIgnoreDifferences`), the others always.
pub(crate) fn are_kept(definition: &Definition) -> bool {
    definition.dialect != Dialect::ArgoApplication
        || definition.sync_options.respect_ignore_differences
}

/// Parts that are empty or a star match everything.
fn applies(rule: &IgnoreDifference, key: &ResourceKey) -> bool {
    let fits = |wanted: &str, part: &str| matches!(wanted, "" | "*") || wanted == part;
    fits(&rule.group, &key.group)
        && fits(&rule.kind, &key.kind)
        && fits(&rule.namespace, &key.namespace)
        && fits(&rule.name, &key.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn manifest(api: &str, kind: &str, name: &str) -> Manifest {
        let body = json!({"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "shop"}});
        Manifest::new(body, None).unwrap()
    }

    fn rule(group: &str, kind: &str, name: &str, pointer: &str) -> IgnoreDifference {
        IgnoreDifference {
            group: group.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            json_pointers: vec![pointer.to_owned()],
            ..IgnoreDifference::default()
        }
    }

    #[test]
    fn every_rule_that_fits_adds_its_fields() {
        let objects = [
            manifest("apps/v1", "Deployment", "cart"),
            manifest("apps/v1", "Deployment", "search"),
            manifest("v1", "ConfigMap", "cart"),
        ];
        let rules = [
            rule("apps", "Deployment", "", "/spec/replicas"),
            rule("*", "*", "cart", "/metadata/labels"),
            rule("batch", "Deployment", "", "/spec/paused"),
            IgnoreDifference {
                kind: "ConfigMap".to_owned(),
                managers: vec!["operator".to_owned()],
                ..IgnoreDifference::default()
            },
        ];
        let found: Vec<String> = by_object(&rules, &objects)
            .into_iter()
            .map(|(key, ignored)| {
                format!(
                    "{} {} [{}]",
                    key.short(),
                    ignored.pointers.join(","),
                    ignored.managers.join(",")
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                "ConfigMap cart /metadata/labels [operator]",
                "Deployment cart /spec/replicas,/metadata/labels []",
                "Deployment search /spec/replicas []",
            ]
        );
    }
}
