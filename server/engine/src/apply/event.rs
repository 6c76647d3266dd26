//! Kubernetes Events on objects that Lockstep acts on, so that `kubectl describe` tells who did what.

use super::{Applier, ApplyError, JSON, METADATA, Request};
use crate::live::request::escaped;
use lockstep_types::resource::ResourceKey;
use serde_json::json;

/// One Event to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventNote {
    pub object: ResourceKey,
    pub api_version: String,
    pub uid: String,
    /// `Synced`, `Pruned` …: one word, upper camel case.
    pub reason: String,
    /// What was done, in words.
    pub message: String,
    /// A Warning instead of a Normal one.
    pub warning: bool,
}

/// The API's limit for the note of an Event.
const LONGEST_NOTE: usize = 1000;

impl Applier {
    /// Records an Event on an object. Cluster-scoped objects have theirs in `default`.
    ///
    /// # Errors
    /// As the cluster answers; a missing Event is no reason to fail a run.
    pub async fn record_event(&self, note: &EventNote) -> Result<(), ApplyError> {
        let namespace = if note.object.namespace.is_empty() {
            "default"
        } else {
            &note.object.namespace
        };
        let body = json!({
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"generateName": beginning(&note.object.name), "namespace": namespace},
            "eventTime": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
            "reportingController": "lockstep",
            "reportingInstance": "lockstep",
            "action": "Sync",
            "reason": note.reason,
            "note": note.message.chars().take(LONGEST_NOTE).collect::<String>(),
            "type": if note.warning { "Warning" } else { "Normal" },
            "regarding": {"apiVersion": note.api_version, "kind": note.object.kind, "namespace": note.object.namespace,
                "name": note.object.name, "uid": note.uid},
        });
        let path = format!(
            "/apis/events.k8s.io/v1/namespaces/{}/events",
            escaped(namespace)
        );
        let request = Request {
            method: http::Method::POST,
            path,
            accept: METADATA,
            content: JSON,
            body: body.to_string().into_bytes(),
        };
        self.send(&note.object, &request).await.map(drop)
    }
}

/// Names of roles and the like hold characters that names of Events may not.
fn beginning(name: &str) -> String {
    let plain = |letter: char| {
        if letter.is_ascii_lowercase() || letter.is_ascii_digit() {
            letter
        } else {
            '-'
        }
    };
    let name: String = name.chars().take(200).map(plain).collect();
    format!("lockstep-{}-", name.trim_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_makes_a_valid_beginning() {
        for (name, expected) in [
            ("web", "lockstep-web-"),
            ("system:Reader.", "lockstep-system--eader-"),
            (":", "lockstep--"),
        ] {
            assert_eq!(beginning(name), expected);
        }
    }
}
