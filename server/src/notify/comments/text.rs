//! A preview as Markdown. Whatever comes from Git or a cluster stands between backticks, where no host reads mentions,
//! quick actions, links or formatting; sentences stand bare only while they hold nothing but letters, digits and a few
//! marks. Values are not part of it.

use lockstep_types::diff::Impact;
use lockstep_types::plan::PlanCounts;
use lockstep_types::revision::Revision;
use lockstep_types::upcoming::{ObjectOutline, Outline, TargetOutline};

/// Bytes of a comment: GitHub takes 65 536 characters.
const LONGEST: usize = 30_000;
/// Targets in the table.
const TARGETS: usize = 40;
/// Objects of one target.
const OBJECTS: usize = 25;
/// Fields of one object.
const FIELDS: usize = 6;
/// Files that conflict, and sentences of one kind.
const LINES: usize = 20;
/// Characters of one name or sentence.
const NAME: usize = 200;
const SENTENCE: usize = 600;

/// The comment without its marker.
pub(super) fn of(outline: &Outline, head: &Revision, link: &str) -> String {
    let first = match outline.conflicts.as_slice() {
        [] => words(&outline.first_line),
        _ => "It cannot be merged as it is.".to_owned(),
    };
    let mut text = format!("**Lockstep:** {first}\n");
    if !outline.conflicts.is_empty() {
        text.push_str("\nBoth sides changed:\n");
        lines(&mut text, &outline.conflicts, |file| code(file, NAME));
    }
    table(&mut text, &outline.targets);
    let problems: Vec<String> = outline.targets.iter().flat_map(problems).collect();
    if !problems.is_empty() {
        text.push_str("\nWhat stands against it, or is to be known:\n");
        lines(&mut text, &problems, Clone::clone);
    }
    if !outline.notes.is_empty() {
        text.push('\n');
        lines(&mut text, &outline.notes, |note| words(note));
    }
    let end = format!(
        "\n[The whole preview]({link}), with every changed field. Looked at: {}. Nothing was written.\n",
        code(head.short(), NAME)
    );
    objects(
        &mut text,
        &outline.targets,
        LONGEST.saturating_sub(end.len()),
    );
    text.push_str(&end);
    text
}

/// The comment where there is no preview.
pub(super) fn refused(why: &str) -> String {
    format!(
        "**Lockstep:** What it would do cannot be told.\n\n- {}\n",
        words(why)
    )
}

/// At most [`LINES`], and how many more there are.
fn lines<T>(text: &mut String, all: &[T], line: impl Fn(&T) -> String) {
    for one in all.iter().take(LINES) {
        text.push_str(&format!("- {}\n", line(one)));
    }
    if all.len() > LINES {
        text.push_str(&format!("- and {} more\n", all.len() - LINES));
    }
}

fn table(text: &mut String, targets: &[TargetOutline]) {
    if targets.is_empty() {
        return;
    }
    text.push_str("\n| Application | Cluster | Create | Configure | Prune | Impact | Then |\n");
    text.push_str("|---|---|--:|--:|--:|---|---|\n");
    for target in targets.iter().take(TARGETS) {
        let number = |of: fn(&PlanCounts) -> u32| {
            let counts = target.counts.as_ref();
            counts.map_or_else(|| "?".to_owned(), |counts| of(counts).to_string())
        };
        let then = target.then();
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} | {then} |\n",
            cell(&target.application),
            cell(&target.cluster),
            number(|counts| counts.create),
            number(|counts| counts.configure),
            number(|counts| counts.prune),
            target.impact.map_or("", Impact::words),
        ));
    }
    if targets.len() > TARGETS {
        text.push_str(&format!(
            "\nand {} more targets, which the preview shows\n",
            targets.len() - TARGETS
        ));
    }
}

fn problems(target: &TargetOutline) -> Vec<String> {
    let of = format!(
        "{} on {}",
        code(&target.application, NAME),
        code(&target.cluster, NAME)
    );
    let all = target.problems.iter().chain(&target.remarks);
    all.map(|why| format!("{of}: {}", words(why))).collect()
}

