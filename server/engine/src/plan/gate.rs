//! The prune gate: which deletes of a plan need a person. It looks at the finished steps only.

use super::{LiveFact, PlanInput};
use lockstep_types::plan::{Action, GateFinding, Step};
use lockstep_types::resource::ResourceKey;

/// Deletes up to this many pass without asking, however small the inventory is.
const SMALL: usize = 3;
/// Otherwise one in so many of the inventory.
const SHARE: usize = 5;

/// All findings, in the order of their rules.
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
    let mut hooks = of_hooks(steps, strange);
    hooks.extend(of_remaking(input, steps));
    hooks.extend(of_adopting(input, steps));
    if pruned.is_empty() && !input.policy.removal {
        return hooks;
    }
    let all = || pruned.iter().map(|key| (*key).clone()).collect::<Vec<_>>();
    let mut findings = Vec::new();
    let mut find = |rule: &str, message: String, objects: Vec<ResourceKey>| {
        findings.push(GateFinding {
            rule: rule.to_owned(),
            message,
            objects,
        });
    };
    let removal = input.policy.removal;
    if removal && steps.iter().any(|step| step.action.writes()) {
        find(
            "G10",
            format!(
                "the application left Git, and {} that it deployed would be deleted",
                match pruned.len() {
                    1 => "the object".to_owned(),
                    many => format!("the {many} objects"),
                }
            ),
            all(),
        );
    }
    if !removal && input.desired.is_empty() && !input.policy.allow_empty {
        find(
            "G2",
            format!(
                "Git renders nothing, while {} objects are deployed: all of them would go",
                pruned.len()
            ),
            all(),
        );
    }
    let inventory = inventory_size(input);
    let allowed = SMALL.max(inventory / SHARE);
    if !removal && pruned.len() > allowed {
        find(
            "G4",
            format!(
                "{} of {inventory} objects would be deleted; up to {allowed} go without asking",
                pruned.len()
            ),
            all(),
        );
    }
    let workloads: Vec<ResourceKey> = pruned
        .iter()
        .filter(|key| is_workload(key))
        .map(|key| (*key).clone())
        .collect();
    if !removal
        && !workloads.is_empty()
        && !input
            .desired
            .iter()
            .any(|manifest| is_workload(&manifest.key))
    {
        find(
            "G4",
            "the last workload would be deleted".to_owned(),
            workloads,
        );
    }
    let protected: Vec<ResourceKey> = pruned
        .iter()
        .filter(|key| is_protected(key))
        .map(|key| (*key).clone())
        .collect();
    if !protected.is_empty() {
        let names: Vec<String> = protected
            .iter()
            .map(|key| with_cascade(input, key))
            .collect();
        find(
            "G4",
            format!(
                "deleting these takes more along than themselves: {}",
                names.join(", ")
            ),
            protected,
        );
    }
    if !confirm.is_empty() {
        let names: Vec<String> = confirm.iter().map(ResourceKey::short).collect();
        find(
            if removal {
                "Delete=confirm"
            } else {
                "Prune=confirm"
            },
            format!(
                "deleting these asks for a yes, as they or their definition say: {}",
                names.join(", ")
            ),
            confirm.to_vec(),
        );
    }
    findings.append(&mut hooks);
    findings
}

/// Deletes of hooks that are not surely what they look like, or that take more along than themselves.
fn of_hooks(steps: &[Step], strange: &[ResourceKey]) -> Vec<GateFinding> {
    let mut findings = Vec::new();
    let names = |keys: &[ResourceKey]| {
        keys.iter()
            .map(ResourceKey::short)
            .collect::<Vec<_>>()
            .join(", ")
    };
    if !strange.is_empty() {
        findings.push(GateFinding {
            rule: "G5".to_owned(),
            message: format!(
                "these were not made by an earlier run of a hook of ours and would be deleted so that the hook can run: {}",
                names(strange)
            ),
            objects: strange.to_vec(),
        });
    }
    let mut protected: Vec<ResourceKey> = steps
        .iter()
        .filter(|step| matches!(step.action, Action::HookCleanup(_)) && is_protected(&step.key))
        .map(|step| step.key.clone())
        .collect();
    protected.dedup();
    if !protected.is_empty() {
        findings.push(GateFinding {
            rule: "G4".to_owned(),
            message: format!(
                "these are hooks, and deleting them takes more along than themselves: {}",
                names(&protected)
            ),
            objects: protected,
        });
    }
    findings
}

/// Objects that may be deleted and made anew although that takes more along than themselves.
fn of_remaking(input: &PlanInput<'_>, steps: &[Step]) -> Option<GateFinding> {
    let objects: Vec<ResourceKey> = steps
        .iter()
        .filter(|step| step.method.may_delete() && is_protected(&step.key))
        .map(|step| step.key.clone())
        .collect();
    let names: Vec<String> = objects.iter().map(|key| with_cascade(input, key)).collect();
    (!objects.is_empty()).then(|| GateFinding {
        rule: "G4".to_owned(),
        message: format!(
            "these may be deleted and made anew, as Force=true has it, and deleting them takes more along than themselves: {}",
            names.join(", ")
        ),
        objects,
    })
}

/// Objects that no sync of ours has made and that may be deleted and made anew.
fn of_adopting(input: &PlanInput<'_>, steps: &[Step]) -> Option<GateFinding> {
    let untracked = |key: &ResourceKey| !matches!(input.live.get(key), Some(LiveFact::Present(facts)) if facts.tracking.is_some());
    let objects: Vec<ResourceKey> = steps
        .iter()
        .filter(|step| step.method.may_delete() && untracked(&step.key))
        .map(|step| step.key.clone())
        .collect();
    let names: Vec<String> = objects.iter().map(ResourceKey::short).collect();
    (!objects.is_empty()).then(|| GateFinding {
        rule: "G5".to_owned(),
        message: format!(
            "these were not made by a sync of ours and may be deleted and made anew, as Force=true has it: {}",
            names.join(", ")
        ),
        objects,
    })
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
