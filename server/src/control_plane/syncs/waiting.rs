//! What a run waits for, in words. Pure.

use lockstep_types::plan::Plan;
use lockstep_types::sync::{RunSummary, StepOutcome, StepStatus, SyncPhase};

/// Empty when it waits for nothing.
pub(super) fn words(summary: &RunSummary, plan: Option<&Plan>, steps: &[StepOutcome]) -> String {
    match summary.phase {
        SyncPhase::Pending => "It waits for its turn on the cluster.".to_owned(),
        SyncPhase::AwaitingApproval => approval(summary, plan),
        SyncPhase::Applying => applying(summary, steps),
        SyncPhase::Verifying if summary.message.is_empty() => {
            "Everything is applied; it waits until all of it is ready.".to_owned()
        }
        SyncPhase::Verifying => summary.message.clone(),
        _ => String::new(),
    }
}

fn approval(summary: &RunSummary, plan: Option<&Plan>) -> String {
    let findings: Vec<&str> = plan
        .into_iter()
        .flat_map(|plan| &plan.gate)
        .map(|finding| finding.message.trim_end_matches('.'))
        .collect();
    match (findings.is_empty(), summary.message.is_empty()) {
        (false, _) => format!("It waits for a yes to this plan: {}.", findings.join("; ")),
        (true, false) => summary.message.clone(),
        (true, true) => "It waits for a yes to this plan.".to_owned(),
    }
}

fn applying(summary: &RunSummary, steps: &[StepOutcome]) -> String {
    // The run itself says which hook or wave it waits for.
    if !summary.message.is_empty() {
        return format!("{}.", summary.message.trim_end_matches('.'));
    }
    let running: Vec<String> = steps
        .iter()
        .filter(|step| step.status == StepStatus::Running)
        .map(|step| step.key.short())
        .collect();
    let last = steps.iter().map(|step| step.wave).max();
    let wave = steps
        .iter()
        .filter(|step| step.status == StepStatus::Running)
        .map(|step| step.wave)
        .min();
    match (running.as_slice(), wave, last) {
        ([], _, _) => String::new(),
        ([one], Some(wave), Some(last)) if wave < last => {
            format!("{one} in wave {wave} of {last} is not ready yet.")
        }
        ([one], _, _) => format!("{one} is not done yet."),
        ([first, ..], _, _) => format!(
            "{} objects are not done yet, {first} among them.",
            running.len()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control_plane::example;
    use lockstep_types::id::{OperationId, RunId};
    use lockstep_types::plan::{Action, GateFinding, PlanCounts, PlanPhase};
    use lockstep_types::resource::ResourceKey;
    use lockstep_types::sync::StartedBy;
    use lockstep_types::time::Micros;

    fn summary(phase: SyncPhase, message: &str) -> RunSummary {
        RunSummary {
            id: RunId(example::id("run")),
            operation: OperationId(example::id("operation")),
            target: example::reference("cart", "shop", "prod-eu"),
            revision: example::revision('a'),
            commit: None,
            started_by: StartedBy::AutoSync,
            phase,
            message: message.to_owned(),
            started_at: Micros(0),
            ended_at: None,
            counts: PlanCounts::default(),
            once: lockstep_types::sync_once::SyncOnce::default(),
        }
    }

    fn step(name: &str, status: StepStatus, wave: i32) -> StepOutcome {
        StepOutcome {
            index: 0,
            key: ResourceKey::new("", "Job", "shop", name),
            action: Action::Create,
            status,
            message: String::new(),
            started_at: None,
            ended_at: None,
            phase: PlanPhase::Sync,
            wave,
            uid: None,
        }
    }

    #[test]
    fn says_what_is_missing() {
        let plan = Plan {
            target: example::reference("cart", "shop", "prod-eu").id,
            revision: example::revision('a'),
            steps: Vec::new(),
            gate: vec![GateFinding {
                rule: "G4".to_owned(),
                message: "1 Namespace would go.".to_owned(),
                objects: Vec::new(),
            }],
            digest: String::new(),
            report: Vec::new(),
        };
        let steps = [
            step("migrate", StepStatus::Running, 1),
            step("web", StepStatus::Waiting, 3),
        ];
        for (phase, message, plan, steps, expected) in [
            (SyncPhase::Succeeded, "", None, &steps[..0], ""),
            (
                SyncPhase::AwaitingApproval,
                "",
                Some(&plan),
                &steps[..0],
                "It waits for a yes to this plan: 1 Namespace would go.",
            ),
            (
                SyncPhase::Applying,
                "",
                None,
                &steps[..],
                "Job migrate in wave 1 of 3 is not ready yet.",
            ),
            (
                SyncPhase::Applying,
                "waiting for wave 1: Deployment cart: 1 of 3 ready",
                None,
                &steps[..],
                "waiting for wave 1: Deployment cart: 1 of 3 ready.",
            ),
            (
                SyncPhase::Applying,
                "",
                None,
                &steps[..1],
                "Job migrate is not done yet.",
            ),
            (
                SyncPhase::Verifying,
                "1 of 3 ready",
                None,
                &steps[..0],
                "1 of 3 ready",
            ),
        ] {
            assert_eq!(words(&summary(phase, message), plan, steps), expected);
        }
    }
}
