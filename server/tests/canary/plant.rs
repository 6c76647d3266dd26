//! Planting: in Git, in the cluster, and by every field of the API that takes a secret.

use crate::bird::Birds;
use crate::paths::{Application, Things};
use crate::receiver::Receiver;
use crate::world::{WITHIN, World};
use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use engine::masking::Masking;
use http::{Request, header};
use lockstep_types::account::{Actor, NewToken, Role};
use lockstep_types::id::UserId;
use lockstep_types::ports::{Accounts, ControlPlane};
use serde_json::{Value, json};
use server::accounts::AccountService;
use server::config::{PublicUrl, SessionLimits};
use server::http::{Limits, Peer, TimedListener, Web, WebSettings, router};
use server::store;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tower::ServiceExt;
use uuid::Uuid;

/// The server of a world, from the outside.
pub struct Site {
    pub plane: ControlPlane,
    pub router: Router,
    pub url: String,
    pub token: String,
    /// Somebody who is told of everything.
    pub receiver: Receiver,
    /// What acts were answered with.
    pub said: Mutex<Vec<(String, String)>>,
}

pub fn root() -> Actor {
    Actor {
        user: UserId(Uuid::nil()),
        name: "test".to_owned(),
        role: Role::Admin,
        token: None,
        rights: Default::default(),
    }
}

pub async fn site(world: &World) -> Site {
    let plane = world.telling().await;
    let accounts = AccountService::open(world.store().clone())
        .await
        .expect("accounts");
    let user = accounts
        .create_user(&root(), "ada", "correct horse battery", Role::Admin)
        .await
        .expect("an account");
    let actor = accounts
        .actor_of_user(user)
        .await
        .expect("an actor")
        .expect("an actor");
    let new = NewToken {
        label: "test".to_owned(),
        ..NewToken::default()
    };
    let token = accounts.create_token(&actor, &new).await.expect("a token");
    let tcp = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}", tcp.local_addr().expect("an address"));
    let settings = WebSettings {
        public_url: PublicUrl::parse(&url, false).expect("an address"),
        session: SessionLimits::default(),
        trusted_proxies: Vec::new(),
        site_root: world.folder.path().to_owned(),
    };
    let router = router(Web::new(plane.clone(), accounts, settings));
    let service = router.clone().into_make_service_with_connect_info::<Peer>();
    let listener = TimedListener::new(tcp, Limits::default());
    tokio::spawn(async move { axum::serve(listener, service).await });
    Site {
        plane,
        router,
        url,
        token,
        receiver: Receiver::start().await,
        said: Mutex::default(),
    }
}

impl Site {
    pub fn host(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    /// Asks for a change; what is said is one more output, except where a secret is shown this once.
    async fn ask(&self, method: &str, path: &str, body: &Value, shown_once: bool) -> Value {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(header::HOST, self.host())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        let request = request
            .body(Body::from(body.to_string()))
            .expect("a request");
        let answer = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("an answer");
        let bytes = axum::body::to_bytes(answer.into_body(), 1 << 22)
            .await
            .expect("a body");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if !shown_once {
            let mut said = self.said.lock().expect("no panic before");
            said.push((format!("{method} {path}"), text.clone()));
        }
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }

    async fn form(&self, path: &str, body: String) -> (String, String) {
        let request = Request::builder()
            .method("POST")
            .uri(path)
            .header(header::HOST, self.host())
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.body(Body::from(body)).expect("a request");
        let answer = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("an answer");
        let header = |name: &str| {
            let value = answer
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        (header("location"), header("set-cookie"))
    }

    /// What there is to ask about.
    pub async fn things(&self, world: &World) -> Things {
        let db = world.store();
        let rows = store::application::list(db, false)
            .await
            .expect("applications");
        let mut applications = Vec::new();
        let (mut runs, mut operations) = (Vec::new(), Vec::new());
        for row in rows {
            let target = store::target::id_of(row.id, world.cluster());
            let tree = self.plane.applications.tree(&root(), target).await;
            let keys = tree.map(|tree| tree.nodes).unwrap_or_default();
            let of_target = store::run::of_target(db, target, None, 20).await;
            for run in of_target.expect("runs") {
                runs.push(run.id.to_string());
                operations.push(run.operation.to_string());
            }
            applications.push(Application {
                id: row.id.to_string(),
                name: row.name,
                target: target.to_string(),
                keys: keys.iter().map(|node| node.key.to_string()).collect(),
            });
        }
        let sources = store::source::list(db).await.expect("sources");
        let clusters = store::cluster::list(db).await.expect("clusters");
        let accounts = store::user::list(db).await.expect("accounts");
        let url = world.repository.url();
        let log = ["log", "--format=%H", "--", "manifests/secret.yaml"];
        let of_secret = world.repository.git(&log);
        let mut names: Vec<String> = clusters.into_iter().map(|row| row.name).collect();
        // The rig's cluster first: that is where the targets are.
        names.sort_by_key(|name| name != world.cluster());
        Things {
            applications,
            runs,
            operations,
            accounts: accounts.into_iter().map(|row| row.id.to_string()).collect(),
            sources: sources.iter().map(|row| row.id.to_string()).collect(),
            clusters: names,
            repository: url.rsplit('/').next().unwrap_or_default().to_owned(),
            head: world.repository.head().0,
            before: of_secret.lines().last().expect("a commit").to_owned(),
        }
    }
}

fn secret(name: &str, annotations: &str, rest: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  annotations: {annotations}\n{rest}"
    )
}

fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}

