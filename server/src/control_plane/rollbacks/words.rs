//! What a rollback says before it is done. Pure.

use lockstep_types::application::TargetRef;
use lockstep_types::diff::Impact;
use lockstep_types::plan::{Action, Plan};
use lockstep_types::revision::{CommitInfo, Revision, TargetRevision};
use lockstep_types::rollback::TargetPlan;
use std::collections::BTreeSet;

/// What the commit changes, and how to change less: `This commit changes 2 targets of 1 application on 2 clusters:
/// prod-eu and prod-us. To take back only prod-eu, pin it.`
/// A pin goes to a state, so it is no other way to `undo` one commit.
pub(super) fn first_line(target: &TargetRef, targets: &[TargetRef], undo: bool) -> String {
    let applications: BTreeSet<_> = targets.iter().map(|target| target.application.id).collect();
    let clusters: BTreeSet<&str> = targets
        .iter()
        .map(|target| target.cluster.as_str())
        .collect();
    if targets.len() <= 1 {
        return format!(
            "This commit changes only {} on {}.",
            target.application.name, target.cluster
        );
    }
    let names: Vec<&str> = clusters.iter().copied().collect();
    let mut line = format!(
        "This commit changes {} of {} on {}",
        count(targets.len(), "target"),
        count(applications.len(), "application"),
        count(clusters.len(), "cluster"),
    );
    if names.len() <= 4 {
        line.push_str(": ");
        line.push_str(&listed(&names));
    }
    if !undo {
        line.push_str(&format!(
            ". To take back only {} on {}, pin it",
            target.application.name, target.cluster
        ));
    }
    line + "."
}

/// The commit message, subject first. Trailers say for machines what the subject says for people.
pub(super) fn message(
    target: &TargetRef,
    head: &Revision,
    to: &CommitInfo,
    operation: &str,
    reason: &str,
) -> String {
    let name = &target.application.name;
    let subject = format!("Roll back {name} to {}", to.revision.short());
    let mut body = format!(
        "Restores the state of “{}” ({}).",
        one_line(&to.subject),
        to.revision.short()
    );
    if !reason.trim().is_empty() {
        body.push_str("\n\n");
        body.push_str(&paragraph(reason));
    }
    format!(
        "{subject}\n\n{body}\n\nLockstep-Application: {}/{name}\nLockstep-From: {head}\nLockstep-To: {}\nLockstep-Operation: {operation}\n",
        target.application.project, to.revision
    )
}

/// The message of a commit that takes another one back.
pub(super) fn undo_message(
    target: &TargetRef,
    head: &Revision,
    commit: &CommitInfo,
    operation: &str,
    reason: &str,
) -> String {
    let name = &target.application.name;
    let short = commit.revision.short();
    let mut body = format!(
        "Takes back what {short} (“{}”) did to the files of {name}; what came later stays.",
        one_line(&commit.subject)
    );
    if !reason.trim().is_empty() {
        body.push_str("\n\n");
        body.push_str(&paragraph(reason));
    }
    format!(
        "Undo {short} in {name}\n\n{body}\n\nLockstep-Application: {}/{name}\nLockstep-From: {head}\nLockstep-Undo: {}\nLockstep-Operation: {operation}\n",
        target.application.project, commit.revision
    )
}

/// The same as the preview shows it.
pub(super) fn undo_preview_message(
    target: &TargetRef,
    head: &Revision,
    commit: &CommitInfo,
) -> String {
    undo_message(target, head, commit, NO_NUMBER, "") + &log_trailer(NO_END)
}

/// Why a commit is not taken back by itself, and what one can do.
pub(super) fn undo_conflicts(commit: &CommitInfo, conflicts: &[String]) -> String {
    let more = conflicts.len().saturating_sub(3);
    let mut list = conflicts
        .iter()
        .take(3)
        .cloned()
        .collect::<Vec<_>>()
        .join("; ");
    if more > 0 {
        list.push_str(&format!("; and {more} more"));
    }
    format!(
        "{} cannot be taken back by itself, because later commits changed the same ({list}). Roll back to an earlier state, or take it back by hand.",
        commit.revision.short()
    )
}

/// Files of a commit that stay as it left them; `None` when there are none.
pub(super) fn left(files: &[String]) -> Option<String> {
    let more = match files.len() {
        0 => return None,
        1 => String::new(),
        number => format!(" and {} more", number - 1),
    };
    let first = files.first()?;
    Some(format!(
        "The commit also changed {first}{more}, which this application does not read; that stays."
    ))
}

