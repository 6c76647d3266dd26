//! Tells a private key that can be used from one that cannot, before anybody is asked.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const MAGIC: &[u8] = b"openssh-key-v1\0";

/// Checks the form of a private key; its mathematics is left to `ssh`.
///
/// # Errors
/// What is wrong with it and what to do, never with a part of it.
pub fn check_private_key(text: &str) -> Result<(), String> {
    let text = text.trim();
    let first = text.lines().next().unwrap_or_default().trim();
    if text.is_empty() {
        return Err("the SSH key is empty".to_owned());
    }
    if first.starts_with("PuTTY-User-Key-File") {
        return Err(
            "the SSH key is in PuTTY's form; export it as an OpenSSH key in PuTTYgen".to_owned(),
        );
    }
    if first.starts_with("ssh-") || first.starts_with("ecdsa-") || first.contains("PUBLIC KEY") {
        return Err("this is the public half of an SSH key; give the private one".to_owned());
    }
    let Some(kind) = first
        .strip_prefix("-----BEGIN ")
        .and_then(|rest| rest.strip_suffix("-----"))
        .filter(|kind| kind.ends_with("PRIVATE KEY"))
    else {
        return Err(
            "this is no private SSH key; it begins with a line “-----BEGIN OPENSSH PRIVATE KEY-----”"
                .to_owned(),
        );
    };
    let cut = || "the SSH key is not complete; copy the whole file".to_owned();
    let end = format!("-----END {kind}-----");
    let body = text
        .strip_prefix(first)
        .and_then(|rest| rest.trim_end().strip_suffix(&end))
        .ok_or_else(cut)?;
    let encrypted = || {
        "the SSH key is protected by a passphrase; make a key without one for this purpose (ssh-keygen -p -N '' removes it)"
            .to_owned()
    };
    if kind == "ENCRYPTED PRIVATE KEY" || body.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(encrypted());
    }
    let packed: String = body
        .lines()
        .filter(|line| !line.contains(':'))
        .flat_map(|line| line.trim().chars())
        .collect();
    let bytes = STANDARD.decode(packed).map_err(|_| cut())?;
    if kind != "OPENSSH PRIVATE KEY" {
        return if bytes.len() < 32 { Err(cut()) } else { Ok(()) };
    }
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(cut)?;
    let cipher = field(rest).ok_or_else(cut)?;
    match cipher {
        b"none" if rest.len() > 64 => Ok(()),
        b"none" => Err(cut()),
        _ => Err(encrypted()),
    }
}

/// The first length-prefixed string.
fn field(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn made(arguments: &[&str]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let status = Command::new("ssh-keygen")
            .args(["-q", "-f"])
            .arg(&path)
            .args(arguments)
            .status()
            .unwrap();
        assert!(status.success());
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn keys_that_ssh_makes_are_told_apart() {
        let plain = made(&["-t", "ed25519", "-N", ""]);
        assert_eq!(check_private_key(&plain), Ok(()));
        let pem = made(&["-t", "ecdsa", "-m", "PEM", "-N", ""]);
        assert_eq!(check_private_key(&pem), Ok(()));
        for locked in [
            made(&["-t", "ed25519", "-N", "s3cret"]),
            made(&["-t", "ecdsa", "-m", "PEM", "-N", "s3cret"]),
        ] {
            let error = check_private_key(&locked).unwrap_err();
            assert!(error.contains("passphrase"), "{error}");
        }
        let half = &plain[..plain.len() / 2];
        for (text, word) in [
            ("", "empty"),
            (half, "not complete"),
            ("ssh-ed25519 AAAA x", "public half"),
            ("PuTTY-User-Key-File-3: x", "PuTTYgen"),
            ("hunter2", "no private SSH key"),
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
                "not complete",
            ),
        ] {
            let error = check_private_key(text).unwrap_err();
            assert!(
                error.contains(word) && !error.contains("hunter2"),
                "{error}"
            );
        }
    }
}
