//! Everything that leaves the server: answers of all routes, pages, the stream, the log, metrics, the command line, and
//! the files of the database.

use crate::plant::Site;
use crate::world::World;
use axum::body::Body;
use futures::StreamExt;
use http::{Method, Request, header};
use server::http::{RouteInfo, api};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tower::ServiceExt;

/// The log of the whole process.
#[derive(Clone, Default)]
pub struct Ears(Arc<Mutex<Vec<u8>>>);

impl Write for Ears {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Ears {
    /// Listens to the log from now on, more closely than an operator would.
    pub fn begin() -> Self {
        let ears = Self::default();
        let writer = ears.clone();
        tracing_subscriber::fmt()
            .json()
            .with_env_filter("info,server=trace,engine=trace")
            .with_writer(move || writer.clone())
            .init();
        ears
    }

    fn log(&self) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Forgets what was said so far.
    pub fn forget(&self, site: &Site) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        site.said.lock().expect("no panic before").clear();
    }

    /// All outputs by name.
    pub async fn everything(&self, world: &World, site: &Site) -> Vec<(String, String)> {
        let mut heard = Vec::new();
        let things = site.things(world).await;
        for path in things.paths() {
            heard.push((path.clone(), ask(site, &path).await));
        }
        heard.push(("/events".to_owned(), stream(site).await));
        heard.extend(command_line(site).await);
        let (ports, actor) = (&site.plane, crate::plant::root());
        let sources = ports.sources.sources(&actor).await;
        heard.push(("debug of sources".to_owned(), format!("{sources:?}")));
        let notify = ports.alerts.notify(&actor).await;
        heard.push(("debug of receivers".to_owned(), format!("{notify:?}")));
        for name in ["lockstep.db", "lockstep.db-wal"] {
            let bytes = std::fs::read(world.folder.path().join(name)).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            heard.push((format!("database {name}"), text));
        }
        heard.push(("log".to_owned(), self.log()));
        heard.extend(site.said.lock().expect("no panic before").iter().cloned());
        heard
    }
}

async fn ask(site: &Site, path: &str) -> String {
    let request = Request::builder()
        .uri(path)
        .header(header::HOST, site.host())
        .header("sec-fetch-site", "same-origin")
        .header(header::ACCEPT, "text/html,application/json")
        .header(header::AUTHORIZATION, format!("Bearer {}", site.token));
    let request = request.body(Body::empty()).expect("a request");
    let answer = site
        .router
        .clone()
        .oneshot(request)
        .await
        .expect("an answer");
    // A cluster may not answer; nothing may fall over.
    assert_ne!(answer.status().as_u16(), 500, "{path}");
    let headers = format!("{:?}", answer.headers());
    let body = axum::body::to_bytes(answer.into_body(), 1 << 25).await;
    let body = body.expect("a body");
    format!("{headers}\n{}", String::from_utf8_lossy(&body))
}

/// What the stream sends of all that happened, until it falls silent.
async fn stream(site: &Site) -> String {
    let request = Request::builder()
        .uri("/events?after=1")
        .header(header::HOST, site.host())
        .header(header::AUTHORIZATION, format!("Bearer {}", site.token));
    let request = request.body(Body::empty()).expect("a request");
    let answer = site
        .router
        .clone()
        .oneshot(request)
        .await
        .expect("an answer");
    let mut body = answer.into_body().into_data_stream();
    let mut text = String::new();
    while let Ok(Some(Ok(chunk))) = tokio::time::timeout(Duration::from_secs(1), body.next()).await
    {
        text.push_str(&String::from_utf8_lossy(&chunk));
        if text.len() > 1 << 22 {
            break;
        }
    }
    text
}

