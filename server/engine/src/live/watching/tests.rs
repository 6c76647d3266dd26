//! Faults that a real server cannot be brought to make: a scripted one answers in order.

use super::super::wants::WantedObject;
use super::super::{Lookup, Timing};
use super::*;
use lockstep_types::id::TargetId;
use lockstep_types::resource::ResourceKey;
use serde_json::json;
use std::collections::VecDeque;
use std::sync::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Answers: status, body, and whether the stream stays open after the body.
type Script = Vec<(u16, String, bool)>;

struct Scripted {
    watching: Watching,
    asked: Arc<Mutex<Vec<String>>>,
    key: ResourceKey,
}

fn scripted(script: Script) -> Scripted {
    let script = Arc::new(Mutex::new(VecDeque::from(script)));
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let service = {
        let asked = Arc::clone(&asked);
        tower::service_fn(move |request: http::Request<kube::client::Body>| {
            asked.lock().unwrap().push(request.uri().to_string());
            let next = script.lock().unwrap().pop_front();
            async move {
                let Some((status, body, open)) = next else {
                    return std::future::pending().await;
                };
                let first = futures::stream::once(async move { Ok::<_, std::io::Error>(body) });
                let rest: futures::stream::BoxStream<'static, _> = if open {
                    Box::pin(futures::stream::pending())
                } else {
                    Box::pin(futures::stream::empty())
                };
                let body = reqwest::Body::wrap_stream(futures::StreamExt::chain(first, rest));
                Ok::<_, tower::BoxError>(
                    http::Response::builder().status(status).body(body).unwrap(),
                )
            }
        })
    };
    let key = ResourceKey::new("", "ConfigMap", "shop", "settings");
    let kind = GroupKind::of(&key);
    let live = Live::idle("test", Timing::default());
    live.want(
        TargetId(Uuid::from_u128(1)),
        &[WantedObject::new(key.clone(), "v1")],
    );
    live.store_mut().begin(&kind, 1);
    let resource = Resource {
        api_version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        plural: "configmaps".to_owned(),
        scope: super::super::Scope::Namespaced,
        watchable: true,
    };
    live.known_mut().kinds = Some(Arc::default());
    let client = kube::Client::new(service, "default");
    let watching = Watching {
        live,
        client,
        kind,
        resource,
        metadata_only: false,
        writer: 1,
        most: 100_000,
        fill: Arc::new(Notify::new()),
    };
    Scripted {
        watching,
        asked,
        key,
    }
}

fn list(version: &str, items: &[(&str, &str)]) -> (u16, String, bool) {
    let items: Vec<Value> = items
        .iter()
        .map(|(name, version)| object(name, version))
        .collect();
    (
        200,
        json!({"kind": "ConfigMapList", "metadata": {"resourceVersion": version}, "items": items})
            .to_string(),
        false,
    )
}

fn object(name: &str, version: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop", "uid": format!("u-{name}"), "resourceVersion": version}, "data": {"v": version}})
}

fn failure(code: u16, retry_after: u32) -> (u16, String, bool) {
    let body = json!({"kind": "Status", "status": "Failure", "code": code, "reason": "Expired", "message": "told so",
        "details": {"retryAfterSeconds": retry_after}});
    (code, body.to_string(), false)
}

fn events(events: &[Value], open: bool) -> (u16, String, bool) {
    (
        200,
        events.iter().map(|event| format!("{event}\n")).collect(),
        open,
    )
}

/// Runs until the script is used up and one more request was made, or ten seconds are over.
async fn run(scripted: Scripted, requests: usize) -> (Arc<Live>, ResourceKey, Vec<String>) {
    let Scripted {
        watching,
        asked,
        key,
    } = scripted;
    let live = Arc::clone(&watching.live);
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let running = tokio::spawn(async move { stop.run_until_cancelled(watching.run()).await });
    let deadline = Instant::now() + Duration::from_secs(10);
    while asked.lock().unwrap().len() < requests && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    cancel.cancel();
    let _ = running.await;
    let asked = asked.lock().unwrap().clone();
    (live, key, asked)
}

