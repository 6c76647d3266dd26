//! Everything that a cluster holds, or one of its namespaces, listed now: names, owners and who wrote, no bodies.
//! Kinds that nothing needs are not watched; this asks for them when somebody looks.
//!
//! What could not be listed is said by kind: *unknown is never absent*.

use super::kinds::{GroupKind, Kinds, Resource, Scope};
use super::object::time_of;
use super::request::{RequestError, build, escaped, send};
use super::{Live, now};
use futures::stream::{self, StreamExt};
use lockstep_types::resource::ResourceKey;
use lockstep_types::time::Micros;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

/// An object as a survey sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    pub key: ResourceKey,
    pub uid: String,
    pub created_at: Option<Micros>,
    pub labels: BTreeMap<String, String>,
    /// Names of its annotations.
    pub annotations: BTreeSet<String>,
    /// It has an owner: some other object made it.
    pub owned: bool,
    /// It is being deleted.
    pub deleting: bool,
    /// Who wrote fields of it, status aside.
    pub managers: BTreeSet<String>,
    /// A target declares it or has it in its inventory.
    pub wanted: bool,
}

/// What a survey found.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// By key.
    pub objects: Vec<Surveyed>,
    /// Kinds and groups that could not be listed whole, with why.
    pub unread: BTreeMap<String, String>,
    pub at: Micros,
}

impl Survey {
    /// Whether the cluster holds the definition of a custom kind, `plural.group`.
    pub fn holds_definition(&self, name: &str) -> bool {
        self.objects.iter().any(|object| {
            object.key.group == "apiextensions.k8s.io"
                && object.key.kind == "CustomResourceDefinition"
                && object.key.name == name
        })
    }
}

/// Kinds that no definition ever holds: what controllers and the server itself write all the time. Argo CD leaves out
/// the same ones.
const PASSING: [(&str, &str); 4] = [
    ("", "Event"),
    ("", "Endpoints"),
    ("coordination.k8s.io", "Lease"),
    ("discovery.k8s.io", "EndpointSlice"),
];
const PASSING_GROUPS: [&str; 3] = ["events.k8s.io", "metrics.k8s.io", "custom.metrics.k8s.io"];

const PAGE: u32 = 500;
const PAGE_WITHIN: Duration = Duration::from_secs(20);
/// Kinds that are listed at once.
const AT_ONCE: usize = 4;
/// Objects of one kind beyond which the rest is not read.
const MOST_OF_A_KIND: usize = 50_000;
/// Longer names of managers and labels are nobody's.
const LONGEST: usize = 256;

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: PageMetadata,
    #[serde(default)]
    items: Option<Vec<Item>>,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    #[serde(default, rename = "continue")]
    more: String,
}

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    uid: String,
    #[serde(default)]
    creation_timestamp: Option<String>,
    #[serde(default)]
    deletion_timestamp: Option<String>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, serde::de::IgnoredAny>>,
    #[serde(default)]
    owner_references: Option<Vec<serde::de::IgnoredAny>>,
    #[serde(default)]
    managed_fields: Option<Vec<Managed>>,
}

#[derive(Deserialize)]
struct Managed {
    #[serde(default)]
    manager: String,
    #[serde(default)]
    subresource: String,
}

