//! What may not be done is nowhere to be pressed: every page, with each of its tabs, as somebody who only looks on. Each
//! button that would send something is disabled with the permission that is missing and who can grant it, and no link
//! leads to an act. An administrator finds all of them.

use super::{Page, RUN, checkout, get_as, on_server};
use axum::http::StatusCode;
use lockstep_types::account::Role;

const FIRST: &str = "00000000-0000-0000-0000-000000000001";
const COMMIT: &str = "/commits/shop/3fa91c28d41c7a9b3e2f605140000000000000000";

/// Forms that are about whoever sends them, or have something read again.
const OWN: [&str; 14] = [
    "/logout",
    "/login",
    "/setup",
    "/sfn/theme",
    "/sfn/set_password",
    "/sfn/create_token",
    "/sfn/revoke_token",
    "/sfn/rotate_token",
    "/sfn/end_session",
    "/sfn/end_sessions",
    "/sfn/begin_factor",
    "/sfn/remove_factor",
    "/sfn/refresh",
    "/sfn/refresh_source",
];

/// Where one acts, or shows what one would do.
const ACTS: [&str; 12] = [
    "/rollback",
    "/accept?",
    "/edit",
    "/promote?",
    "/new",
    "/rebuild",
    "/reestablish",
    "dialog=sync",
    "dialog=hold",
    "dialog=mark",
    "&take=",
    "add=1",
];

/// One environment's versions for the next.
async fn promotion() -> String {
    let page = get_as(Some(Role::Admin), "/parity?all=1").await;
    let from = page.html.find("/promote?").expect("something to promote");
    let address = page.html[from..].split('"').next().unwrap_or_default();
    address.replace("&amp;", "&")
}

/// Every page with everything filled in, and every tab.
async fn addresses() -> Vec<String> {
    let app = checkout().await;
    let object = "node=apps/Deployment:shop/checkout";
    let mut found = Vec::new();
    for listed in app::listed() {
        let path = listed.path().replace("/apps/{id}/{name}", &app);
        found.push(match path.as_str() {
            "/syncs/{id}" => format!("/syncs/{RUN}"),
            "/operations/{id}" => format!("/operations/{FIRST}"),
            "/commits/{repo}/{sha}" => COMMIT.to_owned(),
            "/leftovers/{target}" => format!("/leftovers/{FIRST}"),
            "/sources/{id}/new" => format!("/sources/{FIRST}/new"),
            "/preview" => "/preview?repo=shop&ref=feature".to_owned(),
            "/promote" => promotion().await,
            path if path.starts_with("/clusters/{name}") => path.replace("{name}", "prod-eu"),
            path if path.ends_with("/accept") => {
                format!("{path}?cluster=prod-eu&{object}&path=spec.replicas")
            }
            path if path.starts_with(&app) => format!("{path}?cluster=prod-eu"),
            path => path.to_owned(),
        });
    }
    assert!(!found.iter().any(|path| path.contains('{')), "{found:#?}");
    for tab in ["changes", "history", "definition"] {
        found.push(format!("{app}?cluster=prod-eu&tab={tab}"));
    }
    for pane in ["diff", "blame", "logs", "actions"] {
        found.push(format!("{app}?cluster=prod-eu&{object}&pane={pane}"));
    }
    for more in [
        "dialog=sync",
        "dialog=hold",
        "at=2025-11-23T14:00Z",
        "at=1h",
    ] {
        found.push(format!("{app}?cluster=prod-eu&{more}"));
    }
    found.push("/?view=table".to_owned());
    found.push("/parity?all=1".to_owned());
    found.push("/clusters/prod-us".to_owned());
    found.push("/clusters/prod-us/reestablish".to_owned());
    for tab in [
        "sources",
        "sets",
        "clusters",
        "notifications",
        "webhooks",
        "account",
        "accounts",
        "access",
        "tokens",
        "history",
        "images",
        "about",
    ] {
        found.push(format!("/settings?tab={tab}"));
    }
    found
}

/// The tag that begins here.
fn tag(html: &str) -> &str {
    let mut quote = false;
    let end = html.find(|letter| {
        quote ^= letter == '"';
        letter == '>' && !quote
    });
    &html[..end.unwrap_or(html.len())]
}

/// Whether the tag has an attribute without a value.
fn has(tag: &str, name: &str) -> bool {
    let outside = tag.split('"').step_by(2).collect::<String>();
    outside
        .split(' ')
        .any(|part| part.trim_end_matches('=') == name)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split_once(&format!(" {name}=\""))?.1;
    Some(rest.split('"').next()?.replace("&amp;", "&"))
}

/// What a page lets be done: the words of links to acts, and of buttons that send something, with why not.
fn acts(address: &str, page: &Page) -> Vec<(String, Option<String>)> {
    let (mut found, mut form) = (Vec::new(), String::new());
    let body = page.html.split_once("<body").map_or("", |(_, body)| body);
    for (at, _) in body.match_indices('<') {
        let rest = &body[at..];
        let tag = tag(rest);
        let words = |end: &str| super::text_of(rest.split(end).next().unwrap_or_default());
        if tag.starts_with("<form") {
            let reads =
                attribute(tag, "method").is_none_or(|method| method.eq_ignore_ascii_case("get"));
            let action = attribute(tag, "action").unwrap_or_default();
            let own = OWN.contains(&action.as_str());
            form = if reads || own {
                String::new()
            } else {
                format!("form {action}")
            };
        } else if rest.starts_with("</form>") {
            form.clear();
        } else if tag.starts_with("<a ") {
            let href = attribute(tag, "href").unwrap_or_default();
            // A dialog that is open stays so while one looks at another form of the page.
            let stays = href == address || address.contains("dialog=") && href.contains("dialog=");
            if !stays && ACTS.iter().any(|act| href.contains(act)) {
                found.push((format!("{} → {href}", words("</a>")), None));
            }
        } else if tag.starts_with("<button") {
            let sends = !form.is_empty() && tag.contains("type=\"submit\"");
            let why = attribute(tag, "title").unwrap_or_default();
            let off = has(tag, "disabled");
            if sends || (off && why.starts_with("Needs the permission")) {
                found.push((
                    format!("{} in {form}", words("</button>")),
                    off.then_some(why),
                ));
            }
        }
    }
    found
}

#[test]
fn who_only_looks_on_finds_nothing_to_press_and_is_told_why() {
    on_server(async {
        let (mut refused, mut open) = (0, 0);
        let mut wrong = Vec::new();
        for address in addresses().await {
            let page = get_as(Some(Role::Viewer), &address).await;
            assert!(
                page.status.as_u16() < 500 && page.status != StatusCode::NOT_FOUND,
                "{address}: {}",
                page.status
            );
            for (act, why) in acts(&address, &page) {
                let said = why.as_deref().unwrap_or_default();
                let told = said.starts_with("Needs the permission “") && said.contains("the role ");
                // A text that was not previewed cannot be committed by anybody.
                if told || (why.is_some() && said == "Preview it first.") {
                    refused += 1;
                } else {
                    wrong.push(format!("{address}: {act}: {why:?}"));
                }
            }
            let whole = get_as(Some(Role::Admin), &address).await;
            let pressed = acts(&address, &whole);
            open += pressed.iter().filter(|(_, why)| why.is_none()).count();
            wrong.extend(
                pressed
                    .iter()
                    .filter(|(_, why)| why.as_ref().is_some_and(|why| why.starts_with("Needs")))
                    .map(|(act, why)| format!("{address}, for an administrator: {act}: {why:?}")),
            );
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        // It does see them.
        assert!(refused > 40 && open > refused, "{refused} and {open}");
    });
}
