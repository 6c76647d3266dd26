//! Everything that leaves the server: answers of all routes, pages, the stream, the log, metrics, the command line, and
//! the files of the database.

use crate::paths::Things;
use crate::plant::Site;
use crate::world::World;
use axum::body::Body;
use futures::StreamExt;
use http::{Method, Request, header};
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

    /// What the server answers, logs and sends out, by name.
    pub async fn answers(&self, world: &World, site: &Site) -> Vec<(String, String)> {
        let (heard, unfit) = self.hear(world, site).await;
        assert!(unfit.is_empty(), "errors instead of answers: {unfit:#?}");
        heard
    }

    /// The same, and which of it are errors instead of answers.
    async fn hear(&self, world: &World, site: &Site) -> (Vec<(String, String)>, Vec<String>) {
        let (mut heard, mut unfit) = (Vec::new(), Vec::new());
        let things = site.things(world).await;
        for path in things.paths() {
            let (is_answer, text) = ask(site, &path).await;
            if !is_answer {
                unfit.push(format!("{path}: {text}"));
            }
            heard.push((path, text));
        }
        for (name, body) in things.calls() {
            let (is_answer, text) = call(site, name, &body).await;
            let asked = format!("/sfn/{name} {body}");
            if !is_answer {
                unfit.push(format!("{asked}: {text}"));
            }
            heard.push((asked, text));
        }
        heard.push(("log".to_owned(), self.log()));
        heard.push(("told".to_owned(), site.receiver.heard()));
        heard.extend(site.said.lock().expect("no panic before").iter().cloned());
        (heard, unfit)
    }

    /// All outputs by name, and which of them are errors instead of answers.
    pub async fn everything(
        &self,
        world: &World,
        site: &Site,
    ) -> (Vec<(String, String)>, Vec<String>) {
        let (mut heard, unfit) = self.hear(world, site).await;
        heard.push(("/events".to_owned(), stream(site).await));
        let things = site.things(world).await;
        heard.extend(command_line(site, &things).await);
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
        (heard, unfit)
    }
}

/// Addresses that are not answered with 200, and why: everything else must be, or an error would be searched instead of
/// an answer.
const EXCUSED: &[(&str, &str)] = &[
    ("/logs", "no container ever ran"),
    ("/rollout", "it waits for what does not come"),
    ("/take-over", "the source is taken over already"),
    ("/leftovers/", "nothing was left"),
    ("/accept", "only the field that differs can be accepted"),
    ("/edit", "the file of one definition also holds a Secret"),
    ("/login", "a page for those who are not inside"),
    ("/setup", "the first account is there"),
    ("/new", "not every source has its branch"),
    ("&pane=blame", "nobody wrote what a controller made"),
    ("/operations/", "it leads to its run"),
    ("/promote", "there is one target of each"),
];

/// Whether it is an answer, and what it says.
async fn call(site: &Site, name: &str, body: &serde_json::Value) -> (bool, String) {
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("/sfn/{name}"))
        .header(header::HOST, site.host())
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {}", site.token));
    let request = request
        .body(Body::from(body.to_string()))
        .expect("a request");
    let answer = site
        .router
        .clone()
        .oneshot(request)
        .await
        .expect("an answer");
    let status = answer.status().as_u16();
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 25).await;
    let text = String::from_utf8_lossy(&bytes.expect("a body")).into_owned();
    // A conflict says why something cannot be shown, which is an answer too.
    let is_answer = match name {
        // There is one target of each application.
        "promotion" => status == 422,
        // Only the field that differs can be accepted.
        "accept_preview" => [200, 404, 409].contains(&status),
        _ => [200, 409].contains(&status),
    };
    (is_answer, format!("{status} {text}"))
}

async fn ask(site: &Site, path: &str) -> (bool, String) {
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
    let status = answer.status().as_u16();
    let headers = format!("{:?}", answer.headers());
    let body = axum::body::to_bytes(answer.into_body(), 1 << 25).await;
    let body = body.expect("a body");
    let text = String::from_utf8_lossy(&body);
    let excused = EXCUSED.iter().any(|(part, _)| path.contains(part));
    let is_answer = status == 200 || (excused && status < 500);
    (is_answer, format!("{status} {headers}\n{text}"))
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

async fn command_line(site: &Site, things: &Things) -> Vec<(String, String)> {
    let mut heard = Vec::new();
    let (shop, head) = ("default/shop", things.head.as_str());
    let object = "/Secret:login";
    for arguments in [
        &["app", "list"][..],
        &["app", "get", shop],
        &["app", "diff", shop],
        &["app", "history", shop],
        &["app", "tree", shop],
        &["app", "manifests", shop],
        &["app", "manifests", shop, "--live"],
        &["app", "blame", shop],
        &["app", "blame", shop, object],
        &["app", "logs", shop],
        &["app", "past", shop, "--at", "1m"],
        &["app", "accept", shop, object, "data.key"],
        &["app", "rollback", shop, head],
        &["app", "holds"],
        &["fleet"],
        &["drift"],
        &["alerts"],
        &["audit"],
        &["commit", head],
        &["preview", "main", "--patch"],
        &["cluster", "list"],
        &["source", "list"],
        &["source", "problems"],
        &["source", "sets"],
        &["access", "show"],
        &["access", "can", "vic", "sync", shop],
        &["api", "GET", "/notify"],
        &["version"],
    ] {
        for form in ["table", "json"] {
            let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_lockstep"))
                .args(arguments)
                .args(["--output", form])
                .env_clear()
                .env("LOCKSTEP_SERVER", &site.url)
                .env("LOCKSTEP_TOKEN", &site.token)
                .stdin(std::process::Stdio::null())
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
