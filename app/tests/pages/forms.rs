//! Forms of the pages, sent as a browser without a script sends them.

use super::*;

#[test]
fn a_sync_form_works_without_a_script() {
    on_server(async {
        let target = checkout_target().await;
        let done = post(
            Role::Operator,
            "/sfn/sync",
            "http://localhost/",
            &format!("target={target}&prune=true&key=k"),
        )
        .await;
        assert_eq!(done.status, StatusCode::FOUND, "{}", done.html);
        assert_eq!(done.location, format!("/operations/{RUN}"));
        let led = get(&done.location).await;
        assert_eq!(
            (led.status, led.location),
            (StatusCode::FOUND, format!("/syncs/{RUN}"))
        );
    });
}

#[test]
fn a_sync_form_says_what_is_chosen_and_what_is_different_this_time() {
    on_server(async {
        let target = checkout_target().await;
        let at = format!(
            "{}?cluster=prod-eu&dialog=sync-out-of-sync",
            checkout().await
        );
        let page = get(&at).await.text;
        for part in [
            "Only these objects",
            "runs no hooks, and the revision does not count as deployed by it",
            "deleted and made anew, with everything it owns",
            "nothing is written",
        ] {
            assert!(page.contains(part), "{part}");
        }
        let referer = format!("http://localhost{at}");
        let chosen = format!("target={target}&key=k&options%5Bscope%5D=chosen");
        for (more, says) in [
            ("", "tick at least one object, or name a label"),
            (
                "&options%5Blabels%5D=tier",
                "tier is not of the form name=value",
            ),
            (
                // One that is not ticked leaves a gap in the numbers.
                "&options%5Blabels%5D=told%3Dyes&options%5Bresources%5D%5B2%5D=%2FConfigMap%3Ashop%2Fa&options%5Bdry_run%5D=true&options%5Bforce%5D=true",
                "asked for: dry run, 1 selected object, objects with told=yes, force",
            ),
        ] {
            let form = format!("{chosen}{more}");
            let refused = post(Role::Operator, "/sfn/sync", &referer, &form).await;
            let page = get(refused.location.trim_start_matches("http://localhost")).await;
            assert!(page.text.contains(says), "{more}: {}", page.text);
        }
        let form = format!("{chosen}&options%5Bresources%5D%5B1%5D=%2FConfigMap%3Ashop%2Fa");
        let done = post(Role::Operator, "/sfn/sync", &referer, &form).await;
        assert_eq!(done.location, format!("/operations/{RUN}"));
    });
}

#[test]
fn a_refused_form_leads_back_to_its_page_with_the_reason() {
    on_server(async {
        let target = checkout_target().await;
        let referer = format!(
            "http://localhost{}?cluster=prod-eu&dialog=sync",
            checkout().await
        );
        let refused = post(
            Role::Viewer,
            "/sfn/sync",
            &referer,
            &format!("target={target}"),
        )
        .await;
        assert_eq!(refused.status, StatusCode::FOUND);
        let address = refused
            .location
            .trim_start_matches("http://localhost")
            .to_owned();
        let page = get_as(Some(Role::Viewer), &address).await;
        assert!(
            page.text
                .contains("this needs the permission “sync”; the role operator has it"),
            "{address}: {}",
            page.text
        );
    });
}

#[test]
fn a_rollback_form_commits_pins_or_says_why_not() {
    on_server(async {
        let target = checkout_target().await;
        let app = checkout().await;
        let referer = format!("http://localhost{app}/rollback?cluster=prod-eu");
        let back = format!("{app}%3Fcluster=prod-eu").replace('/', "%2F");
        let form = |reason: &str, way: &str| {
            format!(
                "target={target}&to=9be0417&digest=d&reason={reason}&way={way}&options%5Bhours%5D=4&back={back}"
            )
        };
        for way in ["commit", "pin"] {
            let done = post(
                Role::Operator,
                "/sfn/roll_back",
                &referer,
                &form("broken", way),
            )
            .await;
            assert_eq!(
                (done.status, done.location),
                (StatusCode::FOUND, format!("{app}?cluster=prod-eu")),
                "{way}"
            );
        }
        for (reason, says) in [
            (
                "protected",
                "the host refused the push, and nothing was changed: branch main is protected",
            ),
            ("moved", "the branch moved to deadbee since this preview"),
        ] {
            let refused = post(
                Role::Operator,
                "/sfn/roll_back",
                &referer,
                &form(reason, "commit"),
            )
            .await;
            let page = get(refused.location.trim_start_matches("http://localhost")).await;
            assert!(page.text.contains(says), "{reason}: {}", page.text);
        }
        // One that is not ticked leaves a gap in the numbers.
        let ticked = form("why", "commit") + "&options%5Boverrides%5D%5B1%5D=hold%3A8";
        let refused = post(Role::Operator, "/sfn/roll_back", &referer, &ticked).await;
        let page = get(refused.location.trim_start_matches("http://localhost")).await;
        assert!(
            page.text.contains("hold:8 is not in the way"),
            "{}",
            page.text
        );
        let waits = post(
            Role::Operator,
            "/sfn/roll_back",
            &referer,
            &form("four+eyes", "commit"),
        )
        .await;
        assert_eq!(waits.location, "/approvals");
        let elsewhere = form("broken", "commit").replace(&back, "https%3A%2F%2Fevil.example%2F");
        let done = post(Role::Operator, "/sfn/roll_back", &referer, &elsewhere).await;
        assert_eq!(done.location, referer);
    });
}

#[test]
fn a_rollback_says_how_its_commit_is_signed() {
    on_server(async {
        let page = async |to: &str, way: &str| {
            let (app, rest) = (checkout().await, "8d41c7a9b3e2f60514000000000000000");
            get(&format!(
                "{app}/rollback?cluster=prod-eu&to={to}{rest}{way}"
            ))
            .await
        };
        let signed = page("9be0417", "").await.text;
        assert!(
            signed.contains("Signed with the key ") && signed.contains("SHA256:nThbg6kXUpJW"),
            "{signed}"
        );
        // The rendered difference, target by target.
        assert!(
            signed.contains("What changes in checkout on prod-eu: "),
            "{signed}"
        );
        // Nothing of it concerns a pin.
        let pinned = page("9be0417", "&way=pin").await.text;
        assert!(!pinned.contains("Signed with the key "), "{pinned}");
        // What would be refused is not offered; for review it goes.
        let refused = page("b0d1e57", "").await.text;
        for words in [
            "A commit to main would be refused",
            "Lockstep has no key to sign with",
            "Open pull request",
        ] {
            assert!(refused.contains(words), "{words}: {refused}");
        }
        for words in ["Commit and sync", "Signed with the key "] {
            assert!(!refused.contains(words), "{words}: {refused}");
        }
    });
}
