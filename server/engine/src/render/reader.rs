//! Reading input files the way renderers name them, and remembering each one that was read.

use super::RenderError;
use super::excluded::{self, Excluded, Rules};
use super::reach::{self, Depth, Reach};
use super::stage::Staged;
use crate::definition::DefinedSource;
use crate::source::{Entry, FileKind, Snapshot, SourceError, TreeFile};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// Links that lead to links that lead …
const MAX_LINKS: usize = 8;

/// What a name leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Folder(String),
    File(TreeFile),
    Nothing,
}

/// The files of one commit, and those that the render needs.
pub(super) struct Reader {
    pub(super) snapshot: Snapshot,
    inputs: BTreeMap<String, TreeFile>,
    /// Folders already listed, by object id.
    folders: RefCell<HashMap<String, Rc<HashMap<String, Entry>>>>,
    excluded: Option<Excluded>,
    /// As [`DefinedSource::only`].
    only: Vec<String>,
    /// Everything that was looked at.
    reach: RefCell<Reach>,
}

/// What is at a path, links not followed.
enum Found {
    Folder,
    File(TreeFile),
}

impl Reader {
    pub(super) fn new(snapshot: Snapshot) -> Self {
        Self {
            snapshot,
            inputs: BTreeMap::new(),
            folders: RefCell::default(),
            excluded: None,
            only: Vec::new(),
            reach: RefCell::default(),
        }
    }

    /// Leaves out files as Flux does, where the source is one of Flux.
    pub(super) fn exclude(&mut self, source: &DefinedSource) {
        self.excluded = source.excluded.as_deref().map(Excluded::new);
        self.only.clone_from(&source.only);
    }

    /// Whether a file does not exist for this source.
    fn is_excluded(&self, path: &str) -> Result<bool, RenderError> {
        if self.is_beside(path) {
            return Ok(true);
        }
        let Some(excluded) = &self.excluded else {
            return Ok(false);
        };
        excluded.is_out(path, |folder| {
            let file = if folder.is_empty() {
                excluded::FILE.to_owned()
            } else {
                format!("{folder}/{}", excluded::FILE)
            };
            if self.is_beside(&file) {
                return Ok(Rules::default());
            }
            match self.look(&file)? {
                Some(Found::File(file))
                    if matches!(file.kind, FileKind::File | FileKind::Executable) =>
                {
                    Ok(Rules::parse(&self.read(&file)?))
                }
                _ => Ok(Rules::default()),
            }
        })
    }

    /// Whether a file is none of those that the source takes of its repository.
    fn is_beside(&self, path: &str) -> bool {
        let begins = |only: &String| path.starts_with(only.as_str());
        !self.only.is_empty() && !self.only.iter().any(begins)
    }

    /// The inputs, and what was looked at to find them.
    pub(super) fn into_inputs(self) -> (Vec<Staged>, Reach) {
        let inputs = self
            .inputs
            .into_iter()
            .map(|(path, file)| Staged { path, file })
            .collect();
        (inputs, self.reach.into_inner())
    }

    /// Makes a file an input, under the name by which the renderer will ask for it.
    pub(super) fn need(&mut self, path: &str, file: TreeFile) {
        self.inputs.insert(path.to_owned(), file);
    }

    /// The inputs so far.
    pub(super) fn needed(&self) -> Vec<Staged> {
        self.inputs
            .iter()
            .map(|(path, file)| Staged {
                path: path.clone(),
                file: file.clone(),
            })
            .collect()
    }

    pub(super) fn read(&self, file: &TreeFile) -> Result<Vec<u8>, RenderError> {
        Ok(self.snapshot.read(file)?)
    }

    fn list(&self, folder: &str) -> Result<Rc<HashMap<String, Entry>>, RenderError> {
        if let Some(listed) = self.folders.borrow().get(folder) {
            return Ok(Rc::clone(listed));
        }
        let listed = Rc::new(
            self.snapshot
                .list(folder)?
                .into_iter()
                .collect::<HashMap<_, _>>(),
        );
        self.folders
            .borrow_mut()
            .insert(folder.to_owned(), Rc::clone(&listed));
        Ok(listed)
    }

    fn look(&self, path: &str) -> Result<Option<Found>, RenderError> {
        let found = self.look_at(path)?;
        let kind = match found {
            Some(Found::Folder) => reach::Found::Folder,
            Some(Found::File(_)) | None => reach::Found::Leaf,
        };
        self.reach.borrow_mut().look_up(path, kind);
        Ok(found)
    }

    fn look_at(&self, path: &str) -> Result<Option<Found>, RenderError> {
        let mut at = Entry {
            oid: self.snapshot.root(),
            kind: None,
        };
        for name in path.split('/').filter(|name| !name.is_empty()) {
            if at.kind.is_some() {
                return Ok(None);
            }
            match self.list(&at.oid)?.get(name) {
                Some(entry) => at = entry.clone(),
                None => return Ok(None),
            }
        }
        Ok(Some(match at.kind {
            None => Found::Folder,
            Some(kind) => Found::File(TreeFile {
                path: path.to_owned(),
                oid: at.oid,
                kind,
            }),
        }))
    }

