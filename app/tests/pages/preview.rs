//! What a branch would do, before it is merged.

use super::{get, on_server};

#[test]
fn a_branch_says_what_it_would_do_on_each_target() {
    on_server(async {
        let page = get("/preview?repo=shop&ref=feature").await;
        for part in [
            "What feature would do",
            "1 commit for main would change 3 targets.",
            "It changes files that the source fleet reads.",
            "Rendered differences:",
        ] {
            assert!(page.text.contains(part), "{part} in {}", page.text);
        }
        assert!(page.html.contains("&amp;with="), "{}", page.html);
        let asks = get("/preview?repo=shop").await;
        for part in ["What a branch would do", "Branch or commit", "Onto"] {
            assert!(asks.text.contains(part), "{part} in {}", asks.text);
        }
        assert!(asks.html.contains("value=\"shop\""), "{}", asks.html);
        let nothing = get("/preview?repo=shop&ref=nowhere").await;
        assert!(nothing.text.contains("nowhere"), "{}", nothing.text);
    });
}
