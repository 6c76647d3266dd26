//! What an edit says before it is done. Pure.

use super::super::rollbacks::words::{count, listed, paragraph};
use super::compare::Difference;
use crate::store::source::SourceRow;
use engine::definition::Definition;
use lockstep_types::edit::{EditEffect, EditKind, EditProblem, EditedApplication};
use lockstep_types::revision::Revision;
use lockstep_types::source::Mode;
use std::collections::BTreeSet;

/// More names than these are counted.
const NAMED: usize = 3;

/// Why nothing can be committed to a source at all; empty when it can.
pub(super) fn refused(source: &SourceRow, branch: Option<&str>) -> String {
    if source.mode == Mode::Observe {
        return format!(
            "The source {} is only observed, and nothing is written to its repository; take it over first.",
            source.name
        );
    }
    if branch.is_none() {
        return format!(
            "The source {} follows {}, which is no branch: a new commit would not move it. Let the source follow a branch.",
            source.name,
            source.target_revision.name()
        );
    }
    String::new()
}

/// A folder without files does not exist in Git, and a missing folder is never taken for an empty one.
pub(super) const LAST_FILE: &str = "Without it the source could not be read, and all that it defines would stay as it is; keep another file there first.";

/// What removing the last file of a source does.
pub(super) fn last_file(source: &SourceRow) -> String {
    format!("This is the last file below {}/.", source.path)
}

/// Why this edit cannot be committed; empty when it can.
pub(super) fn unfit(problems: &[EditProblem]) -> String {
    match problems.iter().filter(|problem| problem.new).count() {
        0 => String::new(),
        1 => "The edit brings a problem; mend it first.".to_owned(),
        many => format!("The edit brings {many} problems; mend them first."),
    }
}

/// `This commit adds cart and changes web.`
pub(super) fn first_line(applications: &[EditedApplication]) -> String {
    let mut parts = Vec::new();
    for (effect, verb) in [
        (EditEffect::Added, "adds"),
        (EditEffect::Changed, "changes"),
        (EditEffect::Removed, "removes"),
        (EditEffect::Broken, "breaks"),
    ] {
        let names = named(applications, effect);
        if !names.is_empty() {
            parts.push(format!("{verb} {}", some(&names)));
        }
    }
    let rendering = named(applications, EditEffect::Rendered);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match (parts.is_empty(), rendering.is_empty()) {
        (false, _) => format!("This commit {}.", listed(&parts)),
        (true, false) => format!(
            "No definition changes; {} the file.",
            if rendering.len() == 1 {
                format!("{} renders", rendering[0])
            } else {
                format!("{} render", some(&rendering))
            }
        ),
        (true, true) => "No application is defined otherwise by this commit.".to_owned(),
    }
}

/// The commit message, subject first. Trailers say for machines what the subject says for people.
pub(super) fn message(
    applications: &[EditedApplication],
    source: &SourceRow,
    (kind, path): (EditKind, &str),
    head: &Revision,
    operation: &str,
    reason: &str,
) -> String {
    let groups: Vec<(&str, Vec<&str>)> = [
        (EditEffect::Added, "add"),
        (EditEffect::Changed, "change"),
        (EditEffect::Broken, "change"),
        (EditEffect::Removed, "remove"),
    ]
    .into_iter()
    .map(|(effect, verb)| (verb, named(applications, effect)))
    .filter(|(_, names)| !names.is_empty())
    .collect();
    let parts: Vec<String> = groups
        .iter()
        .map(|(verb, names)| format!("{verb} {}", some(names)))
        .collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let what = if parts.is_empty() {
        let verb = match kind {
            EditKind::Add => "add",
            EditKind::Replace => "change",
            EditKind::Remove => "remove",
        };
        format!("{verb} {path}")
    } else {
        listed(&parts)
    };
    let mut subject = what.chars();
    let subject: String = subject
        .next()
        .map(|first| first.to_uppercase().chain(subject).collect())
        .unwrap_or_default();
    let mut text = format!("{subject}\n\n");
    if !reason.trim().is_empty() {
        text.push_str(&paragraph(reason));
        text.push_str("\n\n");
    }
    let mut names: BTreeSet<String> = BTreeSet::new();
    for application in applications
        .iter()
        .filter(|application| application.effect != EditEffect::Rendered)
        .take(20)
    {
        names.insert(format!(
            "Lockstep-Application: {}/{}",
            one_line(&application.application.project),
            one_line(&application.application.name)
        ));
    }
    for name in names {
        text.push_str(&name);
        text.push('\n');
    }
    text.push_str(&format!(
        "Lockstep-Source: {}\nLockstep-From: {head}\nLockstep-Operation: {operation}\n",
        source.name
    ));
    text
}

