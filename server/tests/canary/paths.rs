//! What there is to ask about, and every address and call that asks about it.

use crate::reading::JSON;
use http::Method;
use serde_json::{Value, json};
use server::http::{RouteInfo, api, functions};

/// What addresses are filled with.
pub struct Things {
    pub applications: Vec<Application>,
    pub runs: Vec<String>,
    pub operations: Vec<String>,
    pub sources: Vec<String>,
    pub clusters: Vec<String>,
    pub accounts: Vec<String>,
    pub repository: String,
    pub head: String,
    /// An earlier commit that has them all.
    pub before: String,
}

/// One application with its only target.
pub struct Application {
    pub id: String,
    pub name: String,
    pub target: String,
    /// Keys of objects in its tree.
    pub keys: Vec<String>,
}

const PAGES: &[&str] = &[
    "/",
    "/?view=table",
    "/?at=1m",
    "/drift",
    "/drift?closed=1",
    "/problems",
    "/activity",
    "/approvals",
    "/alerts",
    "/alerts?resolved=1",
    "/clusters",
    "/holds",
    "/leftovers",
    "/parity",
    "/promote",
    "/preview?ref=main",
    "/settings",
    "/settings?tab=sources",
    "/settings?tab=sets",
    "/settings?tab=clusters",
    "/settings?tab=notifications",
    "/settings?tab=webhooks",
    "/settings?tab=account",
    "/settings?tab=accounts",
    "/settings?tab=access",
    "/settings?tab=tokens",
    "/settings?tab=about",
    "/metrics",
    "/login",
    "/setup",
];

/// Server functions that change something: what they answer is where they lead to. Those that take a secret are called as
/// routes of the API, by `plant`.
const CHANGING: &[&str] = &[
    "accept",
    "act",
    "add_cluster",
    "add_receiver",
    "add_route",
    "add_source",
    "add_status_host",
    "begin_factor",
    "choose_policy_source",
    "confirm_factor",
    "create_automation",
    "create_token",
    "create_user",
    "decide",
    "decide_ask",
    "end_session",
    "end_sessions",
    "hold",
    "leave_leftovers",
    "mark",
    "preview_template",
    "promote",
    "reestablish",
    "refresh",
    "refresh_source",
    "release",
    "remove_cluster",
    "remove_factor",
    "remove_leftovers",
    "remove_receiver",
    "remove_route",
    "remove_source",
    "remove_status_host",
    "renew_webhook_secret",
    "revoke_token",
    "roll_back",
    "rotate_token",
    "set_disabled",
    "set_password",
    "set_retention",
    "set_rules",
    "stop_reestablish",
    "sync",
    "take_over",
    "terminate",
    "test_receiver",
    "theme",
    "unpin",
];

fn escaped(key: &str) -> String {
    key.replace('/', "%2F")
}

/// Keys of what Git declares: nobody wrote the others.
fn declared(app: &Application) -> impl Iterator<Item = &str> {
    let made = ["apps/ReplicaSet:", "/Pod:"];
    let keys = app.keys.iter().map(String::as_str);
    keys.filter(move |key| !made.iter().any(|kind| key.starts_with(kind)))
}

/// Whether an address is one of a route such as `/apps/{id}/{name}`.
fn is_at(address: &str, route: &str) -> bool {
    let address = address.split('?').next().unwrap_or_default();
    let (mut parts, mut wanted) = (address.split('/'), route.split('/'));
    loop {
        match (parts.next(), wanted.next()) {
            (None, None) => return true,
            (Some(part), Some(wanted)) if wanted.starts_with('{') || part == wanted => {}
            _ => return false,
        }
    }
}

/// A key as JSON has it.
fn key_of(text: &str) -> Value {
    let (kind, name) = text.split_once(':').unwrap_or_default();
    let (group, kind) = kind.split_once('/').unwrap_or(("", kind));
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    json!({"group": group, "kind": kind, "namespace": namespace, "name": name})
}

