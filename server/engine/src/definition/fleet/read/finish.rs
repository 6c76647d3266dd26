//! What all bundles together decide: dependencies that are chosen by labels, and names given twice.

use super::{Made, Reading};
use crate::definition::{Definition, DefinitionKey, DefinitionProblem, Definitions, Dependency};
use std::collections::BTreeMap;

impl Reading {
    pub(super) fn finish(mut self, made: Vec<Made>) -> Definitions {
        let known: Vec<(String, String, BTreeMap<String, String>)> = made
            .iter()
            .map(|made| {
                let definition = &made.definition;
                (
                    definition.namespace.clone(),
                    definition.name.clone(),
                    definition.labels.clone(),
                )
            })
            .collect();
        let mut by_key: BTreeMap<DefinitionKey, Vec<Definition>> = BTreeMap::new();
        for Made {
            mut definition,
            depends_on_labels,
        } in made
        {
            for (namespace, name, labels) in &known {
                let chosen = *namespace == definition.namespace
                    && *name != definition.name
                    && depends_on_labels
                        .iter()
                        .any(|selector| selector.matches(labels));
                if chosen
                    && !definition
                        .depends_on
                        .iter()
                        .any(|known| known.name == *name)
                {
                    definition.depends_on.push(Dependency {
                        namespace: namespace.clone(),
                        name: name.clone(),
                        ready_expr: String::new(),
                    });
                }
            }
            by_key
                .entry(definition.key.clone())
                .or_default()
                .push(definition);
        }
        let mut applications = Vec::new();
        for (key, found) in by_key {
            if let [_] = found.as_slice() {
                applications.extend(found);
                continue;
            }
            for definition in &found {
                let others: Vec<String> = found
                    .iter()
                    .filter(|other| !std::ptr::eq(*other, definition))
                    .map(|other| format!("{}:{}", other.path, other.line))
                    .collect();
                self.problems.push(DefinitionProblem {
                    key: Some(key.clone()),
                    path: definition.path.clone(),
                    line: definition.line,
                    field: "name".to_owned(),
                    message: format!(
                        "bundle {} is defined here and in {}; none of them is used",
                        key.name,
                        others.join(" and ")
                    ),
                    next:
                        "Rename all but one, by name in fleet.yaml or by the name of the GitRepo."
                            .to_owned(),
                });
            }
        }
        Definitions {
            documents: self.documents,
            material: Vec::new(),
            unreadable: self.unreadable,
            applications,
            problems: self.problems,
            ..Definitions::default()
        }
    }
}
