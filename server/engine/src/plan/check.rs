//! Verifies a finished plan from its input alone, without the planner's code, so that a mistake there is caught here.
//! Where both need a rule (what is protected, what a digest is made of) it is written down twice, on purpose.

mod gate;
mod hooks;
mod methods;
mod removal;
mod selection;

use super::{LiveFact, PlanInput};
use crate::definition::Wish;
use lockstep_types::plan::{Action, Method, Plan, PlanPhase, Step};
use lockstep_types::resource::ResourceKey;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// A rule that a plan breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub rule: &'static str,
    pub message: String,
}

/// Everything that is wrong with the plan; empty for a sound one. A plan with violations must not be carried out.
pub fn check(plan: &Plan, input: &PlanInput<'_>) -> Vec<Violation> {
    let mut checker = Checker {
        plan,
        input,
        violations: Vec::new(),
    };
    checker.identity();
    checker.sequence();
    checker.applies();
    checker.methods();
    checker.hooks();
    checker.prunes();
    checker.removal();
    checker.selection();
    checker.gate();
    checker.violations
}

struct Checker<'c> {
    plan: &'c Plan,
    input: &'c PlanInput<'c>,
    violations: Vec<Violation>,
}

impl<'c> Checker<'c> {
    fn violate(&mut self, rule: &'static str, message: String) {
        self.violations.push(Violation { rule, message });
    }

    fn identity(&mut self) {
        if self.plan.target != self.input.target || self.plan.revision != self.input.revision {
            self.violate(
                "identity",
                "the plan is for another target or revision".to_owned(),
            );
        }
        if self.plan.digest != digest_again(self.plan) {
            self.violate("digest", "the digest does not match the steps".to_owned());
        }
    }

    fn sequence(&mut self) {
        let mut seen = BTreeSet::new();
        let mut pruning = false;
        let (mut last_phase, mut last_wave) = (PlanPhase::PreDelete, i32::MIN);
        for (position, step) in self.plan.steps.iter().enumerate() {
            if usize::try_from(step.index) != Ok(position) {
                self.violate(
                    "index",
                    format!(
                        "{} has index {} at position {position}",
                        step.key, step.index
                    ),
                );
            }
            // A hook may run in several phases, each time with its cleanups.
            let part = step
                .action
                .is_of_hook()
                .then(|| (step.phase, step.action.word()));
            if !seen.insert((&step.key, part))
                || (part.is_some() && seen.contains(&(&step.key, None)))
            {
                self.violate("once", format!("{} has two steps", step.key));
            }
            if step.phase < last_phase {
                self.violate(
                    "phases",
                    format!(
                        "{} of {} comes after {}",
                        step.key,
                        step.phase.word(),
                        last_phase.word()
                    ),
                );
            }
            if step.phase != last_phase {
                (last_phase, last_wave) = (step.phase, i32::MIN);
            }
            if step.wave < last_wave {
                self.violate(
                    "waves",
                    format!(
                        "{} of wave {} comes after wave {last_wave}",
                        step.key, step.wave
                    ),
                );
            }
            last_wave = step.wave;
            let of_sync = step.phase == PlanPhase::Sync;
            let destination = step.phase == PlanPhase::PreSync && self.is_destination(&step.key);
            let of_hook = step.action.is_of_hook() || step.hook.is_some();
            let made_first =
                destination && matches!(step.action, Action::Create | Action::Configure);
            if !(of_hook || of_sync || made_first) {
                self.violate(
                    "phases",
                    format!("{} is no hook and belongs to Sync", step.key),
                );
            }
            match step.action {
                Action::Prune => pruning = true,
                Action::Create | Action::Configure if pruning => {
                    self.violate(
                        "prune-last",
                        format!("{} is applied after a prune", step.key),
                    );
                }
                _ => {}
            }
        }
    }

