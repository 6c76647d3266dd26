//! API tokens: `lsk_`, 32 random bytes in base62, and a checksum, so that scanners find them and typing errors are
//! told apart from wrong ones without a look into the database. Only the SHA-256 is stored.

use rand::TryRngCore;
use rand::rngs::OsRng;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

const PREFIX: &str = "lsk_";
/// 62^43 is just above 2^256.
const BODY: usize = 43;
/// 62^6 is above 2^32.
const CHECK: usize = 6;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A new token. Shown once.
///
/// # Errors
/// The operating system gives no random bytes.
pub fn generate() -> Result<SecretString, rand::rand_core::OsError> {
    let mut bytes = [0_u8; 32];
    OsRng.try_fill_bytes(&mut bytes)?;
    let body = base62(&bytes, BODY);
    let check = base62(&crc32(body.as_bytes()).to_be_bytes(), CHECK);
    Ok(SecretString::from(format!("{PREFIX}{body}{check}")))
}

/// Whether this has the form of a token and its checksum holds.
pub fn is_well_formed(token: &str) -> bool {
    let Some(rest) = token.strip_prefix(PREFIX) else {
        return false;
    };
    if rest.len() != BODY + CHECK || !rest.is_ascii() {
        return false;
    }
    let (body, check) = rest.split_at(BODY);
    base62(&crc32(body.as_bytes()).to_be_bytes(), CHECK) == check
}

/// What the database holds of a token or a one-time link.
pub fn digest(token: &SecretString) -> String {
    let digest = Sha256::digest(token.expose_secret().as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Big-endian bytes as a number of `width` digits.
fn base62(bytes: &[u8], width: usize) -> String {
    let mut number = bytes.to_vec();
    let mut digits = vec![b'0'; width];
    for place in digits.iter_mut().rev() {
        // Long division by 62, in place; the remainder is the next digit from the right.
        let mut rest = 0_u32;
        for byte in &mut number {
            let value = rest << 8 | u32::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or_default();
            rest = value % 62;
        }
        let digit = usize::try_from(rest).unwrap_or_default();
        *place = DIGITS.get(digit).copied().unwrap_or(b'0');
    }
    String::from_utf8(digits).unwrap_or_default()
}

/// CRC-32 as in Ethernet and zip.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_tokens_are_well_formed_and_differ() {
        let (one, two) = (generate().unwrap(), generate().unwrap());
        let text = one.expose_secret();
        assert_eq!(text.len(), 4 + 43 + 6);
        assert!(is_well_formed(text));
        assert_ne!(digest(&one), digest(&two));
        assert_eq!(digest(&one).len(), 64);
    }

    #[test]
    fn a_changed_character_is_noticed() {
        let token = generate().unwrap();
        let text = token.expose_secret();
        let swapped = if text.ends_with('A') { 'B' } else { 'A' };
        let bent = format!("{}{swapped}", text.get(..text.len() - 1).unwrap());
        for bad in [
            bent.as_str(),
            "",
            "lsk_",
            "lsk_ü",
            text.trim_start_matches("lsk_"),
        ] {
            assert!(!is_well_formed(bad), "{bad}");
        }
    }

    #[test]
    fn checksum_is_the_known_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(base62(&[0, 0, 1, 0], 6), "000048");
    }
}
