//! How somebody gets in: sessions, single sign-on and the second factor.

use crate::account::Role;
use crate::id::{SessionId, UserId};
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// A way in that the login page offers beside name and password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderView {
    /// In addresses.
    pub name: String,
    /// On the button.
    pub label: String,
}

/// What the login page offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doors {
    /// Name and password.
    pub local: bool,
    pub providers: Vec<ProviderView>,
}

impl Default for Doors {
    fn default() -> Self {
        Self {
            local: true,
            providers: Vec::new(),
        }
    }
}

/// One's own account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OwnAccount {
    pub id: UserId,
    pub name: String,
    pub role: Role,
    /// The provider of single sign-on; `None` for a local account.
    pub provider: Option<String>,
    /// Of the login there.
    pub groups: Vec<String>,
    /// Whether there is a password.
    pub password: bool,
    pub factor: Option<FactorView>,
}

/// A second factor that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FactorView {
    pub since: Micros,
    /// Recovery codes that were not used yet.
    pub codes_left: u32,
}

/// An enrolment that waits for its first code. Shown once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    /// Base32, for typing.
    pub secret: String,
    /// `otpauth://…`, as the picture has it.
    pub address: String,
    /// Modules of the picture along one side, quiet zone included.
    pub size: u32,
    /// The dark modules as the path of an SVG of that size.
    pub path: String,
}

/// Without the secret.
impl std::fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enrolment")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// A browser session in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SessionView {
    pub id: SessionId,
    pub began_at: Micros,
    pub last_used: Micros,
    pub expires_at: Micros,
    /// Where the login came from; empty when it is not known.
    pub address: String,
    /// What the browser said of itself.
    pub browser: String,
    /// How the login went: `password`, `link`, or the name of the provider.
    pub by: String,
}
