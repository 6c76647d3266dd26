//! What a plain word of YAML means to Kubernetes: YAML 1.1 as Go's second reader of it has it. Pure.
//!
//! The rules are those that kubectl's answers show (`render/directory/kubectl.jsonl`); nothing here knows documents.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A scalar before it becomes a value or a key.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Above the largest `i64`.
    Large(u64),
    Float(f64),
    Text(String),
}

const CORE: &str = "tag:yaml.org,2002:";

/// Reads a scalar. `quoted` scalars without a tag are text; a tag of somebody else's makes it text too.
///
/// # Errors
/// When the tag promises something that the text is not.
pub(super) fn read(text: &str, quoted: bool, tag: Option<(&str, &str)>) -> Result<Scalar, String> {
    let as_text = || Scalar::Text(text.to_owned());
    let name = match tag {
        None if quoted => return Ok(as_text()),
        None => return Ok(plain(text)),
        Some((CORE, name)) => name,
        Some((handle, suffix)) => match format!("{handle}{suffix}").strip_prefix(CORE) {
            Some(name) => return read(text, quoted, Some((CORE, name))),
            None => return Ok(as_text()),
        },
    };
    let found = match name {
        "str" => return Ok(as_text()),
        "binary" => return binary(text),
        "bool" | "int" | "float" | "null" => plain(text),
        "timestamp" if is_date(text) => return Ok(as_text()),
        "timestamp" => return Err(format!("{} is no date", short(text))),
        _ => return Ok(as_text()),
    };
    match (name, found) {
        ("float", Scalar::Int(whole)) => Ok(float_of(&whole.to_string()).unwrap_or_else(as_text)),
        ("float", Scalar::Large(whole)) => Ok(float_of(&whole.to_string()).unwrap_or_else(as_text)),
        ("float", found @ Scalar::Float(_))
        | ("int", found @ (Scalar::Int(_) | Scalar::Large(_)))
        | ("bool", found @ Scalar::Bool(_))
        | ("null", found @ Scalar::Null) => Ok(found),
        _ => Err(format!("{} cannot be read as !!{name}", short(text))),
    }
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

fn binary(text: &str) -> Result<Scalar, String> {
    let bare: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    let bytes = STANDARD
        .decode(bare)
        .map_err(|_| "!!binary holds no base64".to_owned())?;
    String::from_utf8(bytes)
        .map(Scalar::Text)
        .map_err(|_| "!!binary holds bytes that are no UTF-8 text".to_owned())
}

/// A plain scalar without a tag.
fn plain(text: &str) -> Scalar {
    if let Some(word) = word(text) {
        return word;
    }
    let number = match text.bytes().next() {
        Some(b'.') => float_of(text),
        Some(b'+' | b'-' | b'0'..=b'9') => number(text),
        _ => None,
    };
    number.unwrap_or_else(|| Scalar::Text(text.to_owned()))
}

/// Only these spellings count: `yEs` is text.
fn word(text: &str) -> Option<Scalar> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            Scalar::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

/// Underscores anywhere are left out first.
fn number(text: &str) -> Option<Scalar> {
    let bare;
    let text = if text.contains('_') {
        bare = text.replace('_', "");
        bare.as_str()
    } else {
        text
    };
    whole(text).or_else(|| is_fraction(text).then(|| float_of(text)).flatten())
}

fn whole(text: &str) -> Option<Scalar> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, digits.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, digits.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    if !digits.bytes().all(|digit| digit.is_ascii_alphanumeric()) {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    match (i64::try_from(size), negative) {
        (Ok(size), false) => Some(Scalar::Int(size)),
        (Ok(size), true) => Some(Scalar::Int(-size)),
        (Err(_), true) => (size == i64::MIN.unsigned_abs()).then_some(Scalar::Int(i64::MIN)),
        // A plus sign is not allowed before what only fits without a sign.
        (Err(_), false) => (!text.starts_with('+')).then_some(Scalar::Large(size)),
    }
}

/// Digits with at most one dot, and perhaps an exponent.
fn is_fraction(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = text
        .split_once(['e', 'E'])
        .map_or((text, None), |(mantissa, exponent)| {
            (mantissa, Some(exponent))
        });
    let all_digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    let fits = match mantissa.split_once('.') {
        Some(("", after)) => !after.is_empty() && all_digits(after),
        Some((before, after)) => all_digits(before) && all_digits(after),
        None => !mantissa.is_empty() && all_digits(mantissa),
    };
    let exponent = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    fits && exponent.is_none_or(|digits| !digits.is_empty() && all_digits(digits))
}

/// Nothing when it is no number or too large for one.
fn float_of(text: &str) -> Option<Scalar> {
    // Rust also knows `.inf` without a dot, and other words.
    if !is_fraction(text) {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    number.is_finite().then_some(Scalar::Float(number))
}

/// `2026-11-23`, or with a time behind it.
fn is_date(text: &str) -> bool {
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (
            text.get(..at).unwrap_or_default(),
            text.get(at + 1..).unwrap_or_default(),
        ),
        None => (text, "0:0:0"),
    };
    let numbers: Vec<Option<i16>> = date.split('-').map(|part| part.parse().ok()).collect();
    let valid = match numbers.as_slice() {
        [Some(year), Some(month), Some(day)] => i8::try_from(*month)
            .ok()
            .zip(i8::try_from(*day).ok())
            .is_some_and(|(month, day)| jiff::civil::Date::new(*year, month, day).is_ok()),
        _ => false,
    };
    let clock = time.split(['Z', '+', '-', '.']).next().unwrap_or_default();
    let parts: Vec<Option<u8>> = clock.split(':').map(|part| part.parse().ok()).collect();
    let in_time = matches!(parts.as_slice(), [Some(hour), Some(minute), Some(second)] if *hour < 24 && *minute < 60 && *second < 60);
    date.find('-') == Some(4) && valid && in_time
}

/// A map's key as JSON knows it.
///
/// # Errors
/// When Kubernetes takes no such key.
pub(super) fn key(scalar: Scalar) -> Result<String, &'static str> {
    Ok(match scalar {
        Scalar::Text(text) => text,
        Scalar::Bool(value) => value.to_string(),
        Scalar::Int(value) => value.to_string(),
        Scalar::Float(value) => float_key(value),
        Scalar::Null => return Err("a key is null; write it in quotes"),
        Scalar::Large(_) => {
            return Err("a key is a number too large for Kubernetes; write it in quotes");
        }
    })
}

/// As Go's `%g` writes a number of 32 bits.
fn float_key(value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let narrow = value as f32;
    let scientific = format!("{narrow:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    // The shortest digits that say it; large and small ones with an exponent.
    if (-4..6).contains(&exponent) {
        return narrow.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}
