//! Brings emptied and replaced clusters back: finds the stages once, asks for the syncs of a stage when those before it
//! are over, and keeps automation away from targets whose turn it is not.
//!
//! Everything that it needs stands in the database, so a restart goes on where it was. Nothing is deleted by it: it asks
//! for syncs without pruning. A member whose sync fails holds up only those that cannot do without it.

mod members;
mod stages;

pub(crate) use members::{Gathered, gather, planned};
pub(crate) use stages::{Standing, found, standing};

use super::cause::Cause;
use super::driver::{self, Pace, Passed};
use crate::runtime::activator::locked;
use crate::runtime::memory::Returning;
use crate::runtime::{Runtime, now};
use crate::store::operation::NewOperation;
use crate::store::reestablish::{MemberRow, ReestablishRow};
use crate::store::{self, StoreError};
use lockstep_types::cluster::Connection;
use lockstep_types::event::{EventKind, Subject};
use lockstep_types::id::TargetId;
use lockstep_types::reason::ReasonCode;
use lockstep_types::sync::{OperationKind, StartedBy};
use lockstep_types::time::Micros;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// When each action was first found with its cluster connected.
type Connected = Mutex<BTreeMap<Uuid, Micros>>;

/// How often a cluster that is being brought back is looked at when nothing wakes.
const LOOK: Duration = Duration::from_secs(5);
/// How long the stages wait for targets that cannot be compared.
const PATIENCE_SECONDS: i64 = 60;

/// Takes up what was begun, and goes on with it until the runtime is cancelled.
pub(crate) async fn begin(runtime: &Runtime) {
    let pace = Pace {
        interval: Duration::from_secs(60),
        fastest_retry: Duration::from_secs(1),
        slowest: Duration::from_secs(30),
        breath: Duration::from_millis(200),
    };
    let connected = Arc::new(Mutex::new(BTreeMap::new()));
    let first = pass(runtime, &connected).await;
    if let Err(error) = &first {
        failed(error);
    }
    let (wake, cancel) = (
        runtime.activator().reestablish(),
        runtime.cancelled().clone(),
    );
    let own = runtime.clone();
    runtime.tasks().spawn(async move {
        driver::drive(wake, pace, Arc::new(Semaphore::new(1)), cancel, || {
            let (runtime, connected) = (own.clone(), Arc::clone(&connected));
            async move {
                pass(&runtime, &connected).await.unwrap_or_else(|error| {
                    failed(&error);
                    Passed::Failed
                })
            }
        })
        .await;
    });
}

fn failed(error: &StoreError) {
    tracing::warn!(event.name = "reestablish.pass_failed", error = %error, "clusters that are being brought back could not be looked at; it is tried again");
}

/// A target of this cluster has been looked at.
pub(super) fn told(runtime: &Runtime, cluster: &str) {
    if runtime.memory().is_returning(cluster) {
        runtime.activator().activate_reestablish();
    }
}

/// Why automation leaves a target alone while its cluster is brought back.
pub(super) fn waits(runtime: &Runtime, cluster: &str, target: TargetId) -> Option<Cause> {
    let words = runtime.memory().waits_to_return(cluster, target)?;
    Some(Cause::passing(
        ReasonCode::WaitingForDependency,
        words,
        "It goes on by itself when it is its turn; Sync does not wait",
    ))
}

/// Until the stages are known, nothing is written by itself.
pub(crate) fn unplanned(cluster: &str, by: &str) -> Returning {
    Returning {
        all: Some(format!(
            "{cluster} is being brought back by {by}, and the order is not known yet"
        )),
        words: BTreeMap::new(),
        states: BTreeMap::new(),
    }
}

async fn pass(runtime: &Runtime, connected: &Connected) -> Result<Passed, StoreError> {
    let before = runtime.memory().returning();
    let open = store::reestablish::open(runtime.store()).await?;
    let mut returning = BTreeMap::new();
    for action in &open {
        let here = match step(runtime, action, connected).await {
            Ok(here) => here,
            Err(error) => {
                // The others go on, and this cluster stays as it is kept.
                failed(&error);
                let kept = before.get(&action.cluster).cloned();
                Some(kept.unwrap_or_else(|| unplanned(&action.cluster, &action.begun.by)))
            }
        };
        if let Some(here) = here {
            returning.insert(action.cluster.clone(), here);
        }
    }
    let before: BTreeSet<String> = before.into_keys().collect();
    let going = !returning.is_empty();
    for cluster in runtime.memory().set_returning(returning, &before) {
        let mut tx = runtime.store().begin().await?;
        tx.announce(Subject::Cluster(cluster.clone()), EventKind::Changed);
        tx.commit().await?;
        for target in runtime.memory().placed_on(&cluster) {
            runtime.activator().activate_target(target);
        }
    }
    Ok(if going {
        Passed::Again(LOOK)
    } else {
        Passed::Settled
    })
}

