//! The Lease by which a cluster remembers the newest epoch of an installation that writes to it.
//!
//! A database that knows an older epoch than the cluster was restored from a backup, or copied while its twin goes on.
//! One Lease per installation: several may share a cluster, each with objects of its own.

use super::{Applier, ApplyError, JSON, Request};
use lockstep_types::resource::ResourceKey;
use serde_json::{Value, json};
use uuid::Uuid;

/// Where Leases of controllers are kept; it exists in every cluster.
const NAMESPACE: &str = "kube-system";
const PATH: &str = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
const EPOCH: &str = "lockstep.dev/epoch";

/// The Lease of one installation as the cluster has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochLease {
    /// Only ever grows.
    pub epoch: u64,
    /// Names this state of it; a write is refused when another came in between.
    pub resource_version: String,
}

impl Applier {
    /// Reads the Lease of an installation; `None` when it never wrote to this cluster.
    ///
    /// # Errors
    /// As the cluster answers; [`ApplyError::Rejected`] when the Lease holds no epoch that can be read.
    pub async fn epoch_lease(&self, installation: Uuid) -> Result<Option<EpochLease>, ApplyError> {
        let key = key(installation);
        let request = Request {
            method: http::Method::GET,
            path: format!("{PATH}/{}", key.name),
            accept: JSON,
            content: JSON,
            body: Vec::new(),
        };
        match self.send(&key, &request).await {
            Ok(lease) => read(&key, &lease).map(Some),
            Err(ApplyError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Moves the Lease on to `epoch`, or makes it where `known` is `None`.
    ///
    /// # Errors
    /// [`ApplyError::PreconditionFailed`] when somebody else wrote it since it was read; else as the cluster answers.
    pub async fn advance_epoch_lease(
        &self,
        installation: Uuid,
        epoch: u64,
        known: Option<&EpochLease>,
    ) -> Result<EpochLease, ApplyError> {
        let key = key(installation);
        let mut metadata = json!({
            "name": key.name,
            "namespace": NAMESPACE,
            "labels": {"app.kubernetes.io/managed-by": "lockstep"},
            "annotations": {EPOCH: epoch.to_string()},
        });
        if let (Some(known), Some(metadata)) = (known, metadata.as_object_mut()) {
            metadata.insert("resourceVersion".to_owned(), json!(known.resource_version));
        }
        let body = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                "holderIdentity": installation.to_string(),
                "renewTime": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
            },
        });
        let (method, path) = match known {
            None => (http::Method::POST, PATH.to_owned()),
            Some(_) => (http::Method::PUT, format!("{PATH}/{}", key.name)),
        };
        let request = Request {
            method,
            path,
            accept: JSON,
            content: JSON,
            body: body.to_string().into_bytes(),
        };
        let lease = self.send(&key, &request).await?;
        read(&key, &lease)
    }
}

fn key(installation: Uuid) -> ResourceKey {
    ResourceKey::new(
        "coordination.k8s.io",
        "Lease",
        NAMESPACE,
        format!("lockstep-{installation}"),
    )
}

fn read(key: &ResourceKey, lease: &Value) -> Result<EpochLease, ApplyError> {
    let text = |pointer: &str| lease.pointer(pointer).and_then(Value::as_str);
    let epoch = lease
        .pointer("/metadata/annotations")
        .and_then(|all| all.get(EPOCH))
        .and_then(Value::as_str)
        .and_then(|text| text.parse().ok());
    match (epoch, text("/metadata/resourceVersion")) {
        (Some(epoch), Some(version)) => Ok(EpochLease {
            epoch,
            resource_version: version.to_owned(),
        }),
        _ => Err(ApplyError::Rejected {
            object: Box::new(key.clone()),
            code: 200,
            message: format!(
                "its annotation {EPOCH} holds no number; delete the Lease when no other server of this installation runs"
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_names_what_it_cannot_read() {
        let key = key(Uuid::nil());
        let lease = |epoch: &str| json!({"metadata": {"resourceVersion": "7", "annotations": {EPOCH: epoch}}});
        let read_back = read(&key, &lease("12")).unwrap();
        assert_eq!(
            (read_back.epoch, read_back.resource_version.as_str()),
            (12, "7")
        );
        let error = read(&key, &lease("twelve")).unwrap_err().to_string();
        assert!(
            error.contains("Lease lockstep-00000000") && error.contains("no number"),
            "{error}"
        );
    }
}
