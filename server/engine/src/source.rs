//! Git: a repository and a revision become a pinned commit and its files.
//!
//! One bare mirror per normalised URL, shared by every application that reads the repository. Refs and
//! objects are only added: what was once fetched stays readable, so a failed or hostile fetch never takes
//! away good state, and history never loses a commit. Transport (fetch, push) goes through a hardened `git`
//! command, because only there the connected address can be pinned, redirects are off and a hanging
//! transfer can be killed; everything else reads the mirror in process.
//!
//! Knows no definitions, renderers or clusters. The mirrors' folder is owned by [`Mirrors`] alone.

mod blame;
mod branch;
mod brought;
mod charts;
mod commit;
mod committer;
mod credential;
mod error;
mod fetch;
mod git;
mod history;
mod mirror;
mod outgoing;
mod patch;
mod snapshot;
mod ssh;
mod tree_edit;
mod undo;
mod upkeep;
mod url;
mod versions;
mod wanted;

pub use blame::BlamedLine;
pub(crate) use charts::{Missing, is_read as is_read_of_chart, missing as missing_charts};
pub use charts::{chart_address, registry_address};
pub use commit::{CommitRequest, PushOutcome, TreeEdit};
pub use committer::{Committer, Signer};
pub use credential::Credential;
pub use error::SourceError;
pub use history::Next;
pub use outgoing::Destination;
pub use patch::shown_path;
pub use snapshot::{Entry, FileKind, Snapshot, TreeFile};
pub use ssh::check_private_key;
pub use tree_edit::{FileEdit, MAX_COMMITTED_BYTES};
pub use undo::Undo;
pub use url::{RepoUrl, place_of};
pub use versions::{VersionRange, version};

use lockstep_types::revision::{CommitInfo, PathChange, Revision, TargetRevision};
use mirror::Mirror;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Which addresses may be asked. Closed by default; the operator's configuration opens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NetworkPolicy {
    pub allow_http: bool,
    /// Loopback, private, link-local and other addresses that are not public.
    pub allow_private: bool,
}

/// The mirrors of all repositories. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mirrors {
    inner: Arc<Inner>,
    deadline: Duration,
    committer: Arc<Committer>,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    policy: NetworkPolicy,
    /// Local paths as repositories; only ever on in tests.
    allow_file: bool,
    askpass: PathBuf,
    /// Locks from before are nobody's.
    opened: SystemTime,
    open: Mutex<HashMap<String, Arc<Mirror>>>,
}

