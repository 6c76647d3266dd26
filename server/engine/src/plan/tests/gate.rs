//! The prune gate: what it holds, what a hook counts for in it, and that the checker sees every object that is missing
//! from its findings.

use super::*;
use crate::plan::options::SYNC_OPTIONS;
use lockstep_types::plan::GateFinding;

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

/// A world for each reason to ask, with the rules that hold it.
fn worlds() -> Vec<(&'static str, World)> {
    let kept = || {
        let mut world = World::new();
        world.synced("apps/Deployment:shop/web");
        world
    };
    let differs = |world: &mut World, key: &str, options: &str| {
        let key = world.declare(key, &json!({SYNC_OPTIONS: options}));
        world.deployed(&key);
        let diff = differing(&key, DiffClass::NotYetSynced);
        world.diffs.insert(key.clone(), diff);
        key
    };
    let mut empty = World::new();
    empty.left_git("/ConfigMap:shop/a");
    let mut many = kept();
    for number in 0..4 {
        many.left_git(&format!("/ConfigMap:shop/old-{number}"));
    }
    let mut last = World::new();
    last.synced("/ConfigMap:shop/kept");
    last.left_git("apps/Deployment:shop/web");
    let mut dear = kept();
    dear.left_git("/PersistentVolumeClaim:shop/data");
    dear.left_git("/ConfigMap:shop/old");
    let mut confirm = kept();
    let key = confirm.left_git("/ConfigMap:shop/old");
    confirm.facts_of(&key).prune = PruneWish::Confirm;
    let mut definition_asks = kept();
    definition_asks.policy.prune_wish = Wish::Confirm;
    definition_asks.left_git("/ConfigMap:shop/old");
    let mut strange = kept();
    strange.new_object("/ConfigMap:shop/new");
    let job = strange.declare(
        "batch/Job:shop/migrate",
        &json!({hook::ARGO_HOOK: "PreSync"}),
    );
    strange.deployed(&job);
    let mut hooks = kept();
    hooks.new_object("/ConfigMap:shop/new");
    let claim = hooks.declare(
        "/PersistentVolumeClaim:shop/scratch",
        &json!({hook::ARGO_HOOK: "Sync"}),
    );
    hooks.deployed(&claim);
    hooks.facts_of(&claim).hook = true;
    let mut remade = kept();
    differs(
        &mut remade,
        "apps/StatefulSet:shop/data",
        "Force=true,Replace=true",
    );
    let mut not_ours = kept();
    let key = differs(&mut not_ours, "/ConfigMap:shop/theirs", "Force=true");
    not_ours.facts_of(&key).tracking = None;
    let mut removed = World::new();
    removed.policy.removal = true;
    removed.left_git("/ConfigMap:shop/a");
    let mut removal_asks = removed.clone();
    let key = removal_asks.left_git("/PersistentVolumeClaim:shop/data");
    removal_asks.facts_of(&key).delete = PruneWish::Confirm;
    vec![
        ("G2", empty),
        ("G4", many),
        ("G4", last),
        ("G4", dear),
        ("Prune=confirm", confirm),
        ("Prune=confirm", definition_asks),
        ("G5", strange),
        ("G4", hooks),
        ("G4", remade),
        ("G5", not_ours),
        ("G10", removed),
        ("G10,G4,Delete=confirm", removal_asks),
    ]
}

fn rules(gate: &[GateFinding]) -> String {
    let rules: Vec<&str> = gate.iter().map(|finding| finding.rule.as_str()).collect();
    rules.join(",")
}

/// What the checker says of a plan whose findings were changed by hand.
fn found(world: &World, plan: &Plan, change: impl Fn(&mut Vec<GateFinding>)) -> Vec<&'static str> {
    let mut plan = plan.clone();
    change(&mut plan.gate);
    let violations = check(&plan, &world.input());
    violations.iter().map(|violation| violation.rule).collect()
}

#[test]
fn the_checker_misses_no_object_that_has_to_be_held() {
    for (expected, world) in worlds() {
        let plan = world.plan();
        assert_eq!(rules(&plan.gate), expected, "{}", table(&plan));
        for (at, finding) in plan.gate.iter().enumerate() {
            let what = format!("{expected}: {}", finding.message);
            let gone = found(&world, &plan, |gate| {
                gate.remove(at);
            });
            assert!(gone.contains(&"gate"), "without {what}");
            for object in 0..finding.objects.len() {
                let short = found(&world, &plan, |gate| {
                    gate[at].objects.remove(object);
                });
                assert_eq!(short, ["gate"], "one object less in {what}");
            }
            let renamed = found(&world, &plan, |gate| gate[at].rule = "G9".to_owned());
            assert!(renamed.contains(&"gate"), "another rule for {what}");
            let more = found(&world, &plan, |gate| {
                let other = ResourceKey::parse("/Secret:shop/other").unwrap();
                gate[at].objects.push(other);
            });
            assert_eq!(more, ["gate"], "one object more in {what}");
        }
    }
}

/// One finding, whatever it is about, used to let every other delete pass.
#[test]
fn a_finding_about_something_else_holds_nothing() {
    let (_, strange) = worlds().remove(6);
    let theirs = strange.plan().gate;
    for (expected, world) in worlds() {
        let plan = world.plan();
        let swapped = found(&world, &plan, |gate| gate.clone_from(&theirs));
        assert_eq!(swapped.contains(&"gate"), plan.gate != theirs, "{expected}");
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
