//! What the reconcilers count, in the form that Prometheus reads: per stage how often, how long, how many wait, which
//! failures, and when it last went well; per cluster whether it answers; of messages to people and Git hosts how many wait
//! or came to nothing. Labels are fixed words and names of clusters, never ids, so that their number stays small.
//!
//! Knows no HTTP and decides nothing. Counting never fails, and where the database cannot be read
//! only messages are left out.

use super::activator::locked;
use super::{Runtime, now};
use crate::store::{StoreError, message};
use lockstep_types::cluster::Connection;
use lockstep_types::notify::MessageState;
use lockstep_types::time::Micros;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A part of the way from a commit to a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    Fetch,
    Render,
    Compare,
    Sync,
}

impl EncodeLabelValue for Stage {
    fn encode(&self, encoder: &mut LabelValueEncoder) -> Result<(), fmt::Error> {
        let word = match self {
            Self::Fetch => "fetch",
            Self::Render => "render",
            Self::Compare => "compare",
            Self::Sync => "sync",
        };
        fmt::Write::write_str(encoder, word)
    }
}

const STAGES: [Stage; 4] = [Stage::Fetch, Stage::Render, Stage::Compare, Stage::Sync];
/// From a comparison in memory to a long rollout.
const SECONDS: [f64; 12] = [
    0.005, 0.02, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStage {
    stage: Stage,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfFailure {
    stage: Stage,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCluster {
    cluster: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfMessage {
    kind: String,
    state: &'static str,
}

/// Kinds of messages, and the states of them that are counted: those that were sent are no trouble.
const KINDS: [&str; 4] = ["alerts", "status", "comment", "test"];
const STATES: [MessageState; 5] = [
    MessageState::Queued,
    MessageState::Sending,
    MessageState::Failed,
    MessageState::Unsure,
    MessageState::Dropped,
];

/// Why there is no text.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// It cannot be written.
    #[error("the metrics cannot be written")]
    Unwritable(#[from] fmt::Error),
    /// The database does not answer.
    #[error("the metrics cannot be read")]
    Unread(#[from] StoreError),
}

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    runs: Family<OfStage, Counter>,
    failures: Family<OfFailure, Counter>,
    durations: Family<OfStage, Histogram>,
    queues: Family<OfStage, Gauge>,
    ages: Family<OfStage, Gauge>,
    succeeded: Mutex<HashMap<Stage, Micros>>,
    connected: Family<OfCluster, Gauge>,
    busy: Family<OfCluster, Gauge>,
    watches: Family<OfCluster, Gauge>,
    objects: Family<OfCluster, Gauge>,
    messages: Family<OfMessage, Gauge>,
}

/// One that waits for its turn at a stage, until it is dropped.
pub(crate) struct Waiting(Gauge);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("lockstep");
        let histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        let metrics = Self {
            durations: Family::new_with_constructor(histogram),
            runs: Family::default(),
            failures: Family::default(),
            queues: Family::default(),
            ages: Family::default(),
            succeeded: Mutex::default(),
            connected: Family::default(),
            busy: Family::default(),
            watches: Family::default(),
            objects: Family::default(),
            messages: Family::default(),
            registry: Registry::default(),
        };
        registry.register("stage_runs", "Runs of a stage", metrics.runs.clone());
        let failures = metrics.failures.clone();
        registry.register("stage_failures", "Failed runs by reason", failures);
        registry.register_with_unit(
            "stage_duration",
            "How long a run of a stage took",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        let queues = metrics.queues.clone();
        registry.register("stage_queue", "Runs that wait for their turn", queues);
        registry.register_with_unit(
            "stage_last_success_age",
            "Time since a run of a stage last went well; absent before the first",
            Unit::Seconds,
            metrics.ages.clone(),
        );
        let of_clusters = [
            (
                "connected",
                "1 when the cluster answers",
                &metrics.connected,
            ),
            (
                "targets_busy",
                "Targets compared or synced now",
                &metrics.busy,
            ),
            ("watches", "Open watches", &metrics.watches),
            ("objects_cached", "Live objects in memory", &metrics.objects),
        ];
        for (name, help, family) in of_clusters {
            registry.register(format!("cluster_{name}"), help, family.clone());
        }
        registry.register(
            "messages",
            "Messages that wait, or that came to nothing and are still in the log",
            metrics.messages.clone(),
        );
        // Zero is an answer; nothing is not.
        for stage in STAGES {
            let _ = metrics.runs.get_or_create(&OfStage { stage });
            let _ = metrics.queues.get_or_create(&OfStage { stage });
        }
        Self {
            registry,
            ..metrics
        }
    }
}

impl Metrics {
    /// Counts one that begins to wait; drop the answer when its turn has come.
    pub(crate) fn wait(&self, stage: Stage) -> Waiting {
        let gauge = self.queues.get_or_create_owned(&OfStage { stage });
        gauge.inc();
        Waiting(gauge)
    }

    /// Counts a run that has ended; `reason` is a fixed word when it failed.
    pub(crate) fn ran(&self, stage: Stage, took: Duration, reason: Option<&'static str>) {
        self.runs.get_or_create(&OfStage { stage }).inc();
        self.durations
            .get_or_create(&OfStage { stage })
            .observe(took.as_secs_f64());
        match reason {
            Some(reason) => {
                let labels = OfFailure { stage, reason };
                self.failures.get_or_create(&labels).inc();
            }
            None => {
                locked(&self.succeeded).insert(stage, now());
            }
        }
    }

    /// The same for a run that began at `since`.
    pub(crate) fn ran_since(&self, stage: Stage, since: Instant, reason: Option<&'static str>) {
        self.ran(stage, since.elapsed(), reason);
    }

    /// Messages by kind and state, in place of what they were.
    fn count_messages(&self, counts: &[(String, MessageState, u64)]) {
        self.messages.clear();
        let set = |kind: &str, state: MessageState, number: u64| {
            let labels = OfMessage {
                kind: kind.to_owned(),
                state: state.word(),
            };
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            self.messages.get_or_create(&labels).set(number);
        };
        for kind in KINDS {
            for state in STATES {
                set(kind, state, 0);
            }
        }
        for (kind, state, number) in counts {
            if STATES.contains(state) {
                set(kind, *state, *number);
            }
        }
    }

    /// The text that Prometheus reads, with clusters and messages as they are now.
    ///
    /// # Errors
    /// If the text cannot be written.
    pub async fn text(&self, runtime: &Runtime) -> Result<String, MetricsError> {
        match message::counts(runtime.store()).await {
            Ok(counts) => self.count_messages(&counts),
            // The rest is told all the more.
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "messages that wait cannot be counted"
                );
                self.messages.clear();
            }
        }
        for (stage, at) in locked(&self.succeeded).iter() {
            let gauge = self.ages.get_or_create(&OfStage { stage: *stage });
            gauge.set(now().seconds_since(*at).max(0));
        }
        // A cluster that is no longer registered leaves nothing behind.
        for family in [&self.connected, &self.busy, &self.watches, &self.objects] {
            family.clear();
        }
        for handle in runtime.clusters() {
            let labels = OfCluster {
                cluster: handle.name.clone(),
            };
            let stats = handle.live.stats();
            let answers = matches!(*handle.live.connection().borrow(), Connection::Connected);
            let set = |family: &Family<OfCluster, Gauge>, value: i64| {
                family.get_or_create(&labels).set(value);
            };
            set(&self.connected, i64::from(answers));
            set(&self.busy, i64::from(runtime.busy(&handle.name)));
            set(&self.watches, i64::from(stats.watches));
            set(
                &self.objects,
                i64::try_from(stats.objects).unwrap_or(i64::MAX),
            );
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(metrics: &Metrics) -> String {
        let mut text = String::new();
        encode(&mut text, &metrics.registry).unwrap();
        text
    }

    #[test]
    fn stages_are_counted_by_fixed_words() {
        let metrics = Metrics::default();
        let waiting = metrics.wait(Stage::Render);
        metrics.ran(Stage::Fetch, Duration::from_millis(50), None);
        metrics.ran(Stage::Fetch, Duration::from_secs(2), Some("FetchFailed"));
        let text = encoded(&metrics);
        for line in [
            "lockstep_stage_runs_total{stage=\"fetch\"} 2",
            "lockstep_stage_runs_total{stage=\"sync\"} 0",
            "lockstep_stage_failures_total{stage=\"fetch\",reason=\"FetchFailed\"} 1",
            "lockstep_stage_duration_seconds_bucket{le=\"0.1\",stage=\"fetch\"} 1",
            "lockstep_stage_queue{stage=\"render\"} 1",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        drop(waiting);
        assert!(encoded(&metrics).contains("lockstep_stage_queue{stage=\"render\"} 0"));
    }

    #[test]
    fn messages_are_counted_by_kind_and_state() {
        let metrics = Metrics::default();
        let counted = |kind: &str, state, number| (kind.to_owned(), state, number);
        metrics.count_messages(&[
            counted("alerts", MessageState::Queued, 3),
            counted("status", MessageState::Failed, 2),
            counted("status", MessageState::Sent, 900),
        ]);
        let text = encoded(&metrics);
        for line in [
            "lockstep_messages{kind=\"alerts\",state=\"queued\"} 3",
            "lockstep_messages{kind=\"status\",state=\"failed\"} 2",
            "lockstep_messages{kind=\"comment\",state=\"dropped\"} 0",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(!text.contains("state=\"sent\""), "{text}");
        metrics.count_messages(&[]);
        let text = encoded(&metrics);
        assert!(text.contains("lockstep_messages{kind=\"alerts\",state=\"queued\"} 0"));
    }

    /// The dashboard and the alerts would be empty without a word otherwise.
    #[test]
    fn dashboard_and_alerts_name_what_is_there() {
        let metrics = Metrics::default();
        metrics.ran(Stage::Sync, Duration::from_secs(2), Some("SyncFailed"));
        let _ = metrics.ages.get_or_create(&OfStage { stage: Stage::Sync });
        metrics.count_messages(&[]);
        for family in [
            &metrics.connected,
            &metrics.busy,
            &metrics.watches,
            &metrics.objects,
        ] {
            let cluster = "prod-eu".to_owned();
            family.get_or_create(&OfCluster { cluster }).set(1);
        }
        let text = encoded(&metrics);
        let deploy = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy");
        for file in ["grafana-dashboard.json", "prometheus-rules.yaml"] {
            let written = std::fs::read_to_string(format!("{deploy}/{file}")).unwrap();
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let names: Vec<&str> = written
                .split(|c: char| !is_part(c))
                .filter(|word| word.starts_with("lockstep_"))
                .collect();
            assert!(names.len() > 5, "{file}");
            for name in names {
                let sample = ["{", " "].map(|end| format!("\n{name}{end}"));
                assert!(
                    sample.iter().any(|sample| text.contains(sample)),
                    "{file} asks for {name}, which is not among\n{text}"
                );
            }
        }
    }
}
