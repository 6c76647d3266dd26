//! Attacks through the whole server, over the real ports: each is asserted by its status, its body, its entry in the log
//! and by a server that goes on serving.

use super::world::{World, text, world};
use crate::store::audit::{self, AuditQuery};
use http::{StatusCode, header};
use lines::Log;
use lockstep_types::id::TargetId;
use serde_json::{Value, json};
use std::fmt::Write as _;

#[path = "../../../../tests/http/lines.rs"]
#[allow(
    dead_code,
    clippy::panic,
    clippy::unwrap_used,
    reason = "shared with the tests of the HTTP layer"
)]
mod lines;

/// Wherever it stands in what is sent, it must come out nowhere.
const SECRET: &str = "hunter2";

async fn still_serves(world: &World) {
    let health = world.send("", "GET", "/healthz", "", String::new()).await;
    assert_eq!(health.status(), StatusCode::OK);
    assert_eq!(text(health).await, "ok\n");
    let me = world.status(3, "GET", "/api/v1/me", "", String::new());
    assert_eq!(me.await, 200, "nobody gets in any more");
}

/// An entry of exactly this request, among those from `before` on.
fn logged(log: &Log, before: usize, path: &str, status: u16) {
    let path = path.split('?').next().unwrap_or_default();
    let entries = log.entries();
    let found = entries
        .iter()
        .skip(before)
        .any(|entry| entry["status"] == status && entry["span"]["path"].as_str() == Some(path));
    assert!(found, "no entry of {path} {status} in {}", log.text());
    assert!(!log.text().contains(SECRET), "{}", log.text());
}

/// Asks as one of the people, and asserts the refusal whole. Gives the body.
async fn refused(
    world: &World,
    log: &Log,
    who: usize,
    (method, path): (&str, &str),
    body: &Value,
    (status, says): (u16, &str),
) -> Value {
    let before = log.entries().len();
    let (kind, sent) = match body {
        Value::Null => ("", String::new()),
        body => ("application/json", body.to_string()),
    };
    let token = world.tokens[who].clone();
    let answer = world.send(&token, method, path, kind, sent).await;
    let (found, kind) = (
        answer.status().as_u16(),
        answer.headers().get(header::CONTENT_TYPE).cloned(),
    );
    let text = text(answer).await;
    assert_eq!(found, status, "{method} {path} {body}: {text}");
    assert_eq!(kind.unwrap(), "application/problem+json", "{path}");
    let problem: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(problem["status"], status, "{text}");
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(
        !detail.is_empty() && detail.contains(says),
        "{says}: {text}"
    );
    for inside in [SECRET, ".rs:", "sqlite", "panicked"] {
        assert!(!text.contains(inside), "{inside}: {text}");
    }
    logged(log, before, path, status);
    still_serves(world).await;
    problem
}

async fn denied(world: &World) -> usize {
    let query = AuditQuery {
        filter: "denied".to_owned(),
        limit: 100,
        ..AuditQuery::default()
    };
    audit::list(world.bench.store(), &query)
        .await
        .unwrap()
        .len()
}

fn target(world: &World, rest: &str) -> String {
    let path = format!("/api/v1/apps/{{id}}/targets/{{target}}{rest}");
    path.replace("{id}", &world.application.to_string())
        .replace("{target}", &world.things.target.to_string())
}

#[tokio::test]
async fn attack_33_a_password_in_an_address_is_refused_and_kept_nowhere() {
    let world = world().await;
    let log = Log::begin();
    for address in [
        "https://robot:hunter2@git.example.com/x.git",
        "https://robot:hunter2@hunter2@git.example.com/x.git",
    ] {
        let body = json!({
            "name": "x", "repo_url": address, "path": "apps", "target_revision": "main", "home_cluster": "",
        });
        let path = ("POST", "/api/v1/sources");
        let problem = refused(&world, &log, 3, path, &body, (422, "")).await;
        assert_eq!(problem["field"], "repo_url", "{problem}");
    }
    let sources = world.send(
        &world.tokens[3],
        "GET",
        "/api/v1/sources",
        "",
        String::new(),
    );
    assert!(!text(sources.await).await.contains(SECRET));
}

/// What a kubeconfig of one cluster and one user says there.
fn kubeconfig(cluster: &str, user: &str) -> Value {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters:\n- name: k\n  cluster: {{{cluster}}}\n\
         users:\n- name: u\n  user: {{{user}}}\ncontexts:\n- name: c\n  context: {{cluster: k, user: u}}\n"
    );
    json!({"name": "another", "kubeconfig": text, "labels": {}, "context": ""})
}

