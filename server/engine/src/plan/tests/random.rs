//! Random worlds: whatever they hold, the plan is sound, and nothing is deleted that should not be.

use super::*;
use crate::plan::options::SYNC_OPTIONS;
use proptest::prelude::*;

const KINDS: [&str; 9] = [
    "/ConfigMap:shop",
    "/Namespace:",
    "/Secret:shop",
    "/Service:shop",
    "apps/Deployment:shop",
    "apps/StatefulSet:shop",
    "apiextensions.k8s.io/CustomResourceDefinition:",
    "example.com/Widget:shop",
    "networking.k8s.io/Ingress:shop",
];

/// One object with everything that may be said about it.
#[derive(Debug, Clone)]
struct Thing {
    key: String,
    declared: bool,
    wave: i32,
    deployed: bool,
    recorded_uid: Option<bool>,
    live: u8,
    tracking: u8,
    wish: u8,
    terminating: bool,
    diff: u8,
    /// The hook annotation and the deletion policy.
    hook: Option<(usize, usize)>,
    options: usize,
}

const OPTIONS: [&str; 6] = [
    "",
    "Replace=true",
    "Force=true",
    "Force=true, Replace=true",
    "Force=false,Replace=false",
    "Force=true,Force=false,Replace=true",
];

const HOOKS: [&str; 7] = [
    "PreSync",
    "Sync",
    "PostSync",
    "SyncFail",
    "PreSync,PostSync",
    "Skip",
    "PreDelete",
];
const POLICIES: [&str; 4] = [
    "",
    "HookSucceeded",
    "HookFailed",
    "BeforeHookCreation,HookSucceeded,HookFailed",
];

fn thing() -> impl Strategy<Value = Thing> {
    let place =
        (0..KINDS.len(), 0..6_u8).prop_map(|(kind, name)| format!("{}/o{name}", KINDS[kind]));
    let inventory = (
        any::<bool>(),
        prop::option::weighted(0.9, prop::bool::weighted(0.9)),
    );
    (
        place,
        any::<bool>(),
        -2..3_i32,
        inventory,
        0..10_u8,
        0..8_u8,
        0..8_u8,
        prop::bool::weighted(0.1),
        0..5_u8,
        (
            prop::option::weighted(0.25, (0..HOOKS.len(), 0..POLICIES.len())),
            0..OPTIONS.len(),
        ),
    )
        .prop_map(
            |(
                key,
                declared,
                wave,
                (deployed, recorded_uid),
                live,
                tracking,
                wish,
                terminating,
                diff,
                (hook, options),
            )| Thing {
                key,
                declared,
                wave,
                deployed,
                recorded_uid,
                live,
                tracking,
                wish,
                terminating,
                diff,
                hook,
                options,
            },
        )
}

fn world() -> impl Strategy<Value = World> {
    let policy = (
        prop::bool::weighted(0.8),
        any::<bool>(),
        any::<bool>(),
        prop::option::of(any::<bool>()),
        prop_oneof![
            Just(HookRuns::Never),
            Just(HookRuns::WithChanges),
            Just(HookRuns::Always)
        ],
        (
            prop::bool::weighted(0.2),
            prop::bool::weighted(0.2),
            any::<bool>(),
            prop_oneof![
                3 => Just(Wish::Allowed),
                1 => Just(Wish::Confirm),
                1 => Just(Wish::Never)
            ],
        ),
    );
    (
        prop::collection::vec(thing(), 0..14),
        policy,
        prop::bool::weighted(0.7),
        prop::option::weighted(
            0.3,
            prop::collection::vec(any::<prop::sample::Index>(), 1..5),
        ),
    )
        .prop_map(
            |(
                things,
                (prune, allow_empty, create_namespace, namespace_exists, hooks, options),
                trusted,
                chosen,
            )| {
                let (replace, force, prune_last, prune_wish) = options;
                let mut world = World::new();
                world.policy = PlanPolicy {
                    prune,
                    allow_empty,
                    create_namespace,
                    prune_last,
                    prune_wish,
                    replace,
                    force,
                    hooks,
                    ..PlanPolicy::default()
                };
                world.namespace_exists = namespace_exists;
                for thing in things {
                    add(&mut world, &thing, trusted);
                }
                world.selection = chosen.map(|chosen| choose(&world, &chosen));
                world
            },
        )
}

/// Some of everything that is declared or was left behind.
fn choose(world: &World, chosen: &[prop::sample::Index]) -> Selection {
    let all: Vec<&ResourceKey> = world
        .desired
        .iter()
        .map(|manifest| &manifest.key)
        .chain(world.inventory.iter().map(|entry| &entry.key))
        .collect();
    let objects = match all.len() {
        0 => BTreeSet::new(),
        count => chosen
            .iter()
            .map(|index| all[index.index(count)].clone())
            .collect(),
    };
    Selection {
        objects,
        ..Selection::default()
    }
}

