//! Hooks in a plan: manifests as they stand in Git in, the plan as text out.

use super::*;
use lockstep_types::plan::HookDeletion;

/// Every document is declared; `live` ones are there as an earlier sync left them.
fn planned(documents: &str, live: &[&str], hooks: HookRuns) -> (World, Plan) {
    let mut world = World::new();
    world.policy.hooks = hooks;
    for text in documents
        .split("---\n")
        .filter(|text| !text.trim().is_empty())
    {
        let body = crate::yaml::documents(text).unwrap()[0].value().unwrap();
        let manifest = tracking::stamp(&Manifest::new(body, None).unwrap(), INSTALLATION, TARGET);
        let key = manifest.key.clone();
        let name = key.name.clone();
        let is_hook = hook::hook(&manifest.body).is_some();
        world.desired.push(manifest);
        if live.contains(&name.as_str()) {
            let mut facts = facts(&key, &format!("uid-of-{name}"));
            facts.hook = is_hook;
            world.live.insert(key, LiveFact::Present(facts));
        } else {
            world.live.insert(key, LiveFact::Absent);
        }
    }
    let plan = world.plan();
    (world, plan)
}

fn read(documents: &str, live: &[&str], hooks: HookRuns) -> String {
    table(&planned(documents, live, hooks).1)
}

const EVERY_PHASE: &str = "
apiVersion: batch/v1
kind: Job
metadata: {name: smoke, namespace: shop, annotations: {argocd.argoproj.io/hook: PostSync, argocd.argoproj.io/hook-delete-policy: HookSucceeded}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, namespace: shop, annotations: {argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: 'BeforeHookCreation,HookFailed'}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: backup, namespace: shop, annotations: {argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/sync-wave: '-5'}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: warm, namespace: shop, annotations: {argocd.argoproj.io/hook: Sync, argocd.argoproj.io/sync-wave: '1'}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: tell, namespace: shop, annotations: {argocd.argoproj.io/hook: SyncFail}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: bye, namespace: shop, annotations: {argocd.argoproj.io/hook: PreDelete}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: never, namespace: shop, annotations: {argocd.argoproj.io/hook: Skip}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, annotations: {argocd.argoproj.io/sync-wave: '1'}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop, annotations: {argocd.argoproj.io/sync-wave: '-2'}}
";

#[test]
fn hooks_run_in_their_phases_and_waves() {
    insta::assert_snapshot!(read(EVERY_PHASE, &["migrate"], HookRuns::WithChanges));
}

#[test]
fn a_sync_that_changes_nothing_runs_hooks_only_when_asked() {
    let all = [
        "smoke", "migrate", "backup", "warm", "tell", "web", "settings",
    ];
    insta::assert_snapshot!(read(EVERY_PHASE, &all, HookRuns::WithChanges));
    let asked = planned(EVERY_PHASE, &all, HookRuns::Always).1;
    assert_eq!((asked.counts().hooks, asked.counts().skip), (4, 2));
    let healing = planned(EVERY_PHASE, &[], HookRuns::Never).1;
    assert_eq!((healing.counts().hooks, healing.counts().create), (0, 2));
}

#[test]
fn helms_hooks_are_mapped() {
    let text = "
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, namespace: shop, annotations: {helm.sh/hook: 'pre-install,pre-upgrade', helm.sh/hook-weight: '5', helm.sh/hook-delete-policy: 'before-hook-creation,hook-succeeded'}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: migrate, namespace: shop, annotations: {helm.sh/hook: pre-install, helm.sh/hook-weight: '-1'}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: both, namespace: shop, annotations: {helm.sh/hook: 'pre-upgrade,post-upgrade', helm.sh/hook-delete-policy: hook-failed}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: test, namespace: shop, annotations: {helm.sh/hook: test}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: undo, namespace: shop, annotations: {helm.sh/hook: pre-rollback}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: typo, namespace: shop, annotations: {helm.sh/hook: pre-instal}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com, annotations: {helm.sh/hook: crd-install}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: argo, namespace: shop, annotations: {helm.sh/hook: pre-install, helm.sh/hook-weight: '9', argocd.argoproj.io/hook: PostSync}}
";
    insta::assert_snapshot!(read(text, &["migrate"], HookRuns::WithChanges));
}

