//! Opens what is kept in files or sealed in the database, for whoever talks to Git hosts and clusters.
//!
//! A repository's login is the one of the source that names the very same address, else the one that the operator
//! gave for addresses that begin alike: a login never goes to an address that nobody named. Nothing is kept here; each
//! question reads anew, so that a rotated secret counts at once.

use crate::config::{Config, LoginEntry};
use crate::control_plane::{ClusterSecret, GitSecret};
use crate::runtime::{Access, AccessRefused, ClusterAccess, GitAccess};
use crate::secrets::{Sealed, Vault};
use crate::store::{Store, StoreError, cluster, credential, source};
use async_trait::async_trait;
use engine::live::ClusterPolicy;
use engine::source::{Credential, NetworkPolicy, place_of};
use secrecy::SecretString;
use std::error::Error;
use std::sync::Arc;
use uuid::Uuid;

/// Configuration, database and vault together.
#[derive(Clone)]
pub struct Keyring {
    config: Arc<Config>,
    store: Store,
    vault: Vault,
}

impl Keyring {
    /// Over the opened parts.
    pub fn new(config: Arc<Config>, store: Store, vault: Vault) -> Self {
        Self {
            config,
            store,
            vault,
        }
    }

    /// What the configuration opens for Git hosts.
    pub fn network_policy(&self) -> NetworkPolicy {
        NetworkPolicy {
            allow_http: self.config.network.allow_http.any(),
            allow_private: self.config.network.allow_private.any(),
        }
    }

    /// What the configuration opens for clusters. Files and plugins are for clusters from files alone.
    pub fn cluster_policy(&self, from_file: bool) -> ClusterPolicy {
        ClusterPolicy {
            allow_private: self.config.network.allow_private.any(),
            allow_http: self.config.network.allow_http.any(),
            exec_commands: if from_file {
                self.config.exec_allow.clone()
            } else {
                Vec::new()
            },
            allow_files: from_file,
        }
    }

    async fn sealed(&self, owner: Uuid) -> Result<Option<Sealed>, AccessRefused> {
        let found = credential::get(&self.store, owner)
            .await
            .map_err(database)?;
        Ok(found.map(|sealed| Sealed {
            key_id: sealed.key_id,
            blob: sealed.bytes,
        }))
    }
}

fn database(error: StoreError) -> AccessRefused {
    AccessRefused(format!("the credential cannot be read: {error}"))
}

/// An error and its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}

fn from_file(login: &LoginEntry) -> Result<Credential, AccessRefused> {
    login
        .credential()
        .map_err(|error| AccessRefused(chain(&error)))
}

/// Two spellings of one address.
fn same(one: &str, other: &str) -> bool {
    plain(&place_of(one)) == plain(&place_of(other))
}

fn plain(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    url.strip_suffix(".git").unwrap_or(url)
}

#[async_trait]
impl Access for Keyring {
    fn vault(&self) -> Option<&Vault> {
        Some(&self.vault)
    }

    async fn git(&self, repo_url: &str) -> Result<GitAccess, AccessRefused> {
        let place = place_of(repo_url);
        let repo_url = place.as_str();
        let mut access = GitAccess::default();
        let entries: Vec<_> = self
            .config
            .sources
            .iter()
            .filter(|entry| same(&entry.repo, repo_url))
            .collect();
        // The most impatient of the sources that read it sets the pace.
        access.poll = entries.iter().map(|entry| entry.poll).min();
        if let Some(login) = entries.iter().find_map(|entry| entry.login.as_ref()) {
            access.credential = from_file(login)?;
            return Ok(access);
        }
        for row in source::list(&self.store).await.map_err(database)? {
            if row.from_file || !same(&row.repo_url, repo_url) {
                continue;
            }
            if let Some(sealed) = self.sealed(row.id.0).await? {
                let secret = GitSecret::open(&self.vault, row.id, &sealed)
                    .map_err(|error| AccessRefused(error.to_string()))?;
                access.credential = secret.credential();
                return Ok(access);
            }
        }
        let repositories = self.config.repositories.iter();
        let longest = repositories
            .filter(|entry| repo_url.starts_with(&entry.prefix))
            .max_by_key(|entry| entry.prefix.len());
        if let Some(entry) = longest {
            access.credential = from_file(&entry.login)?;
            access.poll = access.poll.or(entry.poll);
        }
        Ok(access)
    }

    async fn cluster(&self, name: &str) -> Result<ClusterAccess, AccessRefused> {
        if let Some(entry) = self.config.cluster(name) {
            let read = tokio::fs::read_to_string(&entry.kubeconfig).await;
            let kubeconfig = read.map_err(|error| {
                let path = entry.kubeconfig.display();
                AccessRefused(format!(
                    "the kubeconfig {path} of the cluster {name} cannot be read: {error}"
                ))
            })?;
            return Ok(ClusterAccess {
                kubeconfig: SecretString::from(kubeconfig),
                context: entry.context.clone(),
                policy: self.cluster_policy(true),
            });
        }
        let unknown = || {
            AccessRefused(format!(
                "the cluster {name} has no credentials; add it again"
            ))
        };
        let row = cluster::by_name(&self.store, name)
            .await
            .map_err(database)?
            .ok_or_else(unknown)?;
        let sealed = self.sealed(row.id.0).await?.ok_or_else(unknown)?;
        let secret = ClusterSecret::open(&self.vault, row.id, &sealed)
            .map_err(|error| AccessRefused(error.to_string()))?;
        Ok(ClusterAccess {
            kubeconfig: secret.kubeconfig,
            context: secret.context,
            policy: self.cluster_policy(false),
        })
    }
}
