//! What runs where, and bringing one environment's versions to another.

use super::{get, get_as, on_server, post, send};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use lockstep_types::account::Role;

/// The first address of a promotion on the page.
fn promotion(html: &str) -> String {
    let at = html.find("/promote?").expect("a way to promote");
    html[at..at + html[at..].find('"').expect("its end")].replace("&amp;", "&")
}

#[test]
fn unexpected_differences_stand_with_their_values_and_the_way_on() {
    on_server(async {
        let page = get("/parity").await;
        for part in [
            "1 application has differences that Git does not ask for.",
            "1 unexpected",
            "2.10.0<b>",
            "2.9.1",
            "Expected: each environment has files or options of its own.",
            "Take staging's versions",
            "4 more run the same everywhere",
            "by region",
        ] {
            assert!(page.text.contains(part), "{part} in {}", page.text);
        }
        assert!(!page.html.contains("2.10.0<b>"), "escaped");
        let all = get("/parity?all=1").await;
        assert!(!all.text.contains("4 more"), "{}", all.text);
        let wrong = get("/parity?q=(").await;
        assert!(wrong.text.contains("an open bracket"), "{}", wrong.text);
        let request = Request::get("/parity")
            .header(header::ACCEPT, "text/html")
            .body(Body::empty())
            .expect("a request");
        let empty = send(Some(Role::Operator), true, request).await;
        let nothing = "Nothing runs in more than one place";
        assert!(empty.text.contains(nothing), "{}", empty.text);
    });
}

#[test]
fn a_promotion_is_shown_before_it_is_made_or_says_why_not() {
    on_server(async {
        let forward = promotion(&get("/parity").await.html);
        let page = get_as(Some(Role::Admin), &forward).await;
        for part in [
            "Take what staging-eu runs to prod-eu",
            "registry.example.com/checkout=2.10.0",
            "checkout:2.9.1 → 2.10.0 in 1 file of main",
            "is Degraded at present.",
            "Open pull request",
            "newTag: 2.10.0",
            "Ask for v2.10.0 in the definition",
        ] {
            assert!(page.text.contains(part), "{part} in {}", page.text);
        }
        let at_once = get_as(Some(Role::Admin), &format!("{forward}&way=commit")).await;
        assert!(at_once.html.contains("name=\"way\" value=\"commit\""));

        let (from, to) = forward
            .trim_start_matches("/promote?from=")
            .split_once("&to=")
            .expect("two targets");
        let back = format!("/promote?from={to}&to={from}");
        let refused = get_as(Some(Role::Admin), &back).await;
        for part in [
            "This cannot become a commit.",
            "base/x.yaml:7 is read by search too.",
            "Look at it with every application that reads the file",
        ] {
            assert!(refused.text.contains(part), "{part} in {}", refused.text);
        }
        assert!(!refused.html.contains("name=\"digest\""));
        let everywhere = get_as(Some(Role::Admin), &format!("{back}&everywhere=1")).await;
        assert!(
            everywhere
                .html
                .contains("name=\"everywhere\" value=\"true\"")
        );

        let nowhere = get_as(Some(Role::Admin), "/promote?from=x&to=y").await;
        assert!(
            nowhere.text.contains("This promotion was not found"),
            "{}",
            nowhere.text
        );
    });
}

#[test]
fn a_promotion_works_without_a_script() {
    on_server(async {
        let forward = promotion(&get("/parity").await.html);
        let (from, to) = forward
            .trim_start_matches("/promote?from=")
            .split_once("&to=")
            .expect("two targets");
        let form = format!(
            "from={from}&to={to}&digest=d&way=commit&everywhere=false&reason=tried&back=%2Fapps%2Fx"
        );
        let done = post(Role::Admin, "/sfn/promote", &forward, &form).await;
        assert_eq!(done.status, StatusCode::FOUND, "{}", done.text);
        assert!(done.location.starts_with("/apps/x"), "{}", done.location);
        let viewer = post(Role::Viewer, "/sfn/promote", &forward, &form).await;
        assert!(
            viewer.location.contains("/promote") || viewer.status == StatusCode::FORBIDDEN,
            "{} {}",
            viewer.status,
            viewer.location
        );
    });
}

#[test]
fn rules_for_images_say_what_they_chose_and_why_nothing_comes_of_one() {
    on_server(async {
        let page = get("/settings?tab=images").await;
        for part in [
            "ImageRule checkout",
            "highest version in 2.x",
            "2.10.0",
            "pull requests for shop/checkout",
            "shop/checkout on prod-eu: 2.10.0 in 3fa91c2",
            "ImagePolicy flux-system/<b>web",
            "There is no ImageRepository flux-system/web in this source.",
        ] {
            assert!(page.text.contains(part), "{part} in {}", page.text);
        }
        assert!(!page.html.contains("flux-system/<b>web"), "escaped");
        let request = Request::get("/settings?tab=images")
            .header(header::ACCEPT, "text/html")
            .body(Body::empty())
            .expect("a request");
        let empty = send(Some(Role::Operator), true, request).await;
        assert!(empty.text.contains("No rules for images"), "{}", empty.text);
    });
}
