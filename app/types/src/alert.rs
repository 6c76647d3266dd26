//! Incidents: what somebody should know of, one per subject and condition, from its opening to its end.

use crate::application::TargetRef;
use crate::id::IncidentId;
use crate::time::Micros;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Live fields differ from what the same revision says.
    Drift,
    /// Another writer takes back what Lockstep heals, again and again.
    Fight,
    /// Newer commits are not deployed.
    OutOfSync,
    Degraded,
    SyncFailed,
    /// A hold or pin is about to end.
    HoldEnding,
    /// Not compared for long.
    Stale,
    ClusterUnreachable,
    /// Deletions wait for a person.
    PruneHeld,
    /// What is in Git cannot be read, rendered or understood.
    RenderBroken,
}

impl Condition {
    /// All of them, in the order of the settings page.
    pub const ALL: [Self; 10] = [
        Self::Drift,
        Self::Fight,
        Self::OutOfSync,
        Self::Degraded,
        Self::SyncFailed,
        Self::RenderBroken,
        Self::PruneHeld,
        Self::HoldEnding,
        Self::Stale,
        Self::ClusterUnreachable,
    ];

    /// The word in the database, in messages and in filters.
    pub fn word(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::Fight => "fight",
            Self::OutOfSync => "out-of-sync",
            Self::Degraded => "degraded",
            Self::SyncFailed => "sync-failed",
            Self::HoldEnding => "hold-ending",
            Self::Stale => "stale",
            Self::ClusterUnreachable => "cluster-unreachable",
            Self::PruneHeld => "prune-held",
            Self::RenderBroken => "render-broken",
        }
    }

    /// Reads what [`Condition::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|condition| condition.word() == word)
    }

    /// The words on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Drift => "Drift open",
            Self::Fight => "Two writers fight",
            Self::OutOfSync => "Out of sync",
            Self::Degraded => "Degraded",
            Self::SyncFailed => "Sync failed",
            Self::HoldEnding => "Hold or pin ends",
            Self::Stale => "Not compared",
            Self::ClusterUnreachable => "Cluster unreachable",
            Self::PruneHeld => "Awaiting approval",
            Self::RenderBroken => "Broken in Git",
        }
    }

    /// How bad it is.
    pub fn severity(self) -> Severity {
        match self {
            Self::Degraded | Self::SyncFailed | Self::ClusterUnreachable => Severity::Critical,
            Self::Drift
            | Self::Fight
            | Self::OutOfSync
            | Self::Stale
            | Self::PruneHeld
            | Self::RenderBroken => Severity::Warning,
            Self::HoldEnding => Severity::Info,
        }
    }

    /// Seconds that it must last before anybody is told; for an end, seconds before it.
    pub fn default_dwell(self) -> u32 {
        match self {
            Self::SyncFailed | Self::PruneHeld | Self::Fight => 0,
            Self::RenderBroken => 60,
            Self::ClusterUnreachable => 120,
            Self::Drift | Self::Degraded => 300,
            Self::OutOfSync | Self::HoldEnding | Self::Stale => 1800,
        }
    }
}

/// How bad it is; the worst is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

impl Severity {
    /// The word in the database and on screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// Reads what [`Severity::word`] writes.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Info, Self::Warning, Self::Critical]
            .into_iter()
            .find(|severity| severity.word() == word)
    }
}

/// What an incident is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum IncidentSubject {
    Target(TargetRef),
    Cluster(String),
    Source(String),
}

impl IncidentSubject {
    /// The same subject has the same key for ever.
    pub fn key(&self) -> String {
        match self {
            Self::Target(target) => format!("target:{}", target.id),
            Self::Cluster(name) => format!("cluster:{name}"),
            Self::Source(name) => format!("source:{name}"),
        }
    }

    /// `shop / cart on prod-eu`.
    pub fn words(&self) -> String {
        match self {
            Self::Target(target) => format!(
                "{} / {} on {}",
                target.application.project, target.application.name, target.cluster
            ),
            Self::Cluster(name) => format!("cluster {name}"),
            Self::Source(name) => format!("source {name}"),
        }
    }
}

/// One incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Incident {
    pub id: IncidentId,
    pub subject: IncidentSubject,
    pub condition: Condition,
    pub severity: Severity,
    /// Why, in a sentence.
    pub cause: String,
    /// Labels of the application, with `application`, `project` and `cluster` among them.
    pub labels: BTreeMap<String, String>,
    /// Since when the condition holds.
    pub since: Micros,
    /// When it had lasted long enough.
    pub opened_at: Micros,
    pub resolved_at: Option<Micros>,
}

/// Which incidents to list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AlertQuery {
    /// Free words over subject, condition and cause.
    pub filter: String,
    /// Those that are over, newest first, instead of those that are open.
    pub resolved: bool,
    /// The next page: those after this one.
    #[serde(default)]
    pub after: Option<IncidentId>,
}

/// The page of alerts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AlertsView {
    /// All that are open, whatever the filter says.
    pub open: u32,
    /// Worst first, then oldest first.
    pub incidents: Vec<Incident>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<IncidentId>,
}

/// When an incident is opened, and how messages are gathered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AlertRules {
    /// Seconds per condition; what is missing has its default.
    pub dwell: BTreeMap<Condition, u32>,
    /// Seconds that messages wait for company.
    pub gather_seconds: u32,
    /// Least seconds between two messages to one receiver.
    pub apart_seconds: u32,
}

impl AlertRules {
    /// Seconds that a condition must last.
    pub fn dwell(&self, condition: Condition) -> u32 {
        self.dwell
            .get(&condition)
            .copied()
            .unwrap_or_else(|| condition.default_dwell())
    }
}

impl Default for AlertRules {
    fn default() -> Self {
        Self {
            dwell: BTreeMap::new(),
            gather_seconds: 5,
            apart_seconds: 30,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for condition in Condition::ALL {
            assert_eq!(Condition::from_word(condition.word()), Some(condition));
        }
        assert_eq!(Condition::from_word("bored"), None);
        assert!(Severity::Critical > Severity::Info);
    }

    #[test]
    fn rules_fall_back_to_their_defaults() {
        let mut rules = AlertRules::default();
        assert_eq!(rules.dwell(Condition::Drift), 300);
        rules.dwell.insert(Condition::Drift, 2);
        assert_eq!(rules.dwell(Condition::Drift), 2);
    }
}
