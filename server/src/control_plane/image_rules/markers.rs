//! What Flux's automations write: the values before the markers of policies, in the files of a repository.

use super::super::definitions::Placement;
use super::super::proposals::Proposed;
use super::super::rollbacks::commit::email;
use super::super::{Plane, refuse};
use super::{Came, actor, observed};
use crate::reconcile::revisions;
use crate::store::audit::Act;
use crate::store::source::SourceRow;
use engine::definition::{Automation, ImageRules, RuleWrites};
use engine::source::{
    CommitRequest, Credential, FileEdit, FileKind, PushOutcome, Snapshot, TreeEdit,
};
use engine::tags::{Marked, is_marked, marked};
use lockstep_types::PortError;
use lockstep_types::revision::{PathChange, Revision, TargetRevision};
use lockstep_types::source::Mode;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Files of one folder that are looked into.
const FILES: usize = 5_000;
/// Larger files hold no markers.
const BYTES: usize = 1024 * 1024;

/// Image and tag by `namespace:name` of the policy.
type Chosen = BTreeMap<String, (String, String)>;

/// A file with markers, as it shall be.
struct Edited {
    path: String,
    text: String,
    lines: Vec<Marked>,
}

impl Plane {
    pub(super) async fn automation(
        &self,
        source: &SourceRow,
        rules: &ImageRules,
        automation: &Automation,
    ) -> Came {
        if source.mode == Mode::Observe {
            return Err(observed(source));
        }
        let chosen = self.chosen(source, rules, &automation.namespace);
        if chosen.is_empty() {
            return Ok(Vec::new());
        }
        let (url, tracked) = match automation.repo_url.is_empty() {
            true => (source.repo_url.as_str(), source.target_revision.clone()),
            false => (
                automation.repo_url.as_str(),
                TargetRevision(automation.branch.clone()),
            ),
        };
        let placements = self.all_placements().await?;
        self.is_own(source, url, &placements)?;
        let credential = self.credential(url).await?;
        let (branch, head) = self.branch_at_host(url, &credential, &tracked).await?;
        let mirrors = self.runtime.mirrors();
        let snapshot = mirrors.snapshot(url, &head).await.map_err(refuse::source)?;
        let folder = automation.folder.clone();
        let edited = tokio::task::spawn_blocking(move || edited(&snapshot, &folder, &chosen))
            .await
            .map_err(|error| refuse::internal(&error))?
            .map_err(PortError::Conflict)?;
        if edited.is_empty() {
            return Ok(Vec::new());
        }
        let edits: Vec<FileEdit> = edited
            .iter()
            .map(|file| FileEdit {
                path: file.path.clone(),
                content: Some(file.text.clone().into_bytes()),
            })
            .collect();
        let actor = actor(&automation.title);
        let request = CommitRequest {
            branch,
            expected_head: head,
            edit: TreeEdit::Files(edits),
            message: message(automation, &edited) + &self.log_trailer().await?,
            author_name: actor.name.clone(),
            author_email: email(&actor),
        };
        let reached = self
            .reached_by_markers(source, url, &request, placements, &credential)
            .await?;
        let lines: Vec<&Marked> = edited.iter().flat_map(|file| &file.lines).collect();
        let detail = json!({
            "from": request.expected_head, "branch": request.branch,
            "files": edited.iter().map(|file| &file.path).collect::<Vec<_>>(),
        });
        let mut tx = self.runtime.store().begin().await.map_err(refuse::store)?;
        tx.record(Act::unattended(&actor.name, "follow markers", url).with(detail));
        tx.commit().await.map_err(refuse::store)?;
        let said = said(&lines);
        if !automation.push_branch.is_empty() {
            let branch = automation.push_branch.clone();
            return match self.propose(url, &credential, request, branch).await? {
                Proposed::Open(proposal) => {
                    Ok(vec![format!("{said} awaits review on {}", proposal.branch)])
                }
                Proposed::Refused(why) if why.contains("there already") => Ok(Vec::new()),
                Proposed::Refused(why) => Err(refused(&why)),
                Proposed::Moved(_) => Ok(Vec::new()),
            };
        }
        let pushed = mirrors.push_commit(url, &credential, request).await;
        let repository = self.runtime.repository_key(url);
        self.runtime.activator().activate_repository(&repository);
        match pushed.map_err(refuse::source)? {
            PushOutcome::Pushed(revision) => {
                for reached in &reached {
                    self.runtime.activator().activate_target(reached.target.id);
                }
                Ok(vec![format!("{said} in {}", revision.short())])
            }
            PushOutcome::Refused(why) => Err(refused(&why)),
            // The next look begins at the new head.
            PushOutcome::Moved(_) | PushOutcome::NothingToDo => Ok(Vec::new()),
        }
    }

