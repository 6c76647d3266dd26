//! Who of several targets goes next, and who waits for whom: a new state reaches them step by step.
//!
//! Pure. A step is a group of members: those that one step of an `ApplicationSet` selects, or a partition of the clusters
//! of a Fleet bundle. Nothing is remembered: where a rollout stands is read off its members alone, so a rollout that was
//! cut off goes on like one that was not, and a new revision begins it anew by making members [`Standing::Behind`].

mod amount;
mod standing;
mod turn;

pub use amount::Amount;
pub use standing::{Seen, Standing, Work};
pub use turn::{Verdict, Waits, Why, turns};

use serde::{Deserialize, Serialize};

/// The steps and their limits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rollout {
    pub steps: Vec<Step>,
    /// Steps that need not be done before a later one begins.
    #[serde(default)]
    pub open_steps: Amount,
    /// Members of all steps together that may be under way at once; none: no such limit.
    #[serde(default)]
    pub at_once: Option<Amount>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// As people read it: `step 1`, `partition canary`.
    pub name: String,
    /// Whom it is for, in words; empty when that is told by its members alone.
    #[serde(default)]
    pub selects: String,
    /// Members that may be under way at once; none at all: people sync them.
    pub at_once: Amount,
    /// Members that need not be ready for the step to be done.
    pub unready: Amount,
}

/// A member's place in a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    pub rollout: Rollout,
    /// Index of its step; none: no step selects it, and people sync it.
    pub step: Option<usize>,
}

/// One target as the rollout sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub cluster: String,
    pub step: Option<usize>,
    pub standing: Standing,
    /// What it is like, to follow its name: `is Progressing: 1 of 3 are ready`. Empty when it is ready.
    pub words: String,
}

impl Member {
    /// What people call it.
    pub fn title(&self) -> String {
        format!("{} on {}", self.name, self.cluster)
    }
}

#[cfg(test)]
mod tests;