fn held(live: &Live, key: &ResourceKey) -> String {
    match live.get(key) {
        Lookup::Present(object) => object.body()["data"]["v"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        Lookup::Absent => "absent".to_owned(),
        Lookup::Unknown(why) => why,
    }
}

#[tokio::test]
async fn an_expired_watch_lists_again_in_both_forms() {
    let expired = json!({"type": "ERROR", "object": {"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old"}});
    for form in [failure(410, 0), events(&[expired], true), failure(504, 0)] {
        let script = vec![
            list("10", &[("settings", "9")]),
            form,
            list("20", &[("settings", "19")]),
        ];
        let (live, key, asked) = run(scripted(script), 4).await;
        assert_eq!(held(&live, &key), "19");
        assert!(
            asked[1].contains("watch=true") && asked[1].contains("resourceVersion=10"),
            "{asked:?}"
        );
        assert!(
            asked[2].contains("limit=500") && asked[3].contains("resourceVersion=20"),
            "{asked:?}"
        );
    }
}

#[tokio::test]
async fn events_and_bookmarks_move_the_version_and_the_watch_goes_on_from_there() {
    let changes = events(
        &[
            json!({"type": "MODIFIED", "object": object("settings", "11")}),
            json!({"type": "BOOKMARK", "object": {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"resourceVersion": "15"}}}),
        ],
        false,
    );
    let (live, key, asked) =
        run(scripted(vec![list("10", &[("settings", "9")]), changes]), 3).await;
    assert_eq!(held(&live, &key), "11");
    assert!(asked[2].contains("resourceVersion=15"), "{asked:?}");
}

#[tokio::test]
async fn a_deleted_object_is_absent_and_pages_are_one_list() {
    let first = (200, json!({"metadata": {"resourceVersion": "10", "continue": "a/b"}, "items": [object("other", "8")]}).to_string(), false);
    let script = vec![
        first,
        list("10", &[("settings", "9")]),
        events(
            &[json!({"type": "DELETED", "object": object("settings", "12")})],
            true,
        ),
    ];
    let (live, key, asked) = run(scripted(script), 3).await;
    assert!(asked[1].contains("continue=a%2Fb"), "{asked:?}");
    let deadline = Instant::now() + Duration::from_secs(5);
    while held(&live, &key) != "absent" && Instant::now() < deadline {
        tokio::task::yield_now().await;
    }
    assert_eq!(held(&live, &key), "absent");
}

#[tokio::test]
async fn pages_whose_snapshot_expired_are_read_anew() {
    let first = (200, json!({"metadata": {"resourceVersion": "10", "continue": "next"}, "items": [object("settings", "8")]}).to_string(), false);
    let script = vec![first, failure(410, 0), list("20", &[("settings", "18")])];
    let (live, key, asked) = run(scripted(script), 4).await;
    assert_eq!(held(&live, &key), "18");
    assert!(!asked[2].contains("continue"), "{asked:?}");
}

#[tokio::test]
async fn a_failing_list_makes_the_kind_unknown_with_the_servers_words() {
    let (live, key, _) = run(scripted(vec![failure(500, 0)]), 1).await;
    let deadline = Instant::now() + Duration::from_secs(5);
    while !held(&live, &key).contains("told so") && Instant::now() < deadline {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        held(&live, &key),
        "objects of kind ConfigMap cannot be listed: 500 told so"
    );
    assert!(live.last_compared(TargetId(Uuid::from_u128(1))).is_none());
}

#[tokio::test]
async fn too_many_requests_are_waited_out() {
    let begun = Instant::now();
    let (live, key, _) = run(
        scripted(vec![failure(429, 2), list("10", &[("settings", "9")])]),
        3,
    )
    .await;
    assert!(
        begun.elapsed() >= Duration::from_secs(2),
        "asked again after {:?}",
        begun.elapsed()
    );
    assert_eq!(held(&live, &key), "9");
}

#[tokio::test]
async fn attack_36_pages_and_events_without_end_are_given_up() {
    let page = |number: usize| {
        let more = format!("page-{number}");
        (200, json!({"metadata": {"resourceVersion": "10", "continue": more}, "items": [object(&format!("o{number}"), "8")]}).to_string(), false)
    };
    let (live, key, asked) = run(scripted((0..200).map(page).collect()), 201).await;
    let said = held(&live, &key);
    assert!(
        said.contains("cluster test") && said.contains("the objects take more than"),
        "{said}"
    );
    let begun = asked.iter().filter(|path| !path.contains("continue"));
    assert_eq!(begun.count(), 3, "each list ends before its hundredth page");
    assert_eq!(live.stats().objects, 0);

    let endless: Vec<Value> = (0..2_000)
        .map(|number| json!({"type": "ADDED", "object": object(&format!("o{number}"), "11")}))
        .collect();
    let script = vec![list("10", &[("settings", "9")]), events(&endless, true)];
    let (live, key, _) = run(scripted(script), 3).await;
    let said = held(&live, &key);
    assert!(said.contains("the objects take more than"), "{said}");
    assert!(live.stats().bytes < 300_000, "{:?}", live.stats());
}
