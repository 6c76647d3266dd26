//! ECDSA keys whose secret number begins with zeros. OpenSSH leaves them out (RFC 4251 §5, `mpint`), which one key
//! in 256 needs, and every second one on the curve P-521; our reader of keys wants the whole width.

use secrecy::zeroize::Zeroizing;

const MAGIC: &[u8] = b"openssh-key-v1\0";
/// The step in which an unprotected private part grows (PROTOCOL.key of OpenSSH).
const BLOCK: usize = 8;

/// The same key file with the number in its whole width. `None` if that is not what ails it.
///
/// `bytes` is the file without its armour.
pub(super) fn widened(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    if field(&mut rest)? != b"none" {
        return None;
    }
    field(&mut rest)?;
    field(&mut rest)?;
    if take(&mut rest, 4)? != 1_u32.to_be_bytes() {
        return None;
    }
    field(&mut rest)?;
    let head = bytes.get(..bytes.len() - rest.len())?;

    let mut private = field(&mut rest)?;
    let whole = private;
    take(&mut private, 8)?;
    field(&mut private)?;
    let width: u8 = match field(&mut private)? {
        b"nistp256" => 32,
        b"nistp384" => 48,
        b"nistp521" => 66,
        _ => return None,
    };
    field(&mut private)?;
    let before = whole.get(..whole.len() - private.len())?;
    let number = field(&mut private)?;
    let missing = usize::from(width).checked_sub(number.len());
    let missing = missing.filter(|missing| *missing > 0)?;
    let comment = field(&mut private)?;

    let mut inner = Zeroizing::new(Vec::with_capacity(whole.len() + missing + BLOCK));
    inner.extend_from_slice(before);
    inner.extend(u32::from(width).to_be_bytes());
    inner.extend(std::iter::repeat_n(0, missing));
    inner.extend_from_slice(number);
    inner.extend(u32::try_from(comment.len()).ok()?.to_be_bytes());
    inner.extend_from_slice(comment);
    let filling = inner.len().next_multiple_of(BLOCK) - inner.len();
    inner.extend((1_u8..).take(filling));

    let mut wide = Zeroizing::new(Vec::with_capacity(head.len() + 4 + inner.len()));
    wide.extend_from_slice(head);
    wide.extend(u32::try_from(inner.len()).ok()?.to_be_bytes());
    wide.extend_from_slice(&inner);
    Some(wide)
}

/// The next `count` bytes, taken off the front.
fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

/// The next field with its length before it (RFC 4251 §5, `string`).
fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take(rest, 4)?.try_into().ok().map(u32::from_be_bytes)?;
    take(rest, usize::try_from(length).ok()?)
}
