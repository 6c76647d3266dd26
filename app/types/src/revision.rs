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

/// What the rules for signatures say of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CommitSignature {
    /// It carries a signature, whoever made it.
    pub signed: bool,
    /// What each rule of the applications that read its repository says. Empty: nobody asks for a signature.
    pub rules: Vec<SignatureRule>,
}

/// What one rule says of a commit, of one before it, or of the tag that leads to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignatureRule {
    /// Who asks for it, with file and line: `GitRepository flux-system/shop (apps/shop.yaml:3)`.
    pub asked_by: String,
    /// What is spoken of: `The commit 3fa91c2`.
    pub of: String,
    pub verdict: Signature,
}

/// All rules in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureState {
    /// Every rule is content.
    Verified,
    /// A rule refuses it: nothing of it is deployed where the rule holds.
    Refused,
    /// Signed, and nobody asks by whom.
    Unasked,
    /// Not signed, and nobody asks for it.
    Unsigned,
}

impl CommitSignature {
    /// The worst that a rule says.
    pub fn state(&self) -> SignatureState {
        if self.rules.iter().any(|rule| !rule.verdict.is_good()) {
            SignatureState::Refused
        } else if !self.rules.is_empty() {
            SignatureState::Verified
        } else if self.signed {
            SignatureState::Unasked
        } else {
            SignatureState::Unsigned
        }
    }

    /// One sentence without a full stop; of several rules the first that matters is named.
    pub fn words(&self) -> String {
        let worst = self.rules.iter().find(|rule| !rule.verdict.is_good());
        match worst.or(self.rules.first()) {
            Some(rule) => rule.sentence(),
            None if self.signed => "Signed, and no rule says whose signature counts".to_owned(),
            None => "Not signed, and no rule asks for it".to_owned(),
        }
    }
}

impl SignatureRule {
    /// `The commit 3fa91c2 is signed by Maria`.
    pub fn words(&self) -> String {
        format!("{} {}", self.of, self.verdict)
    }

    /// `Verified: the words (asked for by whom)`, without a full stop.
    pub fn sentence(&self) -> String {
        let word = if self.verdict.is_good() {
            "Verified"
        } else {
            "Refused"
        };
        format!("{word}: {} (asked for by {})", self.words(), self.asked_by)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_as_good_as_the_worst_that_is_said_of_it() {
        let rule = |of: &str, verdict: &Signature| SignatureRule {
            asked_by: "GitRepository a/b (c.yaml:1)".to_owned(),
            of: of.to_owned(),
            verdict: verdict.clone(),
        };
        let good = Signature::Good {
            key: "AB".to_owned(),
            signer: "Maria".to_owned(),
        };
        let unknown = Signature::UnknownKey {
            key: "CD".to_owned(),
        };
        let (commit, tag) = ("The commit 3fa91c2", "The tag v1");
        for (signed, rules, state, words) in [
            (
                false,
                vec![],
                SignatureState::Unsigned,
                "Not signed, and no rule asks for it",
            ),
            (
                true,
                vec![],
                SignatureState::Unasked,
                "Signed, and no rule says whose signature counts",
            ),
            (
                true,
                vec![rule(commit, &good)],
                SignatureState::Verified,
                "Verified: The commit 3fa91c2 is signed by Maria (asked for by GitRepository a/b (c.yaml:1))",
            ),
            (
                true,
                vec![rule(commit, &good), rule(tag, &unknown)],
                SignatureState::Refused,
                "Refused: The tag v1 is signed with the key CD, which nobody has named (asked for by GitRepository a/b (c.yaml:1))",
            ),
            (
                false,
                vec![rule(commit, &Signature::Unsigned)],
                SignatureState::Refused,
                "Refused: The commit 3fa91c2 is not signed (asked for by GitRepository a/b (c.yaml:1))",
            ),
        ] {
            let all = CommitSignature { signed, rules };
            assert_eq!((all.state(), all.words().as_str()), (state, words));
        }
    }
}
