//! Every kind without rules of its own, by the conventions of kstatus: observed generation and the conditions
//! Stalled, Reconciling and Ready. No status means nothing to wait for.

use super::fields::{
    Condition, condition, degraded, flag, healthy, number, progressing, suspended,
};
use lockstep_types::health::Health;
use serde_json::Value;

pub(super) fn health(body: &Value) -> Health {
    if flag(body, "/spec/suspend") {
        return suspended("it is suspended");
    }
    let observed = body
        .pointer("/status/observedGeneration")
        .and_then(Value::as_i64);
    if observed.is_some_and(|observed| observed < number(body, "/metadata/generation")) {
        return progressing("its controller has not looked at it yet");
    }
    let holds = |kind| condition(body, kind).filter(|condition| condition.is("True"));
    if let Some(stalled) = holds("Stalled").or_else(|| holds("Failed")) {
        return degraded(stalled.words("it has stalled"));
    }
    if let Some(reconciling) = holds("Reconciling") {
        return progressing(reconciling.words("its controller is at work"));
    }
    match condition(body, "Ready") {
        None => healthy(),
        Some(ready) if ready.is("True") => healthy(),
        Some(ready) if ready.is("False") && failed(ready) => {
            degraded(ready.words("it is not ready"))
        }
        Some(ready) => progressing(ready.words("it is not ready yet")),
    }
}

/// Controllers say "not ready" both while they work and when they gave up; the reason tells which.
fn failed(ready: Condition<'_>) -> bool {
    const WORDS: [&str; 10] = [
        "Fail",
        "Error",
        "Invalid",
        "Denied",
        "NotFound",
        "Missing",
        "Stalled",
        "Unauthorized",
        "Forbidden",
        "DoesNotExist",
    ];
    WORDS.iter().any(|word| ready.reason().contains(word))
}