/// Which sources of an application going back does not touch; `None` when it has no others.
pub(super) fn untouched(application: &str, others: &[String], by_commit: bool) -> Option<String> {
    if others.is_empty() {
        return None;
    }
    let names: Vec<&str> = others.iter().map(String::as_str).collect();
    let names = listed(&names);
    Some(if by_commit {
        format!(
            "{application} has other sources, which the commit does not touch: {names}. A pin takes them back to what they were with the old state."
        )
    } else {
        format!(
            "{application} has other sources: {names}. The pin takes them back to what they were with the old state, where that is known."
        )
    })
}

/// The message as the preview shows it: the operation has no number yet and the reason is still to come.
pub(super) fn preview_message(target: &TargetRef, head: &Revision, to: &CommitInfo) -> String {
    message(target, head, to, NO_NUMBER, "") + &log_trailer(NO_END)
}

/// What stands in a previewed message for the operation, and for the end of the audit log.
pub(in crate::control_plane) const NO_NUMBER: &str = "(numbered when it is made)";
pub(in crate::control_plane) const NO_END: &str = "(its end when the commit is made)";

/// The last trailer of every commit that Lockstep makes: the end of the audit log, out of reach of who has the database.
pub(in crate::control_plane) fn log_trailer(end: &str) -> String {
    format!("Lockstep-Log: {end}\n")
}

/// Who said yes to a rollback that somebody else asked for.
pub(super) fn approved_trailer(by: &str) -> String {
    format!("Lockstep-Approved-By: {}\n", one_line(by))
}

/// A person's reason as paragraphs of a commit message: no line of it can pass for a trailer of ours.
pub(in crate::control_plane) fn paragraph(reason: &str) -> String {
    reason
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| {
            if line.to_ascii_lowercase().starts_with("lockstep-") {
                format!("> {line}")
            } else {
                line.to_owned()
            }
        })
        .collect::<Vec<_>>()
        .join("\n")
}

pub(in crate::control_plane) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Why a commit cannot do it; empty when it can. A branch is followed by its name or as `HEAD`.
pub(in crate::control_plane) fn commit_refused(
    tracked: &TargetRevision,
    branch: Option<&str>,
) -> String {
    if branch.is_some() {
        return String::new();
    }
    let name = tracked.name();
    let what = if is_sha(name) {
        "the commit"
    } else {
        "the tag or version"
    };
    format!(
        "The application follows {what} {name}, which a new commit on a branch would not move. Change the revision in its definition, or pin the target."
    )
}

/// Forty hexadecimal digits, or an unmistakable beginning of them.
pub(super) fn is_sha(name: &str) -> bool {
    (7..=40).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_hexdigit())
        && name.bytes().any(|byte| byte.is_ascii_digit())
}

/// What going back does not bring back, a sentence each.
pub(super) fn cannot_undo(
    targets: &[TargetPlan],
    now: &[(&TargetRef, Vec<String>)],
) -> Vec<String> {
    let mut said = Vec::new();
    for (target, jobs) in now {
        if !jobs.is_empty() {
            said.push(format!(
                "{} on {} ran and is not undone: what it did to databases and other systems stays.",
                listed(&jobs.iter().map(String::as_str).collect::<Vec<_>>()),
                target.cluster
            ));
        }
    }
    for target in targets {
        let Some(plan) = &target.plan else { continue };
        let lost = losing(plan);
        if !lost.is_empty() {
            said.push(format!(
                "On {}, {} would be deleted with the data in it; a later sync does not bring the data back.",
                target.target.cluster,
                listed(&lost.iter().map(String::as_str).collect::<Vec<_>>())
            ));
        }
    }
    said
}

/// Objects whose data a plan would delete.
fn losing(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .filter(|step| {
            step.impact == Some(Impact::DeletesData)
                || (step.action == Action::Prune && holds_data(&step.key.kind))
        })
        .map(|step| step.key.short())
        .collect()
}

fn holds_data(kind: &str) -> bool {
    matches!(
        kind,
        "PersistentVolumeClaim" | "PersistentVolume" | "Namespace" | "CustomResourceDefinition"
    )
}

/// `1 target`, `3 targets`.
pub(in crate::control_plane) fn count(number: usize, one: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {one}s")
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(in crate::control_plane) fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests;
