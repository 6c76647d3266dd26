//! Carries out a stored plan: inventory first, then stage by stage in the order of the plan, deletes last and only if
//! everything else succeeded.
//!
//! It makes no choices: [`progress`] says what comes next, from the plan and the rows of its steps, and every answer is a
//! row before the next question. Where a wave or a hook has to be waited for, the pass ends; the watch wakes the next one.
//! If a row cannot be written, nothing further is sent.

use super::batch::{self, Batched};
use super::look::Looks;
use super::progress::{Next, Progress};
use super::step::Work;
use super::{Advanced, ending, outcome, ownership, tell, waiting};
use crate::reconcile::target::{Clock, Compared, Loaded, TargetMemory};
use crate::reconcile::{desired, permit};
use crate::runtime::{Runtime, now};
use crate::store::run::RunRow;
use crate::store::{self, StoreError};
use engine::live::Resolve;
use engine::plan::options::options;
use lockstep_types::plan::{Action, Plan, Step};
use lockstep_types::resource::ResourceKey;
use lockstep_types::sync::{StartedBy, StepOutcome, SyncPhase};
use lockstep_types::time::Micros;
use std::collections::BTreeSet;

/// Begins to carry out `plan`: the run moves to Applying before anything is sent.
pub(super) async fn begin(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    compared: &Compared,
    run: &RunRow,
    from: SyncPhase,
    plan: &Plan,
) -> Result<(), StoreError> {
    if let Some(why) = refused(runtime, loaded, compared, plan) {
        return outcome::finish(runtime, loaded, memory, run, SyncPhase::Failed, &why).await;
    }
    let steps: Vec<&Step> = plan.steps.iter().collect();
    if let Some(why) = not_permitted(runtime, loaded, compared, &steps).await? {
        return outcome::finish(runtime, loaded, memory, run, SyncPhase::Failed, &why).await;
    }
    let declared: BTreeSet<&ResourceKey> = compared
        .desired
        .objects
        .iter()
        .map(|manifest| &manifest.key)
        .collect();
    let ahead: Vec<(ResourceKey, String)> = plan
        .steps
        .iter()
        .filter(|step| {
            matches!(
                step.action,
                Action::Create | Action::Configure | Action::Unchanged
            ) && declared.contains(&step.key)
        })
        .map(|step| (step.key.clone(), step.api_version.clone()))
        .collect();
    let mut tx = runtime.store().begin().await?;
    store::target::require_generation(&mut tx, loaded.row.id, loaded.generation).await?;
    store::inventory::write_ahead(&mut tx, loaded.row.id, &ahead).await?;
    confirm_unchanged(&mut tx, loaded, compared, plan).await?;
    if from == SyncPhase::AwaitingApproval
        && !store::approval::use_up(&mut tx, loaded.row.id, &plan.digest, run.id).await?
    {
        // Somebody else used it, or it was withdrawn in between.
        return Ok(());
    }
    if !store::run::set_phase(&mut tx, run.id, run.fence, from, SyncPhase::Applying, "").await? {
        return Ok(());
    }
    tx.commit().await?;
    memory.wrote.clear();
    memory.waiting = None;
    memory.degraded.clear();
    go_on(runtime, loaded, memory, compared, run, plan, None)
        .await
        .map(|_| ())
}

/// Why the run is not even begun.
pub(super) fn refused(
    runtime: &Runtime,
    loaded: &Loaded,
    compared: &Compared,
    plan: &Plan,
) -> Option<String> {
    if !compared.managed {
        return Some("the target is only observed: nothing was written".to_owned());
    }
    if loaded.definition.sync_options.fail_on_shared
        && let Some((key, owner)) = compared.shared(runtime, loaded)
    {
        return Some(format!(
            "{} belongs to {owner}, and the definition says FailOnSharedResource: nothing was written",
            key.short()
        ));
    }
    if let Some(step) = not_served(loaded, compared, plan) {
        return Some(format!(
            "{}: the cluster does not serve {} in {}, and nothing here defines it: nothing was written; SkipDryRunOnMissingResource=true would write everything before it and then wait for the kind",
            step.key.short(),
            step.key.kind,
            step.api_version
        ));
    }
    plan.steps.iter().find_map(|step| match &step.action {
        Action::Skip(why) if step.hook.is_some() => Some(format!(
            "{} cannot run, so nothing was written: {why}",
            step.key.short()
        )),
        _ => None,
    })
}

/// Why the project, as it is now, does not let these steps be carried out.
pub(super) async fn not_permitted(
    runtime: &Runtime,
    loaded: &Loaded,
    compared: &Compared,
    steps: &[&Step],
) -> Result<Option<String>, StoreError> {
    let namespace = &loaded.definition.destination.namespace;
    // The destination's own namespace, which `CreateNamespace` makes: the destination is what permits it.
    let made = |step: &Step| {
        step.action != Action::Prune
            && step.key == ResourceKey::new("", "Namespace", "", namespace)
            && !compared
                .desired
                .objects
                .iter()
                .any(|manifest| manifest.key == step.key)
    };
    let keys: Vec<&ResourceKey> = steps
        .iter()
        .filter(|step| step.action.writes() && !made(step))
        .map(|step| &step.key)
        .collect();
    let refused = permit::refused_write(runtime, loaded, &keys).await?;
    Ok(refused.map(|refused| {
        format!(
            "{}, so nothing further was written. {}",
            refused.message, refused.next
        )
    }))
}

