//! Webhook configurations: they have no status. One whose certificate another controller has yet to fill in stops every
//! request it is asked about: <https://cert-manager.io/docs/concepts/ca-injector/>.

use super::fields::{healthy, list, progressing, text};
use lockstep_types::health::Health;
use serde_json::Value;

const INJECTED: [&str; 3] = [
    "/metadata/annotations/cert-manager.io~1inject-ca-from",
    "/metadata/annotations/cert-manager.io~1inject-ca-from-secret",
    "/metadata/annotations/cert-manager.io~1inject-apiserver-ca",
];

pub(super) fn health(body: &Value) -> Health {
    let injected = INJECTED
        .iter()
        .any(|annotation| !text(body, annotation).is_empty());
    let lacking = list(body, "/webhooks").iter().find(|webhook| {
        webhook.pointer("/clientConfig/service").is_some()
            && text(webhook, "/clientConfig/caBundle").is_empty()
    });
    match lacking {
        Some(webhook) if injected => progressing(format!(
            "webhook {} waits for its certificate from cert-manager",
            text(webhook, "/name")
        )),
        _ => healthy(),
    }
}
