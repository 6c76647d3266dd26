//! What a manifest needs by name to work: Secrets, ConfigMaps, claims, service accounts; and what controllers make from
//! it. Pure; knows the built-in kinds and the common makers of Secrets.

use crate::manifest::Manifest;
use lockstep_types::resource::ResourceKey;
use serde_json::Value;
use std::collections::BTreeSet;

/// Where kinds keep the specification of their pods.
const PODS: [&str; 3] = [
    "/spec/template/spec",
    "/spec/jobTemplate/spec/template/spec",
    "/spec",
];

/// The specification of the pods of a workload, if it is one.
fn pods(manifest: &Manifest) -> Option<&Value> {
    PODS.iter().find_map(|pointer| {
        manifest
            .body
            .pointer(pointer)
            .filter(|spec| spec.get("containers").is_some_and(Value::is_array))
    })
}

fn each<'v>(value: &'v Value, field: &str) -> impl Iterator<Item = &'v Value> {
    value
        .get(field)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn containers(spec: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers", "ephemeralContainers"]
        .into_iter()
        .flat_map(|list| each(spec, list))
}

/// Images of a workload as written, in order, each once.
pub fn images(manifest: &Manifest) -> Vec<&str> {
    let mut images = Vec::new();
    for container in pods(manifest).into_iter().flat_map(containers) {
        if let Some(image) = container.get("image").and_then(Value::as_str)
            && !images.contains(&image)
        {
            images.push(image);
        }
    }
    images
}

/// Objects of the same namespace without which the object does not work. What is marked optional is left out.
pub fn needed(manifest: &Manifest) -> BTreeSet<ResourceKey> {
    let mut needed = Needed {
        namespace: &manifest.key.namespace,
        keys: BTreeSet::new(),
    };
    if let Some(spec) = pods(manifest) {
        needed.of_pods(spec);
    }
    match (manifest.key.group.as_str(), manifest.key.kind.as_str()) {
        ("", "ServiceAccount") => {
            for pull in each(&manifest.body, "imagePullSecrets") {
                needed.add("Secret", pull, "name");
            }
        }
        ("networking.k8s.io", "Ingress") => {
            let spec = manifest.body.get("spec").unwrap_or(&Value::Null);
            for tls in each(spec, "tls") {
                needed.add("Secret", tls, "secretName");
            }
        }
        _ => {}
    }
    needed.keys
}

struct Needed<'m> {
    namespace: &'m str,
    keys: BTreeSet<ResourceKey>,
}

impl Needed<'_> {
    /// The object of a kind that `reference` names in `field`, unless it may be missing.
    fn add(&mut self, kind: &str, reference: &Value, field: &str) {
        let optional = reference.get("optional").and_then(Value::as_bool);
        let name = reference.get(field).and_then(Value::as_str);
        if let (Some(name), false) = (name.filter(|name| !name.is_empty()), optional == Some(true))
        {
            self.keys
                .insert(ResourceKey::new("", kind, self.namespace, name));
        }
    }

    fn of_pods(&mut self, spec: &Value) {
        for pull in each(spec, "imagePullSecrets") {
            self.add("Secret", pull, "name");
        }
        self.add("ServiceAccount", spec, "serviceAccountName");
        for volume in each(spec, "volumes") {
            self.of_source(volume, "secretName");
            let claim = volume.get("persistentVolumeClaim");
            self.add(
                "PersistentVolumeClaim",
                claim.unwrap_or(&Value::Null),
                "claimName",
            );
            let projected = volume.get("projected").unwrap_or(&Value::Null);
            for source in each(projected, "sources") {
                self.of_source(source, "name");
            }
        }
        for container in containers(spec) {
            for from in each(container, "envFrom") {
                self.add(
                    "Secret",
                    from.get("secretRef").unwrap_or(&Value::Null),
                    "name",
                );
                self.add(
                    "ConfigMap",
                    from.get("configMapRef").unwrap_or(&Value::Null),
                    "name",
                );
            }
            for variable in each(container, "env") {
                let from = variable.get("valueFrom").unwrap_or(&Value::Null);
                self.add(
                    "Secret",
                    from.get("secretKeyRef").unwrap_or(&Value::Null),
                    "name",
                );
                self.add(
                    "ConfigMap",
                    from.get("configMapKeyRef").unwrap_or(&Value::Null),
                    "name",
                );
            }
        }
    }

    /// `secret` and `configMap` of a volume or of a projected source.
    fn of_source(&mut self, source: &Value, secret: &str) {
        self.add(
            "Secret",
            source.get("secret").unwrap_or(&Value::Null),
            secret,
        );
        self.add(
            "ConfigMap",
            source.get("configMap").unwrap_or(&Value::Null),
            "name",
        );
    }
}

/// Group and name of a CustomResourceDefinition.
pub const DEFINITION: (&str, &str) = ("apiextensions.k8s.io", "CustomResourceDefinition");

/// Group and kind that a manifest defines; `None`: it is no whole CustomResourceDefinition.
pub fn defined_kind(manifest: &Manifest) -> Option<(String, String)> {
    if (manifest.key.group.as_str(), manifest.key.kind.as_str()) != DEFINITION {
        return None;
    }
    let text = |pointer: &str| manifest.body.pointer(pointer).and_then(Value::as_str);
    let (group, kind) = (text("/spec/group")?, text("/spec/names/kind")?);
    Some((group.to_owned(), kind.to_owned()))
}

