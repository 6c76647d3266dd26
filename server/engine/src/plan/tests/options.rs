//! Sync options in a plan: what an object and its definition say in, how it is written and when it goes out.

use super::*;
use crate::plan::options::SYNC_OPTIONS;
use lockstep_types::resource::Origin;

/// A world in which one declared object differs, with these options of its own.
fn differs(key: &str, own: &str) -> (World, ResourceKey) {
    let mut world = World::new();
    let key = world.declare(key, &json!({SYNC_OPTIONS: own}));
    world.deployed(&key);
    world
        .diffs
        .insert(key.clone(), differing(&key, DiffClass::NotYetSynced));
    (world, key)
}

#[test]
fn an_object_is_written_as_it_or_its_definition_says() {
    use Method::{Apply, ApplyOrRecreate, Recreate, Replace};
    for (kind, own, replace, force, expected) in [
        ("batch/Job:shop/o", "", false, false, Apply),
        ("batch/Job:shop/o", "Replace=true", false, false, Replace),
        (
            "batch/Job:shop/o",
            "Force=true",
            false,
            false,
            ApplyOrRecreate,
        ),
        (
            "batch/Job:shop/o",
            "Force=true,Replace=true",
            false,
            false,
            Recreate,
        ),
        ("batch/Job:shop/o", "", true, false, Replace),
        ("batch/Job:shop/o", "", false, true, ApplyOrRecreate),
        ("batch/Job:shop/o", "Force=true", true, false, Recreate),
        // The object's own word wins.
        (
            "batch/Job:shop/o",
            "Replace=false,Force=false",
            true,
            true,
            Apply,
        ),
        ("batch/Job:shop/o", "Replace=yes", false, false, Apply),
        (
            "batch/Job:shop/o",
            "Replace=true,ServerSideApply=true",
            false,
            false,
            Replace,
        ),
        // Everything in them would go.
        (
            "/Namespace:/o",
            "Force=true,Replace=true",
            false,
            false,
            Replace,
        ),
        (
            "apiextensions.k8s.io/CustomResourceDefinition:/o",
            "Force=true",
            false,
            true,
            Apply,
        ),
    ] {
        let (mut world, _) = differs(kind, own);
        (world.policy.replace, world.policy.force) = (replace, force);
        let plan = world.plan();
        assert_eq!(
            plan.steps[0].method, expected,
            "{kind} {own} {replace} {force}"
        );
        assert_eq!(plan.steps[0].action, Action::Configure);
    }
}

#[test]
fn only_what_differs_is_made_anew() {
    let (mut world, key) = differs("batch/Job:shop/o", "Force=true,Replace=true");
    world.diffs.clear();
    assert_eq!(world.plan().steps[0].action, Action::Unchanged);
    let unsure = ResourceDiff {
        kind: ResourceDiffKind::Unsure("422".to_owned()),
        changes: Vec::new(),
        ..differing(&key, DiffClass::Drift)
    };
    world.diffs.insert(key.clone(), unsure);
    assert_eq!(world.plan().steps[0].method, Method::ApplyOrRecreate);
    world.live.insert(key, LiveFact::Absent);
    let plan = world.plan();
    assert_eq!(
        (&plan.steps[0].action, plan.steps[0].method),
        (&Action::Create, Method::Apply)
    );
}

#[test]
fn making_anew_what_holds_data_asks_a_person() {
    for (kind, own, asks) in [
        ("/PersistentVolumeClaim:shop/o", "Force=true", true),
        ("apps/StatefulSet:shop/o", "Force=true,Replace=true", true),
        ("apps/StatefulSet:shop/o", "Replace=true", false),
        ("apps/Deployment:shop/o", "Force=true,Replace=true", false),
        ("/Namespace:/o", "Force=true", false),
    ] {
        let (mut world, _) = differs(kind, own);
        let plan = world.plan();
        assert_eq!(!plan.gate.is_empty(), asks, "{kind} {own}: {:?}", plan.gate);
        if asks {
            let broken = Plan {
                gate: Vec::new(),
                ..plan.clone()
            };
            let rules: Vec<_> = check(&broken, &world.input())
                .iter()
                .map(|violation| violation.rule)
                .collect();
            assert_eq!(rules, ["gate"]);
            world.approved = Some(plan.digest);
            assert!(world.plan().gate.is_empty());
        }
    }
}

#[test]
fn making_anew_what_nobody_of_ours_made_asks_a_person() {
    let (mut world, key) = differs("batch/Job:shop/o", "Force=true,Replace=true");
    assert!(world.plan().gate.is_empty());
    world.facts_of(&key).tracking = None;
    let rules: Vec<String> = world
        .plan()
        .gate
        .into_iter()
        .map(|finding| finding.rule)
        .collect();
    assert_eq!(rules, ["G5"]);
}

#[test]
fn an_approval_is_for_one_method() {
    let (mut world, _) = differs("batch/Job:shop/o", "");
    let applied = world.plan().digest;
    world.policy.replace = true;
    let replaced = world.plan().digest;
    world.policy.force = true;
    let anew = world.plan().digest;
    assert!(applied != replaced && replaced != anew && anew != applied);
}

