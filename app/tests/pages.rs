//! The pages as the server renders them, over the made-up fleet: what they say, what they allow, and
//! that forms work without a script.

#[path = "pages/access.rs"]
mod access;
#[path = "pages/account.rs"]
mod account;
#[path = "pages/actions.rs"]
mod actions;
#[path = "pages/activity.rs"]
mod activity;
#[path = "pages/alerts.rs"]
mod alerts;
#[path = "pages/attacks.rs"]
mod attacks;
#[path = "pages/blame.rs"]
mod blame;
#[path = "pages/clusters.rs"]
mod clusters;
#[path = "pages/doors.rs"]
mod doors;
#[path = "pages/edits.rs"]
mod edits;
mod fake;
#[path = "pages/forms.rs"]
mod forms;
#[path = "pages/logs.rs"]
mod logs;
#[path = "pages/parity.rs"]
mod parity;
#[path = "pages/past.rs"]
mod past;
#[path = "pages/permitted.rs"]
mod permitted;
#[path = "pages/preview.rs"]
mod preview;
#[path = "pages/sets.rs"]
mod sets;
#[path = "pages/several_sources.rs"]
mod several_sources;
#[path = "pages/theme.rs"]
mod theme;
#[path = "pages/undo.rs"]
mod undo;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use lockstep_types::account::Role;
use std::sync::LazyLock;
use tower::ServiceExt;

/// Runs a test on the one runtime of all tests, as on a server: pages spawn tasks, and a runtime that ends with its test
/// would take them along while other tests wait for what they share.
fn on_server(test: impl Future<Output = ()>) {
    static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .expect("a runtime")
    });
    RUNTIME.block_on(test);
}

const RUN: &str = "00000000-0000-0000-0000-000000000732";

struct Page {
    status: StatusCode,
    location: String,
    html: String,
    text: String,
}

/// The HTML without tags and with its entities read, so that texts can be found across elements.
fn text_of(html: &str) -> String {
    let body = html.split_once("<body").map_or(html, |(_, body)| body);
    let mut text = String::new();
    let mut rest = body;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        let skipped = ["script", "style"]
            .into_iter()
            .find(|name| tag.starts_with(name));
        let end = match skipped {
            Some(name) => tag
                .find(&format!("</{name}>"))
                .map_or(tag.len(), |at| at + name.len() + 3),
            None => tag.find('>').map_or(tag.len(), |at| at + 1),
        };
        rest = &tag[end..];
    }
    let text = text
        .replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#x27;", "'");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

async fn send(role: Option<Role>, empty: bool, request: Request<Body>) -> Page {
    let plane = if empty {
        fake::empty_control_plane()
    } else {
        fake::control_plane()
    };
    let router = fake::site::router(plane, role.map(fake::actor), "target/site");
    let response = router.oneshot(request).await.expect("the router answers");
    let status = response.status();
    let location = response
        .headers()
        .get(header::LOCATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let bytes = to_bytes(response.into_body(), 8_000_000)
        .await
        .expect("the body ends");
    let html = String::from_utf8(bytes.to_vec()).expect("pages are UTF-8");
    Page {
        status,
        location,
        text: text_of(&html),
        html,
    }
}

async fn get_as(role: Option<Role>, address: &str) -> Page {
    let request = Request::get(address)
        .header(header::ACCEPT, "text/html")
        .body(Body::empty())
        .expect("a request");
    send(role, false, request).await
}

async fn get(address: &str) -> Page {
    get_as(Some(Role::Operator), address).await
}

/// A plain form, as a browser without script sends it.
async fn post(role: Role, action: &str, referer: &str, form: &str) -> Page {
    let request = Request::builder()
        .method(Method::POST)
        .uri(action)
        .header(header::ACCEPT, "text/html,application/xhtml+xml")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::REFERER, referer)
        .body(Body::from(form.to_owned()))
        .expect("a request");
    send(Some(role), false, request).await
}

async fn checkout() -> String {
    let fleet = get("/").await;
    let at = fleet
        .html
        .find("/checkout?cluster=prod-eu")
        .expect("the fleet links to checkout");
    let start = fleet.html[..at]
        .rfind("/apps/")
        .expect("an application's address");
    fleet.html[start..at + "/checkout".len()].to_owned()
}

async fn checkout_target() -> String {
    let page = get(&format!("{}?cluster=prod-eu&dialog=sync", checkout().await)).await;
    let at = page
        .html
        .find("name=\"target\" value=\"")
        .expect("a form names its target");
    page.html[at + "name=\"target\" value=\"".len()..]
        .chars()
        .take(36)
        .collect()
}

/// Every page answers with these texts, one heading and a title.
async fn all_say(pages: Vec<(String, Vec<&str>)>) {
    all_say_to(Role::Operator, pages).await;
}

