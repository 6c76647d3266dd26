//! Sync windows of an application on one cluster, as they stand at one time.

use crate::time::Micros;
use serde::{Deserialize, Serialize};

/// What the windows of the project say about one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WindowView {
    pub project: String,
    /// Automatic syncs and self-heal may begin now.
    pub open: bool,
    /// People may sync, open or not.
    pub people: bool,
    /// The window in the way, in words: `allow 0 22 * * 1-5 for 1h Europe/Berlin`; empty when open.
    pub closed_by: String,
    /// When it closes or opens next; `None` when no such time can be seen.
    pub changes: Option<Micros>,
    /// All windows that match the target, in words.
    pub windows: Vec<String>,
    /// Those in the way of people now, in words.
    #[serde(default)]
    pub keeps_out: Vec<String>,
}

impl WindowView {
    /// The names of the windows in the way of people, as an override gives them.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        let name = |words: &String| format!("window:{}:{words}", self.project);
        self.keeps_out.iter().map(name)
    }

    /// Whether people may sync, or may by what is overridden.
    pub fn lets(&self, overrides: &[String]) -> bool {
        let named = |name: String| overrides.contains(&name);
        self.open || self.people || (!self.keeps_out.is_empty() && self.names().all(named))
    }

    /// Why automatic syncs wait, without a full stop; with `at` as the words for the time of opening.
    pub fn waits(&self, at: Option<&str>) -> String {
        let opens = match at {
            Some(at) => format!("opens at {at}"),
            None => "no opening is in sight".to_owned(),
        };
        format!(
            "waits for window '{}' of project {}: {opens}",
            self.closed_by, self.project
        )
    }

    /// The state in one sentence without a full stop: `open until 2026-11-26T23:00:00Z`.
    pub fn state(&self) -> String {
        let at = self.changes.map(Micros::rfc3339);
        match (self.open, at) {
            (true, Some(at)) => format!("open until {at}"),
            (true, None) => "open".to_owned(),
            (false, at) => {
                let people = if self.people { "; people may sync" } else { "" };
                format!("{}{people}", self.waits(at.as_deref()))
            }
        }
    }
}
