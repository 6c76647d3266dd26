//! One bare mirror on disk, opened once and shared by all readers.

use super::{RepoUrl, SourceError};
use gix::ThreadSafeRepository;
use lockstep_types::revision::Revision;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Decoded objects kept per reader.
const OBJECT_CACHE_BYTES: usize = 8 * 1024 * 1024;

/// Packs a reader can know. Each fetch may bring one, and they are put together long before.
const PACKS: u16 = 2048;

const INSPECT_EVERY: Duration = Duration::from_secs(3600);

/// A mirror. Its folder appears whole or not at all.
#[derive(Debug)]
pub(super) struct Mirror {
    url: RepoUrl,
    dir: PathBuf,
    repo: Mutex<Option<ThreadSafeRepository>>,
    /// When the whole of it was last looked at.
    inspected: Mutex<Option<Instant>>,
    /// Held while a transport runs: one at a time.
    pub(super) transport: tokio::sync::Mutex<()>,
}

impl Mirror {
    pub(super) fn new(parent: &Path, url: RepoUrl) -> Self {
        let dir = parent.join(url.folder());
        Self {
            url,
            dir,
            repo: Mutex::new(None),
            inspected: Mutex::new(None),
            transport: tokio::sync::Mutex::new(()),
        }
    }

    pub(super) fn url(&self) -> &RepoUrl {
        &self.url
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes the empty mirror when there is none. Only called while the transport is held.
    pub(super) fn create(&self) -> Result<(), SourceError> {
        if self.dir.join("HEAD").exists() {
            return Ok(());
        }
        let unfinished = self.dir.with_extension("unfinished");
        if unfinished.exists() {
            std::fs::remove_dir_all(&unfinished).map_err(|error| self.broken(error))?;
        }
        gix::init_bare(&unfinished).map_err(|error| self.broken(error))?;
        std::fs::write(unfinished.join("lockstep-url"), self.url.text())
            .map_err(|error| self.broken(error))?;
        std::fs::rename(&unfinished, &self.dir).map_err(|error| self.broken(error))
    }

    /// Whether it is time to look at the whole of it again. That takes long for a large one, and a host that is away for
    /// hours gives no more reason than one that is away for a minute.
    pub(super) fn may_inspect(&self) -> bool {
        let mut inspected = self
            .inspected
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let due = inspected.is_none_or(|at| at.elapsed() > INSPECT_EVERY);
        if due {
            *inspected = Some(Instant::now());
        }
        due
    }

    /// Opens anew at the next reading.
    pub(super) fn forget(&self) {
        *self.repo.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// A reader of this thread's own.
    pub(super) fn reader(&self) -> Result<gix::Repository, SourceError> {
        Ok(thread_local(&self.shared()?))
    }

    pub(super) fn shared(&self) -> Result<ThreadSafeRepository, SourceError> {
        let mut repo = self.repo.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = repo.as_ref() {
            return Ok(open.clone());
        }
        if !self.dir.join("HEAD").exists() {
            return Err(SourceError::NotFetched {
                url: self.url.to_string(),
            });
        }
        // Isolated: neither the machine's nor the user's Git configuration has a say.
        let options = gix::open::Options::isolated()
            .object_store_slots(gix::odb::store::init::Slots::Given(PACKS));
        let open = ThreadSafeRepository::open_opts(&self.dir, options)
            .map_err(|error| self.broken(error))?;
        *repo = Some(open.clone());
        Ok(open)
    }

    pub(super) fn broken(&self, error: impl Display) -> SourceError {
        SourceError::Mirror {
            url: self.url.to_string(),
            message: error.to_string(),
        }
    }

    pub(super) fn unknown(&self, at: &Revision) -> SourceError {
        SourceError::UnknownCommit {
            url: self.url.to_string(),
            revision: at.0.clone(),
        }
    }

    /// The commit of that id in this reader.
    pub(super) fn commit<'r>(
        &self,
        repo: &'r gix::Repository,
        at: &Revision,
    ) -> Result<gix::Commit<'r>, SourceError> {
        let id = gix::ObjectId::from_hex(at.0.as_bytes()).map_err(|_| self.unknown(at))?;
        let object = repo
            .try_find_object(id)
            .map_err(|error| self.broken(error))?
            .ok_or_else(|| self.unknown(at))?;
        object.try_into_commit().map_err(|_| self.unknown(at))
    }

    /// The id of a commit's tree.
    pub(super) fn tree(
        &self,
        repo: &gix::Repository,
        at: &Revision,
    ) -> Result<gix::ObjectId, SourceError> {
        let commit = self.commit(repo, at)?;
        Ok(commit
            .tree_id()
            .map_err(|error| self.broken(error))?
            .detach())
    }
}

pub(super) fn thread_local(shared: &ThreadSafeRepository) -> gix::Repository {
    let mut repo = shared.to_thread_local();
    repo.object_cache_size_if_unset(OBJECT_CACHE_BYTES);
    repo
}
