//! Attack 36: a cluster's API server that means harm, beside an honest one.

mod hostile;

use super::*;
use crate::live::{ClusterPolicy, RequestError};
use crate::live::{Live, LiveSettings, Lookup, Timing, WantedObject};
use hostile::{Fake, Harm};
use lockstep_types::cluster::Connection;
use lockstep_types::id::TargetId;
use lockstep_types::resource::ResourceKey;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

const TARGET: TargetId = TargetId(Uuid::from_u128(1));
/// What the kernel holds of a connection that is cut, both ways.
const ON_THE_WAY: u64 = 16 << 20;

/// A cluster as Lockstep sees it, and its server.
struct Seen {
    live: Arc<Live>,
    fake: Fake,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl Seen {
    async fn new(name: &str, harm: Harm) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let fake = Fake::start(name, harm).await;
        let kubeconfig = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: k, cluster: {{server: '{}'}}}}]\nusers: [{{name: u, user: {{token: sesame}}}}]\ncontexts: [{{name: c, context: {{cluster: k, user: u}}}}]\n",
            fake.url
        );
        let settings = LiveSettings {
            name: name.to_owned(),
            kubeconfig: SecretString::from(kubeconfig),
            context: String::new(),
            policy: ClusterPolicy {
                allow_private: true,
                allow_http: true,
                ..ClusterPolicy::default()
            },
            expected_uid: None,
            timing: Timing::default(),
        };
        let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
        let live = Live::start(settings, cancel.clone(), &tasks);
        live.want(TARGET, &[WantedObject::new(key(), "v1")]);
        Self {
            live,
            fake,
            cancel,
            tasks,
        }
    }

    /// What is known of the object: its value, or why nothing is.
    fn held(&self) -> Result<String, String> {
        match self.live.get(&key()) {
            Lookup::Present(object) => Ok(object.body()["data"]["v"].as_str().unwrap().to_owned()),
            Lookup::Absent => panic!("unknown is not absent"),
            Lookup::Unknown(why) => Err(why),
        }
    }

    /// Waits until the cluster itself says why it knows nothing; the object is never absent meanwhile.
    async fn until_said(&self, part: &str) -> String {
        let mut last = String::new();
        until(&format!("{part:?}"), || {
            last = self.held().err().unwrap_or_default();
            last.contains(part)
        })
        .await;
        assert!(
            last.contains(&format!("cluster {}", self.live.name()))
                && last.contains("kind ConfigMap")
                && last.contains("GET /api/v1/configmaps"),
            "{last}"
        );
        last
    }

    async fn until_held(&self, value: &str) {
        until(value, || self.held().as_deref() == Ok(value)).await;
    }

    async fn end(self) {
        self.cancel.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn key() -> ResourceKey {
    ResourceKey::new("", "ConfigMap", "shop", "settings")
}

async fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !reached() {
        assert!(Instant::now() < deadline, "not reached: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The honest cluster goes on: what changes there is seen, while the other one does harm.
async fn goes_on(honest: &Seen, value: &str) {
    let begun = Instant::now();
    honest.fake.change(value);
    honest.until_held(value).await;
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "seen after {:?}",
        begun.elapsed()
    );
}

/// No answer was read further than so many bytes.
async fn cut_off(hostile: &Seen, most: u64) {
    until("the end of an answer", || !hostile.fake.served().is_empty()).await;
    for bytes in hostile.fake.served() {
        assert!(bytes <= most + ON_THE_WAY, "{} MiB", bytes >> 20);
    }
}

/// An honest cluster that is watched, and one that does this harm from the beginning.
async fn beside(harm: Harm) -> (Seen, Seen) {
    let honest = Seen::new("honest", Harm::None).await;
    honest.until_held("1").await;
    (honest, Seen::new("hostile", harm).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_36_a_list_without_end_is_cut_off() {
    let (honest, hostile) = beside(Harm::EndlessList).await;
    goes_on(&honest, "2").await;
    let said = hostile.until_said("longer than 32 MiB").await;
    assert!(said.contains("see whether an API server"), "{said}");
    goes_on(&honest, "3").await;
    cut_off(&hostile, ANSWER).await;
    // Smaller pages were asked for before that was said.
    for size in [500, 50, 5, 1] {
        let wanted = format!("limit={size}");
        let asked = hostile.fake.asked();
        assert!(
            asked.iter().any(|line| line.ends_with(&wanted)),
            "{asked:?}"
        );
    }
    // And it is not asked in a tight loop.
    let served = hostile.fake.served();
    assert!(served.len() <= 12, "{served:?}");
    assert_eq!(hostile.live.stats().objects, 0);
    honest.end().await;
    hostile.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_36_a_watch_line_without_end_is_cut_off_and_what_was_there_is_not_missing() {
    let (honest, hostile) = beside(Harm::EndlessLine).await;
    hostile.until_said("one event is longer than 16 MiB").await;
    goes_on(&honest, "2").await;
    cut_off(&hostile, LINE).await;
    // It comes to its senses.
    hostile.fake.harm(Harm::None);
    hostile.until_held("1").await;
    goes_on(&hostile, "2").await;
    honest.end().await;
    hostile.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_36_deep_json_is_an_error_in_lists_and_events() {
    for harm in [Harm::DeepList, Harm::DeepEvent] {
        let (honest, hostile) = beside(harm).await;
        hostile.until_said("nested more than 128 levels deep").await;
        goes_on(&honest, "2").await;
        honest.end().await;
        hostile.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_36_redirects_are_not_followed_and_no_credential_travels() {
    let thief = Fake::start("thief", Harm::None).await;
    let (honest, hostile) = beside(Harm::Redirect(thief.url.clone())).await;
    let said = hostile.until_said("it is a redirect to").await;
    assert!(
        said.contains("http://127.0.0.1") && !said.contains("secret-path"),
        "{said}"
    );
    assert!(said.contains("register the cluster with"), "{said}");
    goes_on(&honest, "2").await;
    assert_eq!(thief.asked(), [] as [String; 0]);
    honest.end().await;
    hostile.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_36_another_content_type_is_no_list() {
    let (honest, hostile) = beside(Harm::Html).await;
    hostile
        .until_said("it is of type \"text/html\", not JSON")
        .await;
    goes_on(&honest, "2").await;
    honest.end().await;
    hostile.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_36_a_pause_of_a_day_silences_nobody() {
    let (honest, hostile) = beside(Harm::Later).await;
    let mut state = hostile.live.connection();
    let said = state.wait_for(|state| {
        matches!(state, Connection::Unreachable { error, .. } if error.contains("a pause of 86400 s; Lockstep asks again after 30 s at most"))
    });
    let found = tokio::time::timeout(Duration::from_secs(20), said).await;
    assert!(found.unwrap().is_ok());
    goes_on(&honest, "2").await;
    hostile.fake.harm(Harm::None);
    hostile.until_held("1").await;
    honest.end().await;
    hostile.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_36_an_error_without_end_is_cut_off_and_keeps_its_code() {
    let (honest, hostile) = beside(Harm::EndlessError).await;
    until("the error", || {
        hostile.held().is_err_and(|why| why.contains("500 xxxx"))
    })
    .await;
    cut_off(&hostile, WORDS).await;
    goes_on(&honest, "2").await;
    honest.end().await;
    hostile.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_36_reads_on_demand_are_bounded_too() {
    let (honest, hostile) = beside(Harm::EndlessObject).await;
    hostile.until_held("1").await;
    let error = hostile.live.read_now(&key(), "v1").await.unwrap_err();
    let RequestError::Refused(refusal) = &error else {
        panic!("{error:?}")
    };
    assert!(refusal.is_long(), "{error}");
    cut_off(&hostile, ANSWER).await;
    goes_on(&honest, "2").await;
    honest.end().await;
    hostile.end().await;
}

#[test]
fn an_error_says_the_code_of_its_answer_and_a_pause_that_is_waited() {
    let lie = br#"{"kind": "Status", "code": 404, "message": "gone", "details": {"retryAfterSeconds": 3}}"#;
    let status = status_of(StatusCode::SERVICE_UNAVAILABLE, lie, None);
    assert_eq!((status.code, status.message.as_str()), (503, "gone"));
    assert_eq!(status.details.unwrap().retry_after_seconds, 3);
    let status = status_of(
        StatusCode::TOO_MANY_REQUESTS,
        b"Too many requests",
        Some(u64::MAX),
    );
    assert_eq!(status.reason, "TooManyRequests");
    assert_eq!(status.details.unwrap().retry_after_seconds, LONGEST_WAIT);
    assert!(status.message.starts_with("Too many requests (it asks for"));
}

#[test]
fn lines_are_counted_each_for_itself() {
    let mut counted = Counted::new(Form::Lines);
    let half = vec![b'x'; usize::try_from(LINE / 2).unwrap()];
    for _ in 0..4 {
        assert_eq!(counted.take(&half), None);
        assert_eq!(counted.take(b"y\nz\nxy"), None);
    }
    assert_eq!(counted.take(&half), None);
    assert_eq!(counted.take(&half), Some(Cause::Line { most: LINE }));
}

#[test]
fn answers_are_judged_by_what_was_asked_for() {
    for (uri, form) in [
        ("/api/v1/configmaps?watch=true&a=b", Form::Lines),
        ("/api/v1/configmaps?limit=500", Form::Document),
        ("/prefix/readyz", Form::Words),
        (
            "/api/v1/namespaces/a/pods/b/log?follow=true",
            Form::Log { follow: true },
        ),
        (
            "/api/v1/namespaces/a/pods/b/log",
            Form::Log { follow: false },
        ),
        ("/api/v1/namespaces/a/configmaps/log", Form::Document),
    ] {
        let asked = Asked::of(&http::Method::GET, &uri.parse().unwrap());
        assert_eq!(asked.form, form, "{uri}");
    }
    assert!(is_json("application/json;stream=watch") && is_json("Application/JSON"));
    assert!(!is_json("") && !is_json("text/html") && !is_json("application/jsonp"));
}
