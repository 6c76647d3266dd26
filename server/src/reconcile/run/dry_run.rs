//! A dry run: every step of a plan is put to the cluster with `dryRun=All`, and its verdict is what became of the step.
//!
//! Nothing is written, to the cluster or to the inventory, and the run never leaves Planning before it is over: one that
//! is cut off has done nothing. Hooks are left out, and what rests on an object that only the real sync makes cannot be
//! asked about and says so.

use super::step::{Refusal, Work};
use super::write::unchangeable;
use super::{batch, ending, execute, outcome};
use crate::reconcile::desired;
use crate::reconcile::target::{Compared, Loaded, TargetMemory, judge};
use crate::runtime::{Runtime, now};
use crate::store::run::RunRow;
use crate::store::{self, StoreError};
use engine::apply::{ApplyError, Propagation};
use engine::diff;
use engine::live::{Lookup, Resolve};
use futures::StreamExt;
use futures::future::BoxFuture;
use lockstep_types::plan::{Action, Method, Plan, Step};
use lockstep_types::sync::{StepOutcome, StepStatus, SyncPhase};
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

/// Questions in flight; the cluster's own window narrows it further.
const AT_ONCE: usize = 16;

/// What the cluster says it would do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Created,
    Configured,
    Replaced,
    MadeAnew,
    Deleted,
    Unchanged,
    Refused(String),
    /// It cannot be asked, and why.
    NotAsked(String),
}

impl Verdict {
    /// For the end of the run: `2 created`.
    fn word(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Replaced => "replaced",
            Self::MadeAnew => "deleted and made anew",
            Self::Deleted => "deleted",
            Self::Unchanged => "unchanged",
            Self::Refused(_) => "refused",
            Self::NotAsked(_) => "not asked about",
        }
    }

    fn outcome(self) -> (StepStatus, String) {
        match self {
            Self::Refused(why) => (StepStatus::Failed, format!("refused: {why}")),
            Self::NotAsked(why) => (StepStatus::Skipped, why),
            Self::Unchanged => (StepStatus::Done, "unchanged".to_owned()),
            would => (StepStatus::Done, format!("would be {}", would.word())),
        }
    }
}

/// Asks about every step and ends the run with the answers.
pub(super) async fn carry_out(
    runtime: &Runtime,
    loaded: &Loaded,
    memory: &mut TargetMemory,
    compared: &Compared,
    run: &RunRow,
    plan: &Plan,
) -> Result<(), StoreError> {
    let steps: Vec<&Step> = plan.steps.iter().collect();
    if let Some(why) = execute::refused(runtime, loaded, compared, plan) {
        return outcome::finish(runtime, loaded, memory, run, SyncPhase::Failed, &why).await;
    }
    if let Some(why) = execute::not_permitted(runtime, loaded, compared, &steps).await? {
        return outcome::finish(runtime, loaded, memory, run, SyncPhase::Failed, &why).await;
    }
    let subject = compared.subject(runtime, loaded);
    let never = CancellationToken::new();
    let work = Work {
        runtime,
        handle: &compared.handle,
        subject: &subject,
        hpa_targets: &compared.judged.hpa_targets,
        facts: &compared.judged.facts,
        rows: &[],
        // What a real one would take is not refused here.
        force: execute::takes_fields(loaded, memory),
        halt: &never,
    };
    let work = &work;
    let asked: Vec<BoxFuture<'_, (&Step, Verdict)>> = steps
        .into_iter()
        .filter(|step| !matches!(step.action, Action::Skip(_)) && !step.action.is_of_hook())
        .map(|step| -> BoxFuture<'_, (&Step, Verdict)> {
            Box::pin(async move { (step, verdict(work, compared, plan, step).await) })
        })
        .collect();
    let answers = futures::stream::iter(asked).buffered(AT_ONCE).collect();
    let answers: Vec<(&Step, Verdict)> =
        match batch::unless_terminated(runtime, loaded, answers).await? {
            Ok(answers) => answers,
            Err(who) => {
                let message = format!("ended by {who}; nothing was written");
                let phase = SyncPhase::Terminated;
                return ending::end(runtime, loaded, memory, run, phase, &message).await;
            }
        };
    if runtime.draining().is_cancelled() {
        // It is found in Planning after the start, and closed as one that has written nothing.
        return Ok(());
    }
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut refused = None;
    let mut outcomes: Vec<StepOutcome> = Vec::with_capacity(answers.len());
    let at = now();
    for (step, verdict) in answers {
        *counts.entry(verdict.word()).or_default() += 1;
        let (status, message) = verdict.outcome();
        if status == StepStatus::Failed && refused.is_none() {
            refused = Some(format!("{} is {message}", step.key.short()));
        }
        outcomes.push(outcome::of(step, status, &message, Some(at), Some(at)));
    }
    let mut tx = runtime.store().begin().await?;
    store::run::put_steps(&mut tx, run.id, run.fence, &outcomes).await?;
    tx.commit().await?;
    let phase = match refused {
        Some(_) => SyncPhase::Failed,
        None => SyncPhase::Succeeded,
    };
    let message = summary(&counts, refused.as_deref(), plan);
    outcome::finish(runtime, loaded, memory, run, phase, &message).await
}

