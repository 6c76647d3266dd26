//! Clusters and sources that the file registers. They are read-only in the product.

use super::ConfigError;
use engine::source::{Credential, check_private_key};
use lockstep_types::revision::TargetRevision;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A cluster by a context of a kubeconfig file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterEntry {
    pub name: String,
    pub kubeconfig: PathBuf,
    /// Empty: the file's current context.
    pub context: String,
    pub labels: BTreeMap<String, String>,
}

/// A root source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceEntry {
    pub name: String,
    pub repo: String,
    /// Without leading or trailing slash.
    pub path: String,
    pub revision: TargetRevision,
    /// The cluster that `in-cluster` and Flux definitions mean.
    pub home_cluster: String,
    /// How to log in to the host of the repository.
    pub login: Option<LoginEntry>,
    /// At its first registration the source is taken over at once; later the database decides.
    pub taken_over: bool,
    /// Time between looks at the repository, before jitter.
    pub poll: Duration,
}

/// Where a password is found. The value itself is never part of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordFrom {
    Environment(String),
    File(PathBuf),
}

/// A login for all repositories whose address begins alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryEntry {
    /// Ends at a slash: `https://git.example.org/team/`.
    pub prefix: String,
    pub login: LoginEntry,
    /// How often they are asked for news. `None`: as often as any repository.
    pub poll: Option<Duration>,
}

/// How to log in to a host, and which authorities to trust there. Secrets stay in their files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginEntry {
    pub by: LoginBy,
    /// Certificates in PEM form that stand in for the machine's.
    pub ca_file: Option<PathBuf>,
}

/// What is shown to the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginBy {
    Nothing,
    Password {
        username: String,
        password: PasswordFrom,
    },
    SshKey {
        key_file: PathBuf,
        known_hosts_file: PathBuf,
    },
}

impl LoginEntry {
    /// The login as it is now; files may be rotated.
    ///
    /// # Errors
    /// The variable is not set, a file cannot be read, or the SSH key cannot be used.
    pub fn credential(&self) -> Result<Credential, ConfigError> {
        let login = match &self.by {
            LoginBy::Nothing => Credential::None,
            LoginBy::Password { username, password } => Credential::Basic {
                username: username.clone(),
                password: SecretString::from(password.read()?),
            },
            LoginBy::SshKey {
                key_file,
                known_hosts_file,
            } => {
                let private_key = read("ssh_key_file", key_file)?;
                check_private_key(&private_key)
                    .map_err(|why| ConfigError::key("ssh_key_file", why))?;
                Credential::SshKey {
                    private_key: SecretString::from(private_key),
                    known_hosts: read("known_hosts_file", known_hosts_file)?,
                }
            }
        };
        let authorities = match &self.ca_file {
            Some(path) => Some(read("ca_file", path)?),
            None => None,
        };
        Ok(login.trusting(authorities))
    }
}

impl PasswordFrom {
    /// The value as it is now.
    pub(super) fn read(&self) -> Result<String, ConfigError> {
        let text = match self {
            Self::Environment(name) => std::env::var(name).map_err(|_| {
                ConfigError::key(
                    "password_env",
                    format!("the environment variable {name} is not set"),
                )
            })?,
            Self::File(path) => read("password_file", path)?,
        };
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }
}

pub(super) fn read(key: &str, path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::SecretFile {
        key: key.to_owned(),
        path: path.display().to_string(),
        source,
    })
}
