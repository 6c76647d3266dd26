//! What a member is to its rollout, from what is seen of it.

use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;
use serde::{Deserialize, Serialize};

/// What a member is to its rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// Synced and healthy at what Git says now.
    Ready,
    /// What Git says now has not begun to reach it.
    Behind,
    /// What Git says now is on its way: a sync runs, or its objects are not healthy yet.
    Moving,
    /// What Git says now did it no good: its sync failed, or an object is Degraded.
    Bad,
    /// It has not been compared with what Git says now.
    Unseen,
    /// It keeps its place and does not move before somebody does something: its cluster does not answer, or nothing is
    /// written there.
    Stuck,
}

impl Standing {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Behind => "behind",
            Self::Moving => "under way",
            Self::Bad => "failing",
            Self::Unseen => "not compared",
            Self::Stuck => "stuck",
        }
    }

    /// It takes up one of the places that a step has.
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::Moving | Self::Bad)
    }
}

/// What is left to do on a member, and who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Nothing,
    /// Automation writes it.
    Itself,
    /// Only people do it, or nobody can.
    People,
    /// All that is left is to delete what Git no longer has, and only people do that.
    Leftovers,
}

/// What is seen of a member that was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// What it was compared with is what Git says now.
    pub current: bool,
    /// A sync is not over.
    pub running: bool,
    /// The newest sync of it failed or was ended, or the one that runs waits for what is Degraded.
    pub failed: bool,
    /// What Git says now was deployed, or its sync has begun, whatever came of it.
    pub begun: bool,
    /// Nothing is written there for now: it is observed or suspended.
    pub blocked: bool,
    pub work: Work,
    pub sync: SyncStatus,
    pub health: HealthStatus,
}

impl Seen {
    /// What that makes of it.
    pub fn standing(self) -> Standing {
        if self.running {
            return if self.failed {
                Standing::Bad
            } else {
                Standing::Moving
            };
        }
        if !self.current {
            return Standing::Unseen;
        }
        if self.failed {
            return Standing::Bad;
        }
        let is_healthy = matches!(self.health, HealthStatus::Healthy | HealthStatus::Suspended);
        // What only people would delete keeps nobody waiting.
        let is_in_line = self.sync == SyncStatus::Synced
            || (self.sync == SyncStatus::OutOfSync && self.work == Work::Leftovers);
        if is_in_line {
            return match self.health {
                _ if is_healthy => Standing::Ready,
                HealthStatus::Degraded => Standing::Bad,
                _ => Standing::Moving,
            };
        }
        let is_new = !self.begun && self.work == Work::Itself;
        match self.health {
            _ if is_new && !self.blocked => Standing::Behind,
            HealthStatus::Degraded if !is_new => Standing::Bad,
            _ if self.blocked => Standing::Stuck,
            // It differs, and it stays so until a person looks.
            _ if self.work != Work::Itself || self.sync == SyncStatus::Unknown => Standing::Bad,
            _ => Standing::Moving,
        }
    }
}
