//! Answers that a real server cannot be brought to give at the right moment: a scripted one gives them in order.

use super::*;
use crate::live::Scope;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Instant;

struct ConfigMaps;

impl Resolve for ConfigMaps {
    fn resolve(&self, api_version: &str, kind: &str) -> Option<Resource> {
        Some(Resource {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            plural: "configmaps".to_owned(),
            scope: Scope::Namespaced,
            watchable: true,
        })
    }
}

type Asked = Arc<Mutex<Vec<(String, String)>>>;

/// An applier whose server answers with these, and what it was asked: method and body.
fn scripted(answers: Vec<(u16, Value)>) -> (Applier, Asked) {
    let answers = Arc::new(Mutex::new(VecDeque::from(answers)));
    let asked = Asked::default();
    let service = {
        let asked = Arc::clone(&asked);
        tower::service_fn(move |request: http::Request<kube::client::Body>| {
            let (answers, asked) = (Arc::clone(&answers), Arc::clone(&asked));
            async move {
                let method = request.method().to_string();
                let body = request.into_body().collect_bytes().await?;
                asked
                    .lock()
                    .unwrap()
                    .push((method, String::from_utf8_lossy(&body).into_owned()));
                let Some((status, answer)) = answers.lock().unwrap().pop_front() else {
                    return Err(tower::BoxError::from("the connection broke"));
                };
                let answer = kube::client::Body::from(answer.to_string().into_bytes());
                Ok::<_, tower::BoxError>(
                    http::Response::builder()
                        .status(status)
                        .body(answer)
                        .unwrap(),
                )
            }
        })
    };
    let applier = Applier::new(
        kube::Client::new(service, "default"),
        Arc::new(ConfigMaps),
        Window::new(4),
    );
    (applier, asked)
}

fn refused(code: u16, reason: &str) -> (u16, Value) {
    (
        code,
        json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": "no"}),
    )
}

fn live(version: &str) -> (u16, Value) {
    (
        200,
        json!({"metadata": {"name": "settings", "uid": "u", "resourceVersion": version}}),
    )
}

fn manifest() -> Manifest {
    Manifest::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"}}), None).unwrap()
}

fn deletion() -> Deletion {
    Deletion {
        key: manifest().key,
        api_version: "v1".to_owned(),
        uid: "u".to_owned(),
        tracking_id: None,
        propagation: Propagation::Foreground,
    }
}

fn methods(asked: &Asked) -> Vec<String> {
    asked
        .lock()
        .unwrap()
        .iter()
        .map(|(method, _)| method.clone())
        .collect()
}

#[tokio::test]
async fn an_apply_turned_away_waits_as_told_and_comes_again() {
    let mut away = refused(429, "TooManyRequests");
    away.1["details"] = json!({"retryAfterSeconds": 1});
    let (applier, asked) = scripted(vec![away, live("7")]);
    let begun = Instant::now();
    let applied = applier
        .apply(&manifest(), &ApplyOptions::default())
        .await
        .unwrap();
    assert_eq!(applied.resource_version, "7");
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(methods(&asked), ["PATCH", "PATCH"]);
}

#[tokio::test]
async fn nothing_else_is_sent_twice() {
    for answers in [
        vec![refused(503, "ServiceUnavailable")],
        vec![refused(500, "InternalError")],
        vec![],
    ] {
        let (applier, asked) = scripted(answers);
        let error = applier
            .apply(&manifest(), &ApplyOptions::default())
            .await
            .unwrap_err();
        assert!(error.transient(), "{error:?}");
        assert_eq!(methods(&asked), ["PATCH"]);
    }
}

#[tokio::test]
async fn a_delete_is_bound_to_what_was_read_and_never_repeated_blindly() {
    let (applier, asked) = scripted(vec![live("7"), refused(503, "ServiceUnavailable")]);
    assert!(applier.delete(&deletion()).await.is_err());
    assert_eq!(methods(&asked), ["GET", "DELETE"]);
    let body: Value = serde_json::from_str(&asked.lock().unwrap()[1].1).unwrap();
    assert_eq!(
        body["preconditions"],
        json!({"uid": "u", "resourceVersion": "7"})
    );
    assert_eq!(body["propagationPolicy"], "Foreground");
}

/// A create that was answered too late has made an object with a UID that nobody wrote down.
#[tokio::test]
async fn what_an_earlier_try_made_is_known_by_its_mark() {
    let standing = |mark: &str| {
        let mut standing = live("8");
        standing.1["metadata"]["uid"] = json!("new");
        standing.1["metadata"]["annotations"] = json!({"lockstep.dev/tracking-id": mark});
        standing
    };
    let (applier, asked) = scripted(vec![standing("ours"), live("9")]);
    let options = ApplyOptions::default();
    let applied = applier
        .apply_to_tracked(&manifest(), "ours", &options)
        .await;
    assert_eq!(applied.unwrap().unwrap().resource_version, "9");
    assert_eq!(methods(&asked), ["GET", "PATCH"]);
    assert!(asked.lock().unwrap()[1].1.contains(r#""uid":"new""#));
    for answer in [standing("theirs"), live("8"), refused(404, "NotFound")] {
        let (applier, asked) = scripted(vec![answer]);
        let applied = applier
            .apply_to_tracked(&manifest(), "ours", &options)
            .await;
        assert_eq!(applied.unwrap(), None);
        assert_eq!(methods(&asked), ["GET"]);
    }
}

#[tokio::test]
async fn a_delete_overtaken_by_a_change_reads_again() {
    let gone = (200, json!({"kind": "Status", "status": "Success"}));
    let (applier, asked) = scripted(vec![live("7"), refused(409, "Conflict"), live("8"), gone]);
    assert_eq!(applier.delete(&deletion()).await.unwrap(), Deleted::Gone);
    assert_eq!(methods(&asked), ["GET", "DELETE", "GET", "DELETE"]);
    assert!(
        asked.lock().unwrap()[3]
            .1
            .contains(r#""resourceVersion":"8""#)
    );
}

#[tokio::test]
async fn a_delete_gives_up_on_an_object_that_never_rests() {
    let answers = (0..10)
        .flat_map(|version| [live(&version.to_string()), refused(409, "Conflict")])
        .collect();
    let (applier, asked) = scripted(answers);
    let error = applier.delete(&deletion()).await.unwrap_err();
    assert!(
        error.to_string().contains("changes all the time"),
        "{error}"
    );
    assert_eq!(methods(&asked).len(), 8);
}