/// No Secret, so that its file is shown where commits are; one of its lines is not.
fn annotated(key: &str, more: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: annotated, annotations: {{\n  example.org/api-key: {key}\n  }}}}\ndata: {{a: seen-by-everybody, more: {more}}}\n"
    )
}

/// A file of variables: none of its lines says that it holds secrets.
fn named(value: &str, more: &str) -> String {
    format!("# {more}\nLOGIN={value}\n")
}

/// The Secret of the chart.
fn charted(value: &str, more: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: charted}}\n{more}stringData:\n  password: {value}\n"
    )
}

/// What is hidden beside Secrets.
const RULES: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: argocd-cm}\ndata:\n  resource.sensitive.mask.annotations: example.org/license\n  resource.sensitive.mask.fields: |\n    ConfigMap: data.license\n";

/// What Git declares and the cluster holds.
pub async fn in_git_and_cluster(world: &World, birds: &mut Birds) {
    let data = birds.hatch("data of a Secret", true);
    let plain = birds.hatch("stringData of a Secret", true);
    let annotation = birds.hatch("a sensitive annotation", true);
    let copy = birds.hatch("a copy of an object in an annotation", true);
    let values = birds.hatch("values of a chart", true);
    let own = birds.hatch("an annotation for an API key on a ConfigMap", true);
    let annotations = format!(
        "\n    example.org/api-token: {annotation}\n    config.k8s.io/last-applied: '{{\"data\": \"{copy}\"}}'\n    note: 'the key is {data}'"
    );
    let rest = format!(
        "data:\n  key: {}\nstringData:\n  token: {plain}\n",
        encoded(&data)
    );
    world.repository.write(
        "manifests/secret.yaml",
        &secret("login", &annotations, &rest),
    );
    world
        .repository
        .write("manifests/annotated.yaml", &annotated(&own, "here"));
    world.repository.write(
        "chart/Chart.yaml",
        "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
    );
    // Values are no Secret where they stand; what the template makes of them is.
    world.repository.write("chart/templates/secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: charted}\nstringData:\n  password: {{ .Values.password }}\n");
    world
        .repository
        .write("chart/values.yaml", "password: unused\n");
    let text = std::fs::read_to_string(world.repository.path().join("apps/shop.yaml"));
    let text = text.expect("the definition of the shop");
    for (name, path) in [("charted", "chart"), ("broken", "broken")] {
        let other = text
            .replace("name: shop,", &format!("name: {name},"))
            .replace("path: manifests", &format!("path: {path}"));
        world.repository.write(&format!("apps/{name}.yaml"), &other);
    }
    let field = birds.hatch("a field that a rule in Git hides", true);
    let named_there = birds.hatch("an annotation that a rule in Git hides", true);
    world.repository.write("apps/argocd-cm.yaml", RULES);
    world.repository.write(
        "manifests/ruled.yaml",
        &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: ruled, annotations: {{example.org/license: {named_there}}}}}\ndata: {{license: {field}, more: seen}}\n"),
    );
    // A Secret in the file of a definition: nothing is made of it, and nobody edits it here.
    let beside = birds.hatch("a Secret beside a definition", true);
    let definition = std::fs::read_to_string(world.repository.path().join("apps/charted.yaml"));
    let definition = definition.expect("the definition");
    let more = format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: beside}}\nstringData:\n  key: {beside}\n"
    );
    world
        .repository
        .write("apps/charted.yaml", &format!("{definition}{more}"));
    let by_name = birds.hatch("a file that is a secret by its name", true);
    world
        .repository
        .write("manifests/prod.env", &named(&by_name, "first"));
    world.repository.write(
        "broken/config.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: beside}\ndata: {a: b}\n",
    );
    let first = world.commit_shop("hello", 0);
    world.until_deployed(&first).await;
    // A second commit, so that there are two to compare.
    world
        .repository
        .write("chart/templates/secret.yaml", &charted(&values, ""));
    let rest = rest.replace("  key:", "  more: bm90IHNlY3JldA==\n  key:");
    world.repository.write(
        "manifests/secret.yaml",
        &secret("login", &annotations, &rest),
    );
    let second = world.push("a key more");
    world.until_deployed(&second).await;
    let live = birds.hatch("data that somebody changed in the cluster", false);
    let applied = birds.hatch("kubectl's copy of the object", false);
    let patch = json!({
        "metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": format!("{{\"stringData\":{{\"a\":\"{applied}\"}}}}")}},
        "stringData": {"key": live},
    });
    world.kubectl(&[
        "patch",
        "secret",
        "login",
        "--type=merge",
        "-p",
        &patch.to_string(),
    ]);
    world
        .until_row("the drift is seen", |row| {
            row.state.sync == lockstep_types::diff::SyncStatus::OutOfSync
        })
        .await;
}

