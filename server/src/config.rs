//! `lockstep.toml` and the environment, read once at start into plain structs.
//!
//! Knows no database and opens nothing but the file itself and the secrets it refers to. Paths in the file are
//! relative to the file. What is not opened here (plain HTTP, private addresses, exec plugins) stays closed.

pub mod address;
mod commits;
pub mod fleet;
mod login;
pub mod oidc;
mod read;

pub use address::{Allow, PublicUrl};
pub use commits::{Commits, KeyFile};
pub use fleet::{ClusterEntry, LoginBy, LoginEntry, PasswordFrom, RepositoryEntry, SourceEntry};
pub use oidc::{LoginRules, OidcEntry};
pub use read::{Environment, process_environment};

use secrecy::SecretString;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Everything the operator decided.
#[derive(Clone)]
pub struct Config {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// `None`: in the clear, for a proxy in front.
    pub tls: Option<TlsFiles>,
    /// Where Prometheus reads metrics, without a login; `None`: nowhere.
    pub metrics_listen: Option<SocketAddr>,
    /// How browsers and the command line reach it.
    pub public_url: PublicUrl,
    /// Database, mirrors, work files, installation id and vault key.
    pub data_dir: PathBuf,
    /// May hold a password.
    pub database_url: SecretString,
    /// Folder with styles, scripts and WASM.
    pub site_root: PathBuf,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
    pub network: Network,
    pub tools: Tools,
    pub commits: Commits,
    /// Names or paths of exec plugins that kubeconfigs from files may run.
    pub exec_allow: Vec<String>,
    pub clusters: Vec<ClusterEntry>,
    pub sources: Vec<SourceEntry>,
    pub repositories: Vec<RepositoryEntry>,
    pub session: SessionLimits,
    /// How people get in.
    pub login: LoginRules,
}

/// Where the server's certificate chain and its key are, in PEM form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// What Git and cluster connections may reach besides public addresses over TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    pub allow_http: Allow,
    pub allow_private: Allow,
}

/// External programs. `None`: found on PATH, if at all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tools {
    pub helm: Option<PathBuf>,
    pub kustomize: Option<PathBuf>,
    pub git: Option<PathBuf>,
    /// Renderers are started even where the kernel cannot cage them.
    pub uncaged: bool,
}

/// How long a login lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without a request.
    pub idle: Duration,
    /// At all.
    pub absolute: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(12 * 3600),
            absolute: Duration::from_secs(7 * 24 * 3600),
        }
    }
}

/// Why the configuration cannot be used. Names the key, never a value that may be secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration {path}; give another with --config or LOCKSTEP_CONFIG")]
    Read {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("{path}, line {line}, key “{key}”: {message}")]
    Syntax {
        path: String,
        line: usize,
        key: String,
        message: String,
    },
    #[error("{key}: {why}")]
    Key { key: String, why: String },
    #[error("{key}: cannot read {path}")]
    SecretFile {
        key: String,
        path: String,
        #[source]
        source: std::io::Error,
    },
}

impl ConfigError {
    pub(crate) fn key(key: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Key {
            key: key.into(),
            why: why.into(),
        }
    }
}

impl Config {
    /// Reads the file at `path`, or `lockstep.toml` here if there is one, and then the environment on top.
    ///
    /// # Errors
    /// A file that cannot be read or holds unknown or wrong keys, and values that do not fit together.
    pub fn load(path: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        read::load(path, environment)
    }

    /// The source of this name, when it is from the file.
    pub fn source(&self, name: &str) -> Option<&SourceEntry> {
        self.sources.iter().find(|source| source.name == name)
    }

    /// The cluster of this name, when it is from the file.
    pub fn cluster(&self, name: &str) -> Option<&ClusterEntry> {
        self.clusters.iter().find(|cluster| cluster.name == name)
    }
}

/// Without the database URL, which may hold a password, and without passwords of sources.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("metrics_listen", &self.metrics_listen)
            .field("public_url", &self.public_url)
            .field("data_dir", &self.data_dir)
            .field("site_root", &self.site_root)
            .field("network", &self.network)
            .field("tools", &self.tools)
            .field("commits", &self.commits)
            .field("exec_allow", &self.exec_allow)
            .field("clusters", &self.clusters)
            .field("sources", &self.sources)
            .field("repositories", &self.repositories)
            .field("session", &self.session)
            .field("login", &self.login)
            .finish_non_exhaustive()
    }
}
