//! Verifies the prune gate: whatever may not go without a person's yes is held, each object under the rule that holds
//! it, and nothing is held that needs no yes. Works out both anew, on purpose.

use super::{Checker, digest_again, hooks, methods};
use crate::definition::Wish;
use crate::plan::{LiveFact, PlanInput, PresentFacts, PruneWish};
use lockstep_types::plan::{Action, HookDeletion, Step};
use lockstep_types::resource::ResourceKey;
use std::collections::BTreeSet;

/// An object with the rule that asks for a yes before it is deleted.
type Held<'k> = BTreeSet<(&'k str, &'k ResourceKey)>;

impl Checker<'_> {
    pub(super) fn gate(&mut self) {
        if self.input.approved_digest == Some(digest_again(self.plan).as_str()) {
            return;
        }
        let mut held = Held::new();
        for finding in &self.plan.gate {
            held.extend(
                finding
                    .objects
                    .iter()
                    .map(|key| (finding.rule.as_str(), key)),
            );
        }
        let needed = needed(self.input, &self.plan.steps);
        for (rule, key) in needed.difference(&held) {
            self.violate(
                "gate",
                format!("{key} would be deleted without the yes that {rule} asks for"),
            );
        }
        for (rule, key) in held.difference(&needed) {
            self.violate(
                "gate",
                format!("a yes is asked for {key} by {rule}, which does not hold it"),
            );
        }
    }
}

/// Everything that has to be held, step by step and then by what the steps come to together.
fn needed<'p>(input: &'p PlanInput<'_>, steps: &'p [Step]) -> Held<'p> {
    let mut needed = Held::new();
    let removal = input.policy.removal;
    for step in steps {
        let key = &step.key;
        let facts = match input.live.get(key) {
            Some(LiveFact::Present(facts)) => Some(facts),
            _ => None,
        };
        let remade = step.method.may_delete();
        let goes = match &step.action {
            Action::Prune => {
                if removal {
                    needed.insert(("G10", key));
                }
                if facts.is_some_and(|facts| wants_a_yes(input, facts)) {
                    let word = if removal {
                        "Delete=confirm"
                    } else {
                        "Prune=confirm"
                    };
                    needed.insert((word, key));
                }
                true
            }
            Action::HookCleanup(deletion) => {
                let of_a_run = |facts: &PresentFacts| facts.hook && facts.tracking.is_some();
                if *deletion == HookDeletion::BeforeHookCreation
                    && facts.is_some_and(|facts| !of_a_run(facts))
                {
                    needed.insert(("G5", key));
                }
                true
            }
            _ => remade,
        };
        if remade && facts.is_none_or(|facts| facts.tracking.is_none()) {
            needed.insert(("G5", key));
        }
        if goes && is_dear(key) {
            needed.insert(("G4", key));
        }
    }
    if !removal {
        together(input, steps, &mut needed);
    }
    needed
}

/// What holds the deletes of a sync for all of them at once.
fn together<'p>(input: &'p PlanInput<'_>, steps: &'p [Step], needed: &mut Held<'p>) {
    let pruned = steps.iter().filter(|step| step.action == Action::Prune);
    let pruned: Vec<&ResourceKey> = pruned.map(|step| &step.key).collect();
    let deployed: BTreeSet<&ResourceKey> = input.inventory.iter().map(|entry| &entry.key).collect();
    // The object of a hook comes and goes: it is nothing that an application is left with.
    let lasting = input
        .desired
        .iter()
        .filter(|manifest| !hooks::is_hook(&manifest.body));
    let lasting: Vec<&ResourceKey> = lasting.map(|manifest| &manifest.key).collect();
    if pruned.len() > 3 && pruned.len() * 5 > deployed.len() {
        needed.extend(pruned.iter().map(|key| ("G4", *key)));
    }
    if lasting.is_empty() && !input.policy.allow_empty {
        needed.extend(pruned.iter().map(|key| ("G2", *key)));
    }
    if !lasting.iter().any(|key| runs_pods(key)) {
        let workloads = pruned.iter().filter(|key| runs_pods(key));
        needed.extend(workloads.map(|key| ("G4", *key)));
    }
}

/// Its own word about this kind of plan counts, then its definition's.
fn wants_a_yes(input: &PlanInput<'_>, facts: &PresentFacts) -> bool {
    if !input.policy.removal {
        return methods::wish(input, &facts.prune) == Wish::Confirm;
    }
    match &facts.delete {
        PruneWish::Unsaid => input.policy.delete_wish == Wish::Confirm,
        own => *own == PruneWish::Confirm,
    }
}

/// Deleting it takes data or other objects along.
fn is_dear(key: &ResourceKey) -> bool {
    const DEAR: [&str; 8] = [
        "/Namespace",
        "/PersistentVolume",
        "/PersistentVolumeClaim",
        "apps/StatefulSet",
        "apiextensions.k8s.io/CustomResourceDefinition",
        "apiregistration.k8s.io/APIService",
        "admissionregistration.k8s.io/MutatingWebhookConfiguration",
        "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
    ];
    DEAR.contains(&format!("{}/{}", key.group, key.kind).as_str())
}

fn runs_pods(key: &ResourceKey) -> bool {
    const WORKLOADS: [&str; 9] = [
        "apps/Deployment",
        "apps/StatefulSet",
        "apps/DaemonSet",
        "apps/ReplicaSet",
        "batch/Job",
        "batch/CronJob",
        "/Pod",
        "/ReplicationController",
        "argoproj.io/Rollout",
    ];
    WORKLOADS.contains(&format!("{}/{}", key.group, key.kind).as_str())
}
