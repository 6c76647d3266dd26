//! Commits that real programs have signed (GnuPG 2 and OpenSSH, by git), and keys of people who do not exist.

use super::*;

fn commit(name: &str) -> &'static [u8] {
    match name {
        "unsigned" => include_bytes!("tests/unsigned.commit"),
        "openpgp-subkey" => include_bytes!("tests/openpgp-subkey.commit"),
        "openpgp-rsa" => include_bytes!("tests/openpgp-rsa.commit"),
        "openpgp-revoked" => include_bytes!("tests/openpgp-revoked.commit"),
        "openpgp-sha1" => include_bytes!("tests/openpgp-sha1.commit"),
        "ssh-maria" => include_bytes!("tests/ssh-maria.commit"),
        "ssh-rsa" => include_bytes!("tests/ssh-rsa.commit"),
        "ssh-ec" => include_bytes!("tests/ssh-ec.commit"),
        "ssh-jonas" => include_bytes!("tests/ssh-jonas.commit"),
        _ => panic!("no commit {name}"),
    }
}

const MARIA: &str = include_str!("tests/maria.asc");
const JONAS: &str = include_str!("tests/jonas.asc");
const SIGNERS: &str = include_str!("tests/allowed_signers");

fn ring(texts: &[&str]) -> Keyring {
    let texts: Vec<KeyText> = texts
        .iter()
        .map(|text| KeyText {
            text: (*text).to_owned(),
            place: "keys".to_owned(),
        })
        .collect();
    let (ring, problems) = Keyring::read(&texts);
    assert_eq!(problems, Vec::<String>::new());
    ring
}

fn all() -> Keyring {
    ring(&[MARIA, JONAS, include_str!("tests/old.asc"), SIGNERS])
}