/// A Secret that the API server refuses, quoting it.
pub async fn refused_by_the_cluster(world: &World, birds: &mut Birds) {
    let quoted = birds.hatch("a value that the cluster quotes in a refusal", true);
    let rest = format!(
        "type: kubernetes.io/dockerconfigjson\ndata:\n  one: {0}\n  .dockerconfigjson: {0}\n",
        encoded(&quoted)
    );
    world
        .repository
        .write("broken/secret.yaml", &secret("broken", "{}", &rest));
    world.push("a Secret that is refused");
    until_refused(world).await;
    misshape(world, &quoted, "once");
    until_refused(world).await;
}

/// A Secret whose value is no text: API servers withhold values that they find invalid, and quote those of another shape.
fn misshape(world: &World, quoted: &str, key: &str) {
    let rest = format!("data:\n  {key}: [{}]\n", encoded(quoted));
    world
        .repository
        .write("broken/secret.yaml", &secret("broken", "{}", &rest));
    world.push("a Secret of another shape");
}

async fn until_refused(world: &World) {
    let rows = store::application::list(world.store(), false)
        .await
        .expect("applications");
    let broken = rows
        .iter()
        .find(|row| row.name == "broken")
        .expect("the application");
    let target = store::target::id_of(broken.id, world.cluster());
    let head = world.repository.head();
    let deadline = Instant::now() + WITHIN;
    loop {
        let runs = store::run::of_target(world.store(), target, None, 1)
            .await
            .expect("runs");
        let failed = lockstep_types::sync::SyncPhase::Failed;
        if runs
            .first()
            .is_some_and(|run| run.revision == head && run.phase == failed)
        {
            return;
        }
        assert!(Instant::now() < deadline, "not refused: {runs:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Every field that takes a secret.
pub async fn by_api(site: &Site, birds: &mut Birds) {
    birds.tell("an API token", &site.token, false);
    let password = birds.hatch("the password of a repository", false);
    let source = |name: &str| json!({"name": name, "path": "", "target_revision": "main", "home_cluster": ""});
    let mut basic = source("by-password");
    basic["repo_url"] = json!("https://git.invalid/team/shop.git");
    basic["username"] = json!("robot");
    basic["password"] = json!(password);
    site.ask("POST", "/sources", &basic, false).await;
    let key = birds.hatch("an SSH key", false);
    let mut ssh = source("by-key");
    ssh["repo_url"] = json!("ssh://git@git.invalid/team/shop.git");
    ssh["ssh_key"] = json!(format!(
        "-----BEGIN OPENSSH PRIVATE KEY-----\n{key}\n-----END OPENSSH PRIVATE KEY-----\n"
    ));
    ssh["known_hosts"] = json!(
        "git.invalid ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5OzmYzJvSTGMDwBX0YFzBCq9Pa1hKxWlSd5dCw6Vex"
    );
    site.ask("POST", "/sources", &ssh, false).await;
    let inline = birds.hatch("a password in an address", false);
    embedded(site, &inline, "inline").await;

    let token = birds.hatch("the token of a kubeconfig", false);
    let kubeconfig = |server: &str| {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: k, cluster: {{server: '{server}'}}}}]\nusers: [{{name: u, user: {{token: {token}}}}}]\ncontexts: [{{name: c, context: {{cluster: k, user: u}}}}]\n"
        )
    };
    for (name, server) in [
        ("away", "https://k8s.invalid:6443"),
        ("refused", "http://127.0.0.1:1"),
    ] {
        let body =
            json!({"name": name, "labels": {}, "kubeconfig": kubeconfig(server), "context": ""});
        site.ask("POST", "/clusters", &body, false).await;
    }

    let secret = site.ask("POST", "/webhooks/secret", &json!({}), true).await;
    let secret = secret.as_str().map(str::to_owned).or_else(|| {
        let fields = secret.as_object()?.values();
        fields.filter_map(Value::as_str).map(str::to_owned).next()
    });
    birds.tell("the secret of webhooks", &secret.expect("a secret"), false);

    let address = birds.hatch("the address of a receiver", false);
    let signing = birds.hatch("the signing key of a receiver", false);
    let receiver = json!({"name": "chat", "channel": "webhook", "address": format!("https://hooks.invalid/{address}"), "secret": signing});
    let made = site
        .ask("POST", "/notify/receivers", &receiver, false)
        .await;
    let id = made
        .as_str()
        .map(str::to_owned)
        .or_else(|| made["id"].as_str().map(str::to_owned));
    if let Some(id) = id {
        site.ask(
            "POST",
            &format!("/notify/receivers/{id}/test"),
            &json!({}),
            false,
        )
        .await;
    }
    let heard = json!({"name": "heard", "channel": "webhook", "address": site.receiver.url, "secret": signing});
    let made = site.ask("POST", "/notify/receivers", &heard, false).await;
    let id = made["id"].as_str().expect("a receiver");
    site.ask(
        "POST",
        &format!("/notify/receivers/{id}/test"),
        &json!({}),
        false,
    )
    .await;
    let status = birds.hatch("the token of a host for statuses", false);
    let host = json!({"provider": "gitea", "kind": "gitea", "host": "git.invalid", "url": "https://git.invalid", "token": status, "secret": status});
    site.ask("POST", "/notify/status-hosts", &host, false).await;

    let own = birds.hatch("the password of an account", false);
    let account = json!({"name": "vic", "password": own, "role": "Viewer"});
    site.ask("POST", "/users", &account, false).await;
    let wrong = birds.hatch("a wrong password", false);
    let (said, _) = site
        .form("/login", format!("name=vic&password={wrong}&next="))
        .await;
    assert!(said.starts_with("/login?error"), "{said}");
    let (said, cookie) = site
        .form("/login", format!("name=vic&password={own}&next="))
        .await;
    assert_eq!(said, "/");
    let cookie = cookie
        .split(['=', ';'])
        .nth(1)
        .unwrap_or_default()
        .to_owned();
    birds.tell("the cookie of a session", &cookie, false);
    let typed =
        json!({"name": 7, "password": birds.hatch("a field of a body that is refused", false)});
    site.ask("POST", "/users", &typed, false).await;
}

