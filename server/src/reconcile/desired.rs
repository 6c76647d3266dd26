//! From a complete render to the objects one cluster should hold: definitions set apart, namespaces filled in,
//! tracking ids stamped.
//!
//! Pure, given what the cluster says about its kinds.

use super::cause::Cause;
use engine::definition::Destination;
use engine::live::Scope;
use engine::manifest::Manifest;
use engine::needs::defined_kind;
use engine::render::Complete;
use engine::tracking;
use lockstep_types::reason::ReasonCode;
use lockstep_types::resource::ResourceKey;
use std::collections::BTreeMap;
use uuid::Uuid;

/// What the cluster knows of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KindScope {
    Known(Scope),
    /// Its discovery is complete and does not hold the kind.
    NotServed,
    /// Discovery is not complete.
    NotKnown,
}

/// Desired objects of one target.
#[derive(Debug, Clone, Default)]
pub struct Desired {
    pub objects: Vec<Manifest>,
    /// Definitions that the render holds: registered as children, never applied.
    pub definitions: Vec<Manifest>,
    /// Objects whose values cannot be read: neither compared, applied nor pruned.
    pub encrypted: Vec<ResourceKey>,
}

impl Desired {
    /// Whether nothing of it stays on the cluster: objects of hooks come and go.
    pub fn is_empty(&self) -> bool {
        let is_hook = |manifest: &Manifest| engine::plan::hook::hook(&manifest.body).is_some();
        self.objects.iter().all(is_hook) && self.definitions.is_empty()
    }

    /// The definitions as objects of the destination: where they name no namespace, they are in its own.
    pub fn definition_keys(&self, destination: &Destination) -> Vec<ResourceKey> {
        let mut keys: Vec<ResourceKey> = Vec::with_capacity(self.definitions.len());
        for manifest in &self.definitions {
            let mut key = manifest.key.clone();
            if key.namespace.is_empty() {
                key.namespace = destination.usual_namespace().to_owned();
            }
            keys.push(key);
        }
        keys
    }
}

/// How objects are marked as ours; `None` while only observing.
#[derive(Debug, Clone, Copy)]
pub struct Stamp<'a> {
    pub installation: Uuid,
    pub target_key: &'a str,
}

/// Whether an object is a definition that Lockstep reads itself, instead of something for a cluster.
pub fn is_definition(group: &str, kind: &str) -> bool {
    match group {
        "argoproj.io" => matches!(kind, "Application" | "ApplicationSet" | "AppProject"),
        "kustomize.toolkit.fluxcd.io" => kind == "Kustomization",
        "source.toolkit.fluxcd.io" => {
            matches!(
                kind,
                "GitRepository" | "OCIRepository" | "HelmRepository" | "HelmChart" | "Bucket"
            )
        }
        "helm.toolkit.fluxcd.io" => kind == "HelmRelease",
        _ => false,
    }
}

/// Makes the desired objects of a target.
///
/// # Errors
/// When a kind cannot be placed yet, or two objects become one by their namespace.
pub fn desired(
    render: &Complete,
    destination: &Destination,
    scope: impl Fn(&str, &str) -> KindScope,
    stamp: Option<Stamp<'_>>,
) -> Result<Desired, Cause> {
    let rendered = rendered_scopes(render);
    let namespace = destination.usual_namespace();
    let mut result = Desired::default();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for manifest in &render.objects {
        if is_definition(&manifest.key.group, &manifest.key.kind) {
            result.definitions.push(manifest.clone());
            continue;
        }
        let group_kind = (manifest.key.group.clone(), manifest.key.kind.clone());
        let scope = match scope(&manifest.api_version, &manifest.key.kind) {
            KindScope::Known(scope) => Some(scope),
            KindScope::NotServed => rendered.get(&group_kind).copied(),
            KindScope::NotKnown => {
                return Err(Cause::passing(
                    ReasonCode::LiveUnknown,
                    "The cluster has not said yet which kinds it serves",
                    "It is compared as soon as it has",
                ));
            }
        };
        let placed = match scope {
            Some(Scope::Namespaced) if manifest.key.namespace.is_empty() => {
                manifest.in_namespace(namespace)
            }
            Some(Scope::Namespaced) if destination.assigns => manifest.in_namespace(namespace),
            Some(Scope::Cluster) if destination.assigns => {
                return Err(outside(manifest, namespace));
            }
            Some(Scope::Cluster) if !manifest.key.namespace.is_empty() => manifest.in_namespace(""),
            _ => manifest.clone(),
        };
        if render.encrypted.contains(&manifest.key) {
            result.encrypted.push(placed.key);
            continue;
        }
        let place = placed
            .origin
            .as_ref()
            .map_or_else(String::new, |origin| origin.path.clone());
        if let Some(other) = seen.insert(placed.key.to_string(), place.clone()) {
            return Err(Cause::stalled(
                ReasonCode::RenderFailed,
                format!("{} is declared twice once its namespace is filled in: in {other} and in {place}", placed.key.short()),
                "Remove one of the two, or rename it",
            )
            .about(Some(placed.key)));
        }
        result.objects.push(match stamp {
            Some(stamp) => tracking::stamp(&placed, stamp.installation, stamp.target_key),
            None => placed,
        });
    }
    Ok(result)
}

