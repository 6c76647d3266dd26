//! Alerts: the bell, their page, and who is told of them.

use super::{get, on_server};

#[test]
fn the_bell_counts_on_every_page_and_leads_to_the_alerts() {
    on_server(async {
        let page = get("/drift").await;
        assert!(
            page.html.contains("aria-label=\"Alerts: 3 open\""),
            "{}",
            page.text
        );
        let page = get("/alerts").await;
        for part in [
            "3 alerts are open.",
            "Cluster unreachable",
            "shop / checkout on prod-eu",
            "spec.replicas was changed from 3 to 5",
            "critical",
        ] {
            assert!(page.text.contains(part), "{part} in {}", page.text);
        }
        let page = get("/alerts?q=warning").await;
        assert!(page.text.contains("Drift open") && !page.text.contains("Cluster unreachable"));
        let page = get("/alerts?resolved=1").await;
        assert!(
            page.text.contains("No alert has ended yet"),
            "{}",
            page.text
        );
    });
}

#[test]
fn settings_say_who_is_told_what_when_and_what_came_of_it() {
    on_server(async {
        let page = get("/settings?tab=notifications").await;
        for part in [
            "on-call",
            "https://hooks.example.com",
            "every condition, warning and worse, cluster=prod-*",
            "from 22:00 to 07:00 (Europe/Berlin) only what is critical",
            "its own token",
            "There is no receiver “team-b”",
            "git.example.com answered 502 Bad Gateway.",
            "2 attempts",
        ] {
            assert!(page.text.contains(part), "{part} in {}", page.text);
        }
        assert!(page.html.contains("name=\"rules[dwell][drift]\""));
    });
}
