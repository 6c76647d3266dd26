//! What the API server's own Go types do that its OpenAPI document does not say: which zero values vanish, and which
//! fields come back with a default when they are left out. Only for kinds compiled into the API server.

use serde_json::{Value, json};

/// Fields that are plain values in Go with `omitempty`: written as zero (`""`, `0`, `false`) they vanish. Names that
/// are pointers somewhere are left out unless they are pointers only where nobody writes them.
const VANISHING: &[&str] = &[
    "$schema",
    "action",
    "apiVersion",
    "chapAuthDiscovery",
    "chapAuthSession",
    "clusterIP",
    "concurrencyPolicy",
    "deprecated",
    "description",
    "directory",
    "dnsPolicy",
    "effect",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "externalName",
    "externalTrafficPolicy",
    "failureThreshold",
    "fieldPath",
    "format",
    "generateName",
    "globalDefault",
    "group",
    "healthCheckNodePort",
    "host",
    "hostIP",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostPort",
    "hostname",
    "id",
    "image",
    "imagePullPolicy",
    "initialDelaySeconds",
    "insecureSkipTLSVerify",
    "iscsiInterface",
    "key",
    "keyring",
    "listKind",
    "loadBalancerIP",
    "medium",
    "messageExpression",
    "minReadySeconds",
    "name",
    "namespace",
    "nodeName",
    "nodePort",
    "nullable",
    "operator",
    "pattern",
    "paused",
    "periodSeconds",
    "persistentVolumeReclaimPolicy",
    "podManagementPolicy",
    "preserveUnknownFields",
    "priorityClassName",
    "publishNotReadyAddresses",
    "pullPolicy",
    "readOnly",
    "resource",
    "role",
    "schedulerName",
    "scheme",
    "secretName",
    "serviceAccount",
    "serviceAccountName",
    "sessionAffinity",
    "singular",
    "stdin",
    "stdinOnce",
    "subPath",
    "subPathExpr",
    "subdomain",
    "successThreshold",
    "targetContainerName",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "title",
    "tty",
    "uniqueItems",
    "unschedulable",
    "user",
    "value",
    "volumeName",
    "whenDeleted",
    "whenScaled",
    "workingDir",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
];

/// Parents under which such a name is a pointer after all.
const POINTER_PARENTS: &[&str] = &["azureDisk", "csi", "dataSourceRef", "clusterTrustBundle"];

/// Fields that the API server fills in with something that depends on the rest of the object or of the cluster.
const COMPUTED: &[&str] = &[
    "accessModes",
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
    "failurePolicy",
    "healthCheckNodePort",
    "hostPort",
    "imagePullPolicy",
    "ingressClassName",
    "ipFamilies",
    "ipFamilyPolicy",
    "kind",
    "labels",
    "limits",
    "listKind",
    "maxSurge",
    "maxUnavailable",
    "metrics",
    "nodePort",
    "parallelism",
    "persistentVolumeClaimRetentionPolicy",
    "phase",
    "policies",
    "policyTypes",
    "preemptionPolicy",
    "priority",
    "pullPolicy",
    "requests",
    "restartPolicy",
    "rollingUpdate",
    "scaleDown",
    "scaleUp",
    "secrets",
    "selectPolicy",
    "selector",
    "serviceAccount",
    "serviceAccountName",
    "sessionAffinityConfig",
    "singular",
    "shortNames",
    "stabilizationWindowSeconds",
    "status",
    "storageClassName",
    "strategy",
    "targetPort",
    "timeoutSeconds",
    "tolerance",
    "type",
    "updateStrategy",
    "volumeName",
    "volumeLifecycleModes",
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
    "selectPolicy",
    "stabilizationWindowSeconds",
    "status",
    "storageClassName",
    "tolerance",
];

/// Maps with free keys into which the server writes values of its own.
const FILLED_MAPS: &[&str] = &["default", "defaultRequest", "limits", "requests"];

/// Whether the server may have put this field into an item of a list that is replaced whole.
pub(super) fn computed_in_items(name: &str) -> bool {
    COMPUTED_IN_ITEMS.contains(&name)
}

/// Whether the server puts keys of its own into this map.
pub(super) fn filled_map(name: &str) -> bool {
    FILLED_MAPS.contains(&name)
}

/// Whether a zero value at this field vanishes.
pub(super) fn vanishes(parent: &str, name: &str) -> bool {
    VANISHING.contains(&name) && !POINTER_PARENTS.contains(&parent)
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

/// What the API server makes of a built-in kind's field that nobody gives.
pub(super) fn left_out(name: &str) -> LeftOut {
    let value = match name {
        "protocol" => json!("TCP"),
        "apiVersion" => json!("v1"),
        "attachRequired" | "enableServiceLinks" => json!(true),
        "backoffLimit" => json!(6),
        "completionMode" => json!("NonIndexed"),
        "concurrencyPolicy" => json!("Allow"),
        "defaultMode" => json!(420),
        "dnsPolicy" => json!("ClusterFirst"),
        "expirationSeconds" => json!(3600),
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
