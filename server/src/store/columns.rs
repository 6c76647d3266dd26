//! Between columns and the vocabulary: ids and JSON as text, words of enums, counts.

use super::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::str::FromStr;

/// A column, for messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column(pub(super) &'static str, pub(super) &'static str);

impl Column {
    pub(super) fn unreadable(self) -> StoreError {
        StoreError::Unreadable {
            table: self.0,
            column: self.1,
        }
    }

    /// Reads an id.
    pub(super) fn id<T: FromStr>(self, text: &str) -> Result<T, StoreError> {
        text.parse().map_err(|_| self.unreadable())
    }

    /// Reads an id that may be absent.
    pub(super) fn maybe_id<T: FromStr>(self, text: Option<&str>) -> Result<Option<T>, StoreError> {
        text.map(|text| self.id(text)).transpose()
    }

    /// Reads a stored word.
    pub(super) fn word<T>(self, word: Option<T>) -> Result<T, StoreError> {
        word.ok_or_else(|| self.unreadable())
    }

    /// Reads JSON.
    pub(super) fn json<T: DeserializeOwned>(self, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|_| self.unreadable())
    }

    /// Reads JSON that may be absent.
    pub(super) fn maybe_json<T: DeserializeOwned>(
        self,
        text: Option<&str>,
    ) -> Result<Option<T>, StoreError> {
        text.map(|text| self.json(text)).transpose()
    }
}

/// Writes JSON; `what` begins the sentence when it fails.
pub(super) fn json<T: Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|source| StoreError::Unwritable { what, source })
}

/// Writes JSON that may be absent.
pub(super) fn maybe_json<T: Serialize>(
    what: &'static str,
    value: Option<&T>,
) -> Result<Option<String>, StoreError> {
    value.map(|value| json(what, value)).transpose()
}

/// A count from a column; what is negative by another's hand reads as none.
pub(super) fn count(column: i32) -> u32 {
    u32::try_from(column).unwrap_or(0)
}

/// A count for a column.
pub(super) fn column(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// A sequence number or generation from a column.
pub(super) fn number(column: i64) -> u64 {
    u64::try_from(column).unwrap_or(0)
}

/// A sequence number or generation for a column.
pub(super) fn big(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Text that something is looked for by. PostgreSQL takes no null character, and no text that is stored has one.
pub(super) fn asked(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A pattern for `LIKE … ESCAPE '\'` that finds `word` anywhere, lower-cased.
pub(super) fn anywhere(word: &str) -> String {
    let mut pattern = String::from("%");
    for letter in asked(word).to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// How many rows go into one statement: SQLite allows 32,766 parameters.
pub(super) const ROWS_AT_ONCE: usize = 500;
