//! Gateway API. Conditions: <https://gateway-api.sigs.k8s.io/geps/gep-1364/>, with their reasons in
//! <https://gateway-api.sigs.k8s.io/reference/spec/>.

use super::*;

const ROUTE: &[Row] = &[
    row(
        AnyOf("/status/parents", "Accepted", "False", &["Pending"]),
        Progressing,
        "its gateway has not decided yet",
    ),
    row(
        AnyOf("/status/parents", "Accepted", "False", &[]),
        Degraded,
        "its gateway does not accept it",
    ),
    row(
        AnyOf("/status/parents", "ResolvedRefs", "False", &[]),
        Degraded,
        "it refers to something that is not there",
    ),
    row(
        AnyOf("/status/parents", "Accepted", "Unknown", &[]),
        Progressing,
        "its gateway has not decided yet",
    ),
    row(
        AnyOf("/status/parents", "Accepted", "True", &[]),
        Healthy,
        "",
    ),
    row(
        Empty("/status/parents"),
        Progressing,
        "no gateway has taken it up yet",
    ),
];

pub(super) const RULES: &[Rule] = &[
    Rule {
        group: "gateway.networking.k8s.io",
        kinds: &["GatewayClass"],
        rows: &[
            row(Has("Accepted", "True", &[]), Healthy, ""),
            row(
                Has("Accepted", "False", &[]),
                Degraded,
                "no controller accepts it",
            ),
            row(
                Has("Accepted", "Unknown", &[]),
                Progressing,
                "waiting for its controller",
            ),
            row(
                Without("Accepted"),
                Progressing,
                "waiting for its controller",
            ),
        ],
    },
    Rule {
        group: "gateway.networking.k8s.io",
        kinds: &["Gateway"],
        rows: &[
            row(
                Has("Accepted", "False", &[]),
                Degraded,
                "its controller does not accept it",
            ),
            row(
                AnyOf("/status/listeners", "ResolvedRefs", "False", &[]),
                Degraded,
                "a listener refers to something that is not there",
            ),
            row(
                AnyOf("/status/listeners", "Conflicted", "True", &[]),
                Degraded,
                "two listeners are in each other's way",
            ),
            row(
                Has("Programmed", "False", &["Invalid"]),
                Degraded,
                "it cannot be set up",
            ),
            row(
                Has("Programmed", "False", &[]),
                Progressing,
                "it is not set up yet",
            ),
            row(Has("Programmed", "True", &[]), Healthy, ""),
            row(
                Has("Programmed", "Unknown", &[]),
                Progressing,
                "waiting for its controller",
            ),
            row(
                Without("Programmed"),
                Progressing,
                "waiting for its controller",
            ),
        ],
    },
    Rule {
        group: "gateway.networking.k8s.io",
        kinds: &["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"],
        rows: ROUTE,
    },
    Rule {
        group: "gateway.networking.k8s.io",
        kinds: &["BackendTLSPolicy"],
        rows: &[
            row(
                AnyOf("/status/ancestors", "Accepted", "False", &[]),
                Degraded,
                "its gateway does not accept it",
            ),
            row(
                AnyOf("/status/ancestors", "ResolvedRefs", "False", &[]),
                Degraded,
                "it refers to something that is not there",
            ),
        ],
    },
];
