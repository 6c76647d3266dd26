//! Texts of a definition that name something outside: addresses, revisions, charts. None of them may pass for an option
//! of a command, whoever reads them later; so it is said here, with file, line and field, before anybody does.

use super::fields::Place;

const MESSAGE: &str =
    "it begins with a dash or holds control characters, and could pass for an option of a command";
const NEXT: &str = "Correct the definition in Git.";
/// What may stand before the name of a revision.
const PREFIXES: [&str; 3] = ["refs/heads/", "refs/tags/", "semver:"];

/// Addresses and charts: no part of them begins with a dash.
pub(super) fn check_address(place: &Place<'_>, field: &str, text: &str) {
    let is_option = text
        .split(['/', '\\', ':', '@', '?', '&', '=', '#'])
        .any(|part| part.trim_start().starts_with('-'));
    refuse(place, field, text, is_option);
}

/// Branches, tags, commits and ranges of versions: as a whole they do not begin with a dash.
pub(super) fn check_revision(place: &Place<'_>, field: &str, text: &str) {
    let name = PREFIXES
        .into_iter()
        .find_map(|prefix| text.strip_prefix(prefix))
        .unwrap_or(text);
    refuse(place, field, text, name.trim_start().starts_with('-'));
}

fn refuse(place: &Place<'_>, field: &str, text: &str, is_option: bool) {
    if is_option || text.chars().any(char::is_control) {
        place.problem(field, MESSAGE, NEXT);
    }
}
