//! Taking one commit back, and saying that one was good or bad.

use super::{checkout, get, on_server};

#[test]
fn one_commit_is_taken_back_or_its_conflicts_are_named() {
    on_server(async {
        let app = checkout().await;
        let history = get(&format!("{app}?cluster=prod-eu&tab=history")).await;
        let address = |html: &str, mark: &str| -> String {
            let at = html.find(mark).expect(mark);
            let from = html[..at].rfind("href=\"").expect("an address") + 6;
            html[from..at + html[at..].find('"').expect("its end")].replace("&amp;", "&")
        };
        let undo = address(&history.html, "undo=1");
        let page = get(&undo).await;
        for part in [
            "Undo ",
            " in checkout",
            "Later commits stay",
            "Commit to main",
            "Pull request",
        ] {
            assert!(page.text.contains(part), "{part} in {}", page.text);
        }
        assert!(!page.text.contains("Pin prod-eu until"), "{}", page.text);
        assert!(
            page.html.contains("name=\"way\" value=\"undo-commit\""),
            "{}",
            page.html
        );
        let clash = get(&undo.replace("to=3fa91c2", "to=2c4e9aa")).await;
        assert!(
            clash.text.contains("Later commits changed the same."),
            "{}",
            clash.text
        );
        assert!(
            clash.text.contains("the same lines were changed since"),
            "{}",
            clash.text
        );
    });
}

#[test]
fn a_revision_is_marked_in_a_dialog_and_the_history_says_by_whom() {
    on_server(async {
        let app = checkout().await;
        let history = get(&format!("{app}?cluster=prod-eu&tab=history")).await;
        assert!(
            history
                .html
                .contains("Marked as good by maria: orders went through"),
            "{}",
            history.html
        );
        assert!(history.html.contains("dialog=mark-"), "{}", history.html);
        let dialog = get(&format!(
            "{app}?cluster=prod-eu&tab=history&dialog=mark-3fa91c2"
        ))
        .await;
        for part in [
            "Mark 3fa91c2 on prod-eu",
            "This revision is",
            "Good: offered to go back to",
        ] {
            assert!(dialog.text.contains(part), "{part} in {}", dialog.text);
        }
    });
}
