//! Deployment: paused, past its deadline, rolling out, or available.

use super::fields::{
    condition, count, degraded, flag, healthy, number, progressing, replicas, suspended, unobserved,
};
use lockstep_types::health::Health;
use serde_json::Value;

pub(super) fn health(body: &Value) -> Health {
    if flag(body, "/spec/paused") {
        return suspended("the rollout is paused");
    }
    if unobserved(body) {
        return progressing("the rollout has not begun");
    }
    if condition(body, "Progressing")
        .is_some_and(|progress| progress.reason() == "ProgressDeadlineExceeded")
    {
        return degraded("the rollout exceeded its deadline");
    }
    let wanted = replicas(body);
    let updated = number(body, "/status/updatedReplicas");
    let (all, available) = (
        number(body, "/status/replicas"),
        number(body, "/status/availableReplicas"),
    );
    if updated < wanted {
        progressing(format!(
            "rolling out: {updated} of {} updated",
            count(wanted, "replica")
        ))
    } else if all > updated {
        progressing(format!(
            "rolling out: {} still to end",
            count(all - updated, "old replica")
        ))
    } else if available < updated {
        progressing(format!(
            "rolling out: {available} of {} available",
            count(updated, "replica")
        ))
    } else {
        healthy()
    }
}