/// One step further; `None`: it is over.
async fn step(
    runtime: &Runtime,
    action: &ReestablishRow,
    connected: &Connected,
) -> Result<Option<Returning>, StoreError> {
    let db = runtime.store();
    if store::cluster::by_name(db, &action.cluster)
        .await?
        .is_none()
    {
        end(runtime, action, "the cluster is not registered any more").await?;
        return Ok(None);
    }
    let placed: BTreeSet<TargetId> = runtime
        .memory()
        .placed_on(&action.cluster)
        .into_iter()
        .collect();
    if placed.is_empty() {
        // Right after a start, nothing is placed yet.
        return Ok(Some(unplanned(&action.cluster, &action.begun.by)));
    }
    let members = match action.planned_at {
        Some(_) => store::reestablish::members(db, action.id).await?,
        None => match plan(runtime, action, connected).await? {
            Some(members) => members,
            None => return Ok(Some(unplanned(&action.cluster, &action.begun.by))),
        },
    };
    let standing = standing(db, &members, &placed, now()).await?;
    // What a target waits for is read by people who may not see the others.
    let found = found(&members, &standing, now(), |_| None);
    if found.over {
        end(runtime, action, &found.ending()).await?;
        return Ok(None);
    }
    for member in members
        .iter()
        .filter(|one| found.turns.contains(&one.target))
    {
        turn(runtime, action, member).await?;
    }
    Ok(Some(Returning {
        all: None,
        words: found.words,
        states: standing
            .iter()
            .map(|(target, one)| (*target, one.state))
            .collect(),
    }))
}

async fn end(runtime: &Runtime, action: &ReestablishRow, ending: &str) -> Result<(), StoreError> {
    let mut tx = runtime.store().begin().await?;
    if store::reestablish::end(&mut tx, action, ending).await? {
        tracing::info!(event.name = "reestablish.ended", cluster.name = %action.cluster, ending, "bringing a cluster back is over");
    }
    tx.commit().await.map(|_| ())
}

/// Finds the stages and writes them down; `None`: not everything is known yet.
async fn plan(
    runtime: &Runtime,
    action: &ReestablishRow,
    connected: &Connected,
) -> Result<Option<Vec<MemberRow>>, StoreError> {
    let Some(handle) = runtime.cluster(&action.cluster) else {
        return Ok(None);
    };
    if *handle.live.connection().borrow() != Connection::Connected {
        return Ok(None);
    }
    let gathered = gather(runtime, &action.cluster).await?;
    if gathered.is_empty() {
        return Ok(None);
    }
    // Since the server found it connected: before that nobody could compare anything.
    let since = *locked(connected).entry(action.id).or_insert_with(now);
    let patient = now().seconds_since(since) < PATIENCE_SECONDS;
    if patient && gathered.iter().any(|one| one.assessment.is_none()) {
        return Ok(None);
    }
    let by = &action.begun.by;
    let members = planned(&gathered, |target| {
        (!action.targets.contains(&target)).then(|| format!("{by} may not sync it"))
    });
    let mut tx = runtime.store().begin().await?;
    let first = store::reestablish::plan(&mut tx, action, &members).await?;
    tx.commit().await?;
    if !first {
        return Ok(None);
    }
    tracing::info!(event.name = "reestablish.planned", cluster.name = %action.cluster, members = members.len(), "the order in which a cluster comes back is known");
    Ok(Some(members))
}

/// Asks for the sync of a member: once for each try.
async fn turn(
    runtime: &Runtime,
    action: &ReestablishRow,
    member: &MemberRow,
) -> Result<(), StoreError> {
    let target = member.target;
    let by = action.begun.by.clone();
    let intent = NewOperation {
        kind: OperationKind::Sync,
        target,
        actor: by.clone(),
        started_by: StartedBy::Person(by),
        idempotency_key: Some(format!(
            "reestablish {} {target} {}",
            action.id, member.tries
        )),
        parameters: json!({"prune": false, "reestablish": action.id}),
    };
    let mut tx = runtime.store().begin().await?;
    let inserted = store::operation::insert(&mut tx, &intent).await?;
    let operation = inserted.operation().id;
    if !store::reestablish::turn(&mut tx, action, member, operation).await? {
        // Stopped meanwhile, or another server was first: nothing is asked for.
        return Ok(());
    }
    tx.commit().await?;
    runtime.activator().activate_target(target);
    Ok(())
}
