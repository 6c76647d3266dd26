//! Namespace: there, or going.

use super::fields::{conditions, healthy, progressing, text};
use lockstep_types::health::Health;
use serde_json::Value;

pub(super) fn health(body: &Value) -> Health {
    if text(body, "/status/phase") != "Terminating" {
        return healthy();
    }
    let blocked = conditions(body).find(|condition| condition.is("True"));
    progressing(blocked.map_or("being deleted", |blocked| blocked.words("being deleted")))
}
