//! One target: compare, decide, act, record. One pass at a time, so there is one writer per target.
//!
//! A pass reads what the database says, compares, lets a run that is under way go on, decides what is next and records
//! what it found. Whatever it was woken for, it does the same.

mod checking;
mod children;
mod compare;
mod confirm;
mod event;
pub(crate) mod ignored;
pub(crate) mod judge;
mod load;
mod memory;
mod order;
mod others;
pub(crate) mod planning;
mod record;
mod rolling;
mod unsteady;

pub(crate) use checking::Checked;
pub(crate) use compare::{Compared, Comparison};
pub(crate) use compare::{compare as compare_for_view, shown};
pub(crate) use load::{Loaded, claim, last_attempt, load, load_for_view, load_left};
pub use memory::Waiting;
pub(crate) use memory::{Clock, Expected, TargetMemory};

use super::decide::{self, Act, Facts, PruneCheck, Requested, Running, Situation, State, Trigger};
use super::driver::{self, Pace, Passed};
use super::{acting, explain, ledger, reestablish, revisions, run, windows};
use crate::runtime::{Runtime, now};
use crate::store::drift::FoundDrift;
use crate::store::{self, StoreError};
use engine::plan::{HookRuns, LiveFact};
use lockstep_types::event::EventKind;
use lockstep_types::health::HealthStatus;
use lockstep_types::id::TargetId;
use lockstep_types::plan::{Action, Plan, Step};
use lockstep_types::reason::ReasonCode;
use lockstep_types::revision::Revision;
use lockstep_types::sync::{OperationKind, SyncPhase};
use lockstep_types::time::Micros;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// How often an open run is looked at when nothing wakes it.
const LOOK: Duration = Duration::from_secs(10);
/// How long a repository may be silent before that is worth a word.
const STALE_SECONDS: i64 = 90;

/// The loop of one target, until it is cancelled or its definition is gone.
pub(crate) async fn run(
    runtime: Runtime,
    target: TargetId,
    cluster: String,
    cancel: CancellationToken,
) {
    let wake = runtime.activator().target(target);
    let permits = runtime
        .registry()
        .permits(&cluster, runtime.settings().targets_per_cluster);
    let memory = Arc::new(Mutex::new(TargetMemory::default()));
    let pace = Pace {
        interval: runtime.settings().compare,
        fastest_retry: Duration::from_secs(2),
        slowest: Duration::from_secs(120),
        breath: Duration::from_millis(50),
    };
    driver::drive(wake, pace, permits, cancel, || {
        let (runtime, memory) = (runtime.clone(), Arc::clone(&memory));
        let (span, cluster) = (tracing::info_span!("target", target.id = %target, cluster.name = %cluster), cluster.clone());
        async move {
            let mut memory = memory.lock().await;
            let passed = pass(&runtime, target, &mut memory).await;
            reestablish::told(&runtime, &cluster);
            match passed {
                Ok(passed) => passed,
                Err(StoreError::Stale { .. }) => {
                    // Another writer claimed the target; claim it anew with the next pass.
                    *memory = TargetMemory::default();
                    Passed::Failed
                }
                Err(error) => {
                    tracing::warn!(event.name = "target.pass_failed", error = %error, "a target could not be brought up to date; it is tried again");
                    Passed::Failed
                }
            }
        }
        .instrument(span)
    })
    .await;
    if !runtime.cancelled().is_cancelled()
        && let Err(error) = leave(&runtime, target).await
    {
        tracing::warn!(event.name = "target.leave_failed", target.id = %target, error = %error, "the end of a target could not be recorded");
    }
}

