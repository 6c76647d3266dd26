//! In which order objects are applied: by sync wave, then by kind so that what others need comes first, then by name.
//! Deleting goes the other way round. Knows nothing of clusters.

use crate::schema::is_custom;
use lockstep_types::plan::{Action, Step};
use lockstep_types::resource::ResourceKey;
use serde_json::Value;

/// Applied in this order within a wave; built-in kinds that are not named come after these, custom resources last.
const KINDS: [&str; 37] = [
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "PriorityClass",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "RuntimeClass",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "EndpointSlice",
    "APIService",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// Argo CD's annotation.
pub const SYNC_WAVE: &str = "argocd.argoproj.io/sync-wave";

/// No wave is further from zero than this: it leaves room for deletes to come after all of them.
pub const FURTHEST_WAVE: i32 = 1_000_000;

/// Rank of a kind within a wave.
pub fn rank(key: &ResourceKey) -> usize {
    if is_custom(key) {
        return KINDS.len() + 1;
    }
    KINDS
        .iter()
        .position(|kind| *kind == key.kind)
        .unwrap_or(KINDS.len())
}

/// What must be there before the next stage may begin, within one wave: namespaces, definitions of kinds, what pods
/// refer to, everything else built in, and custom resources.
pub fn stage(key: &ResourceKey) -> u8 {
    if is_custom(key) {
        return 4;
    }
    match key.kind.as_str() {
        "Namespace" => 0,
        "CustomResourceDefinition"
        | "StorageClass"
        | "PriorityClass"
        | "RuntimeClass"
        | "IngressClass" => 1,
        "NetworkPolicy"
        | "ResourceQuota"
        | "LimitRange"
        | "ServiceAccount"
        | "Secret"
        | "ConfigMap"
        | "PersistentVolume"
        | "PersistentVolumeClaim"
        | "ClusterRole"
        | "ClusterRoleBinding"
        | "Role"
        | "RoleBinding"
        | "PodDisruptionBudget" => 2,
        _ => 3,
    }
}

/// Sort key of an object that is applied.
pub(super) fn apply_order(
    wave: i32,
    key: &ResourceKey,
) -> (i32, u8, usize, &str, &str, &str, &str) {
    (
        wave,
        stage(key),
        rank(key),
        &key.group,
        &key.kind,
        &key.namespace,
        &key.name,
    )
}

/// The wave an object asks for. The second value says what is wrong with the annotation.
pub fn wave(body: &Value) -> (i32, Option<String>) {
    let Some(text) = annotation(body, SYNC_WAVE) else {
        return (0, None);
    };
    match text.trim().parse::<i32>() {
        Ok(wave) if (-FURTHEST_WAVE..=FURTHEST_WAVE).contains(&wave) => (wave, None),
        _ => (
            0,
            Some(format!(
                "sync wave {text:?} is no number between -{FURTHEST_WAVE} and {FURTHEST_WAVE}: taken as 0"
            )),
        ),
    }
}

/// The text of an annotation.
pub(super) fn annotation<'v>(body: &'v Value, name: &str) -> Option<&'v str> {
    body.get("metadata")?
        .get("annotations")?
        .get(name)?
        .as_str()
}

/// Cuts steps into batches that may each run side by side.
pub(super) fn batches(steps: &[Step]) -> Vec<Vec<&Step>> {
    let mut batches: Vec<Vec<&Step>> = Vec::new();
    let mut last = None;
    for step in steps.iter().filter(|step| step.action.writes()) {
        let group = (step.action == Action::Prune, step.wave, stage(&step.key));
        match batches.last_mut() {
            Some(batch) if last == Some(group) => batch.push(step),
            _ => batches.push(vec![step]),
        }
        last = Some(group);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_others_need_comes_first() {
        let mut keys: Vec<ResourceKey> = [
            "example.com/Widget:a/w",
            "admissionregistration.k8s.io/ValidatingWebhookConfiguration:/v",
            "networking.k8s.io/Ingress:a/i",
            "apps/Deployment:a/web",
            "/Service:a/web",
            "serving.knative.dev/Service:a/web",
            "rbac.authorization.k8s.io/RoleBinding:a/rb",
            "apiextensions.k8s.io/CustomResourceDefinition:/widgets",
            "/ConfigMap:a/two",
            "/ConfigMap:a/one",
            "/Secret:a/s",
            "/Namespace:/a",
        ]
        .iter()
        .map(|text| ResourceKey::parse(text).unwrap())
        .collect();
        keys.sort_by(|one, other| apply_order(0, one).cmp(&apply_order(0, other)));
        let order: Vec<String> = keys.iter().map(ResourceKey::short).collect();
        insta::assert_snapshot!(order.join("\n"), @"
        Namespace a
        CustomResourceDefinition widgets
        Secret s
        ConfigMap one
        ConfigMap two
        RoleBinding rb
        Service web
        Deployment web
        Ingress i
        ValidatingWebhookConfiguration v
        Widget w
        Service web
        ");
    }

    #[test]
    fn waves_are_read_and_bounded() {
        let body = |text: &str| json!({"metadata": {"annotations": {SYNC_WAVE: text}}});
        for (text, expected, fine) in [
            ("-5", -5, true),
            (" 3 ", 3, true),
            ("", 0, false),
            ("1.5", 0, false),
            ("99999999999", 0, false),
            ("2000000", 0, false),
        ] {
            let (wave, problem) = wave(&body(text));
            assert_eq!((wave, problem.is_none()), (expected, fine), "{text}");
        }
        assert_eq!(wave(&json!({})), (0, None));
    }
}
