//! Resource quantities in the one form that the API server writes: `1000m` becomes `1`, `1024Mi` becomes `1Gi`.

use crate::prediction::{Rule, is_on};
use serde_json::Value;

/// In which family of suffixes a quantity is written; it survives the round trip, so `1Gi` and `1073741824` differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Decimal,
    Binary,
    Exponent,
}

/// A quantity in nano units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quantity {
    nanos: i128,
    family: Family,
}

const NANO: i128 = 1_000_000_000;

/// Reads a quantity; `None` for what is none, or too large or fine to be sure about.
pub(super) fn canonical(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => parse(text.trim()),
        Value::Number(number) => parse(&number.to_string()),
        _ => None,
    }
}

fn parse(text: &str) -> Option<Quantity> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at_checked(digits)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty())
        || fraction.contains('.')
        || whole.len() + fraction.len() > 24
    {
        return None;
    }
    let (scale, family) = scale_of(suffix)?;
    let mantissa: i128 = format!("{whole}{fraction}").parse().ok()?;
    let shift = i32::try_from(fraction.len()).ok()?;
    let nanos = match scale {
        Scale::Ten(exponent) => times_ten(mantissa, exponent.checked_sub(shift)?.checked_add(9)?)?,
        Scale::Two(exponent) => {
            let scaled = mantissa
                .checked_mul(1_i128.checked_shl(exponent)?)?
                .checked_mul(NANO)?;
            times_ten(scaled, -shift)?
        }
    };
    let family = written(nanos, family);
    Some(Quantity {
        nanos: if negative { -nanos } else { nanos },
        family,
    })
}

/// The family in which the API server writes it: where no suffix is left to write, the family is lost.
fn written(nanos: i128, family: Family) -> Family {
    if nanos == 0 || !is_on(Rule::QuantityFamilies) {
        return Family::Decimal;
    }
    let divides = |by: i128| nanos % (by * NANO) == 0;
    let plain = match family {
        Family::Binary => !divides(1024),
        Family::Exponent => divides(1) && !divides(1000),
        Family::Decimal => false,
    };
    if plain && is_on(Rule::PlainQuantities) {
        Family::Decimal
    } else {
        family
    }
}

enum Scale {
    Ten(i32),
    Two(u32),
}

fn scale_of(suffix: &str) -> Option<(Scale, Family)> {
    let decimal = |exponent| Some((Scale::Ten(exponent), Family::Decimal));
    let binary = |exponent| Some((Scale::Two(exponent), Family::Binary));
    match suffix {
        "" => decimal(0),
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(10),
        "Mi" => binary(20),
        "Gi" => binary(30),
        "Ti" => binary(40),
        "Pi" => binary(50),
        "Ei" => binary(60),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            (-18..=18)
                .contains(&exponent)
                .then_some((Scale::Ten(exponent), Family::Exponent))
        }
    }
}

/// `None` when digits below one nano would be lost: the API server rounds them up, and so would we have to.
fn times_ten(value: i128, exponent: i32) -> Option<i128> {
    let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
    if exponent >= 0 {
        value.checked_mul(power)
    } else {
        (value % power == 0).then_some(value / power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equal_quantities_are_recognised() {
        for (one, other) in [
            (json!("1000m"), json!("1")),
            (json!("1024Mi"), json!("1Gi")),
            (json!("0.5"), json!("500m")),
            (json!(0.5), json!("500m")),
            (json!(2), json!("2")),
            (json!("1.5Gi"), json!("1536Mi")),
            (json!("100000k"), json!("100M")),
            (json!("+1"), json!("1")),
            (json!("1e3"), json!("1000e0")),
            (json!("0Gi"), json!("0")),
            (json!(".5"), json!("0.50")),
            (json!("0.5Ki"), json!("512")),
            (json!("1.5Ki"), json!("1536")),
            (json!("0.00048828125Ki"), json!("500m")),
            (json!("100e0"), json!("100")),
            (json!("1e-3"), json!("1e-3")),
        ] {
            assert!(canonical(&one).is_some(), "{one}");
            assert_eq!(canonical(&one), canonical(&other), "{one} {other}");
        }
    }

    #[test]
    fn different_quantities_and_families_stay_different() {
        for (one, other) in [
            ("1", "1Gi"),
            ("1Gi", "1073741824"),
            ("1G", "1Gi"),
            ("1e3", "1k"),
            ("2Ki", "2048"),
            ("1e-3", "1m"),
            ("-1", "1"),
        ] {
            assert_ne!(parse(one), parse(other), "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in [
            "",
            "m",
            "1 Gi",
            "1.2.3",
            "abc",
            "1ee3",
            "1KI",
            "99999999999999999999999999Ei",
            "1e99",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(canonical(&json!(true)), None);
    }
}