/// Objects that a controller makes from this one, by name: so they need not be in Git.
pub fn made(manifest: &Manifest) -> Vec<ResourceKey> {
    let text = |pointer: &str| manifest.body.pointer(pointer).and_then(Value::as_str);
    let (namespace, name) = (&manifest.key.namespace, manifest.key.name.as_str());
    let secret = |name: &str| vec![ResourceKey::new("", "Secret", namespace, name)];
    match (manifest.key.group.as_str(), manifest.key.kind.as_str()) {
        ("external-secrets.io", "ExternalSecret") => {
            secret(text("/spec/target/name").unwrap_or(name))
        }
        ("bitnami.com", "SealedSecret") => {
            secret(text("/spec/template/metadata/name").unwrap_or(name))
        }
        ("cert-manager.io", "Certificate") => {
            text("/spec/secretName").map(secret).unwrap_or_default()
        }
        ("secrets-store.csi.x-k8s.io", "SecretProviderClass") => each(
            manifest.body.get("spec").unwrap_or(&Value::Null),
            "secretObjects",
        )
        .filter_map(|object| object.get("secretName").and_then(Value::as_str))
        .flat_map(secret)
        .collect(),
        ("networking.k8s.io", "Ingress") => {
            // cert-manager makes the Secrets that an Ingress with its annotation names.
            let annotations = manifest.body.pointer("/metadata/annotations");
            let asks = ["cert-manager.io/issuer", "cert-manager.io/cluster-issuer"]
                .iter()
                .any(|name| annotations.is_some_and(|all| all.get(*name).is_some()));
            each(manifest.body.get("spec").unwrap_or(&Value::Null), "tls")
                .filter(|_| asks)
                .filter_map(|tls| tls.get("secretName").and_then(Value::as_str))
                .flat_map(secret)
                .collect()
        }
        _ => Vec::new(),
    }
}

/// What may become of an image that is pulled again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moves {
    /// `latest` or no tag: it moves with every release.
    Always,
    /// A tag, which can be pushed again.
    Perhaps,
    /// A digest.
    Never,
}

/// How firmly an image is named.
pub fn moves(image: &str) -> Moves {
    if image.contains('@') {
        return Moves::Never;
    }
    // A colon before the last slash is a port.
    let last = image.rsplit('/').next().unwrap_or(image);
    match last.split_once(':') {
        None | Some((_, "latest" | "")) => Moves::Always,
        Some(_) => Moves::Perhaps,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn manifest(body: Value) -> Manifest {
        Manifest::new(body, None).unwrap()
    }

    fn texts(keys: impl IntoIterator<Item = ResourceKey>) -> Vec<String> {
        keys.into_iter().map(|key| key.to_string()).collect()
    }

    #[test]
    fn every_way_to_name_another_object_is_seen_and_optional_ones_are_not_needed() {
        let workload = manifest(json!({
            "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "j", "namespace": "shop"},
            "spec": {"jobTemplate": {"spec": {"template": {"spec": {
                "serviceAccountName": "runner",
                "imagePullSecrets": [{"name": "pull"}],
                "volumes": [
                    {"name": "a", "secret": {"secretName": "mounted"}},
                    {"name": "b", "configMap": {"name": "settings"}},
                    {"name": "c", "persistentVolumeClaim": {"claimName": "data"}},
                    {"name": "d", "projected": {"sources": [{"secret": {"name": "projected"}}, {"configMap": {"name": "may", "optional": true}}]}},
                    {"name": "e", "secret": {"secretName": "perhaps", "optional": true}},
                    {"name": "f", "emptyDir": {}}],
                "initContainers": [{"name": "i", "image": "x", "envFrom": [{"secretRef": {"name": "from"}}, {"configMapRef": {"name": "env"}}]}],
                "containers": [{"name": "c", "image": "y@sha256:1", "env": [
                    {"name": "A", "valueFrom": {"secretKeyRef": {"name": "one", "key": "k"}}},
                    {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "two", "key": "k"}}},
                    {"name": "C", "value": "plain"}]}]}}}}}
        }));
        assert_eq!(
            texts(needed(&workload)),
            [
                "/ConfigMap:shop/env",
                "/ConfigMap:shop/settings",
                "/ConfigMap:shop/two",
                "/PersistentVolumeClaim:shop/data",
                "/Secret:shop/from",
                "/Secret:shop/mounted",
                "/Secret:shop/one",
                "/Secret:shop/projected",
                "/Secret:shop/pull",
                "/ServiceAccount:shop/runner",
            ]
        );
        assert_eq!(images(&workload), ["x", "y@sha256:1"]);
    }

    #[test]
    fn makers_of_secrets_are_known() {
        for (body, made_keys) in [
            (
                json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "spec": {"target": {"name": "t"}}}),
                vec!["/Secret:shop/t"],
            ),
            (
                json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "spec": {}}),
                vec!["/Secret:shop/x"],
            ),
            (
                json!({"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret"}),
                vec!["/Secret:shop/x"],
            ),
            (
                json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "spec": {"secretName": "tls"}}),
                vec!["/Secret:shop/tls"],
            ),
            (
                json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": {"tls": [{"secretName": "tls"}]}}),
                vec![],
            ),
        ] {
            let mut body = body;
            body["metadata"] = json!({"name": "x", "namespace": "shop"});
            assert_eq!(texts(made(&manifest(body.clone()))), made_keys, "{body}");
        }
    }

    #[test]
    fn images_are_firm_by_digest_alone() {
        for (image, expected) in [
            ("nginx", Moves::Always),
            ("nginx:latest", Moves::Always),
            ("host:5000/nginx", Moves::Always),
            ("host:5000/nginx:1.2", Moves::Perhaps),
            ("nginx:latest@sha256:1", Moves::Never),
        ] {
            assert_eq!(moves(image), expected, "{image}");
        }
    }
}
