//! Bringing a cluster back from Git: everything that is declared for it, in order, in one action.

use crate::application::TargetRef;
use crate::id::RunId;
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// What a member is to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Rank {
    /// It brings definitions of custom kinds.
    Definitions,
    /// It brings namespaces.
    Namespaces,
    /// It brings what serves the whole cluster: admission, storage classes, priorities.
    Platform,
    Application,
}

impl Rank {
    /// The word in the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Definitions => "definitions",
            Self::Namespaces => "namespaces",
            Self::Platform => "platform",
            Self::Application => "application",
        }
    }

    /// The rank of a word of the database.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Definitions,
            Self::Namespaces,
            Self::Platform,
            Self::Application,
        ]
        .into_iter()
        .find(|rank| rank.word() == word)
    }

    /// For the heading of a stage.
    pub fn title(self) -> &'static str {
        match self {
            Self::Definitions => "Definitions of custom kinds",
            Self::Namespaces => "Namespaces",
            Self::Platform => "Platform",
            Self::Application => "Applications",
        }
    }
}

/// A cluster, and how far it is back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReestablishView {
    pub cluster: String,
    pub identity: Identity,
    /// Objects that Git declares for it, as far as they are known.
    pub declared: u32,
    /// Those of them that the cluster does not hold.
    pub absent: u32,
    /// Nothing goes on until a member that failed is mended.
    pub stuck: bool,
    /// By stage: what would be done, or what is being done, or what was done the last time.
    pub stages: Vec<Stage>,
    /// The action that is going on, or the last one.
    pub begun: Option<Begun>,
}

/// Is it the cluster that was there before?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Identity {
    /// It is, or none was known before.
    Same,
    /// It does not answer, with the reason in words.
    Silent(String),
    /// Another one answers at its address. UIDs of their `kube-system` namespaces.
    Replaced { known: String, found: String },
}

/// Members that come back side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Stage {
    /// From 1; 0: members that are left out.
    pub number: u32,
    pub rank: Rank,
    pub members: Vec<StageMember>,
}

/// One target in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StageMember {
    pub target: TargetRef,
    /// Why it is in this stage, or why it is left out.
    pub why: String,
    /// Objects that Git declares for it; `None`: not known.
    pub declared: Option<u32>,
    /// Those of them that the cluster does not hold.
    pub absent: Option<u32>,
    pub state: MemberState,
    /// What it waits for, or why it failed; may be empty.
    pub words: String,
    /// The run that brings it back.
    pub run: Option<RunId>,
}

/// How far a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum MemberState {
    /// Nothing has begun.
    Planned,
    /// Its stage has not begun, or what it needs is not back.
    Waits,
    Running,
    Back,
    Failed,
    /// Nothing is written there, with the reason.
    LeftOut,
}

impl MemberState {
    /// In one word or two.
    pub fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Waits => "waits",
            Self::Running => "running",
            Self::Back => "back",
            Self::Failed => "failed",
            Self::LeftOut => "left out",
        }
    }
}

/// One time that a cluster was brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Begun {
    pub by: String,
    pub reason: String,
    pub at: Micros,
    pub ended_at: Option<Micros>,
    /// How it ended, a sentence; empty while it goes on.
    pub ending: String,
}

/// Asks to bring a cluster back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReestablishRequest {
    /// The name of the cluster, typed.
    pub typed: String,
    /// Why, for the record.
    pub reason: String,
    /// Another cluster answers at the address, and this UID is the one that shall be the cluster from now on.
    pub accept: Option<String>,
}
