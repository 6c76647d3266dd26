//! OpenPGP signatures, as `git commit -S` makes them with GnuPG (RFC 9580).
//!
//! A key counts only with valid bindings of its own. A signature counts when it was made before its key expired, as
//! GnuPG judges it; a key that was revoked never counts, whenever the signature was made.

use lockstep_types::revision::Signature;
use pgp::composed::{Deserializable, DetachedSignature, SignedPublicKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::SignatureType;
use pgp::types::{KeyDetails, Timestamp};
use std::io::Cursor;
use std::sync::Arc;
use std::time::SystemTime;

/// A public key with its subkeys.
#[derive(Debug)]
pub(super) struct Key {
    key: SignedPublicKey,
    /// Fingerprints in upper-case hexadecimal digits, the primary one first.
    pub(super) fingerprints: Vec<String>,
    owner: String,
    pub(super) revoked: bool,
    pub(super) expires: Option<SystemTime>,
}

impl Key {
    /// Whether an id means it: at least 16 digits of the end of one of its fingerprints.
    pub(super) fn is_named(&self, id: &str) -> bool {
        let id = id.trim_start_matches("0x").to_ascii_uppercase();
        id.len() >= 16 && self.fingerprints.iter().any(|own| own.ends_with(&id))
    }
}

/// Reads every key of an armoured text; several blocks may follow each other.
pub(super) fn keys(text: &str) -> Result<Vec<Key>, String> {
    const BEGIN: &str = "-----BEGIN PGP";
    if text.contains("-----BEGIN PGP PRIVATE KEY BLOCK-----") {
        return Err("it holds a private key; only the public one belongs here".to_owned());
    }
    let mut found = Vec::new();
    let starts: Vec<usize> = text.match_indices(BEGIN).map(|(at, _)| at).collect();
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(text.len());
        let block = text.get(*start..end).unwrap_or_default();
        let broken =
            |error: pgp::errors::Error| format!("it holds no public key that can be read: {error}");
        let (several, _) =
            SignedPublicKey::from_armor_many(Cursor::new(block.as_bytes())).map_err(broken)?;
        for key in several {
            found.push(admitted(key.map_err(broken)?)?);
        }
    }
    Ok(found)
}

/// A key whose own signatures are right.
pub(super) fn admitted(key: SignedPublicKey) -> Result<Key, String> {
    let shown = key
        .primary_key
        .fingerprint()
        .to_string()
        .to_ascii_uppercase();
    key.details
        .verify_bindings(&key.primary_key)
        .map_err(|error| format!("the key {shown} is not whole: {error}"))?;
    let mut fingerprints = vec![shown];
    fingerprints.extend(
        key.public_subkeys
            .iter()
            .map(|subkey| subkey.key.fingerprint().to_string().to_ascii_uppercase()),
    );
    let owner = key
        .details
        .users
        .iter()
        .find(|user| user.is_primary())
        .or_else(|| key.details.users.first())
        .map(|user| String::from_utf8_lossy(user.id.id()).into_owned())
        .unwrap_or_default();
    // Their signatures were verified above.
    let revoked = !key.details.revocation_signatures.is_empty();
    let created = SystemTime::from(key.primary_key.created_at());
    // The newest word of the key about itself counts.
    let expires = key
        .details
        .users
        .iter()
        .flat_map(|user| &user.signatures)
        .chain(&key.details.direct_signatures)
        .filter(|signature| signature.created().is_some())
        .max_by_key(|signature| signature.created())
        .and_then(|signature| signature.key_expiration_time())
        .map(|after| created + std::time::Duration::from_secs(u64::from(after.as_secs())));
    Ok(Key {
        key,
        fingerprints,
        owner,
        revoked,
        expires,
    })
}

/// What an armoured signature over `signed` proves.
pub(super) fn check(ring: &[Arc<Key>], armoured: &str, signed: &[u8]) -> Signature {
    let bad = |why: String| Signature::Bad { why };
    let (signature, _) =
        match DetachedSignature::from_armor_single(Cursor::new(armoured.as_bytes())) {
            Ok(read) => read,
            Err(error) => return bad(format!("it cannot be read: {error}")),
        };
    let packet = &signature.signature;
    if !matches!(
        packet.typ(),
        Some(SignatureType::Binary | SignatureType::Text)
    ) {
        return bad("it is no signature of a document".to_owned());
    }
    match packet.hash_alg() {
        Some(HashAlgorithm::Md5 | HashAlgorithm::Sha1 | HashAlgorithm::Ripemd160) | None => {
            return bad("it is made with a hash that is not safe any more".to_owned());
        }
        Some(_) => {}
    }
    let mut named: Vec<String> = packet
        .issuer_fingerprint()
        .iter()
        .map(|own| own.to_string())
        .chain(packet.issuer_key_id().iter().map(|id| id.to_string()))
        .map(|id| id.to_ascii_uppercase())
        .collect();
    named.dedup();
    let shown = named
        .first()
        .cloned()
        .unwrap_or_else(|| "that it does not name".to_owned());
    let Some(key) = ring
        .iter()
        .find(|key| named.iter().any(|id| key.is_named(id)))
    else {
        return Signature::UnknownKey { key: shown };
    };
    if key.revoked {
        return bad(format!("its key {shown} is revoked"));
    }
    let made = packet.created().unwrap_or_else(|| Timestamp::from_secs(0));
    let late = |expires: SystemTime| SystemTime::from(made) > expires;
    if key.expires.is_some_and(late) {
        return bad(format!("its key {shown} had expired when it was made"));
    }
    match verify(key, &signature, &named, signed) {
        Ok(fingerprint) => Signature::Good {
            key: fingerprint,
            signer: key.owner.clone(),
        },
        Err(why) => bad(why),
    }
}

/// The fingerprint of the key or subkey that made the signature.
fn verify(
    key: &Key,
    signature: &DetachedSignature,
    named: &[String],
    signed: &[u8],
) -> Result<String, String> {
    let is_meant = |own: &str| named.iter().any(|id| own.ends_with(id.as_str()));
    let wrong = |_| "it does not belong to this commit, or the commit was changed".to_owned();
    let primary = key.fingerprints.first().cloned().unwrap_or_default();
    if is_meant(&primary) {
        signature
            .verify(&key.key.primary_key, signed)
            .map_err(wrong)?;
        return Ok(primary);
    }
    for subkey in &key.key.public_subkeys {
        let own = subkey.key.fingerprint().to_string().to_ascii_uppercase();
        if !is_meant(&own) {
            continue;
        }
        subkey
            .verify_bindings(&key.key.primary_key)
            .map_err(|_| format!("its subkey {own} does not belong to {primary}"))?;
        let revoked =
            |made: &pgp::packet::Signature| made.typ() == Some(SignatureType::SubkeyRevocation);
        if subkey.signatures.iter().any(revoked) {
            return Err(format!("its subkey {own} is revoked"));
        }
        if !subkey.signatures.iter().any(|made| made.key_flags().sign()) {
            return Err(format!("its subkey {own} is not for signing"));
        }
        signature.verify(&subkey.key, signed).map_err(wrong)?;
        return Ok(own);
    }
    Err("its key is not there".to_owned())
}
