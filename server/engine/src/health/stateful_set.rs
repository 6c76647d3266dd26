//! StatefulSet: ready and updated, respecting partitions and the OnDelete strategy.

use super::fields::{count, healthy, number, progressing, replicas, text, unobserved};
use lockstep_types::health::Health;
use serde_json::Value;

pub(super) fn health(body: &Value) -> Health {
    if number(body, "/status/observedGeneration") == 0 || unobserved(body) {
        return progressing("the rollout has not begun");
    }
    let wanted = replicas(body);
    let ready = number(body, "/status/readyReplicas");
    if ready < wanted {
        return progressing(format!("{ready} of {} ready", count(wanted, "pod")));
    }
    if text(body, "/spec/updateStrategy/type") == "OnDelete" {
        return healthy();
    }
    let partition = number(body, "/spec/updateStrategy/rollingUpdate/partition");
    let updated = number(body, "/status/updatedReplicas");
    if partition > 0 {
        let due = (wanted - partition).max(0);
        return if updated < due {
            progressing(format!(
                "rolling out to the partition: {updated} of {} updated",
                count(due, "pod")
            ))
        } else {
            healthy()
        };
    }
    if text(body, "/status/updateRevision") != text(body, "/status/currentRevision") {
        return progressing(format!(
            "rolling out: {updated} of {} updated",
            count(wanted, "pod")
        ));
    }
    healthy()
}
