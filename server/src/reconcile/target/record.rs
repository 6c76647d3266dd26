//! Writes down what a pass found, and only when something changed: state, drift and their events in one transaction.

use super::{Compared, Loaded, TargetMemory};
use crate::reconcile::cause::Cause;
use crate::reconcile::decide::{Act, Decision, Facts};
use crate::reconcile::{desired, ledger, revisions, vouched};
use crate::runtime::{Assessment, Runtime};
use crate::store::drift::FoundDrift;
use crate::store::target::{Deployed, TargetState};
use crate::store::{self, StoreError};
use engine::plan::LiveFact;
use lockstep_types::activity::RenderOutcome;
use lockstep_types::diff::{ResourceDiff, SyncStatus};
use lockstep_types::drift::DriftState;
use lockstep_types::event::EventKind;
use lockstep_types::health::{Health, HealthStatus};
use lockstep_types::id::TargetId;
use lockstep_types::plan::Plan;
use lockstep_types::reason::ReasonCode;
use lockstep_types::resource::ResourceKey;
use lockstep_types::source::Mode;
use lockstep_types::time::Micros;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a pass found and decided.
pub(super) struct Found<'a> {
    pub(super) plan: Plan,
    pub(super) facts: &'a Facts,
    pub(super) drift: Vec<FoundDrift>,
    pub(super) decision: &'a Decision,
}

/// Records a comparison.
pub(super) async fn known(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &TargetMemory,
    compared: &Compared,
    found: &Found<'_>,
    now: Micros,
) -> Result<(), StoreError> {
    let judged = &compared.judged;
    let starts = matches!(found.decision.act, Act::Start { .. });
    let cause = if starts {
        Some(Cause::passing(
            ReasonCode::Syncing,
            format!("The sync of {} is on its way", compared.revision.short()),
            "It ends when everything is applied and ready",
        ))
    } else {
        found.decision.cause.clone()
    };
    let previous = loaded.row.state.reason.as_ref();
    let out_of_sync = judged
        .diffs
        .values()
        .filter(|diff| ResourceDiff::counts(diff))
        .count();
    let state = TargetState {
        sync: judged.sync,
        health: judged.health.clone(),
        reason: cause.map(|cause| cause.since(previous, now)),
        drifted: count(found.facts.drifted.len()),
        out_of_sync: count(out_of_sync),
        objects: count(compared.desired.objects.len()),
        revision: Some(compared.revision.clone()),
        render_key: Some(compared.render.key.clone()),
    };
    let id = loaded.row.id;
    let first = loaded.row.state.revision.is_none() && loaded.row.deployed_render.is_none();
    let open = store::drift::open_of(runtime.store(), id).await?;
    let hashes: BTreeMap<_, _> = compared
        .desired
        .objects
        .iter()
        .map(|manifest| (manifest.key.clone(), manifest.hash.clone()))
        .collect();
    let before = runtime.assessment(id).map(|before| {
        before
            .desired
            .iter()
            .map(|manifest| (manifest.key.clone(), manifest.hash.clone()))
            .collect::<BTreeMap<_, _>>()
    });
    let before = before.unwrap_or_else(|| hashes.clone());
    let drift_state = drift_state(loaded, now, starts);
    let drift_changed =
        differs(&open, &found.drift) || open.iter().any(|row| row.state != drift_state);
    let deployed = deployed(loaded, compared, found.facts);
    let gone = gone(memory, compared);
    if state != loaded.row.state || drift_changed || deployed.is_some() || !gone.is_empty() {
        let mut tx = runtime.store().begin().await?;
        if drift_changed {
            store::drift::reconcile(&mut tx, id, &found.drift, first, |row| {
                ledger::ending(row, |key| memory.written(key), &hashes, &before)
            })
            .await?;
            store::drift::set_open_state(&mut tx, id, drift_state).await?;
        }
        if let Some(deployed) = &deployed {
            store::target::set_deployed(&mut tx, id, loaded.generation, deployed).await?;
            for (key, hash) in found_as(loaded, compared) {
                store::inventory::found_as(&mut tx, id, key, hash).await?;
            }
        }
        for key in gone {
            store::inventory::drop_entry(&mut tx, id, key).await?;
        }
        store::target::record(&mut tx, id, loaded.generation, &state).await?;
        if loaded.row.state.revision != state.revision {
            note_render(runtime, loaded, memory, &mut tx, "").await?;
        }
        tx.commit().await?;
        wake_waiters(runtime, id);
    }
    if let Some((revision, how)) = &memory.rendered {
        runtime.memory().rolled_out(id, revision, how);
    }
    beside(runtime, loaded, compared).await?;
    if let Some(deployed) = &deployed {
        revisions::keep(
            runtime,
            &loaded.definition,
            &deployed.revision,
            &compared.beside,
        )
        .await;
    }
    runtime.memory().compared(
        id,
        compared
            .handle
            .live
            .last_compared(id)
            .unwrap_or(now)
            .min(now),
    );
    let inputs = compared.main_inputs(runtime, loaded);
    runtime.memory().set_inputs(
        loaded.application.id,
        inputs.clone(),
        compared.inputs_by_repository(runtime, loaded),
    );
    runtime.brake().plans(
        id,
        found.facts.prunes > 0 && loaded.row.mode == Mode::Managed,
        now,
    );
    let assessment = Assessment {
        at: now,
        revision: compared.revision.clone(),
        render_key: compared.render.key.clone(),
        digest: compared.render.digest.clone(),
        verified: vouched::is_asked(&loaded.definition),
        warnings: [
            compared.render.warnings.clone(),
            engine::render::plain_text_secrets(&compared.render.objects),
            compared
                .desired
                .objects
                .iter()
                .flat_map(engine::plan::said)
                .collect(),
        ]
        .concat(),
        desired: compared.desired.objects.clone(),
        encrypted: compared.desired.encrypted.clone(),
        diffs: judged.diffs.clone(),
        plan: found.plan.clone(),
        violations: found.facts.violations.clone(),
        inputs,
        healths: judged.healths.clone(),
        health: judged.health.clone(),
        culprit: judged.culprit.clone(),
        sync: judged.sync,
    };
    runtime.memory().assessed(id, Arc::new(assessment));
    Ok(())
}

