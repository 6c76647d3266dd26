//! Changing definitions: a commit in a root source, shown in full before it is written.

use crate::application::ApplicationRef;
use crate::id::{ApplicationId, SourceId};
use crate::revision::{PathChange, Revision};
use crate::rollback::TargetPlan;
use crate::source::Mode;
use serde::{Deserialize, Serialize};

/// What somebody wants to edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EditSubject {
    /// The file that holds this application's definition.
    Application(ApplicationId),
    /// The same, with this revision (a chart's version, a tag, a branch) where the definition asks for one.
    Revision(ApplicationId, String),
    /// A new file in this source.
    New(SourceId),
}

/// Where an edit begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EditDraft {
    pub source: SourceId,
    pub source_name: String,
    pub repo_url: String,
    /// Folder of the source in its repository; new files belong below it.
    pub folder: String,
    pub mode: Mode,
    /// The application whose definition is edited; `None` for a new one.
    pub application: Option<ApplicationRef>,
    /// The file; for a new one a proposal.
    pub path: String,
    /// The whole file as it is at `head`; empty for a new one.
    pub text: String,
    /// 1-based line at which the application's document begins.
    pub line: Option<u32>,
    /// Branch that the commit goes to; empty when the source follows none.
    pub branch: String,
    pub head: Revision,
    /// Registered clusters, by name.
    pub clusters: Vec<String>,
    /// Why no commit can be made; empty when one can.
    pub refused: String,
}

/// The form for a new Argo CD `Application`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct NewApplication {
    pub name: String,
    /// Empty: `default`.
    pub project: String,
    pub repo_url: String,
    pub path: String,
    /// Empty: the default branch.
    pub target_revision: String,
    /// Registered name; empty: the home cluster of the source.
    pub cluster: String,
    pub namespace: String,
    pub automated: bool,
    pub prune: bool,
    pub self_heal: bool,
    pub create_namespace: bool,
}

/// What happens to the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EditKind {
    /// It must not exist yet.
    Add,
    /// It must exist.
    Replace,
    /// It must exist, and goes.
    Remove,
}

impl EditKind {
    /// The word in forms and commands.
    pub fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Replace => "replace",
            Self::Remove => "remove",
        }
    }

    /// Reads what [`EditKind::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Add, Self::Replace, Self::Remove]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// A change of one file of a root source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Edit {
    pub source: SourceId,
    pub kind: EditKind,
    /// From the root of the repository.
    pub path: String,
    /// The whole file as it shall be; empty for a removal.
    #[serde(default)]
    pub text: String,
    /// The commit at which the file was read. What others changed in it since is not overwritten.
    pub base: Revision,
}

/// What an edit would do; nothing has been written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EditPreview {
    pub edit: Edit,
    pub source_name: String,
    pub branch: String,
    /// The head of the branch this preview is made against.
    pub head: Revision,
    /// What the commit changes, as one sentence.
    pub first_line: String,
    /// What is wrong with the edited file, and what the edit breaks elsewhere.
    pub problems: Vec<EditProblem>,
    pub files: Vec<PathChange>,
    /// Unified text diff, cut at 200 kB.
    pub patch: String,
    pub message: String,
    pub applications: Vec<EditedApplication>,
    /// Consequences that the plans do not show, a sentence each.
    pub notes: Vec<String>,
    /// Why it cannot be committed; empty when it can.
    pub refused: String,
    /// Binds the act to what was shown.
    pub digest: String,
}

/// A definition that cannot be read, or not placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EditProblem {
    pub path: String,
    /// 1-based.
    pub line: u32,
    /// The field, dotted, when one is to blame.
    pub field: String,
    pub message: String,
    /// What to do.
    pub next: String,
    /// It is not there now: the edit brings it.
    pub new: bool,
}

/// What an edit makes of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EditEffect {
    Added,
    /// Defined otherwise than now.
    Changed,
    /// Its definition stays; what it renders comes from the edited file.
    Rendered,
    /// Its definition leaves Git. Nothing is deleted from clusters.
    Removed,
    /// Its definition could no longer be read; it would stay as it was.
    Broken,
}

impl EditEffect {
    /// The word on screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Rendered => "renders the file",
            Self::Removed => "removed from Git",
            Self::Broken => "broken",
        }
    }
}

/// An application that an edit concerns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EditedApplication {
    pub application: ApplicationRef,
    pub effect: EditEffect,
    /// What a sync would do with the edited definition, per cluster.
    pub targets: Vec<TargetPlan>,
}

/// What became of an edit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EditOutcome {
    /// The commit is on the branch; the definitions are read again at once.
    Committed { revision: Revision },
    /// The host refused the push, with its message. Nothing was changed.
    PushRefused { message: String },
    /// The branch moved since the preview. Nothing was changed.
    Moved { head: Revision },
}