/// As Fleet refuses it. (fleet.rancher.io, fleet.yaml: namespace.)
fn outside(manifest: &Manifest, namespace: &str) -> Cause {
    Cause::stalled(
        ReasonCode::RenderFailed,
        format!(
            "{} lies in no namespace, and its bundle assigns every object to {namespace}",
            manifest.key.short()
        ),
        "Take it out of the bundle, or write defaultNamespace instead of namespace (in a GitRepo: leave targetNamespace out)",
    )
    .about(Some(manifest.key.clone()))
}

/// Scopes of the kinds that the render itself defines, by group and kind.
pub(super) fn rendered_scopes(render: &Complete) -> BTreeMap<(String, String), Scope> {
    render
        .objects
        .iter()
        .filter_map(|manifest| {
            let kind = defined_kind(manifest)?;
            let scope = match manifest.body.pointer("/spec/scope")?.as_str()? {
                "Namespaced" => Scope::Namespaced,
                _ => Scope::Cluster,
            };
            Some((kind, scope))
        })
        .collect()
}

/// Images of the declared workloads, shortened to `name:tag`, each once, in order.
pub fn images(objects: &[Manifest]) -> Vec<String> {
    let mut images = Vec::new();
    for image in objects.iter().flat_map(engine::needs::images) {
        let short = short_image(image);
        if !images.contains(&short) {
            images.push(short);
        }
    }
    images
}

