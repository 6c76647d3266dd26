//! The files of one commit.

use super::SourceError;
use super::mirror::{Mirror, thread_local};
use gix::objs::tree::EntryKind;
use gix::{ObjectId, ThreadSafeRepository};
use lockstep_types::revision::Revision;

/// More files than any root source or chart has; a bound on what a hostile tree can cost.
const MAX_FILES: usize = 500_000;
/// Larger files are not read.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// What a tree entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    File,
    Executable,
    Symlink,
    Submodule,
}

/// A file of a commit. Names that are not UTF-8 are shown with replacement characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeFile {
    pub path: String,
    pub oid: String,
    pub kind: FileKind,
}

/// What a name in a folder stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub oid: String,
    /// `None` for a folder.
    pub kind: Option<FileKind>,
}

/// A pinned commit's files. Every method blocks; cheap to clone and to send to another thread.
#[derive(Debug, Clone)]
pub struct Snapshot {
    repo: ThreadSafeRepository,
    url: String,
    revision: Revision,
    tree: ObjectId,
}

impl Snapshot {
    pub(super) fn open(mirror: &Mirror, at: &Revision) -> Result<Self, SourceError> {
        let repo = mirror.shared()?;
        let tree = mirror.tree(&thread_local(&repo), at)?;
        Ok(Self {
            repo,
            url: mirror.url().to_string(),
            revision: at.clone(),
            tree,
        })
    }

    /// All files at or below the path, sorted.
    ///
    /// # Errors
    /// When there is nothing at the path, or far too much.
    pub fn files(&self, under: &str) -> Result<Vec<TreeFile>, SourceError> {
        let under = under.trim_matches('/');
        let repo = thread_local(&self.repo);
        let top = if under.is_empty() {
            Some((EntryKind::Tree, self.tree))
        } else {
            self.entry(&repo, under)?
        };
        let (kind, id) = top.ok_or_else(|| SourceError::NoSuchPath {
            url: self.url.clone(),
            path: under.to_owned(),
            revision: self.revision.short().to_owned(),
        })?;
        if let Some(kind) = file_kind(kind) {
            return Ok(vec![TreeFile {
                path: under.to_owned(),
                oid: id.to_string(),
                kind,
            }]);
        }
        let mut files = Vec::new();
        let mut folders = vec![(under.to_owned(), id)];
        while let Some((folder, id)) = folders.pop() {
            let tree = repo.find_tree(id).map_err(|error| self.broken(error))?;
            for entry in tree.iter() {
                let entry = entry.map_err(|error| self.broken(error))?;
                let name = entry.filename().to_string();
                let path = if folder.is_empty() {
                    name
                } else {
                    format!("{folder}/{name}")
                };
                match file_kind(entry.kind()) {
                    None => folders.push((path, entry.object_id())),
                    Some(kind) => files.push(TreeFile {
                        path,
                        oid: entry.object_id().to_string(),
                        kind,
                    }),
                }
            }
            if files.len() + folders.len() > MAX_FILES {
                return Err(self.broken(format!("{under} holds more than {MAX_FILES} files")));
            }
        }
        files.sort();
        Ok(files)
    }

    /// What lies in a folder, by name; `folder` is an id that [`Snapshot::root`] or this method gave.
    ///
    /// # Errors
    /// When the mirror cannot be read.
    pub fn list(&self, folder: &str) -> Result<Vec<(String, Entry)>, SourceError> {
        let id = ObjectId::from_hex(folder.as_bytes())
            .map_err(|_| self.broken(format!("{folder} is no object id")))?;
        let repo = thread_local(&self.repo);
        let tree = repo.find_tree(id).map_err(|error| self.broken(error))?;
        tree.iter()
            .map(|entry| {
                let entry = entry.map_err(|error| self.broken(error))?;
                let found = Entry {
                    oid: entry.object_id().to_string(),
                    kind: file_kind(entry.kind()),
                };
                Ok((entry.filename().to_string(), found))
            })
            .collect()
    }

    /// The id of the root folder.
    pub fn root(&self) -> String {
        self.tree.to_string()
    }

    /// The content of a file.
    ///
    /// # Errors
    /// When it is a submodule or an LFS pointer, whose content is elsewhere, or larger than 64 MiB.
    pub fn read(&self, file: &TreeFile) -> Result<Vec<u8>, SourceError> {
        if file.kind == FileKind::Submodule {
            return Err(SourceError::Submodule {
                path: file.path.clone(),
            });
        }
        let bytes = read_object(&thread_local(&self.repo), &file.oid, |error| {
            self.broken(error)
        })?;
        if bytes.starts_with(b"version https://git-lfs.github.com/spec/v1\n") {
            return Err(SourceError::LfsPointer {
                path: file.path.clone(),
            });
        }
        Ok(bytes)
    }

    fn entry(
        &self,
        repo: &gix::Repository,
        path: &str,
    ) -> Result<Option<(EntryKind, ObjectId)>, SourceError> {
        let tree = repo
            .find_tree(self.tree)
            .map_err(|error| self.broken(error))?;
        let entry = tree
            .lookup_entry(path.split('/'))
            .map_err(|error| self.broken(error))?;
        Ok(entry.map(|entry| (entry.mode().kind(), entry.object_id())))
    }

    fn broken(&self, error: impl std::fmt::Display) -> SourceError {
        SourceError::Mirror {
            url: self.url.clone(),
            message: error.to_string(),
        }
    }
}

/// Reads an object of the mirror, whatever path it has.
pub(super) fn read(mirror: &Mirror, oid: &str) -> Result<Vec<u8>, SourceError> {
    read_object(&mirror.reader()?, oid, |error| mirror.broken(error))
}

fn read_object(
    repo: &gix::Repository,
    oid: &str,
    broken: impl Fn(String) -> SourceError,
) -> Result<Vec<u8>, SourceError> {
    let id =
        ObjectId::from_hex(oid.as_bytes()).map_err(|_| broken(format!("{oid} is no object id")))?;
    let header = repo
        .find_header(id)
        .map_err(|error| broken(error.to_string()))?;
    if header.size() > MAX_FILE_BYTES {
        return Err(broken(format!(
            "the file {oid} is larger than {} MiB",
            MAX_FILE_BYTES >> 20
        )));
    }
    let mut blob = repo
        .find_blob(id)
        .map_err(|error| broken(error.to_string()))?;
    Ok(blob.take_data())
}

/// `None` for folders.
fn file_kind(kind: EntryKind) -> Option<FileKind> {
    match kind {
        EntryKind::Tree => None,
        EntryKind::Blob => Some(FileKind::File),
        EntryKind::BlobExecutable => Some(FileKind::Executable),
        EntryKind::Link => Some(FileKind::Symlink),
        EntryKind::Commit => Some(FileKind::Submodule),
    }
}