impl Things {
    /// Every readable address of the API with everything there is, and the pages that show the same.
    pub fn paths(&self) -> Vec<String> {
        let (_, routes) = api::table().finish();
        let mut paths: Vec<String> = PAGES.iter().map(|page| (*page).to_owned()).collect();
        // The events have no end, and are heard for themselves.
        let ends = |route: &&RouteInfo| route.method == Method::GET && route.path != "/events";
        for route in routes.iter().filter(ends) {
            let filled = self.fill(route.path);
            assert!(
                filled.iter().all(|path| !path.contains('{')),
                "{} is asked of nothing",
                route.path
            );
            paths.extend(filled);
        }
        for app in &self.applications {
            paths.extend(self.pages_of(app));
        }
        paths.extend(self.runs.iter().map(|run| format!("/syncs/{run}")));
        paths.extend(self.operations.iter().map(|id| format!("/operations/{id}")));
        paths.extend(self.sources.iter().map(|id| format!("/sources/{id}/new")));
        for name in &self.clusters {
            paths.push(format!("/clusters/{name}"));
            paths.push(format!("/clusters/{name}/rebuild"));
            paths.push(format!("/clusters/{name}/reestablish"));
        }
        paths.push(format!("/commits/{}/{}", self.repository, self.head));
        for page in app::listed().iter().map(|page| page.path()) {
            let asked = paths.iter().any(|path| is_at(path, page));
            assert!(asked, "the page {page} is never asked for");
        }
        paths
    }

    fn pages_of(&self, app: &Application) -> Vec<String> {
        let (cluster, head, before) = (&self.clusters[0], &self.head, &self.before);
        let whole = format!("/apps/{}/{}", app.id, app.name);
        let mut pages: Vec<String> = [
            "",
            "&tab=tree",
            "&tab=changes",
            "&tab=history",
            "&tab=definition",
        ]
        .map(|rest| format!("{whole}?cluster={cluster}{rest}"))
        .into();
        pages.push(format!(
            "{whole}?cluster={cluster}&tab=changes&from={before}&with={head}"
        ));
        for way in ["commit", "pin"] {
            pages.push(format!(
                "{whole}/rollback?cluster={cluster}&to={before}&way={way}"
            ));
        }
        pages.push(format!("{whole}/edit"));
        pages.push(format!("{whole}/orphans?cluster={cluster}"));
        pages.push(format!("/leftovers/{}", app.target));
        for key in &app.keys {
            let key = escaped(key);
            for pane in ["", "yaml", "diff", "events", "blame", "actions"] {
                pages.push(format!("{whole}?cluster={cluster}&node={key}&pane={pane}"));
            }
            pages.push(format!(
                "{whole}/accept?cluster={cluster}&node={key}&path=data.key"
            ));
        }
        pages
    }

    fn fill(&self, path: &str) -> Vec<String> {
        let whole = format!("/api/v1{path}");
        let each = |name: &str, values: &[String]| {
            values
                .iter()
                .map(|value| whole.replace(name, value))
                .collect::<Vec<_>>()
        };
        if path.starts_with("/apps/{id}") {
            return self
                .applications
                .iter()
                .flat_map(|app| self.fill_of(app, path, &whole))
                .collect();
        }
        match path.split('/').nth(1) {
            Some("runs") => each("{id}", &self.runs),
            Some("operations") => each("{id}", &self.operations),
            Some("sources") => each("{id}", &self.sources),
            Some("users") => each("{id}", &self.accounts),
            Some("clusters") => each("{name}", &self.clusters),
            Some("leftovers") => {
                let targets: Vec<String> = self
                    .applications
                    .iter()
                    .map(|app| app.target.clone())
                    .collect();
                each("{target}", &targets)
            }
            Some("commits") => vec![
                whole
                    .replace("{repo}", &self.repository)
                    .replace("{sha}", &self.head),
            ],
            Some("access") if path.ends_with("can") => {
                vec![format!("{whole}?action=sync&object=shop/shop")]
            }
            Some("preview") => vec![format!("{whole}?reference=main")],
            _ => vec![whole],
        }
    }

