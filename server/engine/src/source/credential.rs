//! What a Git host asks for before it gives anything. Knows no hosts and no transport.

use secrecy::SecretString;

/// How to log in to a Git host. Never printed.
#[derive(Debug, Clone, Default)]
pub enum Credential {
    #[default]
    None,
    /// User name and password or token, over HTTPS.
    Basic {
        username: String,
        password: SecretString,
    },
    /// A private key in OpenSSH or PEM form without passphrase, and the host keys to accept, one `known_hosts` line
    /// each.
    SshKey {
        private_key: SecretString,
        known_hosts: String,
    },
    /// Any of the others, at a host whose certificate one of these authorities signed.
    Trusting {
        /// Certificates in PEM form.
        authorities: String,
        login: Box<Credential>,
    },
}

impl Credential {
    /// The login alone.
    pub fn login(&self) -> &Self {
        match self {
            Self::Trusting { login, .. } => login.login(),
            other => other,
        }
    }

    /// Certificates of the authorities to trust in place of the machine's.
    pub fn authorities(&self) -> Option<&str> {
        match self {
            Self::Trusting { authorities, .. } => Some(authorities),
            _ => None,
        }
    }

    /// The same login at a host of these authorities.
    #[must_use]
    pub fn trusting(self, authorities: Option<String>) -> Self {
        match authorities {
            Some(authorities) => Self::Trusting {
                authorities,
                login: Box::new(self),
            },
            None => self,
        }
    }
}
