//! Verifies the steps of hooks: that they are declared so, run in their phase and no other, and that no object is deleted
//! in their name that is not theirs. Reads the annotations anew, on purpose.

use super::Checker;
use crate::plan::{HookRuns, LiveFact};
use lockstep_types::plan::{Action, HookDeletion, PlanPhase, Step};
use serde_json::Value;

/// What the annotations of a hook say, as far as plans go.
struct Said {
    phases: Vec<PlanPhase>,
    deletions: Vec<HookDeletion>,
}

/// It is a hook of Argo CD, or one of Helm that is more than a definition of a kind.
pub(super) fn is_hook(body: &Value) -> bool {
    text(body, "argocd.argoproj.io/hook").is_some()
        || text(body, "helm.sh/hook").is_some_and(|events| !list(events).eq(["crd-install"]))
}

impl<'c> Checker<'c> {
    pub(super) fn hooks(&mut self) {
        let plan = self.plan;
        let works = |step: &Step| step.action.writes() && !step.action.is_of_hook();
        let allowed = match self.input.policy.hooks {
            HookRuns::Never => false,
            HookRuns::WithChanges => plan
                .steps
                .iter()
                .any(|step| works(step) && !self.made_for_hooks(step)),
            HookRuns::Always => true,
        };
        for (position, step) in plan.steps.iter().enumerate() {
            if !step.action.is_of_hook() {
                continue;
            }
            if !allowed {
                self.violate(
                    "hook",
                    format!("{} runs in a sync that runs no hooks", step.key),
                );
            }
            let before = plan.steps.get(..position).unwrap_or_default();
            self.hook(step, before);
        }
    }

    /// The destination namespace alone is no change: it may be there for a hook.
    fn made_for_hooks(&self, step: &Step) -> bool {
        self.is_destination(&step.key)
            && !self
                .input
                .desired
                .iter()
                .any(|manifest| manifest.key == step.key)
    }

    fn hook(&mut self, step: &Step, before: &[Step]) {
        let key = &step.key;
        let Some(manifest) = self
            .input
            .desired
            .iter()
            .find(|manifest| manifest.key == *key)
        else {
            return self.violate("hook", format!("{key} is a hook and not declared"));
        };
        let Some(said) = said(&manifest.body) else {
            return self.violate("hook", format!("{key} is no hook"));
        };
        let own = self.input.live.get(key).map(|fact| match fact {
            LiveFact::Present(facts) => (
                Some(facts.uid.clone()),
                self.claimed_by_others(key, facts.tracking.as_deref()),
            ),
            LiveFact::Absent => (None, false),
            LiveFact::Unknown(_) => (None, true),
        });
        let Some((live, not_ours)) = own else {
            return self.violate(
                "G11",
                format!("the live state of the hook {key} is unknown"),
            );
        };
        if not_ours {
            self.violate(
                "G6",
                format!("the hook {key} would touch what belongs to somebody else"),
            );
        }
        let ran = |earlier: &Step| earlier.key == *key && earlier.action == Action::Hook;
        match &step.action {
            Action::Hook => {
                if !said.phases.contains(&step.phase) {
                    self.violate(
                        "phases",
                        format!("the hook {key} does not run in {}", step.phase.word()),
                    );
                }
                if step.desired_hash != manifest.hash {
                    self.violate(
                        "desired",
                        format!("{key} would be made from another manifest"),
                    );
                }
                let cleaned = before.iter().any(|earlier| {
                    earlier.key == *key
                        && earlier.phase == step.phase
                        && earlier.action == Action::HookCleanup(HookDeletion::BeforeHookCreation)
                });
                let renewed = said.deletions.contains(&HookDeletion::BeforeHookCreation);
                if renewed && !cleaned && (live.is_some() || before.iter().any(ran)) {
                    self.violate(
                        "cleanup",
                        format!("the hook {key} would be made over what an earlier run left"),
                    );
                }
                if !renewed && step.uid != live {
                    self.violate("uid", format!("{key} is planned for another UID"));
                }
            }
            Action::HookCleanup(deletion) => {
                if !said.deletions.contains(deletion) {
                    self.violate(
                        "cleanup",
                        format!("{key} does not ask for {}", deletion.word()),
                    );
                }
                if *deletion == HookDeletion::BeforeHookCreation {
                    if step.uid != live {
                        self.violate("G5", format!("{key} would be deleted under another UID"));
                    }
                } else if step.uid.is_some() || !before.iter().any(ran) {
                    self.violate(
                        "cleanup",
                        format!("{key} would be deleted before its hook has run"),
                    );
                }
            }
            _ => {}
        }
    }
}

fn said(body: &Value) -> Option<Said> {
    let generated = text(body, "lockstep.dev/generate-name").is_some();
    let of_argo = text(body, "argocd.argoproj.io/hook");
    let (phases, policies) = match of_argo {
        Some(words) if list(words).any(|word| word == "Skip") => (Vec::new(), None),
        Some(words) => (
            list(words).filter_map(PlanPhase::from_word).collect(),
            text(body, "argocd.argoproj.io/hook-delete-policy"),
        ),
        None => (
            list(text(body, "helm.sh/hook")?)
                .filter_map(|event| match event {
                    "pre-install" | "pre-upgrade" => Some(PlanPhase::PreSync),
                    "post-install" | "post-upgrade" => Some(PlanPhase::PostSync),
                    "pre-delete" => Some(PlanPhase::PreDelete),
                    "post-delete" => Some(PlanPhase::PostDelete),
                    _ => None,
                })
                .collect(),
            text(body, "helm.sh/hook-delete-policy"),
        ),
    };
    let mut deletions: Vec<HookDeletion> = list(policies.unwrap_or_default())
        .filter_map(|policy| match (policy, of_argo.is_some()) {
            ("BeforeHookCreation", true) | ("before-hook-creation", false) => {
                Some(HookDeletion::BeforeHookCreation)
            }
            ("HookSucceeded", true) | ("hook-succeeded", false) => {
                Some(HookDeletion::HookSucceeded)
            }
            ("HookFailed", true) | ("hook-failed", false) => Some(HookDeletion::HookFailed),
            _ => None,
        })
        .collect();
    if deletions.is_empty() || generated {
        deletions.push(HookDeletion::BeforeHookCreation);
    }
    Some(Said { phases, deletions })
}

fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

fn text<'v>(body: &'v Value, name: &str) -> Option<&'v str> {
    body.pointer("/metadata/annotations")?.get(name)?.as_str()
}
