//! Signs of life for supervisors, and a few gauges. Without a login they say ok or not, and nothing else.

use super::Web;
use super::extract::Caller;
use super::problem::Refusal;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use lockstep_types::cluster::Connection;
use lockstep_types::fleet::FleetQuery;

/// The process answers.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// The database answers too.
pub async fn readyz(State(web): State<Web>) -> Response {
    match web.accounts.ping().await {
        Ok(()) => "ok\n".into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response(),
    }
}

/// Gauges in the text form that Prometheus reads.
pub async fn metrics(State(web): State<Web>, Caller(actor): Caller) -> Result<Response, Refusal> {
    let fleet = web
        .plane
        .fleet
        .fleet(&actor, &FleetQuery::default())
        .await?;
    let clusters = web.plane.clusters.clusters(&actor).await?;
    let verdict = &fleet.verdict;
    let connected = clusters
        .iter()
        .filter(|cluster| cluster.connection == Connection::Connected)
        .count();
    let cached: u64 = clusters.iter().map(|cluster| cluster.objects_cached).sum();
    let age = verdict
        .oldest_comparison
        .map_or(0, |at| fleet.now.seconds_since(at));
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, values: &[(&str, u64)]| {
        text.push_str(&format!(
            "# HELP lockstep_{name} {help}\n# TYPE lockstep_{name} gauge\n"
        ));
        for (labels, value) in values {
            text.push_str(&format!("lockstep_{name}{labels} {value}\n"));
        }
    };
    gauge(
        "targets_by_sync",
        "Targets by sync status.",
        &[
            ("{sync=\"Synced\"}", verdict.synced.into()),
            ("{sync=\"OutOfSync\"}", verdict.out_of_sync.into()),
            ("{sync=\"Unknown\"}", verdict.sync_unknown.into()),
        ],
    );
    gauge(
        "targets_by_health",
        "Targets by health status.",
        &[
            ("{health=\"Healthy\"}", verdict.healthy.into()),
            ("{health=\"Progressing\"}", verdict.progressing.into()),
            ("{health=\"Degraded\"}", verdict.degraded.into()),
            ("{health=\"Missing\"}", verdict.missing.into()),
            ("{health=\"Suspended\"}", verdict.suspended.into()),
            ("{health=\"Unknown\"}", verdict.health_unknown.into()),
        ],
    );
    gauge(
        "targets_drifting",
        "Targets with open drift.",
        &[("", verdict.drifting.into())],
    );
    gauge(
        "oldest_comparison_age_seconds",
        "Age of the oldest last comparison.",
        &[("", u64::try_from(age).unwrap_or(0))],
    );
    gauge(
        "clusters_connected",
        "Clusters that answer.",
        &[("", u64::try_from(connected).unwrap_or(0))],
    );
    gauge(
        "objects_cached",
        "Live objects held in memory.",
        &[("", cached)],
    );
    gauge(
        "event_streams",
        "Open event streams.",
        &[("", web.streams.open())],
    );
    gauge("event_sequence", "The newest event.", &[("", fleet.head)]);
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    Ok((kind, text).into_response())
}
