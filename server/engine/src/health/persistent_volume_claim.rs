//! PersistentVolumeClaim: bound, waiting, or its volume lost.

use super::fields::{degraded, healthy, progressing, text};
use lockstep_types::health::{Health, HealthStatus};
use serde_json::Value;

pub(super) fn health(body: &Value) -> Health {
    match text(body, "/status/phase") {
        "Bound" => healthy(),
        "Lost" => degraded("its volume is lost"),
        "Pending" | "" => progressing("waiting for a volume"),
        other => Health::new(HealthStatus::Unknown, format!("in phase {other}")),
    }
}
