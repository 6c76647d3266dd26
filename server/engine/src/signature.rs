//! Signatures of commits: who vouches for what a repository says.
//!
//! Pure: bytes of a commit and texts with public keys in, a [`Signature`] out. The name and address of an author are
//! only claimed by the commit; a signature is what proves them. Both kinds that Git writes are read: OpenPGP, and SSH
//! with the rules of `allowed_signers` files (ssh-keygen(1), ALLOWED SIGNERS). Whatever cannot be read with certainty
//! is not good. [`SigningKey`] makes what others verify: both kinds, with a key of our own.

mod openpgp;
mod signing;
mod ssh;

pub use signing::{SigningKey, SigningKeyError};

use lockstep_types::revision::Signature;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Longer texts are no keys and no signatures.
const MAX_TEXT: usize = 256 * 1024;
/// Keys of one ring.
const MAX_KEYS: usize = 1000;

/// A text with public keys: OpenPGP keys in ASCII armour, or lines of an `allowed_signers` file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeyText {
    pub text: String,
    /// Where it stands, for people: `Secret flux-system/keys, data.maria.asc`.
    pub place: String,
}

/// The keys that somebody has named.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    openpgp: Vec<Arc<openpgp::Key>>,
    ssh: Vec<Arc<ssh::Signer>>,
}

impl Keyring {
    /// Reads keys. What cannot be read is left out and said, with its place.
    pub fn read(texts: &[KeyText]) -> (Self, Vec<String>) {
        let (mut ring, mut problems) = (Self::default(), Vec::new());
        for KeyText { text, place } in texts {
            if text.len() > MAX_TEXT {
                problems.push(format!(
                    "{place}: it is larger than {} KiB and was not read",
                    MAX_TEXT >> 10
                ));
                continue;
            }
            if text.contains("-----BEGIN PGP") {
                match openpgp::keys(text) {
                    Ok(keys) => ring.openpgp.extend(keys.into_iter().map(Arc::new)),
                    Err(why) => problems.push(format!("{place}: {why}")),
                }
            } else {
                let (signers, wrong) = ssh::allowed_signers(text);
                ring.ssh.extend(signers.into_iter().map(Arc::new));
                problems.extend(wrong.into_iter().map(|why| format!("{place}, {why}")));
            }
        }
        if ring.openpgp.len() + ring.ssh.len() > MAX_KEYS {
            problems.push(format!(
                "there are more than {MAX_KEYS} keys; the others are left out"
            ));
            ring.openpgp.truncate(MAX_KEYS);
            ring.ssh.truncate(MAX_KEYS - ring.openpgp.len());
        }
        (ring, problems)
    }

    /// Only the keys with these ids: the last 16 or more hexadecimal digits of an OpenPGP fingerprint, or the
    /// `SHA256:…` fingerprint of an SSH key. Second: ids that no key has.
    pub fn only(&self, ids: &[String]) -> (Self, Vec<String>) {
        let openpgp = self
            .openpgp
            .iter()
            .filter(|key| ids.iter().any(|id| key.is_named(id)));
        let ssh = self
            .ssh
            .iter()
            .filter(|signer| ids.contains(&signer.fingerprint));
        let kept = Self {
            openpgp: openpgp.cloned().collect(),
            ssh: ssh.cloned().collect(),
        };
        let missing = ids
            .iter()
            .filter(|id| {
                !kept.openpgp.iter().any(|key| key.is_named(id))
                    && !kept.ssh.iter().any(|signer| signer.fingerprint == **id)
            })
            .cloned()
            .collect();
        (kept, missing)
    }

    pub fn is_empty(&self) -> bool {
        self.openpgp.is_empty() && self.ssh.is_empty()
    }

    /// What the signature of a commit proves. `commit` is the object as Git stores it, without its header of type and
    /// length.
    pub fn check(&self, commit: &[u8]) -> Signature {
        match split(commit) {
            Split::None => Signature::Unsigned,
            Split::Several => Signature::Bad {
                why: "the commit carries several signatures".to_owned(),
            },
            Split::One { signature, signed } => self.check_detached(&signature, &signed),
        }
    }

    /// What the signature of an annotated tag proves, if the tag is of the commit `of`. `tag` is the object as Git
    /// stores it.
    pub fn check_tag(&self, tag: &[u8], of: &str) -> Signature {
        let text = String::from_utf8_lossy(tag);
        if text.lines().next() != Some(&format!("object {of}")) {
            return Signature::Bad {
                why: "the tag is of another commit".to_owned(),
            };
        }
        // It is the end of the message, and nothing of it may be left to lossy reading.
        let starts = [
            "-----BEGIN PGP SIGNATURE-----",
            "-----BEGIN SSH SIGNATURE-----",
        ]
        .iter()
        .filter_map(|word| {
            tag.windows(word.len() + 1)
                .rposition(|at| at.first() == Some(&b'\n') && at.ends_with(word.as_bytes()))
        })
        .max();
        match starts.and_then(|start| tag.split_at_checked(start + 1)) {
            Some((signed, signature)) => {
                self.check_detached(&String::from_utf8_lossy(signature), signed)
            }
            None => Signature::Unsigned,
        }
    }

    /// What a signature over `signed` proves.
    pub fn check_detached(&self, signature: &str, signed: &[u8]) -> Signature {
        if signature.len() > MAX_TEXT {
            return Signature::Bad {
                why: "the signature is too long".to_owned(),
            };
        }
        if signature.contains("-----BEGIN PGP SIGNATURE-----") {
            openpgp::check(&self.openpgp, signature, signed)
        } else if signature.contains("-----BEGIN SSH SIGNATURE-----") {
            ssh::check(&self.ssh, signature, signed)
        } else {
            Signature::Bad {
                why: "it is neither an OpenPGP nor an SSH signature".to_owned(),
            }
        }
    }
}

/// Whether a commit's message says that whoever signs it vouches for everything before: a line that begins with
/// Argo CD's `Argocd-gpg-seal:`.
pub fn is_seal(commit: &[u8]) -> bool {
    const WORD: &str = "argocd-gpg-seal:";
    let text = String::from_utf8_lossy(commit);
    text.split_once("\n\n").is_some_and(|(_, message)| {
        message.lines().any(|line| {
            line.get(..WORD.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(WORD))
        })
    })
}

enum Split {
    None,
    One { signature: String, signed: Vec<u8> },
    Several,
}

/// Takes the signature out of a commit: what is left is what was signed. Lines that go on begin with a space.
fn split(commit: &[u8]) -> Split {
    let mut signed = Vec::with_capacity(commit.len());
    let mut signature: Option<String> = None;
    let mut within = false;
    let mut rest = commit;
    while !rest.is_empty() {
        let end = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at(end);
        if line == b"\n" {
            signed.extend_from_slice(rest);
            break;
        }
        if let Some(first) = line.strip_prefix(b"gpgsig ") {
            if signature.is_some() {
                return Split::Several;
            }
            signature = Some(String::from_utf8_lossy(first).into_owned());
            within = true;
        } else if line.starts_with(b"gpgsig-") {
            return Split::Several;
        } else if let (true, Some(more), Some(text)) =
            (within, line.strip_prefix(b" "), signature.as_mut())
        {
            text.push_str(&String::from_utf8_lossy(more));
        } else {
            within = false;
            signed.extend_from_slice(line);
        }
        rest = after;
    }
    match signature {
        Some(signature) => Split::One { signature, signed },
        None => Split::None,
    }
}

#[cfg(test)]
mod tests;
