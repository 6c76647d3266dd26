//! From what a cluster holds and what Git declares to what a new, empty cluster would lack. Pure.

use crate::reconcile::orphans::made_by;
use engine::definition::project::given;
use engine::live::{Survey, Surveyed};
use engine::manifest::Manifest;
use engine::needs::{self, Moves};
use lockstep_types::application::TargetRef;
use lockstep_types::orphan::Orphan;
use lockstep_types::rebuild::{Missing, MovingImage, RebuildView};
use lockstep_types::resource::ResourceKey;
use std::collections::{BTreeMap, BTreeSet};

/// Who needs something, named at most so often.
const NAMED: usize = 5;

/// What one target declares.
pub(super) struct Declared {
    pub target: TargetRef,
    pub objects: Vec<Manifest>,
    /// Its namespace is made when it is missing.
    pub makes_namespaces: bool,
    /// Objects whose values are encrypted: they are in Git all the same.
    pub encrypted: Vec<ResourceKey>,
}

/// The name of the definition of a custom kind as the cluster serves it: `plural.group`.
pub(super) type DefinitionName<'a> = &'a dyn Fn(&str, &str) -> Option<String>;

/// Parts of Kubernetes as they name themselves in managed fields.
const PARTS: [&str; 9] = [
    "Go-http-client",
    "cloud-controller-manager",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubeadm",
    "kubelet",
    "k3s",
];
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// Whether an object comes with every new cluster, or is made by Kubernetes itself.
fn is_given(object: &Surveyed) -> bool {
    let key = &object.key;
    let managed = !object.managers.is_empty();
    let own = object
        .managers
        .iter()
        .all(|name| PARTS.contains(&name.as_str()));
    let label = |name: &str| object.labels.contains_key(name);
    given(key)
        || (managed && own)
        || label("kubernetes.io/bootstrapping")
        || label("kube-aggregator.kubernetes.io/automanaged")
        || object
            .annotations
            .contains("apf.kubernetes.io/autoupdate-spec")
        || match (key.group.as_str(), key.kind.as_str()) {
            ("", "Namespace") => NAMESPACES.contains(&key.name.as_str()),
            ("", "Node" | "ComponentStatus")
            | ("storage.k8s.io", "CSINode" | "VolumeAttachment") => true,
            ("scheduling.k8s.io", "PriorityClass") => key.name.starts_with("system-"),
            _ => false,
        }
}

fn is_volume(key: &ResourceKey) -> bool {
    key.group.is_empty() && key.kind == "PersistentVolume"
}

/// Those who need or use something, in order.
#[derive(Default)]
struct Users(BTreeMap<ResourceKey, Vec<(TargetRef, ResourceKey)>>);

impl Users {
    fn note(&mut self, what: ResourceKey, target: &TargetRef, by: &ResourceKey) {
        self.0
            .entry(what)
            .or_default()
            .push((target.clone(), by.clone()));
    }
}

/// The proof for one cluster.
pub(super) fn proof(
    cluster: &str,
    survey: &Survey,
    declared: &[Declared],
    definition: DefinitionName<'_>,
    unsure: Vec<String>,
) -> RebuildView {
    let mut view = RebuildView {
        cluster: cluster.to_owned(),
        at: survey.at,
        score: 0,
        declared: count(
            declared
                .iter()
                .map(|one| one.objects.len() + one.encrypted.len())
                .sum(),
        ),
        given: 0,
        owned: 0,
        undeclared: Vec::new(),
        missing: missing(survey, declared, definition),
        images: images(declared),
        volumes: 0,
        unread: survey.unread.clone().into_iter().collect(),
        unsure,
    };
    for object in &survey.objects {
        if is_volume(&object.key) {
            view.volumes += 1;
        } else if object.wanted || object.deleting {
        } else if object.owned {
            view.owned += 1;
        } else if is_given(object) {
            view.given += 1;
        } else {
            view.undeclared.push(Orphan {
                key: object.key.clone(),
                created_at: object.created_at,
                made_by: made_by(object),
            });
        }
    }
    view.score = score(&view);
    view
}

/// Percent of what should be there that Git brings back, rounded down.
fn score(view: &RebuildView) -> u32 {
    let absent = view.missing.iter().filter(|missing| !missing.live).count();
    let all = u64::from(view.declared) + (view.undeclared.len() + absent) as u64;
    let percent = (u64::from(view.declared) * 100).checked_div(all);
    u32::try_from(percent.unwrap_or(100)).unwrap_or(0)
}

/// A number of things in a view.
pub(super) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn missing(survey: &Survey, declared: &[Declared], definition: DefinitionName<'_>) -> Vec<Missing> {
    let live: BTreeMap<&ResourceKey, &Surveyed> = survey
        .objects
        .iter()
        .map(|object| (&object.key, object))
        .collect();
    let mut held: BTreeSet<ResourceKey> = BTreeSet::new();
    let mut kinds: BTreeSet<(String, String)> = BTreeSet::new();
    for one in declared {
        held.extend(one.encrypted.iter().cloned());
        for object in &one.objects {
            held.insert(object.key.clone());
            held.extend(needs::made(object));
            kinds.extend(needs::defined_kind(object));
        }
    }
    let mut users = Users::default();
    for one in declared {
        for object in &one.objects {
            for key in needs::needed(object) {
                users.note(key, &one.target, &object.key);
            }
            if !one.makes_namespaces && !object.key.namespace.is_empty() {
                let namespace = ResourceKey::new("", "Namespace", "", &object.key.namespace);
                users.note(namespace, &one.target, &object.key);
            }
            let kind = (object.key.group.clone(), object.key.kind.clone());
            if let Some(name) = definition(&object.api_version, &object.key.kind)
                && !kinds.contains(&kind)
            {
                let key = ResourceKey::new(needs::DEFINITION.0, needs::DEFINITION.1, "", name);
                users.note(key, &one.target, &object.key);
            }
        }
    }
    let needed = users.0.into_iter().filter(|(key, _)| !held.contains(key));
    // What a controller owns or Kubernetes makes comes back by itself.
    let comes_back = |key: &ResourceKey| {
        live.get(key)
            .is_some_and(|object| object.owned || is_given(object))
            || given(key)
            || (key.kind == "Namespace" && NAMESPACES.contains(&key.name.as_str()))
    };
    needed
        .filter(|(key, _)| !comes_back(key))
        .map(|(key, by)| Missing {
            live: live.contains_key(&key),
            count: count(by.len()),
            needed_by: by.into_iter().take(NAMED).collect(),
            key,
        })
        .collect()
}