#[test]
fn wishes_of_the_object_and_of_the_definition_about_pruning() {
    use PruneWish::{Allowed, Confirm, Unsaid};
    let never = || PruneWish::Never("annotation".to_owned());
    for (own, definition, prunes, asks) in [
        (Unsaid, Wish::Allowed, 1, false),
        (Unsaid, Wish::Confirm, 1, true),
        (Unsaid, Wish::Never, 0, false),
        (Allowed, Wish::Never, 1, false),
        (Allowed, Wish::Confirm, 1, false),
        (Confirm, Wish::Never, 1, true),
        (never(), Wish::Allowed, 0, false),
    ] {
        let mut world = World::new();
        world.policy.prune_wish = definition;
        world.synced("apps/Deployment:shop/web");
        let key = world.left_git("/ConfigMap:shop/old");
        world.facts_of(&key).prune = own.clone();
        let plan = world.plan();
        assert_eq!(
            (plan.counts().prune, !plan.gate.is_empty()),
            (prunes, asks),
            "{own:?} {definition:?}"
        );
    }
}

#[test]
fn what_is_to_go_last_goes_behind_everything_else() {
    let order = |of_all: bool, own: &[(&str, bool)]| -> Vec<(String, bool)> {
        let mut world = World::new();
        world.policy.prune_last = of_all;
        world.new_object("/ConfigMap:shop/new");
        for name in ["a", "b", "c"] {
            let key = world.left_git(&format!("/ConfigMap:shop/{name}"));
            world.facts_of(&key).prune_last = own
                .iter()
                .find(|(of, _)| *of == name)
                .map(|(_, last)| *last);
        }
        let plan = world.plan();
        let waves: BTreeSet<i32> = plan.steps.iter().map(|step| step.wave).collect();
        let parts: BTreeSet<bool> = plan.steps[1..].iter().map(|step| step.prune_last).collect();
        assert_eq!(waves.len(), 1 + parts.len());
        plan.steps[1..]
            .iter()
            .map(|step| (step.key.name.clone(), step.prune_last))
            .collect()
    };
    let named = |all: &[(&str, bool)]| -> Vec<(String, bool)> {
        all.iter()
            .map(|(name, last)| ((*name).to_owned(), *last))
            .collect()
    };
    assert_eq!(
        order(false, &[]),
        named(&[("c", false), ("b", false), ("a", false)])
    );
    assert_eq!(
        order(false, &[("c", true)]),
        named(&[("b", false), ("a", false), ("c", true)])
    );
    assert_eq!(
        order(true, &[("a", false)]),
        named(&[("a", false), ("c", true), ("b", true)])
    );
}

#[test]
fn problems_are_said_with_the_place_in_git() {
    let (mut world, _) = differs("/ConfigMap:shop/o", "Prun=false");
    world.desired[0].origin = Some(Origin {
        path: "manifests/o.yaml".to_owned(),
        line: Some(12),
    });
    let key = world.declare("/Namespace:/n", &json!({SYNC_OPTIONS: "Force=true"}));
    world.live.insert(key, LiveFact::Absent);
    let report = world.plan().report;
    assert_eq!(
        report,
        [
            "ConfigMap o (manifests/o.yaml:12): argocd.argoproj.io/sync-options: \"Prun=false\" is not known and does not count.",
            "Namespace n: Force does not count: a Namespace is never deleted and made anew.",
        ]
    );
}

#[test]
fn the_destination_namespace_is_given_its_metadata() {
    let labels = BTreeMap::from([("team".to_owned(), "cart".to_owned())]);
    let annotations = BTreeMap::from([("cost".to_owned(), "high".to_owned())]);
    let given = |lacking| NamespaceMetadata {
        labels: Some(&labels),
        annotations: Some(&annotations),
        lacking,
    };
    for (create, exists, lacking, expected) in [
        (true, Some(false), None, Some((Action::Create, None))),
        (
            true,
            Some(true),
            Some("u"),
            Some((Action::Configure, Some("u"))),
        ),
        (true, Some(true), None, None),
        (true, None, None, None),
        (false, Some(false), None, None),
        (false, Some(true), Some("u"), None),
    ] {
        let mut world = World::new();
        world.policy.create_namespace = create;
        world.namespace_exists = exists;
        world.new_object("/ConfigMap:shop/new");
        let input = PlanInput {
            namespace_metadata: given(lacking),
            ..world.input()
        };
        let plan = plan(&input);
        assert_eq!(check(&plan, &input), []);
        let step = plan.steps.iter().find(|step| step.key.kind == "Namespace");
        assert_eq!(
            step.map(|step| (step.action.clone(), step.uid.as_deref())),
            expected,
            "{create} {exists:?} {lacking:?}"
        );
        if let Some(step) = step {
            let manifest = namespace_manifest("shop", given(None)).unwrap();
            assert_eq!(step.desired_hash, manifest.hash);
            assert_eq!(
                *manifest.body,
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
                    "name": "shop", "labels": {"team": "cart"}, "annotations": {"cost": "high"}}})
            );
        }
    }
    // By itself it is no reason to sync.
    let mut world = World::new();
    world.policy.create_namespace = true;
    world.synced("/ConfigMap:shop/settings");
    let input = PlanInput {
        namespace_metadata: given(Some("u")),
        ..world.input()
    };
    assert!(!plan(&input).writes());
}

#[test]
fn metadata_of_a_namespace_that_somebody_declares_is_theirs() {
    let labels = BTreeMap::from([("team".to_owned(), "cart".to_owned())]);
    let given = NamespaceMetadata {
        labels: Some(&labels),
        ..NamespaceMetadata::default()
    };
    for (metadata, lacking) in [
        (json!({}), true),
        (json!({"labels": {"team": "shop"}}), true),
        (json!({"labels": {"team": "cart", "other": "x"}}), false),
        (
            json!({"annotations": {tracking::TRACKING_ANNOTATION: "x"}}),
            false,
        ),
    ] {
        let body = json!({"metadata": metadata});
        assert_eq!(given.is_lacking(&body), lacking, "{metadata}");
    }
    assert!(!NamespaceMetadata::default().is_lacking(&json!({})));
}