/// Notes of the commit that was taken over how its manifests were come by.
async fn note_render(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &TargetMemory,
    tx: &mut store::Tx,
    message: &str,
) -> Result<(), StoreError> {
    let Some((revision, how)) = &memory.rendered else {
        return Ok(());
    };
    let Some((outcome, millis)) = how.outcome() else {
        return Ok(());
    };
    let repository = runtime.repository_key(&loaded.definition.source.repo_url);
    let target = loaded.row.id;
    store::commit::rendered(tx, &repository, revision, target, outcome, millis, message).await
}

/// Whether it is noted of the commit already: a second one can break for the very same reason as the first.
async fn noted_render(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &TargetMemory,
    message: &str,
) -> Result<bool, StoreError> {
    let Some((revision, _)) = &memory.rendered else {
        return Ok(true);
    };
    let repository = runtime.repository_key(&loaded.definition.source.repo_url);
    let noted = store::commit::renders(runtime.store(), &repository, revision).await?;
    Ok(noted.iter().any(|render| {
        render.target == loaded.row.id
            && render.outcome == RenderOutcome::Failed
            && render.message == message
    }))
}

/// Notes at which revisions of its further sources a target was compared; only when that is news.
async fn beside(runtime: &Runtime, loaded: &Loaded, compared: &Compared) -> Result<(), StoreError> {
    let (id, revision) = (loaded.row.id, &compared.revision);
    if compared.beside.is_empty()
        || store::beside::of_revision(runtime.store(), id, revision).await? == compared.beside
    {
        return Ok(());
    }
    let mut tx = runtime.store().begin().await?;
    store::beside::note_revision(&mut tx, id, revision, &compared.beside).await?;
    tx.announce(store::target::subject(&loaded.row), EventKind::Changed);
    tx.commit().await?;
    Ok(())
}