async fn pass(
    runtime: &Runtime,
    id: TargetId,
    memory: &mut TargetMemory,
) -> Result<Passed, StoreError> {
    if runtime.draining().is_cancelled() {
        return Ok(Passed::Settled);
    }
    let Some(mut loaded) = load(runtime, id, memory).await? else {
        return Ok(Passed::Done);
    };
    take_refreshes(runtime, &mut loaded, memory).await?;
    acting::act(runtime, &mut loaded).await?;
    if loaded.run.is_none() {
        run::terminate_if_asked(runtime, &loaded, memory).await?;
    }
    let now = now();
    let comparison = compare::compare(runtime, &loaded, memory, now).await;
    let comparison = match comparison {
        Comparison::Wait => {
            // Somebody may want to end the run meanwhile.
            run::terminate_if_asked(runtime, &loaded, memory).await?;
            return Ok(Passed::Again(Duration::from_millis(500)));
        }
        other => other,
    };
    if let Some(run) = &loaded.run
        && run::advance(runtime, &loaded, memory, run, &comparison).await? == run::Advanced::Changed
    {
        // What the run did changes the answer: look at everything anew.
        return Ok(Passed::Again(Duration::from_millis(20)));
    }
    let known = match &comparison {
        Comparison::Known(compared) => {
            let subject = compared.subject(runtime, &loaded);
            let (plan, violations) =
                compared
                    .judged
                    .plan(&subject, true, HookRuns::WithChanges, None);
            let drift = ledger::found(
                &compared.judged.diffs,
                &compared.desired.objects,
                &compared.baseline.hashes,
            );
            let told = event::newest(memory, compared, now).await;
            let facts = Facts {
                event: told,
                ..facts(runtime, &loaded, now, compared, &plan, violations, &drift)
            };
            children::register(runtime, &loaded, memory, compared).await?;
            Some((compared, plan, facts, drift))
        }
        Comparison::Unknown(_) | Comparison::Wait => None,
    };
    let prune = match &known {
        Some((compared, _, facts, _)) => {
            confirm::check(runtime, &loaded, memory, compared, facts, now).await
        }
        None => PruneCheck::NotNeeded,
    };
    let stops = runtime.brake().stops(runtime.memory().placed(), now);
    let requested = loaded.requested().map(|request| Requested {
        by: request.started_by.words(),
        prune: request
            .parameters
            .get("prune")
            .and_then(serde_json::Value::as_bool)
            .unwrap_or(false),
        since: request.created_at,
        // They are for what was shown: what came to the branch since waits like everything.
        overrides: match &known {
            Some((compared, ..)) if compared.is_at(request.asks_for()) => request.overrides(),
            _ => Vec::new(),
        },
    });
    let running = loaded.run.as_ref().map(|run| Running {
        phase: run.phase,
        by: run.started_by.words(),
        revision: run.revision.clone(),
        waiting_for: match &known {
            Some((_, _, facts, _)) if run.phase == SyncPhase::Verifying => {
                explain::with_event(&facts.health.message, &facts.event)
            }
            _ => run.message.clone(),
        },
        waiting: memory
            .waiting
            .clone()
            .filter(|_| run.phase == SyncPhase::Applying),
        degraded: matches!(
            &comparison,
            Comparison::Known(compared) if compared.judged.health.status == HealthStatus::Degraded
        ),
        object: match &comparison {
            Comparison::Known(compared) if run.phase == SyncPhase::Verifying => {
                compared.judged.culprit.clone()
            }
            _ => None,
        },
    });
    let unknown = match &comparison {
        Comparison::Unknown(cause) => Some(cause),
        Comparison::Known(_) | Comparison::Wait => None,
    };
    let state = match (&known, unknown) {
        (Some((_, _, facts, _)), _) => State::Known(facts),
        (None, Some(cause)) => State::Unknown(cause),
        (None, None) => return Ok(Passed::Again(Duration::from_millis(500))),
    };
    let facts = known.as_ref().map(|(_, _, facts, _)| facts);
    rolling::show(
        runtime,
        &loaded,
        memory,
        &comparison,
        facts,
        running.as_ref(),
    );
    let last = memory.last.clone().flatten();
    let mut rollout = None;
    let waits = match &known {
        // Only what would be written has to wait.
        Some((_, _, facts, _))
            if facts.writes > 0
                || facts.prunes > 0
                || last.as_ref().is_some_and(|last| last.hook_failed) =>
        {
            rollout = rolling::turn(runtime, &loaded);
            match reestablish::waits(runtime, &loaded.row.cluster, id) {
                Some(turn) => Some(turn),
                None => order::waits(runtime, &loaded, memory).await?,
            }
        }
        _ => None,
    };
    let (cluster, home) = (&loaded.row.cluster, &loaded.source.home_cluster);
    let window = windows::of(runtime.store(), &loaded.definition, cluster, home, now).await?;
    let situation = Situation {
        now,
        mode: loaded.row.mode,
        policy: &loaded.definition.policy,
        retry: loaded.definition.sync_options.retry.as_ref(),
        hold: loaded.hold.as_ref(),
        pin: loaded.pin.as_ref(),
        window: window.as_ref(),
        state,
        running: running.as_ref(),
        requested: requested.as_ref(),
        last: last.as_ref(),
        heals: &memory.heals,
        prune,
        brake: stops.as_deref(),
        waits: waits.as_ref(),
        rollout: rollout.as_ref(),
    };
    let mut decision = decide::decide(&situation);
    let by_itself = matches!(
        &decision.act,
        Act::Start { trigger, .. } if *trigger == Trigger::AutoSync
    );
    let mut anew = None;
    if by_itself && let Err(not_yet) = rolling::take(runtime, &loaded) {
        anew = not_yet.again;
        decision = decide::decide(&Situation {
            rollout: Some(&not_yet.cause),
            ..situation
        });
    }
    if let (Some((compared, ..)), Some(unsteady)) = (&known, &memory.unsteady)
        && unsteady.render == compared.render.key
    {
        decision.cause = Some(unsteady.cause.clone());
    }
    match known {
        Some((compared, plan, facts, drift)) => {
            record::known(
                runtime,
                &loaded,
                memory,
                compared,
                &record::Found {
                    plan,
                    facts: &facts,
                    drift,
                    decision: &decision,
                },
                now,
            )
            .await?;
            // Holds end inside windows only.
            let open = window.as_ref().is_none_or(|window| window.open);
            record::endings(runtime, &loaded, compared, &facts, open, now).await?;
            if loaded.run.is_none() {
                memory.wrote.clear();
            }
            if matches!(decision.act, Act::Start { .. } | Act::Refuse(_)) {
                run::begin(runtime, &loaded, memory, Some(compared), &decision.act).await?;
                return Ok(Passed::Again(Duration::from_millis(20)));
            }
        }
        None => {
            if let Comparison::Unknown(cause) = &comparison {
                record::unknown(runtime, &loaded, memory, cause.clone(), now).await?;
            }
            if matches!(decision.act, Act::Refuse(_)) {
                run::begin(runtime, &loaded, memory, None, &decision.act).await?;
                return Ok(Passed::Again(Duration::from_millis(20)));
            }
        }
    }
    if let Some(soon) = anew {
        return Ok(Passed::Again(soon));
    }
    // The tracked revision may have moved meanwhile, and whoever moved it may have let this pass speak for it.
    if let Comparison::Known(compared) = &comparison
        && loaded.pin.is_none()
        // What was refused stays refused until it moves again, and that wakes.
        && compared.refused.is_none()
        && tracked(runtime, &loaded).is_some_and(|tracked| tracked != compared.revision)
    {
        return Ok(Passed::Again(Duration::from_millis(20)));
    }
    let told = memory.told.as_ref().and_then(event::Told::again);
    let soon = decide::earlier(told, checking::again(memory, now));
    Ok(match decide::earlier(decision.again, soon) {
        Some(at) => Passed::Again(until(at, now)),
        None if loaded.run.is_some() => {
            let look = memory
                .waiting
                .as_ref()
                .map(|waiting| until(waiting.again, now));
            Passed::Again(look.unwrap_or(LOOK).min(LOOK))
        }
        // A connection that comes back wakes its targets; lists that fill up do not always.
        None if unknown.is_some_and(|cause| cause.code == ReasonCode::LiveUnknown) => {
            Passed::Again(Duration::from_secs(3))
        }
        None if unknown.is_some() => Passed::Again(Duration::from_secs(30)),
        None => Passed::Settled,
    })
}

