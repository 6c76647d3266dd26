//! The files of one commit.

use super::SourceError;
use super::mirror::{Mirror, thread_local};
use gix::objs::tree::EntryKind;
use gix::{ObjectId, ThreadSafeRepository};
use lockstep_types::revision::Revision;
use std::collections::BTreeMap;
use std::sync::Arc;

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
    /// Files of other snapshots that stand among its own.
    added: Option<Arc<Added>>,
}

/// Files by the path at which they stand, and the repositories that hold them.
#[derive(Debug)]
struct Added {
    files: BTreeMap<String, TreeFile>,
    repos: Vec<ThreadSafeRepository>,
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
            added: None,
        })
    }

    /// The same with files of others among its own, each at the path that it names. Nothing may stand there before:
    /// see [`Snapshot::is_taken`].
    #[must_use]
    pub fn with(mut self, files: Vec<TreeFile>, of: &[Snapshot]) -> Self {
        let mut added = Added {
            files: files
                .into_iter()
                .map(|file| (file.path.clone(), file))
                .collect(),
            repos: Vec::new(),
        };
        for snapshot in of.iter().chain([&self]) {
            if let Some(before) = &snapshot.added {
                added.repos.extend(before.repos.iter().cloned());
            }
        }
        added.repos.extend(of.iter().map(|one| one.repo.clone()));
        if let Some(before) = self.added.take() {
            let kept = before.files.iter();
            added
                .files
                .extend(kept.map(|(path, file)| (path.clone(), file.clone())));
        }
        self.added = Some(Arc::new(added));
        self
    }

    /// Whether something stands at the path, or a file in the way to it.
    ///
    /// # Errors
    /// When the mirror cannot be read.
    pub fn is_taken(&self, path: &str) -> Result<bool, SourceError> {
        let is_within = |path: &str, folder: &str| {
            path.strip_prefix(folder)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if let Some(added) = &self.added
            && added
                .files
                .keys()
                .any(|file| is_within(file, path) || is_within(path, file))
        {
            return Ok(true);
        }
        let repo = thread_local(&self.repo);
        let ends = path.match_indices('/').map(|(end, _)| end);
        for end in ends.chain([path.len()]) {
            let above = path.get(..end).unwrap_or_default();
            match self.entry(&repo, above)? {
                None => return Ok(false),
                Some((EntryKind::Tree, _)) if end < path.len() => {}
                Some(_) => return Ok(true),
            }
        }
        Ok(false)
    }

    /// All files at or below the path, sorted.
    ///
    /// # Errors
    /// When there is nothing at the path, or far too much.
    pub fn files(&self, under: &str) -> Result<Vec<TreeFile>, SourceError> {
        let under = under.trim_matches('/');
        let own = self.own_files(under);
        let Some(added) = &self.added else { return own };
        let below = if under.is_empty() {
            String::new()
        } else {
            format!("{under}/")
        };
        let more: Vec<TreeFile> = added
            .files
            .get(under)
            .into_iter()
            .chain(starting(&added.files, &below).map(|(_, file)| file))
            .cloned()
            .collect();
        match own {
            Ok(mut files) => {
                files.extend(more);
                files.sort();
                Ok(files)
            }
            Err(SourceError::NoSuchPath { .. }) if !more.is_empty() => Ok(more),
            Err(error) => Err(error),
        }
    }

    fn own_files(&self, under: &str) -> Result<Vec<TreeFile>, SourceError> {
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
        if let Some(added) = &self.added {
            return self.list_with(added, folder);
        }
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
        match self.added {
            // Folders that hold files of several repositories have no object: they go by their path.
            Some(_) => "/".to_owned(),
            None => self.tree.to_string(),
        }
    }

    fn list_with(&self, added: &Added, folder: &str) -> Result<Vec<(String, Entry)>, SourceError> {
        let path = folder.trim_matches('/');
        let below = if path.is_empty() {
            String::new()
        } else {
            format!("{path}/")
        };
        let as_folder = |name: &str| Entry {
            oid: format!("/{below}{name}"),
            kind: None,
        };
        let mut found = BTreeMap::new();
        let repo = thread_local(&self.repo);
        let own = if path.is_empty() {
            Some((EntryKind::Tree, self.tree))
        } else {
            self.entry(&repo, path)?
        };
        if let Some((EntryKind::Tree, id)) = own {
            let tree = repo.find_tree(id).map_err(|error| self.broken(error))?;
            for entry in tree.iter() {
                let entry = entry.map_err(|error| self.broken(error))?;
                let name = entry.filename().to_string();
                let entry = match file_kind(entry.kind()) {
                    None => as_folder(&name),
                    kind => Entry {
                        oid: entry.object_id().to_string(),
                        kind,
                    },
                };
                found.insert(name, entry);
            }
        }
        for (file, staged) in starting(&added.files, &below) {
            let rest = file.get(below.len()..).unwrap_or_default();
            let (name, entry) = match rest.split_once('/') {
                Some((name, _)) => (name, as_folder(name)),
                None => (
                    rest,
                    Entry {
                        oid: staged.oid.clone(),
                        kind: Some(staged.kind),
                    },
                ),
            };
            found.entry(name.to_owned()).or_insert(entry);
        }
        Ok(found.into_iter().collect())
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
        let repo = self.holding(&file.oid);
        let bytes = read_object(&repo, &file.oid, |error| self.broken(error))?;
        if bytes.starts_with(b"version https://git-lfs.github.com/spec/v1\n") {
            return Err(SourceError::LfsPointer {
                path: file.path.clone(),
            });
        }
        Ok(bytes)
    }

    /// The repository that has an object; the own one where none has.
    fn holding(&self, oid: &str) -> gix::Repository {
        let own = thread_local(&self.repo);
        let (Some(added), Ok(id)) = (&self.added, ObjectId::from_hex(oid.as_bytes())) else {
            return own;
        };
        if own.has_object(id) {
            return own;
        }
        added
            .repos
            .iter()
            .map(thread_local)
            .find(|repo| repo.has_object(id))
            .unwrap_or(own)
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

/// Entries whose path begins so, in their order.
fn starting<'f>(
    files: &'f BTreeMap<String, TreeFile>,
    beginning: &str,
) -> impl Iterator<Item = (&'f String, &'f TreeFile)> {
    let beginning = beginning.to_owned();
    files
        .range(beginning.clone()..)
        .take_while(move |(path, _)| path.starts_with(&beginning))
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
