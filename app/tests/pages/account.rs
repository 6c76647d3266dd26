//! Ways in, and one's own account: password, second factor, sessions.

use super::{get, get_as, on_server, post};
use axum::http::StatusCode;
use lockstep_types::account::Role;

#[test]
fn the_login_page_asks_for_what_is_next() {
    on_server(async {
        for (address, part) in [
            ("/login", "Password"),
            ("/login?step=code", "Six digits from your authenticator"),
            ("/login?step=code&error=code", "The code is wrong."),
            ("/login?link=lsk_x", "This link logs you in once."),
            (
                "/login?error=sso_taken",
                "There is an account of your name already.",
            ),
            ("/login?error=sso_groups", "Your login holds no groups."),
            ("/login?error=%3Cb%3E", "You could not be logged in."),
        ] {
            let page = get_as(None, address).await;
            assert_eq!(page.status, StatusCode::OK);
            assert!(page.text.contains(part), "{part} in {}", page.text);
        }
    });
}

#[test]
fn what_keeps_renderers_in_is_said() {
    on_server(async {
        let page = get("/settings?tab=about").await;
        let words = lockstep_types::about::Cage::Closed.words();
        assert!(page.text.contains(words), "{}", page.text);
    });
}

#[test]
fn ones_account_shows_the_second_factor_and_the_sessions() {
    on_server(async {
        let page = get("/settings?tab=account").await;
        for part in [
            "maria",
            "You log in here.",
            "Change your password",
            "3 recovery codes are left.",
            "Remove the second factor",
            "Chrome on Linux",
            "192.0.2.7",
            "End all others",
        ] {
            assert!(page.text.contains(part), "{part} in {}", page.text);
        }
        let page = get_as(Some(Role::Viewer), "/settings?tab=account").await;
        assert!(page.text.contains("Add a second factor"), "{}", page.text);
    });
}

#[test]
fn a_session_is_ended_without_a_script() {
    on_server(async {
        let form = "user=00000000-0000-0000-0000-000000000007&session=00000000-0000-0000-0000-00000000004d";
        let back = "http://localhost/settings?tab=account";
        let page = post(Role::Viewer, "/sfn/end_session", back, form).await;
        assert_eq!(page.status, StatusCode::FOUND);
        assert!(!page.location.contains("error"), "{}", page.location);
    });
}

#[test]
fn accounts_show_who_comes_from_where_and_how_to_help() {
    on_server(async {
        let page = get_as(Some(Role::Admin), "/settings?tab=accounts").await;
        for part in [
            "by company",
            "second factor",
            "Add an automation account",
            "Whose password",
            "End all sessions",
        ] {
            assert!(page.text.contains(part), "{part} in {}", page.text);
        }
        let page = get_as(Some(Role::Admin), "/settings?tab=tokens").await;
        assert!(page.text.contains("Replace"), "{}", page.text);
    });
}
