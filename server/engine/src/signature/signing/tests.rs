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
