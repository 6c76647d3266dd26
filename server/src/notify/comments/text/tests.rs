//! Comments as a reader of the source sees them, and names that want to be more than names.

use super::*;
use lockstep_types::resource::ResourceKey;
use lockstep_types::upcoming::Upcoming;

fn outline(targets: Vec<TargetOutline>) -> Outline {
    Outline {
        first_line: "2 commits for main would change 1 target of 1 application on 1 cluster."
            .to_owned(),
        conflicts: Vec::new(),
        targets,
        notes: Vec::new(),
    }
}

fn target(application: &str, cluster: &str, objects: Vec<ObjectOutline>) -> TargetOutline {
    TargetOutline {
        application: application.to_owned(),
        cluster: cluster.to_owned(),
        counts: Some(PlanCounts {
            create: 1,
            configure: 2,
            prune: 3,
            ..PlanCounts::default()
        }),
        impact: Some(Impact::RestartsPods),
        problems: Vec::new(),
        remarks: Vec::new(),
        objects,
        automated: true,
    }
}

fn object(name: &str, fields: usize) -> ObjectOutline {
    ObjectOutline {
        action: "configure",
        key: ResourceKey::new("apps", "Deployment", "shop", name),
        impact: Some(Impact::RestartsPods),
        fields: (0..fields).map(|n| format!("spec.field{n}")).collect(),
    }
}

fn head() -> Revision {
    Revision("3fa9c0ffee3fa9c0ffee3fa9c0ffee3fa9c0ffee".to_owned())
}

const LINK: &str =
    "https://lockstep.example.org/preview?repo=shop&ref=refs%2Fheads%2Fship&onto=main";

