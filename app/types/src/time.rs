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
}
