//! Parity: what runs where, application by environment, and making one environment's versions another's.

use crate::application::TargetRef;
use crate::id::TargetId;
use crate::image::ImageAnswer;
use crate::revision::Revision;
use serde::{Deserialize, Serialize};

/// What to hold against each other.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ParityQuery {
    /// The filter language of the fleet.
    pub filter: String,
    /// Label of clusters whose values are the environments; empty: `env` where any cluster has it, else the clusters.
    pub by: String,
    /// Also rows that are the same everywhere.
    pub all: bool,
}

/// Applications over environments, those with unexpected differences first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ParityView {
    /// The label that counted; empty: each cluster is an environment.
    pub by: String,
    /// Labels that clusters have, to choose from.
    pub labels: Vec<String>,
    /// Those that lead to production before it.
    pub environments: Vec<Environment>,
    pub rows: Vec<ParityRow>,
    /// Rows that are the same everywhere, and were not asked for.
    pub folded: u32,
    /// Rows beyond those that are held against each other at once; a filter brings them.
    pub cut: u32,
    /// Where the filter text is wrong: character offset and message.
    pub filter_error: Option<(u32, String)>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Environment {
    /// Empty: clusters without the label.
    pub name: String,
    pub clusters: Vec<String>,
}

/// One application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ParityRow {
    pub group: String,
    pub project: String,
    /// In the order of [`ParityView::environments`].
    pub cells: Vec<Vec<ParityCell>>,
    /// Unexpected ones first.
    pub differences: Vec<ParityDifference>,
}

impl ParityRow {
    /// Differences that Git does not ask for.
    pub fn unexpected(&self) -> usize {
        self.differences
            .iter()
            .filter(|difference| difference.unexpected)
            .count()
    }
}

/// One target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ParityCell {
    pub target: TargetRef,
    /// What runs there; `None`: nothing was deployed, or its render is no longer kept.
    pub versions: Option<Versions>,
}

/// What a target runs, as Git says it at the deployed commit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Versions {
    pub images: Vec<ImageVersion>,
    pub charts: Vec<ChartVersion>,
    /// `None`: it comes from a chart alone.
    pub revision: Option<Revision>,
    /// The branch, tag or version that the definition asks for.
    pub follows: String,
    pub replicas: Vec<Replicas>,
}

/// An image of containers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImageVersion {
    pub name: String,
    /// Tag, or digest where it is named by one.
    pub version: String,
}

/// A chart that the objects come from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChartVersion {
    pub name: String,
    pub version: String,
}

/// The size of a workload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Replicas {
    /// `Deployment/web`.
    pub workload: String,
    pub number: i64,
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ParityKind {
    Image,
    Chart,
    Revision,
    Replicas,
}

impl ParityKind {
    /// The word on screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Chart => "chart",
            Self::Revision => "revision",
            Self::Replicas => "replicas",
        }
    }
}

/// One thing that is not the same in all environments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ParityDifference {
    pub kind: ParityKind,
    /// The image, chart or workload; empty for the revision.
    pub name: String,
    /// In the order of the environments: what each has; empty where it has none, or is not known.
    pub values: Vec<Vec<String>>,
    /// Git does not ask for it: environments that shall be alike are not.
    pub unexpected: bool,
    /// Why it counts as expected or not, as half a sentence.
    pub why: String,
}

/// Makes what one target runs what another shall run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromotionRequest {
    /// What it runs is what is promoted.
    pub from: TargetId,
    /// What changes.
    pub to: TargetId,
    /// Digest of the preview; what either side became since makes it stale.
    pub digest: String,
    pub reason: String,
    /// For review on a branch of its own, with a pull request, instead of on the tracked branch.
    pub propose: bool,
    /// Also where other applications read the file that states it.
    pub everywhere: bool,
}

/// What a promotion would do; nothing has been written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PromotionPreview {
    pub from: TargetRef,
    pub to: TargetRef,
    /// What it does, as one sentence.
    pub first_line: String,
    /// What is promoted: `registry.example.org/team/web=2.0`.
    pub images: Vec<String>,
    /// The commit; `None` when there is nothing to write, or it is refused.
    pub commit: Option<ImageAnswer>,
    /// The chart's version, or the tag, that the definition of the one that changes would have to ask for besides.
    pub revision: Option<String>,
    /// What the commit does not bring, and what should be known of the origin, a sentence each.
    pub notes: Vec<String>,
    /// Why it cannot become a commit; empty when it can.
    pub refused: String,
    /// Binds the act to what was shown.
    pub digest: String,
}

impl PromotionPreview {
    /// Whether both already run the same.
    pub fn is_done(&self) -> bool {
        self.commit.is_none() && self.refused.is_empty()
    }
}
