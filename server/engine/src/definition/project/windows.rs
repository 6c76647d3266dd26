//! Sync windows of a project: when its applications may be synced.
//!
//! Pure: whoever asks brings the time. As Argo CD documents it: a window that denies wins; where windows that allow match
//! an application, it syncs inside one of them only; `manualSync` of all windows in the way lets people sync all the
//! same; a sync that is under way at the end goes on with `syncOverrun` only. Windows live on the wall clock of their
//! time zone: in the hour that a change of clocks takes away or repeats, that clock decides.

mod cron;
mod verdict;

pub use verdict::{Asked, Verdict};

use super::super::fields::Place;
use super::super::flux::duration;
use super::permit::matches;
use cron::Cron;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil::DateTime};
use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// Longest stretch of overlapping openings that is followed.
const HOPS: usize = 1000;

/// What a window does while it is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WindowKind {
    Allow,
    Deny,
}

/// One window as Git defines it. Read ones have a schedule, a duration and a time zone that can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncWindow {
    pub kind: WindowKind,
    /// Five fields.
    pub schedule: String,
    /// As written.
    pub duration: String,
    pub seconds: u32,
    /// A name of the time zone database.
    pub time_zone: String,
    /// Globs; one that matches is enough, unless `all_must_match`.
    pub applications: Vec<String>,
    pub namespaces: Vec<String>,
    /// Names or server addresses.
    pub clusters: Vec<String>,
    /// `andOperator`: each list that is given must match.
    pub all_must_match: bool,
    pub manual_sync: bool,
    pub overrun: bool,
}

/// What windows are chosen by.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'s> {
    pub application: &'s str,
    /// The namespace of the destination.
    pub namespace: &'s str,
    /// All names and server addresses of the cluster.
    pub clusters: &'s [&'s str],
}

/// One window; `None` when a problem was reported.
pub(super) fn read(entry: &Place<'_>) -> Option<SyncWindow> {
    entry.ignore("description", "it is for people");
    let kind = match entry.required("kind").as_str() {
        "allow" => Some(WindowKind::Allow),
        "deny" => Some(WindowKind::Deny),
        "" => None,
        other => {
            let message = format!("“{other}” is no kind of window");
            entry.problem("kind", &message, "Write allow or deny.");
            None
        }
    };
    let schedule = entry.required("schedule");
    let scheduled = schedule.is_empty()
        || Cron::read(&schedule)
            .inspect_err(|why| {
                let message = format!("“{schedule}” {why}");
                let next = "Write it as cron does: '0 22 * * 1-5'.";
                entry.problem("schedule", &message, next);
            })
            .is_ok();
    let written = entry.required("duration");
    let seconds = duration::seconds(&written).filter(|seconds| *seconds > 0);
    if seconds.is_none() && !written.is_empty() {
        let message = format!("“{written}” is no span of time from a second to a hundred years");
        entry.problem("duration", &message, "Write it like 1h30m.");
    }
    let time_zone = match entry.text("timeZone") {
        empty if empty.is_empty() => "UTC".to_owned(),
        named => named,
    };
    let zoned = zone(&time_zone).is_some();
    if !zoned {
        let message = format!("“{time_zone}” is no time zone");
        entry.problem("timeZone", &message, "Write a name like Europe/Berlin.");
    }
    let window = SyncWindow {
        kind: kind.unwrap_or(WindowKind::Deny),
        schedule: schedule.clone(),
        duration: written,
        seconds: seconds.unwrap_or(1),
        time_zone,
        applications: entry.texts("applications"),
        namespaces: entry.texts("namespaces"),
        clusters: entry.texts("clusters"),
        all_must_match: entry.flag("andOperator").unwrap_or(false),
        manual_sync: entry.flag("manualSync").unwrap_or(false),
        overrun: entry.flag("syncOverrun").unwrap_or(false),
    };
    if window.lists().iter().all(|list| list.is_empty()) {
        entry.note(
            "applications",
            "neither applications nor namespaces nor clusters are given: the window matches nothing",
        );
    }
    entry.done();
    (kind.is_some() && scheduled && !schedule.is_empty() && seconds.is_some() && zoned)
        .then_some(window)
}

fn zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

impl SyncWindow {
    fn lists(&self) -> [&[String]; 3] {
        [&self.applications, &self.namespaces, &self.clusters]
    }

    /// Is the application meant by this window?
    pub fn is_for(&self, subject: &Subject<'_>) -> bool {
        let among = |list: &[String], values: &[&str]| {
            list.iter()
                .any(|pattern| values.iter().any(|value| matches(pattern, value, false)))
        };
        let found = [
            (
                &self.applications,
                among(&self.applications, &[subject.application]),
            ),
            (
                &self.namespaces,
                among(&self.namespaces, &[subject.namespace]),
            ),
            (&self.clusters, among(&self.clusters, subject.clusters)),
        ];
        let mut given = found.iter().filter(|(list, _)| !list.is_empty()).peekable();
        if self.all_must_match {
            given.peek().is_some() && given.all(|(_, found)| *found)
        } else {
            given.any(|(_, found)| *found)
        }
    }

    /// `allow 0 22 * * 1-5 for 1h Europe/Berlin`.
    pub fn words(&self) -> String {
        let kind = match self.kind {
            WindowKind::Allow => "allow",
            WindowKind::Deny => "deny",
        };
        format!(
            "{kind} {} for {} {}",
            self.schedule, self.duration, self.time_zone
        )
    }

    /// `None` for one that was not read by this version.
    fn clock(&self) -> Option<(Cron, TimeZone)> {
        Some((Cron::read(&self.schedule).ok()?, zone(&self.time_zone)?))
    }

    fn end(&self, begin: DateTime) -> Option<DateTime> {
        begin
            .checked_add(jiff::SignedDuration::from_secs(self.seconds.into()))
            .ok()
    }

    /// Has it begun and not ended? One that cannot be judged denies, and allows nothing.
    fn is_active(&self, at: Timestamp) -> bool {
        let Some((cron, zone)) = self.clock() else {
            return self.kind == WindowKind::Deny;
        };
        let here = zone.to_datetime(at);
        cron.last(here)
            .is_some_and(|begin| self.end(begin).is_none_or(|end| here < end))
    }

    /// The next instant at which it may begin or end; `None` when there is none to be seen.
    fn next_change(&self, at: Timestamp) -> Option<Timestamp> {
        let (cron, zone) = self.clock()?;
        let here = zone.to_datetime(at);
        let wall = match cron.last(here).and_then(|begin| self.end(begin)) {
            Some(end) if here < end => self.last_end(&cron, end),
            _ => cron.next(here),
        };
        let change = wall.and_then(|wall| instant(&zone, wall, at));
        let clocks = zone
            .following(at)
            .next()
            .map(|transition| transition.timestamp());
        match (change, clocks) {
            (Some(change), Some(clocks)) => Some(change.min(clocks)),
            (change, clocks) => change.or(clocks),
        }
    }

    /// The end of openings that follow each other without a gap.
    fn last_end(&self, cron: &Cron, mut end: DateTime) -> Option<DateTime> {
        for _ in 0..HOPS {
            let later = cron.last(end).and_then(|begin| self.end(begin))?;
            if later <= end {
                return Some(end);
            }
            end = later;
        }
        None
    }
}

/// The first instant after `after` at which the clock on the wall shows a time.
fn instant(zone: &TimeZone, wall: DateTime, after: Timestamp) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    let later = ambiguous.later().ok();
    let earlier = ambiguous.earlier().ok();
    [earlier, later]
        .into_iter()
        .flatten()
        .filter(|instant| *instant > after)
        .min()
}
