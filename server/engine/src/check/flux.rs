//! An application as the object that Flux would have in the cluster: what a `readyExpr` reads. Pure.

use crate::definition::Definition;
use crate::yaml;
use lockstep_types::health::{Health, HealthStatus};
use lockstep_types::revision::Revision;
use serde_json::{Value, json};

/// The definition as written, with the status that Flux would give it.
///
/// `attempted` is the revision that is compared, `applied` the one that runs; `ready` says how it fares.
pub fn as_flux(
    definition: &Definition,
    attempted: Option<&Revision>,
    applied: Option<&Revision>,
    ready: &Health,
) -> Value {
    let mut object = yaml::documents(&definition.yaml)
        .ok()
        .and_then(|documents| documents.first()?.value().ok())
        .filter(Value::is_object)
        .unwrap_or_else(|| json!({}));
    object["metadata"]["namespace"] = json!(definition.namespace);
    object["metadata"]["generation"] = json!(1);
    let named = |revision: &Revision| {
        let tracked = &definition.source.target_revision.0;
        json!(format!("{tracked}@sha1:{revision}"))
    };
    let (status, reason) = match ready.status {
        HealthStatus::Healthy => ("True", "ReconciliationSucceeded"),
        HealthStatus::Progressing | HealthStatus::Unknown => ("Unknown", "Progressing"),
        HealthStatus::Suspended | HealthStatus::Missing | HealthStatus::Degraded => {
            ("False", "HealthCheckFailed")
        }
    };
    let condition = |kind: &str| {
        json!({
            "type": kind, "status": status, "reason": reason, "message": ready.message, "observedGeneration": 1,
        })
    };
    object["status"] = json!({
        "observedGeneration": 1,
        "conditions": [condition("Ready"), condition("Healthy")],
    });
    if let Some(attempted) = attempted {
        object["status"]["lastAttemptedRevision"] = named(attempted);
    }
    if let Some(applied) = applied {
        object["status"]["lastAppliedRevision"] = named(applied);
    }
    object
}
