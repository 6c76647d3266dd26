//! CronJob: suspended or not. How single runs went is told by its jobs.

use super::fields::{flag, healthy, suspended};
use lockstep_types::health::Health;
use serde_json::Value;

pub(super) fn health(body: &Value) -> Health {
    if flag(body, "/spec/suspend") {
        suspended("no new jobs are started")
    } else {
        healthy()
    }
}