    /// What the policies of a namespace chose when they were looked at last.
    fn chosen(&self, source: &SourceRow, rules: &ImageRules, of: &str) -> Chosen {
        rules
            .rules
            .iter()
            .filter(|rule| rule.problem.is_empty() && !rule.suspend)
            .filter_map(|rule| match &rule.writes {
                RuleWrites::Markers { namespace, name } if namespace == of => {
                    let state = self.runtime.memory().image_rule(source.id, &rule.title);
                    let newest = Some(state.newest).filter(|newest| !newest.is_empty())?;
                    Some((format!("{namespace}:{name}"), (rule.image.clone(), newest)))
                }
                _ => None,
            })
            .collect()
    }

    /// A source has a say in its own repository and in those that its applications are read from.
    fn is_own(
        &self,
        source: &SourceRow,
        url: &str,
        placements: &[Placement],
    ) -> Result<(), PortError> {
        let key = self.runtime.repository_key(url);
        let own = self.runtime.repository_key(&source.repo_url) == key
            || placements
                .iter()
                .filter(|placement| placement.defined.row.source == Some(source.id))
                .flat_map(|placement| revisions::sources(&placement.defined.definition))
                .any(|read| self.runtime.repository_key(&read.repo_url) == key);
        match own {
            true => Ok(()),
            false => Err(PortError::Conflict(format!(
                "no application of the source {} is read from {url}, and it writes nowhere else",
                source.name
            ))),
        }
    }

    /// The branch behind a revision, and where its host has it at this moment.
    async fn branch_at_host(
        &self,
        url: &str,
        credential: &Credential,
        tracked: &TargetRevision,
    ) -> Result<(String, Revision), PortError> {
        let mirrors = self.runtime.mirrors();
        let mut found = mirrors
            .fetch(url, credential, std::slice::from_ref(tracked))
            .await
            .map_err(refuse::source)?;
        let head = found
            .remove(tracked)
            .ok_or_else(|| refuse::missing("revision", tracked.name()))?
            .map_err(refuse::source)?;
        let branch = mirrors
            .branch_of(url, credential, tracked)
            .await
            .map_err(refuse::source)?
            .ok_or_else(|| {
                PortError::Conflict(format!(
                    "{} is no branch, and a commit needs one",
                    tracked.name()
                ))
            })?;
        Ok((branch, head))
    }

    /// The targets that the commit reaches. All of them must be the source's own, and must render with it.
    async fn reached_by_markers(
        &self,
        source: &SourceRow,
        url: &str,
        request: &CommitRequest,
        placements: Vec<Placement>,
        credential: &Credential,
    ) -> Result<Vec<Placement>, PortError> {
        let mirrors = self.runtime.mirrors();
        let made = mirrors
            .prepare_commit(url, request.clone())
            .await
            .map_err(refuse::source)?;
        let Some(made) = made else {
            return Ok(Vec::new());
        };
        let files = mirrors
            .changed(url, Some(&request.expected_head), &made, &[])
            .await
            .map_err(refuse::source)?;
        self.leaves_others_alone(source, url, &files).await?;
        let reached = self
            .reading(placements, url, &request.branch, &files, credential)
            .await?;
        for placement in &reached {
            let row = &placement.defined.row;
            let named = format!(
                "{}/{} on {}",
                row.project, row.name, placement.target.cluster
            );
            if row.source != Some(source.id) {
                return Err(PortError::Conflict(format!(
                    "the commit would reach {named}, which another source defines"
                )));
            }
            if self.runtime.repository_key(placement.defined.repo_url())
                != self.runtime.repository_key(url)
            {
                continue;
            }
            self.renders_with(placement, &made)
                .await
                .map_err(|error| PortError::Conflict(format!("{named}: {error}")))?;
        }
        Ok(reached)
    }
}

