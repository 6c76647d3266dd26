//! Kubernetes objects by name, and as nodes of a tree.

use crate::diff::SyncStatus;
use crate::health::Health;
use crate::time::Micros;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Names one object of a cluster. It has no API version on purpose: one object is served in many.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResourceKey {
    /// API group; empty for the core group.
    pub group: String,
    pub kind: String,
    /// Empty for cluster-scoped objects.
    pub namespace: String,
    pub name: String,
}

impl ResourceKey {
    /// A key from its four parts.
    pub fn new(
        group: impl Into<String>,
        kind: impl Into<String>,
        namespace: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        Self {
            group: group.into(),
            kind: kind.into(),
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// As [`ResourceKey::parse`], of a field that somebody filled in.
    ///
    /// # Errors
    /// When it has another form.
    pub fn named(field: &str, text: &str) -> Result<Self, crate::error::PortError> {
        Self::parse(text).ok_or_else(|| {
            crate::error::PortError::invalid(field, "must be group/Kind:namespace/name")
        })
    }

    /// Reads the form that [`fmt::Display`] writes: `group/Kind:namespace/name`.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once(':')?;
        let (group, kind) = kind.split_once('/')?;
        let (namespace, name) = name.split_once('/')?;
        if kind.is_empty() || name.is_empty() {
            return None;
        }
        Some(Self::new(group, kind, namespace, name))
    }

    /// `Kind name` for sentences.
    pub fn short(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }
}

/// `group/Kind:namespace/name`, the form of the tracking id.
impl fmt::Display for ResourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}:{}/{}",
            self.group, self.kind, self.namespace, self.name
        )
    }
}

/// One object in the tree of a target: declared in Git, or found below such an object by owner references.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResourceNode {
    pub key: ResourceKey,
    pub uid: Option<String>,
    /// Key of the parent node; `None` for declared objects, which hang below the application itself.
    pub parent: Option<ResourceKey>,
    /// Declared in Git, as opposed to made by a controller.
    pub declared: bool,
    /// `None` for objects that Git does not declare.
    pub sync: Option<SyncStatus>,
    pub health: Health,
    pub created_at: Option<Micros>,
    /// A few words for the card: `3/3 ready`, `10.0.14.7:8080`, `2 restarts`.
    pub detail: String,
    /// The object that causes the bad health of the target.
    pub cause: bool,
}

/// Everything the drawer shows of one object. Secret values are masked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResourceView {
    pub node: ResourceNode,
    /// YAML of the live object without managed fields; `None` when absent.
    pub live_yaml: Option<String>,
    /// YAML of the manifest as rendered; `None` when Git does not declare it.
    pub desired_yaml: Option<String>,
    /// File (and line, 1-based) that declares it.
    pub origin: Option<Origin>,
    /// What is wrong with what it says about how it is synced, a sentence part each.
    #[serde(default)]
    pub problems: Vec<String>,
    pub diff: Option<crate::diff::ResourceDiff>,
    pub events: Vec<ObjectEvent>,
    /// What can be done to it without a change in Git.
    #[serde(default)]
    pub actions: Vec<crate::action::ActionOffer>,
    /// What was done, newest first.
    #[serde(default)]
    pub acted: Vec<crate::action::Acted>,
}

/// Where in Git an object is declared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Origin {
    pub path: String,
    /// 1-based; `None` where the renderer cannot tell.
    pub line: Option<u32>,
}

/// A Kubernetes Event about an object, kept longer than the cluster keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ObjectEvent {
    pub object: ResourceKey,
    /// `Normal` or `Warning`.
    pub kind: String,
    pub reason: String,
    pub message: String,
    pub count: u32,
    pub last_seen: Micros,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_survives_its_text_form() {
        for text in [
            "apps/Deployment:shop/cart",
            "/Namespace:/shop",
            "/ConfigMap:a/b.c",
        ] {
            assert_eq!(
                ResourceKey::parse(text)
                    .map(|key| key.to_string())
                    .as_deref(),
                Some(text)
            );
        }
        for bad in [
            "",
            "Deployment:shop/cart",
            "apps/Deployment",
            "apps/:shop/cart",
            "apps/Deployment:shop/",
        ] {
            assert_eq!(ResourceKey::parse(bad), None, "{bad}");
        }
    }
}
