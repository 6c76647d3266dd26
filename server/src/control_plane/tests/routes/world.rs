//! The server that everybody calls: three applications of which one has left Git, people who may different things, and one
//! of each thing that an address can name.

use super::super::bench::{App, Bench, actor, config};
use super::{PASSWORD, POLICY};
use crate::accounts::AccountService;
use crate::config::{PublicUrl, SessionLimits};
use crate::control_plane::names::slug;
use crate::control_plane::{self, Plane};
use crate::events::Hub;
use crate::http::{Web, WebSettings, router};
use crate::store;
use crate::store::policy::PolicyRow;
use axum::Router;
use axum::body::Body;
use http::{Request, Response, header};
use lockstep_types::about::Cage;
use lockstep_types::account::{Actor, NewToken, Role};
use lockstep_types::application::HoldKind;
use lockstep_types::ask::{AskWay, PinOutcome};
use lockstep_types::id::{
    ApplicationId, ApprovalId, AskId, HoldId, OperationId, PinId, ReceiverId, RouteId, RunId,
    SessionId, StatusHostId, TargetId, TokenId, UserId,
};
use lockstep_types::notify::{NewReceiver, NewRoute, NewStatusHost};
use lockstep_types::plan::Plan;
use lockstep_types::policy::{PolicyFile, PolicyText};
use lockstep_types::ports::{Accounts, Alerts, ControlPlane, Rollbacks, Syncs};
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::Revision;
use lockstep_types::rollback::PinRequest;
use lockstep_types::sync::SyncRequest;
use lockstep_types::sync_once::SyncOnce;
use std::collections::BTreeSet;
use std::sync::Arc;
use tower::ServiceExt;

/// One of each, all of the project `shop` or of the administrator.
pub(super) struct Things {
    pub target: TargetId,
    /// Its definition has left Git.
    pub left: TargetId,
    pub operation: OperationId,
    pub run: RunId,
    pub approval: ApprovalId,
    pub ask: AskId,
    pub hold: HoldId,
    pub pin: PinId,
    /// Somebody of whom no line of the policy speaks.
    pub user: UserId,
    /// Of the administrator.
    pub token: TokenId,
    pub session: SessionId,
    pub receiver: ReceiverId,
    pub route: RouteId,
    pub host: StatusHostId,
    /// As addresses name the repository.
    pub repository: String,
    /// It touches the files of `cart` alone.
    pub commit: Revision,
    pub head: Revision,
}

pub(in crate::control_plane::tests) struct World {
    pub(super) bench: Bench,
    pub(in crate::control_plane::tests) router: Router,
    /// By [`super::PEOPLE`].
    pub(in crate::control_plane::tests) tokens: Vec<String>,
    pub(super) admin: Actor,
    pub(super) things: Things,
    /// Of the target.
    pub(super) application: ApplicationId,
    accounts: AccountService,
}

fn ports(plane: &Plane, accounts: &AccountService) -> ControlPlane {
    let events = Hub::new(plane.runtime.store().clone());
    control_plane::of(
        plane.clone(),
        Arc::new(accounts.clone()),
        Arc::new(events),
        Cage::default(),
    )
}

