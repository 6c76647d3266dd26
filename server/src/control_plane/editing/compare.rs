//! What an edit makes of the definitions of a source: before against after. Pure.

use crate::reconcile::sources::Found;
use crate::store::application::{ApplicationRow, SeenApplication};
use engine::definition::{Definition, DefinitionProblem};
use lockstep_types::application::ApplicationRef;
use lockstep_types::edit::{EditEffect, EditProblem};
use lockstep_types::id::ApplicationId;
use std::collections::{BTreeMap, BTreeSet};

/// An application that is defined otherwise after the edit.
#[derive(Debug, Clone)]
pub(super) struct Difference {
    pub application: ApplicationRef,
    pub effect: EditEffect,
    pub before: Option<Definition>,
    /// For one that is added or changed.
    pub after: Option<(SeenApplication, Definition)>,
}

/// Added, changed, removed and broken applications, by name. `rows` are those that are recorded: their ids count (a
/// renamed application keeps its own), and children of a removed application go with it.
pub(super) fn differences(
    rows: &[ApplicationRow],
    row_key: impl Fn(&DefinitionProblem) -> Option<String>,
    before: &Found,
    after: &Found,
) -> Vec<Difference> {
    let by_key = |found: &Found| -> BTreeMap<String, SeenApplication> {
        let mut map = BTreeMap::new();
        for seen in &found.0 {
            map.entry(seen.key.clone()).or_insert_with(|| seen.clone());
        }
        map
    };
    let (then, now) = (by_key(before), by_key(after));
    let reference = |seen: &SeenApplication| ApplicationRef {
        id: rows
            .iter()
            .find(|row| row.key == seen.key)
            .map_or(seen.id, |row| row.id),
        name: seen.name.clone(),
        project: seen.project.clone(),
    };
    let broken: BTreeSet<String> = after.1.iter().filter_map(&row_key).collect();
    let mut found = Vec::new();
    for (key, seen) in &now {
        let Some(definition) = definition(seen) else {
            continue;
        };
        let earlier = then.get(key).and_then(self::definition);
        let effect = match &earlier {
            None => EditEffect::Added,
            Some(earlier) if substance(earlier) != substance(&definition) => EditEffect::Changed,
            Some(_) => continue,
        };
        found.push(Difference {
            application: reference(seen),
            effect,
            before: earlier,
            after: Some((seen.clone(), definition)),
        });
    }
    let mut gone: BTreeSet<ApplicationId> = BTreeSet::new();
    for (key, seen) in then.iter().filter(|(key, _)| !now.contains_key(*key)) {
        let application = reference(seen);
        let effect = if broken.contains(key) {
            EditEffect::Broken
        } else {
            gone.insert(application.id);
            EditEffect::Removed
        };
        found.push(Difference {
            application,
            effect,
            before: definition(seen),
            after: None,
        });
    }
    for child in children(rows, gone) {
        found.push(Difference {
            application: child.as_ref(),
            effect: EditEffect::Removed,
            before: serde_json::from_str(&child.definition).ok(),
            after: None,
        });
    }
    let rank = |effect: EditEffect| match effect {
        EditEffect::Broken => 0,
        EditEffect::Removed => 1,
        EditEffect::Changed => 2,
        EditEffect::Added => 3,
        EditEffect::Rendered => 4,
    };
    found.sort_by(|one, other| {
        (rank(one.effect), &one.application.name)
            .cmp(&(rank(other.effect), &other.application.name))
    });
    found
}

/// Problems of the edited file, and those that the edit brings elsewhere; in the order of the files.
pub(super) fn problems(path: &str, before: &Found, after: &Found) -> Vec<EditProblem> {
    let known: BTreeSet<_> = before.1.iter().map(identity).collect();
    let mut shown: Vec<EditProblem> = after
        .1
        .iter()
        .map(|problem| EditProblem {
            path: problem.path.clone(),
            line: problem.line,
            field: problem.field.clone(),
            message: problem.message.clone(),
            next: problem.next.clone(),
            new: !known.contains(&identity(problem)),
        })
        .filter(|problem| problem.new || problem.path == path)
        .collect();
    // The edited file first: that is where one is.
    shown.sort_by_key(|problem| (problem.path != path, problem.path.clone(), problem.line));
    shown
}

/// The same problem stays the same when lines above it come or go.
fn identity(problem: &DefinitionProblem) -> (&str, &str, &str) {
    (&problem.path, &problem.field, &problem.message)
}

fn definition(seen: &SeenApplication) -> Option<Definition> {
    serde_json::from_str(&seen.definition).ok()
}

/// The definition without where and how it is written.
fn substance(definition: &Definition) -> Definition {
    Definition {
        path: String::new(),
        line: 0,
        yaml: String::new(),
        masking: Default::default(),
        ..definition.clone()
    }
}

/// Rows below these, at any depth.
fn children(rows: &[ApplicationRow], mut gone: BTreeSet<ApplicationId>) -> Vec<&ApplicationRow> {
    let mut found = Vec::new();
    loop {
        let more: Vec<&ApplicationRow> = rows
            .iter()
            .filter(|row| row.parent.is_some_and(|parent| gone.contains(&parent)))
            .filter(|row| !gone.contains(&row.id))
            .collect();
        if more.is_empty() {
            return found;
        }
        gone.extend(more.iter().map(|row| row.id));
        found.extend(more);
    }
}
