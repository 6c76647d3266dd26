//! What was asked for and what it resolved to.

use crate::time::Micros;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A branch, tag, semver range, commit or `HEAD`, as written in a definition. Empty means `HEAD`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct TargetRevision(pub String);

impl TargetRevision {
    /// The revision to resolve: `HEAD` when nothing was written.
    pub fn name(&self) -> &str {
        if self.0.is_empty() { "HEAD" } else { &self.0 }
    }
}

/// A commit: forty lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Revision(pub String);

impl Revision {
    /// The first seven digits.
    pub fn short(&self) -> &str {
        self.0.get(..7).unwrap_or(&self.0)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The revision of a further source of an application, beside that of its first one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SourceRevision {
    pub repo_url: String,
    /// Inside the repository; empty for its root.
    pub path: String,
    pub target_revision: TargetRevision,
    pub revision: Revision,
}

/// A commit as Git tells it. The author is what the commit claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommitInfo {
    pub revision: Revision,
    pub parents: Vec<Revision>,
    pub subject: String,
    /// The message after the subject line; trimmed.
    pub body: String,
    pub author: String,
    pub author_email: String,
    pub authored_at: Micros,
    pub committer: String,
    pub committed_at: Micros,
}

/// One path that differs between two trees.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PathChange {
    pub path: String,
    pub kind: PathChangeKind,
}

/// How a path differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum PathChangeKind {
    Added,
    Modified,
    Deleted,
}

/// What the signature of a commit proves. The author is claimed by the commit itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum Signature {
    Unsigned,
    /// It belongs to the commit, and its key is among those that were named.
    Good {
        /// Fingerprint.
        key: String,
        /// Who has the key, as whoever named it says.
        signer: String,
    },
    /// Signed with a key that nobody has named.
    UnknownKey {
        /// Fingerprint or id.
        key: String,
    },
    /// It does not belong to the commit, its key may not be used, or it cannot be read.
    Bad {
        why: String,
    },
}

impl Signature {
    /// Whether somebody who was named vouches for the commit.
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Good { .. })
    }
}

impl fmt::Display for Signature {
    /// What one says of the commit: `is not signed`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsigned => f.write_str("is not signed"),
            Self::Good { key, signer } if signer.is_empty() => {
                write!(f, "is signed with the key {key}")
            }
            Self::Good { signer, .. } => write!(f, "is signed by {signer}"),
            Self::UnknownKey { key } => {
                write!(f, "is signed with the key {key}, which nobody has named")
            }
            Self::Bad { why } => write!(f, "has a signature that does not count: {why}"),
        }
    }
}
