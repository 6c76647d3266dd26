//! What kinds a cluster serves and how to address them. Read-only snapshots; the supervisor makes new ones.

use super::request::{RequestError, escaped, get, send};
use crate::manifest::group_of;
use kube::client::{APIGroupDiscoveryList, APIResourceDiscovery};
use lockstep_types::resource::ResourceKey;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// Whether objects of a kind live in namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Namespaced,
    Cluster,
}

/// A kind of one API version as the server addresses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    pub api_version: String,
    pub kind: String,
    pub plural: String,
    pub scope: Scope,
    /// It can be listed and watched.
    pub watchable: bool,
}

/// A kind without its version: the unit of watching.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKind {
    pub group: String,
    pub kind: String,
}

impl GroupKind {
    /// From its parts.
    pub fn new(group: impl Into<String>, kind: impl Into<String>) -> Self {
        Self {
            group: group.into(),
            kind: kind.into(),
        }
    }

    /// The kind of an object.
    pub fn of(key: &ResourceKey) -> Self {
        Self::new(&key.group, &key.kind)
    }
}

/// `Kind` or `Kind.group`, as kubectl writes it.
impl std::fmt::Display for GroupKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.group.as_str() {
            "" => f.write_str(&self.kind),
            group => write!(f, "{}.{group}", self.kind),
        }
    }
}

impl Resource {
    /// Path of the collection; all namespaces when `namespace` is empty.
    pub fn collection(&self, namespace: &str) -> String {
        let root = if self.api_version.contains('/') {
            "apis"
        } else {
            "api"
        };
        match (self.scope, namespace) {
            (Scope::Namespaced, namespace) if !namespace.is_empty() => {
                format!(
                    "/{root}/{}/namespaces/{}/{}",
                    self.api_version,
                    escaped(namespace),
                    self.plural
                )
            }
            _ => format!("/{root}/{}/{}", self.api_version, self.plural),
        }
    }

    /// Path of one object.
    pub fn object(&self, namespace: &str, name: &str) -> String {
        format!("{}/{}", self.collection(namespace), escaped(name))
    }
}

/// Finds the address of a kind; what [`crate::apply`] needs of a cluster besides a client.
pub trait Resolve: Send + Sync {
    /// The resource that serves `kind` in exactly this API version.
    fn resolve(&self, api_version: &str, kind: &str) -> Option<Resource>;
}

/// All kinds of a cluster at one moment.
#[derive(Debug, Clone, Default)]
pub struct Kinds {
    resources: HashMap<GroupKind, Vec<Resource>>,
    /// Groups whose discovery was missing or stale: an unknown kind there proves nothing.
    pub broken_groups: BTreeSet<String>,
    versions: BTreeMap<String, BTreeSet<String>>,
}

impl Kinds {
    /// The kind in the server's preferred version.
    pub fn preferred(&self, kind: &GroupKind) -> Option<&Resource> {
        self.resources.get(kind).and_then(|served| served.first())
    }

    /// The kind in exactly this version.
    pub fn exact(&self, api_version: &str, kind: &str) -> Option<&Resource> {
        let key = GroupKind::new(group_of(api_version), kind);
        self.resources
            .get(&key)?
            .iter()
            .find(|resource| resource.api_version == api_version)
    }

    /// Every kind once, in the version that the server prefers.
    pub(super) fn all(&self) -> impl Iterator<Item = (&GroupKind, &Resource)> {
        let served = self.resources.iter();
        served.filter_map(|(kind, versions)| Some((kind, versions.first()?)))
    }

    /// `v1`, `apps/v1`, `apps/v1/Deployment`: what Helm calls capabilities.
    pub fn api_versions(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for (version, kinds) in &self.versions {
            all.push(version.clone());
            all.extend(kinds.iter().map(|kind| format!("{version}/{kind}")));
        }
        all
    }

    fn add(&mut self, group: &str, api_version: &str, found: &APIResourceDiscovery) {
        let answers = found.response_kind.as_ref();
        let (Some(plural), Some(kind)) =
            (&found.resource, answers.and_then(|kind| kind.kind.as_ref()))
        else {
            return;
        };
        self.insert(
            group,
            Resource {
                api_version: api_version.to_owned(),
                kind: kind.clone(),
                plural: plural.clone(),
                scope: if found.scope.as_deref() == Some("Namespaced") {
                    Scope::Namespaced
                } else {
                    Scope::Cluster
                },
                watchable: ["list", "watch"]
                    .iter()
                    .all(|verb| found.verbs.iter().any(|has| has == verb)),
            },
        );
    }

    fn insert(&mut self, group: &str, resource: Resource) {
        self.versions
            .entry(resource.api_version.clone())
            .or_default()
            .insert(resource.kind.clone());
        let served = self
            .resources
            .entry(GroupKind::new(group, &resource.kind))
            .or_default();
        // Some groups answer several resources with one kind (`pods/eviction` style); the first is the real one.
        if !served
            .iter()
            .any(|known| known.api_version == resource.api_version)
        {
            served.push(resource);
        }
    }
}

const WITHIN: Duration = Duration::from_secs(10);
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// Asks a server for all its kinds: two requests where it aggregates, one per group version otherwise.
///
/// # Errors
/// When the list of groups itself cannot be read. A broken group is noted instead.
pub(super) async fn discover(client: &kube::Client) -> Result<Kinds, RequestError> {
    let mut kinds = Kinds::default();
    for root in ["/api", "/apis"] {
        let request = super::request::build(
            http::Method::GET,
            root,
            &[(http::header::ACCEPT, AGGREGATED)],
            Vec::new(),
        )?;
        let answer: Value = send(client, request, WITHIN).await?;
        if answer.get("kind").and_then(Value::as_str) == Some("APIGroupDiscoveryList") {
            let list: APIGroupDiscoveryList = serde_json::from_value(answer)
                .map_err(|error| RequestError::Malformed(error.to_string()))?;
            aggregated(&mut kinds, list);
        } else {
            one_by_one(client, &mut kinds, root, &answer).await?;
        }
    }
    Ok(kinds)
}

