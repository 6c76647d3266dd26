//! What is left out before anything is compared or shown: what only the server writes.

/// Holds a copy of the whole object, Secret values included.
pub(super) use crate::masking::LAST_APPLIED;
use crate::prediction::{Rule, is_on};
use crate::tracking::TRACKING_ANNOTATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

const SERVER_SET: [&str; 9] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generateName",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// The object as it is compared and shown: no status, no server-set metadata, no copies of itself.
pub(super) fn cleaned(object: &Value, without_tracking: bool) -> Value {
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut()
        && is_on(Rule::Status)
    {
        map.remove("status");
    }
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return object;
    };
    if is_on(Rule::ServerSet) {
        for name in SERVER_SET {
            metadata.remove(name);
        }
    }
    if let Some(annotations) = metadata
        .get_mut("annotations")
        .and_then(Value::as_object_mut)
    {
        if is_on(Rule::LastApplied) {
            annotations.remove(LAST_APPLIED);
        }
        if without_tracking {
            annotations.remove(TRACKING_ANNOTATION);
        }
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
    object
}

/// A manifest as the API server will read it: cleaned, with a Secret's `stringData` written into `data`.
pub(super) fn desired(object: &Value, without_tracking: bool) -> Value {
    let mut object = cleaned(object, without_tracking);
    if is_secret(&object)
        && is_on(Rule::StringData)
        && let Some(map) = object.as_object_mut()
        && let Some(Value::Object(plain)) = map.remove("stringData")
    {
        let data = map.entry("data").or_insert(Value::Null);
        if data.is_null() {
            *data = Value::Object(Map::new());
        }
        if let Some(data) = data.as_object_mut() {
            for (key, value) in plain {
                let encoded = value
                    .as_str()
                    .map(|text| Value::String(STANDARD.encode(text)));
                data.insert(key, encoded.unwrap_or(value));
            }
        }
    }
    object
}

/// Whether this is a core Secret.
pub(super) fn is_secret(object: &Value) -> bool {
    object.get("kind").and_then(Value::as_str) == Some("Secret")
        && object
            .get("apiVersion")
            .and_then(Value::as_str)
            .is_none_or(|version| !version.contains('/'))
}