/// Records that the target cannot be judged; counts and revision stay as they were last known.
pub(super) async fn unknown(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &TargetMemory,
    cause: Cause,
    now: Micros,
) -> Result<(), StoreError> {
    let before = &loaded.row.state;
    let failed = cause.code == ReasonCode::RenderFailed;
    // What is tried again by itself is no end of the commit.
    let ended = failed && cause.stalled;
    if failed && let Some((revision, how)) = &memory.rendered {
        runtime.memory().rolled_out(loaded.row.id, revision, how);
    }
    let why = cause.cause.clone();
    let message = if before.sync == SyncStatus::Unknown {
        before.health.message.clone()
    } else {
        String::new()
    };
    let state = TargetState {
        sync: SyncStatus::Unknown,
        health: Health::new(HealthStatus::Unknown, message),
        reason: Some(cause.since(before.reason.as_ref(), now)),
        ..before.clone()
    };
    let moved = memory
        .rendered
        .as_ref()
        .is_some_and(|(revision, _)| before.revision.as_ref() != Some(revision));
    let news = ended && moved && !noted_render(runtime, loaded, memory, &why).await?;
    if state == *before && !news {
        return Ok(());
    }
    let mut tx = runtime.store().begin().await?;
    if state != *before {
        store::target::record(&mut tx, loaded.row.id, loaded.generation, &state).await?;
    }
    if news {
        note_render(runtime, loaded, memory, &mut tx, &why).await?;
    }
    tx.commit().await?;
    wake_waiters(runtime, loaded.row.id);
    Ok(())
}

/// Lets targets that wait for this one look again.
fn wake_waiters(runtime: &Runtime, changed: TargetId) {
    for waiting in runtime.memory().take_waiters(changed) {
        runtime.activator().activate_target(waiting);
    }
}

/// Lets holds and pins end whose time is over: by themselves if they hold nothing back, else they wait for a person.
pub(super) async fn endings(
    runtime: &Runtime,
    loaded: &Loaded,
    compared: &Compared,
    facts: &Facts,
    open: bool,
    now: Micros,
) -> Result<(), StoreError> {
    if let Some(hold) = loaded
        .hold
        .as_ref()
        .filter(|hold| open && hold.until <= now && !hold.ended_waiting)
    {
        let mut tx = runtime.store().begin().await?;
        if facts.writes > 0 || facts.prunes > 0 {
            store::hold::set_ended_waiting(&mut tx, hold.id).await?;
        } else {
            store::hold::end(&mut tx, hold.id, "time").await?;
        }
        tx.commit().await?;
        runtime.activator().activate_target(loaded.row.id);
    }
    let Some(pin) = &loaded.pin else {
        return Ok(());
    };
    let source = &loaded.definition.source;
    let Some(tracked) = runtime
        .resolution(&source.repo_url, &source.target_revision)
        .and_then(|known| known.revision)
    else {
        return Ok(());
    };
    let behind = if tracked == pin.revision {
        0
    } else {
        behind(runtime, loaded, compared, &tracked).await
    };
    if behind != pin.behind {
        let mut tx = runtime.store().begin().await?;
        store::pin::set_behind(&mut tx, pin.id, behind).await?;
        tx.commit().await?;
    }
    if pin.until > now || pin.ended_waiting {
        return Ok(());
    }
    let Ok(followed) = revisions::with_tracked(runtime, &loaded.definition, tracked.clone()) else {
        return Ok(());
    };
    let mut input = engine::render::RenderInput {
        revision: tracked,
        ..compared.input.clone()
    };
    for (more, at) in input.more.iter_mut().zip(&followed.beside) {
        more.revision = at.revision.clone();
    }
    let same = crate::reconcile::render::rendered(runtime, &input, None)
        .await
        .is_ok_and(|rendered| rendered.complete.digest == compared.render.digest);
    let mut tx = runtime.store().begin().await?;
    if same {
        store::pin::end(&mut tx, pin.id, "time").await?;
    } else {
        store::pin::set_ended_waiting(&mut tx, pin.id).await?;
    }
    tx.commit().await?;
    runtime.activator().activate_target(loaded.row.id);
    Ok(())
}

