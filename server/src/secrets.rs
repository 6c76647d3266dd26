//! The vault: credentials at rest, AES-256-GCM with the row's id and the key's id as associated data, so that a
//! blob copied to another row does not open.
//!
//! Knows no database: callers store [`Sealed`]. The key comes from the environment or a file beside the data; it
//! is never stored with what it protects.

use aes_gcm::aead::{Aead, AeadCore, KeyInit, OsRng, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretSlice};
use sha2::{Digest, Sha256};
use std::fmt;
use std::path::Path;

const NONCE: usize = 12;

/// Seals and opens credentials with one key.
#[derive(Clone)]
pub struct Vault {
    cipher: Aes256Gcm,
    key_id: String,
}

/// What the database may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which key opens it.
    pub key_id: String,
    /// Nonce and ciphertext.
    pub blob: Vec<u8>,
}

/// Why a credential or the key could not be used. Holds neither.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("cannot use the vault key file {path}")]
    KeyFile {
        path: String,
        #[source]
        source: std::io::Error,
    },
    #[error("the vault key in {place} must be 32 bytes in base64")]
    KeyForm { place: String },
    #[error(
        "the credential {row} was sealed with key {sealed_with}, and this server has key {present}; restore the key file or enter the credential again"
    )]
    OtherKey {
        row: String,
        sealed_with: String,
        present: String,
    },
    #[error(
        "the credential {row} cannot be opened: it was changed or belongs to another row; enter it again"
    )]
    Broken { row: String },
    #[error(
        "a change of the vault key was cut off ({path} is there); run \"lockstep admin rotate-key\" to bring it to its end"
    )]
    CutOff { path: String },
    #[error("the credential {row} could not be sealed")]
    Seal { row: String },
}

impl Vault {
    /// Takes the key from `environment_key` (base64), else from `vault.key` in `data_dir`, which is made on first use.
    ///
    /// # Errors
    /// The file cannot be read or made, the key is not 32 bytes, or a change of the key was cut off.
    pub fn open(data_dir: &Path, environment_key: Option<&str>) -> Result<Self, VaultError> {
        if let Some(text) = environment_key {
            return Self::from_text(text, "LOCKSTEP_KEY");
        }
        let next = data_dir.join("vault.key.new");
        if next.exists() {
            let path = next.display().to_string();
            return Err(VaultError::CutOff { path });
        }
        let path = data_dir.join("vault.key");
        let place = path.display().to_string();
        let failed = |source| VaultError::KeyFile {
            path: place.clone(),
            source,
        };
        let text = crate::installation::read_or_create(&path, Self::new_key).map_err(failed)?;
        Self::from_text(&text, &place)
    }

    /// A key by chance, as the file has it.
    pub(crate) fn new_key() -> String {
        STANDARD.encode(Aes256Gcm::generate_key(OsRng))
    }

    /// Names the key without telling it.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// From base64; `place` is where it stands, for errors.
    pub(crate) fn from_text(text: &str, place: &str) -> Result<Self, VaultError> {
        let wrong = || VaultError::KeyForm {
            place: place.to_owned(),
        };
        let key = SecretSlice::from(STANDARD.decode(text.trim()).map_err(|_| wrong())?);
        let cipher = Aes256Gcm::new_from_slice(key.expose_secret()).map_err(|_| wrong())?;
        let digest = Sha256::digest(key.expose_secret());
        let key_id = digest.iter().take(8).map(|b| format!("{b:02x}")).collect();
        Ok(Self { cipher, key_id })
    }

    /// Seals `plain` for the row with this id.
    ///
    /// # Errors
    /// Only if the cipher refuses, which it does beyond 64 GiB.
    pub fn seal(&self, row: &str, plain: &[u8]) -> Result<Sealed, VaultError> {
        let nonce = Aes256Gcm::generate_nonce(OsRng);
        let aad = associated(row, &self.key_id);
        let sealed = self
            .cipher
            .encrypt(
                &nonce,
                Payload {
                    msg: plain,
                    aad: aad.as_bytes(),
                },
            )
            .map_err(|_| VaultError::Seal {
                row: row.to_owned(),
            })?;
        let mut blob = nonce.to_vec();
        blob.extend(sealed);
        Ok(Sealed {
            key_id: self.key_id.clone(),
            blob,
        })
    }

    /// Opens what [`Vault::seal`] made for the same row.
    ///
    /// # Errors
    /// Another key, another row, or changed bytes.
    pub fn open_sealed(&self, row: &str, sealed: &Sealed) -> Result<SecretSlice<u8>, VaultError> {
        if sealed.key_id != self.key_id {
            return Err(VaultError::OtherKey {
                row: row.to_owned(),
                sealed_with: sealed.key_id.clone(),
                present: self.key_id.clone(),
            });
        }
        let broken = || VaultError::Broken {
            row: row.to_owned(),
        };
        let (nonce, body) = sealed.blob.split_at_checked(NONCE).ok_or_else(broken)?;
        let aad = associated(row, &self.key_id);
        self.cipher
            .decrypt(
                Nonce::from_slice(nonce),
                Payload {
                    msg: body,
                    aad: aad.as_bytes(),
                },
            )
            .map(SecretSlice::from)
            .map_err(|_| broken())
    }
}

fn associated(row: &str, key_id: &str) -> String {
    format!("lockstep credential\n{row}\n{key_id}")
}

/// The key's id alone.
impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_for_its_own_row_and_key() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path(), None).unwrap();
        let sealed = vault.seal("source:1", b"hunter2").unwrap();
        assert!(!sealed.blob.windows(7).any(|w| w == b"hunter2"));

        // The same folder gives the same key.
        let again = Vault::open(folder.path(), None).unwrap();
        assert_eq!(
            again
                .open_sealed("source:1", &sealed)
                .unwrap()
                .expose_secret(),
            b"hunter2"
        );
        assert!(matches!(
            again.open_sealed("source:2", &sealed),
            Err(VaultError::Broken { .. })
        ));

        let mut bent = sealed.clone();
        *bent.blob.last_mut().unwrap() ^= 1;
        assert!(matches!(
            again.open_sealed("source:1", &bent),
            Err(VaultError::Broken { .. })
        ));
        bent.blob.truncate(5);
        assert!(matches!(
            again.open_sealed("source:1", &bent),
            Err(VaultError::Broken { .. })
        ));

        let other = Vault::open(tempfile::tempdir().unwrap().path(), None).unwrap();
        let refusal = other.open_sealed("source:1", &sealed).unwrap_err();
        assert!(matches!(refusal, VaultError::OtherKey { .. }));
        assert!(!format!("{refusal} {other:?}").contains("hunter2"));
    }

    #[cfg(unix)]
    #[test]
    fn key_file_is_for_the_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        Vault::open(folder.path(), None).unwrap();
        let mode = std::fs::metadata(folder.path().join("vault.key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn refuses_a_short_key() {
        let refusal = Vault::open(Path::new("."), Some("c2hvcnQ=")).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "the vault key in LOCKSTEP_KEY must be 32 bytes in base64"
        );
    }
}