/// A step that makes an object of a kind nobody knows yet, unless its options or the definition's say to wait for it.
fn not_served<'p>(loaded: &Loaded, compared: &Compared, plan: &'p Plan) -> Option<&'p Step> {
    let defined = desired::rendered_scopes(&compared.render);
    let waits = |step: &Step| {
        let manifest = compared
            .desired
            .objects
            .iter()
            .find(|manifest| manifest.key == step.key);
        manifest
            .and_then(|manifest| options(&manifest.body).skip_dry_run_on_missing)
            .unwrap_or(loaded.definition.sync_options.skip_dry_run_on_missing)
    };
    plan.steps.iter().find(|step| {
        matches!(step.action, Action::Create | Action::Hook)
            && compared
                .handle
                .live
                .resolve(&step.api_version, &step.key.kind)
                .is_none()
            && !defined.contains_key(&(step.key.group.clone(), step.key.kind.clone()))
            && !waits(step)
    })
}

/// Whether fields that others own are taken from them: by a target that heals, and by the first sync of all.
pub(super) fn takes_fields(loaded: &Loaded, memory: &TargetMemory) -> bool {
    loaded.definition.policy.self_heal || memory.last.as_ref().is_none_or(Option::is_none)
}

/// Goes on as far as possible without waiting. `fresh` is the plan made anew since the run began.
pub(super) async fn go_on(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    compared: &Compared,
    run: &RunRow,
    plan: &Plan,
    fresh: Option<&Plan>,
) -> Result<Advanced, StoreError> {
    let resumes = fresh.is_some() && memory.claimed != Some(run.id);
    if let (true, Some(fresh)) = (resumes, fresh) {
        let mut tx = runtime.store().begin().await?;
        confirm_unchanged(&mut tx, loaded, compared, fresh).await?;
        tx.commit().await?;
        tracing::info!(event.name = "run.resumed", run.id = %run.id, "a run that was cut off goes on with the same plan");
    }
    let subject = compared.subject(runtime, loaded);
    let heals = run.started_by == StartedBy::SelfHeal;
    let force = heals || takes_fields(loaded, memory);
    let mut rows = store::run::steps(runtime.store(), run.id).await?;
    let mut stale = false;
    loop {
        if runtime.draining().is_cancelled() {
            tracing::info!(event.name = "run.paused", run.id = %run.id, "the server is stopping; the run goes on after the start");
            return Ok(Advanced::Waits);
        }
        let known = Known {
            compared,
            plan,
            fresh,
            rows: &rows,
            heals,
            stale,
            deadline: Clock::goes(&mut memory.clock, run.id, now()).end(within(runtime, loaded)),
        };
        match next(runtime, memory, &known) {
            Next::Look => return Ok(Advanced::Changed),
            Next::Settle(outcomes) => settle(runtime, run, &mut rows, outcomes).await?,
            Next::Wait(waits) => {
                return waiting::note(runtime, memory, run, &rows, &waits, known.deadline).await;
            }
            Next::Changed(why) => {
                let (phase, message) = if resumes {
                    let what = "it was cut off in the middle, and what is left to do is no longer what was planned";
                    (SyncPhase::Interrupted, format!("{what} ({why})"))
                } else {
                    let what = "Git or the cluster has changed since the plan was made";
                    (SyncPhase::Superseded, format!("{what} ({why})"))
                };
                ending::end(runtime, loaded, memory, run, phase, &message).await?;
                return Ok(Advanced::Changed);
            }
            Next::Applied => {
                verifying(runtime, memory, run).await?;
                return Ok(Advanced::Changed);
            }
            Next::Failed(message) => {
                outcome::finish(runtime, loaded, memory, run, SyncPhase::Failed, &message).await?;
                return Ok(Advanced::Changed);
            }
            Next::Do(batch) => {
                if let Some(why) = not_permitted(runtime, loaded, compared, &batch).await? {
                    ending::end(runtime, loaded, memory, run, SyncPhase::Failed, &why).await?;
                    return Ok(Advanced::Changed);
                }
                if memory.claimed != Some(run.id) {
                    match batch::unless_terminated(
                        runtime,
                        loaded,
                        ownership::claim(runtime, &compared.handle),
                    )
                    .await?
                    {
                        Err(who) => return terminated(runtime, loaded, memory, run, &who).await,
                        Ok(claimed) => {
                            let claimed = match claimed? {
                                Ok(()) => account_is_there(compared).await,
                                refused => refused,
                            };
                            if let Err(why) = claimed {
                                ending::end(runtime, loaded, memory, run, SyncPhase::Failed, &why)
                                    .await?;
                                return Ok(Advanced::Changed);
                            }
                        }
                    }
                    memory.claimed = Some(run.id);
                }
                let writing = runtime.memory().writing();
                let work = Work {
                    runtime,
                    handle: &compared.handle,
                    subject: &subject,
                    hpa_targets: &compared.judged.hpa_targets,
                    facts: &compared.judged.facts,
                    rows: &rows,
                    force,
                    halt: &tokio_util::sync::CancellationToken::new(),
                };
                let Batched { healed, ended } =
                    batch::carry_out(runtime, loaded, memory, run, &work, batch).await?;
                drop(writing);
                if heals {
                    tell::healed(runtime, loaded, compared, &healed).await;
                }
                if let Some(who) = ended {
                    return terminated(runtime, loaded, memory, run, &who).await;
                }
                rows = store::run::steps(runtime.store(), run.id).await?;
                stale = true;
            }
        }
    }
}

