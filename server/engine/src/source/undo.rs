//! Taking one commit back: what it changed below some paths is undone on a later head, and what others changed since
//! stays. Where both changed the same lines nothing is guessed: the file is a conflict.

use super::git;
use super::history::{self, Difference, Wanted};
use super::mirror::Mirror;
use super::ssh::Folder;
use super::tree_edit::{FileEdit, MAX_COMMITTED_BYTES};
use super::{Mirrors, SourceError};
use crate::child::{self, ChildError, Limits};
use gix::ObjectId;
use gix::objs::tree::EntryKind;
use lockstep_types::revision::Revision;
use std::path::Path;
use std::time::Duration;
use tokio::process::Command;

/// Three texts of a megabyte are merged in far less.
const MERGE: Duration = Duration::from_secs(20);
const MAX_MERGED: usize = 8 * 1024 * 1024;

/// What takes a commit back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    /// To put, replace or remove on the head; empty when it is taken back already.
    pub files: Vec<FileEdit>,
    /// Files that cannot be taken back by themselves, each with why: `web.yaml: the same lines were changed since`.
    pub conflicts: Vec<String>,
    /// Files of the commit outside the paths, which stay as they are.
    pub left: Vec<String>,
    /// How many files below the paths are back already.
    pub back: usize,
}

/// What one file was before the commit, after it, and is on the head.
struct Change {
    path: String,
    before: Option<(EntryKind, ObjectId)>,
    after: Option<(EntryKind, ObjectId)>,
    now: Option<(EntryKind, ObjectId)>,
}

/// How a change is taken back.
enum Way {
    /// It is back already.
    Nothing,
    Put(Vec<u8>),
    Remove,
    Conflict(&'static str),
    /// Others changed it since: before, after and now, as texts.
    Merge([String; 3]),
}

/// Files by path.
type Ways = Vec<(String, Way)>;

impl Mirrors {
    /// What takes `commit` back on `head`, as far as it concerns files below `paths`. A merge is taken back as what it
    /// brought to its first parent. Writes nothing.
    ///
    /// # Errors
    /// When the mirror does not hold the commits or cannot be read, or Git cannot be started.
    pub async fn undo(
        &self,
        repo_url: &str,
        commit: &Revision,
        head: &Revision,
        paths: &[String],
    ) -> Result<Undo, SourceError> {
        let (commit, head, paths) = (commit.clone(), head.clone(), paths.to_vec());
        let (found, left) = self
            .blocking(repo_url, move |mirror| ways(mirror, &commit, &head, &paths))
            .await?;
        let mut undo = Undo {
            files: Vec::new(),
            conflicts: Vec::new(),
            left,
            back: 0,
        };
        for (path, way) in found {
            let content = match way {
                Way::Nothing => {
                    undo.back += 1;
                    continue;
                }
                Way::Put(content) => Some(content),
                Way::Remove => None,
                Way::Conflict(why) => {
                    undo.conflicts.push(format!("{path}: {why}"));
                    continue;
                }
                Way::Merge(texts) => match self.merge_texts(repo_url, &texts).await? {
                    // Somebody took it back already, beside other changes.
                    Some(merged) if merged == texts[2].as_bytes() => {
                        undo.back += 1;
                        continue;
                    }
                    Some(merged) => Some(merged),
                    None => {
                        undo.conflicts
                            .push(format!("{path}: the same lines were changed since"));
                        continue;
                    }
                },
            };
            undo.files.push(FileEdit { path, content });
        }
        Ok(undo)
    }