/// `commit: what one says of it`.
#[test]
fn what_commits_prove() {
    let said: Vec<String> = [
        "unsigned",
        "openpgp-subkey",
        "openpgp-rsa",
        "openpgp-revoked",
        "openpgp-sha1",
        "ssh-maria",
        "ssh-rsa",
        "ssh-ec",
        "ssh-jonas",
    ]
    .iter()
    .map(|name| format!("{name}: {}", all().check(commit(name))))
    .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_key_that_nobody_has_named_proves_nothing() {
    for name in ["openpgp-subkey", "openpgp-rsa", "ssh-maria", "ssh-ec"] {
        let found = Keyring::default().check(commit(name));
        assert!(
            matches!(found, Signature::UnknownKey { .. }),
            "{name}: {found}"
        );
    }
    // Maria's keys say nothing of what Jonas signs.
    let found = ring(&[MARIA]).check(commit("openpgp-rsa"));
    assert!(matches!(found, Signature::UnknownKey { .. }), "{found}");
}

/// Every part of a commit is vouched for: one changed byte anywhere, and nothing is.
#[test]
fn attack_32_a_changed_commit_has_no_good_signature() {
    for name in [
        "openpgp-subkey",
        "openpgp-rsa",
        "ssh-maria",
        "ssh-rsa",
        "ssh-ec",
    ] {
        let good = commit(name);
        assert!(all().check(good).is_good(), "{name}");
        for place in (0..good.len()).step_by(3) {
            let mut changed = good.to_vec();
            changed[place] ^= 0x01;
            let found = all().check(&changed);
            // Armour has bits that mean nothing: line ends and the unused bits of its last characters.
            if found.is_good() {
                let text = String::from_utf8_lossy(good);
                let (from, to) = (text.find("gpgsig").unwrap(), text.find("-----END").unwrap());
                assert!(
                    (from..to + 40).contains(&place),
                    "{name}: byte {place} may be changed"
                );
            }
        }
    }
}

#[test]
fn attack_32_a_second_signature_or_header_does_not_help() {
    let text = String::from_utf8_lossy(commit("ssh-maria")).into_owned();
    let (before, after) = text.split_once("gpgsig ").unwrap();
    let (signature, message) = after.split_once("\n\n").unwrap();
    for forged in [
        format!("{before}gpgsig {signature}\ngpgsig {signature}\n\n{message}"),
        format!("{before}gpgsig {signature}\ngpgsig-sha256 {signature}\n\n{message}"),
        format!("{before}gpgsig x\n\n{message}"),
        // The signature of another commit.
        {
            let other = String::from_utf8_lossy(commit("unsigned")).into_owned();
            let (head, message) = other.split_once("\n\n").unwrap();
            format!("{head}\ngpgsig {signature}\n\n{message}")
        },
    ] {
        let found = all().check(forged.as_bytes());
        assert!(matches!(found, Signature::Bad { .. }), "{found}");
    }
    // In the message it is no signature.
    let quoted = format!("{before}\n{message}gpgsig {signature}\n");
    assert_eq!(all().check(quoted.as_bytes()), Signature::Unsigned);
}

#[test]
fn keys_are_picked_by_their_ids() {
    let all = all();
    for (id, commit_of, good) in [
        ("CAD47CF53D697048", "openpgp-subkey", true),
        (
            "C8FD9CF1A9860028647B389DCAD47CF53D697048",
            "openpgp-subkey",
            true,
        ),
        ("f2d2a9da35e92272", "openpgp-subkey", true),
        ("60B0CA0759660164", "openpgp-subkey", false),
        ("60B0CA0759660164", "openpgp-rsa", true),
    ] {
        let (picked, missing) = all.only(&[id.to_owned()]);
        assert_eq!(missing, Vec::<String>::new());
        assert_eq!(picked.check(commit(commit_of)).is_good(), good, "{id}");
    }
    // Short ids are forged in seconds.
    let (picked, missing) = all.only(&["3D697048".to_owned(), "SHA256:unknown".to_owned()]);
    assert!(picked.is_empty());
    assert_eq!(missing, ["3D697048", "SHA256:unknown"]);
}

#[test]
fn a_key_that_had_expired_signs_nothing_more() {
    let found = ring(&[include_str!("tests/jonas-expired.asc")]).check(commit("openpgp-rsa"));
    assert!(found.to_string().contains("had expired"), "{found}");
}

#[test]
fn the_rules_of_allowed_signers_hold() {
    let key = SIGNERS.lines().nth(1).unwrap().split_once(' ').unwrap().1;
    for (options, expected) in [
        ("", "is signed by maria"),
        ("namespaces=\"git\" ", "is signed by maria"),
        ("namespaces=\"file,g*\" ", "is signed by maria"),
        ("namespaces=file ", "may not sign for git"),
        ("valid-after=20260101 ", "is signed by maria"),
        ("valid-after=\"20261126133320Z\" ", "is signed by maria"),
        ("valid-after=20261127 ", "was not valid when"),
        ("valid-before=20261126133320Z ", "was not valid when"),
        ("valid-before=20261127 ", "is signed by maria"),
    ] {
        let found = ring(&[&format!("maria {options}{key}\n")]).check(commit("ssh-maria"));
        assert!(found.to_string().contains(expected), "{options}: {found}");
    }
}

#[test]
fn what_is_no_key_is_said_with_its_place() {
    let long = "x".repeat(MAX_TEXT + 1);
    let said: Vec<String> = [
        "maria ssh-ed25519",
        "maria ssh-ed25519 AAAA",
        "maria",
        "cert cert-authority ssh-ed25519 AAAA",
        "maria shiny ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJikCUxPcyObC4Un50z21kCQ1iLArh5UjlB/B9xfvvZB",
        "maria valid-after=20269999 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJikCUxPcyObC4Un50z21kCQ1iLArh5UjlB/B9xfvvZB",
        "maria valid-after=soon ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJikCUxPcyObC4Un50z21kCQ1iLArh5UjlB/B9xfvvZB",
        "\"maria ssh-ed25519 AAAA",
        "maria \0 \u{202e} ssh-ed25519 \0",
        "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n-----END PGP PRIVATE KEY BLOCK-----\n",
        long.as_str(),
    ]
    .iter()
    .flat_map(|text| {
        let (ring, problems) = Keyring::read(&[KeyText {
            text: (*text).to_owned(),
            place: "keys".to_owned(),
        }]);
        assert!(ring.is_empty());
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems
    })
    .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn fuzz_signatures() {
    let seeds = [
        commit("openpgp-subkey"),
        commit("ssh-maria"),
        MARIA.as_bytes(),
        SIGNERS.as_bytes(),
    ];
    let all = all();
    crate::fuzzing::run("signatures", &seeds, |bytes| {
        // Whatever it is, it is not good unless it is one of the commits.
        let found = all.check(bytes);
        assert!(
            !found.is_good()
                || bytes.starts_with(b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n")
        );
        let _ = Keyring::read(&[KeyText {
            text: String::from_utf8_lossy(bytes).into_owned(),
            place: "keys".to_owned(),
        }]);
    });
}

#[test]
fn only_a_line_of_the_message_seals() {
    for (commit, seals) in [
        (
            "tree 1\nauthor a\n\nReviewed\n\nArgocd-gpg-seal: all before is fine\n",
            true,
        ),
        ("tree 1\n\nargocd-GPG-seal: x\n", true),
        ("tree 1\n\nWrites Argocd-gpg-seal: into a sentence\n", false),
        ("tree 1\nauthor Argocd-gpg-seal: x\n\nmessage\n", false),
        ("tree 1\nArgocd-gpg-seal: x\n", false),
        ("", false),
    ] {
        assert_eq!(is_seal(commit.as_bytes()), seals, "{commit}");
    }
}
