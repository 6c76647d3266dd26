//! Who is told of what, when. Pure: from incidents, what was told, receivers and routes to the messages that are due.

use crate::store::message::News;
use jiff::tz::TimeZone;
use lockstep_types::alert::{AlertRules, Condition, Incident, Severity};
use lockstep_types::id::{IncidentId, ReceiverId};
use lockstep_types::notify::{Quiet, Route};
use lockstep_types::time::Micros;
use std::collections::{BTreeMap, BTreeSet};

/// What is known when messages are planned.
pub(super) struct Known<'a> {
    /// Open ones, and those that ended lately.
    pub incidents: &'a [Incident],
    pub told: &'a BTreeSet<(ReceiverId, IncidentId, News)>,
    pub receivers: &'a [ReceiverId],
    pub routes: &'a [(ReceiverId, Route)],
    /// Incidents that definitions in Git want a receiver to know of, whatever its routes say.
    pub asked: &'a BTreeSet<(ReceiverId, IncidentId)>,
    /// Routes that the source of an incident's application has in Git: there the receiver is routed by them, too.
    pub from_git: &'a BTreeMap<(ReceiverId, IncidentId), Vec<Route>>,
    pub last_told: &'a BTreeMap<ReceiverId, Micros>,
    pub rules: &'a AlertRules,
    pub now: Micros,
}

/// Messages that are due now, and when the next may be.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    pub messages: Vec<(ReceiverId, Vec<(IncidentId, News)>)>,
    pub next: Option<Micros>,
}

/// Plans at most one message per receiver.
pub(super) fn due(known: &Known<'_>) -> Due {
    let mut found = Due::default();
    for receiver in known.receivers {
        let mut items = Vec::new();
        let mut first: Option<Micros> = None;
        for incident in known.incidents {
            let Some((news, at)) = known.item(*receiver, incident) else {
                continue;
            };
            if at > known.now {
                found.next = earlier(found.next, at);
                continue;
            }
            first = earlier(first, at);
            items.push((incident.id, news));
        }
        let Some(first) = first else { continue };
        let gathered = first.plus_seconds(known.rules.gather_seconds.into());
        let apart = known
            .last_told
            .get(receiver)
            .map(|last| last.plus_seconds(known.rules.apart_seconds.into()));
        let at = apart.map_or(gathered, |apart| apart.max(gathered));
        if at > known.now {
            found.next = earlier(found.next, at);
        } else {
            found.messages.push((*receiver, items));
        }
    }
    found
}

fn earlier(one: Option<Micros>, other: Micros) -> Option<Micros> {
    Some(one.map_or(other, |one| one.min(other)))
}

impl Known<'_> {
    /// What a receiver is to be told of an incident, and from when on.
    fn item(&self, receiver: ReceiverId, incident: &Incident) -> Option<(News, Micros)> {
        let told = |news| self.told.contains(&(receiver, incident.id, news));
        let news = match (incident.resolved_at, told(News::Opened)) {
            (None, false) => News::Opened,
            (Some(_), true) if !told(News::Resolved) => News::Resolved,
            _ => return None,
        };
        let began = incident.resolved_at.unwrap_or(incident.opened_at);
        if self.asked.contains(&(receiver, incident.id)) {
            return Some((news, began));
        }
        let mut own = self
            .routes
            .iter()
            .filter(|(id, _)| *id == receiver)
            .map(|(_, route)| route)
            .peekable();
        let of_git = self.from_git.get(&(receiver, incident.id));
        if own.peek().is_none() && of_git.is_none() {
            return Some((news, began));
        }
        // Who was told is told that it is over, whatever became of the route or the annotation that asked for it.
        let otherwise = (news == News::Resolved).then_some(began);
        own.chain(of_git.into_iter().flatten())
            .filter(|route| matches(route, incident))
            .map(|route| {
                // The end of what was told is told without a second wait.
                let at = match news {
                    News::Opened => began.plus_seconds(route.after_seconds.into()),
                    News::Resolved => began,
                };
                match &route.quiet {
                    Some(quiet) if incident.severity < Severity::Critical => {
                        after_quiet(quiet, at.max(self.now)).unwrap_or(at)
                    }
                    _ => at,
                }
            })
            .min()
            .or(otherwise)
            .map(|at| (news, at))
    }
}

fn matches(route: &Route, incident: &Incident) -> bool {
    (route.conditions.is_empty() || route.conditions.contains(&incident.condition))
        && incident.severity >= route.least
        && route.labels.iter().all(|(key, pattern)| {
            incident
                .labels
                .get(key)
                .is_some_and(|value| fits(pattern, value))
        })
}

/// A text fits a pattern with stars.
fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    true
}

/// When the quiet that reigns at `at` is over; `None` when it does not reign.
fn after_quiet(quiet: &Quiet, at: Micros) -> Option<Micros> {
    let zone = TimeZone::get(&quiet.zone).ok()?;
    let local = at.timestamp()?.to_zoned(zone);
    let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).ok()?;
    let (from, until) = (quiet.from, quiet.until);
    let reigns = if from <= until {
        (from..until).contains(&minute)
    } else {
        minute >= from || minute < until
    };
    if !reigns {
        return None;
    }
    let wait = (i64::from(until) - i64::from(minute)).rem_euclid(24 * 60);
    let wait = if wait == 0 { 24 * 60 } else { wait };
    Some(at.plus_seconds(wait * 60 - i64::from(local.second())))
}

/// Reads `team=a, cluster=prod-*`.
///
/// # Errors
/// What is wrong with it.
pub fn check_labels(text: &str) -> Result<Vec<(String, String)>, String> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| match part.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                Ok((key.trim().to_owned(), value.trim().to_owned()))
            }
            _ => Err(format!("“{part}” is not name=value")),
        })
        .collect()
}

/// Reads `22:00-07:00 Europe/Berlin`; without a zone UTC is meant.
///
/// # Errors
/// What is wrong with it.
pub fn check_quiet(text: &str) -> Result<Option<Quiet>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let (hours, zone) = text.split_once(' ').unwrap_or((text, "UTC"));
    let zone = zone.trim();
    TimeZone::get(zone).map_err(|_| format!("the time zone “{zone}” is not known"))?;
    let minute = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    };
    let read = hours
        .split_once('-')
        .and_then(|(from, until)| Some((minute(from)?, minute(until)?)));
    match read {
        Some((from, until)) if from != until => Ok(Some(Quiet {
            from,
            until,
            zone: zone.to_owned(),
        })),
        _ => Err(format!("“{hours}” is not like 22:00-07:00")),
    }
}

/// What a receiver knows to be open once it has this message, by condition. What it was never told of does not count:
/// its alert would not end with the last that it knows.
pub(super) fn left(
    receiver: ReceiverId,
    open: &[Incident],
    told: &BTreeSet<(ReceiverId, IncidentId, News)>,
    message: &[(IncidentId, News)],
) -> BTreeMap<Condition, u32> {
    let now: BTreeSet<IncidentId> = message
        .iter()
        .filter(|(_, news)| *news == News::Opened)
        .map(|(id, _)| *id)
        .collect();
    let mut left = BTreeMap::new();
    for incident in open {
        if now.contains(&incident.id) || told.contains(&(receiver, incident.id, News::Opened)) {
            *left.entry(incident.condition).or_insert(0) += 1;
        }
    }
    left
}

#[cfg(test)]
#[path = "routing/tests.rs"]
mod tests;
