//! What a change does to whoever uses the object: a rule table over kind and field.

use lockstep_types::diff::Impact;
use lockstep_types::resource::ResourceKey;
use serde_json::Value;

const WORKLOADS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// Field (and everything below it) → impact, for one kind. The empty kind holds for all.
const RULES: &[(&str, &str, &str, Impact)] = &[
    ("apps", "Deployment", "spec.selector", Impact::Recreates),
    ("apps", "Deployment", "spec.template", Impact::RestartsPods),
    ("apps", "DaemonSet", "spec.selector", Impact::Recreates),
    ("apps", "DaemonSet", "spec.template", Impact::RestartsPods),
    ("apps", "StatefulSet", "spec.selector", Impact::Recreates),
    ("apps", "StatefulSet", "spec.serviceName", Impact::Recreates),
    (
        "apps",
        "StatefulSet",
        "spec.podManagementPolicy",
        Impact::Recreates,
    ),
    (
        "apps",
        "StatefulSet",
        "spec.volumeClaimTemplates",
        Impact::Recreates,
    ),
    ("apps", "StatefulSet", "spec.template", Impact::RestartsPods),
    ("apps", "ReplicaSet", "spec.selector", Impact::Recreates),
    ("batch", "Job", "spec.template", Impact::Recreates),
    ("batch", "Job", "spec.selector", Impact::Recreates),
    ("batch", "Job", "spec.completions", Impact::Recreates),
    ("batch", "Job", "spec.completionMode", Impact::Recreates),
    ("batch", "Job", "spec.parallelism", Impact::Scales),
    ("batch", "Job", "spec.suspend", Impact::Scales),
    ("", "Pod", "spec.containers.image", Impact::RestartsPods),
    ("", "Pod", "spec.initContainers", Impact::Recreates),
    ("", "Pod", "spec.volumes", Impact::Recreates),
    ("", "Pod", "spec.containers", Impact::Recreates),
    ("", "Service", "spec.clusterIP", Impact::Recreates),
    ("", "Service", "spec.clusterIPs", Impact::Recreates),
    ("", "Service", "spec.type", Impact::Exposes),
    ("", "Service", "spec.externalIPs", Impact::Exposes),
    ("", "Service", "spec.externalName", Impact::Exposes),
    (
        "",
        "Service",
        "spec.loadBalancerSourceRanges",
        Impact::Exposes,
    ),
    (
        "networking.k8s.io",
        "Ingress",
        "spec.rules",
        Impact::Exposes,
    ),
    ("networking.k8s.io", "Ingress", "spec.tls", Impact::Exposes),
    (
        "networking.k8s.io",
        "Ingress",
        "spec.defaultBackend",
        Impact::Exposes,
    ),
    (
        "gateway.networking.k8s.io",
        "Gateway",
        "spec.listeners",
        Impact::Exposes,
    ),
    (
        "gateway.networking.k8s.io",
        "HTTPRoute",
        "spec",
        Impact::Exposes,
    ),
    (
        "networking.k8s.io",
        "NetworkPolicy",
        "spec",
        Impact::WidensAccess,
    ),
    (
        "rbac.authorization.k8s.io",
        "Role",
        "rules",
        Impact::WidensAccess,
    ),
    (
        "rbac.authorization.k8s.io",
        "ClusterRole",
        "rules",
        Impact::WidensAccess,
    ),
    (
        "rbac.authorization.k8s.io",
        "ClusterRole",
        "aggregationRule",
        Impact::WidensAccess,
    ),
    (
        "rbac.authorization.k8s.io",
        "RoleBinding",
        "subjects",
        Impact::WidensAccess,
    ),
    (
        "rbac.authorization.k8s.io",
        "RoleBinding",
        "roleRef",
        Impact::Recreates,
    ),
    (
        "rbac.authorization.k8s.io",
        "ClusterRoleBinding",
        "subjects",
        Impact::WidensAccess,
    ),
    (
        "rbac.authorization.k8s.io",
        "ClusterRoleBinding",
        "roleRef",
        Impact::Recreates,
    ),
    (
        "",
        "PersistentVolumeClaim",
        "spec.storageClassName",
        Impact::Recreates,
    ),
    (
        "",
        "PersistentVolumeClaim",
        "spec.accessModes",
        Impact::Recreates,
    ),
    (
        "",
        "PersistentVolumeClaim",
        "spec.volumeName",
        Impact::Recreates,
    ),
    (
        "",
        "PersistentVolumeClaim",
        "spec.volumeMode",
        Impact::Recreates,
    ),
    (
        "",
        "PersistentVolumeClaim",
        "spec.selector",
        Impact::Recreates,
    ),
    (
        "",
        "PersistentVolumeClaim",
        "spec.resources",
        Impact::Scales,
    ),
    (
        "storage.k8s.io",
        "StorageClass",
        "provisioner",
        Impact::Recreates,
    ),
    (
        "storage.k8s.io",
        "StorageClass",
        "parameters",
        Impact::Recreates,
    ),
    (
        "storage.k8s.io",
        "StorageClass",
        "reclaimPolicy",
        Impact::Recreates,
    ),
    (
        "storage.k8s.io",
        "StorageClass",
        "volumeBindingMode",
        Impact::Recreates,
    ),
    (
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        "spec.group",
        Impact::Recreates,
    ),
    (
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        "spec.scope",
        Impact::Recreates,
    ),
    (
        "autoscaling",
        "HorizontalPodAutoscaler",
        "spec.minReplicas",
        Impact::Scales,
    ),
    (
        "autoscaling",
        "HorizontalPodAutoscaler",
        "spec.maxReplicas",
        Impact::Scales,
    ),
    ("", "Secret", "type", Impact::Recreates),
    ("", "", "spec.replicas", Impact::Scales),
];

