//! External Secrets, the Prometheus operator, KEDA and sealed secrets.

use super::*;

pub(super) const RULES: &[Rule] = &[
    // Conditions: <https://external-secrets.io/latest/api/externalsecret/>, <https://external-secrets.io/latest/api/secretstore/>.
    Rule {
        group: "external-secrets.io",
        kinds: &[
            "ExternalSecret",
            "ClusterExternalSecret",
            "PushSecret",
            "ClusterPushSecret",
            "SecretStore",
            "ClusterSecretStore",
        ],
        rows: &[
            row(Has("Ready", "True", &[]), Healthy, ""),
            row(
                Has("Ready", "False", &[]),
                Degraded,
                "its provider does not answer as it should",
            ),
            row(
                Has("Ready", "Unknown", &[]),
                Progressing,
                "waiting for its provider",
            ),
            row(
                Without("Ready"),
                Progressing,
                "waiting for External Secrets to look at it",
            ),
        ],
    },
    // Conditions: <https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.Condition>; `Degraded`
    // as a status means that some replicas are available.
    Rule {
        group: "monitoring.coreos.com",
        kinds: &[
            "Prometheus",
            "PrometheusAgent",
            "Alertmanager",
            "ThanosRuler",
        ],
        rows: &[
            row(Flag("/spec/paused"), Suspended, "it is paused"),
            row(
                Has("Reconciled", "False", &[]),
                Degraded,
                "the operator cannot set it up",
            ),
            row(Has("Available", "True", &[]), Healthy, ""),
            row(
                Has("Available", "Degraded", &[]),
                Progressing,
                "some of its pods are not ready",
            ),
            row(
                Has("Available", "False", &[]),
                Degraded,
                "none of its pods is ready",
            ),
            row(
                Without("Available"),
                Progressing,
                "waiting for the operator to look at it",
            ),
        ],
    },
    // What selects targets or rules is told whether its Prometheus takes it:
    // <https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.ConfigResourceStatus>.
    Rule {
        group: "monitoring.coreos.com",
        kinds: &[
            "ServiceMonitor",
            "PodMonitor",
            "Probe",
            "ScrapeConfig",
            "PrometheusRule",
            "AlertmanagerConfig",
        ],
        rows: &[row(
            AnyOf("/status/bindings", "Accepted", "False", &[]),
            Degraded,
            "its Prometheus or Alertmanager rejects it",
        )],
    },
    // Conditions: <https://keda.sh/docs/latest/concepts/scaling-deployments/>, <https://keda.sh/docs/latest/troubleshooting/>.
    Rule {
        group: "keda.sh",
        kinds: &["ScaledObject", "ScaledJob"],
        rows: &[
            row(Has("Paused", "True", &[]), Suspended, "scaling is paused"),
            row(Has("Ready", "False", &[]), Degraded, "it cannot scale"),
            row(
                Has("Fallback", "True", &[]),
                Degraded,
                "its trigger does not answer, so the fallback holds",
            ),
            row(Has("Ready", "True", &[]), Healthy, ""),
            row(
                Has("Ready", "Unknown", &[]),
                Progressing,
                "waiting for KEDA to look at it",
            ),
            row(
                Without("Ready"),
                Progressing,
                "waiting for KEDA to look at it",
            ),
        ],
    },
    // Condition: <https://github.com/bitnami-labs/sealed-secrets#managing-existing-secrets>.
    Rule {
        group: "bitnami.com",
        kinds: &["SealedSecret"],
        rows: &[
            UNSEEN,
            row(
                Has("Synced", "False", &[]),
                Degraded,
                "it could not be unsealed",
            ),
            row(Has("Synced", "True", &[]), Healthy, ""),
            row(
                Without("Synced"),
                Progressing,
                "waiting for its controller to unseal it",
            ),
        ],
    },
];