/// Objects that are written, while there is room.
fn objects(text: &mut String, targets: &[TargetOutline], longest: usize) {
    const OPEN: &str = "\n<details>\n<summary>Objects</summary>\n";
    const CLOSE: &str = "\n</details>\n";
    const CUT: &str = "\nThe rest is left out here; the preview shows it.\n";
    let mut parts = Vec::new();
    for target in targets.iter().filter(|target| !target.objects.is_empty()) {
        parts.push(format!(
            "\n{} on {}\n\n",
            code(&target.application, NAME),
            code(&target.cluster, NAME)
        ));
        parts.extend(target.objects.iter().take(OBJECTS).map(object));
        if target.objects.len() > OBJECTS {
            let more = target.objects.len() - OBJECTS;
            parts.push(format!("- and {more} more\n"));
        }
    }
    if parts.is_empty() {
        return;
    }
    let room = longest.saturating_sub(text.len() + OPEN.len() + CLOSE.len() + CUT.len());
    let mut inner = String::new();
    let mut cut = "";
    for part in parts {
        if inner.len() + part.len() > room {
            cut = CUT;
            break;
        }
        inner.push_str(&part);
    }
    text.push_str(&format!("{OPEN}{inner}{cut}{CLOSE}"));
}

fn object(object: &ObjectOutline) -> String {
    let key = &object.key;
    let place = if key.namespace.is_empty() {
        key.name.clone()
    } else {
        format!("{}/{}", key.namespace, key.name)
    };
    let mut line = format!(
        "- {} {}",
        object.action,
        code(&format!("{} {place}", key.kind), NAME)
    );
    if let Some(impact) = object.impact {
        line.push_str(&format!(", {}", impact.words()));
    }
    let fields: Vec<String> = object
        .fields
        .iter()
        .take(FIELDS)
        .map(|path| code(path, NAME))
        .collect();
    if !fields.is_empty() {
        line.push_str(&format!(": {}", fields.join(", ")));
    }
    if object.fields.len() > FIELDS {
        line.push_str(&format!(" and {} more", object.fields.len() - FIELDS));
    }
    line.push('\n');
    line
}

/// A name in the table, where a bar would end the cell.
fn cell(name: &str) -> String {
    code(name, NAME).replace('|', "\\|")
}

/// A sentence: bare while it holds no mark that a host could read as something.
fn words(sentence: &str) -> String {
    let harmless = |c: char| c.is_alphanumeric() || " ,.;:()'’“”…-".contains(c);
    let begins = sentence.starts_with(char::is_alphabetic)
        || sentence.starts_with(|c: char| c.is_ascii_digit());
    // `1. ` would begin a list, `www.` a link.
    let numbered = sentence
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .starts_with(['.', ')']);
    let bare = begins
        && !numbered
        && sentence.chars().all(harmless)
        && !sentence.to_lowercase().contains("www.")
        && sentence.chars().count() <= SENTENCE;
    if bare {
        sentence.to_owned()
    } else {
        code(sentence, SENTENCE)
    }
}

/// Between backticks, more of them than inside; on one line, without characters that turn or hide text.
fn code(text: &str, longest: usize) -> String {
    let visible = text.chars().map(|c| {
        let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
        match c {
            '\u{2028}' | '\u{2029}' => ' ',
            c if c.is_control() => ' ',
            _ if turns => '\u{fffd}',
            c => c,
        }
    });
    let mut inner: String = visible.take(longest + 1).collect();
    if inner.chars().count() > longest {
        inner = inner.chars().take(longest - 1).chain("…".chars()).collect();
    }
    let inner = inner.trim();
    if inner.is_empty() {
        return "(nothing)".to_owned();
    }
    let mut fence = String::from("`");
    while inner.contains(&fence) {
        fence.push('`');
    }
    let pad = if inner.starts_with('`') || inner.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{inner}{pad}{fence}")
}

#[cfg(test)]
mod tests;
