//! An emptied cluster, and one that is another one than before, brought back from Git in one action.

use crate::orphans::person;
use crate::world::{WITHIN, World};
use lockstep_types::PortError;
use lockstep_types::ports::ControlPlane;
use lockstep_types::reestablish::{
    Identity, MemberState, ReestablishRequest, ReestablishView, StageMember,
};
use lockstep_types::resource::ResourceKey;
use lockstep_types::source::Mode;
use lockstep_types::sync::SyncPhase;
use server::store;
use std::time::{Duration, Instant};

const BY_HAND: &str = "syncOptions: []";
const HEALING: &str = "automated: {selfHeal: true}";

fn member<'v>(view: &'v ReestablishView, name: &str) -> &'v StageMember {
    view.stages
        .iter()
        .flat_map(|stage| &stage.members)
        .find(|member| member.target.application.name == name)
        .expect(name)
}

/// `1 kinds back`, by stage and name.
fn shown(view: &ReestablishView) -> Vec<String> {
    view.stages
        .iter()
        .flat_map(|stage| {
            stage.members.iter().map(|member| {
                let name = &member.target.application.name;
                format!("{} {name} {}", stage.number, member.state.word())
            })
        })
        .collect()
}

impl World {
    fn define(&self, name: &str, policy: &str, files: &[(&str, String)]) {
        self.repository.write(&format!("apps/{name}.yaml"), &format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: {name}, namespace: argocd}}\nspec:\n  project: default\n  source: {{repoURL: '{}', path: {name}, targetRevision: main}}\n  destination: {{name: {}, namespace: {}}}\n  syncPolicy:\n    {policy}\n",
            self.repository.url(), self.cluster(), self.namespace()
        ));
        for (file, text) in files {
            self.repository.write(&format!("{name}/{file}"), text);
        }
    }

    /// A group of kinds that no other test uses.
    fn widget_group(&self) -> String {
        format!("{}.example.org", self.namespace())
    }

    /// Custom kinds, objects of them that heal by themselves, and a shop that only people sync.
    fn commit_three(&self, kinds: &str) {
        let group = self.widget_group();
        self.define("kinds", BY_HAND, &[("widgets.yaml", format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: widgets.{group}}}\nspec:\n  group: {group}\n  scope: {kinds}\n  names: {{kind: Widget, plural: widgets, singular: widget, listKind: WidgetList}}\n  versions:\n    - name: v1\n      served: true\n      storage: true\n      schema: {{openAPIV3Schema: {{type: object, properties: {{spec: {{type: object, properties: {{size: {{type: integer}}}}}}}}}}}}\n"
        ))]);
        self.define(
            "widgets",
            HEALING,
            &[(
                "one.yaml",
                format!("apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: one}}\nspec: {{size: 3}}\n"),
            )],
        );
        self.commit_shop("hello", 1);
    }

    async fn reestablishing(&self, ports: &ControlPlane) -> ReestablishView {
        let view = ports
            .clusters
            .reestablishing(&person(), self.cluster())
            .await;
        view.expect("a view")
    }

    async fn until_view(
        &self,
        ports: &ControlPlane,
        what: &str,
        holds: impl Fn(&ReestablishView) -> bool,
    ) -> ReestablishView {
        let deadline = Instant::now() + WITHIN;
        loop {
            let view = self.reestablishing(ports).await;
            if holds(&view) {
                return view;
            }
            assert!(Instant::now() < deadline, "not yet: {what}: {view:#?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn begin(&self, ports: &ControlPlane, accept: Option<&str>) -> Result<(), PortError> {
        let request = ReestablishRequest {
            typed: self.cluster().to_owned(),
            reason: "it burned".to_owned(),
            accept: accept.map(str::to_owned),
        };
        ports
            .clusters
            .reestablish(&person(), self.cluster(), &request)
            .await
    }

    fn names(&self, kind: &str) -> String {
        self.kubectl(&["get", kind, "-o", "jsonpath={.items[*].metadata.name}"])
    }
}

fn is_over(view: &ReestablishView) -> bool {
    view.begun
        .as_ref()
        .is_some_and(|begun| begun.ended_at.is_some())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emptied_cluster_comes_back_in_order_over_a_restart() {
    let world = World::start("emptied", Mode::Managed, BY_HAND).await;
    world.commit_three("Namespaced");
    let ports = world.ports().await;
    let known = |view: &ReestablishView| view.declared == 5;
    // The custom kind is not served yet, so its object cannot be looked up.
    let plan = world.until_view(&ports, "all is compared", known).await;
    assert_eq!(plan.identity, Identity::Same);
    assert_eq!(plan.begun, None);
    assert_eq!(
        shown(&plan),
        ["1 kinds planned", "2 shop planned", "2 widgets planned"]
    );
    let why = &member(&plan, "widgets").why;
    assert!(why.contains("uses Widget of kinds"), "{why}");

    // Nobody types another name by mistake, and nothing is begun twice.
    let wrong = ReestablishRequest {
        typed: "another".to_owned(),
        reason: "it burned".to_owned(),
        accept: None,
    };
    let refused = ports
        .clusters
        .reestablish(&person(), world.cluster(), &wrong)
        .await;
    assert!(
        matches!(refused, Err(PortError::Invalid { .. })),
        "{refused:?}"
    );
    world.begin(&ports, None).await.expect("it begins");
    let twice = world.begin(&ports, None).await;
    assert!(matches!(twice, Err(PortError::Conflict(_))), "{twice:?}");

    // A server that ends on the way goes on where it was.
    let world = world.restart().await;
    let ports = world.ports().await;
    let end = world.until_view(&ports, "it is over", is_over).await;
    assert_eq!(
        shown(&end),
        ["1 kinds back", "2 shop back", "2 widgets back"]
    );
    assert_eq!(
        end.begun.as_ref().map(|begun| begun.ending.as_str()),
        Some("3 back")
    );
    assert_eq!(world.names("deployments"), "web");
    let widgets = format!("widgets.{}", world.widget_group());
    assert_eq!(world.names(&widgets), "one");
    let mut times = Vec::new();
    for name in ["kinds", "shop", "widgets"] {
        let run = member(&end, name).run.expect("a run");
        let view = ports.syncs.run(&person(), run).await.expect("the run");
        times.push((view.summary.started_at, view.summary.ended_at));
    }
    let first = times[0].1.expect("it ended");
    assert!(
        times[1..].iter().all(|(began, _)| *began >= first),
        "{times:?}"
    );

    // Emptied: everything is gone, and comes back once more, what heals by itself in its turn too.
    world.kubectl(&["delete", "crd", &widgets, "--wait=true"]);
    world.kubectl(&["delete", "deployments,configmaps", "--all", "--wait=true"]);
    let empty = |view: &ReestablishView| view.absent >= 4;
    world.until_view(&ports, "it is empty", empty).await;
    world.begin(&ports, None).await.expect("it begins");
    let end = world
        .until_view(&ports, "it is over", |view| {
            is_over(view) && view.absent == 0
        })
        .await;
    assert_eq!(
        shown(&end),
        ["1 kinds back", "2 shop back", "2 widgets back"]
    );
    assert_eq!(world.names("deployments"), "web");
    assert_eq!(world.names(&widgets), "one");
    world.kubectl(&["delete", "crd", &widgets]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_holds_up_only_those_that_need_it() {
    let world = World::start("halfback", Mode::Managed, BY_HAND).await;
    world.commit_three("Nowhere");
    let ports = world.ports().await;
    world
        .until_view(&ports, "all is compared", |view| view.declared == 5)
        .await;
    // What heals by itself has tried before; it would try again in some seconds.
    let widgets = member(&world.reestablishing(&ports).await, "widgets")
        .target
        .id;
    let before = world
        .until_runs_of(widgets, "it failed", |runs| {
            runs.iter().any(|run| run.phase == SyncPhase::Failed)
        })
        .await;
    world.begin(&ports, None).await.expect("it begins");
    let stuck = world
        .until_view(&ports, "the shop is back", |view| {
            member(view, "shop").state == MemberState::Back
                && member(view, "kinds").state == MemberState::Failed
        })
        .await;
    let stuck = match stuck.stuck {
        true => stuck,
        false => {
            world
                .until_view(&ports, "nothing goes on", |view| view.stuck)
                .await
        }
    };
    let waiting = member(&stuck, "widgets");
    assert_eq!(waiting.state, MemberState::Waits);
    assert_eq!(
        waiting.words,
        "Waits for kinds, which failed; mend it and press Sync there"
    );
    // It heals by itself, and yet leaves the cluster alone until it is its turn; its page says so.
    let target = waiting.target.id;
    let deadline = Instant::now() + WITHIN;
    loop {
        let row = store::target::get(world.store(), target)
            .await
            .expect("a row");
        let cause = row
            .state
            .reason
            .map(|reason| reason.cause)
            .unwrap_or_default();
        if cause.contains("Waits for another application, which failed") {
            break;
        }
        assert!(Instant::now() < deadline, "its reason is {cause:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // What it would have tried again by itself, it has not.
    let runs = store::run::of_target(world.store(), target, None, 10)
        .await
        .expect("runs");
    assert_eq!(runs.len(), before.len(), "{runs:#?}");
    ports
        .clusters
        .stop_reestablish(&person(), world.cluster())
        .await
        .expect("it stops");
    let view = world.reestablishing(&ports).await;
    let ending = view.begun.expect("it was begun").ending;
    assert_eq!(ending, "stopped by maria");
    let again = ports
        .clusters
        .stop_reestablish(&person(), world.cluster())
        .await;
    assert!(matches!(again, Err(PortError::Conflict(_))), "{again:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_cluster_takes_the_place_of_one_only_when_somebody_says_so() {
    const BEFORE: &str = "00000000-0000-0000-0000-000000000000";
    let world = World::start(
        "replaced",
        Mode::Managed,
        "automated: {prune: true, selfHeal: true}",
    )
    .await;
    let revision = world.commit_shop("hello", 1);
    world.until_deployed(&revision).await;
    let target = world.target();
    // The same cluster, as if the server had known another one: there it once wrote `theirs`, which somebody else owns here.
    world.kubectl(&["create", "configmap", "theirs"]);
    let row = store::cluster::by_name(world.store(), world.cluster())
        .await
        .expect("clusters")
        .expect("the cluster");
    let found = row.identity.expect("it is known");
    let mut tx = world.store().begin().await.expect("a write");
    store::reestablish::replace(&mut tx, world.cluster(), &found, BEFORE)
        .await
        .expect("another identity");
    let theirs = ResourceKey::new("", "ConfigMap", world.namespace(), "theirs");
    store::inventory::write_ahead(&mut tx, target, &[(theirs, "v1".to_owned())])
        .await
        .expect("an inventory");
    tx.commit().await.expect("a commit");
    world.kubectl(&["delete", "deployment", "web", "--wait=true"]);
    let world = world.restart().await;
    let ports = world.ports().await;
    let replaced = Identity::Replaced {
        known: BEFORE.to_owned(),
        found: found.clone(),
    };
    world
        .until_view(&ports, "the other one is seen", |view| {
            view.identity == replaced
        })
        .await;
    for accept in [None, Some(BEFORE)] {
        let refused = world.begin(&ports, accept).await;
        assert!(
            matches!(&refused, Err(PortError::Conflict(why)) if why.contains(&found)),
            "{refused:?}"
        );
    }
    assert_eq!(world.names("deployments"), "", "nothing was written");
    world.begin(&ports, Some(&found)).await.expect("it begins");
    let end = world.until_view(&ports, "it is over", is_over).await;
    assert_eq!(end.identity, Identity::Same);
    assert_eq!(world.names("deployments"), "web");
    // What the other cluster held is not this one's to delete, whatever Git says.
    let kept = store::inventory::of_target(world.store(), target)
        .await
        .expect("an inventory");
    let names: Vec<&str> = kept.iter().map(|entry| entry.key.name.as_str()).collect();
    assert_eq!(names, ["extra", "settings", "web"]);
    assert!(world.names("configmaps").contains("theirs"));
    world.end().await;
}
