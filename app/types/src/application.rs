//! Applications, their targets, and the views the application page is made of.

use crate::diff::{ResourceDiff, SyncStatus};
use crate::health::Health;
use crate::id::{ApplicationId, HoldId, PinId, RunId, SourceId, TargetId};
use crate::reason::Reason;
use crate::resource::ResourceNode;
use crate::revision::{CommitInfo, Revision, SourceRevision, TargetRevision};
use crate::source::Mode;
use crate::sync::{RunSummary, SyncPhase};
use crate::time::Micros;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which definition language an application was written in.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Dialect {
    #[default]
    ArgoApplication,
    FluxKustomization,
    FluxHelmRelease,
    FleetBundle,
}

impl Dialect {
    /// Kind as users know it.
    pub fn words(self) -> &'static str {
        match self {
            Self::ArgoApplication => "Argo CD Application",
            Self::FluxKustomization => "Flux Kustomization",
            Self::FluxHelmRelease => "Flux HelmRelease",
            Self::FleetBundle => "Fleet bundle",
        }
    }
}

/// Enough to link to an application.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApplicationRef {
    pub id: ApplicationId,
    pub name: String,
    pub project: String,
}

/// Enough to link to a target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TargetRef {
    pub id: TargetId,
    pub application: ApplicationRef,
    pub cluster: String,
}

/// Where manifests come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SourceSpec {
    pub repo_url: String,
    /// Inside the repository, without leading or trailing slash; empty for its root.
    pub path: String,
    pub target_revision: TargetRevision,
    /// `directory`, `kustomize`, `helm`; empty means: found by looking at the files.
    pub renderer: String,
}

/// A further source of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MoreSourceView {
    pub spec: SourceSpec,
    /// What value files of the other sources call it, without the dollar; empty: nothing.
    pub reference: String,
    /// It gives no objects of its own.
    pub only_lends: bool,
    /// What the selected target was last compared with.
    pub revision: Option<Revision>,
}

/// What the definition allows to happen without a person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncPolicy {
    pub automated: bool,
    pub prune: bool,
    pub self_heal: bool,
    pub allow_empty: bool,
    pub create_namespace: bool,
    /// Paused by the definition (`spec.suspend`).
    pub suspend: bool,
}

/// The current state of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TargetSummary {
    pub target: TargetRef,
    pub mode: Mode,
    pub sync: SyncStatus,
    pub health: Health,
    /// `None`: Synced and Healthy, nothing to explain.
    pub reason: Option<Reason>,
    /// Objects with open drift.
    pub drifted: u32,
    /// Objects that differ, drift included.
    pub out_of_sync: u32,
    pub objects: u32,
    /// What the tracked revision resolves to.
    pub revision: Option<Revision>,
    /// What the last successful sync applied.
    pub deployed: Option<Revision>,
    /// Images of the declared workloads as rendered at `deployed`, shortened to `name:tag`.
    pub images: Vec<String>,
    /// When this was last truly compared.
    pub last_compared: Option<Micros>,
    pub running: Option<RunId>,
    pub phase: Option<SyncPhase>,
    pub hold: Option<Hold>,
    pub pin: Option<Pin>,
}

/// What a hold stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum HoldKind {
    /// Bringing what Git says, whoever asks for it; drift is still put back.
    Sync,
    /// Putting drift back; what is new in Git is still brought.
    Heal,
    /// All writes.
    #[default]
    Both,
}

impl HoldKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Both, Self::Sync, Self::Heal];

    /// The word in the database, in the API and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Heal => "heal",
            Self::Both => "both",
        }
    }

    /// Reads what [`HoldKind::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// What is held, in a sentence: `maria holds all writes`.
    pub fn what(self) -> &'static str {
        match self {
            Self::Sync => "syncs",
            Self::Heal => "self-heal",
            Self::Both => "all writes",
        }
    }

    /// Whether it stops a write; `heals`: one that only puts drift back.
    pub fn stops(self, heals: bool) -> bool {
        match self {
            Self::Sync => !heals,
            Self::Heal => heals,
            Self::Both => true,
        }
    }
}

/// A pause of writes with owner, reason and end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hold {
    pub id: HoldId,
    #[serde(default)]
    pub kind: HoldKind,
    pub owner: String,
    pub reason: String,
    pub from: Micros,
    pub until: Micros,
    /// Over by time, and what it held back still awaits a person's yes.
    pub ended_waiting: bool,
}

