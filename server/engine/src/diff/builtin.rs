//! What the API server's own Go types do that its OpenAPI document does not say: which zero values vanish, and which
//! fields come back with a default when they are left out. Only for kinds compiled into the API server.

mod zero;

use serde_json::{Value, json};
pub(super) use zero::{keeps_zero, vanishes};

/// Fields that the API server fills in with something that depends on the rest of the object or of the cluster.
const COMPUTED: &[&str] = &[
    "allocateLoadBalancerNodePorts",
    "apiGroup",
    "behavior",
    "categories",
    "clusterIP",
    "clusterIPs",
    "completions",
    "conversion",
    "creationTimestamp",
    "externalTrafficPolicy",
    "healthCheckNodePort",
    "hostPort",
    "imagePullPolicy",
    "ipFamilies",
    "ipFamilyPolicy",
    "kind",
    "labels",
    "listKind",
    "maxExpirationSeconds",
    "metrics",
    "nodePort",
    "parallelism",
    "phase",
    "podReplacementPolicy",
    "policies",
    "policyTypes",
    "priority",
    "pullPolicy",
    "rollingUpdate",
    "scaleDown",
    "scaleUp",
    "serviceAccount",
    "serviceAccountName",
    "sessionAffinityConfig",
    "shortNames",
    "singular",
    "stabilizationWindowSeconds",
    "status",
    "targetPort",
    "tolerance",
    "volumeLifecycleModes",
    "volumeName",
];

/// What the server allocates and keeps when an update says zero.
const ALLOCATED: &[&str] = &["clusterIP", "healthCheckNodePort", "nodePort", "volumeName"];

/// Of those, what is found inside of lists that are replaced whole.
const COMPUTED_IN_ITEMS: &[&str] = &[
    "apiGroup",
    "creationTimestamp",
    "hostPort",
    "kind",
    "policies",
    "stabilizationWindowSeconds",
    "status",
    "tolerance",
];

/// Maps with free keys into which the server writes values of its own.
const FILLED_MAPS: &[&str] = &["default", "defaultRequest"];

/// Whether the server may have put this field into an item of a list that is replaced whole.
pub(super) fn computed_in_items(name: &str) -> bool {
    COMPUTED_IN_ITEMS.contains(&name)
}

/// Whether the server puts keys of its own into this map.
pub(super) fn filled_map(name: &str) -> bool {
    FILLED_MAPS.contains(&name)
}

/// Whether an update that says zero keeps what is there.
pub(super) fn allocated(name: &str) -> bool {
    ALLOCATED.contains(&name)
}

/// What a field becomes when it is left out.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum LeftOut {
    /// Nothing: it is gone.
    Gone,
    /// This.
    Default(Value),
    /// Something only the server can tell.
    Computed,
}

/// A field by its name, what it stands in (lists by their own name), and the kind of the whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'p> {
    /// The whole as Git says it.
    pub whole: Option<&'p Value>,
    pub kind: &'p str,
    pub parent: &'p str,
    pub name: &'p str,
}

/// What the API server makes of a built-in kind's field that nobody gives.
pub(super) fn left_out(place: Place<'_>) -> LeftOut {
    if let Some(special) = special(place) {
        return special;
    }
    let name = place.name;
    let value = match name {
        "protocol" => json!("TCP"),
        "apiVersion" => json!("v1"),
        "attachRequired" | "enableServiceLinks" => json!(true),
        "backoffLimit" => json!(6),
        "completionMode" => json!("NonIndexed"),
        "concurrencyPolicy" => json!("Allow"),
        "defaultMode" => json!(420),
        "dnsPolicy" => json!("ClusterFirst"),
        "allocationMode" => json!("ExactCount"),
        "divisor" => json!("0"),
        "failurePolicy" => json!("Fail"),
        "handSize" => json!(8),
        "lendablePercent" => json!(0),
        "matchingPrecedence" => json!(1000),
        "nominalConcurrencyShares" => json!(30),
        "queueLengthLimit" => json!(50),
        "queues" => json!(64),
        "selectPolicy" => json!("Max"),
        "failedJobsHistoryLimit" | "minReplicas" | "replicas" | "successThreshold" => json!(1),
        "failureThreshold" | "successfulJobsHistoryLimit" => json!(3),
        "internalTrafficPolicy" => json!("Cluster"),
        "matchPolicy" => json!("Equivalent"),
        "namespaceSelector" | "objectSelector" | "resources" | "securityContext" => json!({}),
        "partition" => json!(0),
        "periodSeconds" | "revisionHistoryLimit" => json!(10),
        "persistentVolumeReclaimPolicy" | "whenDeleted" | "whenScaled" => json!("Retain"),
        "podInfoOnMount" | "requiresRepublish" | "seLinuxMount" | "storageCapacity" | "suspend" => {
            json!(false)
        }
        "podManagementPolicy" => json!("OrderedReady"),
        // Of a webhook's service, the only port with a default.
        "port" => json!(443),
        "progressDeadlineSeconds" => json!(600),
        "reclaimPolicy" => json!("Delete"),
        "reinvocationPolicy" => json!("Never"),
        "schedulerName" => json!("default-scheduler"),
        "scheme" => json!("HTTP"),
        "scope" => json!("*"),
        "sessionAffinity" => json!("None"),
        "terminationGracePeriodSeconds" => json!(30),
        "terminationMessagePath" => json!("/dev/termination-log"),
        "terminationMessagePolicy" => json!("File"),
        "volumeBindingMode" => json!("Immediate"),
        "volumeMode" => json!("Filesystem"),
        _ if COMPUTED.contains(&name) => return LeftOut::Computed,
        _ => return LeftOut::Gone,
    };
    LeftOut::Default(value)
}

