//! Every route and every server function, called by everybody, over the real ports: what each gets is in `routes.txt`,
//! to be read. A route that is not in the table, or that needs nothing by mistake, fails here.

use super::bench::{App, Bench, config};
use crate::accounts::AccountService;
use crate::config::{PublicUrl, SessionLimits};
use crate::control_plane::Plane;
use crate::events::Hub;
use crate::http::{Needs, Web, WebSettings, api, functions, router};
use crate::store::policy::PolicyRow;
use crate::store::{self};
use axum::Router;
use axum::body::Body;
use http::{Request, header};
use lockstep_types::account::{Actor, NewToken, Role};
use lockstep_types::application::HoldKind;
use lockstep_types::id::{ApprovalId, HoldId, OperationId, PinId, RunId, TargetId};
use lockstep_types::plan::Plan;
use lockstep_types::policy::{PolicyFile, PolicyText};
use lockstep_types::ports::{Accounts, ControlPlane, Rollbacks, Syncs};
use lockstep_types::resource::ResourceKey;
use lockstep_types::rollback::PinRequest;
use lockstep_types::sync::SyncRequest;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use tower::ServiceExt;

const PEOPLE: [&str; 4] = ["anonymous", "viewer", "other", "admin"];
/// The operator of another project sees that project alone.
const POLICY: &str = "g, viewer, role:viewer\np, other, applications, *, infra/*, allow\np, other, logs, get, infra/*, allow\n";
const PASSWORD: &str = "correct horse battery staple";

/// Things of the project `shop`.
struct Things {
    target: TargetId,
    operation: OperationId,
    run: RunId,
    approval: ApprovalId,
    hold: HoldId,
    pin: PinId,
}

pub(super) struct World {
    bench: Bench,
    pub(super) router: Router,
    /// By [`PEOPLE`].
    pub(super) tokens: Vec<String>,
    things: Things,
    site: Value,
}

fn ports(plane: &Plane, accounts: &AccountService) -> ControlPlane {
    ControlPlane {
        fleet: Arc::new(plane.clone()),
        applications: Arc::new(plane.clone()),
        objects: Arc::new(plane.clone()),
        syncs: Arc::new(plane.clone()),
        rollbacks: Arc::new(plane.clone()),
        editing: Arc::new(plane.clone()),
        clusters: Arc::new(plane.clone()),
        leftovers: Arc::new(plane.clone()),
        sources: Arc::new(plane.clone()),
        webhooks: Arc::new(plane.clone()),
        access: Arc::new(plane.clone()),
        alerts: Arc::new(plane.clone()),
        accounts: Arc::new(accounts.clone()),
        events: Arc::new(Hub::new(plane.runtime.store().clone())),
        cage: lockstep_types::about::Cage::default(),
    }
}

pub(super) async fn in_force(bench: &Bench, text: &str) {
    let row = PolicyRow {
        source: Some(bench.source),
        source_name: "root".to_owned(),
        body: Some(PolicyText {
            files: vec![PolicyFile {
                name: "policy.csv".to_owned(),
                first_line: 1,
                text: text.to_owned(),
            }],
            ..PolicyText::default()
        }),
        ..PolicyRow::default()
    };
    let mut tx = bench.store().begin().await.unwrap();
    store::policy::put(&mut tx, &row, true).await.unwrap();
    tx.commit().await.unwrap();
}

