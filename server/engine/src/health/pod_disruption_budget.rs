//! PodDisruptionBudget: can it be computed, and are enough pods there?

use super::fields::{condition, count, degraded, healthy, number, progressing, unobserved};
use lockstep_types::health::Health;
use serde_json::Value;

pub(super) fn health(body: &Value) -> Health {
    if unobserved(body) {
        return progressing("its controller has not looked at it yet");
    }
    if let Some(failed) =
        condition(body, "DisruptionAllowed").filter(|allowed| allowed.reason() == "SyncFailed")
    {
        return degraded(failed.words("it cannot be computed"));
    }
    let (current, wanted) = (
        number(body, "/status/currentHealthy"),
        number(body, "/status/desiredHealthy"),
    );
    if current < wanted {
        return progressing(format!(
            "{current} of {} healthy",
            count(wanted, "needed pod")
        ));
    }
    healthy()
}
