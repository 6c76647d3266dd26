//! `diff.comparePatches`: fields that Fleet takes out of both sides before it compares.

use super::super::IgnoreDifference;
use super::super::fields::Place;

pub(super) fn read(options: &Place<'_>) -> Vec<IgnoreDifference> {
    let diff = options.at("diff");
    let mut rules = Vec::new();
    for entry in diff.list("comparePatches") {
        let mut json_pointers = entry.texts("jsonPointers");
        for operation in entry.list("operations") {
            let (what, path) = (operation.required("op"), operation.text("path"));
            // What a patch would put there is the same on both sides: the field does not count.
            operation.value("value");
            operation.done();
            if what == "ignore" && path.is_empty() {
                operation.note(
                    "op",
                    "leaving a whole object out of the comparison is not done yet",
                );
            } else if path.is_empty() {
                operation.problem("path", "it is missing", "Name the field to leave out.");
            } else {
                json_pointers.push(path);
            }
        }
        let api_version = entry.text("apiVersion");
        let rule = IgnoreDifference {
            group: crate::manifest::group_of(&api_version).to_owned(),
            kind: entry.text("kind"),
            name: entry.text("name"),
            namespace: entry.text("namespace"),
            json_pointers,
            ..IgnoreDifference::default()
        };
        entry.done();
        if !rule.json_pointers.is_empty() {
            rules.push(rule);
        }
    }
    diff.done();
    rules
}
