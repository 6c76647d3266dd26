//! Sets of applications: what each generates, and what it does not and why.

use super::{checkout, get, on_server};

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

/// On the page of sets, and on that of a member.
#[test]
fn a_rollout_shows_its_steps_and_what_pauses_it() {
    on_server(async {
        let member = checkout().await;
        for address in ["/settings?tab=sets", member.as_str()] {
            let page = get(address).await;
            for part in [
                "rollout paused",
                "The rollout is paused: checkout on staging-eu is Degraded: 1 of 3 pods cannot pull checkout:2.9.1.",
                "Step 1",
                "0 of 1 ready",
                "all at once",
                "env in production",
                "at most 25% at once",
                "checkout on prod-us",
            ] {
                assert!(page.text.contains(part), "{part} in {}", page.text);
            }
        }
    });
}