/// Consequences that no plan shows, a sentence each.
pub(super) fn notes(
    differences: &[Difference],
    clusters_of: impl Fn(&Definition) -> Vec<String>,
) -> Vec<String> {
    let mut notes = Vec::new();
    let removed: Vec<&str> = differences
        .iter()
        .filter(|difference| difference.effect == EditEffect::Removed)
        .map(|difference| difference.application.name.as_str())
        .collect();
    if !removed.is_empty() {
        notes.push(format!(
            "Nothing is deleted from clusters: what {} deployed runs on, is no longer compared, and is listed as leftovers.",
            some(&removed)
        ));
    }
    for difference in differences {
        let name = &difference.application.name;
        let Some((_, after)) = &difference.after else {
            continue;
        };
        if let Some(before) = &difference.before {
            let (then, now) = (clusters_of(before), clusters_of(after));
            let left: Vec<&str> = then
                .iter()
                .filter(|cluster| !now.contains(cluster))
                .map(String::as_str)
                .collect();
            if !left.is_empty() {
                notes.push(format!(
                    "{name} no longer goes to {}; what it deployed there stays and is listed as leftovers.",
                    listed(&left)
                ));
            }
        }
        let known: &[(String, String)] = difference
            .before
            .as_ref()
            .map_or(&[], |before| &before.ignored_fields);
        for (field, why) in &after.ignored_fields {
            if !known.iter().any(|(other, _)| other == field) {
                notes.push(format!("{name}: {field} is not acted on: {why}."));
            }
        }
    }
    notes
}

fn named(applications: &[EditedApplication], effect: EditEffect) -> Vec<&str> {
    applications
        .iter()
        .filter(|application| application.effect == effect)
        .map(|application| application.application.name.as_str())
        .collect()
}

/// `cart`, `cart and web`, `12 applications`.
fn some(names: &[&str]) -> String {
    if names.len() > NAMED {
        count(names.len(), "application")
    } else {
        listed(names)
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::example;

    fn edited(name: &str, effect: EditEffect) -> EditedApplication {
        EditedApplication {
            application: example::reference(name, "shop", "prod-eu").application,
            effect,
            targets: Vec::new(),
        }
    }

    #[test]
    fn the_first_line_says_what_changes() {
        use EditEffect::{Added, Broken, Changed, Removed, Rendered};
        for (applications, line) in [
            (
                vec![],
                "No application is defined otherwise by this commit.",
            ),
            (vec![edited("cart", Added)], "This commit adds cart."),
            (
                vec![
                    edited("a", Changed),
                    edited("b", Changed),
                    edited("c", Removed),
                    edited("d", Broken),
                ],
                "This commit changes a and b, removes c and breaks d.",
            ),
            (
                ["a", "b", "c", "d"]
                    .map(|name| edited(name, Changed))
                    .into(),
                "This commit changes 4 applications.",
            ),
            (
                vec![edited("root", Rendered)],
                "No definition changes; root renders the file.",
            ),
        ] {
            assert_eq!(first_line(&applications), line);
        }
    }
}