fn tracked(runtime: &Runtime, loaded: &Loaded) -> Option<Revision> {
    let source = &loaded.definition.source;
    runtime
        .resolution(&source.repo_url, &source.target_revision)?
        .revision
}

/// Why the tracked revision may be older than it looks: its repository has not answered for a while.
fn stale(runtime: &Runtime, loaded: &Loaded, now: Micros) -> Option<String> {
    revisions::sources(&loaded.definition).find_map(|source| {
        let failing = runtime
            .resolution(&source.repo_url, &source.target_revision)?
            .failing?;
        (now.seconds_since(failing.since) > STALE_SECONDS).then_some(failing.error)
    })
}

fn facts(
    runtime: &Runtime,
    loaded: &Loaded,
    now: Micros,
    compared: &Compared,
    plan: &Plan,
    violations: Vec<String>,
    drift: &[FoundDrift],
) -> Facts {
    let counts = plan.counts();
    let drifted = ledger::objects(drift);
    let mut written = plan
        .steps
        .iter()
        .filter(|step| matches!(step.action, Action::Create | Action::Configure))
        .map(|step| &step.key);
    let hooks: Vec<_> = compared
        .desired
        .objects
        .iter()
        .filter(|manifest| engine::plan::hook::hook(&manifest.body).is_some())
        .map(|manifest| &manifest.key)
        .collect();
    let skipped = plan.steps.iter().find_map(|step| match &step.action {
        // A hook that does not run now is no difference.
        Action::Skip(why) if hooks.iter().all(|key| **key != step.key) => {
            Some((step.key.clone(), why.clone()))
        }
        _ => None,
    });
    // It goes with the next sync that prunes, and starts none.
    let is_extraneous = |step: &Step| matches!(compared.judged.facts.get(&step.key), Some(LiveFact::Present(facts)) if facts.extraneous);
    Facts {
        revision: compared.revision.clone(),
        attempt: compared.render.key.clone(),
        sync: compared.judged.sync,
        only_drift: loaded.row.deployed_render.as_deref() == Some(compared.render.key.as_str())
            && written.all(|key| drifted.contains(key)),
        writes: usize::try_from(counts.create + counts.configure).unwrap_or(usize::MAX),
        prunes: plan
            .steps
            .iter()
            .filter(|step| step.action == Action::Prune && !is_extraneous(step))
            .count(),
        drifted,
        drift_words: ledger::words(drift),
        rivals: ledger::rivals(drift),
        violations,
        empty: compared.desired.is_empty() && !compared.inventory.is_empty(),
        health: compared.judged.health.clone(),
        culprit: compared.judged.culprit.clone(),
        skipped,
        unsure: compared.judged.unsure.clone(),
        event: String::new(),
        stale: stale(runtime, loaded, now),
        refused: compared.refused.clone(),
    }
}

