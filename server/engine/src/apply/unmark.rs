//! Lets an object go: our tracking annotation and our entry among its field managers are taken off, and nothing else of
//! it changes.

use super::delete::{READS, check};
use super::{Applier, ApplyError, Deletion, JSON, METADATA, Request};
use crate::tracking::{FIELD_MANAGER, TRACKING_ANNOTATION};
use serde_json::{Value, json};

/// What became of letting go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmarked {
    Done,
    /// It is not there any more.
    Gone,
    /// Another object has the name, or it does not carry our mark: it was not touched.
    NotOurs,
}

impl Applier {
    /// Takes our mark off one object if it is the planned one and still carries it. Each try reads it anew and binds the
    /// request to what it read. Of `wanted`, everything but the propagation counts.
    ///
    /// # Errors
    /// As the cluster answers.
    pub async fn unmark(&self, wanted: &Deletion) -> Result<Unmarked, ApplyError> {
        let key = &wanted.key;
        let path = self
            .resource(key, &wanted.api_version)?
            .object(&key.namespace, &key.name);
        for _ in 0..READS {
            let read = Request {
                method: http::Method::GET,
                path: path.clone(),
                accept: METADATA,
                content: JSON,
                body: Vec::new(),
            };
            let live = match self.send(key, &read).await {
                Ok(live) => live,
                Err(ApplyError::NotFound { .. }) => return Ok(Unmarked::Gone),
                Err(error) => return Err(error),
            };
            if check(wanted, &live).is_err() {
                return Ok(Unmarked::NotOurs);
            }
            let patch = Request {
                method: http::Method::PATCH,
                path: format!("{path}?fieldManager={FIELD_MANAGER}"),
                accept: METADATA,
                content: "application/merge-patch+json",
                body: patch(&live).to_string().into_bytes(),
            };
            match self.send(key, &patch).await {
                Ok(_) => return Ok(Unmarked::Done),
                Err(ApplyError::NotFound { .. }) => return Ok(Unmarked::Gone),
                // It changed meanwhile; whether it is still the planned object is read anew.
                Err(ApplyError::PreconditionFailed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(ApplyError::PreconditionFailed {
            object: Box::new(key.clone()),
            message: "it changes all the time".to_owned(),
        })
    }
}

/// Without our entry others may take the fields over without a conflict. An empty list would mean no change, so one
/// empty entry stands for it, as the API server has it.
fn patch(live: &Value) -> Value {
    let metadata = &live["metadata"];
    let mut managers: Vec<Value> = metadata["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|entry| entry["manager"] != FIELD_MANAGER || entry["operation"] != "Apply")
        .cloned()
        .collect();
    if managers.is_empty() {
        managers.push(json!({}));
    }
    json!({"metadata": {
        "uid": metadata["uid"],
        "resourceVersion": metadata["resourceVersion"],
        "annotations": {TRACKING_ANNOTATION: null},
        "managedFields": managers,
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_ours_is_taken_off() {
        let live = json!({"metadata": {"uid": "u", "resourceVersion": "7",
        "annotations": {TRACKING_ANNOTATION: "x", "note": "kept"},
        "managedFields": [
            {"manager": FIELD_MANAGER, "operation": "Apply"},
            {"manager": "kubectl", "operation": "Update"},
        ]}});
        assert_eq!(
            patch(&live),
            json!({"metadata": {"uid": "u", "resourceVersion": "7",
                "annotations": {TRACKING_ANNOTATION: null},
                "managedFields": [{"manager": "kubectl", "operation": "Update"}]}})
        );
        let alone = json!({"metadata": {"uid": "u", "managedFields": [{"manager": FIELD_MANAGER, "operation": "Apply"}]}});
        assert_eq!(patch(&alone)["metadata"]["managedFields"], json!([{}]));
    }
}
