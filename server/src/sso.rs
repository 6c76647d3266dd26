//! Single sign-on by OpenID Connect: authorization code with PKCE, state and nonce.
//!
//! Finds out whether a provider really vouches for somebody, and for whom; what that person may is the work of
//! [`crate::accounts`], sessions and cookies those of [`crate::http`]. Nothing here is kept but what the providers publish
//! about themselves.

mod claims;
mod exchange;
mod fetch;
mod provider;

pub use exchange::{Answer, Attempt};

use crate::accounts::Person;
use crate::config::{Allow, ConfigError, LoginRules, PublicUrl};
use provider::Provider;
use secrecy::SecretString;
use std::sync::Arc;

/// Where providers lead back to, below the address of the server.
pub const PREFIX: &str = "/login/sso/";

/// All providers of the configuration. Cheap to clone.
#[derive(Clone, Default)]
pub struct SingleSignOn {
    providers: Arc<Vec<Provider>>,
}

/// Somebody who was found to be who they say.
pub struct Vouched {
    pub person: Person,
    /// As the provider signed it, for its logout.
    pub id_token: SecretString,
}

/// Why a login by a provider came to nothing. Safe to log: holds no token and no secret.
#[derive(Debug, thiserror::Error)]
pub enum SsoError {
    #[error("there is no provider of this name")]
    Unknown,
    #[error("the provider {provider} does not answer as it should: {why}")]
    Unreachable { provider: String, why: String },
    #[error("what the provider {provider} publishes cannot be used: {why}")]
    Unusable { provider: String, why: String },
    #[error("the configuration of the provider {provider} cannot be used")]
    Configuration {
        provider: String,
        #[source]
        source: ConfigError,
    },
    /// Not begun here, begun elsewhere, or begun too long ago.
    #[error("this login was not begun in this browser, or too long ago")]
    Stray,
    /// The provider said no, or the person did.
    #[error("the provider {provider} refused: {code}")]
    Denied { provider: String, code: String },
    /// Something is forged, old, or meant for somebody else.
    #[error("the answer of the provider {provider} is not genuine: {why}")]
    Forged { provider: String, why: String },
    #[error("the e-mail address of the login is not verified by {provider}")]
    Unverified { provider: String },
    #[error("the login at {provider} has no claim “{claim}”, which makes the name")]
    Nameless { provider: String, claim: String },
}

impl SsoError {
    /// The word in the address of the login page.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unknown | Self::Stray => "sso_stray",
            Self::Unreachable { .. } | Self::Unusable { .. } | Self::Configuration { .. } => {
                "sso_down"
            }
            Self::Denied { .. } => "sso_denied",
            Self::Forged { .. } => "sso_forged",
            Self::Unverified { .. } => "sso_email",
            Self::Nameless { .. } => "sso_name",
        }
    }
}

impl SingleSignOn {
    /// Over the providers of the configuration. Asks none of them yet, so that the server starts without them.
    ///
    /// # Errors
    /// An address that may not be reached, or certificates that cannot be used.
    pub fn new(
        rules: &LoginRules,
        public_url: &PublicUrl,
        allow_http: &Allow,
    ) -> Result<Self, SsoError> {
        let providers = rules
            .providers
            .iter()
            .map(|entry| Provider::new(entry.clone(), public_url, allow_http.clone()))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            providers: Arc::new(providers),
        })
    }

    fn provider(&self, name: &str) -> Result<&Provider, SsoError> {
        let found = self.providers.iter().find(|known| known.entry.name == name);
        found.ok_or(SsoError::Unknown)
    }
}
