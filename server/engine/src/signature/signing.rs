//! The private key that commits of our own are signed with, in the two kinds that Git knows.
//!
//! A key is tried when it is read: what it signs must be good by the same rules that commits of others are held
//! against. Nothing that is said or shown of it holds a part of it.

mod openpgp;
mod ssh;

use super::Keyring;
use lockstep_types::revision::Signature;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;

/// Longer texts are no keys.
const MAX_KEY: usize = 64 * 1024;

/// Signs as `git commit -S` does.
pub struct SigningKey {
    kind: Kind,
    shown: String,
}

enum Kind {
    OpenPgp(Box<openpgp::Secret>),
    Ssh(Box<ssh_key::PrivateKey>),
}

/// Why a private key signs nothing, and what to do. Never holds a part of the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    #[error("the file is empty; put the private key into it")]
    Empty,
    #[error(
        "it holds no private key; give an OpenPGP key in ASCII armour (gpg --export-secret-keys --armor) or an OpenSSH private key (ssh-keygen -t ed25519)"
    )]
    NoKey,
    #[error("it is the public half of a key; give the private one")]
    Public,
    #[error(
        "the SSH key is in an older form; ssh-keygen -p -f FILE writes it anew in the form of OpenSSH"
    )]
    OldForm,
    #[error("the key cannot be read; copy or export the whole of it again")]
    Broken,
    #[error("it holds several keys; give a file with the one that signs")]
    Several,
    #[error("the key is protected by a passphrase; {0}")]
    Passphrase(&'static str),
    #[error(
        "the secret part of the key {0} that may sign is not in it (it stays on a card, or was left out); export a key that has it"
    )]
    Elsewhere(String),
    #[error("the key {0} is revoked; make another one, and name it wherever this one is named")]
    Revoked(String),
    #[error(
        "the key {key} expired on {day}; give it more time (gpg --quick-set-expire) and export it again, or make another one"
    )]
    Expired { key: String, day: String },
    #[error(
        "the key {0} may not sign; add a subkey that may (gpg --quick-add-key), or make another key"
    )]
    MayNotSign(String),
    #[error("keys of the kind {0} cannot be used here; make one with ssh-keygen -t ed25519")]
    Kind(String),
    #[error("what the key {0} signs is not good; make another key")]
    NoGood(String),
}

impl SigningKey {
    /// Reads a key and tries it.
    ///
    /// # Errors
    /// It cannot sign now.
    pub fn read(text: &SecretString) -> Result<Self, SigningKeyError> {
        let text = text.expose_secret().trim();
        if text.is_empty() {
            return Err(SigningKeyError::Empty);
        }
        if text.len() > MAX_KEY {
            return Err(SigningKeyError::NoKey);
        }
        let (key, ring) = if text.contains("-----BEGIN PGP PRIVATE KEY BLOCK-----") {
            let (secret, public) = openpgp::read(text)?;
            let ring = Keyring {
                openpgp: vec![public.into()],
                ssh: Vec::new(),
            };
            let shown = secret.shown.clone();
            let kind = Kind::OpenPgp(Box::new(secret));
            (Self { kind, shown }, ring)
        } else {
            let key = ssh::read(text)?;
            let public = key.public_key().to_openssh();
            let line = public.map_err(|_| SigningKeyError::Broken)?;
            let (signers, _) = super::ssh::allowed_signers(&format!("lockstep {line}"));
            let ring = Keyring {
                openpgp: Vec::new(),
                ssh: signers.into_iter().map(Into::into).collect(),
            };
            let shown = key.fingerprint(ssh_key::HashAlg::Sha256).to_string();
            let kind = Kind::Ssh(Box::new(key));
            (Self { kind, shown }, ring)
        };
        let trial = b"a trial of the key\n";
        match ring.check_detached(&key.sign(trial)?, trial) {
            Signature::Good { .. } => Ok(key),
            _ => Err(SigningKeyError::NoGood(key.shown)),
        }
    }

    /// How people name it: the fingerprint, as `signatureKeys` of a project may have it.
    pub fn fingerprint(&self) -> &str {
        &self.shown
    }

    /// An armoured signature over a commit as Git stores it, without a signature in it.
    ///
    /// # Errors
    /// The key has expired since it was read, or cannot sign.
    pub fn sign(&self, commit: &[u8]) -> Result<String, SigningKeyError> {
        match &self.kind {
            Kind::OpenPgp(secret) => secret.sign(commit),
            Kind::Ssh(key) => ssh::sign(key, commit),
        }
    }
}

/// Says which key it is, and nothing of it.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("fingerprint", &self.shown)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
