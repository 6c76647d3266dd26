//! SSH: a private key in the form of OpenSSH, and signatures in the namespace of Git (ssh-keygen(1), `-Y sign`).

mod short;

use super::SigningKeyError;
use crate::signature::ssh::NAMESPACE;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use ssh_key::{HashAlg, LineEnding, PrivateKey};

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";

pub(super) fn read(text: &str) -> Result<PrivateKey, SigningKeyError> {
    let first = text.lines().next().unwrap_or_default().trim();
    let public = ["ssh-", "ecdsa-", "sk-"];
    if public.iter().any(|kind| first.starts_with(kind)) || first.contains("PUBLIC KEY") {
        return Err(SigningKeyError::Public);
    }
    if first != BEGIN {
        return Err(match first.ends_with("PRIVATE KEY-----") {
            true => SigningKeyError::OldForm,
            false => SigningKeyError::NoKey,
        });
    }
    // Wiped when it goes.
    let lines = SecretString::from(text.replace("\r\n", "\n") + "\n");
    let key = PrivateKey::from_openssh(lines.expose_secret());
    let key = key.or_else(|_| short(lines.expose_secret()).ok_or(SigningKeyError::Broken))?;
    if key.is_encrypted() {
        return Err(SigningKeyError::Passphrase(
            "make a key without one for this purpose (ssh-keygen -p -N '' removes it)",
        ));
    }
    Ok(key)
}

/// A key that is only written shorter than our reader knows.
fn short(text: &str) -> Option<PrivateKey> {
    let body = text.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let body: Zeroizing<String> = Zeroizing::new(body.split_whitespace().collect());
    let bytes = Zeroizing::new(STANDARD.decode(body.as_bytes()).ok()?);
    PrivateKey::from_bytes(&short::widened(&bytes)?).ok()
}

pub(super) fn sign(key: &PrivateKey, commit: &[u8]) -> Result<String, SigningKeyError> {
    let kind = |_| SigningKeyError::Kind(key.algorithm().to_string());
    let signature = key.sign(NAMESPACE, HashAlg::Sha512, commit).map_err(kind)?;
    signature.to_pem(LineEnding::LF).map_err(kind)
}
