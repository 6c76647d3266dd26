//! How a port refuses.

use crate::account::{Permission, Role};
use serde::{Deserialize, Serialize};

/// The answer of a port that could not do what was asked. Safe to show: it holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum PortError {
    /// No such object, or it may not be seen: both look alike.
    #[error("{0} was not found")]
    NotFound(String),
    /// Nobody is logged in.
    #[error("log in first")]
    Unauthenticated,
    /// Seen, but this may not be done to it.
    #[error(
        "this needs the permission “{permission}”; the role {role} has it, and an administrator can grant it"
    )]
    Denied { permission: String, role: String },
    /// The state changed, or something else is on its way.
    #[error("{0}")]
    Conflict(String),
    /// A field is wrong.
    #[error("{field}: {why}")]
    Invalid { field: String, why: String },
    /// Something outside does not answer now.
    #[error("{0}")]
    Unavailable(String),
    /// Our fault; the log has the chain under this id.
    #[error("something went wrong here; the server log has the cause under {0}")]
    Internal(String),
}

impl PortError {
    /// Names the missing permission and who has it.
    pub fn denied(permission: Permission) -> Self {
        let role: Role = permission.least_role();
        Self::Denied {
            permission: permission.word().to_owned(),
            role: role.word().to_owned(),
        }
    }

    /// A wrong field.
    pub fn invalid(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into(),
            why: why.into(),
        }
    }

    /// The HTTP status that says the same.
    pub fn http_status(&self) -> u16 {
        match self {
            Self::NotFound(_) => 404,
            Self::Unauthenticated => 401,
            Self::Denied { .. } => 403,
            Self::Conflict(_) => 409,
            Self::Invalid { .. } => 422,
            Self::Unavailable(_) => 503,
            Self::Internal(_) => 500,
        }
    }
}
