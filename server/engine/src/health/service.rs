//! Service: only a load balancer has something to wait for.

use super::fields::{healthy, list, progressing, text};
use lockstep_types::health::Health;
use serde_json::Value;

pub(super) fn health(body: &Value) -> Health {
    let balanced = text(body, "/spec/type") == "LoadBalancer";
    if balanced && list(body, "/status/loadBalancer/ingress").is_empty() {
        return progressing("waiting for the load balancer's address");
    }
    healthy()
}
