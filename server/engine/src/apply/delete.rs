//! Deleting exactly the object that was planned to go, and no other of its name (G5, G7).

use super::{Applied, Applier, ApplyError, ApplyOptions, JSON, METADATA, Request};
use crate::manifest::Manifest;
use crate::tracking::TRACKING_ANNOTATION;
use lockstep_types::resource::ResourceKey;
use serde_json::{Value, json};

/// What happens to objects that the deleted one owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Propagation {
    /// Deleted afterwards.
    #[default]
    Background,
    /// Deleted first.
    Foreground,
    /// Left alone.
    Orphan,
}

impl Propagation {
    fn word(self) -> &'static str {
        match self {
            Self::Background => "Background",
            Self::Foreground => "Foreground",
            Self::Orphan => "Orphan",
        }
    }
}

/// One object to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    pub key: ResourceKey,
    pub api_version: String,
    /// UID of the object that was planned to go.
    pub uid: String,
    /// Text of the tracking annotation that it must still carry; `None` does not look at it.
    pub tracking_id: Option<String>,
    pub propagation: Propagation,
}

/// What became of a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deleted {
    /// It is not there any more.
    Gone,
    /// The server has noted it; it goes when these finalizers (possibly none, while it stops) are done.
    Going { finalizers: Vec<String> },
}

/// Reads before giving up on an object that changes all the time.
pub(super) const READS: u32 = 4;

impl Applier {
    /// Deletes one object if it is still the planned one. Each try reads it anew and binds the request to what it read.
    ///
    /// # Errors
    /// [`ApplyError::PreconditionFailed`] when another object has the name or the mark is gone; else as the cluster answers.
    pub async fn delete(&self, wanted: &Deletion) -> Result<Deleted, ApplyError> {
        self.delete_or_ask(wanted, false).await
    }

    /// Whether [`Applier::delete`] would be let through; changes nothing.
    ///
    /// # Errors
    /// As [`Applier::delete`].
    pub async fn dry_delete(&self, wanted: &Deletion) -> Result<(), ApplyError> {
        self.delete_or_ask(wanted, true).await.map(|_| ())
    }

    async fn delete_or_ask(&self, wanted: &Deletion, dry_run: bool) -> Result<Deleted, ApplyError> {
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
                Err(ApplyError::NotFound { .. }) => return Ok(Deleted::Gone),
                Err(error) => return Err(error),
            };
            check(wanted, &live)?;
            if live.pointer("/metadata/deletionTimestamp").is_some() {
                return Ok(Deleted::Going {
                    finalizers: finalizers(&live),
                });
            }
            let version = live
                .pointer("/metadata/resourceVersion")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let mut body = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": wanted.propagation.word(),
                "preconditions": {"uid": wanted.uid, "resourceVersion": version}});
            let mut path = path.clone();
            if dry_run {
                body["dryRun"] = json!(["All"]);
                path.push_str("?dryRun=All");
            }
            let delete = Request {
                method: http::Method::DELETE,
                path,
                accept: JSON,
                content: JSON,
                body: body.to_string().into_bytes(),
            };
            match self.send(key, &delete).await {
                Ok(answer) if answer.pointer("/metadata/deletionTimestamp").is_some() => {
                    return Ok(Deleted::Going {
                        finalizers: finalizers(&answer),
                    });
                }
                Ok(_) | Err(ApplyError::NotFound { .. }) => return Ok(Deleted::Gone),
                // Its status may have moved; whether it is still the planned object is read anew.
                Err(ApplyError::PreconditionFailed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(ApplyError::PreconditionFailed {
            object: Box::new(key.clone()),
            message: "it changes all the time".to_owned(),
        })
    }

    /// Applies to the object that stands there now, if it carries `tracking_id`; `None` when it does not, or nothing
    /// stands there. For a create of ours whose answer was never read: the object has a UID that nobody wrote down.
    ///
    /// # Errors
    /// As the cluster answers.
    pub async fn apply_to_tracked(
        &self,
        manifest: &Manifest,
        tracking_id: &str,
        options: &ApplyOptions,
    ) -> Result<Option<Applied>, ApplyError> {
        let key = &manifest.key;
        let read = Request {
            method: http::Method::GET,
            path: self
                .resource(key, &manifest.api_version)?
                .object(&key.namespace, &key.name),
            accept: METADATA,
            content: JSON,
            body: Vec::new(),
        };
        let live = match self.send(key, &read).await {
            Ok(live) => live,
            Err(ApplyError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let uid = live.pointer("/metadata/uid").and_then(Value::as_str);
        match uid {
            Some(uid) if mark(&live) == Some(tracking_id) => {
                let to_it = ApplyOptions {
                    uid: Some(uid.to_owned()),
                    ..options.clone()
                };
                self.apply(manifest, &to_it).await.map(Some)
            }
            _ => Ok(None),
        }
    }
}

fn mark(live: &Value) -> Option<&str> {
    live.get("metadata")?
        .get("annotations")?
        .get(TRACKING_ANNOTATION)?
        .as_str()
}

pub(super) fn check(wanted: &Deletion, live: &Value) -> Result<(), ApplyError> {
    let failed = |message: &str| {
        Err(ApplyError::PreconditionFailed {
            object: Box::new(wanted.key.clone()),
            message: message.to_owned(),
        })
    };
    if live.pointer("/metadata/uid").and_then(Value::as_str) != Some(wanted.uid.as_str()) {
        return failed("it was deleted and made anew by somebody else");
    }
    match &wanted.tracking_id {
        Some(expected) if mark(live) != Some(expected) => {
            failed("it does not carry our tracking id any more")
        }
        _ => Ok(()),
    }
}

/// Finalizers of the object, and for namespaces those of its contents; not those by which the server itself keeps to the
/// propagation it was asked for.
fn finalizers(live: &Value) -> Vec<String> {
    ["/metadata/finalizers", "/spec/finalizers"]
        .iter()
        .filter_map(|pointer| live.pointer(pointer).and_then(Value::as_array))
        .flatten()
        .filter_map(Value::as_str)
        .filter(|name| !["foregroundDeletion", "orphan"].contains(name))
        .map(str::to_owned)
        .collect()
}