/// Takes what only asks for a look: the pass itself is the answer.
async fn take_refreshes(
    runtime: &Runtime,
    loaded: &mut Loaded,
    memory: &mut TargetMemory,
) -> Result<(), StoreError> {
    let refreshes: Vec<_> = loaded
        .requests
        .iter()
        .filter(|request| request.kind == OperationKind::Refresh)
        .map(|request| request.id)
        .collect();
    if refreshes.is_empty() {
        return Ok(());
    }
    loaded
        .requests
        .retain(|request| request.kind != OperationKind::Refresh);
    memory.bypass = true;
    memory.dry_runs.clear();
    let mut tx = runtime.store().begin().await?;
    for id in refreshes {
        store::operation::take(&mut tx, id).await?;
        store::operation::end(&mut tx, id, "compared again").await?;
    }
    tx.announce(store::target::subject(&loaded.row), EventKind::Changed);
    tx.commit().await?;
    for source in revisions::sources(&loaded.definition) {
        let repository = runtime.repository_key(&source.repo_url);
        runtime.activator().activate_repository(&repository);
    }
    Ok(())
}

/// The definition is gone or goes elsewhere: what is under way ends, what is in the cluster stays.
async fn leave(runtime: &Runtime, id: TargetId) -> Result<(), StoreError> {
    let db = runtime.store();
    if let Some(open) = store::run::active_of_target(db, id).await? {
        let mut tx = db.begin().await?;
        store::run::finish(
            &mut tx,
            open.id,
            open.fence,
            SyncPhase::Superseded,
            "the definition left Git; what was applied stays",
        )
        .await?;
        store::operation::end(&mut tx, open.operation, "the definition left Git").await?;
        tx.commit().await?;
    }
    Ok(())
}

fn until(at: Micros, now: Micros) -> Duration {
    Duration::from_micros(u64::try_from(at.0.saturating_sub(now.0)).unwrap_or(0))
        .max(Duration::from_millis(20))
}
