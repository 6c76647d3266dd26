//! HorizontalPodAutoscaler: can it read its metrics and scale?

use super::fields::{conditions, degraded, healthy, progressing};
use lockstep_types::health::Health;
use serde_json::Value;

pub(super) fn health(body: &Value) -> Health {
    let broken = conditions(body).find(|condition| {
        condition.is("False")
            && (condition.reason().starts_with("Failed")
                || condition.reason().starts_with("Invalid"))
    });
    if let Some(broken) = broken {
        return degraded(broken.words("it cannot scale"));
    }
    let works = conditions(body).any(|condition| match condition.kind() {
        "AbleToScale" | "ScalingLimited" => condition.is("True"),
        "ScalingActive" => condition.is("True") || condition.reason() == "ScalingDisabled",
        _ => false,
    });
    if works {
        healthy()
    } else {
        progressing("waiting for its first metrics")
    }
}