/// `registry/team/shop:1.4@sha256:…` → `shop:1.4`; a bare digest is shortened.
fn short_image(image: &str) -> String {
    let (name, digest) = match image.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (image, None),
    };
    let last = name.rsplit('/').next().unwrap_or(name);
    match digest.and_then(|digest| digest.split_once(':')) {
        Some((_, hex)) if !last.contains(':') => format!("{last}@{}", hex.get(..12).unwrap_or(hex)),
        _ => last.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::definition::DestinationCluster;
    use serde_json::{Value, json};

    fn manifest(body: Value) -> Manifest {
        Manifest::new(body, None).unwrap()
    }

    fn render(objects: Vec<Manifest>) -> Complete {
        Complete {
            key: "k".to_owned(),
            objects,
            encrypted: Vec::new(),
            digest: "d".to_owned(),
            warnings: Vec::new(),
        }
    }

    fn config(namespace: Option<&str>) -> Manifest {
        let mut body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}});
        if let Some(namespace) = namespace {
            body["metadata"]["namespace"] = json!(namespace);
        }
        manifest(body)
    }

    #[test]
    fn nothing_but_hooks_is_nothing() {
        let hook = |name: &str, text: &str| {
            manifest(json!({"apiVersion": "batch/v1", "kind": "Job",
                "metadata": {"name": "j", "annotations": {name: text}}}))
        };
        let argo = hook("argocd.argoproj.io/hook", "PreSync");
        let helm = hook("helm.sh/hook", "post-install");
        let ordinary = hook("helm.sh/hook", "crd-install");
        for (objects, definitions, empty) in [
            (vec![], vec![], true),
            (vec![argo.clone(), helm.clone()], vec![], true),
            (vec![argo.clone(), ordinary], vec![], false),
            (vec![argo, config(None)], vec![], false),
            (vec![helm], vec![config(None)], false),
        ] {
            let desired = Desired {
                objects,
                definitions,
                encrypted: Vec::new(),
            };
            assert_eq!(desired.is_empty(), empty, "{desired:?}");
        }
    }

    fn scopes(_: &str, kind: &str) -> KindScope {
        match kind {
            "ConfigMap" => KindScope::Known(Scope::Namespaced),
            "Namespace" => KindScope::Known(Scope::Cluster),
            "Slow" => KindScope::NotKnown,
            _ => KindScope::NotServed,
        }
    }

    fn to(namespace: &str) -> Destination {
        Destination {
            cluster: DestinationCluster::Home,
            namespace: namespace.to_owned(),
            assigns: false,
        }
    }

    /// As Fleet's documentation of `namespace` has it.
    #[test]
    fn a_destination_may_take_every_object_and_none_outside() {
        let all = Destination {
            assigns: true,
            ..to("shop")
        };
        let made = desired(&render(vec![config(Some("other"))]), &all, scopes, None).unwrap();
        assert_eq!(made.objects[0].key.to_string(), "/ConfigMap:shop/c");
        let kept = desired(
            &render(vec![config(Some("other"))]),
            &to("shop"),
            scopes,
            None,
        );
        assert_eq!(kept.unwrap().objects[0].key.namespace, "other");
        let namespace =
            manifest(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}));
        let refused = desired(&render(vec![namespace]), &all, scopes, None).unwrap_err();
        assert!(
            refused.stalled && refused.cause.contains("lies in no namespace"),
            "{refused:?}"
        );
    }

    #[test]
    fn fills_in_namespaces_and_stamps() {
        let namespace = manifest(
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n", "namespace": "x"}}),
        );
        let stamp = Stamp {
            installation: Uuid::nil(),
            target_key: "t@c",
        };
        let made = desired(
            &render(vec![config(None), namespace]),
            &to("shop"),
            scopes,
            Some(stamp),
        )
        .unwrap();
        let keys: Vec<String> = made
            .objects
            .iter()
            .map(|object| object.key.to_string())
            .collect();
        assert_eq!(keys, ["/ConfigMap:shop/c", "/Namespace:/n"]);
        assert!(
            made.objects
                .iter()
                .all(|object| tracking::read(&object.body, &object.key).is_some())
        );
        let observed = desired(&render(vec![config(None)]), &to(""), scopes, None).unwrap();
        assert_eq!(observed.objects[0].key.namespace, "default");
        assert!(tracking::read(&observed.objects[0].body, &observed.objects[0].key).is_none());
    }

    #[test]
    fn kinds_of_the_same_render_are_placed() {
        let crd = manifest(json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.example.com"},
            "spec": {"group": "example.com", "scope": "Namespaced", "names": {"kind": "Widget"}}
        }));
        let widget = manifest(
            json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}),
        );
        let made = desired(&render(vec![crd, widget]), &to("shop"), scopes, None).unwrap();
        assert_eq!(made.objects[1].key.to_string(), "example.com/Widget:shop/w");
    }

    #[test]
    fn definitions_are_set_apart() {
        let app = manifest(
            json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "a"}}),
        );
        let rollout = manifest(
            json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "r"}}),
        );
        let made = desired(&render(vec![app, rollout]), &to("shop"), scopes, None).unwrap();
        assert_eq!((made.objects.len(), made.definitions.len()), (1, 1));
    }

    #[test]
    fn refuses_what_it_cannot_place() {
        let twice = desired(
            &render(vec![config(None), config(Some("shop"))]),
            &to("shop"),
            scopes,
            None,
        )
        .unwrap_err();
        assert_eq!(twice.code, ReasonCode::RenderFailed);
        let slow = manifest(
            json!({"apiVersion": "example.com/v1", "kind": "Slow", "metadata": {"name": "s"}}),
        );
        assert_eq!(
            desired(&render(vec![slow]), &to("shop"), scopes, None)
                .unwrap_err()
                .code,
            ReasonCode::LiveUnknown
        );
    }

    #[test]
    fn images_are_short_and_listed_once() {
        let deployment = manifest(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
            "spec": {"template": {"spec": {
                "initContainers": [{"name": "i", "image": "busybox"}],
                "containers": [{"name": "a", "image": "ghcr.io/team/shop:1.4.2@sha256:0123456789abcdef"}, {"name": "b", "image": "x/shop:1.4.2"}]
            }}}
        }));
        let job = manifest(json!({
            "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "j"},
            "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "host:5000/job@sha256:0123456789abcdef"}]}}}}}
        }));
        assert_eq!(
            images(&[deployment, job]),
            ["busybox", "shop:1.4.2", "job@0123456789ab"]
        );
    }
}