fn images(declared: &[Declared]) -> Vec<MovingImage> {
    let mut used: BTreeMap<(Moves, &str), Vec<(TargetRef, ResourceKey)>> = BTreeMap::new();
    for one in declared {
        for object in &one.objects {
            for image in needs::images(object) {
                let by = (one.target.clone(), object.key.clone());
                used.entry((needs::moves(image), image))
                    .or_default()
                    .push(by);
            }
        }
    }
    used.into_iter()
        .filter(|((moves, _), _)| *moves != Moves::Never)
        .map(|((moves, image), by)| MovingImage {
            image: image.to_owned(),
            always: moves == Moves::Always,
            count: count(by.len()),
            used_by: by.into_iter().take(NAMED).collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::example;
    use lockstep_types::time::Micros;
    use serde_json::{Value, json};

    fn surveyed(key: &str) -> Surveyed {
        Surveyed {
            key: ResourceKey::parse(key).unwrap(),
            uid: key.to_owned(),
            created_at: None,
            labels: BTreeMap::new(),
            annotations: BTreeSet::new(),
            owned: false,
            deleting: false,
            managers: BTreeSet::from(["kubectl-create".to_owned()]),
            wanted: false,
        }
    }

    fn declared(objects: &[Value], makes_namespaces: bool) -> Declared {
        Declared {
            target: example::reference("cart", "shop", "prod-eu"),
            objects: objects
                .iter()
                .map(|body| Manifest::new(body.clone(), None).unwrap())
                .collect(),
            makes_namespaces,
            encrypted: Vec::new(),
        }
    }

    fn deployment(image: &str, secret: &str) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"template": {"spec": {"containers": [{"name": "a", "image": image, "envFrom": [{"secretRef": {"name": secret}}]}]}}}})
    }

    fn keys(missing: &[Missing]) -> Vec<String> {
        missing
            .iter()
            .map(|one| format!("{}{}", one.key, if one.live { " (live)" } else { "" }))
            .collect()
    }

    fn served(api_version: &str, _kind: &str) -> Option<String> {
        (api_version == "acme.dev/v1").then(|| "widgets.acme.dev".to_owned())
    }

    #[test]
    fn what_git_does_not_hold_is_named_with_who_needs_it() {
        let widget = json!({"apiVersion": "acme.dev/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "shop"}});
        let survey = Survey {
            objects: vec![surveyed("/Secret:shop/token")],
            at: Micros(7),
            ..Survey::default()
        };
        let target = declared(&[deployment("web", "token"), widget.clone()], false);
        let view = proof("prod-eu", &survey, &[target], &served, Vec::new());
        assert_eq!(
            keys(&view.missing),
            [
                "/Namespace:/shop",
                "/Secret:shop/token (live)",
                "apiextensions.k8s.io/CustomResourceDefinition:/widgets.acme.dev",
            ]
        );
        assert_eq!(view.missing[0].count, 2);
        assert_eq!(view.undeclared[0].made_by, "kubectl-create");
        // Two declared, one undeclared, two that are nowhere.
        assert_eq!((view.declared, view.score), (2, 40));

        // The same with everything in Git, in another application.
        let others = [
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}),
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "token", "namespace": "shop"}}),
            json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.acme.dev"},
                "spec": {"group": "acme.dev", "names": {"kind": "Widget"}}}),
        ];
        let all = [
            declared(&[deployment("web@sha256:1", "token"), widget], false),
            declared(&others, false),
        ];
        let view = proof("prod-eu", &Survey::default(), &all, &served, Vec::new());
        assert_eq!(
            (view.missing, view.images, view.score),
            (vec![], vec![], 100)
        );
    }

    #[test]
    fn what_comes_back_by_itself_is_not_missed() {
        let mut owned = surveyed("/Secret:shop/token");
        owned.owned = true;
        let mut wanted = surveyed("apps/Deployment:shop/web");
        wanted.wanted = true;
        let mut controller = surveyed("/ServiceAccount:kube-system/job-controller");
        controller.managers = BTreeSet::from(["kube-controller-manager".to_owned()]);
        let mut role = surveyed("rbac.authorization.k8s.io/ClusterRole:/admin");
        role.labels.insert(
            "kubernetes.io/bootstrapping".to_owned(),
            "rbac-defaults".to_owned(),
        );
        let survey = Survey {
            objects: vec![
                owned,
                wanted,
                controller,
                role,
                surveyed("/Namespace:/kube-system"),
                surveyed("/ServiceAccount:shop/default"),
                surveyed("/PersistentVolume:/data"),
            ],
            ..Survey::default()
        };
        let target = declared(&[deployment("web:1", "token")], true);
        let view = proof("prod-eu", &survey, &[target], &served, Vec::new());
        assert_eq!((view.undeclared, view.missing), (vec![], vec![]));
        assert_eq!(
            (view.owned, view.given, view.volumes, view.score),
            (1, 4, 1, 100)
        );
        assert!(!view.images[0].always);
    }
}
