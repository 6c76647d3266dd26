//! Trees with some entries changed, for commits of our own. Writes objects into the mirror; moves no ref.

use super::SourceError;
use super::mirror::Mirror;
use gix::ObjectId;
use gix::bstr::BStr;
use gix::objs::tree::EntryKind;
use lockstep_types::revision::Revision;

/// Larger files are not committed: they are no manifests.
pub const MAX_COMMITTED_BYTES: usize = 1024 * 1024;
/// Git itself takes longer ones; many hosts and file systems do not.
const MAX_PATH_BYTES: usize = 1024;

/// One file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEdit {
    pub path: String,
    /// The whole content; `None` removes the file.
    pub content: Option<Vec<u8>>,
}

/// The tree with some paths as they were in another commit.
pub(super) fn restored(
    mirror: &Mirror,
    repo: &gix::Repository,
    head_tree: ObjectId,
    paths: &[String],
    from: &Revision,
) -> Result<ObjectId, SourceError> {
    let broken = |error: gix::Error| mirror.broken(error);
    let from = repo.find_tree(mirror.tree(repo, from)?).map_err(broken)?;
    let mut editor = repo.edit_tree(head_tree).map_err(broken)?;
    for path in paths {
        let path = path.trim_matches('/');
        if path.is_empty() {
            editor = repo.edit_tree(from.id).map_err(broken)?;
            break;
        }
        if path
            .split('/')
            .any(|part| matches!(part, "" | "." | ".." | ".git"))
        {
            return Err(mirror.broken(format!("{path} is no path inside the repository")));
        }
        let then: Option<(EntryKind, ObjectId)> = from
            .lookup_entry(path.split('/'))
            .map_err(broken)?
            .map(|entry| (entry.mode().kind(), entry.object_id()));
        match then {
            Some((kind, id)) => editor.upsert(path, kind, id).map_err(broken)?,
            None => editor.remove(path).map_err(broken)?,
        };
    }
    Ok(editor.write().map_err(broken)?.detach())
}

/// The tree with these files put, replaced or removed. An executable file stays one.
pub(super) fn with_files(
    mirror: &Mirror,
    repo: &gix::Repository,
    head_tree: ObjectId,
    files: &[FileEdit],
) -> Result<ObjectId, SourceError> {
    let broken = |error: gix::Error| mirror.broken(error);
    let tree = repo.find_tree(head_tree).map_err(broken)?;
    let mut editor = repo.edit_tree(head_tree).map_err(broken)?;
    for file in files {
        let path = file.path.as_str();
        let refused = |why: String| SourceError::Path {
            path: path.to_owned(),
            why,
        };
        check_path(path).map_err(refused)?;
        let entry = |path: &str| -> Result<Option<EntryKind>, SourceError> {
            let found = tree.lookup_entry(path.split('/')).map_err(broken)?;
            Ok(found.map(|entry| entry.mode().kind()))
        };
        // Nothing is written through a link, into a submodule or over a file that stands where a folder would.
        for (at, _) in path.match_indices('/') {
            let folder = &path[..at];
            match entry(folder)? {
                None => break,
                Some(EntryKind::Tree) => {}
                Some(kind) => return Err(refused(format!("{folder} is {}", word(kind)))),
            }
        }
        let kind = match entry(path)? {
            None => EntryKind::Blob,
            Some(kind @ (EntryKind::Blob | EntryKind::BlobExecutable)) => kind,
            Some(kind) => return Err(refused(format!("it is {}", word(kind)))),
        };
        match &file.content {
            Some(content) if content.len() > MAX_COMMITTED_BYTES => {
                return Err(refused(format!(
                    "the file would be larger than {} MiB",
                    MAX_COMMITTED_BYTES >> 20
                )));
            }
            Some(content) => {
                let id = repo.write_blob(content).map_err(broken)?.detach();
                editor.upsert(path, kind, id).map_err(broken)?;
            }
            None => {
                editor.remove(path).map_err(broken)?;
            }
        }
    }
    Ok(editor.write().map_err(broken)?.detach())
}

/// What Git, and every system that checks the commit out, takes as a path. `.git` in any disguise is refused.
fn check_path(path: &str) -> Result<(), String> {
    if path.is_empty() || path.len() > MAX_PATH_BYTES {
        return Err(format!("a path has 1 to {MAX_PATH_BYTES} bytes"));
    }
    if path.chars().any(char::is_control) {
        return Err("it holds control characters".to_owned());
    }
    for part in path.split('/') {
        let options = gix::validate::path::component::Options::default();
        gix::validate::path::component(BStr::new(part), None, options)
            .map_err(|error| format!("“{part}” cannot be part of a path: {error}"))?;
    }
    Ok(())
}

fn word(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Tree => "a folder",
        EntryKind::Blob | EntryKind::BlobExecutable => "a file",
        EntryKind::Link => "a symbolic link, and nothing is written through links",
        EntryKind::Commit => "a submodule, and its files are in another repository",
    }
}
