//! The timeline, where a search comes to an end before the log does.

use super::{get, on_server};

#[test]
fn a_search_that_found_nothing_so_far_goes_on() {
    on_server(async {
        let page = get("/activity?q=rare").await;
        for part in ["Nothing back to", "Search further back"] {
            assert!(page.text.contains(part), "{part} in {}", page.text);
        }
        assert!(
            page.html.contains("/activity?q=rare&amp;before="),
            "{}",
            page.html
        );
    });
}
