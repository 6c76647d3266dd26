//! The folder of one render: exactly the collected files, gone when the render is over.

use super::RenderError;
use super::several::{Borrowed, lent_folder};
use crate::source::{FileKind, Snapshot};
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// More than any chart has.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A folder with `files/` for what came from Git and `home/` for what renderers leave behind.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

/// A file to put there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Staged {
    /// Where it lies for the renderer, relative to the repository's root.
    pub path: String,
    pub file: crate::source::TreeFile,
}

impl Folder {
    pub(super) fn new(work: &Path) -> Result<Self, RenderError> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = work.join(format!("render-{}-{number}", std::process::id()));
        // Left behind by an earlier process of the same number.
        if path.exists() {
            fs::remove_dir_all(&path).map_err(broken)?;
        }
        fs::create_dir_all(work).map_err(broken)?;
        let mut private = fs::DirBuilder::new();
        private.mode(0o700);
        private.create(&path).map_err(broken)?;
        let folder = Self { path };
        private.create(folder.path.join("home")).map_err(broken)?;
        private.create(folder.path.join("files")).map_err(broken)?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Blocks. Paths were checked by the walker; they are checked again here, because this is what writes.
    pub(super) fn fill(&self, snapshot: &Snapshot, files: &[Staged]) -> Result<(), RenderError> {
        let mut total = 0;
        for staged in files {
            let bytes = snapshot.read(&staged.file)?;
            total += bytes.len() as u64;
            if total > MAX_BYTES {
                return Err(RenderError::TooLarge {
                    subject: "the set of input files".to_owned(),
                    limit: format!("{} MiB", MAX_BYTES >> 20),
                });
            }
            self.write(
                &staged.path,
                &bytes,
                staged.file.kind == FileKind::Executable,
            )?;
        }
        Ok(())
    }

    /// What other sources lend, each in a folder of its own. Blocks.
    pub(super) fn fill_lent(
        &self,
        snapshots: &[Snapshot],
        borrowed: &[Borrowed],
    ) -> Result<(), RenderError> {
        let mut total = 0;
        for Borrowed { source, file } in borrowed {
            let snapshot = snapshots
                .get(*source)
                .ok_or_else(|| RenderError::Internal("a lending source is gone".to_owned()))?;
            let bytes = snapshot.read(&file.file)?;
            total += bytes.len() as u64;
            if total > MAX_BYTES {
                return Err(RenderError::TooLarge {
                    subject: "the set of borrowed files".to_owned(),
                    limit: format!("{} MiB", MAX_BYTES >> 20),
                });
            }
            self.write_below(&lent_folder(*source), &file.path, &bytes, false)?;
        }
        Ok(())
    }

    /// A file of our own, beside `files/`.
    pub(super) fn put(&self, path: &str, bytes: &[u8]) -> Result<(), RenderError> {
        let target = self.path.join(path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(broken)?;
        }
        fs::write(target, bytes).map_err(broken)
    }

    pub(super) fn write(
        &self,
        path: &str,
        bytes: &[u8],
        executable: bool,
    ) -> Result<(), RenderError> {
        self.write_below("files", path, bytes, executable)
    }

    fn write_below(
        &self,
        top: &str,
        path: &str,
        bytes: &[u8],
        executable: bool,
    ) -> Result<(), RenderError> {
        if path.is_empty()
            || path.split('/').any(|part| matches!(part, "" | "." | ".."))
            || path.contains('\0')
        {
            return Err(RenderError::Refused {
                path: path.to_owned(),
                why: "it is no path inside the repository".to_owned(),
            });
        }
        let target = self.path.join(top).join(path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(broken)?;
        }
        // Two names that the file system takes for one would silently replace each other.
        let mut file = fs::File::create_new(&target).map_err(broken)?;
        std::io::Write::write_all(&mut file, bytes).map_err(broken)?;
        let mode = if executable { 0o700 } else { 0o600 };
        file.set_permissions(fs::Permissions::from_mode(mode))
            .map_err(broken)
    }

    /// Messages name files as the repository does.
    pub(super) fn without_own_path(&self, text: &str) -> String {
        let own = self.path.to_string_lossy();
        text.replace(&format!("{own}/files/"), "")
            .replace(&format!("{own}/files"), ".")
            .replace(own.as_ref(), "")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(folder = %self.path.display(), %error, "a render folder could not be removed");
        }
    }
}

fn broken(error: std::io::Error) -> RenderError {
    RenderError::Internal(error.to_string())
}
