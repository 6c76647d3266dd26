//! What can be done to an object from its drawer, without a script.

use super::{checkout, get, on_server};

#[test]
fn each_action_says_what_git_does_about_it_and_who_may() {
    on_server(async {
        let app = checkout().await;
        let drawer = format!("{app}?cluster=prod-eu&node=apps/Deployment:shop/checkout");
        let page = get(&drawer).await;
        assert!(page.html.contains("pane=actions"), "{}", page.html);

        let pane = get(&format!("{drawer}&pane=actions")).await;
        for part in [
            "All 3 Pods are replaced by new ones",
            "Git declares 3: self-heal puts that back within seconds.",
            "Needs the permission “action/apps/Deployment/scale”: the role operator has it.",
            "a new rollout has begun",
        ] {
            assert!(pane.text.contains(part), "{part} in {}", pane.text);
        }
        assert!(
            pane.html.contains("name=\"kind\" value=\"restart\""),
            "{}",
            pane.html
        );
        // A ConfigMap can do nothing, and has no such pane.
        let other = get(&format!(
            "{app}?cluster=prod-eu&node=/ConfigMap:shop/checkout"
        ))
        .await;
        assert!(!other.html.contains("pane=actions"));
    });
}
