//! One live object as it is kept: wanted ones whole, those of the tree pruned, all others as an index entry.
//! Immutable; the store swaps whole entries.

use crate::manifest::{canonical, hash_of};
use lockstep_types::resource::ResourceKey;
use lockstep_types::time::Micros;
use serde_json::{Map, Value, json};

/// One entry of `metadata.ownerReferences`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    pub uid: String,
    pub kind: String,
    pub name: String,
}

/// How much of an object is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    Whole,
    Pruned,
    Index,
}

#[derive(Debug)]
enum Held {
    Whole { bytes: Box<[u8]>, hash: String },
    Pruned(Box<[u8]>),
    Index,
}

/// An object of a cluster.
#[derive(Debug)]
pub struct LiveObject {
    pub key: ResourceKey,
    /// The version it was read in.
    pub api_version: String,
    pub uid: String,
    pub resource_version: String,
    pub owners: Vec<Owner>,
    pub created_at: Option<Micros>,
    /// It has a deletion timestamp.
    pub deleting: bool,
    held: Held,
}

impl LiveObject {
    /// Takes an object as the server sent it; `None` when it has no name or UID.
    pub(super) fn take(
        mut body: Value,
        group: &str,
        kind: &str,
        api_version: &str,
        keep: Keep,
    ) -> Option<Self> {
        let metadata = body.get("metadata")?;
        let text = |field: &str| {
            metadata
                .get(field)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let key = ResourceKey::new(group, kind, text("namespace"), text("name"));
        let uid = text("uid");
        if key.name.is_empty() || uid.is_empty() {
            return None;
        }
        let resource_version = text("resourceVersion");
        let created_at = metadata
            .get("creationTimestamp")
            .and_then(Value::as_str)
            .and_then(time_of);
        let deleting = metadata.get("deletionTimestamp").is_some();
        let owners = owners_of(metadata);
        // Items of a list come without their type.
        if let Some(body) = body.as_object_mut() {
            body.insert(
                "apiVersion".to_owned(),
                Value::String(api_version.to_owned()),
            );
            body.insert("kind".to_owned(), Value::String(kind.to_owned()));
        }
        let held = match keep {
            Keep::Whole => Held::Whole {
                hash: hash_of(&body),
                bytes: canonical(&body).into_boxed_slice(),
            },
            Keep::Pruned => {
                Held::Pruned(canonical(&super::pruned::pruned(&body)).into_boxed_slice())
            }
            Keep::Index => Held::Index,
        };
        Some(Self {
            key,
            api_version: api_version.to_owned(),
            uid,
            resource_version,
            owners,
            created_at,
            deleting,
            held,
        })
    }

    /// The same object with less of it kept.
    pub(super) fn reduced(&self, keep: Keep) -> Self {
        let held = match keep {
            Keep::Index => Held::Index,
            Keep::Whole | Keep::Pruned => {
                Held::Pruned(canonical(&super::pruned::pruned(&self.body())).into_boxed_slice())
            }
        };
        Self {
            key: self.key.clone(),
            api_version: self.api_version.clone(),
            uid: self.uid.clone(),
            resource_version: self.resource_version.clone(),
            owners: self.owners.clone(),
            created_at: self.created_at,
            deleting: self.deleting,
            held,
        }
    }

    /// Whether [`LiveObject::body`] is the whole object as the server sent it, managed fields included.
    pub fn is_whole(&self) -> bool {
        matches!(self.held, Held::Whole { .. })
    }

    /// SHA-256 of the canonical body, for whole objects.
    pub fn hash(&self) -> Option<&str> {
        match &self.held {
            Held::Whole { hash, .. } => Some(hash),
            _ => None,
        }
    }

    /// What is kept of the body: everything, what health and cards need, or name and owners.
    pub fn body(&self) -> Value {
        let bytes = match &self.held {
            Held::Whole { bytes, .. } | Held::Pruned(bytes) => bytes,
            Held::Index => return self.index_body(),
        };
        serde_json::from_slice(bytes).unwrap_or_else(|_| self.index_body())
    }

    /// Bytes held, for the statistics and the limits.
    pub(super) fn weight(&self) -> u64 {
        let body = match &self.held {
            Held::Whole { bytes, .. } | Held::Pruned(bytes) => bytes.len(),
            Held::Index => 0,
        };
        let text = self.key.name.len()
            + self.key.namespace.len()
            + self.key.kind.len()
            + self.uid.len()
            + self.resource_version.len();
        let owners: usize = self
            .owners
            .iter()
            .map(|owner| 96 + owner.uid.len() + owner.kind.len() + owner.name.len())
            .sum();
        let fixed = size_of::<Self>() + owners;
        u64::try_from(body + text + fixed).unwrap_or(u64::MAX)
    }

    fn index_body(&self) -> Value {
        let mut metadata = Map::new();
        metadata.insert("name".to_owned(), json!(self.key.name));
        metadata.insert("uid".to_owned(), json!(self.uid));
        metadata.insert("resourceVersion".to_owned(), json!(self.resource_version));
        if !self.key.namespace.is_empty() {
            metadata.insert("namespace".to_owned(), json!(self.key.namespace));
        }
        json!({"apiVersion": self.api_version, "kind": self.key.kind, "metadata": metadata})
    }
}

fn owners_of(metadata: &Value) -> Vec<Owner> {
    let text = |owner: &Value, field: &str| {
        owner
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    metadata
        .get("ownerReferences")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|owner| Owner {
            uid: text(owner, "uid"),
            kind: text(owner, "kind"),
            name: text(owner, "name"),
        })
        .filter(|owner| !owner.uid.is_empty())
        .collect()
}

/// A time as Kubernetes writes it.
pub(super) fn time_of(text: &str) -> Option<Micros> {
    text.parse::<jiff::Timestamp>().ok().map(Micros::from)
}
