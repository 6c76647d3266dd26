//! cert-manager. Conditions of its kinds: <https://cert-manager.io/docs/reference/api-docs/>; how an issuance fails:
//! <https://cert-manager.io/docs/troubleshooting/>.

use super::*;

pub(super) const RULES: &[Rule] = &[
    Rule {
        group: "cert-manager.io",
        kinds: &["Certificate"],
        rows: &[
            UNSEEN,
            row(Has("Ready", "True", &[]), Healthy, ""),
            row(
                Has("Issuing", "False", &["Failed"]),
                Degraded,
                "the certificate could not be issued",
            ),
            row(
                Has("Issuing", "True", &[]),
                Progressing,
                "the certificate is being issued",
            ),
            row(
                Has("Ready", "False", &["Expired"]),
                Degraded,
                "the certificate has expired",
            ),
            row(
                Has("Ready", "False", &[]),
                Progressing,
                "the certificate is not ready yet",
            ),
            row(
                Without("Ready"),
                Progressing,
                "waiting for cert-manager to look at it",
            ),
        ],
    },
    Rule {
        group: "cert-manager.io",
        kinds: &["Issuer", "ClusterIssuer"],
        rows: &[
            UNSEEN,
            row(Has("Ready", "True", &[]), Healthy, ""),
            row(
                Has("Ready", "False", &["Pending"]),
                Progressing,
                "it is being set up",
            ),
            row(
                Has("Ready", "False", &[]),
                Degraded,
                "it cannot issue certificates",
            ),
            row(
                Without("Ready"),
                Progressing,
                "waiting for cert-manager to look at it",
            ),
        ],
    },
    Rule {
        group: "cert-manager.io",
        kinds: &["CertificateRequest"],
        rows: &[
            row(
                Has("Denied", "True", &[]),
                Degraded,
                "the request was denied",
            ),
            row(
                Has("InvalidRequest", "True", &[]),
                Degraded,
                "the request is invalid",
            ),
            row(Has("Ready", "True", &[]), Healthy, ""),
            row(
                Has("Ready", "False", &["Failed", "Denied"]),
                Degraded,
                "the request failed",
            ),
            row(
                Has("Ready", "False", &[]),
                Progressing,
                "the request is pending",
            ),
            row(Without("Ready"), Progressing, "waiting for its issuer"),
        ],
    },
    Rule {
        group: "acme.cert-manager.io",
        kinds: &["Order", "Challenge"],
        rows: &[
            row(Field("/status/state", &["valid", "ready"], ""), Healthy, ""),
            row(
                Field(
                    "/status/state",
                    &["invalid", "errored", "expired"],
                    "/status/reason",
                ),
                Degraded,
                "the ACME server refused it",
            ),
            row(
                Field(
                    "/status/state",
                    &["", "pending", "processing"],
                    "/status/reason",
                ),
                Progressing,
                "waiting for the ACME server",
            ),
        ],
    },
];
