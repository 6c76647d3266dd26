//! How long the bodies of history are kept: manifests, plans, what was said of each step. The record of what happened is kept
//! for ever.

use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// Newest runs of each target that are kept whole, whatever their age.
pub const NEWEST: u32 = 20;

/// How long bodies are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Retention {
    /// Days since the end of a run; `None`: for ever.
    pub days: Option<u32>,
}

impl Retention {
    /// What happened last week is looked into.
    pub const LEAST: u32 = 7;
    /// A hundred years; who wants longer leaves it out.
    pub const MOST: u32 = 36_500;

    /// Whether it can be set.
    pub fn is_sound(self) -> bool {
        self.days
            .is_none_or(|days| (Self::LEAST..=Self::MOST).contains(&days))
    }

    /// What people read.
    pub fn words(self) -> String {
        self.days
            .map_or_else(|| "for ever".to_owned(), |days| format!("{days} days"))
    }
}

/// What was let go the last time that there was something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LetGo {
    pub at: Micros,
    /// Runs whose plan and messages went.
    pub runs: u64,
    /// Renders whose manifests went.
    pub renders: u64,
}

/// The policy and what it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RetentionView {
    pub rules: Retention,
    pub last: Option<LetGo>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_is_the_least_and_nothing_is_for_ever() {
        for (days, sound) in [
            (None, true),
            (Some(0), false),
            (Some(6), false),
            (Some(7), true),
            (Some(36_501), false),
        ] {
            assert_eq!(Retention { days }.is_sound(), sound, "{days:?}");
        }
        assert_eq!(Retention::default().words(), "for ever");
    }
}
