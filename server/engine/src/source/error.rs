//! Why Git could not give what was asked. No variant ever holds a credential.

/// A failure of the source stage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The URL may not be used.
    #[error("the repository URL {url} is refused: {why}")]
    Url { url: String, why: String },
    /// The name cannot be a revision.
    #[error("“{revision}” is no valid revision: {why}")]
    RevisionName { revision: String, why: String },
    /// The repository answers, and has no such branch, tag or commit.
    #[error("{url} has no branch, tag or commit “{revision}”")]
    NoSuchRevision { url: String, revision: String },
    /// The repository answers, and no tag of it is a version in the range.
    #[error("no tag of {url} is a version in the range “{range}”{}", newest_version(.newest))]
    NoSuchVersion {
        url: String,
        range: String,
        /// The newest version there is, when there is any.
        newest: Option<String>,
    },
    /// The host refuses the credential, or asks for one.
    #[error("{url} refuses the credentials: {message}")]
    Denied { url: String, message: String },
    /// The host shows a key that nobody entered, or another one than was entered.
    #[error("{}", host_key(.url, .host, .fingerprint, *.changed))]
    HostKey {
        url: String,
        /// As `known_hosts` names it.
        host: String,
        /// Kind and fingerprint of the key that the host showed.
        fingerprint: String,
        /// Another key is entered for this host.
        changed: bool,
    },
    /// The host does not answer, or not as a Git host does.
    #[error("{url} cannot be fetched: {message}")]
    Unreachable { url: String, message: String },
    /// Fetch or push took too long and was stopped.
    #[error("{url} was stopped after {seconds} s without finishing")]
    Deadline { url: String, seconds: u64 },
    /// Nothing was fetched from there yet.
    #[error("{url} has not been fetched yet")]
    NotFetched { url: String },
    /// The mirror does not hold the commit.
    #[error("the commit {revision} is not in the mirror of {url}; fetch the repository first")]
    UnknownCommit { url: String, revision: String },
    /// No file or folder of that name.
    #[error("there is no {path} in {url} at {revision}")]
    NoSuchPath {
        url: String,
        path: String,
        revision: String,
    },
    /// A path that a commit cannot write.
    #[error("{path} cannot be written: {why}")]
    Path { path: String, why: String },
    /// A commit of our own that could not be signed.
    #[error("nothing was committed, since the signing key does not sign: {why}")]
    Unsigned { why: String },
    /// A Git submodule, whose content is elsewhere.
    #[error(
        "{path} is a Git submodule, and submodules are not fetched; put the files into the repository itself"
    )]
    Submodule { path: String },
    /// A Git LFS pointer instead of content.
    #[error(
        "{path} is a Git LFS pointer, and LFS content is not fetched; put the file itself into the repository"
    )]
    LfsPointer { path: String },
    /// A chart that is not there, or that is not what it should be.
    #[error("the chart of {url} cannot be used: {message}")]
    Chart { url: String, message: String },
    /// Something this version does not do.
    #[error("{0}")]
    Unsupported(String),
    /// The mirror itself is in trouble: our disk, or the `git` command.
    #[error("the mirror of {url} cannot be used: {message}")]
    Mirror { url: String, message: String },
}

impl SourceError {
    /// What a person can do, as a sentence; empty when the message already says so.
    pub fn next(&self) -> &'static str {
        match self {
            Self::Url { .. } => {
                "Use an https URL of a public host, or open the address in the [network] section of the configuration."
            }
            Self::RevisionName { .. } | Self::NoSuchRevision { .. } => {
                "Check the revision in the definition: branch, tag, full ref or commit."
            }
            Self::NoSuchVersion { .. } => {
                "Push a tag that lies in the range, or widen the range in the definition; pre-releases count only when the range names one, as >=1.0.0-0 does."
            }
            Self::Denied { .. } => {
                "Check the credentials of the source (user name and token, or SSH key), and that they may read the repository."
            }
            Self::HostKey { changed: true, .. } => {
                "Ask who runs the host whether its key was replaced. Only then put the new line into the known hosts of the source."
            }
            Self::HostKey { changed: false, .. } => {
                "Compare the fingerprint with the one that the host publishes, then add the host's line (ssh-keyscan prints it) to the known hosts of the source."
            }
            Self::Unreachable { .. } | Self::Deadline { .. } => {
                "Check that the Git host answers from here; Lockstep tries again by itself."
            }
            Self::NoSuchPath { .. } => {
                "Check the path in the definition, or restore the folder in Git."
            }
            Self::Path { .. } => "Choose another path inside the repository.",
            Self::Chart { .. } => {
                "Check chart and version in the definition, and what the Helm repository or registry serves."
            }
            Self::NotFetched { .. } | Self::UnknownCommit { .. } => "Refresh the application.",
            Self::Mirror { .. } => {
                "Check free space and permissions of the data folder, and that `git` is installed."
            }
            Self::Unsigned { .. } => {
                "Correct it in the file of the setting commits.signing_key_file, and start the server again."
            }
            Self::Submodule { .. } | Self::LfsPointer { .. } | Self::Unsupported(_) => "",
        }
    }
}

fn host_key(url: &str, host: &str, fingerprint: &str, changed: bool) -> String {
    if changed {
        format!(
            "the SSH host key of {host} has changed: it now shows {fingerprint}, another key than the one known; nothing was sent to {url}"
        )
    } else {
        format!(
            "the SSH host key of {host} is not known: it shows {fingerprint}; nothing was sent to {url}"
        )
    }
}

fn newest_version(newest: &Option<String>) -> String {
    match newest {
        Some(newest) => format!("; the newest is {newest}"),
        None => "; it has no tags that are versions".to_owned(),
    }
}
