//! How a registered cluster is reached. Never printed.

use engine::live::ClusterPolicy;
use secrecy::SecretString;

/// One context of a kubeconfig and what it may use.
pub struct ClusterAccess {
    pub kubeconfig: SecretString,
    /// Empty: its current context.
    pub context: String,
    pub policy: ClusterPolicy,
}

/// Why a credential could not be had, with what to do. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AccessRefused(pub String);