/// Commits of the input paths between the pin and the tracked revision.
async fn behind(
    runtime: &Runtime,
    loaded: &Loaded,
    compared: &Compared,
    tracked: &lockstep_types::revision::Revision,
) -> u32 {
    let source = &loaded.definition.source;
    let mut paths = compared.main_inputs(runtime, loaded);
    if paths.is_empty() {
        paths.push(source.path.clone());
    }
    let Ok(log) = runtime
        .mirrors()
        .log(&source.repo_url, tracked, &paths, 500)
        .await
    else {
        return 0;
    };
    let mut behind = 0;
    for commit in log {
        match runtime
            .mirrors()
            .is_ancestor(&source.repo_url, &commit.revision, &compared.revision)
            .await
        {
            Ok(false) => behind += 1,
            Ok(true) | Err(_) => break,
        }
    }
    behind
}

/// A revision that changes nothing here is deployed as soon as it is compared: no run is needed for it.
fn deployed(loaded: &Loaded, compared: &Compared, facts: &Facts) -> Option<Deployed> {
    let in_line = facts.sync == SyncStatus::Synced
        && facts.writes == 0
        && facts.prunes == 0
        && loaded.run.is_none();
    let known = loaded.row.deployed.as_ref() == Some(&compared.revision)
        && loaded.row.deployed_render.as_deref() == Some(compared.render.key.as_str());
    (in_line && !known).then(|| Deployed {
        revision: compared.revision.clone(),
        render_key: compared.render.key.clone(),
        images: desired::images(&compared.desired.objects),
    })
}

/// Objects that are exactly as a manifest declares them that was never applied: Git came to say what they already were.
/// Those with differences that do not count are none: what is ignored today may count tomorrow.
fn found_as<'c>(loaded: &'c Loaded, compared: &'c Compared) -> Vec<(&'c ResourceKey, &'c str)> {
    let settled = &compared.judged.settled;
    let applied = loaded
        .inventory
        .iter()
        .filter(|row| row.applied_hash.is_some());
    applied
        .filter(|row| !compared.judged.diffs.contains_key(&row.key))
        .filter_map(|row| Some((row, settled.get(&row.key)?)))
        .filter(|(row, hash)| row.applied_hash.as_ref() != Some(*hash))
        .map(|(row, hash)| (&row.key, hash.as_str()))
        .collect()
}

/// What left Git and is known not to be there any more: a delete that took its time is over. What was only meant to be
/// applied stays in the inventory; its request may still arrive.
fn gone<'c>(memory: &TargetMemory, compared: &'c Compared) -> Vec<&'c ResourceKey> {
    let declared: BTreeSet<&ResourceKey> = compared
        .desired
        .objects
        .iter()
        .map(|manifest| &manifest.key)
        .collect();
    compared
        .inventory
        .iter()
        .filter(|entry| entry.uid.is_some() && !declared.contains(&entry.key))
        .map(|entry| &entry.key)
        .filter(|key| {
            compared.judged.facts.get(key) == Some(&LiveFact::Absent)
                && !memory.expected.contains_key(key)
        })
        .collect()
}

fn drift_state(loaded: &Loaded, now: Micros, starts: bool) -> DriftState {
    if starts || loaded.run.is_some() {
        DriftState::Healing
    } else if loaded
        .hold
        .as_ref()
        .is_some_and(|hold| hold.until > now && hold.kind.stops(true))
    {
        DriftState::Held
    } else {
        DriftState::Open
    }
}

fn differs(open: &[lockstep_types::drift::DriftRow], found: &[FoundDrift]) -> bool {
    open.len() != found.len()
        || found.iter().any(|drift| {
            !open.iter().any(|row| {
                row.key == drift.key
                    && row.path == drift.path
                    && row.live == drift.live
                    && row.declared == drift.declared
                    && row.manager == drift.manager
            })
        })
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
