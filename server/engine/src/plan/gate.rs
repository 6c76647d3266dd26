//! The prune gate: which deletes of a plan need a person. It looks at the finished steps only.

use super::{LiveFact, PlanInput, hook};
use crate::manifest::Manifest;
use lockstep_types::plan::{Action, GateFinding, Step};
use lockstep_types::resource::ResourceKey;

/// Deletes up to this many pass without asking, however small the inventory is.
const SMALL: usize = 3;
/// Otherwise one in so many of the inventory.
const SHARE: usize = 5;

/// All findings, in the order of their rules. Each rule is a function of its own below.
pub(super) fn findings(
    input: &PlanInput<'_>,
    steps: &[Step],
    confirm: &[ResourceKey],
    strange: &[ResourceKey],
) -> Vec<GateFinding> {
    let pruned: Vec<&ResourceKey> = steps
        .iter()
        .filter(|step| step.action == Action::Prune)
        .map(|step| &step.key)
        .collect();
    let findings = [
        g10_removal(input, steps, &pruned),
        g2_empty(input, &pruned),
        g4_many(input, &pruned),
        g4_last_workload(input, &pruned),
        g4_protected(input, &pruned),
        confirmed(input, confirm),
        g5_hooks(strange),
        g4_hooks(input, steps),
        g4_remaking(input, steps),
        g5_remaking(input, steps),
    ];
    findings.into_iter().flatten().collect()
}

fn finding(rule: &str, message: String, objects: Vec<ResourceKey>) -> Option<GateFinding> {
    Some(GateFinding {
        rule: rule.to_owned(),
        message,
        objects,
    })
}

fn owned(keys: &[&ResourceKey]) -> Vec<ResourceKey> {
    keys.iter().map(|key| (*key).clone()).collect()
}

/// What an application left goes with a yes only, be it a single object.
fn g10_removal(
    input: &PlanInput<'_>,
    steps: &[Step],
    pruned: &[&ResourceKey],
) -> Option<GateFinding> {
    if !input.policy.removal || !steps.iter().any(|step| step.action.writes()) {
        return None;
    }
    let what = match pruned.len() {
        1 => "the object".to_owned(),
        many => format!("the {many} objects"),
    };
    finding(
        "G10",
        format!("the application left Git, and {what} that it deployed would be deleted"),
        owned(pruned),
    )
}

/// Git declares nothing that stays. A hook does not: its object comes and goes.
fn g2_empty(input: &PlanInput<'_>, pruned: &[&ResourceKey]) -> Option<GateFinding> {
    let policy = &input.policy;
    if policy.removal || policy.allow_empty || pruned.is_empty() || staying(input).next().is_some()
    {
        return None;
    }
    let what = if input.desired.is_empty() {
        "nothing"
    } else {
        "nothing but hooks"
    };
    finding(
        "G2",
        format!(
            "Git renders {what}, while {} objects are deployed: all of them would go",
            pruned.len()
        ),
        owned(pruned),
    )
}

/// Many at once.
fn g4_many(input: &PlanInput<'_>, pruned: &[&ResourceKey]) -> Option<GateFinding> {
    let inventory = inventory_size(input);
    let allowed = SMALL.max(inventory / SHARE);
    if input.policy.removal || pruned.len() <= allowed {
        return None;
    }
    finding(
        "G4",
        format!(
            "{} of {inventory} objects would be deleted; up to {allowed} go without asking",
            pruned.len()
        ),
        owned(pruned),
    )
}

/// Nothing that runs pods would be left. The Job of a hook is none of that.
fn g4_last_workload(input: &PlanInput<'_>, pruned: &[&ResourceKey]) -> Option<GateFinding> {
    let workloads: Vec<ResourceKey> = pruned
        .iter()
        .filter(|key| is_workload(key))
        .map(|key| (*key).clone())
        .collect();
    let left = staying(input).any(|manifest| is_workload(&manifest.key));
    if input.policy.removal || workloads.is_empty() || left {
        return None;
    }
    finding(
        "G4",
        "the last workload would be deleted".to_owned(),
        workloads,
    )
}

/// What holds data, or what other objects live by.
fn g4_protected(input: &PlanInput<'_>, pruned: &[&ResourceKey]) -> Option<GateFinding> {
    let protected: Vec<ResourceKey> = pruned
        .iter()
        .filter(|key| is_protected(key))
        .map(|key| (*key).clone())
        .collect();
    if protected.is_empty() {
        return None;
    }
    finding(
        "G4",
        format!(
            "deleting these takes more along than themselves: {}",
            with_cascades(input, &protected)
        ),
        protected,
    )
}

/// What asks for a yes by its own word or its definition's.
fn confirmed(input: &PlanInput<'_>, confirm: &[ResourceKey]) -> Option<GateFinding> {
    if confirm.is_empty() {
        return None;
    }
    let rule = if input.policy.removal {
        "Delete=confirm"
    } else {
        "Prune=confirm"
    };
    finding(
        rule,
        format!(
            "deleting these asks for a yes, as they or their definition say: {}",
            names(confirm)
        ),
        confirm.to_vec(),
    )
}

