//! What registering by API needs beside the runtime: the vault, what the operator opened for clusters, and the form in
//! which secrets are sealed. Whoever opens them again uses the same types, so there is one form.

use crate::secrets::{Sealed, Vault, VaultError};
use engine::live::ClusterPolicy;
use engine::source::Credential;
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
    pub login: GitLogin,
    /// Certificates in PEM form of the authorities to trust at this host.
    pub authorities: Option<String>,
}

/// What is shown to the host.
#[derive(Clone)]
pub enum GitLogin {
    Nothing,
    Password {
        username: String,
        password: SecretString,
    },
    SshKey {
        private_key: SecretString,
        known_hosts: String,
    },
}

#[derive(Serialize, Deserialize)]
struct ClusterForm {
    kubeconfig: String,
    context: String,
}

#[derive(Serialize, Deserialize)]
struct GitForm {
    /// Empty without password.
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    private_key: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    known_hosts: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authorities: Option<String>,
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
        let mut form = GitForm {
            username: String::new(),
            password: String::new(),
            private_key: None,
            known_hosts: String::new(),
            authorities: self.authorities.clone(),
        };
        match &self.login {
            GitLogin::Nothing => {}
            GitLogin::Password { username, password } => {
                form.username = username.clone();
                form.password = password.expose_secret().to_owned();
            }
            GitLogin::SshKey {
                private_key,
                known_hosts,
            } => {
                form.private_key = Some(private_key.expose_secret().to_owned());
                form.known_hosts = known_hosts.clone();
            }
        }
        seal(vault, &format!("source:{id}"), &form)
    }

    /// Opens what [`GitSecret::seal`] made.
    ///
    /// # Errors
    /// Another key, another row, or changed bytes.
    pub fn open(vault: &Vault, id: SourceId, sealed: &Sealed) -> Result<Self, SecretError> {
        let form: GitForm = open(vault, &format!("source:{id}"), sealed)?;
        let login = match form.private_key {
            Some(private_key) => GitLogin::SshKey {
                private_key: SecretString::from(private_key),
                known_hosts: form.known_hosts,
            },
            None if form.password.is_empty() => GitLogin::Nothing,
            None => GitLogin::Password {
                username: form.username,
                password: SecretString::from(form.password),
            },
        };
        Ok(Self {
            login,
            authorities: form.authorities,
        })
    }

    /// In the form that the transport takes.
    pub fn credential(self) -> Credential {
        let login = match self.login {
            GitLogin::Nothing => Credential::None,
            GitLogin::Password { username, password } => Credential::Basic { username, password },
            GitLogin::SshKey {
                private_key,
                known_hosts,
            } => Credential::SshKey {
                private_key,
                known_hosts,
            },
        };
        login.trusting(self.authorities)
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

    #[test]
    fn every_kind_of_login_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path(), None).unwrap();
        let id = SourceId(Uuid::from_u128(3));
        let key = GitSecret {
            login: GitLogin::SshKey {
                private_key: SecretString::from("the key"),
                known_hosts: "h ssh-ed25519 AAAA".to_owned(),
            },
            authorities: Some("the authority".to_owned()),
        };
        let sealed = key.seal(&vault, id).unwrap();
        let credential = GitSecret::open(&vault, id, &sealed).unwrap().credential();
        assert_eq!(credential.authorities(), Some("the authority"));
        let Credential::SshKey {
            private_key,
            known_hosts,
        } = credential.login()
        else {
            panic!("an SSH key");
        };
        assert_eq!(private_key.expose_secret(), "the key");
        assert_eq!(known_hosts, "h ssh-ed25519 AAAA");
        // What an earlier version sealed.
        let plain = br#"{"username":"git","password":"hunter2"}"#;
        let sealed = vault.seal(&format!("source:{id}"), plain).unwrap();
        let credential = GitSecret::open(&vault, id, &sealed).unwrap().credential();
        assert!(matches!(credential, Credential::Basic { .. }));
    }
}