#[tokio::test]
async fn attack_34_a_kubeconfig_that_runs_or_reads_something_is_not_taken() {
    let world = world().await;
    let log = Log::begin();
    let public = "server: 'https://k8s.example.com'";
    for (cluster, user, says) in [
        (
            "",
            "exec: {apiVersion: v1, command: id, env: [{name: A, value: hunter2}]}",
            "exec",
        ),
        (
            "",
            "auth-provider: {name: gcp, config: {a: hunter2}}",
            "auth-provider",
        ),
        ("", "tokenFile: /etc/passwd", "tokenFile"),
        ("", "client-key: /a, client-certificate: /b", "client-"),
        (
            ", certificate-authority: /etc/passwd",
            "token: hunter2",
            "certificate-authority",
        ),
        (
            ", proxy-url: 'http://proxy:3128'",
            "token: hunter2",
            "proxy-url",
        ),
    ] {
        let body = kubeconfig(&format!("{public}{cluster}"), user);
        let path = ("POST", "/api/v1/clusters");
        let problem = refused(&world, &log, 3, path, &body, (422, says)).await;
        assert_eq!(problem["field"], "kubeconfig", "{problem}");
    }
}

#[tokio::test]
async fn attack_35_a_kubeconfig_that_leads_inside_or_skips_a_check_is_not_taken() {
    let world = world().await;
    let log = Log::begin();
    for (cluster, says) in [
        (
            "server: 'https://k8s.example.com', insecure-skip-tls-verify: true",
            "insecure-skip-tls-verify",
        ),
        ("server: 'http://k8s.example.com'", "plain http"),
        ("server: 'https://127.0.0.1:6443'", "127.0.0.1"),
        ("server: 'https://169.254.169.254'", "169.254.169.254"),
        ("server: 'https://[::ffff:10.0.0.1]'", "10.0.0.1"),
    ] {
        let body = kubeconfig(cluster, "token: hunter2");
        let path = ("POST", "/api/v1/clusters");
        let problem = refused(&world, &log, 3, path, &body, (422, says)).await;
        assert_eq!(problem["field"], "kubeconfig", "{problem}");
    }
}

#[tokio::test]
async fn attack_58_an_id_that_is_guessed_tells_nothing() {
    let world = world().await;
    let log = Log::begin();
    let nil = uuid::Uuid::nil().to_string();
    for rest in ["/tree", "/changes", "/history", "/rollback/candidates"] {
        let there = target(&world, rest);
        let not = there.replace(&world.things.target.to_string(), &nil);
        let mut told = Vec::new();
        for path in [&there, &not] {
            let told_of = refused(&world, &log, 2, ("GET", path), &Value::Null, (404, "")).await;
            told.push(
                told_of
                    .to_string()
                    .replace(&world.things.target.to_string(), &nil),
            );
        }
        assert_eq!(told[0], told[1], "{rest}");
    }
}

#[tokio::test]
async fn attack_59_fields_that_nobody_asked_for_change_nothing() {
    let world = world().await;
    let log = Log::begin();
    let sync = target(&world, "/sync");
    let user = json!({"name": "eve", "password": "correct horse battery staple", "role": "Viewer", "admin": "hunter2"});
    for (path, body) in [
        (sync.as_str(), json!({"prune": false, "cluster": "hunter2"})),
        (sync.as_str(), json!({"namespace": "hunter2"})),
        ("/api/v1/users", user),
    ] {
        refused(&world, &log, 3, ("POST", path), &body, (422, "")).await;
    }
    let users = world.send(&world.tokens[3], "GET", "/api/v1/users", "", String::new());
    assert!(!text(users.await).await.contains("eve"));
}

#[tokio::test]
async fn attack_60_a_sync_takes_no_commit_no_manifests_and_no_parameters() {
    let world = world().await;
    let log = Log::begin();
    let sync = target(&world, "/sync");
    for body in [
        json!({"revision": "hunter2"}),
        json!({"manifests": ["hunter2"]}),
        json!({"parameters": {"a": "hunter2"}}),
        json!({"force": "hunter2"}),
    ] {
        refused(&world, &log, 3, ("POST", &sync), &body, (422, "")).await;
    }
    let unknown = target(&world, &format!("/rollback/preview?to={}", "f".repeat(40)));
    refused(&world, &log, 3, ("GET", &unknown), &Value::Null, (404, "")).await;
}