impl Mirrors {
    /// Takes over the folder, which is made when it is missing.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(dir: PathBuf, policy: NetworkPolicy) -> Result<Self, SourceError> {
        Self::with(dir, policy, false)
    }

    /// Mirrors that also read `file://` URLs, for tests without a Git host.
    ///
    /// # Errors
    /// When the folder cannot be written.
    #[cfg(feature = "testing")]
    pub fn for_tests(dir: PathBuf) -> Result<Self, SourceError> {
        Self::with(
            dir,
            NetworkPolicy {
                allow_http: true,
                allow_private: true,
            },
            true,
        )
    }

    fn with(dir: PathBuf, policy: NetworkPolicy, allow_file: bool) -> Result<Self, SourceError> {
        let askpass = git::prepare(&dir)?;
        let open = Mutex::new(HashMap::new());
        let inner = Arc::new(Inner {
            dir,
            policy,
            allow_file,
            askpass,
            opened: SystemTime::now(),
            open,
        });
        Ok(Self {
            inner,
            deadline: Duration::from_secs(120),
            committer: Arc::default(),
        })
    }

    /// The same mirrors with another limit for a single fetch or push; two minutes unless told otherwise.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self {
            deadline,
            ..self.clone()
        }
    }

    /// The same mirrors, whose commits are by somebody else: `Lockstep <lockstep@localhost>` and not signed unless told
    /// otherwise.
    #[must_use]
    pub fn with_committer(&self, committer: Committer) -> Self {
        Self {
            committer: Arc::new(committer),
            ..self.clone()
        }
    }

    /// Who stands as committer in commits of our own.
    pub fn committer(&self) -> &Committer {
        &self.committer
    }

    /// Checks a URL without asking anybody: what [`Mirrors::fetch`] would refuse at once is refused here.
    ///
    /// # Errors
    /// When scheme, host or form are not allowed.
    pub fn check_url(&self, repo_url: &str) -> Result<RepoUrl, SourceError> {
        RepoUrl::parse(repo_url, self.inner.policy, self.inner.allow_file)
    }

    /// Brings the mirror up to date for the wanted revisions and says what each resolves to. Revisions that
    /// the repository lacks are errors of their own; the outer error means that nothing could be learned.
    ///
    /// # Errors
    /// When the URL is refused, or the host does not answer, refuses the credential, or is too slow.
    pub async fn fetch(
        &self,
        repo_url: &str,
        credential: &Credential,
        wanted: &[TargetRevision],
    ) -> Result<BTreeMap<TargetRevision, Result<Revision, SourceError>>, SourceError> {
        let mirror = self.mirror(repo_url)?;
        match mirror.url().chart() {
            Some(place) => charts::fetch(self, &mirror, place, credential, wanted).await,
            None => fetch::fetch(self, &mirror, credential, wanted).await,
        }
    }

    /// A commit's tree for reading on a blocking thread.
    ///
    /// # Errors
    /// When the mirror does not hold the commit.
    pub async fn snapshot(&self, repo_url: &str, at: &Revision) -> Result<Snapshot, SourceError> {
        let at = at.clone();
        self.blocking(repo_url, move |mirror| Snapshot::open(mirror, &at))
            .await
    }

    /// All files at or below `under`, sorted by path; `under` empty means all.
    ///
    /// # Errors
    /// When there is no such path: a missing folder is never an empty one.
    pub async fn files(
        &self,
        repo_url: &str,
        at: &Revision,
        under: &str,
    ) -> Result<Vec<TreeFile>, SourceError> {
        let (at, under) = (at.clone(), under.to_owned());
        self.blocking(repo_url, move |mirror| {
            Snapshot::open(mirror, &at)?.files(&under)
        })
        .await
    }

    /// The content of a file by its object id, as [`TreeFile`] names it.
    ///
    /// # Errors
    /// When the mirror does not hold the object.
    pub async fn read(&self, repo_url: &str, oid: &str) -> Result<Vec<u8>, SourceError> {
        let oid = oid.to_owned();
        self.blocking(repo_url, move |mirror| snapshot::read(mirror, &oid))
            .await
    }

    /// What a commit says of itself.
    ///
    /// # Errors
    /// When the mirror does not hold the commit.
    pub async fn commit(&self, repo_url: &str, at: &Revision) -> Result<CommitInfo, SourceError> {
        let at = at.clone();
        self.blocking(repo_url, move |mirror| history::commit(mirror, &at))
            .await
    }

    /// A commit as Git stores it, for its signature.
    ///
    /// # Errors
    /// When the mirror does not hold the commit.
    pub async fn commit_object(
        &self,
        repo_url: &str,
        at: &Revision,
    ) -> Result<Vec<u8>, SourceError> {
        let at = at.clone();
        self.blocking(repo_url, move |mirror| {
            let repo = mirror.reader()?;
            Ok(mirror.commit(&repo, &at)?.data.clone())
        })
        .await
    }

    /// Goes through a commit and those before it, newest first. `look` is shown each with its object as Git stores it,
    /// once, and says where to go on; what it gathers in `state` is the answer.
    ///
    /// # Errors
    /// When the mirror does not hold the commit or one before it.
    pub async fn ancestors<S: Send + 'static>(
        &self,
        repo_url: &str,
        at: &Revision,
        state: S,
        look: fn(&mut S, &Revision, &[u8]) -> Next,
    ) -> Result<S, SourceError> {
        let at = at.clone();
        self.blocking(repo_url, move |mirror| {
            history::ancestors(mirror, &at, state, look)
        })
        .await
    }

    /// The annotated tag that a tracked revision names, as Git stores it; `None` when it names a branch, a commit, or a
    /// tag without an object of its own.
    ///
    /// # Errors
    /// When the mirror cannot be read.
    pub async fn tag_object(
        &self,
        repo_url: &str,
        tracked: &TargetRevision,
    ) -> Result<Option<Vec<u8>>, SourceError> {
        let tracked = tracked.clone();
        self.blocking(repo_url, move |mirror| fetch::tag_object(mirror, &tracked))
            .await
    }

    /// Commits up to `head` that changed one of the paths, newest first. No paths means every commit.
    ///
    /// # Errors
    /// When the mirror does not hold the commit.
    pub async fn log(
        &self,
        repo_url: &str,
        head: &Revision,
        paths: &[String],
        limit: u32,
    ) -> Result<Vec<CommitInfo>, SourceError> {
        let (head, paths) = (head.clone(), paths.to_vec());
        self.blocking(repo_url, move |mirror| {
            history::log(mirror, &head, &paths, limit)
        })
        .await
    }

    /// Files that differ between two commits, at or below the given paths (none: everywhere), sorted.
    /// `from` absent means: everything was added.
    ///
    /// # Errors
    /// When the mirror does not hold the commits.
    pub async fn changed(
        &self,
        repo_url: &str,
        from: Option<&Revision>,
        to: &Revision,
        under: &[String],
    ) -> Result<Vec<PathChange>, SourceError> {
        let (from, to, under) = (from.cloned(), to.clone(), under.to_vec());
        self.blocking(repo_url, move |mirror| {
            history::changed(mirror, from.as_ref(), &to, &under)
        })
        .await
    }

    /// The same as unified text, cut with a note after `max_bytes`.
    ///
    /// # Errors
    /// When the mirror does not hold the commits.
    pub async fn patch(
        &self,
        repo_url: &str,
        from: Option<&Revision>,
        to: &Revision,
        under: &[String],
        max_bytes: u32,
    ) -> Result<String, SourceError> {
        let (from, to, under) = (from.cloned(), to.clone(), under.to_vec());
        self.blocking(repo_url, move |mirror| {
            patch::patch(mirror, from.as_ref(), &to, &under, max_bytes)
        })
        .await
    }

    /// Whether `newer` contains `older`; a commit contains itself.
    ///
    /// # Errors
    /// When the mirror does not hold the commits.
    pub async fn is_ancestor(
        &self,
        repo_url: &str,
        older: &Revision,
        newer: &Revision,
    ) -> Result<bool, SourceError> {
        let (older, newer) = (older.clone(), newer.clone());
        self.blocking(repo_url, move |mirror| {
            history::is_ancestor(mirror, &older, &newer)
        })
        .await
    }

    /// The merge by which a commit came to a branch whose head this is; `None` when it is a commit of the branch itself, or not in
    /// it.
    ///
    /// # Errors
    /// When the mirror does not hold the commits.
    pub async fn brought_by(
        &self,
        repo_url: &str,
        commit: &Revision,
        head: &Revision,
    ) -> Result<Option<Revision>, SourceError> {
        let (commit, head) = (commit.clone(), head.clone());
        self.blocking(repo_url, move |mirror| {
            brought::brought_by(mirror, &commit, &head)
        })
        .await
    }

    /// The newest commit that two commits both hold; `None` when they have nothing in common.
    ///
    /// # Errors
    /// When the mirror does not hold the commits.
    pub async fn merge_base(
        &self,
        repo_url: &str,
        one: &Revision,
        other: &Revision,
    ) -> Result<Option<Revision>, SourceError> {
        let (one, other) = (one.clone(), other.clone());
        self.blocking(repo_url, move |mirror| {
            history::merge_base(mirror, &one, &other)
        })
        .await
    }

    /// The commit whose id begins so; `None` when there is none or more than one.
    ///
    /// # Errors
    /// When fewer than four digits or no hexadecimal ones are given.
    pub async fn expand(
        &self,
        repo_url: &str,
        beginning: &str,
    ) -> Result<Option<Revision>, SourceError> {
        let beginning = beginning.to_owned();
        self.blocking(repo_url, move |mirror| history::expand(mirror, &beginning))
            .await
    }

    /// Keeps a commit for good, whatever happens to the branches of the host.
    ///
    /// # Errors
    /// When the mirror does not hold the commit or cannot be written.
    pub async fn keep(&self, repo_url: &str, at: &Revision) -> Result<(), SourceError> {
        let at = at.clone();
        self.blocking(repo_url, move |mirror| history::keep(mirror, &at))
            .await
    }

    /// The local branch head as of the last fetch, without asking the host.
    ///
    /// # Errors
    /// When the revision is no valid name or was never fetched.
    pub async fn resolved(
        &self,
        repo_url: &str,
        wanted: &TargetRevision,
    ) -> Result<Revision, SourceError> {
        let wanted = wanted.clone();
        self.blocking(repo_url, move |mirror| match mirror.url().chart() {
            Some(_) => charts::resolved(mirror, &wanted),
            None => fetch::resolved(mirror, &wanted),
        })
        .await
    }

    fn mirror(&self, repo_url: &str) -> Result<Arc<Mirror>, SourceError> {
        let url = self.check_url(repo_url)?;
        let mut open = self
            .inner
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mirror = open
            .entry(url.text().to_owned())
            .or_insert_with(|| Arc::new(Mirror::new(&self.inner.dir, url.clone())));
        Ok(Arc::clone(mirror))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        repo_url: &str,
        work: impl FnOnce(&Mirror) -> Result<T, SourceError> + Send + 'static,
    ) -> Result<T, SourceError> {
        on_blocking_thread(self.mirror(repo_url)?, work).await
    }
}

async fn on_blocking_thread<T: Send + 'static>(
    mirror: Arc<Mirror>,
    work: impl FnOnce(&Mirror) -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    let shown = mirror.url().to_string();
    tokio::task::spawn_blocking(move || work(&mirror))
        .await
        .unwrap_or_else(|error| {
            Err(SourceError::Mirror {
                url: shown,
                message: error.to_string(),
            })
        })
}

#[cfg(test)]
mod tests;
