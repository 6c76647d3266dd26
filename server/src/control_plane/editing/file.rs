//! The one file of an edit: where it may be, and what its text becomes. Pure.

use super::super::{checks, paths};
use engine::source::MAX_COMMITTED_BYTES;
use lockstep_types::PortError;

/// Checks where a definition may lie: below the folder of its source, with an ending that is read.
pub(super) fn path(written: &str, folder: &str) -> Result<String, PortError> {
    let path = checks::path("path", written)?;
    if path.is_empty() {
        return Err(PortError::invalid("path", "give the file a path"));
    }
    if path == folder || !paths::covers(folder, &path) {
        return Err(PortError::invalid(
            "path",
            format!("this source reads only what is below {folder}/"),
        ));
    }
    let name = path.rsplit('/').next().unwrap_or_default();
    let ending = [".yaml", ".yml", ".json"]
        .into_iter()
        .any(|ending| name.len() > ending.len() && name.ends_with(ending));
    if !ending {
        return Err(PortError::invalid(
            "path",
            "definitions are read from files that end in .yaml, .yml or .json",
        ));
    }
    Ok(path)
}

/// The text as it is written: with the line ends of the file it replaces (browsers send their own), and one at its end.
pub(super) fn text(written: &str, replaced: Option<&str>) -> Result<String, PortError> {
    let mut text = written.replace("\r\n", "\n").replace('\r', "\n");
    if text.trim().is_empty() {
        return Err(PortError::invalid(
            "text",
            "the file would be empty; to remove it, say so",
        ));
    }
    if text.contains('\0') {
        return Err(PortError::invalid("text", "it holds a zero byte"));
    }
    if !text.ends_with('\n') && replaced.is_none_or(|replaced| replaced.ends_with('\n')) {
        text.push('\n');
    }
    if replaced.is_some_and(|replaced| replaced.contains("\r\n")) {
        text = text.replace('\n', "\r\n");
    }
    if text.len() > MAX_COMMITTED_BYTES {
        return Err(PortError::invalid(
            "text",
            format!("a file has at most {} MiB", MAX_COMMITTED_BYTES >> 20),
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_lies_where_it_is_read() {
        for (written, folder, expected) in [
            ("apps/cart.yaml", "apps", Some("apps/cart.yaml")),
            ("/apps//cart.yml", "apps", Some("apps/cart.yml")),
            ("cart.json", "", Some("cart.json")),
            ("", "", None),
            ("cart.yaml", "apps", None),
            ("apps", "apps", None),
            ("appsets/cart.yaml", "apps", None),
            ("apps/../cart.yaml", "apps", None),
            ("apps/cart.txt", "apps", None),
            ("apps/.yaml", "apps", None),
        ] {
            assert_eq!(
                path(written, folder).ok().as_deref(),
                expected,
                "{written} below {folder}"
            );
        }
    }

    #[test]
    fn line_ends_stay_those_of_the_file() {
        assert_eq!(text("a: 1\r\nb: 2", None).unwrap(), "a: 1\nb: 2\n");
        assert_eq!(
            text("a: 1\nb: 2\n", Some("a: 1\r\n")).unwrap(),
            "a: 1\r\nb: 2\r\n"
        );
        assert_eq!(text("a: 2", Some("a: 1")).unwrap(), "a: 2");
        assert!(text(" \r\n", None).is_err());
        assert!(text(&"x".repeat(MAX_COMMITTED_BYTES), None).is_err());
    }
}
