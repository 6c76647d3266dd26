//! OpenPGP: a secret key in ASCII armour, and detached signatures of documents (RFC 9580).
//!
//! As GnuPG does, the newest subkey that may sign is taken, and the primary key where there is none.

use super::SigningKeyError;
use crate::signature::openpgp::{Key, admitted};
use pgp::composed::{ArmorOptions, Deserializable, DetachedSignature, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{
    KeyDetails, KeyVersion, Password, S2kParams, SecretParams, StringToKey, Timestamp,
};
use std::io::Cursor;
use std::time::{Duration, SystemTime};

const NO_PASSPHRASE: &str =
    "make a key without one for this purpose (gpg --quick-generate-key with --passphrase '')";

/// A key that can sign.
pub(super) struct Secret {
    key: SignedSecretKey,
    /// Which of its subkeys signs; `None`: the primary key.
    subkey: Option<usize>,
    /// The fingerprint of the primary key.
    pub(super) shown: String,
    pub(super) expires: Option<SystemTime>,
}

/// The key, and its public half as keys of others are held.
pub(super) fn read(text: &str) -> Result<(Secret, Key), SigningKeyError> {
    let broken = |_| SigningKeyError::Broken;
    let (mut keys, _) =
        SignedSecretKey::from_armor_many(Cursor::new(text.as_bytes())).map_err(broken)?;
    let key = keys.next().ok_or(SigningKeyError::Broken)?;
    let key = key.map_err(broken)?;
    if keys.next().is_some() || text.matches("-----BEGIN PGP").count() > 1 {
        return Err(SigningKeyError::Several);
    }
    let public = admitted(key.to_public_key()).map_err(|_| SigningKeyError::Broken)?;
    let shown = public.fingerprints.first().cloned().unwrap_or_default();
    if key.primary_key.version() != KeyVersion::V4 {
        return Err(SigningKeyError::Kind("OpenPGP other than version 4".into()));
    }
    if public.revoked {
        return Err(SigningKeyError::Revoked(shown));
    }
    in_time(&shown, public.expires)?;
    let (subkey, expires) = signing(&key, &shown, public.expires)?;
    let secret = Secret {
        key,
        subkey,
        shown,
        expires,
    };
    Ok((secret, public))
}

/// What signs, and until when.
fn signing(
    key: &SignedSecretKey,
    shown: &str,
    expires: Option<SystemTime>,
) -> Result<(Option<usize>, Option<SystemTime>), SigningKeyError> {
    let mut why = None;
    let mut newest: Option<(Timestamp, usize, Option<SystemTime>)> = None;
    for (at, subkey) in key.secret_subkeys.iter().enumerate() {
        let Some(word) = newest_of(&subkey.signatures) else {
            continue;
        };
        let revoked = |made: &Signature| made.typ() == Some(SignatureType::SubkeyRevocation);
        if !word.key_flags().sign()
            || subkey.signatures.iter().any(revoked)
            || subkey
                .verify_bindings(key.primary_key.public_key())
                .is_err()
        {
            continue;
        }
        let created = subkey.key.created_at();
        let own = until(created, word);
        // The primary key's end is the end of all.
        let ends = [own, expires].into_iter().flatten().min();
        match in_time(shown, ends).and_then(|()| opened(subkey.key.secret_params(), shown)) {
            Err(error) => why = Some(error),
            Ok(()) if newest.as_ref().is_none_or(|(other, ..)| created >= *other) => {
                newest = Some((created, at, ends));
            }
            Ok(()) => {}
        }
    }
    if let Some((_, at, ends)) = newest {
        return Ok((Some(at), ends));
    }
    let said = key
        .details
        .users
        .iter()
        .flat_map(|user| &user.signatures)
        .chain(&key.details.direct_signatures);
    if newest_of(said).is_some_and(|word| word.key_flags().sign()) {
        opened(key.primary_key.secret_params(), shown)?;
        return Ok((None, expires));
    }
    Err(why.unwrap_or_else(|| SigningKeyError::MayNotSign(shown.to_owned())))
}

fn newest_of<'s>(signatures: impl IntoIterator<Item = &'s Signature>) -> Option<&'s Signature> {
    signatures
        .into_iter()
        .filter(|signature| signature.created().is_some())
        .max_by_key(|signature| signature.created())
}

fn until(created: Timestamp, word: &Signature) -> Option<SystemTime> {
    let after = word.key_expiration_time()?;
    Some(SystemTime::from(created) + Duration::from_secs(u64::from(after.as_secs())))
}

fn in_time(key: &str, expires: Option<SystemTime>) -> Result<(), SigningKeyError> {
    match expires {
        Some(end) if end <= SystemTime::now() => Err(SigningKeyError::Expired {
            key: key.to_owned(),
            day: jiff::Timestamp::try_from(end)
                .map(|end| end.strftime("%Y-%m-%d").to_string())
                .unwrap_or_default(),
        }),
        _ => Ok(()),
    }
}

/// Whether the secret part is there, and in the open.
fn opened(secret: &SecretParams, key: &str) -> Result<(), SigningKeyError> {
    let SecretParams::Encrypted(closed) = secret else {
        return Ok(());
    };
    // GnuPG writes an experimental kind where it leaves the secret part out.
    let left_out = matches!(
        closed.string_to_key_params(),
        S2kParams::Cfb {
            s2k: StringToKey::Private { .. },
            ..
        } | S2kParams::MalleableCfb {
            s2k: StringToKey::Private { .. },
            ..
        }
    );
    Err(match left_out {
        true => SigningKeyError::Elsewhere(key.to_owned()),
        false => SigningKeyError::Passphrase(NO_PASSPHRASE),
    })
}

impl Secret {
    pub(super) fn sign(&self, commit: &[u8]) -> Result<String, SigningKeyError> {
        in_time(&self.shown, self.expires)?;
        let failed = |_| SigningKeyError::NoGood(self.shown.clone());
        let subkey = self.subkey.and_then(|at| self.key.secret_subkeys.get(at));
        let made = match subkey {
            Some(subkey) => detached(&subkey.key, commit),
            None => detached(&self.key.primary_key, commit),
        };
        made.and_then(|made| made.to_armored_string(ArmorOptions::default()))
            .map_err(failed)
    }
}

fn detached(
    key: &impl pgp::types::SigningKey,
    commit: &[u8],
) -> pgp::errors::Result<DetachedSignature> {
    let hash = HashAlgorithm::Sha512;
    let mut config = SignatureConfig::v4(SignatureType::Binary, key.algorithm(), hash);
    config.hashed_subpackets = vec![
        Subpacket::regular(SubpacketData::IssuerFingerprint(key.fingerprint()))?,
        Subpacket::regular(SubpacketData::SignatureCreationTime(Timestamp::now()))?,
    ];
    config.unhashed_subpackets = vec![Subpacket::regular(SubpacketData::IssuerKeyId(
        key.legacy_key_id(),
    ))?];
    let signature = config.sign(key, &Password::empty(), commit)?;
    Ok(DetachedSignature::new(signature))
}
