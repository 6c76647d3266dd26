//! Writes down what a run waits for, in one sentence: for its page, and for the reason of the target.

use super::Advanced;
use super::progress;
use crate::reconcile::target::{Clock, Loaded, TargetMemory, Waiting};
use crate::reconcile::windows;
use crate::runtime::{Runtime, now};
use crate::store::run::RunRow;
use crate::store::{self, StoreError};
use lockstep_types::application::Hold;
use lockstep_types::plan::{Action, PlanPhase};
use lockstep_types::sync::{StepOutcome, StepStatus};
use lockstep_types::time::Micros;

/// Notes it; the database only when the sentence is a new one.
pub(super) async fn note(
    runtime: &Runtime,
    memory: &mut TargetMemory,
    run: &RunRow,
    rows: &[StepOutcome],
    waits: &progress::Waiting<'_>,
    until: Micros,
) -> Result<Advanced, StoreError> {
    let words = words(waits, rows);
    let at = now();
    let again = memory.look_again.unwrap_or(until).min(until);
    memory.waiting = Some(Waiting {
        object: waits.step.key.clone(),
        is_hook: waits.step.action == Action::Hook,
        degraded: memory.degraded.contains_key(&waits.step.key),
        words: words.clone(),
        until,
        again: again.max(at.plus_seconds(1)),
    });
    say(runtime, run, &words).await?;
    Ok(Advanced::Waits)
}

/// A hold stops a run between two waves; it goes on when the hold is over.
pub(super) async fn held(
    runtime: &Runtime,
    memory: &mut TargetMemory,
    run: &RunRow,
    hold: &Hold,
) -> Result<Advanced, StoreError> {
    memory.waiting = None;
    Clock::stops(&mut memory.clock, run.id, now());
    let what = hold.kind.what();
    let words = format!("{} holds {what}: {}", hold.owner, hold.reason);
    say(runtime, run, &words).await?;
    Ok(Advanced::Waits)
}

/// Does a closed window stop the run? It goes on when the window opens.
pub(super) async fn closed(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    run: &RunRow,
) -> Result<bool, StoreError> {
    let (db, definition, now) = (runtime.store(), &loaded.definition, now());
    let (cluster, home) = (&loaded.row.cluster, &loaded.source.home_cluster);
    let began = (run.started_at, &run.started_by);
    if windows::let_finish(db, definition, (cluster, home), began, now).await? {
        return Ok(false);
    }
    let Some(window) = windows::of(db, definition, cluster, home, now).await? else {
        return Ok(false);
    };
    if window.lets(&overridden(runtime, run).await?) {
        return Ok(false);
    }
    memory.waiting = None;
    Clock::stops(&mut memory.clock, run.id, now);
    let at = window.changes.map(Micros::rfc3339);
    say(runtime, run, &window.waits(at.as_deref())).await?;
    Ok(true)
}

/// Names of the windows and holds that whoever asked for the run does not wait for.
pub(super) async fn overridden(runtime: &Runtime, run: &RunRow) -> Result<Vec<String>, StoreError> {
    let asked = store::operation::get(runtime.store(), run.operation).await?;
    Ok(asked.overrides())
}

async fn say(runtime: &Runtime, run: &RunRow, words: &str) -> Result<(), StoreError> {
    if run.message == words {
        return Ok(());
    }
    let mut tx = runtime.store().begin().await?;
    let phase = run.phase;
    store::run::set_phase(&mut tx, run.id, run.fence, phase, phase, words).await?;
    tx.commit().await.map(|_| ())
}

/// `waiting for wave 2: Deployment cart: 1 of 3 ready`, without a full stop.
pub(super) fn words(waits: &progress::Waiting<'_>, rows: &[StepOutcome]) -> String {
    let step = waits.step;
    let failing = rows.iter().any(|row| row.status == StepStatus::Failed);
    let what = match (&step.action, step.phase) {
        (Action::Hook, PlanPhase::SyncFail) => {
            "waiting for the SyncFail hook after a failure".to_owned()
        }
        (Action::Hook, phase) if failing => format!(
            "a step failed; waiting for the {} hook that runs beside it",
            phase.word()
        ),
        (Action::Hook, phase) => format!("waiting for the {} hook", phase.word()),
        (Action::HookCleanup(_), _) => "waiting until an earlier run of a hook is gone".to_owned(),
        (Action::Prune, _) => "waiting until what left Git is gone".to_owned(),
        (_, _) => format!("waiting for wave {}", step.wave),
    };
    let name = step.key.short();
    let why = if waits.why.contains(&name) {
        waits.why.clone()
    } else if waits.why.is_empty() {
        name
    } else {
        format!("{name}: {}", waits.why)
    };
    match waits.more {
        0 => format!("{what}: {why}"),
        1 => format!("{what}: {why}; 1 more like it"),
        more => format!("{what}: {why}; {more} more like it"),
    }
}