fn aggregated(kinds: &mut Kinds, list: APIGroupDiscoveryList) {
    for group in list.items {
        let name = group
            .metadata
            .and_then(|metadata| metadata.name)
            .unwrap_or_default();
        for version in group.versions {
            let Some(number) = version.version else {
                continue;
            };
            let api_version = if name.is_empty() {
                number
            } else {
                format!("{name}/{number}")
            };
            if version.freshness.as_deref() == Some("Stale") {
                kinds.broken_groups.insert(name.clone());
            }
            kinds.versions.entry(api_version.clone()).or_default();
            for resource in &version.resources {
                kinds.add(&name, &api_version, resource);
            }
        }
    }
}

async fn one_by_one(
    client: &kube::Client,
    kinds: &mut Kinds,
    root: &str,
    answer: &Value,
) -> Result<(), RequestError> {
    let text =
        |value: &Value, field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
    let mut wanted: Vec<(String, String)> = Vec::new();
    if root == "/api" {
        for version in answer
            .get("versions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            wanted.extend(
                version
                    .as_str()
                    .map(|version| (String::new(), version.to_owned())),
            );
        }
    }
    for group in answer
        .get("groups")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let name = text(group, "name").unwrap_or_default();
        let preferred = group
            .pointer("/preferredVersion/groupVersion")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let mut versions: Vec<String> = Vec::new();
        for version in group
            .get("versions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            versions.extend(text(version, "groupVersion"));
        }
        versions.sort_by_key(|version| version != preferred);
        wanted.extend(versions.into_iter().map(|version| (name.clone(), version)));
    }
    for (group, api_version) in wanted {
        let list: Value = match get(client, &format!("{root}/{api_version}"), WITHIN).await {
            Ok(list) => list,
            Err(RequestError::Status { .. } | RequestError::Malformed(_)) => {
                kinds.broken_groups.insert(group);
                continue;
            }
            Err(error) => return Err(error),
        };
        kinds.versions.entry(api_version.clone()).or_default();
        for resource in list
            .get("resources")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let (Some(plural), Some(kind)) = (text(resource, "name"), text(resource, "kind"))
            else {
                continue;
            };
            if plural.contains('/') {
                continue;
            }
            let verbs: Vec<&str> = resource
                .get("verbs")
                .and_then(Value::as_array)
                .map(|verbs| verbs.iter().filter_map(Value::as_str).collect())
                .unwrap_or_default();
            let namespaced = resource
                .get("namespaced")
                .and_then(Value::as_bool)
                .unwrap_or(false);
            kinds.insert(
                &group,
                Resource {
                    api_version: api_version.clone(),
                    kind,
                    plural,
                    scope: if namespaced {
                        Scope::Namespaced
                    } else {
                        Scope::Cluster
                    },
                    watchable: verbs.contains(&"list") && verbs.contains(&"watch"),
                },
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn sample() -> Kinds {
        let list = json!({"kind": "APIGroupDiscoveryList", "items": [
            {"metadata": {}, "versions": [{"version": "v1", "freshness": "Current", "resources": [
                {"resource": "configmaps", "responseKind": {"kind": "ConfigMap"}, "scope": "Namespaced", "verbs": ["list", "watch"]},
                {"resource": "bindings", "responseKind": {"kind": "Binding"}, "scope": "Namespaced", "verbs": ["create"]}]}]},
            {"metadata": {"name": "metrics.k8s.io"}, "versions": [{"version": "v1beta1", "freshness": "Stale", "resources": []}]},
            {"metadata": {"name": "autoscaling"}, "versions": [
                {"version": "v2", "resources": [{"resource": "hpas", "responseKind": {"kind": "HorizontalPodAutoscaler"}, "scope": "Namespaced", "verbs": ["list", "watch"]}]},
                {"version": "v1", "resources": [{"resource": "hpas", "responseKind": {"kind": "HorizontalPodAutoscaler"}, "scope": "Namespaced", "verbs": ["list", "watch"]}]}]}
        ]});
        let mut kinds = Kinds::default();
        aggregated(&mut kinds, serde_json::from_value(list).unwrap());
        kinds
    }

    #[test]
    fn prefers_the_servers_first_version_and_finds_exact_ones() {
        let kinds = sample();
        let hpa = GroupKind::new("autoscaling", "HorizontalPodAutoscaler");
        assert_eq!(kinds.preferred(&hpa).unwrap().api_version, "autoscaling/v2");
        assert_eq!(
            kinds
                .exact("autoscaling/v1", "HorizontalPodAutoscaler")
                .unwrap()
                .plural,
            "hpas"
        );
        assert!(
            kinds
                .exact("autoscaling/v3", "HorizontalPodAutoscaler")
                .is_none()
        );
        assert!(!kinds.exact("v1", "Binding").unwrap().watchable);
    }

    #[test]
    fn remembers_groups_that_did_not_answer() {
        assert!(sample().broken_groups.contains("metrics.k8s.io"));
    }

    #[test]
    fn addresses_objects() {
        let map = sample().exact("v1", "ConfigMap").unwrap().clone();
        assert_eq!(
            map.object("shop", "a:b"),
            "/api/v1/namespaces/shop/configmaps/a%3Ab"
        );
        assert_eq!(map.collection(""), "/api/v1/configmaps");
    }
}
