//! The prune gate: what it holds, and what a hook counts for in it.

use super::*;

fn asked(world: &World) -> Vec<String> {
    let gate = world.plan().gate;
    gate.iter()
        .map(|finding| format!("{}: {}", finding.rule, finding.message))
        .collect()
}

/// What one object of a hook, or one that only looks like it, is read as.
const MARKS: [(&str, &str, bool); 8] = [
    (hook::ARGO_HOOK, "PreSync", true),
    (hook::ARGO_HOOK, "Sync,PostSync", true),
    (hook::ARGO_HOOK, "SyncFail", true),
    (hook::ARGO_HOOK, "Skip", true),
    (hook::ARGO_HOOK, "PreDelete", true),
    (hook::HELM_HOOK, "pre-install,post-upgrade", true),
    (hook::HELM_HOOK, "test", true),
    (hook::HELM_HOOK, "crd-install", false),
];

#[test]
fn a_hook_is_not_a_workload_that_is_left() {
    for (annotation, text, is_hook) in MARKS {
        let mut world = World::new();
        world.synced("/ConfigMap:shop/kept");
        world.left_git("apps/Deployment:shop/web");
        let job = world.declare("batch/Job:shop/migrate", &json!({annotation: text}));
        world.live.insert(job, LiveFact::Absent);
        let expected: &[&str] = if is_hook {
            &["G4: the last workload would be deleted"]
        } else {
            &[]
        };
        assert_eq!(asked(&world), expected, "{annotation}: {text}");
        if is_hook {
            let mut unasked = world.plan();
            unasked.gate.clear();
            let broken = check(&unasked, &world.input());
            assert_eq!(broken.len(), 1, "{annotation}: {text}: {broken:?}");
            assert_eq!(broken[0].rule, "gate");
        }
        // A yes to exactly this is enough.
        world.approved = Some(world.plan().digest);
        assert_eq!(asked(&world), [""; 0]);
        // And with a workload of its own there is nothing to ask.
        world.approved = None;
        world.synced("apps/Deployment:shop/api");
        assert_eq!(asked(&world), [""; 0], "{annotation}: {text}");
    }
}

#[test]
fn a_render_of_nothing_but_hooks_is_empty() {
    for (annotation, text, is_hook) in MARKS {
        let mut world = World::new();
        world.left_git("/ConfigMap:shop/a");
        world.left_git("/ConfigMap:shop/b");
        let job = world.declare("batch/Job:shop/migrate", &json!({annotation: text}));
        world.live.insert(job, LiveFact::Absent);
        let expected: &[&str] = if is_hook {
            &[
                "G2: Git renders nothing but hooks, while 2 objects are deployed: all of them would go",
            ]
        } else {
            &[]
        };
        assert_eq!(asked(&world), expected, "{annotation}: {text}");
        world.policy.allow_empty = true;
        assert_eq!(asked(&world), [""; 0], "{annotation}: {text}");
    }
}

/// The deletes of a hook, too, name how much goes with them.
#[test]
fn what_a_hook_takes_along_is_counted() {
    let mut world = World::new();
    world.new_object("/ConfigMap:shop/new");
    let space = world.declare("/Namespace:/scratch", &json!({hook::ARGO_HOOK: "PreSync"}));
    world.deployed(&space);
    world.facts_of(&space).hook = true;
    world.cascade.insert(space, 7);
    let gate = asked(&world);
    assert_eq!(gate.len(), 1, "{gate:?}");
    assert!(
        gate[0].ends_with("Namespace scratch (with 7 objects in it)"),
        "{gate:?}"
    );
}
