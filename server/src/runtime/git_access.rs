//! How the host of a repository is logged in to, and by whose registration.

use engine::source::Credential;
use std::time::Duration;

/// A credential and the pace of asking.
#[derive(Debug, Clone, Default)]
pub struct GitAccess {
    pub credential: Credential,
    /// Between two fetches; `None`: the general setting.
    pub poll: Option<Duration>,
}