pub(super) async fn world() -> World {
    let bench = Bench::new().await;
    let dns = App {
        project: "infra",
        ..App::new("dns", "prod-eu")
    };
    let target = bench
        .define(&[App::new("cart", "prod-eu"), dns])
        .await
        .remove(0);
    bench
        .repository
        .write("definitions/cart.yaml", &config("x"));
    bench.repository.commit("definitions");
    let head = bench.fetch("main").await;
    let mut tx = bench.store().begin().await.unwrap();
    let cluster = store::cluster::ClusterFields {
        name: "prod-eu".to_owned(),
        labels: Default::default(),
        server: "https://eu.example.com".to_owned(),
    };
    store::cluster::create(&mut tx, &cluster).await.unwrap();
    tx.commit().await.unwrap();
    let accounts = AccountService::open(bench.store().clone()).await.unwrap();
    let root = super::bench::actor(Role::Admin);
    let (mut tokens, mut admin) = (vec![String::new()], root.clone());
    for (name, role) in [
        ("viewer", Role::Viewer),
        ("other", Role::Operator),
        ("admin", Role::Admin),
    ] {
        let user = accounts
            .create_user(&root, name, PASSWORD, role)
            .await
            .unwrap();
        let actor: Actor = accounts.actor_of_user(user).await.unwrap().unwrap();
        let new = NewToken {
            label: "test".to_owned(),
            ..NewToken::default()
        };
        tokens.push(accounts.create_token(&actor, &new).await.unwrap());
        admin = actor;
    }
    in_force(&bench, POLICY).await;
    let plane = &bench.plane;
    let request = SyncRequest {
        target,
        prune: false,
        idempotency_key: None,
    };
    let operation = plane.sync(&admin, &request).await.unwrap();
    let mut tx = bench.store().begin().await.unwrap();
    let new = store::run::NewRun {
        operation,
        target,
        fence: 1,
        revision: head.clone(),
        commit: None,
        started_by: lockstep_types::sync::StartedBy::AutoSync,
    };
    let run = store::run::create(&mut tx, &new).await.unwrap().id;
    let plan = Plan {
        target,
        revision: head.clone(),
        steps: Vec::new(),
        gate: Vec::new(),
        digest: "digest".to_owned(),
        report: Vec::new(),
    };
    let approval = store::approval::ask(&mut tx, run, &plan).await.unwrap();
    tx.commit().await.unwrap();
    let pin = PinRequest {
        target,
        to: head.clone(),
        reason: "x".to_owned(),
        hours: 1,
    };
    let pin = plane.pin(&admin, &pin).await.unwrap().id;
    let hold = plane
        .hold(&admin, target, HoldKind::Both, "x", 1)
        .await
        .unwrap()
        .id;
    let settings = WebSettings {
        public_url: PublicUrl::parse("http://localhost:8080", false).unwrap(),
        session: SessionLimits::default(),
        trusted_proxies: Vec::new(),
        site_root: std::env::temp_dir(),
    };
    let router = router(Web::new(
        ports(plane, &accounts),
        accounts.clone(),
        settings,
    ));
    let id = bench.application(target).await;
    let nil = uuid::Uuid::nil();
    // What every question names, by the names that functions and bodies use.
    let site = json!({
        "id": id, "target": target, "run": run, "operation": operation, "approval": approval, "hold": hold, "pin": pin,
        "user": nil, "token": nil, "source": bench.source, "cluster": "prod-eu", "name": "prod-eu", "filter": "",
        "show_all": false, "include_closed": false, "kind": "", "approval": "", "repo": "nothing", "sha": head, "from": head, "to": head,
        "reason": "x", "hours": 1, "back": "/", "digest": "d", "yes": true, "deploy": false, "typed": "x", "prune": false,
        "label": "x", "disabled": true, "old": "", "new": "correct horse battery", "password": "correct horse battery",
        "role": "viewer", "action": "sync", "object": "shop/cart", "theme": "dark", "kubeconfig": "x", "home_cluster": "",
        "repo_url": "https://git.example.com/x.git", "way": "commit", "session": nil, "code": "000000", "minutes": 5, "of": "", "at": "1h", "until": "", "undo": false, "revision": head, "judgement": "none",
    });
    let things = Things {
        target,
        operation,
        run,
        approval,
        hold,
        pin,
    };
    World {
        bench,
        router,
        tokens,
        things,
        site,
    }
}

