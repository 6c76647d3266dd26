//! Whether a run that was cut off may go on: only if what is left to do was already part of its plan.
//!
//! Pure. Objects that were applied before the cut are unchanged now, so nothing gets a second generation.

use lockstep_types::plan::{Plan, Step};

/// Whether `now`, planned afresh, asks for nothing that `before` did not already contain.
pub fn continues(before: &Plan, now: &Plan) -> bool {
    before.target == now.target
        && before.revision == now.revision
        && now
            .steps
            .iter()
            .filter(|step| step.action.writes())
            .all(|step| before.steps.iter().any(|old| same(old, step)))
}

fn same(old: &Step, new: &Step) -> bool {
    old.key == new.key
        && old.action == new.action
        && old.desired_hash == new.desired_hash
        && old.uid == new.uid
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_types::id::TargetId;
    use lockstep_types::plan::Action;
    use lockstep_types::resource::ResourceKey;
    use lockstep_types::revision::Revision;
    use uuid::Uuid;

    fn step(name: &str, action: Action, uid: Option<&str>) -> Step {
        Step {
            index: 0,
            key: ResourceKey::new("", "ConfigMap", "shop", name),
            api_version: "v1".to_owned(),
            action,
            wave: 0,
            uid: uid.map(str::to_owned),
            desired_hash: format!("hash of {name}"),
            changes: Vec::new(),
            impact: None,
            why: String::new(),
        }
    }

    fn plan(steps: Vec<Step>) -> Plan {
        Plan {
            target: TargetId(Uuid::nil()),
            revision: Revision("a".repeat(40)),
            steps,
            gate: Vec::new(),
            digest: String::new(),
            report: Vec::new(),
        }
    }

    #[test]
    fn goes_on_with_what_is_left_of_the_same_plan() {
        let before = plan(vec![
            step("a", Action::Create, None),
            step("b", Action::Configure, Some("1")),
        ]);
        let applied = step("a", Action::Unchanged, Some("0"));
        let left = |step| plan(vec![applied.clone(), step]);
        assert!(continues(
            &before,
            &left(step("b", Action::Configure, Some("1")))
        ));
        assert!(continues(&before, &plan(vec![applied.clone()])));
        // Recreated by somebody, a different action, another object: not the plan any more.
        assert!(!continues(
            &before,
            &left(step("b", Action::Configure, Some("2")))
        ));
        assert!(!continues(
            &before,
            &left(step("b", Action::Prune, Some("1")))
        ));
        assert!(!continues(&before, &left(step("c", Action::Create, None))));
        let mut newer = plan(Vec::new());
        newer.revision = Revision("b".repeat(40));
        assert!(!continues(&before, &newer));
    }
}