async fn command_line(site: &Site) -> Vec<(String, String)> {
    let mut heard = Vec::new();
    for arguments in [
        &["app", "list"][..],
        &["app", "get", "shop"],
        &["app", "diff", "shop"],
        &["app", "history", "shop"],
        &["cluster", "list"],
        &["source", "list"],
        &["version"],
    ] {
        for form in ["table", "json"] {
            let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_lockstep"))
                .args(arguments)
                .args(["--output", form])
                .env_clear()
                .env("LOCKSTEP_SERVER", &site.url)
                .env("LOCKSTEP_TOKEN", &site.token)
                .output()
                .await
                .expect("the program runs");
            let text = [output.stdout, output.stderr].concat();
            heard.push((
                format!("lockstep {} ({form})", arguments.join(" ")),
                String::from_utf8_lossy(&text).into_owned(),
            ));
        }
    }
    heard
}

/// What addresses are filled with.
pub struct Things {
    pub applications: Vec<Application>,
    pub runs: Vec<String>,
    pub operations: Vec<String>,
    pub sources: Vec<String>,
    pub clusters: Vec<String>,
    pub repository: String,
    pub head: String,
}

/// One application with its only target.
pub struct Application {
    pub id: String,
    pub name: String,
    pub target: String,
    /// Keys of objects in its tree, as addresses name them.
    pub keys: Vec<String>,
}

impl Things {
    /// Every readable address of the API with everything there is, and the pages that show the same.
    fn paths(&self) -> Vec<String> {
        let (_, routes) = api::table().finish();
        let mut paths: Vec<String> = [
            "/",
            "/?view=table",
            "/drift",
            "/problems",
            "/activity",
            "/approvals",
            "/alerts",
            "/clusters",
            "/settings",
            "/settings?tab=sources",
            "/settings?tab=notifications",
            "/settings?tab=webhooks",
            "/settings?tab=accounts",
            "/settings?tab=tokens",
            "/metrics",
            "/login",
        ]
        .map(str::to_owned)
        .into();
        // The events have no end, and are heard above.
        let ends = |route: &&RouteInfo| route.method == Method::GET && route.path != "/events";
        for route in routes.iter().filter(ends) {
            paths.extend(self.fill(route.path));
        }
        for app in &self.applications {
            for rest in [
                "",
                "&tab=tree",
                "&tab=changes",
                "&tab=history",
                "&tab=definition",
            ] {
                let cluster = &self.clusters[0];
                paths.push(format!(
                    "/apps/{}/{}?cluster={cluster}{rest}",
                    app.id, app.name
                ));
            }
        }
        paths.extend(self.runs.iter().map(|run| format!("/syncs/{run}")));
        paths
    }

    fn fill(&self, path: &str) -> Vec<String> {
        let whole = format!("/api/v1{path}");
        let each = |name: &str, values: &[String]| {
            values
                .iter()
                .map(|value| whole.replace(name, value))
                .collect::<Vec<_>>()
        };
        let (runs, operations) = (&self.runs, &self.operations);
        if path.starts_with("/apps/{id}") {
            let mut filled = Vec::new();
            for app in &self.applications {
                let address = whole
                    .replace("{id}", &app.id)
                    .replace("{target}", &app.target);
                match path.rsplit('/').next() {
                    Some("resource") => {
                        filled.extend(app.keys.iter().map(|key| format!("{address}?key={key}")))
                    }
                    Some("compare") => {
                        filled.push(format!("{address}?from={0}~1&to={0}", self.head));
                        filled.push(format!("{address}?from={0}&to={0}", self.head));
                    }
                    Some("preview") => filled.push(format!("{address}?to={}", self.head)),
                    _ => filled.push(address),
                }
            }
            return filled;
        }
        match path.split('/').nth(1) {
            Some("runs") => each("{id}", runs),
            Some("operations") => each("{id}", operations),
            Some("sources") => each("{id}", &self.sources),
            Some("clusters") => each("{name}", &self.clusters),
            Some("commits") => vec![
                whole
                    .replace("{repo}", &self.repository)
                    .replace("{sha}", &self.head),
            ],
            Some("access") if path.ends_with("can") => {
                vec![format!("{whole}?action=sync&object=shop/shop")]
            }
            _ => vec![whole],
        }
    }
}
