//! Clusters and sources that the file registers. They are read-only in the product.

use super::ConfigError;
use lockstep_types::revision::TargetRevision;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::path::PathBuf;
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

/// A user name and where the password is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginEntry {
    pub username: String,
    pub password: PasswordFrom,
}

impl LoginEntry {
    /// The password as it is now; files may be rotated.
    ///
    /// # Errors
    /// The variable is not set, or the file cannot be read.
    pub fn password(&self) -> Result<SecretString, ConfigError> {
        let text = match &self.password {
            PasswordFrom::Environment(name) => std::env::var(name).map_err(|_| {
                ConfigError::key(
                    "password_env",
                    format!("the environment variable {name} is not set"),
                )
            })?,
            PasswordFrom::File(path) => {
                std::fs::read_to_string(path).map_err(|source| ConfigError::SecretFile {
                    key: "password_file".to_owned(),
                    path: path.display().to_string(),
                    source,
                })?
            }
        };
        Ok(SecretString::from(text.trim_end_matches(['\r', '\n'])))
    }
}