pub(in crate::control_plane::tests) async fn in_force(bench: &Bench, text: &str) {
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

/// `cart` and `old` are in the project `shop`, and `old` has left Git; `dns` is in `infra`, with files of its own.
async fn applications(bench: &Bench) -> (TargetId, TargetId) {
    let dns = || App {
        project: "infra",
        path: "apps/dns",
        ..App::new("dns", "prod-eu")
    };
    let old = App {
        path: "apps/old",
        ..App::new("old", "prod-eu")
    };
    let before = [App::new("cart", "prod-eu"), dns(), old];
    let targets = bench.define(&before).await;
    let (target, left) = (targets[0], targets[2]);
    let mut tx = bench.store().begin().await.unwrap();
    for (target, name) in [(target, "cart"), (left, "old")] {
        let key = ResourceKey::new("", "ConfigMap", "shop", name);
        let objects = [(key, "v1".to_owned())];
        store::inventory::write_ahead(&mut tx, target, &objects)
            .await
            .unwrap();
    }
    let cluster = store::cluster::ClusterFields {
        name: "prod-eu".to_owned(),
        labels: Default::default(),
        server: "https://eu.example.com".to_owned(),
    };
    store::cluster::create(&mut tx, &cluster).await.unwrap();
    tx.commit().await.unwrap();
    bench.define(&[App::new("cart", "prod-eu"), dns()]).await;
    (target, left)
}

/// What people asked for, as the reconciler would have taken it up.
async fn asked(
    bench: &Bench,
    admin: &Actor,
    target: TargetId,
    head: &Revision,
) -> (OperationId, RunId, ApprovalId) {
    let request = SyncRequest {
        target,
        prune: false,
        idempotency_key: None,
        once: SyncOnce::default(),
    };
    let operation = bench.plane.sync(admin, &request).await.unwrap();
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
    (operation, run, approval)
}

/// A rollback that waits for a second person.
async fn second(bench: &Bench, admin: &Actor, target: TargetId) -> AskId {
    let to = bench.commits()[0].clone();
    let preview = bench.plane.preview(admin, target, &to).await.unwrap();
    let mut tx = bench.store().begin().await.unwrap();
    let new = store::ask::NewAsk {
        way: AskWay::Commit,
        to: &to,
        digest: "digest",
        hours: 0,
        reason: "x",
        overrides: &[],
        projects: &["shop".to_owned()],
        by: (&admin.name, admin.user),
        preview: &preview,
        until: tx.now().plus_seconds(3600),
    };
    let (ask, _) = store::ask::ask(&mut tx, target, &new).await.unwrap();
    tx.commit().await.unwrap();
    ask
}

pub(in crate::control_plane::tests) async fn world() -> World {
    crate::telemetry::start_into_nothing();
    let bench = Bench::new().await;
    let (target, left) = applications(&bench).await;
    let definitions = "definitions/cart.yaml";
    bench.repository.write(definitions, &config("x"));
    bench.repository.commit("definitions");
    let head = bench.fetch("main").await;
    let commit = bench.commits()[2].clone();
    let accounts = AccountService::open(bench.store().clone()).await.unwrap();
    let root = actor(Role::Admin);
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
        let token = accounts.create_token(&actor, &labelled("test")).await;
        tokens.push(token.unwrap());
        admin = actor;
    }
    let user = accounts
        .create_user(&root, "spare", PASSWORD, Role::Viewer)
        .await
        .unwrap();
    in_force(&bench, POLICY).await;
    let (operation, run, approval) = asked(&bench, &admin, target, &head).await;
    let ask = second(&bench, &admin, target).await;
    let key = bench.plane.runtime.repository_key(&bench.repository.url());
    let repository = slug(&key, &BTreeSet::from([key.clone()]));
    let settings = WebSettings {
        public_url: PublicUrl::parse("http://localhost:8080", false).unwrap(),
        session: SessionLimits::default(),
        trusted_proxies: Vec::new(),
        site_root: std::env::temp_dir(),
    };
    let web = Web::new(ports(&bench.plane, &accounts), accounts.clone(), settings);
    let application = bench.application(target).await;
    let nil = uuid::Uuid::nil();
    let things = Things {
        target,
        left,
        operation,
        run,
        approval,
        ask,
        hold: HoldId(nil),
        pin: PinId(nil),
        user,
        token: TokenId(nil),
        session: SessionId(nil),
        receiver: ReceiverId(nil),
        route: RouteId(nil),
        host: StatusHostId(nil),
        repository,
        commit,
        head,
    };
    let mut world = World {
        bench,
        router: router(web),
        tokens,
        admin,
        things,
        application,
        accounts,
    };
    world.again().await;
    world
}

fn labelled(label: &str) -> NewToken {
    NewToken {
        label: label.to_owned(),
        ..NewToken::default()
    }
}

