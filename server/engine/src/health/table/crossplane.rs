//! Crossplane. Conditions of managed resources: <https://docs.crossplane.io/latest/managed-resources/managed-resources/#conditions>;
//! of packages: <https://docs.crossplane.io/latest/packages/providers/#conditions>; of composite resources and their
//! definitions: <https://docs.crossplane.io/latest/composition/composite-resource-definitions/>.

use super::*;

/// What has neither condition, such as a ProviderConfig or a Composition, has nothing to wait for.
const MANAGED: &[Row] = &[
    row(
        Has("Synced", "False", &[]),
        Degraded,
        "it could not be brought in line with its provider",
    ),
    row(
        Has("LastAsyncOperation", "False", &[]),
        Degraded,
        "the last request to its provider failed",
    ),
    row(
        Has("Ready", "False", &["Unavailable"]),
        Degraded,
        "its provider says that it is unavailable",
    ),
    row(
        Has("Ready", "False", &[]),
        Progressing,
        "its provider is at work",
    ),
    row(
        Has("Ready", "Unknown", &[]),
        Progressing,
        "its provider has not said yet how it is",
    ),
    row(Has("Ready", "True", &[]), Healthy, ""),
    row(
        Has("Synced", "True", &[]),
        Progressing,
        "it was requested, and is not ready yet",
    ),
];

pub(super) const RULES: &[Rule] = &[
    Rule {
        group: "pkg.crossplane.io",
        kinds: &[
            "Provider",
            "Configuration",
            "Function",
            "ProviderRevision",
            "ConfigurationRevision",
            "FunctionRevision",
        ],
        rows: &[
            row(
                Has(
                    "Installed",
                    "False",
                    &["UnpackingPackage", "InactivePackageRevision"],
                ),
                Progressing,
                "the package is being installed",
            ),
            row(
                Has("Installed", "False", &[]),
                Degraded,
                "the package cannot be installed",
            ),
            row(
                Has("Healthy", "False", &[]),
                Degraded,
                "the package is unhealthy",
            ),
            row(
                Has("Healthy", "Unknown", &[]),
                Progressing,
                "the package is being installed",
            ),
            row(Has("Healthy", "True", &[]), Healthy, ""),
            row(
                Without("Healthy"),
                Progressing,
                "waiting for the package to be installed",
            ),
        ],
    },
    Rule {
        group: "apiextensions.crossplane.io",
        kinds: &["CompositeResourceDefinition"],
        rows: &[
            row(
                Has("Established", "False", &["TerminatingCompositeResource"]),
                Progressing,
                "its kind is being removed",
            ),
            row(
                Has("Offered", "False", &[]),
                Degraded,
                "its claims are not offered",
            ),
            row(Has("Established", "True", &[]), Healthy, ""),
            row(
                Without("Established"),
                Progressing,
                "its kind is not served yet",
            ),
            row(
                Has("Established", "False", &[]),
                Progressing,
                "its kind is not served yet",
            ),
        ],
    },
    Rule {
        group: "*.crossplane.io",
        kinds: &[],
        rows: MANAGED,
    },
    Rule {
        group: "*.upbound.io",
        kinds: &[],
        rows: MANAGED,
    },
];
