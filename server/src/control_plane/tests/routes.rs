//! Every route, every server function and every page, called by everybody, over the real ports: what each gets is in
//! `routes.txt`, to be read. A route that is not in the table, or that needs nothing by mistake, fails here.

mod asked;
mod attacks;
mod credentials;
mod reading;
mod world;

pub(super) use world::{World, in_force, world};

use crate::http::{Needs, api, functions};
use lockstep_types::account::Permission;
use std::collections::BTreeSet;
use std::fmt::Write as _;

const PEOPLE: [&str; 4] = ["anonymous", "viewer", "other", "admin"];
/// The operator of another project sees that project alone.
const POLICY: &str = "g, viewer, role:viewer\np, other, applications, *, infra/*, allow\np, other, logs, get, infra/*, allow\n";
const PASSWORD: &str = "correct horse battery staple";

/// Functions with a permission on applications that name no application: they answer with what the caller may see.
const LISTS: &[&str] = &[
    "fleet",
    "problems",
    "upcoming",
    "drift",
    "activity",
    "approvals",
    "asks",
    "edit_template",
    "leftovers",
    "retention",
    "sets",
    "alerts",
    "holds",
    "parity",
];

/// What an administrator does not find either, and why not.
const NOT_THERE: &[(&str, &str)] = &[];

fn word(needs: Needs) -> String {
    match needs {
        Needs::Nothing => "-".to_owned(),
        Needs::Login => "login".to_owned(),
        Needs::Permission(permission) => permission.word().to_owned(),
    }
}

/// One line of the table.
struct Row {
    name: String,
    needs: String,
    statuses: Vec<u16>,
    /// It names something of the project `shop` alone.
    of_shop: bool,
}

/// Permissions that are given on applications.
fn on_applications(needs: Needs) -> bool {
    use Permission::{
        AcceptDrift, Approve, Delete, Edit, Get, Hold, Logs, Rollback, Sync, Terminate,
    };
    matches!(
        needs,
        Needs::Permission(
            AcceptDrift | Approve | Delete | Edit | Get | Hold | Logs | Rollback | Sync | Terminate
        )
    )
}

async fn called_routes(world: &mut World, rows: &mut Vec<Row>) {
    let (_, routes) = api::table().finish();
    for route in &routes {
        let mut statuses = Vec::new();
        for who in 0..PEOPLE.len() {
            let full = format!("/api/v1{}", world.api_path(route.path));
            let (kind, body) = match route.method.as_str() {
                "GET" | "DELETE" => ("", String::new()),
                _ => ("application/json", world.api_body(route.path).to_string()),
            };
            let method = route.method.as_str();
            statuses.push(world.status(who, method, &full, kind, body).await);
        }
        if route.method == http::Method::DELETE || route.path.ends_with("/rotate") {
            world.again().await;
        }
        rows.push(Row {
            name: format!("{} /api/v1{}", route.method, route.path),
            needs: word(route.needs),
            statuses,
            of_shop: route.path.contains('{') && on_applications(route.needs),
        });
    }
}

async fn called_functions(world: &mut World, rows: &mut Vec<Row>) {
    for (name, needs) in functions::FUNCTIONS {
        let mut statuses = Vec::new();
        for who in 0..PEOPLE.len() {
            let (kind, body) = world.call(name);
            let path = format!("{}{name}", functions::PREFIX);
            statuses.push(world.status(who, "POST", &path, kind, body).await);
        }
        let takes = ["remove_", "end_", "revoke_", "rotate_"];
        if takes.iter().any(|word| name.starts_with(word)) || ["unpin", "release"].contains(name) {
            world.again().await;
        }
        rows.push(Row {
            name: format!("POST /sfn/{name}"),
            needs: word(*needs),
            statuses,
            of_shop: on_applications(*needs) && !LISTS.contains(name),
        });
    }
}

/// The addresses of all pages, and of the tabs that read more.
fn pages() -> Vec<String> {
    let mut paths: Vec<String> = app::listed()
        .iter()
        .map(|page| page.path().to_owned())
        .collect();
    let tabs = ["changes", "history", "definition"];
    paths.extend(tabs.map(|tab| format!("/apps/{{id}}/{{name}}?tab={tab}")));
    paths
}

/// Pages as browsers ask for them: with a cookie.
async fn called_pages(world: &World, rows: &mut Vec<Row>) {
    let mut cookies = vec![String::new()];
    for name in &PEOPLE[1..] {
        cookies.push(world.cookie(name).await);
    }
    for path in pages() {
        let mut statuses = Vec::new();
        for cookie in &cookies {
            let answer = world.page(cookie, &world.page_path(&path)).await;
            statuses.push(answer.status().as_u16());
        }
        rows.push(Row {
            of_shop: path.contains('{')
                && !["/sources", "/clusters"]
                    .iter()
                    .any(|global| path.starts_with(global)),
            name: format!("page {path}"),
            needs: String::new(),
            statuses,
        });
    }
}

async fn called_others(world: &World, rows: &mut Vec<Row>) {
    for (method, path) in OTHERS {
        let mut statuses = Vec::new();
        for who in 0..PEOPLE.len() {
            let filled = path.replace("{*function}", "x").replace("{*rest}", "x");
            statuses.push(world.status(who, method, &filled, "", String::new()).await);
        }
        rows.push(Row {
            name: format!("{method} {path}"),
            needs: String::new(),
            statuses,
            of_shop: false,
        });
    }
}

fn table(rows: &[Row]) -> String {
    let mut table = format!("{:<58} {:<15}", "route", "needs");
    for person in PEOPLE {
        let _ = write!(table, " {person:>9}");
    }
    table.push('\n');
    for row in rows {
        let _ = write!(table, "{:<58} {:<15}", row.name, row.needs);
        for status in &row.statuses {
            let _ = write!(table, " {status:>9}");
        }
        table.push('\n');
    }
    table
}

