//! Somebody changes the cluster by hand: told once at the bell, at a webhook and by mail, ended when healed, and not told
//! again after a restart.

#![expect(
    clippy::expect_used,
    reason = "a test without its cluster fails with words"
)]

use crate::AUTOMATED;
use crate::world::{WITHIN, World};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use lockstep_types::account::{Actor, Role};
use lockstep_types::alert::{AlertQuery, AlertRules, Condition};
use lockstep_types::id::UserId;
use lockstep_types::notify::{MessageState, NewReceiver};
use lockstep_types::ports::ControlPlane;
use lockstep_types::source::Mode;
use serde_json::Value;
use server::store::message::AT_ONCE_TO_ONE;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What arrived, oldest first.
type Arrived = Arc<Mutex<Vec<Value>>>;

fn all(arrived: &Arrived) -> Vec<Value> {
    arrived
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

/// A receiver of webhooks; its address, and what it got. The first call is refused as by a service that is just away.
async fn hook() -> (String, Arrived) {
    let arrived = Arrived::default();
    let keep = Arc::clone(&arrived);
    let calls = Arc::new(Mutex::new(0));
    let take = move |headers: HeaderMap, body: Bytes| {
        let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls += 1;
        let first = *calls == 1;
        if !first {
            let mut value: Value = serde_json::from_slice(&body).expect("JSON");
            let signature = headers.get("x-lockstep-signature-256");
            value["signed"] = signature.is_some().into();
            keep.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(value);
        }
        async move {
            if first {
                StatusCode::BAD_GATEWAY
            } else {
                StatusCode::NO_CONTENT
            }
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = format!("http://{}/in", listener.local_addr().expect("an address"));
    let router = Router::new().route("/in", post(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, arrived)
}

/// A real mail server in a process of its own.
struct Post {
    child: Child,
    port: u64,
    arrived: Arrived,
}

impl Post {
    fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../end2end/harness/mail.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs; to do: \"npm ci\"");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut lines =
            lines.map(|line| serde_json::from_str::<Value>(&line.expect("a line")).expect("JSON"));
        let first = lines
            .next()
            .expect("the mail server starts; to do: \"npm ci\"");
        let port = first["port"].as_u64().expect("a port");
        let arrived = Arrived::default();
        let keep = Arc::clone(&arrived);
        std::thread::spawn(move || {
            for mail in lines {
                keep.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(mail);
            }
        });
        Self {
            child,
            port,
            arrived,
        }
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ended = self.child.wait();
    }
}

fn admin() -> Actor {
    Actor {
        user: UserId(Uuid::nil()),
        name: "test".to_owned(),
        role: Role::Admin,
        token: None,
        rights: Default::default(),
    }
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + WITHIN;
    while !holds().await {
        assert!(Instant::now() < deadline, "not within {WITHIN:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn open(plane: &ControlPlane) -> u32 {
    let view = plane.alerts.alerts(&admin(), &AlertQuery::default()).await;
    view.expect("alerts").open
}

/// Nothing waits and everything was sent.
async fn all_sent(plane: &ControlPlane) -> bool {
    let view = plane.alerts.notify(&admin()).await.expect("a view");
    view.messages
        .iter()
        .all(|message| message.state == MessageState::Sent)
}

async fn set_up(plane: &ControlPlane, hook: &str, mail_port: u64) {
    let rules = AlertRules {
        dwell: [(Condition::Drift, 2)].into(),
        gather_seconds: 0,
        apart_seconds: 0,
    };
    let alerts = &plane.alerts;
    alerts.set_rules(&admin(), &rules).await.expect("rules");
    let webhook = NewReceiver {
        name: "hook".to_owned(),
        channel: "webhook".to_owned(),
        address: hook.to_owned(),
        secret: "s3cret-of-the-hook".to_owned(),
        ..NewReceiver::default()
    };
    let mail = NewReceiver {
        name: "mail".to_owned(),
        channel: "email".to_owned(),
        address: format!("smtp://127.0.0.1:{mail_port}"),
        username: "lockstep".to_owned(),
        secret: "right".to_owned(),
        from: "lockstep@example.org".to_owned(),
        to: "team@example.org".to_owned(),
        template: "{% for item in items %}{{ item.news }}: {{ item.subject }}{% endfor %}"
            .to_owned(),
    };
    for new in [webhook, mail] {
        alerts
            .add_receiver(&admin(), &new)
            .await
            .expect("a receiver");
    }
}

/// A host that takes calls and never says anything; how many calls it has open or had.
async fn silent_host() -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = format!("http://{}/in", listener.local_addr().expect("an address"));
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            open.push(socket);
        }
    });
    (address, calls)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_hangs_holds_up_no_other() {
    let world = World::start("hanging", Mode::Observe, AUTOMATED).await;
    let (address, hooked) = hook().await;
    let (silent, calls) = silent_host().await;
    let plane = world.telling().await;
    let alerts = &plane.alerts;
    let add = async |name: &str, address: &str| {
        let new = NewReceiver {
            name: name.to_owned(),
            channel: "webhook".to_owned(),
            address: address.to_owned(),
            secret: "s3cret-of-the-hook".to_owned(),
            ..NewReceiver::default()
        };
        let made = alerts.add_receiver(&admin(), &new).await;
        made.expect("a receiver")
    };
    let (hangs, good) = (add("hangs", &silent).await, add("good", &address).await);
    for _ in 0..100 {
        let asked = alerts.test_receiver(&admin(), hangs).await;
        asked.expect("queued");
    }
    until("three are tried", async || {
        calls.load(Ordering::SeqCst) == AT_ONCE_TO_ONE
    })
    .await;
    // The first call is refused by this receiver, so that this waits for a second attempt.
    let asked = alerts.test_receiver(&admin(), good).await;
    asked.expect("queued");
    until("the good one is told", async || all(&hooked).len() == 1).await;
    // 97 others to the one that hangs are older.
    assert_eq!(calls.load(Ordering::SeqCst), AT_ONCE_TO_ONE);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_is_told_once_everywhere_and_ends_when_it_is_healed() {
    let world = World::start("alerts", Mode::Managed, AUTOMATED).await;
    let (address, hooked) = hook().await;
    let post = Post::start();
    let plane = world.telling().await;
    set_up(&plane, &address, post.port).await;
    let revision = world.commit_shop("one", 1);
    world.until_deployed(&revision).await;
    assert_eq!(open(&plane).await, 0);

    world.kubectl(&["scale", "deployment", "web", "--replicas=2"]);
    let began = Instant::now();
    until("the bell", async || open(&plane).await == 1).await;
    let bell = began.elapsed();
    assert!(
        bell >= Duration::from_secs(2),
        "before its dwell time: {bell:?}"
    );
    until("mail", async || all(&post.arrived).len() == 1).await;
    eprintln!(
        "changed → bell {bell:?}, → mail {:?} (dwell time 2 s)",
        began.elapsed()
    );
    // The first call was refused; the second attempt gets through.
    until("the webhook", async || all(&hooked).len() == 1).await;
    let mail = all(&post.arrived).remove(0);
    assert_eq!(mail["to"], serde_json::json!(["team@example.org"]));
    let text = mail["text"].as_str().expect("a text");
    assert!(text.contains("opened: default / shop on"), "{text}");
    assert!(
        text.contains("Subject: [warning] Drift open: default / shop on"),
        "{text}"
    );
    let call = all(&hooked).remove(0);
    assert_eq!(call["items"][0]["condition"], "drift");
    assert_eq!(
        (&call["signed"], &call["items"][0]["news"]),
        (&true.into(), &"opened".into())
    );
    let cause = call["items"][0]["cause"].as_str().expect("a cause");
    assert!(cause.contains("spec.replicas"), "{cause}");
    until("all is sent", async || all_sent(&plane).await).await;

    // A restart knows of it all and says nothing.
    drop(plane);
    let world = world.restart().await;
    let plane = world.telling().await;
    world.until_compared_again().await;
    assert_eq!(open(&plane).await, 1);

    world.kubectl(&["scale", "deployment", "web", "--replicas=1"]);
    until("the end at the bell", async || open(&plane).await == 0).await;
    until("the end by mail", async || all(&post.arrived).len() == 2).await;
    until("the end at the webhook", async || all(&hooked).len() == 2).await;
    until("all is sent", async || all_sent(&plane).await).await;
    let news: Vec<_> = all(&hooked)
        .iter()
        .map(|call| call["items"][0]["news"].clone())
        .collect();
    assert_eq!(news, ["opened", "resolved"], "each once");
    let view = plane.alerts.notify(&admin()).await.expect("a view");
    assert_eq!(view.messages.len(), 4, "{:#?}", view.messages);
    let shown = serde_json::to_string(&view).expect("JSON");
    assert!(
        !shown.contains("s3cret") && !shown.contains("/in"),
        "{shown}"
    );
    world.end().await;
}
