//! Makes an object exactly what is declared: what others have added to it goes, as with `kubectl replace`.
//!
//! The replaced object is applied once more, so that its fields are ours the way they are after every apply; and what
//! the replacing itself left among its managed fields is taken out, or a field that leaves Git later would stay.

use super::{Applied, Applier, ApplyError, ApplyOptions, JSON, METADATA, Request};
use crate::manifest::{Manifest, canonical};
use crate::tracking::FIELD_MANAGER;
use serde_json::{Value, json};

/// Reads before giving up on an object that changes all the time.
const READS: u32 = 4;

impl Applier {
    /// Replaces one object if it is still the planned one.
    ///
    /// # Errors
    /// [`ApplyError::PreconditionFailed`] when another object has the name; else as the cluster answers.
    pub async fn replace(
        &self,
        manifest: &Manifest,
        options: &ApplyOptions,
    ) -> Result<Applied, ApplyError> {
        let path = self.put(manifest, options, false).await?;
        let applied = ApplyOptions {
            force: true,
            ..options.clone()
        };
        let applied = self.apply(manifest, &applied).await?;
        self.owned_once(manifest, &path, applied).await
    }

    /// Whether [`Applier::replace`] would be let through; changes nothing.
    ///
    /// # Errors
    /// As [`Applier::replace`].
    pub async fn dry_replace(
        &self,
        manifest: &Manifest,
        options: &ApplyOptions,
    ) -> Result<(), ApplyError> {
        self.put(manifest, options, true).await.map(|_| ())
    }

    /// Sends the object in place of what is there; the answer is its address.
    async fn put(
        &self,
        manifest: &Manifest,
        options: &ApplyOptions,
        dry_run: bool,
    ) -> Result<String, ApplyError> {
        let key = &manifest.key;
        let path = self
            .resource(key, &manifest.api_version)?
            .object(&key.namespace, &key.name);
        let dry_run = if dry_run { "&dryRun=All" } else { "" };
        for _ in 0..READS {
            let live = self.send(key, &read(&path)).await?;
            let live_text = |field: &str| {
                live.pointer(field)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
            };
            let uid = live_text("/metadata/uid");
            if options.uid.as_deref().is_some_and(|planned| planned != uid) {
                return Err(ApplyError::PreconditionFailed {
                    object: Box::new(key.clone()),
                    message: "another object has its name by now".to_owned(),
                });
            }
            let mut body = (*manifest.body).clone();
            if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.insert("uid".to_owned(), json!(uid));
                let version = live_text("/metadata/resourceVersion");
                metadata.insert("resourceVersion".to_owned(), json!(version));
                // Others may still have to tidy up after it.
                if let Some(finalizers) = live.pointer("/metadata/finalizers") {
                    metadata
                        .entry("finalizers")
                        .or_insert_with(|| finalizers.clone());
                }
                if let Some(owners) = live.pointer("/metadata/ownerReferences") {
                    metadata
                        .entry("ownerReferences")
                        .or_insert_with(|| owners.clone());
                }
            }
            let put = Request {
                method: http::Method::PUT,
                path: format!(
                    "{path}?fieldManager={FIELD_MANAGER}&fieldValidation={}{dry_run}",
                    options.validation()
                ),
                accept: METADATA,
                content: JSON,
                body: canonical(&body),
            };
            match self.send(key, &put).await {
                Ok(_) => return Ok(path),
                // Somebody wrote in between; whether it is still the planned object is read anew.
                Err(ApplyError::PreconditionFailed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(ApplyError::PreconditionFailed {
            object: Box::new(key.clone()),
            message: "it changes all the time".to_owned(),
        })
    }

    /// Takes the entry that replacing left out of the managed fields: what it names is in that of our applies too.
    async fn owned_once(
        &self,
        manifest: &Manifest,
        path: &str,
        applied: Applied,
    ) -> Result<Applied, ApplyError> {
        let key = &manifest.key;
        let live = self.send(key, &read(path)).await?;
        let entries = live
            .pointer("/metadata/managedFields")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let left: Vec<&Value> = entries
            .iter()
            .filter(|entry| {
                entry["manager"] != FIELD_MANAGER
                    || entry["operation"] != "Update"
                    || entry.get("subresource").is_some()
            })
            .collect();
        let unchanged = live
            .pointer("/metadata/resourceVersion")
            .and_then(Value::as_str)
            == Some(applied.resource_version.as_str());
        if left.len() == entries.len() || !unchanged {
            return Ok(applied);
        }
        let patch = json!([
            {"op": "test", "path": "/metadata/resourceVersion", "value": applied.resource_version},
            {"op": "replace", "path": "/metadata/managedFields", "value": left},
        ]);
        let request = Request {
            method: http::Method::PATCH,
            path: format!("{path}?fieldManager={FIELD_MANAGER}"),
            accept: METADATA,
            content: "application/json-patch+json",
            body: patch.to_string().into_bytes(),
        };
        match self.send(key, &request).await {
            Ok(answer) => Ok(Applied {
                resource_version: answer
                    .pointer("/metadata/resourceVersion")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned(),
                ..applied
            }),
            // Somebody wrote in between: the object is as declared all the same.
            Err(ApplyError::Invalid { .. } | ApplyError::PreconditionFailed { .. }) => Ok(applied),
            Err(error) => Err(error),
        }
    }
}

fn read(path: &str) -> Request {
    Request {
        method: http::Method::GET,
        path: path.to_owned(),
        accept: METADATA,
        content: JSON,
        body: Vec::new(),
    }
}