#[test]
fn the_destination_namespace_comes_before_the_first_hook() {
    let (mut world, _) = planned(EVERY_PHASE, &[], HookRuns::WithChanges);
    world.policy.create_namespace = true;
    world.namespace_exists = Some(false);
    let plan = world.plan();
    let first = &plan.steps[0];
    assert_eq!(
        (first.key.to_string().as_str(), first.phase, first.wave),
        ("/Namespace:/shop", PlanPhase::PreSync, -5)
    );
}

#[test]
fn prunes_come_before_the_hooks_after_the_sync() {
    let (mut world, _) = planned(EVERY_PHASE, &["web", "settings"], HookRuns::WithChanges);
    world.left_git("/ConfigMap:shop/old");
    let plan = world.plan();
    let order: Vec<(&str, &str)> = plan
        .steps
        .iter()
        .filter(|step| step.action.writes() && step.phase != PlanPhase::SyncFail)
        .map(|step| (step.key.name.as_str(), step.action.word()))
        .collect();
    assert_eq!(
        order,
        [
            ("backup", "hook"),
            ("migrate", "hook"),
            ("warm", "hook"),
            ("old", "prune"),
            ("smoke", "hook"),
            ("smoke", "clean up after success"),
        ]
    );
}

/// What stands where a hook is to be made goes only if it is the hook of an earlier sync of ours.
#[test]
fn only_what_is_ours_is_cleaned_up() {
    type Twist = fn(&mut PresentFacts);
    let cases: [(&str, Twist, &str, &str); 4] = [
        ("ours", |_| {}, "", ""),
        ("nobody's", |facts| facts.tracking = None, "G5", ""),
        ("ours, but no hook", |facts| facts.hook = false, "G5", ""),
        (
            "another application's",
            |facts| {
                facts.tracking = facts
                    .tracking
                    .take()
                    .map(|id| id.replace(TARGET, "other@cluster"))
            },
            "",
            "it belongs to other@cluster",
        ),
    ];
    for (whose, twist, asks, refuses) in cases {
        let (mut world, _) = planned(EVERY_PHASE, &["migrate"], HookRuns::WithChanges);
        let key = ResourceKey::parse("batch/Job:shop/migrate").unwrap();
        twist(world.facts_of(&key));
        let plan = world.plan();
        let rules: Vec<&str> = plan
            .gate
            .iter()
            .map(|finding| finding.rule.as_str())
            .collect();
        assert_eq!(rules.join(","), asks, "{whose}");
        let skipped = plan.steps.iter().find_map(|step| match &step.action {
            Action::Skip(why) if step.key == key => Some(why.clone()),
            _ => None,
        });
        assert!(
            skipped.clone().unwrap_or_default().contains(refuses),
            "{whose}: {skipped:?}"
        );
        assert_eq!(skipped.is_some(), !refuses.is_empty(), "{whose}");
        world.approved = Some(plan.digest.clone());
        assert!(world.plan().gate.is_empty(), "{whose}");
    }
}

#[test]
fn a_hook_that_holds_data_is_not_made_anew_unasked() {
    let text = "
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: scratch, namespace: shop, annotations: {helm.sh/hook: pre-install}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
";
    assert!(planned(text, &[], HookRuns::WithChanges).1.gate.is_empty());
    let asked = planned(text, &["scratch"], HookRuns::WithChanges).1;
    assert_eq!(asked.gate[0].rule, "G4");
}

#[test]
fn a_name_that_was_left_to_the_cluster_is_used_anew_every_time() {
    let body = json!({"metadata": {"annotations": {
        hook::ARGO_HOOK: "PreSync", "argocd.argoproj.io/hook-delete-policy": "HookSucceeded",
        crate::manifest::GENERATED_NAME: "migrate-"
    }}});
    let hook = hook::hook(&body).unwrap();
    assert!(hook.deletions.contains(&HookDeletion::BeforeHookCreation));
}
