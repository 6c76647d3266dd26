//! A preview as text: the same targets, objects, fields and consequences as on its page and in the comment on a pull request.
//! Pure.

use crate::table::{Table, plain};
use lockstep_types::diff::Impact;
use lockstep_types::plan::PlanCounts;
use lockstep_types::upcoming::{ObjectOutline, TargetOutline, Upcoming};

/// Objects of one target that are listed, and fields of one object.
const OBJECTS: usize = 50;
const FIELDS: usize = 20;

/// The text; with the changed lines when `patch` says so.
pub fn text(view: &Upcoming, patch: bool) -> String {
    let mut text = format!("{}\n", view.first_line);
    for commit in &view.commits {
        let short = commit.revision.short();
        text.push_str(&format!(
            "  {short} {} ({})\n",
            commit.subject, commit.author
        ));
    }
    let outline = view.outline();
    if !outline.conflicts.is_empty() {
        text.push_str("Both sides changed:\n");
        for file in &outline.conflicts {
            text.push_str(&format!("  {file}\n"));
        }
    }
    if !outline.targets.is_empty() {
        text.push_str(&table(&outline.targets));
        for target in &outline.targets {
            let name = format!("{} on {}", target.application, target.cluster);
            for why in target.problems.iter().chain(&target.remarks) {
                text.push_str(&format!("  {name}: {why}\n"));
            }
            for object in target.objects.iter().take(OBJECTS) {
                text.push_str(&format!("  {name}: {}", of_object(object)));
            }
            if target.objects.len() > OBJECTS {
                let more = target.objects.len() - OBJECTS;
                text.push_str(&format!("  {name}: and {more} more\n"));
            }
        }
    }
    for note in &outline.notes {
        text.push_str(&format!("{note}\n"));
    }
    if patch {
        text.push_str(&view.patch);
    }
    plain(&text)
}

fn table(targets: &[TargetOutline]) -> String {
    let mut table = Table::new(&[
        "APP",
        "CLUSTER",
        "CREATE",
        "CONFIGURE",
        "PRUNE",
        "IMPACT",
        "THEN",
    ]);
    for target in targets {
        // What nobody can tell is no zero.
        let number = |of: fn(&PlanCounts) -> u32| {
            let counts = target.counts.as_ref();
            counts.map_or_else(|| "?".to_owned(), |counts| of(counts).to_string())
        };
        table.row([
            target.application.clone(),
            target.cluster.clone(),
            number(|counts| counts.create),
            number(|counts| counts.configure),
            number(|counts| counts.prune),
            target.impact.map_or("", Impact::words).to_owned(),
            target.then().to_owned(),
        ]);
    }
    table.text()
}

/// What would be written, and the fields that change below it.
fn of_object(object: &ObjectOutline) -> String {
    let impact = object.impact.map(|impact| format!(": {}", impact.words()));
    let mut text = format!(
        "{} {}{}\n",
        object.action,
        object.key,
        impact.unwrap_or_default()
    );
    for path in object.fields.iter().take(FIELDS) {
        text.push_str(&format!("    {path}\n"));
    }
    if object.fields.len() > FIELDS {
        text.push_str(&format!(
            "    and {} more fields\n",
            object.fields.len() - FIELDS
        ));
    }
    text
}