/// What must hold whatever the table says, so that nobody writes a leak into it.
fn breaches(rows: &[Row]) -> Vec<String> {
    let mut found = Vec::new();
    for Row {
        name,
        needs,
        statuses,
        of_shop,
    } in rows
    {
        let [anonymous, viewer, other, admin] = statuses[..] else {
            found.push(format!("{name}: not called by all"));
            continue;
        };
        let excused = NOT_THERE.iter().any(|(row, _)| row == name);
        if statuses.iter().any(|status| *status >= 500) {
            found.push(format!(
                "{name}: it fails instead of refusing, {statuses:?}"
            ));
        }
        if *of_shop && other != 404 {
            found.push(format!("{name}: another project's operator gets {other}"));
        }
        let names = *of_shop || name.contains("{id}") || name.contains("{name}");
        if names
            && !name.starts_with("POST /apps")
            && !name.starts_with("POST /sources")
            && (admin == 404) != excused
        {
            found.push(format!(
                "{name}: the administrator gets {admin}; the thing must be there, or be excused"
            ));
        }
        let guarded = !needs.is_empty() && needs != "-";
        if guarded && anonymous != 401 {
            found.push(format!("{name}: nobody gets {anonymous}"));
        }
        if name.starts_with("page ")
            && anonymous < 300
            && !["page /login", "page /setup"].contains(&name.as_str())
        {
            found.push(format!("{name}: nobody gets {anonymous}"));
        }
        let changes = name.starts_with("POST /api") || name.starts_with("DELETE /api");
        if changes
            && guarded
            && needs != "login"
            && needs != "get"
            && !["see sources"].contains(&needs.as_str())
            && viewer != 403
        {
            found.push(format!("{name}: who may only look gets {viewer}"));
        }
    }
    found
}

#[tokio::test]
async fn attack_57_every_route_is_called_by_everybody() {
    let mut world = world().await;
    let mut rows = Vec::new();
    called_routes(&mut world, &mut rows).await;
    called_functions(&mut world, &mut rows).await;
    called_pages(&world, &mut rows).await;
    called_others(&world, &mut rows).await;
    let table = table(&rows);
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/control_plane/tests/routes.txt"
    );
    if std::env::var_os("LOCKSTEP_WRITE_ROUTES").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    let breaches = breaches(&rows);
    assert!(breaches.is_empty(), "{breaches:#?}");
    let expected = std::fs::read_to_string(path).unwrap();
    for (found, expected) in table.lines().zip(expected.lines()) {
        assert_eq!(
            found, expected,
            "routes.txt says otherwise; read the difference"
        );
    }
    assert_eq!(table.lines().count(), expected.lines().count());
}

/// Routes that are written by hand in `http.rs` and `http/pages.rs`.
const OTHERS: &[(&str, &str)] = &[
    ("POST", "/api/webhooks/{provider}"),
    ("GET", "/api/docs"),
    ("GET", "/api/docs/{*file}"),
    ("GET", "/api/{*rest}"),
    ("GET", "/events"),
    ("POST", "/login"),
    ("POST", "/login/code"),
    ("POST", "/login/link"),
    ("GET", "/login/sso/{provider}"),
    ("GET", "/login/sso/{provider}/callback"),
    ("POST", "/logout"),
    ("POST", "/setup"),
    ("GET", "/metrics"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/sfn/{*function}"),
    ("POST", "/apps/{id}/{name}/edit"),
    ("POST", "/sources/{id}/new"),
];

/// The sources below a folder, by name; tests are no part of them.
fn files(folder: &std::path::Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(files(&path));
        } else if name != "tests.rs" {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((name, text));
        }
    }
    found
}

#[test]
fn no_route_and_no_function_is_left_out() {
    let declared: BTreeSet<String> = functions::FUNCTIONS
        .iter()
        .map(|(name, _)| format!("{}{name}", functions::PREFIX))
        .collect();
    assert_eq!(
        declared.len(),
        functions::FUNCTIONS.len(),
        "one is there twice"
    );
    let there: BTreeSet<String> = leptos::server_fn::axum::server_fn_paths()
        .map(|(path, _)| path.to_owned())
        .collect();
    assert!(there.len() > 40);
    assert_eq!(there, declared);
    let sources = [
        include_str!("../../http.rs"),
        include_str!("../../http/pages.rs"),
    ]
    .concat();
    let written: BTreeSet<&str> = sources
        .split(".route(")
        .skip(1)
        .filter_map(|rest| rest.split('"').nth(1))
        .collect();
    let known: BTreeSet<&str> = OTHERS.iter().map(|(_, path)| *path).collect();
    assert_eq!(written, known, "a route that nobody calls as everybody");
    assert!(!sources.contains(".nest(\"/\"") && sources.matches(".nest(").count() == 1);
    // Nobody writes routes elsewhere: those would be called by nobody here.
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http");
    for (name, text) in files(std::path::Path::new(folder)) {
        // The first takes routes with what they need, the second has a port of its own, the third is known above.
        if ["table.rs", "metrics.rs", "pages.rs"].contains(&name.as_str()) {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for way in [
            ".route(",
            ".route_service(",
            ".nest(",
            ".nest_service(",
            ".merge(",
            ".fallback",
        ] {
            assert!(!code.contains(way), "{name} has {way}");
        }
    }
    assert!(
        ![".merge(", "_service("]
            .iter()
            .any(|way| sources.contains(way))
    );
    let public: Vec<&str> = api::table()
        .finish()
        .1
        .iter()
        .filter(|route| route.needs == Needs::Nothing)
        .map(|route| route.path)
        .collect();
    assert_eq!(public, ["/login"]);
}