async fn embedded(site: &Site, password: &str, name: &str) {
    let body = json!({"name": name, "path": "", "target_revision": "main", "home_cluster": "",
        "repo_url": format!("https://robot:{password}@git.invalid/team/shop.git?x=1")});
    site.ask("POST", "/sources", &body, false).await;
}

/// Waits until somebody was told of what the cluster refused.
pub async fn until_told(site: &Site) {
    let deadline = Instant::now() + WITHIN;
    while !site.receiver.heard().contains("broken") {
        assert!(
            Instant::now() < deadline,
            "told only {}",
            site.receiver.heard()
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Makes outputs anew that a place hides something in.
pub async fn again(world: &World, site: &Site, place: Masking, birds: &Birds) {
    match place {
        Masking::Answers => {
            let quoted = birds.of("a value that the cluster quotes in a refusal");
            misshape(world, quoted, "again");
            until_refused(world).await;
        }
        Masking::Addresses => {
            embedded(site, birds.of("a password in an address"), "again").await;
        }
        Masking::Patches => {
            let key = birds.of("an annotation for an API key on a ConfigMap");
            world
                .repository
                .write("manifests/annotated.yaml", &annotated(key, "touched"));
            world.push("a line beside an annotation");
        }
        Masking::Files => {
            let value = birds.of("a file that is a secret by its name");
            let mark = Uuid::now_v7().simple().to_string();
            world
                .repository
                .write("manifests/prod.env", &named(value, &mark));
            world.push("a remark beside a variable");
        }
        Masking::OneSide => {
            let quoted = birds.of("a value that the cluster quotes in a refusal");
            misshape(world, quoted, "beside");
            until_refused(world).await;
        }
        // No such field: only the cluster could tell what comes of it, and it takes no list for a text.
        Masking::NotCompared => {
            let values = birds.of("values of a chart");
            let unfit = "unheard: of\ndata: {list: [a]}\n";
            world
                .repository
                .write("chart/templates/secret.yaml", &charted(values, unfit));
            world.push("a Secret that cannot be compared");
        }
        Masking::Values
        | Masking::Leaks
        | Masking::Copies
        | Masking::LiveText
        | Masking::DeclaredText
        | Masking::Sides
        | Masking::Change
        | Masking::Rules
        | Masking::Draft => {
            let mark = format!("example.org/touched={}", Uuid::now_v7().simple());
            world.kubectl(&["annotate", "--overwrite", "secret", "login", &mark]);
            world.wake();
        }
    }
}