/// The impact of changing one field; `pattern` holds field names only.
pub(super) fn of_change(key: &ResourceKey, pattern: &str) -> Impact {
    if key.kind == "Namespace" && pattern.starts_with("metadata.labels.pod-security.kubernetes.io/")
    {
        return Impact::WidensAccess;
    }
    if pattern.starts_with("metadata.labels") || pattern.starts_with("metadata.annotations") {
        return Impact::MetadataOnly;
    }
    RULES
        .iter()
        .filter(|(group, kind, field, _)| {
            (kind.is_empty() || (*kind == key.kind && *group == key.group))
                && (covers(field, pattern) || covers(pattern, field))
        })
        // The most exact rule wins over a wider one; a change above several rules is as bad as the worst of them.
        .max_by_key(|(_, _, field, impact)| {
            (field.len().min(pattern.len()), std::cmp::Reverse(*impact))
        })
        .map_or(Impact::Configures, |(_, _, _, impact)| *impact)
}

/// Whether `pattern` is `field` or below it.
fn covers(field: &str, pattern: &str) -> bool {
    pattern
        .strip_prefix(field)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The impact of deleting a whole object.
pub fn of_delete(key: &ResourceKey) -> Impact {
    let data = match key.group.as_str() {
        "" => matches!(
            key.kind.as_str(),
            "Namespace" | "PersistentVolume" | "PersistentVolumeClaim"
        ),
        "apps" => key.kind == "StatefulSet",
        "apiextensions.k8s.io" => key.kind == "CustomResourceDefinition",
        _ => false,
    };
    if data {
        Impact::DeletesData
    } else {
        Impact::Deletes
    }
}

/// The impact of creating a whole object.
pub fn of_create(key: &ResourceKey, body: &Value) -> Impact {
    match (key.group.as_str(), key.kind.as_str()) {
        ("rbac.authorization.k8s.io", _) => Impact::WidensAccess,
        ("networking.k8s.io", "Ingress") | ("gateway.networking.k8s.io", _) => Impact::Exposes,
        ("", "Service") => match body.pointer("/spec/type").and_then(Value::as_str) {
            Some("LoadBalancer" | "NodePort") => Impact::Exposes,
            _ => Impact::Configures,
        },
        ("apps", kind) if WORKLOADS.contains(&kind) => Impact::Configures,
        _ => Impact::Configures,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_consequence() {
        for (key, pattern, expected) in [
            (
                "apps/Deployment:a/b",
                "spec.template.spec.containers.image",
                Impact::RestartsPods,
            ),
            ("apps/Deployment:a/b", "spec.replicas", Impact::Scales),
            (
                "apps/Deployment:a/b",
                "spec.selector.matchLabels.app",
                Impact::Recreates,
            ),
            ("apps/Deployment:a/b", "spec.paused", Impact::Configures),
            ("apps/Deployment:a/b", "spec", Impact::Recreates),
            ("apps/Deployment:a/b", "spec.templateX", Impact::Configures),
            (
                "apps/StatefulSet:a/b",
                "spec.volumeClaimTemplates.spec.resources",
                Impact::Recreates,
            ),
            (
                "batch/Job:a/b",
                "spec.template.spec.containers.image",
                Impact::Recreates,
            ),
            (
                "batch/CronJob:a/b",
                "spec.jobTemplate.spec.template",
                Impact::Configures,
            ),
            ("/Service:a/b", "spec.type", Impact::Exposes),
            ("/Service:a/b", "spec.clusterIP", Impact::Recreates),
            (
                "serving.knative.dev/Service:a/b",
                "spec.type",
                Impact::Configures,
            ),
            (
                "networking.k8s.io/Ingress:a/b",
                "spec.rules.host",
                Impact::Exposes,
            ),
            (
                "rbac.authorization.k8s.io/ClusterRole:/b",
                "rules",
                Impact::WidensAccess,
            ),
            (
                "rbac.authorization.k8s.io/RoleBinding:a/b",
                "roleRef.name",
                Impact::Recreates,
            ),
            (
                "/PersistentVolumeClaim:a/b",
                "spec.storageClassName",
                Impact::Recreates,
            ),
            (
                "/PersistentVolumeClaim:a/b",
                "spec.resources.requests.storage",
                Impact::Scales,
            ),
            ("/ConfigMap:a/b", "data.key", Impact::Configures),
            (
                "/ConfigMap:a/b",
                "metadata.labels.app",
                Impact::MetadataOnly,
            ),
            ("example.com/Widget:a/b", "spec.replicas", Impact::Scales),
        ] {
            let key = ResourceKey::parse(key).unwrap();
            assert_eq!(of_change(&key, pattern), expected, "{key} {pattern}");
        }
    }

    #[test]
    fn deletes_of_state_are_the_worst() {
        for (key, expected) in [
            ("/Namespace:/a", Impact::DeletesData),
            (
                "apiextensions.k8s.io/CustomResourceDefinition:/a",
                Impact::DeletesData,
            ),
            ("/PersistentVolumeClaim:a/b", Impact::DeletesData),
            ("apps/StatefulSet:a/b", Impact::DeletesData),
            ("apps/Deployment:a/b", Impact::Deletes),
            ("example.com/Namespace:a/b", Impact::Deletes),
        ] {
            assert_eq!(
                of_delete(&ResourceKey::parse(key).unwrap()),
                expected,
                "{key}"
            );
        }
    }
}
