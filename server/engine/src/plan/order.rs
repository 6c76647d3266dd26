//! In which order objects are applied: by phase, by sync wave, then by kind so that what others need comes first, then
//! by name. Deleting goes the other way round. Knows nothing of clusters.

use super::hook::{ARGO_HOOK, HELM_HOOK, HELM_WEIGHT};
use crate::schema::is_custom;
use lockstep_types::plan::{Action, HookDeletion, PlanPhase, Step};
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

/// Wave, stage, rank, group, kind, namespace and name.
type KindOrder<'a> = (i32, u8, usize, &'a str, &'a str, &'a str, &'a str);

/// Sort key of a step that is no prune.
pub(super) fn step_order(step: &Step) -> (PlanPhase, i32, Part, KindOrder<'_>) {
    (
        step.phase,
        step.wave,
        part(step),
        kind_order(step.wave, &step.key),
    )
}

/// Sort key of an object within a phase.
pub(super) fn kind_order(wave: i32, key: &ResourceKey) -> KindOrder<'_> {
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
    let weight = || {
        let of_helm =
            annotation(body, ARGO_HOOK).is_none() && annotation(body, HELM_HOOK).is_some();
        annotation(body, HELM_WEIGHT).filter(|_| of_helm)
    };
    let Some(text) = annotation(body, SYNC_WAVE).or_else(weight) else {
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

/// What a wave does, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Deletes what earlier runs of its hooks left.
    Before,
    /// Applies objects and makes those of hooks.
    Apply,
    /// Deletes what left Git.
    Prune,
    /// Deletes the objects of hooks that are over.
    After,
}

/// Steps of one part of one wave. When it may begin depends on how far the stages before it are.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage<'p> {
    pub phase: PlanPhase,
    pub wave: i32,
    pub part: Part,
    /// Everything in it, also what is as it should be.
    pub steps: Vec<&'p Step>,
    /// Those that write. Steps of one batch may run side by side, a batch waits for the requests of those before it:
    /// later objects need earlier ones (namespaces, definitions, what pods refer to, the rest, custom resources).
    pub batches: Vec<Vec<&'p Step>>,
}

fn part(step: &Step) -> Part {
    match &step.action {
        Action::HookCleanup(HookDeletion::BeforeHookCreation) => Part::Before,
        Action::HookCleanup(_) => Part::After,
        Action::Prune => Part::Prune,
        Action::Skip(_) if step.desired_hash.is_empty() => Part::Prune,
        _ => Part::Apply,
    }
}

/// Cuts steps into stages.
pub(super) fn stages(steps: &[Step]) -> Vec<Stage<'_>> {
    let mut stages: Vec<Stage<'_>> = Vec::new();
    let mut last = None;
    for step in steps {
        let group = (step.phase, step.wave, part(step));
        if last != Some(group) || stages.is_empty() {
            stages.push(Stage {
                phase: step.phase,
                wave: step.wave,
                part: part(step),
                steps: Vec::new(),
                batches: Vec::new(),
            });
        }
        last = Some(group);
        let Some(current) = stages.last_mut() else {
            continue;
        };
        current.steps.push(step);
        if !step.action.writes() {
            continue;
        }
        let joins = |batch: &Vec<&Step>| {
            batch
                .first()
                .is_some_and(|first| stage(&first.key) == stage(&step.key))
        };
        match current.batches.last_mut().filter(|batch| joins(batch)) {
            Some(batch) => batch.push(step),
            None => current.batches.push(vec![step]),
        }
    }
    stages
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
        keys.sort_by(|one, other| kind_order(0, one).cmp(&kind_order(0, other)));
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
        // A weight counts for a hook of Helm, and for nothing else.
        for (name, expected) in [(HELM_HOOK, 7), (ARGO_HOOK, 0), ("other", 0)] {
            let body = json!({"metadata": {"annotations": {HELM_WEIGHT: "7", name: "x"}}});
            assert_eq!(wave(&body).0, expected, "{name}");
        }
    }
}
