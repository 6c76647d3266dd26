//! What gives rights or makes applications in the files of a commit: projects, sets, the policy.

use super::allow::{allow_everywhere, allow_named};
use super::{Plane, refuse};
use crate::reconcile::sources::policy::CONFIG_MAP;
use engine::definition::DefinitionFile;
use engine::source::{Snapshot, SourceError};
use lockstep_types::PortError;
use lockstep_types::account::{Actor, Permission};
use lockstep_types::revision::{PathChange, Revision};
use std::collections::BTreeSet;

/// Larger files are no definitions.
const LARGEST: usize = 4 * 1024 * 1024;

impl Plane {
    /// What the changed files hold on either side.
    pub(super) async fn held(
        &self,
        repo_url: &str,
        from: &Revision,
        to: &Revision,
        changes: &[PathChange],
    ) -> Result<Held, PortError> {
        // Templates and texts too: what is rendered from them may hold projects.
        let paths: Vec<String> = changes.iter().map(|change| change.path.clone()).collect();
        let mirrors = self.runtime.mirrors();
        let mut sides = Vec::new();
        for revision in [from, to] {
            let side = mirrors.snapshot(repo_url, revision).await;
            sides.push(side.map_err(refuse::source)?);
        }
        tokio::task::spawn_blocking(move || held(&sides, &paths))
            .await
            .map_err(|error| refuse::internal(&error))?
            .map_err(refuse::source)
    }
}

fn held(sides: &[Snapshot], paths: &[String]) -> Result<Held, SourceError> {
    let mut held = Held::default();
    for path in paths {
        for side in sides {
            let files = match side.files(path) {
                Ok(files) => files,
                // Added or deleted.
                Err(SourceError::NoSuchPath { .. }) => continue,
                Err(error) => return Err(error),
            };
            for file in files.iter().filter(|file| file.path == *path) {
                let bytes = side.read(file).unwrap_or_default();
                if bytes.len() <= LARGEST {
                    held.add(path, &String::from_utf8_lossy(&bytes));
                }
            }
        }
    }
    Ok(held)
}

/// What the files of a commit hold besides applications, before or after it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// The names of `AppProject`s.
    projects: BTreeSet<String>,
    /// A file speaks of an `AppProject`, and none of that kind can be read in it.
    unread_project: bool,
    pub(super) sets: bool,
    pub(super) policy: bool,
}

impl Held {
    /// Takes up a file. By the parsed kinds, as a source is read: a word that is escaped is the same word. The plain text
    /// counts as well, for what cannot be read now and can be later.
    pub(super) fn add(&mut self, path: &str, text: &str) {
        let file = DefinitionFile {
            path: path.to_owned(),
            bytes: text.as_bytes().to_vec(),
        };
        let read = engine::definition::read(&[file], "");
        let of_kind = |kind: &'static str| {
            let documents = read.documents.iter();
            documents
                .filter(move |document| document.group == "argoproj.io" && document.kind == kind)
        };
        let projects: BTreeSet<String> = of_kind("AppProject")
            .map(|document| document.name.clone())
            .collect();
        self.unread_project |= projects.is_empty() && text.contains("AppProject");
        self.projects.extend(projects);
        self.sets |= of_kind("ApplicationSet").next().is_some() || text.contains("ApplicationSet");
        // The policy's own reader takes the name of its ConfigMap by the plain text.
        self.policy |= text.contains(CONFIG_MAP);
    }

    /// Refuses unless the actor may change each of the projects, by its name.
    ///
    /// # Errors
    /// [`PortError::Denied`].
    pub(super) fn allow_projects(&self, actor: &Actor) -> Result<(), PortError> {
        for project in &self.projects {
            allow_named(actor, Permission::Project, project)?;
        }
        if self.unread_project {
            allow_everywhere(actor, Permission::Project)?;
        }
        Ok(())
    }

    pub(super) fn any_project(&self) -> bool {
        self.unread_project || !self.projects.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_count_as_they_are_read() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        for (text, projects, unread, sets) in [
            (
                "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: shop}\nspec: {}\n",
                names(&["shop"]),
                false,
                false,
            ),
            (
                "apiVersion: argoproj.io/v1alpha1\nkind: \"AppPro\\u006aect\"\nmetadata: {name: shop}\nspec: {}\n",
                names(&["shop"]),
                false,
                false,
            ),
            (
                "{\"apiVersion\": \"argoproj.io/v1alpha1\", \"kind\": \"Application\\u0053et\", \"metadata\": {\"name\": \"a\"}}",
                names(&[]),
                false,
                true,
            ),
            ("kind: AppProject\n  broken: [", names(&[]), true, false),
            ("kind: ConfigMap\n", names(&[]), false, false),
        ] {
            let mut found = Held::default();
            found.add("apps/a.yaml", text);
            found.add("apps/b.yaml", "kind: ConfigMap\n");
            let expected = Held {
                projects,
                unread_project: unread,
                sets,
                policy: false,
            };
            assert_eq!(found, expected, "{text}");
        }
    }
}
