//! What guards a rollback: windows and holds that keep its sync back, and the second person that a project asks for.

use crate::application::{Pin, TargetRef};
use crate::id::AskId;
use crate::revision::Revision;
use crate::rollback::RollbackPreview;
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// A window that is closed, or a hold. The rollback waits for it, unless it is overridden by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Obstacle {
    pub target: TargetRef,
    /// `window:shop:deny 0 22 * * * for 8h UTC`, or `hold:` and its id.
    pub name: String,
    /// What it is and until when, as a sentence without a full stop.
    pub words: String,
}

/// How a rollback that waits is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AskWay {
    /// Back to a state, by a commit.
    Commit,
    /// One commit is taken back, by a commit.
    Undo,
    Pin,
}

impl AskWay {
    /// The word in the database and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Undo => "undo",
            Self::Pin => "pin",
        }
    }

    /// Reads what [`AskWay::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Commit, Self::Undo, Self::Pin]
            .into_iter()
            .find(|way| way.word() == word)
    }
}

/// A rollback that waits for a second person: good for one use of exactly what was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RollbackAsk {
    pub id: AskId,
    pub target: TargetRef,
    pub way: AskWay,
    pub to: Revision,
    /// Of the preview. The yes is for exactly this.
    pub digest: String,
    /// Who wants it, and cannot say yes to it.
    pub by: String,
    pub reason: String,
    /// Of a pin.
    pub hours: u32,
    /// Names of windows and holds that it overrides.
    pub overrides: Vec<String>,
    /// The projects that ask for a second person.
    pub projects: Vec<String>,
    pub asked_at: Micros,
    /// Nobody can say yes any more after that.
    pub until: Micros,
}

impl RollbackAsk {
    /// `roll cart on prod-eu back to 3fa91c2`.
    pub fn words(&self) -> String {
        let (name, cluster) = (&self.target.application.name, &self.target.cluster);
        let short = self.to.short();
        match self.way {
            AskWay::Commit => format!("roll {name} on {cluster} back to {short}"),
            AskWay::Undo => format!("undo {short} in {name} on {cluster}"),
            AskWay::Pin => format!("pin {name} on {cluster} at {short} for {} h", self.hours),
        }
    }
}

/// The same with what the one who asks was shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RollbackAskView {
    pub ask: RollbackAsk,
    pub preview: RollbackPreview,
    /// Whoever looks at it is the one who asks.
    pub own: bool,
}

/// A rollback was asked for; nothing is written before a second person says yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Asked {
    pub id: AskId,
    pub projects: Vec<String>,
    pub until: Micros,
}

impl Asked {
    /// What was done, as a sentence.
    pub fn words(&self) -> String {
        format!(
            "Nothing is written yet: {} until {}",
            second_person(&self.projects),
            self.until.rfc3339()
        )
    }
}

/// `the project shop asks for the yes of a second person`.
pub fn second_person(projects: &[String]) -> String {
    match projects {
        [one] => format!("the project {one} asks for the yes of a second person"),
        more => format!(
            "the projects {} ask for the yes of a second person",
            more.join(", ")
        ),
    }
}

/// What became of a pin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum PinOutcome {
    Pinned(Pin),
    /// It waits for a second person.
    Asked(Asked),
}

/// What became of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AskDecision {
    /// The commit, where one was made.
    pub revision: Option<Revision>,
    /// What was done, as a sentence without a full stop.
    pub words: String,
}