fn add(world: &mut World, thing: &Thing, trusted: bool) {
    let key = ResourceKey::parse(&thing.key).unwrap();
    if thing.declared {
        let mut annotations = json!({order::SYNC_WAVE: thing.wave.to_string()});
        if let Some((phases, policies)) = thing.hook {
            annotations[hook::ARGO_HOOK] = json!(HOOKS[phases]);
            annotations["argocd.argoproj.io/hook-delete-policy"] = json!(POLICIES[policies]);
        }
        annotations[SYNC_OPTIONS] = json!(OPTIONS[thing.options]);
        world.desired.push(manifest(&thing.key, &annotations));
    }
    // One line of inventory for each key: the database sees to that.
    if world.live.contains_key(&key) || world.inventory.iter().any(|entry| entry.key == key) {
        return;
    }
    if thing.deployed {
        let uid = thing.recorded_uid.map(|right| {
            if right {
                "u".to_owned()
            } else {
                "other".to_owned()
            }
        });
        world.inventory.push(InventoryEntry {
            key: key.clone(),
            uid,
        });
    }
    let fact = match thing.live {
        0 | 1 => LiveFact::Absent,
        2 if !trusted => LiveFact::Unknown("list failed".to_owned()),
        3 if !trusted => return,
        _ => {
            let mut facts = facts(&key, "u");
            facts.wave = thing.wave;
            facts.terminating = thing.terminating;
            facts.hook = thing.hook.is_some();
            facts.tracking = match thing.tracking {
                0 => None,
                1 => Some("argocd:x".to_owned()),
                2 => Some(
                    facts
                        .tracking
                        .unwrap_or_default()
                        .replace(TARGET, "other@cluster"),
                ),
                _ => facts.tracking,
            };
            facts.prune = match thing.wish {
                0 => PruneWish::Never("annotation".to_owned()),
                1 => PruneWish::Confirm,
                2 => PruneWish::Unsaid,
                _ => PruneWish::Allowed,
            };
            facts.prune_last = (thing.wish == 3).then_some(thing.diff.is_multiple_of(2));
            LiveFact::Present(facts)
        }
    };
    world.live.insert(key.clone(), fact);
    match thing.diff {
        0 => world
            .diffs
            .insert(key.clone(), differing(&key, DiffClass::NotYetSynced)),
        1 => world
            .diffs
            .insert(key.clone(), differing(&key, DiffClass::Noise)),
        2 => {
            let kind = ResourceDiffKind::Unsure("dry run refused".to_owned());
            world.diffs.insert(
                key.clone(),
                ResourceDiff {
                    kind,
                    ..differing(&key, DiffClass::Drift)
                },
            )
        }
        _ => None,
    };
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_plan_is_sound(mut world in world()) {
        let first = plan(&world.input());
        prop_assert_eq!(check(&first, &world.input()), vec![], "{}", table(&first));
        // Equal input gives an equal plan; the order of the input does not matter.
        prop_assert_eq!(&plan(&world.input()), &first);
        world.inventory.reverse();
        prop_assert_eq!(&plan(&world.input()).digest, &first.digest);
        // No finding can be left out, unless others hold all its objects by the same rule.
        for (at, left_out) in first.gate.iter().enumerate() {
            let mut plan = first.clone();
            plan.gate.remove(at);
            let held = |key| plan.gate.iter().any(|other| other.rule == left_out.rule && other.objects.contains(key));
            let covered = left_out.objects.iter().all(held);
            prop_assert_eq!(check(&plan, &world.input()).is_empty(), covered, "{}", left_out.message);
        }
        // Approving exactly this plan lifts the gate and changes nothing else.
        world.approved = Some(first.digest.clone());
        let approved = plan(&world.input());
        prop_assert!(approved.gate.is_empty());
        prop_assert_eq!(&approved.steps, &first.steps);
        prop_assert_eq!(check(&approved, &world.input()), vec![]);
    }

    #[test]
    fn nothing_is_touched_that_was_not_chosen(world in world()) {
        let whole = plan(&PlanInput { selection: None, ..world.input() });
        let made = plan(&world.input());
        if let Some(selection) = &world.selection {
            for step in made.steps.iter().filter(|step| step.action.writes()) {
                let namespace = step.key.to_string() == "/Namespace:/shop";
                prop_assert!(selection.objects.contains(&step.key) || namespace, "{}", table(&made));
                // It is done to it as it would be with all others.
                let same = whole.steps.iter().any(|other| other.key == step.key && other.action == step.action);
                prop_assert!(same || namespace, "{}", table(&whole));
            }
        }
        let spoils = world.selection.as_ref().is_some_and(|selection| whole.steps.iter().any(|step| {
            let namespace = step.key.to_string() == "/Namespace:/shop";
            step.action.is_of_hook() || step.action.writes() && !namespace && !selection.objects.contains(&step.key)
        }));
        let found = check(&whole, &world.input());
        prop_assert_eq!(spoils, found.iter().any(|violation| violation.rule == "selection" && !violation.message.contains("unchanged")), "{:?}", found);
    }

    #[test]
    fn stages_hold_every_write_once_and_in_order(world in world()) {
        let plan = plan(&world.input());
        let stages = stages(&plan);
        let all: Vec<u32> = stages.iter().flat_map(|stage| &stage.steps).map(|step| step.index).collect();
        prop_assert_eq!(all, (0..).take(plan.steps.len()).collect::<Vec<u32>>());
        let batched: Vec<u32> = stages.iter().flat_map(|stage| stage.batches.iter().flatten()).map(|step| step.index).collect();
        let writes: Vec<u32> = plan.steps.iter().filter(|step| step.action.writes()).map(|step| step.index).collect();
        prop_assert_eq!(batched, writes);
    }
}
