//! The steps of hooks: delete what the last sync left, make the object, wait for its end, delete it if it asks for that.
//! Pure. An object goes only when it is ours by its tracking id; anything else is a question to a person.
//!
//! When hooks run, as Argo CD has it: with every sync of a new state and with every sync that a person asks for, also
//! when hooks are all there is to do. Putting drift back, deleting what an earlier sync of the same state left behind
//! a sync of chosen objects and a pin run none (Argo CD: a self-heal is a selective sync, a rollback applies only). Hooks never make an
//! application OutOfSync, so a commit that changes nothing but hooks starts no sync by itself. Hooks of `PreDelete` and
//! `PostDelete` run with a removal and with nothing else.

use super::{HookRuns, LiveFact, PlanInput, order, prune};
use crate::manifest::Manifest;
use crate::plan::hook::{Hook, hook};
use lockstep_types::plan::{Action, HookDeletion, PlanPhase, Step};
use lockstep_types::resource::ResourceKey;

/// Steps of hooks, unordered.
#[derive(Debug, Default)]
pub(super) struct HookSteps {
    pub steps: Vec<Step>,
    /// Objects that would be deleted although they are not surely the hook of an earlier sync of ours.
    pub strange: Vec<ResourceKey>,
}

/// Whether the hooks of this plan run, given that it writes something else.
pub(super) fn run(input: &PlanInput<'_>, writes: bool) -> bool {
    if input.selection.is_some() {
        return false;
    }
    match input.policy.hooks {
        HookRuns::Never => false,
        HookRuns::WithChanges => writes,
        HookRuns::Always => true,
    }
}

/// The hook that an object is, if a plan of this kind can run it: a sync, or a removal.
pub(super) fn of_this(input: &PlanInput<'_>, manifest: &Manifest) -> Option<Hook> {
    hook(&manifest.body).filter(|hook| !phases(input, hook).is_empty())
}

fn phases(input: &PlanInput<'_>, hook: &Hook) -> Vec<PlanPhase> {
    if input.policy.removal {
        hook.runs_in_removal()
    } else {
        hook.runs_in()
    }
}

/// Steps for all hooks of a sync.
pub(super) fn steps(input: &PlanInput<'_>, hooks: &[(&Manifest, Hook)]) -> HookSteps {
    let mut made = HookSteps::default();
    let last_failing_wave = hooks
        .iter()
        .filter(|(_, hook)| hook.runs_in().contains(&PlanPhase::SyncFail))
        .map(|(manifest, _)| order::wave(&manifest.body).0)
        .max()
        .unwrap_or(0);
    for (manifest, hook) in hooks {
        one(input, manifest, hook, last_failing_wave, &mut made);
    }
    made
}

fn one(
    input: &PlanInput<'_>,
    manifest: &Manifest,
    hook: &Hook,
    last_failing_wave: i32,
    made: &mut HookSteps,
) {
    let wave = order::wave(&manifest.body).0;
    let fact = input.live.get(&manifest.key);
    let facts = match fact {
        Some(LiveFact::Present(facts)) => Some(facts),
        _ => None,
    };
    let deletes = |deletion| hook.deletions.contains(&deletion);
    let step = |action: Action, phase: PlanPhase, wave: i32, why: String| Step {
        index: 0,
        key: manifest.key.clone(),
        api_version: manifest.api_version.clone(),
        desired_hash: match action {
            Action::HookCleanup(_) => String::new(),
            _ => manifest.hash.clone(),
        },
        action,
        phase,
        wave,
        hook: Some(hook.mark()),
        uid: None,
        method: Default::default(),
        prune_last: false,
        changes: Vec::new(),
        impact: None,
        why,
    };
    if let Some(why) = refused(input, manifest, fact) {
        let phase = phases(input, hook).first().copied().unwrap_or_default();
        made.steps
            .push(step(Action::Skip(why), phase, wave, String::new()));
        return;
    }
    let mut ran_before = false;
    for phase in phases(input, hook) {
        if deletes(HookDeletion::BeforeHookCreation) && (facts.is_some() || ran_before) {
            let why = "what an earlier run of the hook left goes first".to_owned();
            let mut cleanup = step(
                Action::HookCleanup(HookDeletion::BeforeHookCreation),
                phase,
                wave,
                why,
            );
            cleanup.uid = facts.map(|facts| facts.uid.clone());
            made.steps.push(cleanup);
        }
        let mut runs = step(
            Action::Hook,
            phase,
            wave,
            format!(
                "a {} hook runs with this {}",
                phase.word(),
                if input.policy.removal {
                    "removal"
                } else {
                    "sync"
                }
            ),
        );
        // A hook whose object stays is applied over it, as Argo CD does.
        if !deletes(HookDeletion::BeforeHookCreation) {
            runs.uid = facts.map(|facts| facts.uid.clone());
        }
        made.steps.push(runs);
        if deletes(HookDeletion::HookSucceeded) {
            made.steps.push(step(
                Action::HookCleanup(HookDeletion::HookSucceeded),
                phase,
                wave,
                "the hook's object goes once it has succeeded".to_owned(),
            ));
        }
        ran_before = true;
    }
    if deletes(HookDeletion::HookFailed) {
        // Last of all: the hooks of a failed sync may want to look at it.
        made.steps.push(step(
            Action::HookCleanup(HookDeletion::HookFailed),
            PlanPhase::SyncFail,
            last_failing_wave,
            "the hook's object goes if it fails".to_owned(),
        ));
    }
    let ours = |facts: &super::PresentFacts| facts.tracking.is_some() && facts.hook;
    if deletes(HookDeletion::BeforeHookCreation) && facts.is_some_and(|facts| !ours(facts)) {
        made.strange.push(manifest.key.clone());
    }
}

/// Why a hook cannot run; a sync that would need it is not begun then.
fn refused(input: &PlanInput<'_>, manifest: &Manifest, fact: Option<&LiveFact>) -> Option<String> {
    match fact {
        None => Some("it is a hook, and its live state is not known".to_owned()),
        Some(LiveFact::Unknown(why)) => Some(format!(
            "it is a hook, and its live state is not known ({why})"
        )),
        Some(LiveFact::Absent) => None,
        Some(LiveFact::Present(facts)) => {
            prune::foreign_claim(input, &manifest.key, facts.tracking.as_deref())
                .map(|claim| format!("it is a hook, and an object of its name is there: {claim}"))
        }
    }
}
