//! APIService: does the server behind it answer?

use super::fields::{condition, healthy, progressing};
use lockstep_types::health::Health;
use serde_json::Value;

pub(super) fn health(body: &Value) -> Health {
    match condition(body, "Available") {
        Some(available) if available.is("True") => healthy(),
        Some(available) => progressing(available.words("it does not answer")),
        None => progressing("waiting for its first check"),
    }
}
