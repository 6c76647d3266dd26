//! Private keys of nobody, made anew for every test.

use pgp::composed::{
    ArmorOptions, EncryptionCaps, KeyType, SecretKeyParamsBuilder, SignedSecretKey, SubkeyParams,
    SubkeyParamsBuilder,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{KeyFlags, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{Duration, KeyDetails, Password, Tag, Timestamp};
use ssh_key::rand_core::OsRng;

/// What is said of an OpenPGP key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenPgpKey {
    /// The primary key signs.
    Plain,
    /// A subkey signs, and another one encrypts.
    BySubkey,
    MayNotSign,
    WithPassphrase,
    Expired,
    Revoked,
}

/// A secret key and its public half in ASCII armour.
pub fn openpgp_key(user: &str, of: OpenPgpKey) -> (String, String) {
    let mut about = SecretKeyParamsBuilder::default();
    about
        .key_type(KeyType::Ed25519Legacy)
        .can_certify(true)
        .can_sign(!matches!(of, OpenPgpKey::BySubkey | OpenPgpKey::MayNotSign))
        .primary_user_id(user.to_owned());
    if of == OpenPgpKey::WithPassphrase {
        about.passphrase(Some("s3cret".to_owned()));
    }
    if of == OpenPgpKey::Expired {
        about.created_at(ago(2 * DAY));
    }
    if of == OpenPgpKey::BySubkey {
        about.subkeys(vec![subkey(true), subkey(false)]);
    }
    let made = about.build().expect("parameters of a key");
    let mut key = made.generate(OsRng).expect("a key");
    match of {
        OpenPgpKey::Expired => expire(&mut key),
        OpenPgpKey::Revoked => revoke(&mut key),
        _ => {}
    }
    let secret = key.to_armored_string(ArmorOptions::default());
    let public = key.to_public_key();
    let public = public.to_armored_string(ArmorOptions::default());
    (secret.expect("armour"), public.expect("armour"))
}

const DAY: u32 = 24 * 3600;

fn ago(seconds: u32) -> Timestamp {
    Timestamp::from_secs(Timestamp::now().as_secs() - seconds)
}

fn subkey(signs: bool) -> SubkeyParams {
    let mut about = SubkeyParamsBuilder::default();
    match signs {
        true => about.key_type(KeyType::Ed25519Legacy).can_sign(true),
        false => about
            .key_type(KeyType::ECDH(
                pgp::crypto::ecc_curve::ECCCurve::Curve25519Legacy,
            ))
            .can_encrypt(EncryptionCaps::All),
    };
    about.build().expect("parameters of a subkey")
}

fn said(key: &SignedSecretKey, of: SignatureType, at: Timestamp) -> SignatureConfig {
    let mut config = SignatureConfig::v4(of, key.primary_key.algorithm(), HashAlgorithm::Sha512);
    let regular = |data| Subpacket::regular(data).expect("a subpacket");
    config.hashed_subpackets = vec![
        regular(SubpacketData::SignatureCreationTime(at)),
        regular(SubpacketData::IssuerFingerprint(
            key.primary_key.fingerprint(),
        )),
    ];
    config.unhashed_subpackets = vec![regular(SubpacketData::IssuerKeyId(
        key.primary_key.legacy_key_id(),
    ))];
    config
}

/// The key was for one day, and made two days ago.
fn expire(key: &mut SignedSecretKey) {
    let mut config = said(key, SignatureType::CertPositive, ago(2 * DAY));
    let mut flags = KeyFlags::default();
    flags.set_certify(true);
    flags.set_sign(true);
    let regular = |data| Subpacket::regular(data).expect("a subpacket");
    config.hashed_subpackets.extend([
        regular(SubpacketData::KeyFlags(flags)),
        regular(SubpacketData::KeyExpirationTime(Duration::from_secs(DAY))),
        regular(SubpacketData::IsPrimary(true)),
    ]);
    let user = key.details.users.first().expect("a user").id.clone();
    let signature = config.sign_certification(
        &key.primary_key,
        key.primary_key.public_key(),
        &Password::empty(),
        Tag::UserId,
        &user,
    );
    let first = key.details.users.first_mut().expect("a user");
    first.signatures = vec![signature.expect("a signature")];
}

fn revoke(key: &mut SignedSecretKey) {
    let signature = said(key, SignatureType::KeyRevocation, Timestamp::now()).sign_key(
        &key.primary_key,
        &Password::empty(),
        key.primary_key.public_key(),
    );
    key.details
        .revocation_signatures
        .push(signature.expect("a signature"));
}

/// A private key as `ssh-keygen` writes it, and the line of its public half.
pub fn ssh_key(arguments: &[&str]) -> (String, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("key");
    let status = std::process::Command::new("ssh-keygen")
        .args(["-q", "-C", "nobody", "-f"])
        .arg(&file)
        .args(arguments)
        .status()
        .expect("ssh-keygen runs");
    assert!(status.success(), "ssh-keygen {arguments:?}");
    let read = |path| std::fs::read_to_string(path).expect("a key");
    (read(file.clone()), read(file.with_extension("pub")))
}