#[test]
fn a_comment_says_what_the_preview_says() {
    let mut held = target("shop/web", "prod-us", Vec::new());
    held.problems = vec!["It would delete 3 of 4 objects.".to_owned()];
    let mut unknown = target("shop/api", "prod-ap", Vec::new());
    (unknown.counts, unknown.impact) = (None, None);
    unknown.problems = vec!["the cluster prod-ap cannot be reached".to_owned()];
    let cart = target(
        "shop/cart",
        "prod-eu",
        vec![object("cart", 8), object("web", 0)],
    );
    let mut outline = outline(vec![unknown, held, cart]);
    outline.notes =
        vec!["It changes files that the source root reads definitions from.".to_owned()];
    assert_eq!(
        of(&outline, &head(), LINK),
        "**Lockstep:** 2 commits for main would change 1 target of 1 application on 1 cluster.

| Application | Cluster | Create | Configure | Prune | Impact | Then |
|---|---|--:|--:|--:|---|---|
| `shop/api` | `prod-ap` | ? | ? | ? |  | not known |
| `shop/web` | `prod-us` | 1 | 2 | 3 | restarts pods | awaits approval |
| `shop/cart` | `prod-eu` | 1 | 2 | 3 | restarts pods | syncs by itself |

What stands against it, or is to be known:
- `shop/api` on `prod-ap`: the cluster prod-ap cannot be reached
- `shop/web` on `prod-us`: It would delete 3 of 4 objects.

- It changes files that the source root reads definitions from.

<details>
<summary>Objects</summary>

`shop/cart` on `prod-eu`

- configure `Deployment shop/cart`, restarts pods: `spec.field0`, `spec.field1`, `spec.field2`, `spec.field3`, `spec.field4`, `spec.field5` and 2 more
- configure `Deployment shop/web`, restarts pods

</details>

[The whole preview](https://lockstep.example.org/preview?repo=shop&ref=refs%2Fheads%2Fship&onto=main), with every changed field. Looked at: `3fa9c0f`. Nothing was written.
"
    );
}

#[test]
fn conflicts_are_listed_instead_of_plans() {
    let mut outline = outline(Vec::new());
    outline.first_line =
        "It cannot be merged as it is: a`b and c changed both there and in main.".to_owned();
    outline.conflicts = vec!["apps/a`b.yaml".to_owned(), "c".to_owned()];
    let text = of(&outline, &head(), LINK);
    assert!(
        text.starts_with("**Lockstep:** It cannot be merged as it is.\n\nBoth sides changed:\n- ``apps/a`b.yaml``\n- `c`\n\n["),
        "{text}"
    );
}

#[test]
fn names_stay_names() {
    for (name, expected) in [
        ("cart", "`cart`"),
        ("@everyone", "`@everyone`"),
        ("a\n/close\n/merge", "`a /close /merge`"),
        ("`@all`", "`` `@all` ``"),
        ("``x` <img src=x> #1 !2", "``` ``x` <img src=x> #1 !2 ```"),
        ("[x](https://evil.example)", "`[x](https://evil.example)`"),
        ("--> <!-- lockstep", "`--> <!-- lockstep`"),
        ("</details>", "`</details>`"),
        ("a\u{202e}b\u{200b}c\u{7}d", "`a\u{fffd}b\u{fffd}c d`"),
        ("  \r\n ", "(nothing)"),
        ("", "(nothing)"),
    ] {
        assert_eq!(code(name, NAME), expected);
    }
    assert_eq!(cell("a|b"), "`a\\|b`");
    assert_eq!(code(&"x".repeat(500), 5), "`xxxx…`");
}

#[test]
fn sentences_are_bare_only_while_they_are_harmless() {
    for (sentence, bare) in [
        ("3 commits for main would change 2 targets.", true),
        ("It is pinned at 3fa9c0f by maria and stays there", true),
        ("1. first of all", false),
        ("12) of all", false),
        ("- a list", false),
        ("/close", false),
        ("render broken: see https://evil.example", false),
        ("look at www.evil.example", false),
        ("thanks to @maria", false),
        ("a *b* c", false),
        ("a\nb", false),
        ("snake_case", false),
        ("", false),
    ] {
        assert_eq!(
            words(sentence) == sentence && !sentence.is_empty(),
            bare,
            "{sentence}"
        );
    }
}

#[test]
fn a_great_preview_is_cut_and_says_so() {
    let objects = || {
        (0..200)
            .map(|n| object(&format!("object-{n}"), 40))
            .collect()
    };
    let targets: Vec<TargetOutline> = (0..300)
        .map(|n| target("shop/cart", &format!("cluster-{n}"), objects()))
        .collect();
    let text = of(&outline(targets), &head(), LINK);
    assert!(text.len() <= LONGEST, "{}", text.len());
    for said in [
        "and 260 more targets",
        "- and 175 more\n",
        " and 34 more\n",
        "The rest is left out here; the preview shows it.\n\n</details>\n",
        "[The whole preview](https://lockstep.example.org/",
    ] {
        assert!(text.contains(said), "{said}\n{text:.3000}");
    }
    let empty = of(&outline(Vec::new()), &head(), LINK);
    assert!(
        !empty.contains("<details>") && !empty.contains('|'),
        "{empty}"
    );
    let refused = refused("@all has no commit in common with main");
    assert!(refused.contains("- `@all has no commit in common with main`"));
}

/// What `lockstep preview` prints and what a pull request is told come from one preview and say the same.
#[test]
fn the_command_line_and_the_comment_say_the_same() {
    let change = |path: &str| {
        serde_json::json!({
            "path": path, "declared": 2, "live": 1, "class": "NotYetSynced", "manager": null, "operation": null,
            "at": null, "impact": "RestartsPods"
        })
    };
    let step = |index: u32, action: &str, key: &ResourceKey, impact: &str, paths: &[&str]| {
        let changes: Vec<_> = paths.iter().map(|path| change(path)).collect();
        serde_json::json!({
            "index": index, "key": key, "api_version": "v1", "action": action, "wave": 0, "uid": null,
            "desired_hash": "", "changes": changes, "impact": impact, "why": ""
        })
    };
    let web = ResourceKey::new("apps", "Deployment", "shop", "web");
    let old = ResourceKey::new("", "ConfigMap", "shop", "old");
    let same = ResourceKey::new("", "ConfigMap", "shop", "same");
    let plan = serde_json::json!({
        "target": uuid::Uuid::nil(), "revision": head(), "digest": "d",
        "steps": [
            step(0, "Configure", &web, "RestartsPods", &["spec.replicas", "spec.paused"]),
            step(1, "Prune", &old, "Deletes", &[]),
            step(2, "Unchanged", &same, "MetadataOnly", &[]),
        ],
        "gate": [{"rule": "G2", "message": "It would delete 1 of 3 objects.", "objects": [old]}],
        "report": ["A hook waits."],
    });
    let of_target = |cluster: &str, plan: serde_json::Value, error: &str| {
        serde_json::json!({
            "target": {
                "id": uuid::Uuid::nil(), "cluster": cluster,
                "application": {"id": uuid::Uuid::nil(), "name": "cart", "project": "shop"}
            },
            "plan": plan, "error": error, "automated": true
        })
    };
    let commit = serde_json::json!({
        "revision": head(), "parents": [], "subject": "ship", "body": "", "author": "Ana", "author_email": "",
        "authored_at": 0, "committer": "Ana", "committed_at": 0
    });
    let view: Upcoming = serde_json::from_value(serde_json::json!({
        "repo": "shop", "repo_url": "https://git.example/shop.git", "reference": "ship", "commit": commit, "onto": "main",
        "head": head(), "first_line": "1 commit for main would change 2 targets.", "commits": [commit], "conflicts": [],
        "merged": head(), "files": [], "patch": "", "notes": ["It changes a definition."],
        "targets": [
            of_target("prod-eu", plan, ""),
            of_target("prod-us", serde_json::Value::Null, "the cluster prod-us cannot be reached"),
        ],
    }))
    .unwrap();
    let outline = view.outline();
    let comment = of(&outline, &head(), LINK);
    let printed = client::upcoming::text(&view, false);
    for said in [
        "1 commit for main would change 2 targets.",
        "shop/cart",
        "prod-eu",
        "prod-us",
        "configure",
        "prune",
        "restarts pods",
        "deletes",
        "spec.replicas",
        "spec.paused",
        "It would delete 1 of 3 objects.",
        "A hook waits.",
        "the cluster prod-us cannot be reached",
        "It changes a definition.",
        "awaits approval",
        "not known",
        "?",
    ] {
        assert!(comment.contains(said), "{said} in {comment}");
        assert!(printed.contains(said), "{said} in {printed}");
    }
    for text in [&comment, &printed] {
        assert!(!text.contains("same"), "nothing is written there: {text}");
    }
    // Fields, objects and consequences stand in the same order, which is that of the plan.
    let order = |text: &str| {
        let places = ["spec.replicas", "spec.paused", "shop/old"];
        places.map(|word| text.rfind(word).unwrap())
    };
    assert!(order(&comment).is_sorted() && order(&printed).is_sorted());
    let rows = |text: &str, gap: &str| -> Vec<Vec<String>> {
        let split = |line: &str| -> Vec<String> {
            let cells = line.split(gap).map(|cell| cell.trim().replace('`', ""));
            cells.filter(|cell| !cell.is_empty()).collect()
        };
        let lines = text.lines().map(split);
        lines
            .filter(|cells| cells.len() > 5 && cells[0] == "shop/cart")
            .collect()
    };
    assert_eq!(rows(&comment, "|"), rows(&printed, "  "));
    assert_eq!(rows(&printed, "  ").len(), 2);
}
