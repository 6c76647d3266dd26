//! From the bad health of a target to the object behind it, in one sentence. Pure.

use super::pod::{self, Trouble};
use lockstep_types::health::{Health, HealthStatus};
use lockstep_types::resource::ResourceKey;
use serde_json::Value;
use std::collections::BTreeMap;

/// An object with everything below it.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    pub key: ResourceKey,
    pub health: Health,
    /// As much as is known; null for missing ones.
    pub body: Value,
    pub below: Vec<Observed>,
}

/// The object that explains a bad health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The object to mark in the tree.
    pub key: ResourceKey,
    pub status: HealthStatus,
    /// One sentence without full stop: `2 of 3 pods cannot pull checkout:2.9.1`.
    pub message: String,
}

/// Health of a target: the worst of what it declares, explained by its cause.
pub fn target(declared: &[Observed]) -> Health {
    let status = declared
        .iter()
        .map(counted)
        .max()
        .unwrap_or(HealthStatus::Healthy);
    match cause(declared) {
        Some(cause) => Health::new(status, cause.message),
        None => Health::new(status, ""),
    }
}

/// What makes a target less than healthy; `None` when nothing does. The worst declared object counts, and below it the
/// deepest of the worst.
pub fn cause(declared: &[Observed]) -> Option<Cause> {
    let worst = declared
        .iter()
        .map(counted)
        .max()
        .filter(|worst| *worst > HealthStatus::Healthy)?;
    let mut candidates: Vec<&Observed> = declared
        .iter()
        .filter(|object| counted(object) == worst)
        .collect();
    // Of equally bad objects, one that has a reason below says more.
    candidates.sort_by_key(|object| std::cmp::Reverse(deepest(object).0));
    let first = *candidates.first()?;
    if let Some(cause) = pods_in_trouble(first) {
        return Some(cause);
    }
    let (_, found) = deepest(first);
    let others = candidates.len() - 1;
    let mut message = sentence(found);
    if others > 0 && found.key == first.key {
        message.push_str(&format!("; {others} more like it"));
    }
    Some(Cause {
        key: found.key.clone(),
        status: worst,
        message,
    })
}

/// What an object counts for its target. A rollout whose new pods crash or cannot start is Degraded at once: its own
/// status says Progressing until its deadline, ten minutes by default, and nobody wants to learn it that late.
fn counted(object: &Observed) -> HealthStatus {
    let own = object.health.status;
    let rolls_out = matches!(
        object.key.kind.as_str(),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet"
    );
    let mut broken = false;
    if own == HealthStatus::Progressing && rolls_out {
        walk(object, 0, &mut |_, found| {
            let leaving = found.body.pointer("/metadata/deletionTimestamp").is_some();
            broken |= !leaving
                && found.key.kind == "Pod"
                && found.health.status == HealthStatus::Degraded
                && pod::trouble(&found.body).is_some_and(|trouble| trouble.is_fault());
        });
    }
    if broken { HealthStatus::Degraded } else { own }
}

/// The worst status at or below an object, and the deepest object that has it.
fn deepest(object: &Observed) -> (HealthStatus, &Observed) {
    let mut best = (object.health.status, 0, object);
    walk(object, 0, &mut |depth, found| {
        if (found.health.status, depth) > (best.0, best.1) {
            best = (found.health.status, depth, found);
        }
    });
    (best.0, best.2)
}

fn walk<'a>(object: &'a Observed, depth: u32, visit: &mut impl FnMut(u32, &'a Observed)) {
    visit(depth, object);
    for below in &object.below {
        walk(below, depth + 1, visit);
    }
}

/// Many pods with the same trouble are one sentence; the most frequent trouble is told.
fn pods_in_trouble(object: &Observed) -> Option<Cause> {
    let mut pods: Vec<&Observed> = Vec::new();
    walk(object, 0, &mut |_, found| {
        let leaving = found.body.pointer("/metadata/deletionTimestamp").is_some();
        if found.key.kind == "Pod" && found.key.group.is_empty() && !leaving {
            pods.push(found);
        }
    });
    let mut troubles: BTreeMap<Trouble, Vec<&Observed>> = BTreeMap::new();
    for pod in &pods {
        if let Some(trouble) = pod::trouble(&pod.body) {
            troubles.entry(trouble).or_default().push(pod);
        }
    }
    let (trouble, struck) = troubles
        .into_iter()
        .max_by_key(|(_, struck)| struck.len())?;
    let first = struck.first()?;
    let message = match (struck.len(), pods.len()) {
        (1, 1) => format!("the pod of {} {}", object.key.short(), trouble.words(false)),
        (1, all) => format!("1 of {all} pods {}", trouble.words(false)),
        (some, all) => format!("{some} of {all} pods {}", trouble.words(true)),
    };
    Some(Cause {
        key: first.key.clone(),
        status: counted(object),
        message,
    })
}

fn sentence(object: &Observed) -> String {
    let name = object.key.short();
    match (object.health.status, object.health.message.as_str()) {
        (HealthStatus::Missing, _) => format!("{name} is not in the cluster"),
        (status, "") => format!("{name} is {}", status.word()),
        (_, message) => format!("{name}: {message}"),
    }
}

#[cfg(test)]
mod tests;
