//! The policy of the one source that holds it: read at every new revision, in force when all of it can be used.
//!
//! A policy that is missing or has one wrong line changes nothing: the one before it stays in force, and what is wrong is
//! told with its line. A role of a project that cannot be used keeps its own last form, so that one team cannot hold up
//! what is taken away from another.

use super::read;
use crate::runtime::{Runtime, now};
use crate::store::audit::Act;
use crate::store::policy::PolicyRow;
use crate::store::source::SourceRow;
use crate::store::{self, StoreError};
use engine::definition::project::Project;
use engine::source::SourceError;
use engine::yaml::{self, Kind, Node};
use lockstep_types::id::SourceId;
use lockstep_types::policy::{LARGEST, Policy, PolicyFile, PolicyProblem, PolicyText, ProjectRole};
use lockstep_types::revision::Revision;
use serde_json::json;
use std::collections::BTreeSet;

/// The ConfigMap of Argo CD.
pub(crate) const CONFIG_MAP: &str = "argocd-rbac-cm";
/// The plain files, below the path of the source.
pub(crate) const PLAIN: &str = ".lockstep/policy.csv";
const PLAIN_DEFAULT: &str = ".lockstep/policy.default";
/// Changed lines that the audit log keeps.
const LINES: usize = 100;

/// Brings the policy up to date with the revision its source was fetched at, when this is the source that holds it.
pub(super) async fn look(runtime: &Runtime, key: &str, id: SourceId) -> Result<(), StoreError> {
    let row = store::policy::get(runtime.store()).await?;
    if row.source != Some(id) {
        return Ok(());
    }
    let source = match store::source::get(runtime.store(), id).await {
        Ok(source) => source,
        Err(StoreError::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    let known = runtime.memory().resolution(key, &source.target_revision);
    let Some(revision) = known.and_then(|known| known.revision) else {
        return Ok(());
    };
    // Once after every start all the same: the configuration may name another path, and this program may read otherwise.
    let place = format!("{id} {revision} {}", source.path);
    if row.tried == revision.0 && runtime.authority().has_looked(&place) {
        return Ok(());
    }
    let found = match gather(runtime, &source, &revision).await {
        Ok(files) => {
            let mut found = Found::of(&source, &files);
            found.keep_project_roles(row.body.as_ref());
            found
        }
        Err(error) => Found::broken(&source.path, 1, error.to_string(), error.next()),
    };
    record(runtime, &source, &revision, found).await?;
    runtime.authority().looked(place);
    Ok(())
}

/// A file that may hold a policy or a project.
struct File {
    path: String,
    bytes: Vec<u8>,
}

async fn gather(
    runtime: &Runtime,
    source: &SourceRow,
    revision: &Revision,
) -> Result<Vec<File>, SourceError> {
    let definitions = read::files(runtime, source, revision).await?;
    let mut files: Vec<File> = definitions
        .into_iter()
        .map(|file| File {
            path: file.path,
            bytes: file.bytes,
        })
        .collect();
    let all = runtime
        .mirrors()
        .files(&source.repo_url, revision, &source.path)
        .await?;
    let plain = [below(source, PLAIN), below(source, PLAIN_DEFAULT)];
    for file in all.into_iter().filter(|file| plain.contains(&file.path)) {
        let bytes = runtime.mirrors().read(&source.repo_url, &file.oid).await?;
        files.push(File {
            path: file.path,
            bytes,
        });
    }
    Ok(files)
}

fn below(source: &SourceRow, path: &str) -> String {
    match source.path.trim_matches('/') {
        "" => path.to_owned(),
        folder => format!("{folder}/{path}"),
    }
}

/// What the files say.
#[derive(Debug, Default)]
struct Found {
    text: PolicyText,
    /// These keep it from being in force.
    problems: Vec<PolicyProblem>,
    /// These do not: roles of projects.
    notes: Vec<PolicyProblem>,
}

impl Found {
    fn broken(file: &str, line: u32, message: impl Into<String>, next: &str) -> Self {
        let mut found = Self::default();
        found.problem(file, line, message, next);
        found
    }

    fn problem(&mut self, file: &str, line: u32, message: impl Into<String>, next: &str) {
        self.problems.push(PolicyProblem {
            file: file.to_owned(),
            line,
            message: message.into(),
            next: next.to_owned(),
        });
    }

    fn of(source: &SourceRow, files: &[File]) -> Self {
        let mut found = Self::default();
        let mut places: Vec<String> = Vec::new();
        let (plain, default) = (below(source, PLAIN), below(source, PLAIN_DEFAULT));
        for file in files {
            if file.path == plain {
                places.push(file.path.clone());
                found.plain(file);
            } else if file.path == default {
                let text = String::from_utf8_lossy(&file.bytes);
                found.text.default_role =
                    Some(text.trim().to_owned()).filter(|role| !role.is_empty());
            } else {
                found.yaml(file, &mut places);
            }
        }
        match places.as_slice() {
            [] => found.problem(
                &plain,
                1,
                "the source holds no policy",
                &format!("Commit {plain}, or the ConfigMap {CONFIG_MAP}."),
            ),
            [_] => {}
            [first, others @ ..] => found.problem(
                first,
                1,
                format!(
                    "the policy is written in several places: here and in {}",
                    others.join(", ")
                ),
                "Keep one of them.",
            ),
        }
        found.projects(source, files);
        if found.problems.is_empty()
            && let Err(problems) = Policy::read(&PolicyText {
                projects: Vec::new(),
                ..found.text.clone()
            })
        {
            found.problems = problems;
        }
        found
    }

    fn plain(&mut self, file: &File) {
        match yaml::text_of(&file.bytes) {
            Ok(text) => self.text.files.push(PolicyFile {
                name: file.path.clone(),
                first_line: 1,
                text: text.to_owned(),
            }),
            Err(error) => {
                let line = error.line.unwrap_or(1);
                self.problem(&file.path, line, error.message, "Save it as UTF-8.");
            }
        }
    }

    fn yaml(&mut self, file: &File, places: &mut Vec<String>) {
        let named = |bytes: &[u8]| {
            bytes
                .windows(CONFIG_MAP.len())
                .any(|part| part == CONFIG_MAP.as_bytes())
        };
        if !named(&file.bytes) {
            return;
        }
        let read = yaml::text_of(&file.bytes).and_then(|text| Ok((text, yaml::documents(text)?)));
        let (text, documents) = match read {
            Ok(read) => read,
            Err(error) => {
                let line = error.line.unwrap_or(1);
                self.problem(&file.path, line, error.message, "Correct the file.");
                return;
            }
        };
        for document in documents
            .iter()
            .filter(|document| named(document.text.as_bytes()))
        {
            match document.node() {
                Ok(node) if is_config_map(&node) => {
                    places.push(file.path.clone());
                    self.config_map(&file.path, text, &node);
                }
                Ok(_) => {}
                Err(error) => {
                    let line = error.line.unwrap_or(document.line);
                    self.problem(&file.path, line, error.message, "Correct the file.");
                }
            }
        }
    }

    fn config_map(&mut self, path: &str, text: &str, node: &Node) {
        let Some(Kind::Map(data)) = node.get("data").map(|data| &data.kind) else {
            return;
        };
        let is_policy = |key: &str| {
            key == "policy.csv"
                || (key.starts_with("policy.") && key.ends_with(".csv") && key.len() > 11)
        };
        let mut entries: Vec<&(String, Node)> =
            data.iter().filter(|(key, _)| is_policy(key)).collect();
        // As Argo CD puts them together: the main one first.
        entries.sort_by_key(|(key, _)| (key != "policy.csv", key.clone()));
        for (key, node) in entries {
            match node.text() {
                Some(lines) => self.text.files.push(PolicyFile {
                    name: format!("{path} ({key})"),
                    first_line: first_line(text, node.line, lines),
                    text: lines.to_owned(),
                }),
                None if node.kind == Kind::Null => {}
                None => self.problem(
                    path,
                    node.line,
                    format!("{key} is {}", node.words()),
                    "Write it as text, with | behind the colon.",
                ),
            }
        }
        for (key, node) in data {
            match (key.as_str(), node.text()) {
                ("policy.default", Some(role)) => {
                    self.text.default_role =
                        Some(role.trim().to_owned()).filter(|role| !role.is_empty());
                }
                ("policy.matchMode", Some(mode)) if !matches!(mode, "" | "glob") => self.problem(
                    path,
                    node.line,
                    format!("policy.matchMode is {mode}, and patterns are read as globs only"),
                    "Write the patterns as globs and leave policy.matchMode out.",
                ),
                _ => {}
            }
        }
    }

    fn projects(&mut self, source: &SourceRow, files: &[File]) {
        let named = |file: &&File| file.bytes.windows(10).any(|part| part == b"AppProject");
        let files: Vec<_> = files
            .iter()
            .filter(named)
            .map(|file| engine::definition::DefinitionFile {
                path: file.path.clone(),
                bytes: file.bytes.clone(),
            })
            .collect();
        let read = engine::definition::read_source(
            &files,
            &source.home_cluster,
            &source.repo_url,
            &source.target_revision,
        );
        self.text.projects = read.projects.iter().flat_map(roles_of).collect();
    }

    /// A role of a project that cannot be used stays as it was.
    fn keep_project_roles(&mut self, before: Option<&PolicyText>) {
        let mut roles = Vec::new();
        for role in std::mem::take(&mut self.text.projects) {
            let problems = role.problems();
            if problems.is_empty() {
                roles.push(role);
                continue;
            }
            self.notes.extend(problems);
            let earlier = before.into_iter().flat_map(|before| &before.projects);
            roles.extend(
                earlier
                    .filter(|earlier| earlier.subject() == role.subject())
                    .cloned(),
            );
        }
        self.text.projects = roles;
    }
}

fn is_config_map(node: &Node) -> bool {
    let name = node
        .get("metadata")
        .and_then(|metadata| metadata.get("name"))
        .and_then(Node::text);
    node.get("kind").and_then(Node::text) == Some("ConfigMap") && name == Some(CONFIG_MAP)
}

/// The line of the file that the text of a value begins at: its own, or where its first line stands below it.
fn first_line(file: &str, at: u32, value: &str) -> u32 {
    let first = value.lines().next().unwrap_or_default().trim();
    let start = usize::try_from(at.saturating_sub(1)).unwrap_or(0);
    let below = file
        .lines()
        .skip(start)
        .take(3)
        .position(|line| line.trim() == first && !first.is_empty())
        .and_then(|found| u32::try_from(found).ok());
    at + below.unwrap_or(0)
}

fn roles_of(project: &Project) -> Vec<ProjectRole> {
    let texts = |role: &serde_json::Value, field: &str| {
        let items = role.get(field).and_then(serde_json::Value::as_array);
        items
            .into_iter()
            .flatten()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect::<Vec<_>>()
    };
    project
        .roles
        .iter()
        .map(|role| ProjectRole {
            project: project.name.clone(),
            name: role
                .get("name")
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            policies: texts(role, "policies"),
            groups: texts(role, "groups"),
            file: project.path.clone(),
            line: project.line,
        })
        .collect()
}

async fn record(
    runtime: &Runtime,
    source: &SourceRow,
    revision: &Revision,
    found: Found,
) -> Result<(), StoreError> {
    let author = runtime
        .mirrors()
        .commit(&source.repo_url, revision)
        .await
        .ok();
    let mut tx = runtime.store().begin().await?;
    let row = store::policy::get_to_change(&mut tx).await?;
    if row.source != Some(source.id) {
        // Another source was chosen meanwhile.
        return tx.roll_back().await;
    }
    let good = found.problems.is_empty();
    let size = serde_json::to_vec(&found.text).map_or(usize::MAX, |bytes| bytes.len());
    let changed = good && row.body.as_ref() != Some(&found.text) && size <= LARGEST * 2;
    let problems: Vec<PolicyProblem> = found
        .problems
        .into_iter()
        .chain(found.notes)
        .take(200)
        .collect();
    if changed {
        let (added, removed) = difference(row.body.as_ref(), &found.text);
        let detail = json!({
            "revision": revision, "source": source.name, "added": added, "removed": removed,
            "default": found.text.default_role,
        });
        let who = author.map_or_else(
            || "Git".to_owned(),
            |commit| format!("Git ({})", commit.author),
        );
        tx.record(Act::unattended(who, "change policy", &source.name).with(detail));
    } else if !good && row.problems != problems {
        let detail = json!({"revision": revision, "problems": problems});
        tx.record(Act::unattended("Git", "refuse policy", &source.name).with(detail));
    }
    let next = PolicyRow {
        body: if changed { Some(found.text) } else { row.body },
        revision: if good { revision.clone() } else { row.revision },
        since: if changed { Some(now()) } else { row.since },
        source_name: source.name.clone(),
        tried: revision.0.clone(),
        read_at: Some(now()),
        problems,
        ..PolicyRow {
            version: row.version,
            source: row.source,
            ..PolicyRow::default()
        }
    };
    store::policy::put(&mut tx, &next, changed).await?;
    tx.commit().await?;
    tracing::info!(
        event.name = "policy.read", source.name = %source.name, revision = %revision, changed,
        problems = next.problems.len(), "the policy was read"
    );
    Ok(())
}

/// Lines that came and went, for the audit log.
fn difference(before: Option<&PolicyText>, after: &PolicyText) -> (Vec<String>, Vec<String>) {
    let lines = |text: &PolicyText| -> BTreeSet<String> {
        let own = text
            .files
            .iter()
            .flat_map(|file| file.text.lines())
            .map(str::trim);
        let own = own
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned);
        let projects = text.projects.iter().flat_map(|role| {
            let groups = role
                .groups
                .iter()
                .map(|group| format!("g, {group}, {}", role.subject()));
            role.policies.iter().cloned().chain(groups)
        });
        own.chain(projects).collect()
    };
    let (before, after) = (before.map(lines).unwrap_or_default(), lines(after));
    let take = |one: &BTreeSet<String>, other: &BTreeSet<String>| {
        one.difference(other).take(LINES).cloned().collect()
    };
    (take(&after, &before), take(&before, &after))
}

#[cfg(test)]
mod tests;