/// The verdicts in one sentence, with what a real sync would wait for.
fn summary(counts: &BTreeMap<&'static str, usize>, refused: Option<&str>, plan: &Plan) -> String {
    let all: Vec<String> = counts
        .iter()
        .map(|(word, count)| format!("{count} {word}"))
        .collect();
    let mut text = match all.as_slice() {
        [] => "dry run, nothing was written; there was nothing to ask about".to_owned(),
        all => format!("dry run, nothing was written: {}", all.join(", ")),
    };
    if let Some(refused) = refused {
        text.push_str(&format!("; {refused}"));
    }
    if !plan.gate.is_empty() {
        let asks: Vec<&str> = plan
            .gate
            .iter()
            .map(|finding| finding.message.as_str())
            .collect();
        text.push_str(&format!(
            "; a real sync would ask for an approval: {}",
            asks.join("; ")
        ));
    }
    text
}

async fn verdict(work: &Work<'_>, compared: &Compared, plan: &Plan, step: &Step) -> Verdict {
    if work.runtime.draining().is_cancelled() {
        return Verdict::NotAsked("not asked about: the server is stopping".to_owned());
    }
    if let Some(why) = rests_on(compared, plan, step) {
        return Verdict::NotAsked(why);
    }
    let answer = match step.action {
        Action::Prune => work.ask_to_prune(step).await,
        _ => work.ask_to_apply(step).await,
    };
    answer.unwrap_or_else(|refusal| {
        Verdict::Refused(match refusal {
            Refusal::Final(why) | Refusal::Passing(why) => why,
            Refusal::Halted => "the server is stopping".to_owned(),
        })
    })
}

/// What the same sync would make first, so that the cluster cannot judge this step before.
fn rests_on(compared: &Compared, plan: &Plan, step: &Step) -> Option<String> {
    let key = &step.key;
    let served = compared.handle.live.resolve(&step.api_version, &key.kind);
    let defined = desired::rendered_scopes(&compared.render);
    if served.is_none() && defined.contains_key(&(key.group.clone(), key.kind.clone())) {
        return Some(format!(
            "not asked about: {} is served once this sync has defined it",
            key.kind
        ));
    }
    let made = |other: &&Step| {
        other.action == Action::Create
            && other.key.group.is_empty()
            && other.key.kind == "Namespace"
            && other.key.name == key.namespace
    };
    plan.steps.iter().find(made).map(|_| {
        format!(
            "not asked about: its namespace {} is made by this sync",
            key.namespace
        )
    })
}

impl Work<'_> {
    async fn ask_to_prune(&self, step: &Step) -> Result<Verdict, Refusal> {
        let uid = step
            .uid
            .clone()
            .ok_or_else(|| Refusal::Final("the plan names no UID to delete".to_owned()))?;
        let deletion = self.deletion(step, uid, true, Propagation::Background);
        self.applier()?.dry_delete(&deletion).await?;
        Ok(Verdict::Deleted)
    }

    async fn ask_to_apply(&self, step: &Step) -> Result<Verdict, Refusal> {
        let prepared = self.prepare(step)?;
        let (sent, options) = (&prepared.sent, &prepared.options);
        let applier = self.applier()?;
        match step.method {
            Method::Recreate => return self.ask_to_make_anew(step).await,
            Method::Replace => {
                applier.dry_replace(sent, options).await?;
                return Ok(Verdict::Replaced);
            }
            Method::Apply | Method::ApplyOrRecreate => {}
        }
        let predicted = match applier.dry_run(sent, options).await {
            Ok(predicted) => predicted,
            Err(ApplyError::Immutable { .. }) if step.method == Method::ApplyOrRecreate => {
                return self.ask_to_make_anew(step).await;
            }
            Err(error @ ApplyError::Immutable { .. }) => {
                return Err(Refusal::Final(unchangeable(step, &error)));
            }
            Err(error) => return Err(error.into()),
        };
        let Lookup::Present(live) = self.handle.live.get(&step.key) else {
            return Ok(Verdict::Created);
        };
        let manifest = &prepared.manifest;
        let context = judge::context(self.subject, manifest, self.hpa_targets);
        let schema = self.handle.live.schema();
        let found = diff::compare_predicted(manifest, &live.body(), &predicted, &schema, &context);
        Ok(match found {
            Some(found) if found.counts() => Verdict::Configured,
            _ => Verdict::Unchanged,
        })
    }

    async fn ask_to_make_anew(&self, step: &Step) -> Result<Verdict, Refusal> {
        let uid = step.uid.clone().ok_or_else(|| {
            Refusal::Final(format!("{}: the plan names no UID", step.key.short()))
        })?;
        let deletion = self.to_make_anew(step, uid);
        self.applier()?.dry_delete(&deletion).await?;
        Ok(Verdict::MadeAnew)
    }
}
