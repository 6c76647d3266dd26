//! Numbers, times and names as words. Pure: no clock, no locale, the same on server and browser.

use lockstep_types::Micros;
use serde_json::Value;

/// A span in one unit, as short as it stays true: `50 s`, `4 min`, `14 h`, `3 d`, `2 y`.
pub fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        172_800..63_072_000 => format!("{} d", seconds / 86_400),
        _ => format!("{} y", seconds / 31_536_000),
    }
}

/// How long ago, or how far ahead: `4 min`, `in 40 min`, `now`.
pub fn relative(at: Micros, now: Micros) -> String {
    let seconds = now.seconds_since(at);
    if seconds <= -60 {
        format!("in {}", span(-seconds))
    } else if seconds < 2 {
        "now".to_owned()
    } else {
        span(seconds)
    }
}

/// The moment in full: `2026-03-04 14:02:11 UTC`.
pub fn absolute(at: Micros) -> String {
    at.rfc3339().replace('T', " ").replace('Z', " UTC")
}

/// Hour and minute: `14:02 UTC`, for ends within the day.
pub fn clock_time(at: Micros) -> String {
    at.rfc3339()
        .get(11..16)
        .map(|time| format!("{time} UTC"))
        .unwrap_or_default()
}

/// A duration with two units where that helps: `0.4 s`, `38 s`, `2 min 5 s`, `1 h 4 min`.
pub fn duration(from: Micros, to: Micros) -> String {
    let millis = (to.0 - from.0).max(0) / 1_000;
    let seconds = millis / 1_000;
    match seconds {
        0..10 => format!("{}.{} s", seconds, (millis % 1_000) / 100),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// `1,940`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 target`, `3 targets`.
pub fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `42 MB`, in powers of ten.
pub fn bytes(number: u64) -> String {
    match number {
        0..1_000 => format!("{number} B"),
        1_000..1_000_000 => format!("{} kB", number / 1_000),
        1_000_000..1_000_000_000 => format!("{} MB", number / 1_000_000),
        _ => format!(
            "{}.{} GB",
            number / 1_000_000_000,
            number / 100_000_000 % 10
        ),
    }
}

/// The last part of a repository's address: `shop.git`.
pub fn repository(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    url.rsplit(['/', ':']).next().unwrap_or(url)
}

/// The web page of a repository, when its address is one.
pub fn web_address(url: &str) -> Option<&str> {
    (url.starts_with("https://") && !url.contains('@')).then(|| url.trim_end_matches(".git"))
}

/// The first letter in upper case, unless the text begins with a name: `spec.source.path`, `kubectl-scale`.
pub fn sentence_case(text: &str) -> String {
    let word = text.split_whitespace().next().unwrap_or_default();
    let word = word.trim_end_matches([',', '.', ':', ';']);
    if !word.chars().all(char::is_alphabetic) {
        return text.to_owned();
    }
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// A field's value on one line: strings bare, the rest as JSON.
pub fn value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `3 → 5`; an absent side is `absent`.
pub fn change(from: Option<&Value>, to: Option<&Value>) -> String {
    let word = |side: Option<&Value>| side.map_or_else(|| "absent".to_owned(), value);
    format!("{} → {}", word(from), word(to))
}

/// Shortened in the middle to `most` characters, so that both ends can be read.
pub fn middle(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most || most < 3 {
        return text.to_owned();
    }
    let head = (most - 1).div_ceil(2);
    let tail = most - 1 - head;
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(length - tail).collect();
    format!("{start}…{end}")
}

/// Percent-encoding for one part of a query string.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'_'
            | b'.'
            | b'~'
            | b':'
            | b'/'
            | b',' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// An address with the query parts that are not empty.
pub fn link(path: &str, query: &[(&str, &str)]) -> String {
    let mut out = path.to_owned();
    let mut glue = '?';
    for (key, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
        out.push(glue);
        out.push_str(key);
        out.push('=');
        out.push_str(&encode(value));
        glue = '&';
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Micros = Micros(1_700_000_000_000_000);

    #[test]
    fn spans_use_one_unit() {
        for (seconds, words) in [
            (-3, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3_599, "59 min"),
            (3_600, "1 h"),
            (90_000, "25 h"),
            (172_800, "2 d"),
            (70_000_000, "2 y"),
        ] {
            assert_eq!(span(seconds), words, "{seconds}");
        }
    }

    #[test]
    fn names_keep_their_letters_at_the_beginning_of_a_sentence() {
        for (text, sentence) in [
            ("one image, two versions", "One image, two versions"),
            ("waiting: step 1", "Waiting: step 1"),
            ("élan", "Élan"),
            ("spec.path leaves", "spec.path leaves"),
            ("kubectl-scale wrote it", "kubectl-scale wrote it"),
            ("3 of 4 are ready", "3 of 4 are ready"),
            ("", ""),
        ] {
            assert_eq!(sentence_case(text), sentence);
        }
    }

    #[test]
    fn relative_times_know_the_future() {
        assert_eq!(relative(NOW, NOW), "now");
        assert_eq!(relative(NOW.plus_seconds(-240), NOW), "4 min");
        assert_eq!(relative(NOW.plus_seconds(2_400), NOW), "in 40 min");
        assert_eq!(relative(NOW.plus_seconds(20), NOW), "now");
    }

    #[test]
    fn absolute_times_are_utc() {
        assert_eq!(absolute(NOW), "2023-11-14 22:13:20 UTC");
        assert_eq!(clock_time(NOW), "22:13 UTC");
    }

    #[test]
    fn durations_carry_two_units() {
        for (micros, words) in [
            (420_000, "0.4 s"),
            (38_000_000, "38 s"),
            (125_000_000, "2 min 5 s"),
            (3_840_000_000, "1 h 4 min"),
        ] {
            assert_eq!(duration(NOW, Micros(NOW.0 + micros)), words);
        }
    }

    #[test]
    fn numbers_are_grouped_and_counted() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1_940), "1,940");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(plural(1, "target", "targets"), "1 target");
        assert_eq!(plural(2_000, "target", "targets"), "2,000 targets");
        assert_eq!(bytes(12_345_678), "12 MB");
        assert_eq!(bytes(1_250_000_000), "1.2 GB");
    }

    #[test]
    fn names_are_shortened_without_loss_of_their_ends() {
        assert_eq!(
            repository("https://git.example.com/team/shop.git"),
            "shop.git"
        );
        assert_eq!(repository("git@git.example.com:team/shop.git"), "shop.git");
        assert_eq!(middle("checkout-6bf9c7d8f4-x2x8p", 12), "checko…x2x8p");
        assert_eq!(middle("short", 12), "short");
        assert_eq!(
            web_address("https://git.example.com/a.git"),
            Some("https://git.example.com/a")
        );
        assert_eq!(web_address("https://user@git.example.com/a.git"), None);
        assert_eq!(web_address("ssh://git@example.com/a.git"), None);
    }

    #[test]
    fn values_fit_one_line() {
        assert_eq!(change(Some(&json!(3)), Some(&json!("five"))), "3 → five");
        assert_eq!(change(None, Some(&json!({"a": 1}))), r#"absent → {"a":1}"#);
    }

    #[test]
    fn links_leave_out_what_is_empty() {
        assert_eq!(link("/", &[]), "/");
        assert_eq!(
            link("/", &[("q", "is:drifting a&b"), ("view", ""), ("all", "1")]),
            "/?q=is:drifting%20a%26b&all=1"
        );
    }
}