    /// Three-way merge by Git: `now` with what leads from `after` to `before`. `None` when both touch the same lines.
    async fn merge_texts(
        &self,
        repo_url: &str,
        [before, after, now]: &[String; 3],
    ) -> Result<Option<Vec<u8>>, SourceError> {
        let askpass: &Path = &self.inner.askpass;
        let broken = |message: String| SourceError::Mirror {
            url: repo_url.to_owned(),
            message,
        };
        let unwritten =
            |error: std::io::Error| broken(format!("its files cannot be merged: {error}"));
        let folder = Folder::new(askpass.parent().unwrap_or(askpass)).map_err(unwritten)?;
        let mut command = Command::new("git");
        git::clean(&mut command, askpass);
        command.args(["merge-file", "--stdout"]);
        for (name, text) in [("now", now), ("after", after), ("before", before)] {
            command.arg(folder.write(name, text).map_err(unwritten)?);
        }
        let limits = Limits {
            deadline: MERGE,
            stdout: MAX_MERGED,
            stderr: 4096,
            file: 0,
        };
        let finished = match child::run(command, Vec::new(), limits).await {
            Ok(finished) => finished,
            Err(ChildError::TooMuchOutput(_)) => return Ok(None),
            Err(error) => return Err(broken(format!("its files cannot be merged: {error}"))),
        };
        match finished.status.code() {
            Some(0) => Ok(Some(finished.stdout)),
            // The number of conflicts; errors are reported as 255.
            Some(1..=127) => Ok(None),
            _ => Err(broken(format!(
                "git merge-file failed: {}",
                git::words_of(&String::from_utf8_lossy(&finished.stderr))
            ))),
        }
    }
}

fn ways(
    mirror: &Mirror,
    commit: &Revision,
    head: &Revision,
    paths: &[String],
) -> Result<(Ways, Vec<String>), SourceError> {
    let repo = mirror.reader()?;
    let broken = |error: gix::Error| mirror.broken(error);
    let made = mirror.commit(&repo, commit)?;
    let after = made.tree_id().map_err(broken)?.detach();
    let parent = made.parent_ids().next().map(|id| id.detach());
    let before = match parent {
        Some(id) => Some(mirror.tree(&repo, &Revision(id.to_string()))?),
        None => None,
    };
    let all =
        history::differences(&repo, before, Some(after), &Wanted::new(&[])).map_err(broken)?;
    let ours =
        history::differences(&repo, before, Some(after), &Wanted::new(paths)).map_err(broken)?;
    let left = all
        .iter()
        .filter(|change| !ours.contains(change))
        .map(|change| change.path.clone())
        .collect();
    let head = repo.find_tree(mirror.tree(&repo, head)?).map_err(broken)?;
    let mut found = Vec::with_capacity(ours.len());
    for Difference { path, old, new } in ours {
        let now = head
            .lookup_entry(path.split('/'))
            .map_err(broken)?
            .map(|entry| (entry.mode().kind(), entry.object_id()));
        let change = Change {
            path,
            before: old,
            after: new,
            now,
        };
        let mut way = way(mirror, &repo, &change)?;
        let blocked = |path: &str| -> Result<bool, SourceError> {
            for (at, _) in path.match_indices('/') {
                let folder = head.lookup_entry(path[..at].split('/')).map_err(broken)?;
                if folder.is_some_and(|entry| !entry.mode().is_tree()) {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        if matches!(way, Way::Put(_)) && blocked(&change.path)? {
            way = Way::Conflict("a file stands where its folder would");
        }
        found.push((change.path, way));
    }
    Ok((found, left))
}

fn way(mirror: &Mirror, repo: &gix::Repository, change: &Change) -> Result<Way, SourceError> {
    let (before, after, now) = (change.before, change.after, change.now);
    if now == before {
        return Ok(Way::Nothing);
    }
    let plain = |side: Option<(EntryKind, ObjectId)>| {
        side.is_none_or(|(kind, _)| matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable))
    };
    if ![before, after, now].into_iter().all(plain) {
        return Ok(Way::Conflict(
            "it is a link, a folder or a submodule on one side",
        ));
    }
    // What is committed keeps the mode that a file has, and a new one is no program.
    let kind = |side: Option<(EntryKind, ObjectId)>| side.map(|(kind, _)| kind);
    let wanted = kind(before).unwrap_or(EntryKind::Blob);
    if before.is_some() && wanted != kind(now).unwrap_or(EntryKind::Blob) {
        return Ok(Way::Conflict("whether it may be executed would change"));
    }
    let bytes = |id: ObjectId| -> Result<Vec<u8>, SourceError> {
        let blob = repo.find_blob(id).map_err(|error| mirror.broken(error))?;
        Ok(blob.data.clone())
    };
    let id = |side: Option<(EntryKind, ObjectId)>| side.map(|(_, id)| id);
    let (before, after, now) = (id(before), id(after), id(now));
    if now == after {
        return Ok(match before {
            Some(before) => put(bytes(before)?),
            None => Way::Remove,
        });
    }
    let (Some(before), Some(after), Some(now)) = (before, after, now) else {
        return Ok(Way::Conflict(match (before, after, now) {
            (_, _, None) => "it was removed since",
            (None, _, _) => "the commit added it, and it was changed since",
            _ => "the commit removed it, and another one is there now",
        }));
    };
    // Git merges no file that holds a zero byte.
    let text = |id| -> Result<Option<String>, SourceError> {
        Ok(String::from_utf8(bytes(id)?)
            .ok()
            .filter(|text| !text.contains('\0')))
    };
    match (text(before)?, text(after)?, text(now)?) {
        (Some(before), Some(after), Some(now)) => Ok(Way::Merge([before, after, now])),
        _ => Ok(Way::Conflict("it is no text, and it was changed since")),
    }
}

fn put(content: Vec<u8>) -> Way {
    match content.len() > MAX_COMMITTED_BYTES {
        true => Way::Conflict("it is larger than what is committed"),
        false => Way::Put(content),
    }
}