    /// What is at the path. Links are followed as long as they stay at or below `bound`.
    pub(super) fn find(&self, path: &str, bound: &str) -> Result<Target, RenderError> {
        let mut at = path.to_owned();
        for _ in 0..=MAX_LINKS {
            match self.look(&at)? {
                Some(Found::Folder) => return Ok(Target::Folder(at)),
                Some(Found::File(link)) if link.kind == FileKind::Symlink => {
                    at = self.follow(&link, "", bound)?
                }
                Some(Found::File(file)) if file.kind == FileKind::Submodule => {
                    return Err(SourceError::Submodule { path: file.path }.into());
                }
                Some(Found::File(file)) if self.is_excluded(&file.path)? => {
                    return Ok(Target::Nothing);
                }
                Some(Found::File(file)) => return Ok(Target::File(file)),
                // Perhaps a folder on the way is a link.
                None => match self.link_above(&at)? {
                    Some((link, rest)) => at = self.follow(&link, &rest, bound)?,
                    None => return Ok(Target::Nothing),
                },
            }
        }
        Err(RenderError::Refused {
            path: path.to_owned(),
            why: "it is a symbolic link that leads in circles".to_owned(),
        })
    }

    fn link_above(&self, path: &str) -> Result<Option<(TreeFile, String)>, RenderError> {
        for (end, _) in path.match_indices('/') {
            let (above, rest) = path.split_at(end);
            match self.look(above)? {
                Some(Found::Folder) => {}
                Some(Found::File(file)) if file.kind == FileKind::Symlink => {
                    return Ok(Some((file, rest.to_owned())));
                }
                Some(Found::File(file)) if file.kind == FileKind::Submodule => {
                    return Err(SourceError::Submodule { path: file.path }.into());
                }
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    fn follow(&self, link: &TreeFile, rest: &str, bound: &str) -> Result<String, RenderError> {
        let leaves = || RenderError::Refused {
            path: link.path.clone(),
            why: format!("it is a symbolic link that leads out of {}", shown(bound)),
        };
        let target = String::from_utf8(self.snapshot.read(link)?).map_err(|_| leaves())?;
        let target = join(parent(&link.path), &format!("{target}{rest}")).ok_or_else(leaves)?;
        if is_within(&target, bound) {
            Ok(target)
        } else {
            Err(leaves())
        }
    }

    /// Files at or below a path that exist for this source, links as they are.
    pub(super) fn present(&self, path: &str) -> Result<Vec<TreeFile>, RenderError> {
        let mut found = Vec::new();
        for file in self.snapshot.files(path)? {
            if !self.is_excluded(&file.path)? {
                found.push(file);
            }
        }
        Ok(found)
    }

    /// Every file at or below a folder, with links replaced by what they lead to.
    pub(super) fn all(&self, folder: &str) -> Result<Vec<Staged>, RenderError> {
        self.reach.borrow_mut().list(folder, Depth::All);
        self.resolved(folder, self.snapshot.files(folder)?)
    }

    /// As [`Reader::all`], of the files right in the folder.
    pub(super) fn right_in(&self, folder: &str) -> Result<Vec<Staged>, RenderError> {
        self.reach.borrow_mut().list(folder, Depth::Here);
        let mut at = self.snapshot.root();
        for name in folder.split('/').filter(|name| !name.is_empty()) {
            match self.list(&at)?.get(name) {
                Some(entry) if entry.kind.is_none() => at = entry.oid.clone(),
                // `files` names repository and revision.
                _ => return self.resolved(folder, self.snapshot.files(folder)?),
            }
        }
        let mut files: Vec<TreeFile> = self
            .list(&at)?
            .iter()
            .filter_map(|(name, entry)| {
                Some(TreeFile {
                    path: if folder.is_empty() {
                        name.clone()
                    } else {
                        format!("{folder}/{name}")
                    },
                    oid: entry.oid.clone(),
                    kind: entry.kind?,
                })
            })
            .collect();
        files.sort();
        self.resolved(folder, files)
    }

    fn resolved(&self, folder: &str, files: Vec<TreeFile>) -> Result<Vec<Staged>, RenderError> {
        let mut found = Vec::with_capacity(files.len());
        for file in files {
            let path = file.path.clone();
            if self.is_excluded(&path)? {
                continue;
            }
            let file = match file.kind {
                FileKind::Submodule => return Err(SourceError::Submodule { path }.into()),
                FileKind::Symlink => match self.find(&path, folder)? {
                    Target::File(target) => target,
                    Target::Folder(_) => {
                        return Err(RenderError::Refused {
                            path,
                            why: "it is a symbolic link to a folder, which is not followed"
                                .to_owned(),
                        });
                    }
                    Target::Nothing => {
                        return Err(RenderError::Refused {
                            path,
                            why: "it is a symbolic link to nothing".to_owned(),
                        });
                    }
                },
                FileKind::File | FileKind::Executable => file,
            };
            found.push(Staged { path, file });
        }
        Ok(found)
    }
}

/// For messages.
pub(super) fn shown(path: &str) -> &str {
    if path.is_empty() {
        "the repository's root"
    } else {
        path
    }
}

pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// `name` as seen from `folder`, in normal form; `None` when it leaves the repository or is no relative path.
pub(super) fn join(folder: &str, name: &str) -> Option<String> {
    if name.is_empty()
        || name.starts_with('/')
        || name.chars().any(char::is_control)
        || name.contains('\\')
    {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

pub(super) fn is_within(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path == folder
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_never_leave_the_repository() {
        for (folder, name, expected) in [
            ("a/b", "../c/./d.yaml", Some("a/c/d.yaml")),
            ("", "x", Some("x")),
            ("a", "..", Some("")),
            ("a", "../..", None),
            ("a", "/etc/passwd", None),
            ("a", "", None),
            ("a", "b\\c", None),
            ("a", "b\nc", None),
        ] {
            assert_eq!(join(folder, name).as_deref(), expected, "{folder} {name}");
        }
        assert!(
            is_within("a/b", "a")
                && is_within("a", "a")
                && is_within("a", "")
                && !is_within("ab", "a")
        );
    }
}