/// The same, to somebody with another role.
async fn all_say_to(role: Role, pages: Vec<(String, Vec<&str>)>) {
    for (address, texts) in pages {
        let page = get_as(Some(role), &address).await;
        assert_eq!(page.status, StatusCode::OK, "{address}");
        for text in texts {
            assert!(
                page.text.contains(text),
                "{address} does not say “{text}”:\n{}",
                page.text
            );
        }
        assert_eq!(
            page.html.matches("<h1").count(),
            1,
            "{address} has one heading"
        );
        assert!(page.html.contains("<title>"), "{address} has a title");
    }
}

#[test]
fn every_page_says_what_it_is_for() {
    on_server(async {
        let app = checkout().await;
        let pages: Vec<(String, Vec<&str>)> = vec![
            (
                "/".into(),
                vec![
                    "39 of 44 match Git",
                    "1 drifting",
                    "1 degraded",
                    "oldest comparison 50 s",
                    "15 objects to prune await approval",
                    "Hold ends in 40 min",
                    "Since you were here, 14 h",
                    "2 of 3 pods cannot pull registry.example.com/checkout:2.9.1 (not found), 4 min",
                    "9 more groups match Git",
                ],
            ),
            (
                "/?view=table".into(),
                vec![
                    "Last compared",
                    "shop / checkout",
                    "replicas 3 → 5 by kubectl-scale, 26 min",
                ],
            ),
            (
                "/?q=commit:3fa9".into(),
                vec!["live on 1 of 3 targets, 1 waiting, 1 failed"],
            ),
            (
                "/?q=health:sick".into(),
                vec!["The filter cannot be read: “sick” is no health"],
            ),
            (
                "/?q=nothing".into(),
                vec!["Nothing matches this filter", "Show the whole fleet"],
            ),
            (
                format!("{app}?cluster=prod-eu"),
                vec![
                    "Degraded for 4 min: 2 of 3 pods cannot pull",
                    "Roll back to 9be0417, last healthy",
                    "Pod × 3",
                    "ErrImagePull",
                    "sync window closed until 2026-03-04 21:00:00 UTC, people may sync",
                ],
            ),
            (
                format!("{app}?cluster=prod-eu&node=apps/Deployment:shop/checkout&pane=diff"),
                vec![
                    "spec.replicas",
                    "drift",
                    "kubectl-scale, 26 min ago",
                    "restarts pods",
                    "overlays/production/checkout.yaml:18",
                ],
            ),
            (
                format!("{app}?cluster=prod-eu&node=apps/Deployment:shop/checkout"),
                vec!["Problem", "Prun=false", "is not known and does not count"],
            ),
            (
                format!("{app}?cluster=prod-eu&tab=changes"),
                vec![
                    "2 warnings",
                    "Secret shop-db is in Git in plain text",
                    "2 objects differ from Git",
                    "not yet synced",
                    "What a sync would do",
                ],
            ),
            (
                format!("{app}?cluster=prod-eu&tab=history"),
                vec![
                    "rollback by maria",
                    "Roll back to this",
                    "no sync of its own here",
                ],
            ),
            (
                format!("{app}?cluster=prod-eu&tab=history&from=a&with=b"),
                vec!["Rendered difference from"],
            ),
            (
                format!("{app}?cluster=prod-eu&tab=definition"),
                vec![
                    "apps/checkout.yaml:1",
                    "spec.revisionHistoryLimit: history is kept without end",
                ],
            ),
            (
                format!("{app}?cluster=prod-eu&dialog=sync"),
                vec![
                    "Sync shop / checkout on prod-eu",
                    "Create 1, configure 1",
                    "Prune what left Git",
                ],
            ),
            (
                format!("{app}?cluster=prod-eu&dialog=hold"),
                vec!["it is never deployed unseen"],
            ),
            (
                format!("{app}/rollback?cluster=prod-eu"),
                vec![
                    "Roll back checkout to 9be0417",
                    "Last healthy",
                    "This commit changes 2 targets of 1 application on 2 clusters: prod-eu and prod-us.",
                    "To take back only checkout on prod-eu",
                    "Undoes 1 commit",
                    "Hook Job migrate-41",
                    "Commit and sync",
                ],
            ),
            (
                format!(
                    "{app}/rollback?cluster=prod-eu&to=2c4e9aa8d41c7a9b3e2f60514000000000000000"
                ),
                vec![
                    "The project shop asks for the yes of a second person.",
                    "In the way",
                    "Lena holds all writes until",
                    "closed until 2025-11-23T18:00:00Z",
                    "On prod-eu, prod-us. Ticked: it is not waited for.",
                    "Ask for a yes",
                ],
            ),
            (
                format!("{app}/rollback?cluster=prod-eu&way=pin"),
                vec!["Pin checkout on prod-eu at 9be0417", "Git is not touched"],
            ),
            (
                format!("/syncs/{RUN}"),
                vec![
                    "Sync of checkout",
                    "Waits for wave 1: Deployment checkout, 2 of 3 updated",
                    "Sync, wave 2",
                    "PostSync, wave 0",
                    "checkout-smoke",
                    "Terminate",
                ],
            ),
            (
                "/drift".into(),
                vec![
                    "3 fields differ from what Git says",
                    "3 → 5",
                    "kubectl-scale",
                    "before Lockstep",
                ],
            ),
            (
                "/activity".into(),
                vec![
                    "Raise connection pool to 40",
                    "jon: hold",
                    "live everywhere after 3 min",
                    "#7, approved by ana",
                    "no approval known",
                    "Not approved",
                ],
            ),
            (
                "/activity?kind=commit&approval=none".into(),
                vec!["Not approved", "no approval known", "Older"],
            ),
            (
                "/commits/shop/3fa91c28d41c7a9b3e2f605140000000000000000".into(),
                vec![
                    "Raise connection pool to 40",
                    "live on 1 of 3 targets",
                    "Who approved it",
                    "#7, approved by ana",
                    "Give the pool more room, by jon",
                    "was asked",
                    "Who vouches for it",
                    "The commit 3fa91c2 is signed by maria@example.com",
                    "asked for by GitRepository flux-system/shop (apps/shop.yaml:3)",
                    "What it changed: 1 file",
                ],
            ),
            (
                format!("{app}/orphans?cluster=prod-eu"),
                vec![
                    "as the project shop (projects/shop.yaml:1) asks",
                    "3 orphaned objects",
                    "debug-flags",
                    "kubectl-create",
                    "nobody says",
                    "1 kind could not be listed; there may be more.",
                    "Widget.acme.dev: the API server answered 403: forbidden.",
                ],
            ),
            (
                "/holds".into(),
                vec![
                    "held. None of them ends by deploying unseen",
                    "all writes",
                    "End",
                ],
            ),
            (
                "/leftovers".into(),
                vec![
                    "1 application left something behind",
                    "no longer defined in Git",
                    "Decide",
                ],
            ),
            (
                "/leftovers/00000000-0000-0000-0000-000000000001".into(),
                vec![
                    "What reports left",
                    "Keep them, and forget",
                    "Put their manifests under the path of an application in Git",
                    "the application left Git, and the object that it deployed would be deleted",
                    "Type reports to delete what it left",
                ],
            ),
            (
                "/approvals".into(),
                vec![
                    "1 plan and 1 rollback wait for a yes.",
                    "lena wants to roll checkout on prod-eu back to 2c4e9aa",
                    "orders are lost since 2.9.0",
                    "Overrides window",
                    "Waits: lena holds all writes until",
                    "Hook Job migrate-41 ran at 14:26",
                    "The project shop asks for the yes of a second person",
                    "Approve, and commit",
                    "Namespace legacy-api would be deleted with 14 objects",
                    "Approve, and delete",
                ],
            ),
            (
                "/problems".into(),
                vec![
                    "charts/ingress/values.yaml:41",
                    "controller.replicaCount",
                    "Expected a number",
                ],
            ),
            (
                "/settings".into(),
                vec!["observed only", "Take over", "Add a root source"],
            ),
            ("/settings?tab=tokens".into(), vec!["pipeline of shop"]),
            (
                "/settings?tab=history".into(),
                vec![
                    "The record is kept for ever",
                    "Bodies are kept 400 days",
                    "the bodies of 61 runs and 48 renders, 2 h",
                    "Leave it empty to keep them for ever",
                ],
            ),
            (
                "/settings?tab=webhooks".into(),
                vec![
                    "https://lockstep.example.com/api/webhooks/github",
                    "fetched at once",
                    "refs/heads/main",
                    "nothing follows this branch or tag",
                    "wrong or missing secret",
                    "none yet",
                ],
            ),
            (
                "/login?error=throttled".into(),
                vec!["Too many attempts.", "Log in"],
            ),
            (
                "/setup?token=abc".into(),
                vec!["Make the first administrator", "no default password"],
            ),
        ];
        all_say(pages).await;
    });
}

