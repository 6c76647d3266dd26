use super::check::check;
use super::text::table;
use super::*;
use crate::tracking;
use lockstep_types::plan::PlanCounts;
use serde_json::{Value, json};

mod checker;
mod gate;
mod hooks;
mod options;
mod random;
mod removal;
mod selection;
mod world;

use world::{World, differing, facts, manifest};

const TARGET: &str = "root/ArgoApplication/argocd/shop@prod";
const INSTALLATION: Uuid = Uuid::from_u128(7);

#[test]
fn a_first_sync_creates_in_order() {
    let mut world = World::new();
    world.policy.create_namespace = true;
    world.namespace_exists = Some(false);
    for key in [
        "apps/Deployment:shop/web",
        "/ConfigMap:shop/web",
        "/Service:shop/web",
        "example.com/Widget:shop/w",
    ] {
        world.new_object(key);
    }
    world.new_object("apiextensions.k8s.io/CustomResourceDefinition:/widgets");
    let key = world.declare("batch/Job:shop/migrate", &json!({order::SYNC_WAVE: "-1"}));
    world.live.insert(key, LiveFact::Absent);
    let plan = world.plan();
    insta::assert_snapshot!(table(&plan), @"
    plan f3f284e7685e at 0123456: 7 create, 0 configure, 0 unchanged, 0 prune, 0 skip
      #  wave  action  object                                                 impact
      0    -1  create  Namespace shop                                         configures
      1    -1  create  Job.batch shop/migrate                                 configures
      2     0  create  CustomResourceDefinition.apiextensions.k8s.io widgets  configures
      3     0  create  ConfigMap shop/web                                     configures
      4     0  create  Service shop/web                                       configures
      5     0  create  Deployment.apps shop/web                               configures
      6     0  create  Widget.example.com shop/w                              configures
    ");
    let batches: Vec<usize> = stages(&plan)
        .iter()
        .flat_map(|stage| &stage.batches)
        .map(Vec::len)
        .collect();
    assert_eq!(batches, [1, 1, 1, 1, 2, 1]);
}

#[test]
fn changes_and_prunes_read_as_a_plan() {
    let mut world = World::new();
    let web = world.synced("apps/Deployment:shop/web");
    world
        .diffs
        .insert(web.clone(), differing(&web, DiffClass::Drift));
    let scaled = world.synced("apps/Deployment:shop/scaled");
    world
        .diffs
        .insert(scaled.clone(), differing(&scaled, DiffClass::OwnedByOther));
    world.synced("/Service:shop/web");
    let hook = world.declare(
        "batch/Job:shop/hook",
        &json!({"argocd.argoproj.io/hook": "PreSync"}),
    );
    world.live.insert(hook, LiveFact::Absent);
    for key in ["/ConfigMap:shop/old", "networking.k8s.io/Ingress:shop/old"] {
        world.left_git(key);
    }
    let later = world.left_git("/ServiceAccount:shop/later");
    world.facts_of(&later).wave = 5;
    let plan = world.plan();
    insta::assert_snapshot!(table(&plan), @"
    plan 4e83f0e5a35d at 0123456: 0 create, 1 configure, 2 unchanged, 3 prune, 0 skip, 1 hook
      #       wave  action     object                              impact
      0  PreSync 0  hook       Job.batch shop/hook
      1          0  unchanged  Service shop/web
      2          0  unchanged  Deployment.apps shop/scaled
      3          0  configure  Deployment.apps shop/web            scales
                               spec.replicas: 2 -> 3
      4          1  prune      ServiceAccount shop/later           deletes
      5          2  prune      Ingress.networking.k8s.io shop/old  deletes
      6          2  prune      ConfigMap shop/old                  deletes
    ");
    assert_eq!(
        plan.counts(),
        PlanCounts {
            create: 0,
            configure: 1,
            unchanged: 2,
            prune: 3,
            skip: 0,
            hooks: 1
        }
    );
    assert!(plan.gate.is_empty());
}

#[test]
fn g2_an_empty_render_waits_unless_allowed() {
    let mut world = World::new();
    world.left_git("/ConfigMap:shop/a");
    let plan = world.plan();
    assert_eq!(
        plan.gate
            .iter()
            .map(|finding| finding.rule.as_str())
            .collect::<Vec<_>>(),
        ["G2"]
    );
    world.policy.allow_empty = true;
    assert!(world.plan().gate.is_empty());
}

#[test]
fn g4_asks_for_many_for_the_last_workload_and_for_what_holds_data() {
    let findings = |world: &World| -> Vec<String> {
        world
            .plan()
            .gate
            .iter()
            .map(|finding| format!("{}: {}", finding.rule, finding.message))
            .collect()
    };
    let mut many = World::new();
    for index in 0..16 {
        many.synced(&format!("/ConfigMap:shop/kept-{index}"));
    }
    for index in 0..3 {
        many.left_git(&format!("/ConfigMap:shop/old-{index}"));
    }
    assert_eq!(findings(&many), [""; 0]);
    many.left_git("/ConfigMap:shop/old-3");
    assert_eq!(findings(&many), [""; 0], "4 of 20 is one in five");
    many.left_git("/ConfigMap:shop/old-4");
    assert_eq!(
        findings(&many),
        ["G4: 5 of 21 objects would be deleted; up to 4 go without asking"]
    );

    let mut last = World::new();
    last.synced("/ConfigMap:shop/kept");
    last.left_git("apps/Deployment:shop/web");
    assert_eq!(findings(&last), ["G4: the last workload would be deleted"]);
    last.synced("batch/CronJob:shop/other");
    assert_eq!(findings(&last), [""; 0]);

    for key in [
        "/Namespace:/shop",
        "/PersistentVolume:/a",
        "/PersistentVolumeClaim:shop/a",
        "apps/StatefulSet:shop/a",
        "apiextensions.k8s.io/CustomResourceDefinition:/a",
        "apiregistration.k8s.io/APIService:/a",
        "admissionregistration.k8s.io/ValidatingWebhookConfiguration:/a",
        "admissionregistration.k8s.io/MutatingWebhookConfiguration:/a",
    ] {
        let mut world = World::new();
        world.synced("apps/Deployment:shop/web");
        let key = world.left_git(key);
        world.cascade.insert(key.clone(), 12);
        let findings = findings(&world);
        assert_eq!(findings.len(), 1, "{key}: {findings:?}");
        assert!(findings[0].contains("12"), "{findings:?}");
    }
}

#[test]
fn an_approval_holds_for_exactly_one_plan() {
    let mut world = World::new();
    world.left_git("/ConfigMap:shop/a");
    let waiting = world.plan();
    assert!(!waiting.gate.is_empty());
    world.approved = Some(waiting.digest.clone());
    let approved = world.plan();
    assert_eq!(
        (approved.gate.len(), &approved.digest),
        (0, &waiting.digest)
    );
    assert!(
        approved
            .report
            .iter()
            .any(|sentence| sentence.starts_with("Approved")),
        "{:?}",
        approved.report
    );
    // Something else would be deleted now: the yes was not for this.
    world.left_git("/ConfigMap:shop/b");
    let other = world.plan();
    assert_ne!(other.digest, waiting.digest);
    assert!(!other.gate.is_empty());
}

#[test]
fn what_is_not_surely_ours_is_kept() {
    type Twist = fn(&mut World, &ResourceKey);
    let cases: [(&str, Twist); 11] = [
        ("pruning is off", |world, _| world.policy.prune = false),
        ("another object has taken its place", |world, key| {
            world.facts_of(key).uid = "other".to_owned()
        }),
        ("no UID was recorded", |world, _| {
            world
                .inventory
                .iter_mut()
                .for_each(|entry| entry.uid = None)
        }),
        ("does not carry our tracking id", |world, key| {
            world.facts_of(key).tracking = None
        }),
        ("belongs to another installation", |world, key| {
            let id = tracking::TrackingId {
                installation: Uuid::nil(),
                target_key: TARGET.to_owned(),
                key: key.clone(),
            };
            world.facts_of(key).tracking = Some(id.text());
        }),
        ("belongs to other@cluster", |world, key| {
            let id = tracking::TrackingId {
                installation: INSTALLATION,
                target_key: "other@cluster".to_owned(),
                key: key.clone(),
            };
            world.facts_of(key).tracking = Some(id.text());
        }),
        ("names another object", |world, key| {
            let mut other = key.clone();
            other.name = "copied-from".to_owned();
            let id = tracking::TrackingId {
                installation: INSTALLATION,
                target_key: TARGET.to_owned(),
                key: other,
            };
            world.facts_of(key).tracking = Some(id.text());
        }),
        ("is being deleted already", |world, key| {
            world.facts_of(key).terminating = true
        }),
        ("a sync prunes no hooks", |world, key| {
            world.facts_of(key).hook = true
        }),
        ("Prune=false", |world, key| {
            world.facts_of(key).prune = PruneWish::Never("sync-options: Prune=false".to_owned())
        }),
        ("its live state is not known (403)", |world, key| {
            world
                .live
                .insert(key.clone(), LiveFact::Unknown("403".to_owned()));
        }),
    ];
    for (reason, twist) in cases {
        let mut world = World::new();
        world.synced("apps/Deployment:shop/web");
        let key = world.left_git("/ConfigMap:shop/old");
        twist(&mut world, &key);
        let plan = world.plan();
        let step = plan.steps.iter().find(|step| step.key == key).unwrap();
        assert!(
            matches!(&step.action, Action::Skip(why) if why.contains(reason)),
            "{reason}: {:?}",
            step.action
        );
        assert!(
            plan.report.iter().any(|sentence| sentence.contains(reason)),
            "{reason}: {:?}",
            plan.report
        );
    }
}

#[test]
fn g11_one_unknown_object_stops_every_delete() {
    let mut world = World::new();
    let web = world.synced("apps/Deployment:shop/web");
    world.left_git("/ConfigMap:shop/old");
    world.live.remove(&web);
    let plan = world.plan();
    insta::assert_snapshot!(table(&plan), @"
    plan c29131f2af4e at 0123456: 0 create, 0 configure, 0 unchanged, 0 prune, 2 skip
      #  wave  action  object                    impact
      0     0  skip    Deployment.apps shop/web
                       its live state is not known
      1     1  skip    ConfigMap shop/old
                       the live state of Deployment web is not known; nothing is deleted until it is
    note: The live state of Deployment web is not known: nothing is deleted.
    note: Deployment web is left alone: its live state is not known.
    note: ConfigMap old is left alone: the live state of Deployment web is not known; nothing is deleted until it is.
    ");
    assert!(!plan.writes());
}

#[test]
fn g6_an_object_of_somebody_else_is_not_applied() {
    let mut world = World::new();
    let web = world.synced("apps/Deployment:shop/web");
    world
        .diffs
        .insert(web.clone(), differing(&web, DiffClass::NotYetSynced));
    let id = tracking::TrackingId {
        installation: INSTALLATION,
        target_key: "other@cluster".to_owned(),
        key: web.clone(),
    };
    world.facts_of(&web).tracking = Some(id.text());
    assert_eq!(world.plan().counts().skip, 1);
    // Nobody's object is adopted.
    world.facts_of(&web).tracking = None;
    assert_eq!(world.plan().counts().configure, 1);
}

#[test]
fn prune_confirm_asks() {
    let mut world = World::new();
    world.synced("apps/Deployment:shop/web");
    let key = world.left_git("/ConfigMap:shop/old");
    world.facts_of(&key).prune = PruneWish::Confirm;
    assert_eq!(world.plan().gate.len(), 1);
}

#[test]
fn the_destination_namespace_is_never_pruned() {
    let mut world = World::new();
    world.policy.create_namespace = true;
    world.synced("apps/Deployment:shop/web");
    world.left_git("/Namespace:/shop");
    assert_eq!(world.plan().counts().prune, 0);
}

#[test]
fn what_could_not_be_compared_is_left_to_the_cluster() {
    let mut world = World::new();
    let web = world.synced("apps/Deployment:shop/web");
    let diff = ResourceDiff {
        kind: ResourceDiffKind::Unsure("422".to_owned()),
        changes: Vec::new(),
        ..differing(&web, DiffClass::Drift)
    };
    world.diffs.insert(web, diff);
    assert_eq!(world.plan().counts().configure, 1);
}

#[test]
fn facts_are_read_off_live_objects() {
    let body = |annotations: Value| json!({"apiVersion": "v1", "metadata": {"uid": "u", "annotations": annotations}});
    let wish = |annotations: Value| match LiveFact::of(&body(annotations)) {
        LiveFact::Present(facts) => facts.prune,
        other => panic!("{other:?}"),
    };
    assert_eq!(wish(json!({})), PruneWish::Unsaid);
    assert_eq!(
        wish(json!({"argocd.argoproj.io/sync-options": "Replace=true, Prune=confirm"})),
        PruneWish::Confirm
    );
    for annotations in [
        json!({"argocd.argoproj.io/sync-options": "Replace=true,Prune=false"}),
        json!({"kustomize.toolkit.fluxcd.io/prune": "Disabled"}),
        json!({"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}),
        json!({"helm.sh/resource-policy": "keep"}),
    ] {
        assert!(
            matches!(wish(annotations.clone()), PruneWish::Never(_)),
            "{annotations}"
        );
    }
    assert!(matches!(LiveFact::of(&json!({})), LiveFact::Unknown(_)));
    let terminating = json!({"apiVersion": "v1", "metadata": {"uid": "u", "deletionTimestamp": "2026-01-01T00:00:00Z"}});
    assert!(matches!(LiveFact::of(&terminating), LiveFact::Present(facts) if facts.terminating));
}
