//! Points in time as they are stored and sent.

use serde::{Deserialize, Serialize};

/// Microseconds since the Unix epoch. The database stores exactly this number: text forms of time do
/// not sort on SQLite.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Micros {
    /// Whole seconds from `earlier` to `self`; negative when `earlier` is later.
    pub fn seconds_since(self, earlier: Micros) -> i64 {
        (self.0 - earlier.0) / 1_000_000
    }

    /// The same moment `seconds` later.
    pub fn plus_seconds(self, seconds: i64) -> Micros {
        Micros(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// From whole seconds since the epoch, as Git stores them.
    pub fn from_seconds(seconds: i64) -> Micros {
        Micros(seconds.saturating_mul(1_000_000))
    }

    /// As a `jiff` timestamp; `None` outside of the representable years.
    pub fn timestamp(self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::from_microsecond(self.0).ok()
    }

    /// RFC 3339 in UTC with whole seconds, or the bare number when out of range.
    pub fn rfc3339(self) -> String {
        match jiff::Timestamp::from_second(self.0.div_euclid(1_000_000)) {
            Ok(at) => at.to_string(),
            Err(_) => self.0.to_string(),
        }
    }
}

/// Seconds of what may stand behind a number.
const UNITS: [(char, i64); 5] = [
    ('s', 1),
    ('m', 60),
    ('h', 3_600),
    ('d', 86_400),
    ('w', 604_800),
];

impl Micros {
    /// Reads a moment in the past as people and forms write it: how long ago (`90m`, `2h`, `3d`), a time as RFC 3339,
    /// or a day or a time without a zone (`2026-03-04`, `2026-03-04T14:02`), which is meant in UTC.
    ///
    /// # Errors
    /// In words, when it is none of them or has not come yet.
    pub fn read_past(text: &str, now: Micros) -> Result<Micros, String> {
        let text = text.trim();
        let at = ago(text, now).or_else(|| civil(text)).ok_or_else(|| {
            "write how long ago, as 90m, 2h or 3d, or a time, as 2026-03-04T14:02Z".to_owned()
        })?;
        if at > now {
            return Err(format!("{} has not come yet", at.rfc3339()));
        }
        Ok(at)
    }
}

fn ago(text: &str, now: Micros) -> Option<Micros> {
    let (at, unit) = text.char_indices().next_back()?;
    let (_, seconds) = UNITS.into_iter().find(|(letter, _)| *letter == unit)?;
    let number: u32 = text.get(..at)?.parse().ok()?;
    Some(now.plus_seconds(-i64::from(number).saturating_mul(seconds)))
}

fn civil(text: &str) -> Option<Micros> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at.into());
    }
    // A form sends minutes without a zone; a day begins at midnight.
    let local: jiff::civil::DateTime = text.parse().ok()?;
    let at = local.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(at.timestamp().into())
}

impl Micros {
    /// RFC 3339 in UTC with as many digits of a second as there are, so that reading gives the same moment again.
    pub fn exact(self) -> String {
        match self.timestamp() {
            Some(at) => at.to_string(),
            None => self.0.to_string(),
        }
    }
}

impl From<jiff::Timestamp> for Micros {
    fn from(at: jiff::Timestamp) -> Self {
        Micros(at.as_microsecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_as_rfc3339() {
        assert_eq!(Micros(0).rfc3339(), "1970-01-01T00:00:00Z");
        assert_eq!(
            Micros(1_700_000_000_999_999).rfc3339(),
            "2023-11-14T22:13:20Z"
        );
    }

    #[test]
    fn counts_seconds_in_both_directions() {
        let earlier = Micros(1_000_000);
        assert_eq!(earlier.plus_seconds(5).seconds_since(earlier), 5);
        assert_eq!(earlier.seconds_since(earlier.plus_seconds(5)), -5);
    }

    #[test]
    fn moments_are_read_as_people_write_them() {
        let now = Micros::from_seconds(1_700_000_000);
        for (text, expected) in [
            ("90m", "2023-11-14T20:43:20Z"),
            (" 2h ", "2023-11-14T20:13:20Z"),
            ("1w", "2023-11-07T22:13:20Z"),
            ("0s", "2023-11-14T22:13:20Z"),
            ("2023-11-14T20:00:00Z", "2023-11-14T20:00:00Z"),
            ("2023-11-14T20:00:00+02:00", "2023-11-14T18:00:00Z"),
            ("2023-11-14T20:00", "2023-11-14T20:00:00Z"),
            ("2023-11-14", "2023-11-14T00:00:00Z"),
        ] {
            let read = Micros::read_past(text, now).map(Micros::rfc3339);
            assert_eq!(read.as_deref(), Ok(expected), "{text}");
        }
        let exact = Micros(1_600_000_000_123_456);
        assert_eq!(exact.exact(), "2020-09-13T12:26:40.123456Z");
        assert_eq!(Micros::read_past(&exact.exact(), now), Ok(exact));
        for text in ["", "h", "-2h", "1.5h", "yesterday", "2023-13-01", "ü"] {
            let error = Micros::read_past(text, now).unwrap_err();
            assert!(error.starts_with("write how long ago"), "{text}: {error}");
        }
        assert_eq!(
            Micros::read_past("2023-11-15", now).unwrap_err(),
            "2023-11-15T00:00:00Z has not come yet"
        );
    }
}
