//! The log of an object in the drawer, without a script.

use super::{checkout, get, on_server};

#[test]
fn the_last_lines_are_there_before_any_script() {
    on_server(async {
        let app = checkout().await;
        let drawer = format!("{app}?cluster=prod-eu&node=apps/Deployment:shop/checkout");
        let page = get(&drawer).await;
        assert!(page.html.contains("pane=logs"), "{}", page.html);

        let both = get(&format!("{drawer}&pane=logs")).await;
        for part in [
            "All 2 Pods",
            "checkout, 7 restarts",
            "migrate, runs first",
            "connected to <b>orders</b>",
        ] {
            assert!(both.text.contains(part), "{part} in {}", both.text);
        }
        assert!(both.html.contains("connected to &lt;b&gt;orders&lt;/b&gt;"));
        assert!(both.html.contains("tail=5000&amp;download=true"));
        assert_eq!(both.text.matches("cannot parse FEATURE_FLAGS").count(), 2);

        let one = get(&format!("{drawer}&pane=logs&pod=checkout-7d9f8b-k8s2p")).await;
        assert_eq!(one.text.matches("cannot parse FEATURE_FLAGS").count(), 1);
    });
}
