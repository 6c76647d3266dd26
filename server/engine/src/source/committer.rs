//! Who stands as committer in commits of our own, and what signs them.

use super::SourceError;
use std::fmt;
use std::sync::Arc;

/// The committer of every commit that is written here; their authors are the people who asked for them.
#[derive(Debug, Clone)]
pub struct Committer {
    pub name: String,
    pub email: String,
    /// `None`: commits are not signed.
    pub signer: Option<Signer>,
}

impl Default for Committer {
    fn default() -> Self {
        Self {
            name: "Lockstep".to_owned(),
            email: "lockstep@localhost".to_owned(),
            signer: None,
        }
    }
}

/// Gives an armoured signature over a commit as Git stores it, or says why there is none.
type Sign = dyn Fn(&[u8]) -> Result<String, String> + Send + Sync;

/// Signs commits with one key.
#[derive(Clone)]
pub struct Signer {
    key: String,
    sign: Arc<Sign>,
}

impl Signer {
    /// `key` is how people name the key.
    pub fn new(
        key: impl Into<String>,
        sign: impl Fn(&[u8]) -> Result<String, String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            key: key.into(),
            sign: Arc::new(sign),
        }
    }

    /// The fingerprint of the key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The signature of a commit, without the line's end.
    ///
    /// # Errors
    /// The key does not sign any more.
    pub fn sign(&self, commit: &[u8]) -> Result<String, SourceError> {
        let signature = (self.sign)(commit).map_err(|why| SourceError::Unsigned { why })?;
        Ok(signature.trim_end().to_owned())
    }
}

/// Says which key it is.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
