//! What people type, checked field by field. Pure.

use lockstep_types::PortError;
use std::collections::BTreeMap;

/// Longest reason that is kept.
const REASON: usize = 2_000;
/// A month: longer pauses are a change of the definition.
pub(super) const MAX_HOURS: u32 = 24 * 31;

/// A name for rows and addresses: letters, digits, dots, dashes and underscores.
pub(super) fn name(field: &str, text: &str) -> Result<String, PortError> {
    let text = text.trim();
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if text.is_empty() {
        return Err(PortError::invalid(field, "give a name"));
    }
    if text.len() > 63
        || !text.chars().all(fits)
        || !text.starts_with(|letter: char| letter.is_ascii_alphanumeric())
    {
        return Err(PortError::invalid(
            field,
            "use up to 63 letters, digits, dots, dashes and underscores, beginning with a letter or digit",
        ));
    }
    Ok(text.to_owned())
}

/// A path inside a repository, without leading or trailing slash.
pub(super) fn path(field: &str, text: &str) -> Result<String, PortError> {
    let parts: Vec<&str> = text
        .trim()
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    if parts.contains(&"..") || text.chars().any(char::is_control) || text.len() > 4096 {
        return Err(PortError::invalid(
            field,
            "give a path inside the repository",
        ));
    }
    Ok(parts.join("/"))
}

/// The reason of a rollback commit. It may be left out at three in the morning: the commit itself says what was undone,
/// and by whom.
pub(super) fn optional_reason(text: &str) -> Result<String, PortError> {
    if text.trim().is_empty() {
        Ok(String::new())
    } else {
        reason(text)
    }
}

/// A reason in a person's words; holds and pins need one, since nothing else tells why a target stands still.
pub(super) fn reason(text: &str) -> Result<String, PortError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(PortError::invalid("reason", "say why; others will read it"));
    }
    if text.chars().count() > REASON {
        return Err(PortError::invalid(
            "reason",
            format!("use at most {REASON} characters"),
        ));
    }
    Ok(text.to_owned())
}

/// How long a hold or pin lasts.
pub(super) fn hours(hours: u32) -> Result<i64, PortError> {
    if hours == 0 || hours > MAX_HOURS {
        return Err(PortError::invalid(
            "hours",
            format!("give 1 to {MAX_HOURS} hours"),
        ));
    }
    Ok(i64::from(hours) * 3600)
}

/// Labels as Kubernetes would take them, roughly: no empty key, nothing overlong, no control characters.
pub(super) fn labels(labels: &BTreeMap<String, String>) -> Result<(), PortError> {
    let bad = |text: &str| {
        text.chars().count() > 253
            || text
                .chars()
                .any(|letter| letter.is_control() || letter.is_whitespace())
    };
    for (key, value) in labels {
        if key.is_empty() || bad(key) || bad(value) {
            return Err(PortError::invalid(
                "labels",
                format!("“{key}” or its value is empty, too long, or holds white space"),
            ));
        }
    }
    if labels.len() > 64 {
        return Err(PortError::invalid("labels", "use at most 64 labels"));
    }
    Ok(())
}

/// The name typed again before something is forgotten.
pub(super) fn typed(typed: &str, name: &str) -> Result<(), PortError> {
    if typed == name {
        return Ok(());
    }
    Err(PortError::invalid(
        "typed",
        format!("type “{name}” to confirm"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_are_plain() {
        assert_eq!(name("name", " prod-eu.1 ").as_deref(), Ok("prod-eu.1"));
        for bad in ["", " ", "-a", "a b", "a/b", &"a".repeat(64)] {
            assert!(name("name", bad).is_err(), "{bad}");
        }
        assert_eq!(path("path", "/a//./b/").as_deref(), Ok("a/b"));
        assert!(path("path", "a/../b").is_err());
    }

    #[test]
    fn pauses_need_a_reason_and_an_end() {
        assert!(reason("  ").is_err());
        assert_eq!(hours(4), Ok(4 * 3600));
        assert!(hours(0).is_err() && hours(MAX_HOURS + 1).is_err());
        assert!(typed("prod", "prod-eu").is_err());
    }
}
