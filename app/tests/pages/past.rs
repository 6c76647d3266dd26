//! Looking at an earlier time, by plain links and forms.

use super::{checkout, get, on_server};

#[test]
fn the_fleet_shows_what_was_true_then_and_what_has_changed() {
    on_server(async {
        let now = get("/").await;
        assert!(now.html.contains("type=\"datetime-local\""), "{}", now.html);
        let page = get("/?at=2025-11-23T14:00Z&q=cart").await;
        for part in [
            "As it was at 2025-11-23 14:00:00 UTC",
            "Nothing here is live.",
            "2 targets stand otherwise now",
            "Synced·Healthy",
            "2 of 3 pods cannot pull checkout:2.9.1",
            "not there",
        ] {
            assert!(page.text.contains(part), "{part} in {}", page.text);
        }
        assert!(!page.text.contains("Needs you"), "{}", page.text);
        // Rows lead to the same time, and the filter stays at it.
        assert!(page.html.contains("at=2025-11-23T14:00:00Z"));
        assert!(
            page.html
                .contains("name=\"at\" value=\"2025-11-23T14:00Z\"")
        );
        let early = get("/?at=2020-01-01").await;
        assert!(
            early.text.contains("Nothing was recorded before"),
            "{}",
            early.text
        );
    });
}

#[test]
fn a_time_that_cannot_be_read_says_how_to_write_one() {
    on_server(async {
        let page = get("/?at=yesterday").await;
        assert!(page.text.contains("write how long ago"), "{}", page.text);
        let page = get("/?at=2999-01-01").await;
        assert!(page.text.contains("has not come yet"), "{}", page.text);
    });
}

#[test]
fn a_target_shows_then_beside_now_and_what_one_does_about_it() {
    on_server(async {
        let app = checkout().await;
        let page = get(&format!("{app}?cluster=prod-eu&at=2025-11-23T14:00Z")).await;
        for part in [
            "As it was at 2025-11-23 14:00:00 UTC",
            "Synced·Healthy",
            "Synced·Degraded",
            "Compare with now",
            "Roll back to this",
            "Synced, Degraded",
        ] {
            assert!(page.text.contains(part), "{part} in {}", page.text);
        }
        let before = get(&format!("{app}?cluster=prod-eu&at=2020-01-01")).await;
        assert!(
            before.text.contains("It was not there yet"),
            "{}",
            before.text
        );
        let drift = get("/drift?at=2025-11-23").await;
        assert!(
            drift.text.contains("fields differed from what Git said"),
            "{}",
            drift.text
        );
    });
}
