//! Spans of time as Flux writes them: `1h30m`, `90s`, `1.5m`. Knows no fields.

/// Whole seconds, rounded up; `None` when it is no span or longer than a `u32` holds.
pub(in crate::definition) fn seconds(written: &str) -> Option<u32> {
    if written == "0" {
        return Some(0);
    }
    let mut rest = written.strip_prefix('+').unwrap_or(written);
    if rest.is_empty() {
        return None;
    }
    let mut total = 0.0_f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let unit_end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let factor = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            "us" | "µs" | "μs" => 0.000_001,
            "ns" => 0.000_000_001,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * factor;
        rest = next;
    }
    // Whole text keeps clear of lossy casts.
    format!("{:.0}", total.ceil()).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn spans_become_seconds() {
        for (written, expected) in [
            ("5m", Some(300)),
            ("1h30m", Some(5400)),
            ("10m0s", Some(600)),
            ("1.5m", Some(90)),
            ("1500ms", Some(2)),
            ("0", Some(0)),
            ("5", None),
            ("", None),
            ("5 minutes", None),
            ("-5m", None),
            ("999999999h", None),
        ] {
            assert_eq!(seconds(written), expected, "{written}");
        }
    }
}
