//! Applications with several sources, and what their renders warn of.

use super::{checkout, get, on_server};

#[test]
fn applications_with_several_sources_show_all_of_them() {
    on_server(async {
        let app = checkout().await;
        let page = get(&format!("{app}?cluster=prod-eu")).await;
        for part in [
            "values.git",
            "tracks stable",
            "c0ffee1",
            "files for $values",
        ] {
            assert!(page.text.contains(part), "{part} in {}", page.text);
        }
        let history = get(&format!("{app}?cluster=prod-eu&tab=history")).await;
        for part in ["values.git", "c0ffee1"] {
            assert!(history.text.contains(part), "{part} in {}", history.text);
        }
        let changes = get(&format!("{app}?cluster=prod-eu&tab=changes")).await;
        assert!(
            changes.text.contains("2 warnings") && changes.text.contains("the later one counts"),
            "{}",
            changes.text
        );
    });
}