/// Whether the account that the target is written as exists; the error says in words what to do.
async fn account_is_there(compared: &Compared) -> Result<(), String> {
    let Some(account) = &compared.account else {
        return Ok(());
    };
    let applier = compared.handle.applier().ok_or_else(|| {
        let cluster = &compared.handle.name;
        format!("the cluster {cluster} does not answer, so nothing was written")
    })?;
    let there = applier.require_account(account).await;
    there.map_err(|error| error.to_string())
}

/// What one question to [`Progress`] rests on.
struct Known<'a> {
    compared: &'a Compared,
    plan: &'a Plan,
    fresh: Option<&'a Plan>,
    rows: &'a [StepOutcome],
    heals: bool,
    stale: bool,
    deadline: Micros,
}

fn next<'a>(runtime: &Runtime, memory: &mut TargetMemory, known: &Known<'a>) -> Next<'a> {
    let at = now();
    let progress = Progress {
        plan: known.plan,
        rows: known.rows,
        fresh: known.fresh,
        heals: known.heals,
        stale: known.stale,
        now: at,
        deadline: known.deadline,
    };
    let looks = Looks::new(
        runtime,
        known.compared,
        known.rows,
        std::mem::take(&mut memory.degraded),
        at,
    );
    let next = progress.next(&|step: &Step, made: Option<&str>| looks.at(step, made));
    let (degraded, again) = looks.into_memory();
    memory.degraded = degraded;
    memory.look_again = again;
    next
}

/// Seconds that a run may take from its first write on; waiting for a yes, held or for a window does not count.
fn within(runtime: &Runtime, loaded: &Loaded) -> u64 {
    match loaded.definition.sync_options.timeout_seconds {
        0 => runtime.settings().run_within.as_secs(),
        asked => u64::from(asked),
    }
}

async fn settle(
    runtime: &Runtime,
    run: &RunRow,
    rows: &mut [StepOutcome],
    outcomes: Vec<StepOutcome>,
) -> Result<(), StoreError> {
    let mut tx = runtime.store().begin().await?;
    store::run::put_steps(&mut tx, run.id, run.fence, &outcomes).await?;
    tx.commit().await?;
    for outcome in outcomes {
        if let Some(row) = rows.iter_mut().find(|row| row.index == outcome.index) {
            *row = outcome;
        }
    }
    Ok(())
}

async fn verifying(
    runtime: &Runtime,
    memory: &mut TargetMemory,
    run: &RunRow,
) -> Result<(), StoreError> {
    let mut tx = runtime.store().begin().await?;
    store::run::set_phase(
        &mut tx,
        run.id,
        run.fence,
        SyncPhase::Applying,
        SyncPhase::Verifying,
        "",
    )
    .await?;
    tx.commit().await?;
    memory.verifying = Some((run.id, now()));
    memory.waiting = None;
    Ok(())
}

async fn terminated(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    run: &RunRow,
    who: &str,
) -> Result<Advanced, StoreError> {
    let message = format!("ended by {who}; what was applied stays");
    ending::end(
        runtime,
        loaded,
        memory,
        run,
        SyncPhase::Terminated,
        &message,
    )
    .await?;
    Ok(Advanced::Changed)
}

/// Objects that are as declared already belong to the inventory just like those that are written now.
async fn confirm_unchanged(
    tx: &mut store::Tx,
    loaded: &Loaded,
    compared: &Compared,
    plan: &Plan,
) -> Result<(), StoreError> {
    for step in plan
        .steps
        .iter()
        .filter(|step| step.action == Action::Unchanged)
    {
        let (Some(uid), Some(manifest)) = (
            &step.uid,
            compared
                .desired
                .objects
                .iter()
                .find(|manifest| manifest.key == step.key),
        ) else {
            continue;
        };
        let known = loaded.inventory.iter().any(|row| {
            row.key == step.key
                && row.uid.as_ref() == Some(uid)
                && row.applied_hash.as_deref() == Some(manifest.hash.as_str())
        });
        if !known {
            store::inventory::confirm(
                tx,
                loaded.row.id,
                &step.key,
                uid,
                &step.api_version,
                &manifest.hash,
            )
            .await?;
        }
    }
    Ok(())
}