/// Hooks that would be made anew over something that is not surely what an earlier run left.
fn g5_hooks(strange: &[ResourceKey]) -> Option<GateFinding> {
    if strange.is_empty() {
        return None;
    }
    finding(
        "G5",
        format!(
            "these were not made by an earlier run of a hook of ours and would be deleted so that the hook can run: {}",
            names(strange)
        ),
        strange.to_vec(),
    )
}

/// Hooks whose delete takes more along than themselves.
fn g4_hooks(input: &PlanInput<'_>, steps: &[Step]) -> Option<GateFinding> {
    let mut protected: Vec<ResourceKey> = steps
        .iter()
        .filter(|step| matches!(step.action, Action::HookCleanup(_)) && is_protected(&step.key))
        .map(|step| step.key.clone())
        .collect();
    protected.sort();
    protected.dedup();
    if protected.is_empty() {
        return None;
    }
    finding(
        "G4",
        format!(
            "these are hooks, and deleting them takes more along than themselves: {}",
            with_cascades(input, &protected)
        ),
        protected,
    )
}

/// Objects that may be deleted and made anew although that takes more along than themselves.
fn g4_remaking(input: &PlanInput<'_>, steps: &[Step]) -> Option<GateFinding> {
    let objects: Vec<ResourceKey> = steps
        .iter()
        .filter(|step| step.method.may_delete() && is_protected(&step.key))
        .map(|step| step.key.clone())
        .collect();
    if objects.is_empty() {
        return None;
    }
    finding(
        "G4",
        format!(
            "these may be deleted and made anew, as Force=true has it, and deleting them takes more along than themselves: {}",
            with_cascades(input, &objects)
        ),
        objects,
    )
}

/// Objects that no sync of ours has made and that may be deleted and made anew.
fn g5_remaking(input: &PlanInput<'_>, steps: &[Step]) -> Option<GateFinding> {
    let untracked = |key: &ResourceKey| !matches!(input.live.get(key), Some(LiveFact::Present(facts)) if facts.tracking.is_some());
    let objects: Vec<ResourceKey> = steps
        .iter()
        .filter(|step| step.method.may_delete() && untracked(&step.key))
        .map(|step| step.key.clone())
        .collect();
    if objects.is_empty() {
        return None;
    }
    finding(
        "G5",
        format!(
            "these were not made by a sync of ours and may be deleted and made anew, as Force=true has it: {}",
            names(&objects)
        ),
        objects,
    )
}

/// What Git declares to be there after a sync: everything but hooks.
fn staying<'i>(input: &PlanInput<'i>) -> impl Iterator<Item = &'i Manifest> + use<'i> {
    input
        .desired
        .iter()
        .filter(|manifest| hook::hook(&manifest.body).is_none())
}

fn names(keys: &[ResourceKey]) -> String {
    let names: Vec<String> = keys.iter().map(ResourceKey::short).collect();
    names.join(", ")
}

fn with_cascades(input: &PlanInput<'_>, keys: &[ResourceKey]) -> String {
    let names: Vec<String> = keys.iter().map(|key| with_cascade(input, key)).collect();
    names.join(", ")
}

fn inventory_size(input: &PlanInput<'_>) -> usize {
    let keys: std::collections::BTreeSet<&ResourceKey> =
        input.inventory.iter().map(|entry| &entry.key).collect();
    keys.len()
}

fn with_cascade(input: &PlanInput<'_>, key: &ResourceKey) -> String {
    match (input.cascade.get(key), key.kind.as_str()) {
        (Some(count), "Namespace") => format!("{} (with {count} objects in it)", key.short()),
        (Some(count), "CustomResourceDefinition") => {
            format!("{} (with {count} custom resources)", key.short())
        }
        (Some(count), _) => format!("{} (with {count} more objects)", key.short()),
        (None, _) => key.short(),
    }
}

/// Runs pods.
fn is_workload(key: &ResourceKey) -> bool {
    match key.group.as_str() {
        "apps" => matches!(
            key.kind.as_str(),
            "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet"
        ),
        "batch" => matches!(key.kind.as_str(), "Job" | "CronJob"),
        "" => matches!(key.kind.as_str(), "Pod" | "ReplicationController"),
        "argoproj.io" => key.kind == "Rollout",
        _ => false,
    }
}

/// Holds data, or what other objects live by.
fn is_protected(key: &ResourceKey) -> bool {
    match key.group.as_str() {
        "" => matches!(
            key.kind.as_str(),
            "Namespace" | "PersistentVolume" | "PersistentVolumeClaim"
        ),
        "apps" => key.kind == "StatefulSet",
        "apiextensions.k8s.io" => key.kind == "CustomResourceDefinition",
        "apiregistration.k8s.io" => key.kind == "APIService",
        "admissionregistration.k8s.io" => key.kind.ends_with("WebhookConfiguration"),
        _ => false,
    }
}
