use super::*;
use crate::signature::KeyText;
use crate::testing::{OpenPgpKey, openpgp_key, ssh_key};

fn read(text: &str) -> Result<SigningKey, SigningKeyError> {
    SigningKey::read(&SecretString::from(text.to_owned()))
}

fn ring(public: &str) -> Keyring {
    let text = match public.starts_with("-----") {
        true => public.to_owned(),
        false => format!("lockstep {public}"),
    };
    let place = "keys".to_owned();
    let (ring, problems) = Keyring::read(&[KeyText { text, place }]);
    assert_eq!(problems, Vec::<String>::new());
    ring
}

#[test]
fn what_each_kind_of_key_signs_is_good() {
    let user = "Lockstep <lockstep@example.org>";
    let kinds = [
        openpgp_key(user, OpenPgpKey::Plain),
        openpgp_key(user, OpenPgpKey::BySubkey),
        ssh_key(&["-t", "ed25519", "-N", ""]),
        ssh_key(&["-t", "ecdsa", "-b", "256", "-N", ""]),
        ssh_key(&["-t", "ecdsa", "-b", "384", "-N", ""]),
    ];
    for (secret, public) in kinds {
        let key = read(&secret).unwrap();
        // The file may come from another system.
        let again = read(&secret.replace('\n', "\r\n")).unwrap();
        assert_eq!(key.fingerprint(), again.fingerprint());
        let ring = ring(&public);
        let (picked, missing) = ring.only(&[key.fingerprint().to_owned()]);
        assert_eq!(missing, Vec::<String>::new(), "as a project names it");
        let signature = key.sign(b"tree 1\n").unwrap();
        let found = picked.check_detached(&signature, b"tree 1\n");
        assert!(found.is_good(), "{public}: {found}");
        let other = picked.check_detached(&signature, b"tree 2\n");
        assert!(matches!(other, Signature::Bad { .. }), "{other}");
    }
}

/// OpenSSH leaves zeros at the front of the secret number out. The smallest number of all shows it: its public half is
/// the curve's base point (SEC 2, §2.4.2 and §2.5.1).
#[test]
fn a_number_that_begins_with_zeros_is_a_key_too() {
    let p256 = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    let p384 = "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7\
                3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f";
    for (curve, point) in [("nistp256", p256), ("nistp384", p384)] {
        let (secret, public) = smallest_of(curve, point);
        let key = read(&secret).unwrap_or_else(|error| panic!("{curve}: {error}"));
        let signature = key.sign(b"tree 1\n").unwrap();
        let found = ring(&public).check_detached(&signature, b"tree 1\n");
        assert!(found.is_good(), "{curve}: {found}");
        let cut = secret.replacen("AAAA", "AAA", 1);
        assert_eq!(read(&cut).unwrap_err(), SigningKeyError::Broken);
    }
}

/// The private and public file of the number one, as ssh-keygen would write them.
fn smallest_of(curve: &str, point: &str) -> (String, String) {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let field = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat();
    let digits: Vec<char> = point.chars().collect();
    let pairs = digits.chunks(2).map(String::from_iter);
    let point: Vec<u8> = pairs
        .map(|of| u8::from_str_radix(&of, 16).unwrap())
        .collect();
    let kind = format!("ecdsa-sha2-{curve}");
    let public = [
        kind.as_bytes(),
        curve.as_bytes(),
        &[&[4], &point[..]].concat(),
    ];
    let public = public.map(field).concat();
    let mut private = [&[7; 8], &public[..], &field(&[1]), &field(b"one")].concat();
    let filling = private.len().next_multiple_of(8) - private.len();
    private.extend((1..).take(filling));
    let none = [field(b"none"), field(b"none"), field(b"")].concat();
    let parts = [
        &none[..],
        &1_u32.to_be_bytes(),
        &field(&public),
        &field(&private),
    ]
    .concat();
    let file = STANDARD.encode([b"openssh-key-v1\0", &parts[..]].concat());
    let secret =
        format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{file}\n-----END OPENSSH PRIVATE KEY-----\n");
    (secret, format!("{kind} {}", STANDARD.encode(public)))
}

#[test]
fn a_key_that_cannot_sign_is_refused_with_the_way_out() {
    let user = "Lockstep <lockstep@example.org>";
    let openpgp = |of| openpgp_key(user, of).0;
    let (plain, public) = openpgp_key(user, OpenPgpKey::Plain);
    let (ssh, ssh_public) = ssh_key(&["-t", "ed25519", "-N", ""]);
    let half = |text: &str| text[..text.len() / 2].to_owned();
    for (text, words) in [
        (String::new(), ["empty", "put the private key"]),
        (" \n".to_owned(), ["empty", "put the private key"]),
        ("hunter2".to_owned(), ["no private key", "ssh-keygen"]),
        ("x".repeat(MAX_KEY + 1), ["no private key", "ssh-keygen"]),
        (public, ["public half", "give the private one"]),
        (ssh_public, ["public half", "give the private one"]),
        (half(&plain), ["cannot be read", "again"]),
        (half(&ssh), ["cannot be read", "again"]),
        (
            plain.clone() + &plain,
            ["several keys", "the one that signs"],
        ),
        (
            openpgp(OpenPgpKey::WithPassphrase),
            ["passphrase", "gpg --quick"],
        ),
        (
            ssh_key(&["-t", "ed25519", "-N", "s3cret"]).0,
            ["passphrase", "ssh-keygen -p"],
        ),
        (
            ssh_key(&["-t", "ecdsa", "-m", "PEM", "-N", ""]).0,
            ["older form", "ssh-keygen -p"],
        ),
        (
            ssh_key(&["-t", "ecdsa", "-b", "521", "-N", ""]).0,
            ["ecdsa-sha2-nistp521", "ed25519"],
        ),
        (
            ssh_key(&["-t", "rsa", "-b", "2048", "-N", ""]).0,
            ["ssh-rsa", "ed25519"],
        ),
        (openpgp(OpenPgpKey::Expired), ["expired on 2", "more time"]),
        (openpgp(OpenPgpKey::Revoked), ["revoked", "another"]),
        (openpgp(OpenPgpKey::MayNotSign), ["may not sign", "subkey"]),
    ] {
        let said = read(&text).unwrap_err().to_string();
        for word in words {
            assert!(said.contains(word), "{word}: {said}");
        }
        // Nothing of what the file holds is repeated.
        let lines = text.lines().filter(|line| line.len() > 5);
        for line in lines.filter(|line| !line.starts_with("-----")) {
            assert!(!said.contains(line), "{said}");
        }
    }
}

#[test]
fn nothing_of_a_key_is_shown() {
    for secret in [
        openpgp_key("L <l@example.org>", OpenPgpKey::Plain).0,
        ssh_key(&["-t", "ed25519", "-N", ""]).0,
    ] {
        let key = read(&secret).unwrap();
        let shown = format!("{key:?}");
        let expected = format!("SigningKey {{ fingerprint: {:?}, .. }}", key.fingerprint());
        assert_eq!(shown, expected);
    }
}

/// A key that runs out while the server runs signs nothing more, whatever it was when it was read.
#[test]
fn a_key_signs_until_its_end() {
    let (secret, _) = openpgp_key("L <l@example.org>", OpenPgpKey::Plain);
    let (mut secret, _) = openpgp::read(&secret).unwrap();
    assert!(secret.sign(b"tree 1\n").is_ok());
    secret.expires = Some(std::time::SystemTime::now());
    let error = secret.sign(b"tree 1\n").unwrap_err();
    assert!(matches!(error, SigningKeyError::Expired { .. }), "{error}");
}
