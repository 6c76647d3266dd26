//! What changed, in order.

use crate::id::{ApplicationId, RunId, TargetId};
use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// One line of the event log. It says what to read again, never what to add up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// Strictly rising without gaps in visibility: a reader of "after seq" loses nothing.
    pub seq: u64,
    pub at: Micros,
    pub subject: Subject,
    pub kind: EventKind,
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Subject {
    Target {
        target: TargetId,
        application: ApplicationId,
        cluster: String,
    },
    Run {
        run: RunId,
        target: TargetId,
        application: ApplicationId,
        cluster: String,
    },
    Cluster(String),
    Source(String),
    Account,
    /// Incidents, or what is sent of them.
    Alerts,
}

/// What happened to the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EventKind {
    Changed,
    Started,
    Ended,
    Removed,
}
