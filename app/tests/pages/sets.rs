//! Sets of applications: what each generates, and what it does not and why.

use super::{get, on_server};

#[test]
fn the_page_of_sets_shows_applications_parameters_and_what_is_missing() {
    on_server(async {
        let page = get("/settings?tab=sets").await;
        for part in [
            "ApplicationSet argocd/shops",
            "shops/checkout",
            "path.basename = checkout",
            "spec.generators[1].pullRequest is not generated here",
            "Waits for https://git.example.com/team/addons.git",
        ] {
            assert!(page.text.contains(part), "{part} in {}", page.text);
        }
    });
}
