//! A sync of chosen objects: these and no others.

use super::*;

/// Three declared objects and a hook, of which one has a label, and a leftover; everything would be written.
fn shop() -> World {
    let mut world = World::new();
    for (key, labels) in [
        (
            "/ConfigMap:shop/settings",
            json!({"tier": "web", "team": "a"}),
        ),
        ("/Service:shop/web", json!({"tier": "web"})),
        ("apps/Deployment:shop/web", json!({})),
    ] {
        let declared = manifest(key, &json!({}));
        let mut body = (*declared.body).clone();
        body["metadata"]["labels"] = labels;
        let declared = Manifest::new(body, None).unwrap();
        world.live.insert(declared.key.clone(), LiveFact::Absent);
        world.desired.push(declared);
    }
    let hook = world.declare(
        "batch/Job:shop/migrate",
        &json!({hook::ARGO_HOOK: "PreSync"}),
    );
    world.live.insert(hook, LiveFact::Absent);
    world.left_git("/ConfigMap:shop/old");
    world.policy.hooks = HookRuns::Always;
    world
}

fn selection(objects: &[&str], labels: &[(&str, &str)]) -> Selection {
    Selection {
        objects: objects
            .iter()
            .map(|key| ResourceKey::parse(key).unwrap())
            .collect(),
        labels: labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

#[test]
fn only_what_is_chosen_is_written() {
    const SETTINGS: &str = "/ConfigMap:shop/settings";
    const SERVICE: &str = "/Service:shop/web";
    const OLD: &str = "/ConfigMap:shop/old";
    let web = ("tier", "web");
    for (objects, labels, prune, expected) in [
        (&[SETTINGS][..], &[][..], true, &[SETTINGS][..]),
        (&[SETTINGS, OLD], &[], true, &[SETTINGS, OLD]),
        (&[SETTINGS, OLD], &[], false, &[SETTINGS]),
        (&[], &[web], true, &[SETTINGS, SERVICE]),
        (&[], &[web, ("team", "a")], true, &[SETTINGS]),
        (&[], &[("tier", "api")], true, &[]),
        (&[OLD], &[("team", "a")], true, &[SETTINGS, OLD]),
        (&["batch/Job:shop/migrate"], &[], true, &[]),
    ] {
        let mut world = shop();
        world.policy.prune = prune;
        world.selection = Some(selection(objects, labels));
        let plan = world.plan();
        let written: Vec<String> = plan
            .steps
            .iter()
            .filter(|step| step.action.writes())
            .map(|step| step.key.to_string())
            .collect();
        assert_eq!(written, expected, "{objects:?} {labels:?}");
        for step in &plan.steps {
            let chosen = expected.contains(&step.key.to_string().as_str());
            let Action::Skip(why) = &step.action else {
                assert!(chosen, "{}", step.key);
                continue;
            };
            let expected = match step.key.kind.as_str() {
                "Job" => "a sync of selected objects runs no hooks",
                _ if objects.contains(&step.key.to_string().as_str()) => "pruning is off",
                _ => "not selected",
            };
            assert!(why.ends_with(expected), "{}: {why}", step.key);
        }
        assert!(
            plan.report[0].contains("declared objects are selected: no hook runs"),
            "{:?}",
            plan.report
        );
    }
}

#[test]
fn a_selection_that_names_nothing_there_says_so() {
    let world = shop();
    for (objects, labels, expected) in [
        (&["/ConfigMap:shop/settings"][..], &[][..], None),
        (&["/ConfigMap:shop/old"], &[], None),
        (&[], &[("team", "a")], None),
        (
            &["/ConfigMap:shop/settings", "/ConfigMap:shop/nowhere"],
            &[],
            Some("/ConfigMap:shop/nowhere is selected"),
        ),
        (
            &[],
            &[("team", "b")],
            Some("no declared object carries team=b"),
        ),
        (&["/ConfigMap:shop/settings"], &[("team", "b")], None),
    ] {
        let missing = selection(objects, labels).missing(&world.desired, &world.inventory);
        assert_eq!(missing.is_some(), expected.is_some(), "{missing:?}");
        if let (Some(missing), Some(expected)) = (missing, expected) {
            assert!(missing.starts_with(expected), "{missing}");
        }
    }
}

/// The checker by itself, against the plan of a whole sync and a selection.
#[test]
fn the_checker_sees_what_was_not_chosen() {
    let mut world = shop();
    let whole = world.plan();
    for (objects, labels, expected) in [
        (&["/ConfigMap:shop/settings"][..], &[][..], 4),
        (&["/ConfigMap:shop/settings", "/ConfigMap:shop/old"], &[], 3),
        (&[], &[("tier", "web")], 3),
        (&[], &[("tier", "web"), ("team", "a")], 4),
    ] {
        world.selection = Some(selection(objects, labels));
        let found = check(&whole, &world.input());
        let found = found
            .iter()
            .filter(|violation| violation.rule == "selection")
            .count();
        // Among them the hook, with each of its steps.
        let of_hook = whole
            .steps
            .iter()
            .filter(|step| step.action.is_of_hook())
            .count();
        assert_eq!(found, expected - 1 + of_hook, "{objects:?} {labels:?}");
    }
}
