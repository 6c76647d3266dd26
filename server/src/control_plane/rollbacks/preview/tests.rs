use super::*;
use crate::control_plane::example;
use lockstep_types::plan::{Action, Plan, PlanPhase, Step};
use lockstep_types::resource::ResourceKey;
use lockstep_types::revision::PathChangeKind;

fn plan(revision: char, action: Action) -> TargetPlan {
    let target = example::reference("cart", "shop", "prod-eu");
    let step = Step {
        index: 0,
        key: ResourceKey::new("apps", "Deployment", "shop", "cart"),
        api_version: "apps/v1".to_owned(),
        action,
        phase: PlanPhase::Sync,
        wave: 0,
        hook: None,
        uid: None,
        desired_hash: revision.to_string(),
        method: Default::default(),
        prune_last: false,
        changes: Vec::new(),
        impact: None,
        why: String::new(),
    };
    let plan = Plan {
        target: target.id,
        revision: example::revision(revision),
        steps: vec![step],
        gate: Vec::new(),
        digest: revision.to_string(),
        report: Vec::new(),
    };
    TargetPlan {
        target,
        plan: Some(plan),
        error: String::new(),
        automated: true,
    }
}

#[test]
fn the_digest_holds_what_a_person_decided_about() {
    let files = [PathChange {
        path: "a.yaml".to_owned(),
        kind: PathChangeKind::Modified,
    }];
    let (head, to) = (example::revision('a'), example::revision('b'));
    let of = |head: &Revision, files: &[PathChange], plan: TargetPlan| {
        digest(head, &to, Some("main"), files, &[plan])
    };
    let shown = of(&head, &files, plan('1', Action::Configure));
    // The commit to be made gets another id each time.
    assert_eq!(shown, of(&head, &files, plan('2', Action::Configure)));
    assert_ne!(shown, of(&head, &files, plan('1', Action::Prune)));
    assert_ne!(shown, of(&to, &files, plan('1', Action::Configure)));
    assert_ne!(shown, of(&head, &[], plan('1', Action::Configure)));
}