impl Hold {
    /// Its name, as an override gives it.
    pub fn name(&self) -> String {
        format!("hold:{}", self.id)
    }

    /// Who holds what, how long and why: `maria holds all writes until …: the sale runs`.
    pub fn words(&self) -> String {
        format!(
            "{} holds {} until {}: {}",
            self.owner,
            self.kind.what(),
            self.until.rfc3339(),
            self.reason
        )
    }

    /// Whether it keeps people's syncs away at this time.
    pub fn keeps_people_out(&self, at: Micros) -> bool {
        self.until > at && self.kind.stops(false)
    }
}

/// A target that stays at a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pin {
    pub id: PinId,
    pub revision: Revision,
    pub owner: String,
    pub reason: String,
    pub from: Micros,
    pub until: Micros,
    /// Commits of the input paths between the pin and the tracked revision.
    pub behind: u32,
    /// Over by time, and what it held back still awaits a person's yes.
    pub ended_waiting: bool,
}

/// The head of the application page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApplicationView {
    pub application: ApplicationRef,
    pub group: String,
    pub dialect: Dialect,
    pub source: SourceId,
    pub source_name: String,
    /// The only source, or the first of several.
    pub spec: SourceSpec,
    /// Further sources in the order of the definition.
    pub more_sources: Vec<MoreSourceView>,
    pub destination_namespace: String,
    pub policy: SyncPolicy,
    /// The sync windows of the selected target.
    pub window: Option<crate::window::WindowView>,
    pub labels: BTreeMap<String, String>,
    /// What its project asks about orphaned objects around the selected target; `None`: nothing.
    #[serde(default)]
    pub orphans: Option<crate::orphan::OrphanWatch>,
    /// The set that generates it.
    pub set: Option<crate::set::SetRef>,
    /// The rollout that the selected target is a part of.
    pub rollout: Option<crate::rollout::RolloutView>,
    /// Links from annotations, name and https address.
    pub links: Vec<(String, String)>,
    /// Commit the tracked revision resolves to.
    pub commit: Option<CommitInfo>,
    /// All targets of the application's group, this application's own first; the cluster switcher.
    pub targets: Vec<TargetSummary>,
    /// The last revision at which the selected target was Synced and Healthy, when not the present one.
    pub last_healthy: Option<CommitInfo>,
    /// The newest sequence number when this was read.
    pub head: u64,
}

/// The tree of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TreeView {
    pub target: TargetRef,
    /// Parents before children, siblings by kind and name.
    pub nodes: Vec<ResourceNode>,
}

/// The Changes tab.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangesView {
    pub target: TargetRef,
    pub diffs: Vec<ResourceDiff>,
    /// What rendering left out, what is unsafe in Git, and which words of objects do not count, each with its place.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// What a sync now would do; `None` when it cannot be told.
    pub plan: Option<crate::plan::Plan>,
}

/// One line of the History tab.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum HistoryEntry {
    Run(RunSummary),
    /// A commit of the input paths that no run has deployed by itself.
    Commit(CommitInfo),
}

/// A page of history, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HistoryView {
    pub target: TargetRef,
    pub entries: Vec<HistoryEntry>,
    /// Revisions of further sources that runs applied; runs of one source are left out.
    pub beside: Vec<(RunId, Vec<SourceRevision>)>,
    /// What people say of the revisions.
    #[serde(default)]
    pub marks: Vec<crate::rollback::RevisionMark>,
    /// Pass as `before` for the next page; `None` at the end.
    pub next: Option<Micros>,
}

/// The Definition tab.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DefinitionView {
    pub repo_url: String,
    pub path: String,
    pub line: u32,
    pub revision: Revision,
    pub commit: Option<CommitInfo>,
    /// The set that generates it; then `yaml` is what came out.
    pub set: Option<crate::set::SetRef>,
    pub yaml: String,
    /// Fields that Lockstep does not act on, dotted, with why.
    pub ignored_fields: Vec<(String, String)>,
}

/// Rendered difference between two revisions of one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CompareView {
    pub from: Revision,
    pub to: Revision,
    pub diffs: Vec<ResourceDiff>,
}
