//! A number of members, or a part of them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// As Kubernetes writes it: `3` or `25%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Amount {
    Count(u32),
    /// Of all, rounded down, and one at least unless it is 0 %.
    Percent(u32),
}

impl Default for Amount {
    fn default() -> Self {
        Self::Count(0)
    }
}

impl Amount {
    /// Everyone.
    pub const ALL: Self = Self::Percent(100);
    /// Nobody.
    pub const NONE: Self = Self::Count(0);

    /// How many of `all` that is.
    pub fn of(self, all: usize) -> usize {
        match self {
            Self::Count(count) => usize::try_from(count).unwrap_or(usize::MAX).min(all),
            Self::Percent(0) => 0,
            Self::Percent(percent) => {
                let part = all.saturating_mul(usize::try_from(percent).unwrap_or(usize::MAX)) / 100;
                part.max(1).min(all)
            }
        }
    }

    /// Reads a value of YAML.
    ///
    /// # Errors
    /// What is wrong with it, without a subject.
    pub fn read(value: &Value) -> Result<Self, String> {
        let wrong = || "must be a number of 0 or more, or a percentage like 25%".to_owned();
        match value {
            Value::Number(number) => number
                .as_u64()
                .and_then(|count| u32::try_from(count).ok())
                .map(Self::Count)
                .ok_or_else(wrong),
            Value::String(text) => {
                let percent: u32 = text
                    .strip_suffix('%')
                    .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
                    .and_then(|digits| digits.parse().ok())
                    .ok_or_else(wrong)?;
                if percent > 100 {
                    return Err(format!("is {percent}%, and there are no more than 100%"));
                }
                Ok(Self::Percent(percent))
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}