    fn applies(&mut self) {
        let declared: BTreeMap<&ResourceKey, &str> = self
            .input
            .desired
            .iter()
            .rev()
            .map(|manifest| (&manifest.key, manifest.hash.as_str()))
            .collect();
        for step in &self.plan.steps {
            if !matches!(
                step.action,
                Action::Create | Action::Configure | Action::Unchanged
            ) {
                continue;
            }
            let created_namespace = self.is_destination(&step.key)
                && step.action == Action::Create
                && self.input.policy.create_namespace
                && self.input.namespace_exists == Some(false);
            let given = self.input.namespace_metadata.lacking;
            let given_namespace = self.is_destination(&step.key)
                && step.action == Action::Configure
                && self.input.policy.create_namespace
                && self.input.namespace_exists == Some(true)
                && given.is_some()
                && step.uid.as_deref() == given;
            match declared.get(&step.key) {
                Some(hash) if *hash == step.desired_hash => {}
                Some(_) => self.violate(
                    "desired",
                    format!("{} would be applied from another manifest", step.key),
                ),
                None if created_namespace || given_namespace => continue,
                None => self.violate("desired", format!("{} is not declared", step.key)),
            }
            match (self.input.live.get(&step.key), &step.action) {
                (Some(LiveFact::Absent), Action::Create) => {}
                (Some(LiveFact::Present(facts)), Action::Configure | Action::Unchanged) => {
                    if step.uid.as_deref() != Some(facts.uid.as_str()) {
                        self.violate(
                            "uid",
                            format!("{} is planned for another UID than the live one", step.key),
                        );
                    }
                    if step.action == Action::Configure
                        && self.claimed_by_others(&step.key, facts.tracking.as_deref())
                    {
                        self.violate("G6", format!("{} belongs to somebody else", step.key));
                    }
                    if step.action == Action::Configure && facts.untouched.is_some() {
                        self.violate("mark", format!("{} is to be left alone", step.key));
                    }
                }
                (None | Some(LiveFact::Unknown(_)), Action::Unchanged) => {}
                (None | Some(LiveFact::Unknown(_)), _) => {
                    self.violate(
                        "G11",
                        format!(
                            "{} would be written although its live state is unknown",
                            step.key
                        ),
                    );
                }
                _ => self.violate(
                    "action",
                    format!(
                        "{} is to {} against its live state",
                        step.key,
                        step.action.word()
                    ),
                ),
            }
        }
        for manifest in self.input.desired {
            let applied = |step: &Step| {
                step.key == manifest.key && step.action.writes() && !step.action.is_of_hook()
            };
            let counts = declared.get(&manifest.key) == Some(&manifest.hash.as_str());
            if counts && hooks::is_hook(&manifest.body) && self.plan.steps.iter().any(applied) {
                self.violate(
                    "hook",
                    format!(
                        "{} is a hook and would be applied as an object",
                        manifest.key
                    ),
                );
            }
            if !self.plan.steps.iter().any(|step| step.key == manifest.key) {
                self.violate(
                    "complete",
                    format!("{} is declared and has no step", manifest.key),
                );
            }
        }
    }

    fn prunes(&mut self) {
        let pruned: Vec<&Step> = self.pruned();
        if pruned.is_empty() {
            return;
        }
        if !self.input.policy.prune {
            self.violate(
                "policy",
                "objects would be deleted although pruning is off".to_owned(),
            );
        }
        let involved = self.input.desired.iter().map(|manifest| &manifest.key);
        let mut involved = involved.chain(self.input.inventory.iter().map(|entry| &entry.key));
        let unknown = involved
            .find(|key| matches!(self.input.live.get(key), None | Some(LiveFact::Unknown(_))));
        if let Some(key) = unknown {
            self.violate(
                "G11",
                format!("objects would be deleted although the live state of {key} is unknown"),
            );
        }
        for step in pruned {
            self.prune(step);
        }
    }

    fn prune(&mut self, step: &Step) {
        let key = &step.key;
        if self
            .input
            .desired
            .iter()
            .any(|manifest| manifest.key == *key)
        {
            self.violate("desired", format!("{key} is declared and would be deleted"));
        }
        if self.is_destination(key) && self.input.policy.create_namespace {
            self.violate("namespace", format!("{key} is the destination namespace"));
        }
        let Some(entry) = self.input.inventory.iter().find(|entry| entry.key == *key) else {
            self.violate("G5", format!("{key} is not in the inventory"));
            return;
        };
        let Some(LiveFact::Present(facts)) = self.input.live.get(key) else {
            self.violate("G11", format!("{key} is not known to exist"));
            return;
        };
        if entry.uid.is_none()
            || entry.uid.as_deref() != Some(facts.uid.as_str())
            || step.uid != entry.uid
        {
            self.violate(
                "G5",
                format!("{key} would be deleted without the recorded UID"),
            );
        }
        let own = format!(
            "{}/{}:{key}",
            self.input.installation, self.input.target_key
        );
        if facts.tracking.as_deref() != Some(own.as_str()) {
            self.violate("G5", format!("{key} does not carry our tracking id"));
        }
        if facts.hook {
            self.violate("hook", format!("{key} is a hook and would be deleted"));
        }
        if !self.input.policy.removal && methods::wish(self.input, &facts.prune) == Wish::Never {
            self.violate("wish", format!("{key} is never to be deleted"));
        }
    }

    fn pruned(&self) -> Vec<&'c Step> {
        let plan: &'c Plan = self.plan;
        plan.steps
            .iter()
            .filter(|step| step.action == Action::Prune)
            .collect()
    }

    fn is_destination(&self, key: &ResourceKey) -> bool {
        key.to_string() == format!("/Namespace:/{}", self.input.destination_namespace)
    }

    fn claimed_by_others(&self, key: &ResourceKey, tracking: Option<&str>) -> bool {
        let own = format!(
            "{}/{}:{key}",
            self.input.installation, self.input.target_key
        );
        tracking.is_some_and(|tracking| tracking != own)
    }
}

fn digest_again(plan: &Plan) -> String {
    let mut parts = vec![
        plan.target.to_string(),
        plan.revision.0.clone(),
        plan.steps.len().to_string(),
    ];
    for step in &plan.steps {
        parts.push(step.phase.word().to_owned());
        parts.push(step.key.to_string());
        let how = if step.method == Method::Apply {
            String::new()
        } else {
            format!(": {}", step.method.word())
        };
        parts.push(format!("{}{how}", step.action.word()));
        parts.push(step.uid.clone().unwrap_or_default());
        parts.push(step.desired_hash.clone());
        parts.push(step.changes.len().to_string());
        parts.extend(step.changes.iter().map(|change| change.path.clone()));
    }
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