    fn fill_of(&self, app: &Application, path: &str, whole: &str) -> Vec<String> {
        let (address, head) = (
            whole
                .replace("{id}", &app.id)
                .replace("{target}", &app.target),
            &self.head,
        );
        let before = &self.before;
        let keys = app.keys.iter().map(|key| escaped(key));
        match path {
            _ if path.ends_with("/accept/preview") => declared(app)
                .map(escaped)
                .map(|key| format!("{address}?key={key}&path=data.key"))
                .collect(),
            _ if path.ends_with("/blame") => declared(app)
                .map(|key| format!("{address}?key={}", escaped(key)))
                .collect(),
            _ if path.ends_with("/resource") => {
                keys.map(|key| format!("{address}?key={key}")).collect()
            }
            _ if path.ends_with("/compare") => vec![
                format!("{address}?from={before}&to={head}"),
                format!("{address}?from={head}&to={head}"),
            ],
            _ if path.ends_with("/rollback/preview") => vec![format!("{address}?to={before}")],
            _ if path.ends_with("/promote/preview") => {
                vec![format!("{address}?from={}", app.target)]
            }
            _ if path.ends_with("/past") => vec![format!("{address}?at=1m")],
            _ => vec![address],
        }
    }

    /// Every function that reads, asked of every application and every object where it takes one.
    pub fn calls(&self) -> Vec<(&'static str, Value)> {
        let mut calls = Vec::new();
        let mut known: Vec<&str> = JSON.iter().chain(CHANGING).copied().collect();
        let mut there: Vec<&str> = functions::FUNCTIONS.iter().map(|(name, _)| *name).collect();
        known.sort_unstable();
        there.sort_unstable();
        assert_eq!(known, there, "a function that nobody listens to");
        for name in JSON {
            let once = |app: &Application| {
                let head = &self.head;
                let (from, to) = match *name {
                    "promotion" => (&app.target, &app.target),
                    "preview" => (head, &self.before),
                    _ => (&self.before, head),
                };
                json!({
                    "id": app.id, "cluster": self.clusters[0], "target": app.target, "before": null, "at": "1m", "until": "",
                    "from": from, "to": to, "back": "State", "filter": "", "show_all": true, "include_closed": true,
                    "kind": "", "repo": self.repository, "sha": head, "run": self.runs.first(), "user": null,
                    "operation": self.operations.first(), "source": self.sources.first(), "name": self.clusters[0],
                    "subject": match *name { "edit_draft" => json!({"Application": app.id}), _ => json!("") },
                    "action": "sync", "object": "shop/shop", "path": "data.key", "everywhere": false,
                    "new": {
                        "name": "till", "project": "shop", "repo_url": "https://git.invalid/x.git", "path": "till",
                        "target_revision": "main", "cluster": self.clusters[0], "namespace": "shop", "automated": true,
                        "prune": false, "self_heal": false, "create_namespace": false,
                    },
                    "query": match *name {
                        "upcoming" => json!({"repo": "", "reference": "main", "onto": ""}),
                        "alerts" => json!({"filter": "", "resolved": false, "after": null}),
                        _ => json!({}),
                    },
                })
            };
            for app in &self.applications {
                let mut body = once(app);
                body["approval"] = json!("");
                let keys: Vec<&str> = match *name {
                    "resource" => app.keys.iter().map(String::as_str).collect(),
                    "blame" | "accept_preview" => declared(app).collect(),
                    _ => {
                        calls.push((*name, body));
                        continue;
                    }
                };
                for key in keys {
                    let mut body = body.clone();
                    body["key"] = key_of(key);
                    calls.push((*name, body));
                }
            }
        }
        calls
    }
}
