//! Ingress: healthy once a controller gave it an address.

use super::fields::{healthy, list, progressing};
use lockstep_types::health::Health;
use serde_json::Value;

pub(super) fn health(body: &Value) -> Health {
    if list(body, "/status/loadBalancer/ingress").is_empty() {
        return progressing("waiting for an address from the ingress controller");
    }
    healthy()
}
