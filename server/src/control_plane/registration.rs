//! What registering by API needs beside the runtime: the vault, what the operator opened for clusters, and the form in
//! which secrets are sealed. Whoever opens them again uses the same types, so there is one form.

use crate::secrets::{Sealed, Vault, VaultError};
use engine::live::ClusterPolicy;
use lockstep_types::id::{ClusterId, SourceId};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The vault and the policy for kubeconfigs that come by API.
#[derive(Debug, Clone)]
pub struct Registration {
    pub vault: Vault,
    /// Exec plugins and files stay closed here, whatever is open for clusters of the configuration file.
    pub policy: ClusterPolicy,
}

/// How a cluster is reached; sealed as a whole.
#[derive(Clone)]
pub struct ClusterSecret {
    pub kubeconfig: SecretString,
    /// Empty: its current context.
    pub context: String,
}

/// How the host of a source is logged in to; sealed as a whole.
#[derive(Clone)]
pub struct GitSecret {
    pub username: String,
    pub password: SecretString,
}

#[derive(Serialize, Deserialize)]
struct ClusterForm {
    kubeconfig: String,
    context: String,
}

#[derive(Serialize, Deserialize)]
struct GitForm {
    username: String,
    password: String,
}

/// Why a secret could not be sealed or opened. Holds none.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("the credential {row} is not in the form this version reads; enter it again")]
    Form { row: String },
}

impl ClusterSecret {
    /// Seals it for this cluster alone.
    ///
    /// # Errors
    /// Only if the cipher refuses.
    pub fn seal(&self, vault: &Vault, id: ClusterId) -> Result<Sealed, SecretError> {
        let form = ClusterForm {
            kubeconfig: self.kubeconfig.expose_secret().to_owned(),
            context: self.context.clone(),
        };
        seal(vault, &format!("cluster:{id}"), &form)
    }

    /// Opens what [`ClusterSecret::seal`] made.
    ///
    /// # Errors
    /// Another key, another row, or changed bytes.
    pub fn open(vault: &Vault, id: ClusterId, sealed: &Sealed) -> Result<Self, SecretError> {
        let form: ClusterForm = open(vault, &format!("cluster:{id}"), sealed)?;
        Ok(Self {
            kubeconfig: SecretString::from(form.kubeconfig),
            context: form.context,
        })
    }
}

impl GitSecret {
    /// Seals it for this source alone.
    ///
    /// # Errors
    /// Only if the cipher refuses.
    pub fn seal(&self, vault: &Vault, id: SourceId) -> Result<Sealed, SecretError> {
        let form = GitForm {
            username: self.username.clone(),
            password: self.password.expose_secret().to_owned(),
        };
        seal(vault, &format!("source:{id}"), &form)
    }

    /// Opens what [`GitSecret::seal`] made.
    ///
    /// # Errors
    /// Another key, another row, or changed bytes.
    pub fn open(vault: &Vault, id: SourceId, sealed: &Sealed) -> Result<Self, SecretError> {
        let form: GitForm = open(vault, &format!("source:{id}"), sealed)?;
        Ok(Self {
            username: form.username,
            password: SecretString::from(form.password),
        })
    }
}

fn seal(vault: &Vault, row: &str, form: &impl Serialize) -> Result<Sealed, SecretError> {
    let plain = serde_json::to_vec(form).map_err(|_| SecretError::Form {
        row: row.to_owned(),
    })?;
    Ok(vault.seal(row, &plain)?)
}

fn open<T: serde::de::DeserializeOwned>(
    vault: &Vault,
    row: &str,
    sealed: &Sealed,
) -> Result<T, SecretError> {
    let plain = vault.open_sealed(row, sealed)?;
    // The parser's own message may quote the secret.
    serde_json::from_slice(plain.expose_secret()).map_err(|_| SecretError::Form {
        row: row.to_owned(),
    })
}

/// Nothing of it.
impl fmt::Debug for ClusterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClusterSecret").finish_non_exhaustive()
    }
}

/// Nothing of it.
impl fmt::Debug for GitSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitSecret").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_secret_opens_for_its_own_row_only() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path(), None).unwrap();
        let (one, other) = (ClusterId(Uuid::from_u128(1)), ClusterId(Uuid::from_u128(2)));
        let secret = ClusterSecret {
            kubeconfig: SecretString::from("apiVersion: v1"),
            context: "prod".to_owned(),
        };
        let sealed = secret.seal(&vault, one).unwrap();
        let opened = ClusterSecret::open(&vault, one, &sealed).unwrap();
        assert_eq!(
            (opened.kubeconfig.expose_secret(), opened.context.as_str()),
            ("apiVersion: v1", "prod")
        );
        assert!(ClusterSecret::open(&vault, other, &sealed).is_err());
        assert!(GitSecret::open(&vault, SourceId(Uuid::from_u128(1)), &sealed).is_err());
        assert!(!format!("{secret:?}").contains("prod"));
    }
}
