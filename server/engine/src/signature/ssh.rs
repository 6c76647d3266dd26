//! SSH signatures, as `git commit -S` makes them with `gpg.format=ssh`, and the file of those who may make them.
//!
//! The form of the file is that of ssh-keygen(1), section ALLOWED SIGNERS: principals, options, key type, key. Times
//! without `Z` are taken as UTC, where ssh-keygen takes its machine's own zone.

use globset::{Glob, GlobMatcher};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use lockstep_types::revision::Signature;
use ssh_key::{HashAlg, PublicKey, SshSig};
use std::sync::Arc;

/// The namespace that Git signs in.
pub(super) const NAMESPACE: &str = "git";

/// Somebody who may sign.
#[derive(Debug)]
pub(super) struct Signer {
    pub(super) fingerprint: String,
    principals: String,
    key: PublicKey,
    namespaces: Option<Vec<GlobMatcher>>,
    /// Seconds since 1970.
    valid_after: Option<i64>,
    valid_before: Option<i64>,
}

/// Reads the lines of the file; second: what is wrong, with the line.
pub(super) fn allowed_signers(text: &str) -> (Vec<Signer>, Vec<String>) {
    let (mut signers, mut wrong) = (Vec::new(), Vec::new());
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match signer(line) {
            Ok(signer) => signers.push(signer),
            Err(why) => wrong.push(format!("line {}: {why}", index + 1)),
        }
    }
    (signers, wrong)
}

fn signer(line: &str) -> Result<Signer, String> {
    let words = pieces(line, char::is_whitespace)?;
    let is_key = |word: &str| {
        ["ssh-", "ecdsa-", "sk-"]
            .iter()
            .any(|kind| word.starts_with(kind))
    };
    let (Some(principals), Some(at)) = (
        words.first(),
        words
            .iter()
            .skip(1)
            .position(|word| is_key(word))
            .map(|at| at + 1),
    ) else {
        return Err(
            "it is neither an OpenPGP key nor a line of an allowed_signers file".to_owned(),
        );
    };
    let kind = words.get(at).map_or("", String::as_str);
    let encoded = words.get(at + 1).map_or("", String::as_str);
    let key = PublicKey::from_openssh(&format!("{kind} {encoded}"))
        .map_err(|error| format!("the key cannot be read: {error}"))?;
    let mut signer = Signer {
        fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
        principals: unquoted(principals).to_owned(),
        key,
        namespaces: None,
        valid_after: None,
        valid_before: None,
    };
    for option in pieces(&words.get(1..at).unwrap_or_default().join(","), |c| {
        c == ','
    })? {
        let (name, value) = option.split_once('=').unwrap_or((&option, ""));
        let value = unquoted(value);
        match name.to_ascii_lowercase().as_str() {
            "namespaces" => {
                let globs: Result<_, _> = value
                    .split(',')
                    .map(|glob| Glob::new(glob.trim()).map(|glob| glob.compile_matcher()))
                    .collect();
                signer.namespaces = Some(
                    globs.map_err(|_| format!("namespaces {value:?} is no list of patterns"))?,
                );
            }
            "valid-after" => signer.valid_after = Some(time(value)?),
            "valid-before" => signer.valid_before = Some(time(value)?),
            "cert-authority" => {
                return Err("cert-authority is not supported: name the keys themselves".to_owned());
            }
            _ => return Err(format!("the option {name} is not known")),
        }
    }
    Ok(signer)
}

/// Pieces between separators; separators within double quotes belong to a piece, as do the quotes.
fn pieces(text: &str, separates: impl Fn(char) -> bool) -> Result<Vec<String>, String> {
    let (mut pieces, mut piece, mut quoted) = (Vec::new(), String::new(), false);
    for character in text.chars() {
        if character == '"' {
            quoted = !quoted;
        }
        if separates(character) && !quoted {
            if !piece.is_empty() {
                pieces.push(std::mem::take(&mut piece));
            }
        } else {
            piece.push(character);
        }
    }
    if quoted {
        return Err("a quote is not closed".to_owned());
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    Ok(pieces)
}

fn unquoted(text: &str) -> &str {
    text.trim_matches('"')
}

/// `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, with `Z` or without.
fn time(text: &str) -> Result<i64, String> {
    let digits = text.trim_end_matches(['Z', 'z']);
    let format = match digits.len() {
        8 => "%Y%m%d",
        12 => "%Y%m%d%H%M",
        14 => "%Y%m%d%H%M%S",
        _ => {
            return Err(format!(
                "{text:?} is no time: YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS"
            ));
        }
    };
    let parsed = if digits.len() == 8 {
        jiff::civil::Date::strptime(format, digits)
            .map(|date| date.to_datetime(jiff::civil::Time::midnight()))
    } else {
        DateTime::strptime(format, digits)
    };
    parsed
        .and_then(|time| time.to_zoned(TimeZone::UTC))
        .map(|time| time.timestamp().as_second())
        .map_err(|_| format!("{text:?} is no time that exists"))
}

/// What an armoured signature over `signed` proves.
pub(super) fn check(signers: &[Arc<Signer>], armoured: &str, signed: &[u8]) -> Signature {
    let bad = |why: String| Signature::Bad { why };
    let signature = match SshSig::from_pem(armoured.trim()) {
        Ok(signature) => signature,
        Err(error) => return bad(format!("it cannot be read: {error}")),
    };
    if signature.namespace() != NAMESPACE {
        return bad(format!(
            "it is made for {:?}, not for git",
            signature.namespace()
        ));
    }
    let key = PublicKey::from(signature.public_key().clone());
    let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
    if key.verify(NAMESPACE, signed, &signature).is_err() {
        return bad("it does not belong to this commit, or the commit was changed".to_owned());
    }
    let own: Vec<_> = signers
        .iter()
        .filter(|signer| signer.key.key_data() == signature.public_key())
        .collect();
    if own.is_empty() {
        return Signature::UnknownKey { key: fingerprint };
    }
    let made = made(signed);
    let mut why = String::new();
    for signer in own {
        let serves = signer
            .namespaces
            .as_ref()
            .is_none_or(|globs| globs.iter().any(|glob| glob.is_match(NAMESPACE)));
        if !serves {
            why = format!("its key {fingerprint} may not sign for git");
        } else if signer.valid_after.is_some_and(|after| made < after)
            || signer.valid_before.is_some_and(|before| made >= before)
        {
            why = format!("its key {fingerprint} was not valid when it was made");
        } else {
            return Signature::Good {
                key: fingerprint,
                signer: signer.principals.clone(),
            };
        }
    }
    bad(why)
}

/// When the signed object says that it was made: the committer's or tagger's seconds. Git judges by it, too.
fn made(signed: &[u8]) -> i64 {
    String::from_utf8_lossy(signed)
        .lines()
        .take_while(|line| !line.is_empty())
        .find(|line| line.starts_with("committer ") || line.starts_with("tagger "))
        .and_then(|line| line.rsplit(' ').nth(1)?.parse().ok())
        .unwrap_or(0)
}