impl World {
    async fn status(&self, who: usize, method: &str, path: &str, kind: &str, body: String) -> u16 {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost:8080");
        if let Some(token) = self.tokens.get(who).filter(|token| !token.is_empty()) {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if !kind.is_empty() {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let request = request.body(Body::from(body)).unwrap();
        self.router
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .status()
            .as_u16()
    }

    fn text(&self, name: &str) -> String {
        match &self.site[name] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    pub(super) fn api_path(&self, path: &str) -> String {
        let things = &self.things;
        let kind = path.split('/').nth(1).unwrap_or_default();
        let id = match kind {
            "operations" => things.operation.to_string(),
            "runs" => things.run.to_string(),
            "approvals" => things.approval.to_string(),
            "pins" => things.pin.to_string(),
            "holds" => things.hold.to_string(),
            "sources" => self.bench.source.to_string(),
            "apps" => self.text("id"),
            _ => uuid::Uuid::nil().to_string(),
        };
        let mut filled = path
            .replace("{id}", &id)
            .replace("{target}", &things.target.to_string())
            .replace("{sha}", &self.text("sha"))
            .replace("{repo}", "nothing")
            .replace("{name}", "prod-eu");
        if path.ends_with("/resource") || path.ends_with("/blame") {
            let key = ResourceKey::new("", "ConfigMap", "shop", "cart").to_string();
            let _ = write!(filled, "?key={}", key.replace('/', "%2F"));
        } else if path.ends_with("/compare") {
            let _ = write!(filled, "?from={0}&to={0}", self.text("sha"));
        } else if path.ends_with("/rollback/preview") {
            let _ = write!(filled, "?to={}", self.text("sha"));
        } else if path.ends_with("/accept/preview") {
            filled.push_str("?key=%2FConfigMap:shop%2Fcart&path=data.greeting");
        } else if path.ends_with("/past") {
            filled.push_str("?at=1h");
        } else if path == "/preview" {
            filled.push_str("?reference=main");
        } else if path.ends_with("/can") {
            filled.push_str("?action=sync&object=shop/cart");
        }
        filled
    }

    pub(super) fn api_body(&self, path: &str) -> Value {
        let edit = json!({"source": self.bench.source, "kind": "Add", "path": "definitions/new.yaml", "text": "a: 1", "base": self.site["sha"]});
        let fields: &[&str] = match path.rsplit('/').next().unwrap_or_default() {
            "sync" => &["prune"],
            "rollback" => &["to", "digest", "reason"],
            "pin" => &["to", "reason", "hours"],
            "mark" => &["revision"],
            "hold" => &["reason", "hours"],
            "take-over" => &["digest"],
            "remove" => &["digest", "typed"],
            "disabled" => &["disabled"],
            "password" => &["old", "new"],
            "users" => &["name", "password", "role"],
            "tokens" => &["label"],
            "automation" => &["name", "role"],
            "rotate" => &["minutes"],
            "act" => return json!({"object": "/ConfigMap:shop/cart", "action": "restart"}),
            "accept" => {
                return json!({"key": "/ConfigMap:shop/cart", "path": "data.greeting", "digest": "d"});
            }
            "image" => return json!({"images": ["web=2"]}),
            "preview" => return edit,
            "edits" => return json!({"edit": edit, "digest": "d"}),
            "template" => return json!({}),
            _ if path.starts_with("/approvals/") => &["digest", "yes"],
            _ => &[],
        };
        let mut body = serde_json::Map::new();
        for name in fields {
            body.insert((*name).to_owned(), self.site[*name].clone());
        }
        if path == "/users" || path == "/automation" {
            body.insert("role".to_owned(), json!("Viewer"));
        }
        Value::Object(body)
    }

    fn form(&self) -> String {
        let fields = self.site.as_object().unwrap();
        let pairs = fields
            .keys()
            .map(|name| format!("{name}={}", self.text(name).replace(' ', "+")));
        pairs.collect::<Vec<_>>().join("&")
    }
}

/// Server functions that take JSON; the others take forms.
const JSON: &[&str] = &[
    "accept_preview",
    "access",
    "access_can",
    "activity",
    "application",
    "approvals",
    "blame",
    "candidates",
    "changes",
    "cluster",
    "clusters",
    "commit",
    "compare",
    "definition",
    "doors",
    "drift",
    "edit_draft",
    "edit_template",
    "fleet",
    "history",
    "holds",
    "leftovers",
    "log_view",
    "operation_run",
    "own_account",
    "past",
    "preview",
    "problems",
    "programs",
    "removal",
    "resource",
    "retention",
    "run",
    "session",
    "sessions",
    "sets",
    "sources",
    "take_over_preview",
    "tokens",
    "tree",
    "upcoming",
    "users",
    "webhooks",
];

fn word(needs: Needs) -> String {
    match needs {
        Needs::Nothing => "-".to_owned(),
        Needs::Login => "login".to_owned(),
        Needs::Permission(permission) => permission.word().to_owned(),
    }
}

fn row(table: &mut String, name: &str, needs: &str, statuses: &[u16]) {
    let _ = write!(table, "{name:<58} {needs:<15}");
    for status in statuses {
        let _ = write!(table, " {status:>9}");
    }
    table.push('\n');
}

#[tokio::test]
async fn attack_57_every_route_is_called_by_everybody() {
    let world = world().await;
    let mut table = String::new();
    let _ = write!(table, "{:<58} {:<15}", "route", "needs");
    for person in PEOPLE {
        let _ = write!(table, " {person:>9}");
    }
    table.push('\n');
    let (_, routes) = api::table().finish();
    for route in &routes {
        let path = world.api_path(route.path);
        let mut statuses = Vec::new();
        for who in 0..PEOPLE.len() {
            // What an administrator could change or remove, others still need.
            let harmless = who < 3 || route.method == http::Method::GET;
            let body = if harmless {
                world.api_body(route.path)
            } else {
                json!({"unknown": 1})
            };
            let (kind, body) = match route.method.as_str() {
                "GET" | "DELETE" => ("", String::new()),
                _ => ("application/json", body.to_string()),
            };
            let path = if who == 3 && route.method == http::Method::DELETE {
                path.replace(&world.text("hold"), "x")
                    .replace(&world.text("pin"), "x")
            } else {
                path.clone()
            };
            let full = format!("/api/v1{path}");
            statuses.push(
                world
                    .status(who, route.method.as_str(), &full, kind, body)
                    .await,
            );
        }
        let name = format!("{} /api/v1{}", route.method, route.path);
        row(&mut table, &name, &word(route.needs), &statuses);
    }
    let (form, query) = (world.form(), world.site.to_string());
    for (name, needs) in functions::FUNCTIONS {
        let mut statuses = Vec::new();
        for who in 0..PEOPLE.len() {
            let json = JSON.contains(name);
            let (kind, body) = match (json, who) {
                // It would take the policy away from all that follow.
                (_, 3) if *name == "choose_policy_source" => (
                    "application/x-www-form-urlencoded",
                    "source=nothing".to_owned(),
                ),
                (true, _) => (
                    "application/json",
                    special(name, &world).unwrap_or_else(|| query.clone()),
                ),
                (false, _) if *name == "act" => (
                    "application/x-www-form-urlencoded",
                    format!(
                        "target={}&object=/ConfigMap:shop/cart&kind=restart&uid=&back=/",
                        world.text("target")
                    ),
                ),
                (false, _) if *name == "accept" => (
                    "application/x-www-form-urlencoded",
                    format!(
                        "target={}&object=/ConfigMap:shop/cart&path=data.greeting&digest=d&reason=&way=&back=/",
                        world.text("target")
                    ),
                ),
                (false, _) => ("application/x-www-form-urlencoded", form.clone()),
            };
            let path = format!("{}{name}", functions::PREFIX);
            statuses.push(world.status(who, "POST", &path, kind, body).await);
        }
        row(
            &mut table,
            &format!("POST /sfn/{name}"),
            &word(*needs),
            &statuses,
        );
    }
    for (method, path) in OTHERS {
        let mut statuses = Vec::new();
        for who in 0..PEOPLE.len() {
            statuses.push(
                world
                    .status(
                        who,
                        method,
                        &path.replace("{*function}", "x").replace("{*rest}", "x"),
                        "",
                        String::new(),
                    )
                    .await,
            );
        }
        row(&mut table, &format!("{method} {path}"), "", &statuses);
    }
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/control_plane/tests/routes.txt"
    );
    if std::env::var_os("LOCKSTEP_WRITE_ROUTES").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    for (found, expected) in table.lines().zip(expected.lines()) {
        assert_eq!(
            found, expected,
            "routes.txt says otherwise; read the difference"
        );
    }
    assert_eq!(table.lines().count(), expected.lines().count());
}

/// Fields whose name means something else in this function.
fn special(name: &str, world: &World) -> Option<String> {
    let mut body = world.site.clone();
    match name {
        "resource" | "blame" | "accept_preview" => {
            body["path"] = json!("data.greeting");
            body["key"] =
                json!({"group": "", "kind": "ConfigMap", "namespace": "shop", "name": "cart"})
        }
        "log_view" => body["query"] = json!({}),
        "upcoming" => body["query"] = json!({"repo": "", "reference": "main", "onto": ""}),
        "edit_draft" => body["subject"] = json!({"Application": world.site["id"]}),
        "edit_template" => body["new"] = json!({}),
        "access_can" => body["subject"] = json!(""),
        _ => return None,
    }
    Some(body.to_string())
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
    let public: Vec<&str> = api::table()
        .finish()
        .1
        .iter()
        .filter(|route| route.needs == Needs::Nothing)
        .map(|route| route.path)
        .collect();
    assert_eq!(public, ["/login"]);
}