impl Plane {
    /// Refuses files in the folders of other root sources: what they define is theirs.
    async fn leaves_others_alone(
        &self,
        source: &SourceRow,
        url: &str,
        files: &[PathChange],
    ) -> Result<(), PortError> {
        let key = self.runtime.repository_key(url);
        let sources = crate::store::source::list(self.runtime.store())
            .await
            .map_err(refuse::store)?;
        let others = sources.iter().filter(|other| {
            other.id != source.id && self.runtime.repository_key(&other.repo_url) == key
        });
        for other in others {
            let folder = other.path.trim_matches('/');
            let inside = |path: &str| {
                folder.is_empty()
                    || path
                        .strip_prefix(folder)
                        .is_some_and(|rest| rest.starts_with('/'))
            };
            if let Some(file) = files.iter().find(|file| inside(&file.path)) {
                return Err(PortError::Conflict(format!(
                    "{} lies in the folder of another root source, and what is there is not written by rules of {}",
                    file.path, source.name
                )));
            }
        }
        Ok(())
    }
}

fn refused(why: &str) -> PortError {
    PortError::Conflict(format!("the Git host refused the push: {why}"))
}

/// Files whose markers ask for something else than there is. Blocks.
fn edited(snapshot: &Snapshot, folder: &str, chosen: &Chosen) -> Result<Vec<Edited>, String> {
    let files = snapshot.files(folder).map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    let yaml = files
        .into_iter()
        .filter(|file| file.path.ends_with(".yaml") || file.path.ends_with(".yml"));
    for (number, file) in yaml.enumerate() {
        if number >= FILES {
            return Err(format!(
                "{folder} holds more than {FILES} files; name a folder with fewer in update.path"
            ));
        }
        if !matches!(file.kind, FileKind::File | FileKind::Executable) {
            continue;
        }
        let bytes = snapshot.read(&file).map_err(|error| error.to_string())?;
        let Ok(text) = String::from_utf8(bytes) else {
            continue;
        };
        if text.len() > BYTES || !is_marked(&text) {
            continue;
        }
        let (now, lines) = marked(&text, |policy| chosen.get(policy).cloned())
            .map_err(|why| format!("{}, {why}", file.path))?;
        if !lines.is_empty() {
            found.push(Edited {
                path: file.path,
                text: now,
                lines,
            });
        }
    }
    Ok(found)
}

/// `web 1.0 → 2.0` of every change, each once.
fn said(lines: &[&Marked]) -> String {
    let short = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
    let each: BTreeSet<String> = lines
        .iter()
        .map(|line| format!("{} → {}", short(&line.from), short(&line.to)))
        .collect();
    let each: Vec<String> = each.into_iter().collect();
    match each.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        all => format!("{} images", all.len()),
    }
}

fn message(automation: &Automation, edited: &[Edited]) -> String {
    let lines: Vec<&Marked> = edited.iter().flat_map(|file| &file.lines).collect();
    let mut body = String::new();
    for file in edited {
        for line in &file.lines {
            body.push_str(&format!(
                "{}:{}: {} → {} ({})\n",
                file.path, line.line, line.from, line.to, line.policy
            ));
        }
    }
    format!(
        "Set {}\n\n{body}\nBy {} ({}:{}).\n\n",
        said(&lines),
        automation.title,
        automation.path,
        automation.line
    )
}
