//! Root sources: where definitions are read from.

use crate::id::SourceId;
use crate::revision::{Revision, TargetRevision};
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// Whether Lockstep may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Mode {
    /// Compare and record only.
    Observe,
    /// Taken over: writes as the definitions say.
    Managed,
}

impl Mode {
    /// The word on screen and in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Observe => "Observe",
            Self::Managed => "Managed",
        }
    }

    /// Reads what [`Mode::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Observe, Self::Managed]
            .into_iter()
            .find(|mode| mode.word() == word)
    }
}

/// A root source as the settings page shows it. Credentials are never part of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SourceView {
    pub id: SourceId,
    pub name: String,
    pub repo_url: String,
    pub path: String,
    pub target_revision: TargetRevision,
    /// The cluster that `in-cluster` and Flux definitions mean.
    pub home_cluster: String,
    pub mode: Mode,
    pub revision: Option<Revision>,
    pub last_read: Option<Micros>,
    /// What is wrong, where, and what to do; empty when all is well.
    pub error: String,
    pub has_credentials: bool,
    /// From the configuration file: read-only here.
    pub from_file: bool,
    pub applications: u32,
    pub problems: u32,
}

/// Registers a root source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewSource {
    pub name: String,
    pub repo_url: String,
    pub path: String,
    pub target_revision: TargetRevision,
    pub home_cluster: String,
    pub username: Option<String>,
    /// Password or token. Write-only.
    pub password: Option<String>,
    /// Private SSH key without passphrase, for `ssh://` addresses. Write-only.
    #[serde(default)]
    pub ssh_key: Option<String>,
    /// Host keys to accept, one `known_hosts` line each.
    #[serde(default)]
    pub known_hosts: Option<String>,
    /// Certificates in PEM form of authorities to trust at this host in place of the machine's.
    #[serde(default)]
    pub ca: Option<String>,
}

/// What taking over would do, target by target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TakeOverPreview {
    pub source: SourceId,
    /// Binds the act to what was shown.
    pub digest: String,
    pub targets: Vec<crate::rollback::TargetPlan>,
    /// Reasons for which taking over is refused now: another controller still syncs the same objects.
    pub refusals: Vec<String>,
}

/// A definition or render that is broken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    pub source: Option<SourceId>,
    pub source_name: String,
    /// Application it concerns, when one could be read.
    pub application: Option<crate::application::ApplicationRef>,
    pub cluster: Option<String>,
    /// `definition`, `fetch`, `render`, `compare`, `apply`.
    pub stage: String,
    pub path: String,
    /// 1-based.
    pub line: Option<u32>,
    /// The field, dotted, when one is to blame.
    pub field: String,
    pub message: String,
    /// What to do.
    pub next: String,
    pub since: Micros,
}
