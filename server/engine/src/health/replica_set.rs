//! ReplicaSet: can it make its pods, and are they available?

use super::fields::{
    condition, count, degraded, healthy, number, progressing, replicas, unobserved,
};
use lockstep_types::health::Health;
use serde_json::Value;

pub(super) fn health(body: &Value) -> Health {
    if unobserved(body) {
        return progressing("its controller has not looked at it yet");
    }
    if let Some(failure) = condition(body, "ReplicaFailure").filter(|failure| failure.is("True")) {
        return degraded(failure.words("pods cannot be created"));
    }
    let (wanted, available) = (replicas(body), number(body, "/status/availableReplicas"));
    if available < wanted {
        return progressing(format!(
            "{available} of {} available",
            count(wanted, "replica")
        ));
    }
    healthy()
}
