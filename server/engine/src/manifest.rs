//! A desired object as rendered from Git. Knows nothing of clusters.

use lockstep_types::resource::{Origin, ResourceKey};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::sync::Arc;

/// Put on a hook that asked the cluster for a name by `metadata.generateName`: the beginning it asked for.
pub const GENERATED_NAME: &str = "lockstep.dev/generate-name";

/// One rendered object. Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    pub key: ResourceKey,
    /// `v1`, `apps/v1` ….
    pub api_version: String,
    pub body: Arc<Value>,
    /// Hash of the canonical body, as [`hash_of`] makes it.
    pub hash: String,
    pub origin: Option<Origin>,
}

/// Why a value is no Kubernetes object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the object has no {0}")]
pub struct NotAnObject(pub &'static str);

impl Manifest {
    /// Takes a parsed object. The namespace is taken as it stands; defaulting it needs the cluster's discovery.
    ///
    /// # Errors
    /// When `apiVersion`, `kind` or `metadata.name` is missing or not a string.
    pub fn new(body: Value, origin: Option<Origin>) -> Result<Self, NotAnObject> {
        let text = |pointer: &str| {
            body.pointer(pointer)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let api_version = text("/apiVersion")
            .ok_or(NotAnObject("apiVersion"))?
            .to_owned();
        let kind = text("/kind").ok_or(NotAnObject("kind"))?;
        let name = text("/metadata/name").ok_or(NotAnObject("metadata.name"))?;
        let namespace = text("/metadata/namespace").unwrap_or_default();
        let key = ResourceKey::new(group_of(&api_version), kind, namespace, name);
        let hash = hash_of(&body);
        Ok(Self {
            key,
            api_version,
            body: Arc::new(body),
            hash,
            origin,
        })
    }

    /// The same object in another namespace (empty for cluster-scoped kinds).
    pub fn in_namespace(&self, namespace: &str) -> Self {
        let mut body = (*self.body).clone();
        if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
            if namespace.is_empty() {
                metadata.remove("namespace");
            } else {
                metadata.insert("namespace".to_owned(), Value::String(namespace.to_owned()));
            }
        }
        let mut key = self.key.clone();
        key.namespace = namespace.to_owned();
        let hash = hash_of(&body);
        Self {
            key,
            api_version: self.api_version.clone(),
            body: Arc::new(body),
            hash,
            origin: self.origin.clone(),
        }
    }
}

/// The group of an `apiVersion`; empty for the core group.
pub fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// JSON with sorted keys and no white space: equal objects give equal bytes. (`serde_json` maps are sorted.)
pub fn canonical(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// SHA-256 of the canonical form in hexadecimal.
pub fn hash_of(value: &Value) -> String {
    hex(&Sha256::digest(canonical(value)))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn takes_key_from_body() {
        let manifest = Manifest::new(
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}}),
            None,
        )
        .unwrap();
        assert_eq!(manifest.key.to_string(), "apps/Deployment:shop/web");
        assert_eq!(
            manifest.in_namespace("").key.to_string(),
            "apps/Deployment:/web"
        );
    }

    #[test]
    fn names_what_is_missing() {
        for (body, missing) in [
            (
                json!({"kind": "A", "metadata": {"name": "x"}}),
                "apiVersion",
            ),
            (
                json!({"apiVersion": "v1", "metadata": {"name": "x"}}),
                "kind",
            ),
            (
                json!({"apiVersion": "v1", "kind": "A", "metadata": {}}),
                "metadata.name",
            ),
        ] {
            assert_eq!(Manifest::new(body, None), Err(NotAnObject(missing)));
        }
    }

    #[test]
    fn hash_ignores_key_order() {
        let one: Value = serde_json::from_str(r#"{"a":1,"b":{"c":2,"d":3}}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{"b":{"d":3,"c":2},"a":1}"#).unwrap();
        assert_eq!(hash_of(&one), hash_of(&other));
    }
}
