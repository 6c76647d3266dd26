//! Who wrote an object, in its drawer.

use super::{checkout, get, on_server};

#[test]
fn each_line_stands_beside_its_commit_and_what_the_cluster_has_instead() {
    on_server(async {
        let app = checkout().await;
        let drawer = format!("{app}?cluster=prod-eu&node=apps/Deployment:shop/checkout");
        assert!(get(&drawer).await.html.contains("pane=blame"));

        let pane = get(&format!("{drawer}&pane=blame")).await;
        for part in [
            "replicas: 3",
            "checkout.yaml:7",
            "checkout.yaml, line not known",
            "definition",
            "Ben",
            "the cluster has 5, written by kubectl-scale",
            "spec.minReadySeconds",
        ] {
            assert!(pane.text.contains(part), "{part} in {}", pane.text);
        }
        let commit = format!("/commits/shop/{}", "b".repeat(40));
        assert!(pane.html.contains(&commit), "{}", pane.html);
        assert!(!pane.html.contains("<b>how</b>"), "{}", pane.html);
    });
}

#[test]
fn drift_is_accepted_for_review_or_at_once_or_says_why_not() {
    on_server(async {
        let app = checkout().await;
        let page = format!(
            "{app}/accept?cluster=prod-eu&node=apps/Deployment:shop/checkout&path=spec.replicas"
        );
        let review = get(&page).await;
        for part in [
            "You become the author of what kubectl-scale wrote.",
            "It is written in production/checkout.yaml:7.",
            "Open pull request",
            "replicas: 5",
        ] {
            assert!(review.text.contains(part), "{part} in {}", review.text);
        }
        let at_once = get(&format!("{page}&way=commit")).await;
        assert!(at_once.html.contains("name=\"way\" value=\"commit\""));

        let refused = get(&page.replace("spec.replicas", "metadata.name")).await;
        assert!(
            refused.text.contains("Nothing says it."),
            "{}",
            refused.text
        );
        assert!(!refused.html.contains("name=\"digest\""));
        let drift = get("/drift").await;
        assert!(drift.html.contains("/accept?cluster="), "{}", drift.html);
    });
}