/// Where the same name means one thing here and another there.
fn special(place: Place<'_>) -> Option<LeftOut> {
    let value = match (place.kind, place.parent, place.name) {
        ("NetworkPolicy", "spec", "policyTypes") => {
            let egress = place.whole.and_then(|whole| whole.pointer("/spec/egress"));
            match egress.and_then(Value::as_array) {
                Some(rules) if !rules.is_empty() => json!(["Ingress", "Egress"]),
                _ => json!(["Ingress"]),
            }
        }
        ("CustomResourceDefinition", "names", "kind") => return Some(LeftOut::Gone),
        ("Job", "spec", "parallelism") => json!(1),
        // Only where there is no parallelism either, and there always is.
        ("Job", "spec", "completions") => return Some(LeftOut::Gone),
        ("Job" | "ReplicationController", "spec", "selector") => return Some(LeftOut::Computed),
        ("PriorityClass", _, "preemptionPolicy") => json!("PreemptLowerPriority"),
        (_, _, "preemptionPolicy") => return Some(LeftOut::Computed),
        ("Deployment", "spec", "strategy") => {
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}})
        }
        ("DaemonSet", "spec", "updateStrategy") => {
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}})
        }
        ("StatefulSet", "spec", "updateStrategy") => {
            json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}})
        }
        (_, "roleRef", "apiGroup") => json!("rbac.authorization.k8s.io"),
        (_, "roleRef" | "scaleTargetRef" | "subjects", "kind") => return Some(LeftOut::Gone),
        ("Pod", _, "limits" | "requests") => return Some(LeftOut::Computed),
        ("Deployment", "rollingUpdate", "maxSurge" | "maxUnavailable") => json!("25%"),
        ("DaemonSet", "rollingUpdate", "maxSurge") => json!(0),
        ("DaemonSet", "rollingUpdate", "maxUnavailable") => json!(1),
        ("StatefulSet", "spec", "persistentVolumeClaimRetentionPolicy") => {
            json!({"whenDeleted": "Retain", "whenScaled": "Retain"})
        }
        // Templates of jobs get no defaults.
        (
            "CronJob",
            _,
            "backoffLimit"
            | "completionMode"
            | "completions"
            | "parallelism"
            | "podReplacementPolicy",
        )
        | ("MutatingAdmissionPolicy", _, "reinvocationPolicy") => return Some(LeftOut::Gone),
        ("IngressClass", "parameters", "scope") => json!("Cluster"),
        ("Secret", "", "type") => json!("Opaque"),
        ("Service", "spec", "type") => json!("ClusterIP"),
        (_, "strategy" | "updateStrategy", "type") => json!("RollingUpdate"),
        (_, "spec", "restartPolicy") => json!("Always"),
        (_, "exactly" | "firstAvailable", "count") => json!(1),
        (_, "httpGet", "path") => json!("/"),
        (_, "serviceAccountToken", "expirationSeconds") => json!(3600),
        (_, "clientIP", "timeoutSeconds") => json!(10_800),
        (_, "webhooks", "timeoutSeconds") => json!(10),
        (_, parent, "timeoutSeconds") if parent.ends_with("Probe") => json!(1),
        _ => return None,
    };
    Some(LeftOut::Default(value))
}
