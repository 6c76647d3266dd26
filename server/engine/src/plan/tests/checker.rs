//! The checker, held against plans that are broken by hand.

use super::*;

/// Every invariant the checker knows, each broken by hand.
#[test]
fn the_checker_finds_what_is_wrong() {
    type Break = fn(&mut Plan, &mut World);
    let cases: [(&str, Break); 22] = [
        ("index", |plan, _| plan.steps[0].index = 9),
        ("once", |plan, _| {
            let step = plan.steps[0].clone();
            plan.steps.push(step);
        }),
        ("waves", |plan, _| plan.steps[0].wave = 99),
        ("prune-last", |plan, _| plan.steps.reverse()),
        ("digest", |plan, _| plan.digest = "0".repeat(64)),
        ("desired", |plan, _| {
            plan.steps[0].desired_hash = "x".to_owned()
        }),
        ("uid", |plan, _| plan.steps[0].uid = Some("x".to_owned())),
        ("complete", |plan, _| {
            plan.steps.remove(0);
        }),
        ("G5", |_, world| world.inventory.clear()),
        ("G5", |_, world| {
            let key = world.inventory[1].key.clone();
            world.facts_of(&key).tracking = None;
        }),
        ("G11", |_, world| {
            let key = world.inventory[0].key.clone();
            world.live.remove(&key);
        }),
        ("hook", |_, world| {
            let key = world.inventory[1].key.clone();
            world.facts_of(&key).hook = true;
        }),
        ("hook", |_, world| {
            let annotations = json!({hook::HELM_HOOK: "pre-delete"});
            world.desired[0] = manifest("apps/Deployment:shop/web", &annotations);
        }),
        ("mark", |_, world| {
            let key = world.inventory[0].key.clone();
            world.facts_of(&key).untouched = Some("reconcile: disabled".to_owned());
        }),
        ("phases", |plan, _| {
            plan.steps[0].phase = PlanPhase::PostSync
        }),
        ("hook", |plan, _| plan.steps[0].action = Action::Hook),
        ("cleanup", |plan, world| {
            let annotations = json!({hook::ARGO_HOOK: "Sync"});
            world.desired[0] = manifest("apps/Deployment:shop/web", &annotations);
            plan.steps[0].action = Action::Hook;
        }),
        ("method", |plan, _| plan.steps[0].method = Method::Replace),
        ("method", |plan, _| plan.steps[0].method = Method::Recreate),
        ("wish", |_, world| world.policy.prune_wish = Wish::Never),
        ("policy", |_, world| world.policy.prune = false),
        ("identity", |plan, _| {
            plan.revision = Revision("x".to_owned())
        }),
    ];
    for (rule, twist) in cases {
        let mut world = World::new();
        let web = world.synced("apps/Deployment:shop/web");
        world
            .diffs
            .insert(web.clone(), differing(&web, DiffClass::Drift));
        world.left_git("/ConfigMap:shop/old");
        let mut plan = world.plan();
        twist(&mut plan, &mut world);
        let violations = check(&plan, &world.input());
        assert!(
            violations.iter().any(|violation| violation.rule == rule),
            "{rule}: {violations:?}"
        );
    }
}
