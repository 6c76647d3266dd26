//! DaemonSet: updated and available on every node it should run on.

use super::fields::{count, healthy, number, progressing, text, unobserved};
use lockstep_types::health::Health;
use serde_json::Value;

pub(super) fn health(body: &Value) -> Health {
    if unobserved(body) {
        return progressing("the rollout has not begun");
    }
    if text(body, "/spec/updateStrategy/type") == "OnDelete" {
        return healthy();
    }
    let wanted = number(body, "/status/desiredNumberScheduled");
    let updated = number(body, "/status/updatedNumberScheduled");
    let available = number(body, "/status/numberAvailable");
    if updated < wanted {
        progressing(format!(
            "rolling out: {updated} of {} updated",
            count(wanted, "pod")
        ))
    } else if available < wanted {
        progressing(format!("{available} of {} available", count(wanted, "pod")))
    } else {
        healthy()
    }
}