impl World {
    /// Makes anew what a call has removed.
    pub(super) async fn again(&mut self) {
        let (plane, admin, things) = (&self.bench.plane, &self.admin, &mut self.things);
        let pin = PinRequest {
            target: things.target,
            to: things.head.clone(),
            reason: "x".to_owned(),
            hours: 1,
            overrides: Vec::new(),
            digest: String::new(),
        };
        // One that is still there stands in the way of another.
        if let Ok(PinOutcome::Pinned(pin)) = plane.pin(admin, &pin).await {
            things.pin = pin.id;
        }
        let hold = plane.hold(admin, things.target, HoldKind::Both, "x", 1);
        if let Ok(hold) = hold.await {
            things.hold = hold.id;
        }
        let receiver = NewReceiver {
            name: uuid::Uuid::now_v7().to_string(),
            channel: "webhook".to_owned(),
            address: "https://hooks.example.com/x".to_owned(),
            ..NewReceiver::default()
        };
        things.receiver = plane.add_receiver(admin, &receiver).await.unwrap();
        let route = NewRoute {
            receiver: things.receiver.to_string(),
            ..NewRoute::default()
        };
        things.route = plane.add_route(admin, &route).await.unwrap();
        let host = NewStatusHost {
            prefix: format!("https://git.example.com/{}/", uuid::Uuid::now_v7()),
            provider: "github".to_owned(),
            ..NewStatusHost::default()
        };
        things.host = plane.add_status_host(admin, &host).await.unwrap();
        let accounts = &self.accounts;
        let label = uuid::Uuid::now_v7().to_string();
        accounts
            .create_token(admin, &labelled(&label))
            .await
            .unwrap();
        let tokens = accounts.tokens(admin).await.unwrap();
        let token = tokens.iter().find(|token| token.label == label);
        things.token = token.unwrap().id;
        self.cookie("admin").await;
        let sessions = self.accounts.sessions(&self.admin, self.admin.user).await;
        self.things.session = sessions.unwrap()[0].id;
    }

    pub(super) async fn token_of_admin(&self, new: &NewToken) -> String {
        self.accounts.create_token(&self.admin, new).await.unwrap()
    }

    /// Logs somebody in as a browser does, and gives the cookie.
    pub(super) async fn cookie(&self, name: &str) -> String {
        let request = Request::builder()
            .method("POST")
            .uri("/login")
            .header(header::HOST, "localhost:8080")
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let form = format!("name={name}&password={}&next=", PASSWORD.replace(' ', "+"));
        let request = request.body(Body::from(form)).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), http::StatusCode::SEE_OTHER, "{name}");
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        cookie.split(';').next().unwrap_or_default().to_owned()
    }

    /// Calls with the token of one of [`super::PEOPLE`].
    pub(super) async fn status(
        &self,
        who: usize,
        method: &str,
        path: &str,
        kind: &str,
        body: String,
    ) -> u16 {
        let token = self.tokens.get(who).map_or("", String::as_str);
        let answer = self.send(token, method, path, kind, body).await;
        answer.status().as_u16()
    }

    /// Calls as a program does, with a token or without one.
    pub(super) async fn send(
        &self,
        token: &str,
        method: &str,
        path: &str,
        kind: &str,
        body: String,
    ) -> Response<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost:8080");
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if !kind.is_empty() {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let request = request.body(Body::from(body)).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Asks for a page with a cookie, as a browser does.
    pub(super) async fn page(&self, cookie: &str, path: &str) -> Response<Body> {
        let request = Request::builder()
            .uri(path)
            .header(header::HOST, "localhost:8080")
            .header("sec-fetch-site", "same-origin")
            .header(header::ACCEPT, "text/html")
            .header(header::COOKIE, cookie);
        let request = request.body(Body::empty()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }
}

/// What an answer says.
pub(super) async fn text(answer: Response<Body>) -> String {
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 24).await;
    String::from_utf8_lossy(&bytes.unwrap()).into_owned()
}
