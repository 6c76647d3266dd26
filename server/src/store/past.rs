//! How targets stood at an earlier time, put together from the intervals of [`status`](super::status) and the drift ledger.

use super::columns::Column;
use super::status::{self, Axis, Interval};
use super::{Read, StoreError, drift};
use lockstep_types::Micros;
use lockstep_types::diff::SyncStatus;
use lockstep_types::health::HealthStatus;
use lockstep_types::id::TargetId;
use lockstep_types::past::{StateThen, StoodFor};
use lockstep_types::revision::Revision;
use std::collections::{BTreeMap, BTreeSet};

/// How every target stood at a moment, or the one that is asked for; a target that was not there yet is left out.
///
/// # Errors
/// When the database cannot be read.
pub async fn at(
    db: &impl Read,
    moment: Micros,
    only: Option<TargetId>,
) -> Result<BTreeMap<TargetId, StateThen>, StoreError> {
    let drifted = drift::drifted_at(db, moment, only).await?;
    let mut by_target: BTreeMap<TargetId, Vec<Interval>> = BTreeMap::new();
    for interval in status::at(db, moment, only).await? {
        by_target.entry(interval.target).or_default().push(interval);
    }
    let mut states = BTreeMap::new();
    for (target, intervals) in by_target {
        let mut state = state(&intervals)?;
        state.drifted = drifted.get(&target).copied().unwrap_or(0);
        states.insert(target, state);
    }
    Ok(states)
}

/// One interval per axis as a state.
fn state(intervals: &[Interval]) -> Result<StateThen, StoreError> {
    let value = |axis: Axis| {
        let of = intervals.iter().find(|interval| interval.axis == axis);
        of.map(|interval| interval.value.as_str())
    };
    let (sync, health) = (sync(value(Axis::Sync))?, health(value(Axis::Health))?);
    let well = sync == SyncStatus::Synced && health == HealthStatus::Healthy;
    let newest = intervals
        .iter()
        .filter(|interval| !well && interval.reason.is_some())
        .max_by_key(|interval| interval.from);
    let reason = newest.and_then(|interval| interval.reason.clone());
    let revision = |axis| value(axis).map(|revision| Revision(revision.to_owned()));
    Ok(StateThen {
        sync,
        health,
        reason,
        revision: revision(Axis::Revision),
        deployed: revision(Axis::Deployed),
        drifted: 0,
    })
}

fn sync(word: Option<&str>) -> Result<SyncStatus, StoreError> {
    word.map_or(Ok(SyncStatus::Unknown), |word| {
        Column("status_interval", "value").word(SyncStatus::from_word(word))
    })
}

fn health(word: Option<&str>) -> Result<HealthStatus, StoreError> {
    word.map_or(Ok(HealthStatus::Unknown), |word| {
        Column("status_interval", "value").word(HealthStatus::from_word(word))
    })
}

/// How a target stood from `since` to `until`, oldest first: one stretch per pair of sync and health.
///
/// # Errors
/// When the database cannot be read.
pub async fn stretches(
    db: &impl Read,
    target: TargetId,
    since: Micros,
    until: Micros,
) -> Result<Vec<StoodFor>, StoreError> {
    let intervals = status::list(db, target, since, until).await?;
    let turns: BTreeSet<Micros> = intervals
        .iter()
        .filter(|interval| matches!(interval.axis, Axis::Sync | Axis::Health))
        .map(|interval| interval.from)
        .collect();
    let mut stretches: Vec<StoodFor> = Vec::with_capacity(turns.len());
    for from in turns {
        let held = |axis: Axis| {
            intervals
                .iter()
                .find(|interval| {
                    interval.axis == axis
                        && interval.from <= from
                        && interval.to.is_none_or(|to| to > from)
                })
                .map(|interval| interval.value.as_str())
        };
        let (sync, health) = (sync(held(Axis::Sync))?, health(held(Axis::Health))?);
        if let Some(last) = stretches.last_mut() {
            if (last.sync, last.health) == (sync, health) {
                continue;
            }
            last.to = Some(from);
        }
        stretches.push(StoodFor {
            from,
            to: None,
            sync,
            health,
        });
    }
    // What goes on behind the end has one of its own in the intervals.
    if let Some(last) = stretches.last_mut() {
        last.to = intervals
            .iter()
            .filter(|interval| matches!(interval.axis, Axis::Sync | Axis::Health))
            .filter_map(|interval| interval.to)
            .filter(|to| *to >= until)
            .min();
    }
    // Of what ended before, only one axis was read.
    stretches.retain(|stood| stood.to.is_none_or(|to| to > since));
    Ok(stretches)
}
