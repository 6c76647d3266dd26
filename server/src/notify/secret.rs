//! What is secret of a receiver or host: sealed for its row, opened for one delivery.

use super::Notifier;
use crate::secrets::{Sealed, Vault, VaultError};
use crate::store::{Read, StoreError, Tx, credential};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// Address and keys of a receiver. Never printed.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReceiverSecret {
    pub address: String,
    pub secret: String,
    pub username: String,
    pub from: String,
    pub to: String,
}

impl fmt::Debug for ReceiverSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiverSecret").finish_non_exhaustive()
    }
}

/// Why a secret could not be had. Holds none.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("the secret is gone; add the receiver again")]
    Gone,
    #[error("the secret cannot be read")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Vault(#[from] VaultError),
    #[error("the secret was written by another version; add the receiver again")]
    Form(#[from] serde_json::Error),
}

fn row(owner: Uuid) -> String {
    format!("notify:{owner}")
}

impl ReceiverSecret {
    /// Seals and stores it.
    ///
    /// # Errors
    /// When it cannot be sealed or written.
    pub async fn put(&self, tx: &mut Tx, vault: &Vault, owner: Uuid) -> Result<(), SecretError> {
        let text = serde_json::to_vec(self)?;
        let sealed = vault.seal(&row(owner), &text)?;
        credential::put(tx, owner, &sealed.key_id, &sealed.blob).await?;
        Ok(())
    }

    /// Opens the secret of a receiver or host; `None` when it has none.
    ///
    /// # Errors
    /// When it cannot be read or opened.
    pub(super) async fn of(
        db: &impl Read,
        vault: &Vault,
        owner: Uuid,
    ) -> Result<Option<Self>, SecretError> {
        let Some(stored) = credential::get(db, owner).await? else {
            return Ok(None);
        };
        let sealed = Sealed {
            key_id: stored.key_id,
            blob: stored.bytes,
        };
        let opened = vault.open_sealed(&row(owner), &sealed)?;
        Ok(Some(serde_json::from_slice(opened.expose_secret())?))
    }
}

impl Notifier {
    /// Opens the secret of a receiver or host; `None` when it has none.
    pub(super) async fn secret(&self, owner: Uuid) -> Result<Option<ReceiverSecret>, SecretError> {
        ReceiverSecret::of(self.runtime.store(), &self.vault, owner).await
    }
}
