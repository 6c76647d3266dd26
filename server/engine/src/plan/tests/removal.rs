//! Plans that remove what an application left: what goes, what stays, what is asked, and when hooks run.

use super::*;
use crate::plan::options::SYNC_OPTIONS;
use lockstep_types::plan::HookDeletion;

/// What the application left; nothing is desired but hooks.
fn left(keys: &[&str]) -> World {
    let mut world = World::new();
    world.policy.removal = true;
    world.policy.hooks = HookRuns::Always;
    for key in keys {
        world.left_git(key);
    }
    world
}

fn hook(world: &mut World, key: &str, phases: &str, policies: &str) {
    let mut annotations = json!({hook::ARGO_HOOK: phases});
    if !policies.is_empty() {
        annotations["argocd.argoproj.io/hook-delete-policy"] = json!(policies);
    }
    let key = world.declare(key, &annotations);
    world.live.insert(key, LiveFact::Absent);
}

fn deleted(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .filter(|step| step.action == Action::Prune)
        .map(|step| step.key.short())
        .collect()
}

#[test]
fn hooks_run_before_and_after_everything_is_gone() {
    let mut world = left(&[
        "apps/Deployment:shop/web",
        "/ConfigMap:shop/web",
        "/Namespace:/shop-data",
    ]);
    world
        .cascade
        .insert(ResourceKey::parse("/Namespace:/shop-data").unwrap(), 4);
    hook(&mut world, "batch/Job:shop/backup", "PreDelete", "");
    hook(
        &mut world,
        "batch/Job:shop/tell",
        "PostDelete",
        "HookSucceeded",
    );
    insta::assert_snapshot!(table(&world.plan()));
}

#[test]
fn nothing_is_removed_without_a_yes_to_exactly_this() {
    let mut world = left(&["/ConfigMap:shop/one"]);
    let plan = world.plan();
    assert_eq!(plan.gate[0].rule, "G10", "one object is enough to ask");
    world.approved = Some("another".to_owned());
    assert_eq!(world.plan().gate, plan.gate);
    world.approved = Some(plan.digest.clone());
    let approved = world.plan();
    assert_eq!((approved.gate.len(), approved.digest), (0, plan.digest));
}

#[test]
fn what_is_to_outlive_its_application_stays() {
    type Twist = fn(&mut World, &ResourceKey);
    let cases: [(&str, Twist, bool, &str); 8] = [
        ("nothing said", |_, _| {}, true, "G10"),
        (
            "Delete=confirm",
            |world, key| world.facts_of(key).delete = PruneWish::Confirm,
            true,
            "G10,Delete=confirm",
        ),
        (
            "Prune=false says nothing of removals",
            |world, key| world.facts_of(key).prune = PruneWish::Never("x".to_owned()),
            true,
            "G10",
        ),
        (
            "the definition keeps all",
            |world, _| world.policy.delete_wish = Wish::Never,
            false,
            "",
        ),
        (
            "the definition asks",
            |world, _| world.policy.delete_wish = Wish::Confirm,
            true,
            "G10,Delete=confirm",
        ),
        (
            "the object's own word wins",
            |world, key| {
                world.policy.delete_wish = Wish::Never;
                world.facts_of(key).delete = PruneWish::Allowed;
            },
            true,
            "G10",
        ),
        (
            "another object of the name",
            |world, key| world.facts_of(key).uid = "another".to_owned(),
            false,
            "",
        ),
        (
            "somebody else's by now",
            |world, key| {
                let facts = world.facts_of(key);
                facts.tracking = facts
                    .tracking
                    .take()
                    .map(|id| id.replace(TARGET, "other@cluster"));
            },
            false,
            "",
        ),
    ];
    let key = ResourceKey::parse("/ConfigMap:shop/one").unwrap();
    for (what, twist, goes, asks) in cases {
        let mut world = left(&["/ConfigMap:shop/one"]);
        twist(&mut world, &key);
        let plan = world.plan();
        assert_eq!(!deleted(&plan).is_empty(), goes, "{what}");
        let rules: Vec<&str> = plan.gate.iter().map(|found| found.rule.as_str()).collect();
        assert_eq!(rules.join(","), asks, "{what}");
    }
    let mut world = left(&["/ConfigMap:shop/one", "/ConfigMap:shop/two"]);
    world.facts_of(&key).delete = PruneWish::Never("because".to_owned());
    assert_eq!(deleted(&world.plan()), ["ConfigMap two"]);
}

#[test]
fn one_unknown_object_keeps_all() {
    let mut world = left(&["/ConfigMap:shop/one", "/ConfigMap:shop/two"]);
    world.live.insert(
        ResourceKey::parse("/ConfigMap:shop/two").unwrap(),
        LiveFact::Unknown("403".to_owned()),
    );
    assert_eq!(deleted(&world.plan()), Vec::<String>::new());
}

#[test]
fn annotations_say_what_outlives_its_application() {
    let cases = [
        (json!({}), PruneWish::Unsaid),
        (
            json!({SYNC_OPTIONS: "Delete=false"}),
            PruneWish::Never(format!("{SYNC_OPTIONS}: Delete=false")),
        ),
        (json!({SYNC_OPTIONS: "Delete=confirm"}), PruneWish::Confirm),
        (json!({SYNC_OPTIONS: "Delete=true"}), PruneWish::Allowed),
        (json!({SYNC_OPTIONS: "Prune=false"}), PruneWish::Unsaid),
        (
            json!({"helm.sh/resource-policy": "keep"}),
            PruneWish::Never("helm.sh/resource-policy: keep".to_owned()),
        ),
        (
            json!({"kustomize.toolkit.fluxcd.io/prune": "Disabled"}),
            PruneWish::Never("kustomize.toolkit.fluxcd.io/prune: disabled".to_owned()),
        ),
        (
            json!({"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}),
            PruneWish::Never("kustomize.toolkit.fluxcd.io/reconcile: disabled".to_owned()),
        ),
    ];
    for (annotations, expected) in cases {
        let body = json!({"metadata": {"annotations": annotations}});
        assert_eq!(facts::delete_wish(&body), expected, "{body}");
    }
}

#[test]
fn the_check_finds_a_removal_that_does_more() {
    let mut world = left(&["/ConfigMap:shop/one"]);
    hook(
        &mut world,
        "batch/Job:shop/backup",
        "PreDelete",
        "HookFailed",
    );
    let plan = world.plan();
    type Spoil = fn(&mut Plan);
    let cases: [(&str, Spoil); 3] = [
        ("G10", |plan| plan.gate.clear()),
        ("removal", |plan| {
            let step = plan
                .steps
                .iter_mut()
                .find(|step| step.action == Action::Prune)
                .unwrap();
            step.action = Action::Configure;
        }),
        ("removal", |plan| {
            let step = plan
                .steps
                .iter_mut()
                .find(|step| step.action == Action::Hook)
                .unwrap();
            step.phase = PlanPhase::PreSync;
        }),
    ];
    for (rule, spoil) in cases {
        let mut spoiled = plan.clone();
        spoil(&mut spoiled);
        let found = check(&spoiled, &world.input());
        assert!(
            found.iter().any(|violation| violation.rule == rule),
            "{rule}: {found:?}"
        );
    }
    // The same steps in a sync.
    world.policy.removal = false;
    let found = check(&plan, &world.input());
    assert!(found.iter().any(|violation| violation.rule == "removal"));
    let after = |step: &Step| step.action == Action::HookCleanup(HookDeletion::HookFailed);
    assert!(plan.steps.iter().any(after), "{}", table(&plan));
}