impl Live {
    /// Lists all kinds that can be listed, in one namespace or everywhere.
    ///
    /// # Errors
    /// When the cluster does not answer. A kind that cannot be listed is in [`Survey::unread`] instead.
    pub async fn survey(&self, namespace: Option<&str>) -> Result<Survey, RequestError> {
        let client = self.reachable()?;
        let Some(kinds) = self.known().kinds.clone() else {
            return Err(RequestError::Unreachable(format!(
                "the kinds that cluster {} serves are not known yet",
                self.name()
            )));
        };
        let mut survey = Survey {
            at: now(),
            ..Survey::default()
        };
        for group in &kinds.broken_groups {
            let why = "its API group does not answer discovery".to_owned();
            survey.unread.insert(format!("*.{group}"), why);
        }
        let asked: Vec<_> = listed(&kinds, namespace).collect();
        let answers: Vec<_> = stream::iter(asked)
            .map(|(kind, resource)| {
                let client = client.clone();
                async move {
                    let (found, trouble) =
                        of_kind(&client, &kind, &resource, namespace.unwrap_or_default()).await;
                    (kind, found, trouble)
                }
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        // Some objects are served by several groups.
        let store = self.store();
        for (kind, found, trouble) in answers {
            if let Some(why) = trouble {
                survey.unread.insert(kind.to_string(), why);
            }
            for mut object in found {
                object.wanted = store.wants.targets(&object.key).next().is_some();
                survey.objects.push(object);
            }
        }
        drop(store);
        once(&mut survey.objects);
        survey.objects.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(survey)
    }
}

/// Leaves each object once: under the name by which a target wants it, where one does.
fn once(objects: &mut Vec<Surveyed>) {
    objects.sort_by_key(|object| !object.wanted);
    let mut wanted = HashSet::new();
    let mut seen = HashSet::new();
    objects.retain(|object| {
        if object.wanted {
            wanted.insert(object.uid.clone());
            return true;
        }
        !wanted.contains(&object.uid) && seen.insert(object.uid.clone())
    });
}

/// The kinds of a survey in the version that the server prefers.
fn listed(kinds: &Kinds, namespace: Option<&str>) -> impl Iterator<Item = (GroupKind, Resource)> {
    kinds
        .all()
        .filter(move |(kind, resource)| {
            let passing = PASSING.contains(&(kind.group.as_str(), kind.kind.as_str()))
                || PASSING_GROUPS.contains(&kind.group.as_str());
            let placed = namespace.is_none() || resource.scope == Scope::Namespaced;
            resource.watchable && placed && !passing
        })
        .map(|(kind, resource)| (kind.clone(), resource.clone()))
}

async fn of_kind(
    client: &kube::Client,
    kind: &GroupKind,
    resource: &Resource,
    namespace: &str,
) -> (Vec<Surveyed>, Option<String>) {
    let mut found = Vec::new();
    let mut more = String::new();
    loop {
        let mut path = format!("{}?limit={PAGE}", resource.collection(namespace));
        if !more.is_empty() {
            path.push_str("&continue=");
            path.push_str(&escaped(&more));
        }
        let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        let request = build(
            http::Method::GET,
            &path,
            &[(http::header::ACCEPT, accept)],
            Vec::new(),
        );
        let answer = match request {
            Ok(request) => send::<Page>(client, request, PAGE_WITHIN).await,
            Err(error) => Err(error),
        };
        let page = match answer {
            Ok(page) => page,
            // Taken away since discovery: there is nothing of it.
            Err(error) if error.code() == Some(404) && found.is_empty() => return (found, None),
            Err(error) => return (found, Some(error.to_string())),
        };
        let items = page.items.into_iter().flatten();
        found.extend(items.filter_map(|item| surveyed(kind, item.metadata)));
        more = page.metadata.more;
        if more.is_empty() {
            return (found, None);
        }
        if found.len() >= MOST_OF_A_KIND {
            let why = format!("there are more than {MOST_OF_A_KIND}; the rest was not read");
            return (found, Some(why));
        }
    }
}

fn surveyed(kind: &GroupKind, metadata: Metadata) -> Option<Surveyed> {
    if metadata.name.is_empty() || metadata.uid.is_empty() {
        return None;
    }
    let managers = metadata.managed_fields.into_iter().flatten();
    Some(Surveyed {
        key: ResourceKey::new(&kind.group, &kind.kind, metadata.namespace, metadata.name),
        uid: metadata.uid,
        created_at: metadata.creation_timestamp.as_deref().and_then(time_of),
        labels: metadata.labels.unwrap_or_default(),
        annotations: metadata
            .annotations
            .unwrap_or_default()
            .into_keys()
            .collect(),
        owned: metadata.owner_references.is_some_and(|all| !all.is_empty()),
        deleting: metadata.deletion_timestamp.is_some(),
        managers: managers
            .filter(|entry| entry.subresource.is_empty() && entry.manager.len() <= LONGEST)
            .map(|entry| entry.manager)
            .collect(),
        wanted: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn who_wrote_and_who_owns_is_read_without_bodies() {
        let item: Item = serde_json::from_value(json!({"metadata": {
            "name": "web", "namespace": "shop", "uid": "u", "creationTimestamp": "2026-01-01T00:00:10Z",
            "annotations": {"a/b": "secret"}, "ownerReferences": [{"uid": "x"}],
            "managedFields": [
                {"manager": "kubectl", "fieldsV1": {"f:spec": {}}},
                {"manager": "kubelet", "subresource": "status"}]}}))
        .unwrap();
        let found = surveyed(&GroupKind::new("apps", "Deployment"), item.metadata).unwrap();
        assert_eq!(found.key.to_string(), "apps/Deployment:shop/web");
        assert!(found.owned && !found.deleting && !found.wanted);
        assert_eq!(found.managers, BTreeSet::from(["kubectl".to_owned()]));
        assert_eq!(found.annotations, BTreeSet::from(["a/b".to_owned()]));
    }

    #[test]
    fn an_object_that_two_groups_serve_is_there_once_by_its_wanted_name() {
        let of = |group: &str, uid: &str, wanted: bool| {
            let item = json!({"metadata": {"name": "role", "uid": uid}});
            let item: Item = serde_json::from_value(item).unwrap();
            let found = surveyed(&GroupKind::new(group, "Role"), item.metadata).unwrap();
            Surveyed { wanted, ..found }
        };
        let mut objects = vec![
            of("one", "a", false),
            of("two", "a", true),
            of("one", "b", false),
            of("two", "b", false),
        ];
        once(&mut objects);
        let left: Vec<(String, bool)> = objects
            .iter()
            .map(|object| (object.uid.clone(), object.wanted))
            .collect();
        assert_eq!(left, [("a".to_owned(), true), ("b".to_owned(), false)]);
    }

    #[test]
    fn a_page_may_lack_everything() {
        let page: Page = serde_json::from_value(json!({"items": null})).unwrap();
        assert!(page.items.is_none() && page.metadata.more.is_empty());
        let item: Item = serde_json::from_value(json!({"metadata": {"name": "x"}})).unwrap();
        assert!(surveyed(&GroupKind::new("", "Pod"), item.metadata).is_none());
    }
}
