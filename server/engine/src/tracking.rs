//! The mark by which Lockstep knows its own objects: an annotation that names the installation, the target and
//! the object itself, so that a copied annotation proves nothing.

use crate::manifest::{Manifest, hash_of};
use lockstep_types::resource::ResourceKey;
use serde_json::{Map, Value};
use std::sync::Arc;
use uuid::Uuid;

/// `installation/target-key:group/Kind:namespace/name`.
pub const TRACKING_ANNOTATION: &str = "lockstep.dev/tracking-id";

/// The field manager of everything Lockstep applies.
pub const FIELD_MANAGER: &str = "lockstep";

/// A parsed tracking id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackingId {
    pub installation: Uuid,
    /// The target's key: definition key and cluster. May hold slashes and colons.
    pub target_key: String,
    pub key: ResourceKey,
}

impl TrackingId {
    /// The annotation's text.
    pub fn text(&self) -> String {
        format!("{}/{}:{}", self.installation, self.target_key, self.key)
    }

    /// Reads the annotation of the object `key`; `None` when the text is not ours or names another object.
    /// (Target keys and object names may both hold colons, so the text alone would be ambiguous.)
    pub fn parse(text: &str, key: &ResourceKey) -> Option<Self> {
        let (installation, rest) = text.split_once('/')?;
        let installation = Uuid::parse_str(installation).ok()?;
        let target_key = rest.strip_suffix(&key.to_string())?.strip_suffix(':')?;
        Some(Self {
            installation,
            target_key: target_key.to_owned(),
            key: key.clone(),
        })
    }
}

/// The tracking id of a live object when it names that very object; `None` for foreign or copied ones.
pub fn read(live: &Value, key: &ResourceKey) -> Option<TrackingId> {
    let text = live
        .get("metadata")?
        .get("annotations")?
        .get(TRACKING_ANNOTATION)?
        .as_str()?;
    TrackingId::parse(text, key)
}

/// The manifest with our annotation; one that came from Git is overwritten.
pub fn stamp(manifest: &Manifest, installation: Uuid, target_key: &str) -> Manifest {
    let id = TrackingId {
        installation,
        target_key: target_key.to_owned(),
        key: manifest.key.clone(),
    };
    let mut body = (*manifest.body).clone();
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations = metadata
            .entry("annotations")
            .or_insert_with(|| Value::Object(Map::new()));
        if !annotations.is_object() {
            *annotations = Value::Object(Map::new());
        }
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(TRACKING_ANNOTATION.to_owned(), Value::String(id.text()));
        }
    }
    let hash = hash_of(&body);
    Manifest {
        body: Arc::new(body),
        hash,
        ..manifest.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn manifest() -> Manifest {
        Manifest::new(
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "system:reader", "namespace": "shop"}}),
            None,
        )
        .unwrap()
    }

    #[test]
    fn stamped_objects_are_recognised() {
        for target_key in ["root/ArgoApplication/argocd/shop@prod-eu", "a:b/c@d"] {
            let installation = Uuid::from_u128(7);
            let stamped = stamp(&manifest(), installation, target_key);
            let id = read(&stamped.body, &manifest().key).unwrap();
            assert_eq!(
                (id.installation, id.target_key.as_str()),
                (installation, target_key)
            );
        }
    }

    #[test]
    fn attack_17_a_mark_that_comes_from_git_is_overwritten() {
        let (ours, theirs) = (Uuid::from_u128(7), Uuid::from_u128(8));
        let from_git = stamp(&manifest(), theirs, "other@prod-eu");
        let stamped = stamp(&from_git, ours, "shop@prod-eu");
        let id = read(&stamped.body, &manifest().key).unwrap();
        assert_eq!(
            (id.installation, id.target_key.as_str()),
            (ours, "shop@prod-eu")
        );
        // What is not a map of annotations at all gives way to one.
        let mut odd = (*manifest().body).clone();
        odd["metadata"]["annotations"] = json!("lockstep.dev/tracking-id");
        let odd = Manifest {
            body: Arc::new(odd),
            ..manifest()
        };
        let stamped = stamp(&odd, ours, "shop@prod-eu");
        assert!(read(&stamped.body, &manifest().key).is_some());
    }

    #[test]
    fn a_copied_annotation_proves_nothing() {
        let stamped = stamp(&manifest(), Uuid::from_u128(7), "t@c");
        let mut other = manifest().key;
        other.name = "copy".to_owned();
        assert_eq!(read(&stamped.body, &other), None);
    }

    #[test]
    fn foreign_text_is_not_ours() {
        for text in [
            "",
            "argocd_shop:apps/Deployment:shop/web",
            "00000000-0000-0000-0000-000000000007/x",
        ] {
            assert_eq!(TrackingId::parse(text, &manifest().key), None, "{text}");
        }
    }
}