#[tokio::test]
async fn attack_61_another_plan_and_a_second_yes_are_refused() {
    let world = world().await;
    let log = Log::begin();
    let path = format!("/api/v1/approvals/{}", world.things.approval);
    let yes = |digest: &str| json!({"digest": digest, "yes": true});
    refused(&world, &log, 2, ("POST", &path), &yes("digest"), (404, "")).await;
    refused(
        &world,
        &log,
        1,
        ("POST", &path),
        &yes("digest"),
        (403, "approve"),
    )
    .await;
    refused(&world, &log, 3, ("POST", &path), &yes("another"), (409, "")).await;
    let kind = "application/json";
    let taken = world.status(3, "POST", &path, kind, yes("digest").to_string());
    assert_eq!(taken.await, 200);
    refused(&world, &log, 3, ("POST", &path), &yes("digest"), (409, "")).await;
    assert_eq!(denied(&world).await, 1);
}

#[tokio::test]
async fn attack_62_a_rollback_without_the_right_is_refused_and_in_the_audit_log() {
    let world = world().await;
    let log = Log::begin();
    let (back, pin) = (target(&world, "/rollback"), target(&world, "/pin"));
    let to = &world.things.commit;
    let request = json!({"to": to, "digest": "d", "reason": "x"});
    let hold = json!({"to": to, "reason": "x", "hours": 1});
    for (path, body) in [(&back, &request), (&pin, &hold)] {
        refused(&world, &log, 1, ("POST", path), body, (403, "rollback")).await;
        refused(&world, &log, 2, ("POST", path), body, (404, "")).await;
    }
    assert_eq!(denied(&world).await, 2);
    // A commit that the repository does not have.
    let request = json!({"to": "f".repeat(40), "digest": "d", "reason": "x"});
    refused(&world, &log, 3, ("POST", &back), &request, (404, "")).await;
    let none = back.replace(
        &world.things.target.to_string(),
        &TargetId(uuid::Uuid::nil()).to_string(),
    );
    refused(&world, &log, 3, ("POST", &none), &request, (404, "")).await;
}

/// Commits a few files, and gives what the API and the page say of that commit.
async fn seen(world: &World, log: &Log, subject: &str, files: &[(&str, String)]) -> [String; 2] {
    for (path, text) in files {
        world.bench.repository.write(path, text);
    }
    world.bench.repository.commit(subject);
    let head = world.bench.fetch("main").await;
    let before = log.entries().len();
    let repository = &world.things.repository;
    let path = format!("/api/v1/commits/{repository}/{head}");
    let answer = world
        .send(&world.tokens[3], "GET", &path, "", String::new())
        .await;
    assert_eq!(answer.status(), StatusCode::OK);
    let by_api = text(answer).await;
    logged(log, before, &path, 200);
    let cookie = world.cookie("admin").await;
    let answer = world
        .page(&cookie, &format!("/commits/{repository}/{head}"))
        .await;
    assert_eq!(answer.status(), StatusCode::OK);
    let page = text(answer).await;
    still_serves(world).await;
    [by_api, page]
}

#[tokio::test]
async fn attack_64_a_commit_with_secrets_shows_that_there_are_some_and_no_more() {
    let world = world().await;
    let log = Log::begin();
    let secret =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  password: hunter2\n";
    let files = [
        ("apps/cart/secret.yaml", secret.to_owned()),
        ("apps/cart/shown.txt", "seen-by-everybody\n".to_owned()),
    ];
    for said in seen(&world, &log, "secrets", &files).await {
        assert!(said.contains("secret.yaml"), "{said}");
        assert!(!said.contains(SECRET), "{said}");
    }
}

#[tokio::test]
async fn attack_53_what_a_commit_says_is_text() {
    let world = world().await;
    let log = Log::begin();
    let bad = "<script>alert(1)</script><img src=x onerror=alert(2)>";
    let files = [("apps/cart/shown.txt", format!("{bad}\n"))];
    let [_, page] = seen(&world, &log, bad, &files).await;
    assert!(page.contains("&lt;script&gt;alert(1)"), "{page}");
    assert!(
        !page.contains("<script>alert") && !page.contains("<img src=x"),
        "{page}"
    );
}

#[tokio::test]
async fn attack_56_a_commit_of_fifty_thousand_lines_has_an_end() {
    let world = world().await;
    let log = Log::begin();
    let mut long = String::new();
    for number in 0..50_000 {
        let _ = writeln!(long, "line {number} \u{202e}backwards");
    }
    let [by_api, page] = seen(&world, &log, "long", &[("apps/cart/long.txt", long)]).await;
    assert!(by_api.len() < 3 << 20, "{}", by_api.len());
    assert!(page.len() < 3 << 20, "{}", page.len());
    // Letters that turn a line round are written out.
    assert!(!page.contains('\u{202e}'), "they are still there");
}