#[test]
fn pages_obey_a_content_policy_without_inline_styles_and_handlers() {
    on_server(async {
        let app = checkout().await;
        for address in [
            "/".to_owned(),
            format!("{app}?cluster=prod-eu&node=apps/Deployment:shop/checkout"),
            format!("{app}/rollback?cluster=prod-eu"),
        ] {
            let html = get(&address).await.html;
            assert!(!html.contains(" style="), "{address}");
            assert!(
                !html.contains(" onclick=") && !html.contains(" onload="),
                "{address}"
            );
            for script in html.match_indices("<script") {
                let tag: String = html[script.0..]
                    .chars()
                    .take_while(|char| *char != '>')
                    .collect();
                assert!(tag.contains("nonce="), "{address}: {tag}");
            }
        }
    });
}

#[test]
fn what_one_may_not_do_is_disabled_with_its_reason() {
    on_server(async {
        let address = format!("{}?cluster=prod-eu", checkout().await);
        let viewer = get_as(Some(Role::Viewer), &address).await;
        assert!(
            viewer
                .text
                .contains("Needs the permission “sync”: the role operator has it, you are viewer."),
            "{}",
            viewer.text
        );
        assert!(!viewer.html.contains("data-key=\"s\""));
        assert!(get(&address).await.html.contains("data-key=\"s\""));
    });
}
