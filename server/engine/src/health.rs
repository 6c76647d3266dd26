//! How objects fare: one pure function per kind, the rules of kstatus for all others. Agrees with what users of Argo CD
//! expect. Knows no clusters and no clock; works on whole bodies and on the pruned ones of the tree.

mod api_service;
mod cause;
mod cron_job;
mod custom_resource_definition;
mod daemon_set;
mod deployment;
mod detail;
mod fields;
mod generic;
mod horizontal_pod_autoscaler;
mod ingress;
mod job;
mod namespace;
mod persistent_volume_claim;
mod pod;
mod pod_disruption_budget;
mod replica_set;
mod service;
mod stateful_set;
mod table;
mod webhook;

pub use cause::{Cause, Observed, cause, target};
pub use detail::{detail, short_image};
pub(crate) use pod::IGNORE_RESTART_POLICY;

use fields::text;
use lockstep_types::health::{Health, HealthStatus};
use serde_json::Value;

/// Health of one live object. A missing one has none of its own: see [`missing`].
pub fn health(body: &Value) -> Health {
    if body.pointer("/metadata/deletionTimestamp").is_some() {
        return being_deleted(body);
    }
    let group = crate::manifest::group_of(text(body, "/apiVersion"));
    match (group, text(body, "/kind")) {
        ("apps" | "extensions", "Deployment") => deployment::health(body),
        ("apps", "StatefulSet") => stateful_set::health(body),
        ("apps" | "extensions", "DaemonSet") => daemon_set::health(body),
        ("apps" | "extensions", "ReplicaSet") => replica_set::health(body),
        ("", "Pod") => pod::health(body),
        ("batch", "Job") => job::health(body),
        ("batch", "CronJob") => cron_job::health(body),
        ("", "PersistentVolumeClaim") => persistent_volume_claim::health(body),
        ("", "Service") => service::health(body),
        ("networking.k8s.io" | "extensions", "Ingress") => ingress::health(body),
        ("autoscaling", "HorizontalPodAutoscaler") => horizontal_pod_autoscaler::health(body),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            custom_resource_definition::health(body)
        }
        ("apiregistration.k8s.io", "APIService") => api_service::health(body),
        ("", "Namespace") => namespace::health(body),
        ("policy", "PodDisruptionBudget") => pod_disruption_budget::health(body),
        (
            "admissionregistration.k8s.io",
            "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration",
        ) => webhook::health(body),
        (group, kind) => table::health(group, kind, body).unwrap_or_else(|| generic::health(body)),
    }
}

/// The words of a condition that tells of trouble or of work, whatever the kind; empty when there is none.
pub fn unhealthy_condition(body: &Value) -> String {
    let bad = |condition: &fields::Condition<'_>| match condition.kind() {
        "Stalled" | "Failed" | "Error" | "Degraded" | "Reconciling" => condition.is("True"),
        _ => condition.is("False"),
    };
    fields::conditions(body)
        .find(bad)
        .map(|condition| {
            let words = condition.words("");
            match words.is_empty() {
                true => format!("its condition {} is not as it should be", condition.kind()),
                false => words.to_owned(),
            }
        })
        .unwrap_or_default()
}

/// Health of a declared object that is not there.
pub fn missing() -> Health {
    Health::new(HealthStatus::Missing, "it is not in the cluster")
}

/// Health of an object that cannot be looked at.
pub fn unknown(why: impl Into<String>) -> Health {
    Health::new(HealthStatus::Unknown, why)
}

fn being_deleted(body: &Value) -> Health {
    let finalizers: Vec<&str> = ["/metadata/finalizers", "/spec/finalizers"]
        .iter()
        .filter_map(|pointer| body.pointer(pointer).and_then(Value::as_array))
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    match finalizers.as_slice() {
        [] => Health::new(HealthStatus::Progressing, "being deleted"),
        waits => Health::new(
            HealthStatus::Progressing,
            format!("being deleted, waits for {}", waits.join(", ")),
        ),
    }
}

#[cfg(test)]
mod tests;
