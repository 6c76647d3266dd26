//! Clusters: their list, one of them, what a new one would lack, and bringing one back.

use super::{all_say_to, on_server};
use lockstep_types::account::Role;

#[test]
fn the_pages_of_clusters_say_what_they_are_for() {
    on_server(async {
        let pages: Vec<(String, Vec<&str>)> = vec![
            (
                "/clusters".into(),
                vec!["prod-us", "unreachable", "v1.34.1"],
            ),
            (
                "/clusters/staging-eu".into(),
                vec![
                    "Has not answered for 3 min: connection refused",
                    "Next try in 1 min",
                ],
            ),
            (
                "/clusters/prod-eu/rebuild".into(),
                vec![
                    "Git brings back 96 % of what prod-eu should hold: 3 objects are declared nowhere, 2 things that others need are missing in Git.",
                    "pull-secret",
                    "in the cluster, by hand or by a tool",
                    "certificates.cert-manager.io",
                    "nowhere",
                    "and 6 more",
                    "moves with every release",
                    "Not compared since the start: search.",
                ],
            ),
            (
                "/clusters/prod-eu/reestablish".into(),
                vec![
                    "201 of the 214 objects that Git declares for prod-eu are missing.",
                    "1. Definitions of custom kinds",
                    "Uses Certificate of cert-manager",
                    "Left out",
                    "It is only observed",
                    "Type prod-eu to bring it back",
                ],
            ),
            (
                "/clusters/prod-us/reestablish".into(),
                vec![
                    "maria is bringing the cluster back.",
                    "etcd was lost",
                    "Waits for monitoring, which failed",
                    "Stop",
                ],
            ),
            (
                "/clusters/prod-us".into(),
                vec!["Leftovers", "reports-old", "Type prod-us to remove it"],
            ),
        ];
        all_say_to(Role::Admin, pages).await;
    });
}
