//! Job: failed, complete, suspended or running.

use super::fields::{condition, degraded, healthy, progressing, suspended};
use lockstep_types::health::Health;
use serde_json::Value;

pub(super) fn health(body: &Value) -> Health {
    let holds = |kind| condition(body, kind).filter(|condition| condition.is("True"));
    if let Some(failed) = holds("Failed") {
        degraded(failed.words("the job failed"))
    } else if holds("Complete").is_some() {
        healthy()
    } else if holds("Suspended").is_some() {
        suspended("the job is suspended")
    } else {
        progressing("the job is running")
    }
}
